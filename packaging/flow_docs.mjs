/*
 * flow_docs.mjs [--check] - writes the mapping tables of docs/flows.md anew from common/map/defaults/*.map.
 *
 * A table stands between "<!-- mapping KIND -->" and "<!-- end -->". With --check nothing is written; exit status 1 when a
 * table is not as the mapping has it, or a mapping has no table.
 */

import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../', import.meta.url));
const DOCUMENT = path.join(ROOT, 'docs/flows.md');
const FOLDER = path.join(ROOT, 'common/map/defaults');

// --- libconfig, as far as the mappings use it ----------------------------------------

function tokens(text) {
  const found = [];
  const pattern = /\s+|#[^\n]*|\/\/[^\n]*|\/\*[\s\S]*?\*\/|"((?:[^"\\]|\\.)*)"|[A-Za-z_*][\w*-]*|-?\d[\w.]*|[{}()[\]=:;,]/gy;
  let last = 0;
  for (let match = pattern.exec(text); match; match = pattern.exec(text)) {
    last = pattern.lastIndex;
    const [whole, string] = match;
    if (string !== undefined) found.push({ string: string.replace(/\\(.)/g, '$1') });
    else if (!/^(\s|#|\/\/|\/\*)/.test(whole)) found.push({ word: whole });
  }
  if (last !== text.length) throw new Error(`cannot read at "${text.slice(last, last + 40)}"`);
  return found;
}

class Reader {
  constructor(text) {
    this.list = tokens(text);
    this.at = 0;
  }

  is = (word) => this.list[this.at]?.word === word;

  /** name = value; ... until `end` (undefined: of the text) */
  group(end) {
    const result = {};
    while (this.at < this.list.length && !this.is(end)) {
      const { word } = this.list[this.at];
      this.at += 2; // name and = or :
      result[word] = this.value();
      while (this.is(';') || this.is(',')) this.at += 1;
    }
    this.at += 1;
    return result;
  }

  items(end) {
    const result = [];
    while (!this.is(end)) {
      result.push(this.value());
      if (this.is(',')) this.at += 1;
    }
    this.at += 1;
    return result;
  }

  value() {
    const token = this.list[this.at];
    this.at += 1;
    if (token.string !== undefined) {
      let text = token.string;
      while (this.list[this.at]?.string !== undefined) { text += this.list[this.at].string; this.at += 1; } // adjacent strings are one
      return text;
    }
    if (token.word === '{') return this.group('}');
    if (token.word === '(') return this.items(')');
    if (token.word === '[') return this.items(']');
    return token.word;
  }
}

// --- the table -----------------------------------------------------------------------

const code = (text) => `\`${String(text).replaceAll('|', '\\|')}\``;
const all = (value) => [value].flat();

/** A short one as it is; of a long one, what it reads. */
function expressionOf(expression) {
  if (!expression.includes('\n')) return `by ${code(expression)}`;
  const read = new Set([...expression.matchAll(/get\('([^']+)'\)/g)].map(([, name]) => name));
  return `worked out from ${[...read].map(code).join(', ')}`;
}

function sourceOf(field) {
  const parts = [];
  if (field.const !== undefined) parts.push(`always ${code(field.const)}`);
  if (field.concat) parts.push(all(field.concat).map(code).join(' and '));
  if (field.from) parts.push(all(field.from).map(code).join(', else '));
  if (field.expr) parts.push(expressionOf(field.expr));
  if (field.from_line) parts.push(code(field.from_line));
  return parts.join(', ') || '-';
}

function rulesOf(field) {
  const rules = [];
  if (field.type && field.type !== 'text') rules.push(field.type);
  if (field.required === 'true') rules.push('must be there');
  if (field.max) rules.push(`at most ${field.max}`);
  if (field.table) rules.push(`by table ${code(field.table)}${field.unknown ? `, unknown: ${field.unknown}` : ''}`);
  if (field.lookup) rules.push(`the row of ${code(field.lookup.set)} with this ${code(field.lookup.key)}`);
  if (field.empty) rules.push(`when empty: ${field.empty}`);
  if (field.absent) rules.push(`when absent: ${field.absent}`);
  return rules.join('; ');
}

const rowsOf = (fields, start = '') => fields.map((field) => `| ${code(start + field.to)} | ${sourceOf(field)} | ${rulesOf(field)} |`);

function tableOf(kind) {
  const map = new Reader(fs.readFileSync(path.join(FOLDER, `${kind}.map`), 'utf8')).group();
  const key = map.key ? `, told apart by ${code(map.key)}` : '';
  const lines = [`To ${code(map.target)}${key}. Mapping: \`common/map/defaults/${kind}.map\`.`, '', '| column | value | rules |', '|---|---|---|', ...rowsOf(map.fields)];
  for (const group of all(map.lines ?? [])) lines.push(...rowsOf(group.fields, `${group.to}[].`));
  for (const [name, rows] of Object.entries(map.tables ?? {})) {
    lines.push('', `Table \`${name}\`: ${all(rows).map(([from, to]) => `${from} -> ${to}`).join(', ')}.`);
  }
  if (map.inactive) lines.push('', 'When gone: ', ...map.inactive.filter(({ const: value }) => value !== undefined).map(({ to, const: value }) => `${code(to)} = ${code(value)}`));
  const gone = lines.indexOf('When gone: ');
  if (gone < 0) return lines.join('\n');
  const lookups = map.inactive.filter((field) => field.const === undefined).map((field) => code(field.to));
  const sets = lines.slice(gone + 1);
  return [...lines.slice(0, gone), `When gone: ${[...sets, lookups.length ? `kept or found as above: ${lookups.join(', ')}` : ''].filter(Boolean).join(', ')}.`].join('\n');
}

const kinds = fs.readdirSync(FOLDER).filter((name) => name.endsWith('.map')).map((name) => name.slice(0, -4));
const before = fs.readFileSync(DOCUMENT, 'utf8');
const placed = new Set();
const after = before.replace(/<!-- mapping ([\w-]+) -->\n[\s\S]*?<!-- end -->/g, (whole, kind) => {
  placed.add(kind);
  return `<!-- mapping ${kind} -->\n${tableOf(kind)}\n<!-- end -->`;
});
const missing = kinds.filter((kind) => !placed.has(kind));
if (missing.length > 0) console.error(`docs/flows.md has no table of: ${missing.join(', ')}; add "<!-- mapping KIND -->" and "<!-- end -->"`);
if (process.argv.includes('--check')) {
  if (before !== after) console.error('docs/flows.md: a table is not as its mapping has it; run: node packaging/flow_docs.mjs');
  process.exit(before === after && missing.length === 0 ? 0 : 1);
}
fs.writeFileSync(DOCUMENT, after);
process.exit(missing.length === 0 ? 0 : 1);

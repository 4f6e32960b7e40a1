/*
 * $filter: text -> syntax tree -> a predicate over stored rows.
 *
 * parseFilter(text) gives nodes { op: 'and'|'or'|'not', ... } and
 * { op: 'eq'|..., path, value } / { op: 'contains'|..., path, value } / { op: 'in', ... }.
 * compileFilter(ctx, table, node) gives row => boolean. Texts compare without case,
 * and "ne" is true for an empty column, as in the service.
 */

import { secondsText } from './clock.mjs';
import { DECIMAL_SCALE, MONEY_SCALE, parseDecimal, unitsOf } from './decimal.mjs';
import { errors } from './errors.mjs';
import { GUID } from './uri.mjs';

const TOKEN = /\s*(?:('(?:[^']|'')*')|([()\[\],])|([^\s()',\[\]]+))/y;
const COMPARISONS = new Set(['eq', 'ne', 'gt', 'ge', 'lt', 'le']);
const TEXT_FUNCTIONS = new Set(['contains', 'startswith', 'endswith']);
const IN = 'Microsoft.Dynamics.CRM.In';

const syntax = (text) => errors.badQuery(`Syntax error in $filter: ${text}`);

export function parseFilter(text) {
  const tokens = tokenize(text);
  let at = 0;
  const peek = () => tokens[at];
  const take = () => {
    const token = tokens[at];
    if (token === undefined) throw syntax(`'${text}' ends too early.`);
    at += 1;
    return token;
  };
  const expect = (wanted) => {
    const token = take();
    if (token !== wanted) throw syntax(`'${wanted}' expected, '${token}' found.`);
  };

  function readOr() {
    let left = readAnd();
    while (peek() === 'or') {
      take();
      left = { op: 'or', left, right: readAnd() };
    }
    return left;
  }

  function readAnd() {
    let left = readUnary();
    while (peek() === 'and') {
      take();
      left = { op: 'and', left, right: readUnary() };
    }
    return left;
  }

  function readUnary() {
    if (peek() === 'not') {
      take();
      return { op: 'not', inner: readUnary() };
    }
    if (peek() === '(') {
      take();
      const inner = readOr();
      expect(')');
      return inner;
    }
    return readTerm();
  }

  function readTerm() {
    const name = take();
    if (TEXT_FUNCTIONS.has(name)) return readFunction(name);
    if (name === IN) return readIn();
    if (peek() === '(') throw syntax(`the function '${name}' is not supported.`);
    const op = take();
    if (!COMPARISONS.has(op)) throw syntax(`'${op}' is not a comparison.`);
    return { op, path: name, value: literal(take()) };
  }

  function readFunction(name) {
    expect('(');
    const path = take();
    expect(',');
    const value = literal(take());
    expect(')');
    return { op: name, path, value };
  }

  function readIn() {
    expect('(');
    const [parameter, path] = splitParameter(take(), take());
    expect(',');
    const list = take();
    if (parameter !== 'PropertyName' || list !== 'PropertyValues=') throw syntax(`${IN} needs PropertyName and PropertyValues.`);
    expect('[');
    const values = [];
    while (peek() !== ']') {
      values.push(literal(take()));
      if (peek() === ',') take();
    }
    take();
    expect(')');
    return { op: 'in', path, values };
  }

  const node = readOr();
  if (at < tokens.length) throw syntax(`'${peek()}' is not expected here.`);
  return node;
}

function splitParameter(token, value) {
  return [token.replace(/=$/, ''), value.startsWith("'") ? value.slice(1, -1) : value];
}

function tokenize(text) {
  const tokens = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.length) {
    if (text.slice(TOKEN.lastIndex).trim() === '') break;
    const start = TOKEN.lastIndex;
    const match = TOKEN.exec(text);
    if (!match) throw syntax(`a string without an end at position ${start}.`);
    tokens.push(match[1] ?? match[2] ?? match[3]);
  }
  return tokens;
}

/** Literal -> { kind: 'null'|'string'|'boolean'|'number'|'guid'|'date', text } */
function literal(token) {
  if (token.startsWith("'")) return { kind: 'string', text: token.slice(1, -1).replaceAll("''", "'") };
  if (token === 'null') return { kind: 'null' };
  if (token === 'true' || token === 'false') return { kind: 'boolean', text: token };
  if (GUID.test(token)) return { kind: 'guid', text: token.toLowerCase() };
  if (/^\d{4}-\d{2}-\d{2}/.test(token) && !Number.isNaN(Date.parse(token))) return { kind: 'date', text: token };
  if (parseDecimal(token, DECIMAL_SCALE)) return { kind: 'number', text: token };
  throw syntax(`'${token}' is not a literal.`);
}

// --- compiling -----------------------------------------------------------------

export function compileFilter(ctx, table, node) {
  if (node.op === 'and' || node.op === 'or') {
    const left = compileFilter(ctx, table, node.left);
    const right = compileFilter(ctx, table, node.right);
    return node.op === 'and' ? (row) => left(row) && right(row) : (row) => left(row) || right(row);
  }
  if (node.op === 'not') {
    const inner = compileFilter(ctx, table, node.inner);
    return (row) => !inner(row);
  }
  const { column, follow } = resolvePath(ctx, table, node.path);
  const test = node.op === 'in'
    ? anyOf(node.values.map((value) => compare(column, 'eq', value)))
    : compare(column, node.op, node.value);
  return (row) => test(follow(row));
}

const anyOf = (tests) => (value) => tests.some((test) => test(value));

/** "name", "_customerid_value" or "customerid_account/name" -> column and a way to its value. */
export function resolvePath(ctx, table, path) {
  const parts = path.split('/');
  if (parts.length === 1) {
    const column = table.byWire.get(path);
    if (!column) throw errors.noColumn(path, table.logical);
    return { column, follow: (row) => row[column.wire] ?? null };
  }
  const navigation = table.navigation.get(parts[0]);
  if (parts.length !== 2 || navigation?.kind !== 'single') throw errors.noColumn(path, table.logical);
  const target = ctx.schema.byLogical.get(navigation.target);
  const { column, follow } = resolvePath(ctx, target, parts[1]);
  return {
    column,
    follow(row) {
      const matches = row[navigation.column.typeWire] === navigation.target;
      const other = matches ? ctx.store.get(navigation.target, row[navigation.column.wire]) : undefined;
      return other ? follow(other) : null;
    },
  };
}

function compare(column, op, value) {
  if (TEXT_FUNCTIONS.has(op)) return textFunction(column, op, value);
  if (value.kind === 'null') {
    if (op === 'eq') return (stored) => stored === null;
    if (op === 'ne') return (stored) => stored !== null;
    return () => false;
  }
  const { of, wanted } = comparable(column, value);
  switch (op) {
    case 'eq': return (stored) => stored !== null && of(stored) === wanted;
    case 'ne': return (stored) => stored === null || of(stored) !== wanted;
    case 'gt': return (stored) => stored !== null && of(stored) > wanted;
    case 'ge': return (stored) => stored !== null && of(stored) >= wanted;
    case 'lt': return (stored) => stored !== null && of(stored) < wanted;
    default: return (stored) => stored !== null && of(stored) <= wanted;
  }
}

function textFunction(column, op, value) {
  if (column.type !== 'string' && column.type !== 'memo') throw syntax(`${op} needs a text column, '${column.name}' is none.`);
  if (value.kind !== 'string') throw syntax(`${op} needs a text.`);
  const wanted = value.text.toLowerCase();
  const method = { contains: 'includes', startswith: 'startsWith', endswith: 'endsWith' }[op];
  return (stored) => stored !== null && stored.toLowerCase()[method](wanted);
}

const ACCEPTED = {
  string: ['string'], memo: ['string'], money: ['number'], decimal: ['number'], integer: ['number'], bigint: ['number'],
  picklist: ['number'], state: ['number'], status: ['number'], boolean: ['boolean'], datetime: ['date'],
  guid: ['guid', 'string'], lookup: ['guid', 'string'],
};

function comparable(column, value) {
  if (!ACCEPTED[column.type].includes(value.kind)) {
    // "In" carries all of its values as texts.
    const number = value.kind === 'string' && parseDecimal(value.text, DECIMAL_SCALE) && ACCEPTED[column.type].includes('number');
    if (!number) throw errors.badQuery(`A binary operator with incompatible types was detected: '${column.name}' and a ${value.kind}.`);
  }
  switch (column.type) {
    case 'string':
    case 'memo': return { of: (stored) => stored.trimEnd().toLowerCase(), wanted: value.text.trimEnd().toLowerCase() };
    case 'money': return scaled(value, MONEY_SCALE);
    case 'decimal': return scaled(value, DECIMAL_SCALE);
    case 'boolean': return { of: (stored) => stored, wanted: value.text === 'true' };
    case 'datetime': return dateTest(Date.parse(value.text));
    case 'guid':
    case 'lookup': return { of: (stored) => stored, wanted: value.text.toLowerCase() };
    default: return { of: (stored) => stored, wanted: Number(value.text) };
  }
}

/** Stored dates are all of one form, so that texts compare like times; only a fraction of a second needs more. */
function dateTest(wanted) {
  if (wanted % 1000 === 0) return { of: (stored) => stored, wanted: secondsText(wanted) };
  return { of: (stored) => Date.parse(stored), wanted };
}

function scaled(value, scale) {
  // Two digits more than stored, so that 1.00005 does not equal 1.0001.
  const fine = scale + 2;
  return { of: (stored) => unitsOf(stored, fine), wanted: parseDecimal(value.text, fine).units };
}

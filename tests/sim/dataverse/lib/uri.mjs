/*
 * Addresses of the Web API, taken apart.
 *
 * parsePath("accounts(accountnumber='O''Hara')/name") gives segments
 * { name, key } where key is undefined, { guid } or { values: { column: text } }.
 * The path is decoded as a whole first, as the service does; what a slash or a
 * percent sign inside a key then does is the reason for errors.keyCharacter.
 */

import { errors } from './errors.mjs';

export const GUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

export function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    throw errors.badQuery('The address is not properly percent-encoded.');
  }
}

export function parsePath(raw) {
  const text = decode(raw);
  const segments = [];
  let at = 0;
  while (at < text.length) {
    const start = at;
    while (at < text.length && text[at] !== '(' && text[at] !== '/') at += 1;
    const segment = { name: text.slice(start, at), key: undefined };
    if (text[at] === '(') {
      const end = closing(text, at);
      segment.key = parseKey(text.slice(at + 1, end));
      at = end + 1;
    }
    segments.push(segment);
    if (at < text.length && text[at] !== '/') throw errors.badQuery(`Bad Request - Error in query syntax near '${text.slice(at)}'.`);
    at += 1;
  }
  return segments;
}

function closing(text, open) {
  let quoted = false;
  for (let at = open + 1; at < text.length; at += 1) {
    if (text[at] === "'") quoted = !quoted;
    else if (text[at] === ')' && !quoted) return at;
  }
  throw errors.badQuery('Bad Request - Error in query syntax: a key without an end.');
}

function parseKey(text) {
  if (text === '') return { empty: true };
  if (GUID.test(text)) return { guid: text.toLowerCase() };
  const values = {};
  for (const part of splitOutside(text, ',')) {
    const equals = part.indexOf('=');
    if (equals < 1) throw errors.badQuery(`Bad Request - Error in query syntax: '${text}' is not a key.`);
    values[part.slice(0, equals).trim()] = keyLiteral(part.slice(equals + 1).trim());
  }
  return { values };
}

function keyLiteral(text) {
  if (text.startsWith("'")) {
    if (!/^'(?:[^']|'')*'$/.test(text)) throw errors.badQuery(`Bad Request - Error in query syntax: ${text} is not a string.`);
    return text.slice(1, -1).replaceAll("''", "'");
  }
  if (!/^[-\w.:]+$/.test(text)) throw errors.badQuery(`Bad Request - Error in query syntax: ${text} is not a literal.`);
  return text;
}

/** Splits at a character that stands outside of quotes and parentheses. */
export function splitOutside(text, separator) {
  const parts = [];
  let depth = 0;
  let quoted = false;
  let start = 0;
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at];
    if (char === "'") quoted = !quoted;
    else if (quoted) continue;
    else if (char === '(') depth += 1;
    else if (char === ')') depth -= 1;
    else if (char === separator && depth === 0) {
      parts.push(text.slice(start, at));
      start = at + 1;
    }
  }
  parts.push(text.slice(start));
  return parts;
}

const OPTIONS = new Set([
  '$select', '$filter', '$orderby', '$top', '$count', '$expand', '$skiptoken', '$deltatoken', '$format',
]);

/** "a=b&c=d" -> { options: Map of the $ ones, others: Map } */
export function parseQuery(raw) {
  const options = new Map();
  for (const part of raw.split('&')) {
    if (part === '') continue;
    const equals = part.indexOf('=');
    const name = decode((equals < 0 ? part : part.slice(0, equals)).replaceAll('+', ' '));
    const value = equals < 0 ? '' : decode(part.slice(equals + 1).replaceAll('+', ' '));
    if (name.toLowerCase() === 'fetchxml' || name === '$apply') throw errors.notImplemented(name);
    if (name === '$skip') throw errors.badQuery('The query parameter $skip is not supported.');
    if (name.startsWith('$') && !OPTIONS.has(name)) throw errors.badQuery(`The query parameter ${name} is not supported.`);
    if (options.has(name)) throw errors.badQuery(`Query option '${name}' was specified more than once.`);
    options.set(name, value);
  }
  return options;
}

/** The Prefer header as a Map: "a, b=1" -> { a: '', b: '1' } */
export function parsePrefer(header) {
  const preferences = new Map();
  for (const part of (header ?? '').split(/[,;]/)) {
    const [name, ...rest] = part.trim().split('=');
    if (name) preferences.set(name.trim().toLowerCase(), rest.join('=').trim().replace(/^"|"$/g, ''));
  }
  return preferences;
}

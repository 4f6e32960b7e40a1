/*
 * JSON that keeps numbers exact.
 *
 * parseJson gives each number as a Lexeme, the text as it stood in the document;
 * stringifyJson writes a Lexeme back untouched. JSON.parse would turn
 * 90071992547409.9301 into the nearest double, and a money column into a lie.
 */

export class Lexeme {
  constructor(text) {
    this.text = text;
  }
}

export class JsonError extends Error {}

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
// A plain string run: no quote, no backslash, no control character.
const PLAIN = /[^"\\\u0000-\u001f]*/y;
const MAX_DEPTH = 200;

export function parseJson(text) {
  let at = 0;

  function fail(what) {
    throw new JsonError(`Invalid JSON: ${what} at position ${at}.`);
  }

  function skipSpace() {
    for (;;) {
      const code = text.charCodeAt(at);
      if (code === 32 || code === 10 || code === 13 || code === 9) at += 1;
      else return;
    }
  }

  function readString() {
    const start = at;
    at += 1;
    let escaped = false;
    for (;;) {
      PLAIN.lastIndex = at;
      PLAIN.test(text);
      at = PLAIN.lastIndex;
      const char = text[at];
      if (char === '"') {
        at += 1;
        break;
      }
      if (char !== '\\') fail('a string without an end or with a control character');
      escaped = true;
      at += 2;
    }
    if (!escaped) return text.slice(start + 1, at - 1);
    try {
      return JSON.parse(text.slice(start, at));
    } catch {
      return fail('a bad escape in a string');
    }
  }

  function readWord(word, value) {
    if (!text.startsWith(word, at)) fail('an unknown word');
    at += word.length;
    return value;
  }

  function readNumber() {
    NUMBER.lastIndex = at;
    const match = NUMBER.exec(text);
    if (!match) fail('an unexpected character');
    at = NUMBER.lastIndex;
    return new Lexeme(match[0]);
  }

  function readList(depth) {
    const list = [];
    at += 1;
    skipSpace();
    if (text[at] === ']') {
      at += 1;
      return list;
    }
    for (;;) {
      list.push(readValue(depth + 1));
      skipSpace();
      const char = text[at];
      at += 1;
      if (char === ']') return list;
      if (char !== ',') fail('a list without "," or "]"');
    }
  }

  function readObject(depth) {
    // No prototype, so that a property called "__proto__" is only a property.
    const object = Object.create(null);
    at += 1;
    skipSpace();
    if (text[at] === '}') {
      at += 1;
      return object;
    }
    for (;;) {
      skipSpace();
      if (text[at] !== '"') fail('a property without a name');
      const name = readString();
      skipSpace();
      if (text[at] !== ':') fail('a property without ":"');
      at += 1;
      object[name] = readValue(depth + 1);
      skipSpace();
      const char = text[at];
      at += 1;
      if (char === '}') return object;
      if (char !== ',') fail('an object without "," or "}"');
    }
  }

  function readValue(depth) {
    if (depth > MAX_DEPTH) fail('too deep a nesting');
    skipSpace();
    switch (text[at]) {
      case '{': return readObject(depth);
      case '[': return readList(depth);
      case '"': return readString();
      case 't': return readWord('true', true);
      case 'f': return readWord('false', false);
      case 'n': return readWord('null', null);
      default: return readNumber();
    }
  }

  const value = readValue(0);
  skipSpace();
  if (at < text.length) fail('text after the end');
  return value;
}

export function stringifyJson(value) {
  if (value instanceof Lexeme) return value.text;
  if (Array.isArray(value)) return `[${value.map(stringifyJson).join(',')}]`;
  if (value !== null && typeof value === 'object') {
    const parts = [];
    for (const name of Object.keys(value)) {
      const item = value[name];
      if (item !== undefined) parts.push(`${JSON.stringify(name)}:${stringifyJson(item)}`);
    }
    return `{${parts.join(',')}}`;
  }
  return JSON.stringify(value);
}

/*
 * The "query" of a data service request, compiled to a predicate over stored rows.
 *
 * A query is { matchType, condition: [...], complexQuery: [{ andOr, query }] }. Its
 * conditions are joined by matchType, then each group of complexQuery is added by
 * its andOr; the andOr of a first group with nothing before it means nothing.
 */

import { badRequest } from './errors.mjs';
import { addDays, parseDate } from './jdedate.mjs';

const DEPTH = 8;
const COUNTS = { BETWEEN: 2, STR_BLANK: 0, STR_NOT_BLANK: 0 };

/** columns: { of(controlId) }; ctx: { dateFormat, today }. Gives { test, equal: [[column, ...values]] }: one of the values, surely. */
export function compileQuery(query, columns, ctx, depth = 0) {
  if (query === undefined || query === null) return { test: undefined, equal: [] };
  if (typeof query !== 'object' || Array.isArray(query)) throw badRequest('query must be an object');
  if (depth > DEPTH) throw badRequest(`query is nested deeper than ${DEPTH}`);
  const conditions = listOf(query.condition, 'query.condition').map((item) => compileCondition(item, columns, ctx));
  const any = matchesAny(query.matchType);
  const groups = listOf(query.complexQuery, 'query.complexQuery').map((group) => compileGroup(group, columns, ctx, depth));
  let test = joined(conditions.map((item) => item.test), any);
  const joins = new Set((test ? groups : groups.slice(1)).map((group) => group.or));
  if (joins.size > 1) {
    throw badRequest('complexQuery mixes AND and OR in one list; the order in which they bind is not documented, nest the groups');
  }
  for (const group of groups) test = combined(test, group.test, group.or);
  const certain = !joins.has(true) && (!any || conditions.length === 1);
  return { test, equal: certain ? conditions.filter((item) => item.equal).map((item) => item.equal) : [] };
}

function compileGroup(group, columns, ctx, depth) {
  const andOr = String(group?.andOr ?? 'AND').toUpperCase();
  if (andOr !== 'AND' && andOr !== 'OR') throw badRequest(`andOr must be AND or OR, not ${group.andOr}`);
  const { test } = compileQuery(group?.query ?? {}, columns, ctx, depth + 1);
  return { or: andOr === 'OR', test: test ?? (() => true) };
}

function matchesAny(matchType = 'MATCH_ALL') {
  if (matchType !== 'MATCH_ALL' && matchType !== 'MATCH_ANY') throw badRequest(`unknown matchType ${matchType}`);
  return matchType === 'MATCH_ANY';
}

function joined(tests, any) {
  if (tests.length === 0) return undefined;
  if (tests.length === 1) return tests[0];
  return any ? (row) => tests.some((test) => test(row)) : (row) => tests.every((test) => test(row));
}

function combined(left, right, or) {
  if (!left) return right;
  return or ? (row) => left(row) || right(row) : (row) => left(row) && right(row);
}

function compileCondition(item, columns, ctx) {
  const column = columns.of(item?.controlId);
  const operator = item.operator ?? 'EQUAL';
  const make = OPERATORS[operator];
  if (!make) throw badRequest(`unknown operator ${operator}`);
  if (operator.startsWith('STR_') && column.type !== 'string') throw badRequest(`${operator} needs a text column, not ${column.path}`);
  const values = listOf(item.value, 'value').map((value) => read(column, value, ctx));
  const count = COUNTS[operator] ?? 1;
  if (operator === 'LIST' ? values.length === 0 : values.length !== count) {
    throw badRequest(`${operator} on ${column.path} needs ${operator === 'LIST' ? 'at least one value' : `${count} value(s)`}`);
  }
  return { test: make(column.name, ...values), equal: operator === 'EQUAL' || operator === 'LIST' ? [column.name, ...values] : undefined };
}

const OPERATORS = {
  EQUAL: (name, value) => (row) => row[name] === value,
  NOT_EQUAL: (name, value) => (row) => row[name] !== value,
  LESS: (name, value) => (row) => row[name] < value,
  GREATER: (name, value) => (row) => row[name] > value,
  LESS_EQUAL: (name, value) => (row) => row[name] <= value,
  GREATER_EQUAL: (name, value) => (row) => row[name] >= value,
  BETWEEN: (name, low, high) => (row) => row[name] >= low && row[name] <= high,
  LIST: (name, ...values) => {
    const wanted = new Set(values);
    return (row) => wanted.has(row[name]);
  },
  STR_START_WITH: (name, value) => (row) => row[name].startsWith(value),
  STR_CONTAIN: (name, value) => (row) => row[name].includes(value),
  STR_END_WITH: (name, value) => (row) => row[name].endsWith(value),
  STR_BLANK: (name) => (row) => row[name] === '',
  STR_NOT_BLANK: (name) => (row) => row[name] !== '',
};

function read(column, value, ctx) {
  if (typeof value !== 'object' || value === null) throw badRequest('each value must be { content, specialValueId }');
  const content = String(value.content ?? '');
  const special = value.specialValueId ?? 'LITERAL';
  if (special !== 'LITERAL') return specialDate(column, special, content, ctx);
  if (column.type === 'string') return column.justify === 'right' ? content.trim() : content.replace(/ +$/, '');
  if (column.type === 'date') {
    const julian = parseDate(content, ctx.dateFormat);
    if (julian === undefined) throw badRequest(`${column.path}: "${content}" is not a date in the format ${ctx.dateFormat}`);
    return julian;
  }
  const number = Number(content);
  if (content.trim() === '' || !Number.isFinite(number)) throw badRequest(`${column.path}: "${content}" is not a number`);
  return number;
}

function specialDate(column, special, content, ctx) {
  if (column.type !== 'date') throw badRequest(`${special} needs a date column`);
  const days = Number(content || 0);
  if (special === 'TODAY') return ctx.today;
  if (special === 'TODAY_PLUS_DAY') return addDays(ctx.today, days);
  if (special === 'TODAY_MINUS_DAY') return addDays(ctx.today, -days);
  throw badRequest(`unknown specialValueId ${special}`);
}

function listOf(value, name) {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw badRequest(`${name} must be a list`);
  return value;
}

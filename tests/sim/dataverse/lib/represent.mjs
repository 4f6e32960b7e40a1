/*
 * From stored rows to the JSON of the Web API: etag, selected columns, lookups as
 * _x_value, and expanded navigation properties. Numbers leave as they are stored.
 */

import { errors } from './errors.mjs';
import { Lexeme, stringifyJson } from './json.mjs';
import { compileFilter, parseFilter } from './filter.mjs';
import { compareRows, parseOrder } from './order.mjs';
import { splitOutside } from './uri.mjs';

/** Columns named by $select, or undefined for all. */
export function parseSelect(table, text) {
  if (text === undefined || text === '' || text === '*') return undefined;
  return text.split(',').map((part) => {
    const column = table.byWire.get(part.trim());
    if (!column) throw errors.noColumn(part.trim(), table.logical);
    return column;
  });
}

/** $expand -> a list of { property, navigation, target, shape, filter, order, top } */
export function parseExpand(ctx, table, text) {
  if (!text) return [];
  return splitOutside(text, ',').map((item) => {
    const match = /^\s*([A-Za-z_][\w]*)\s*(?:\((.*)\))?\s*$/s.exec(item);
    const navigation = match && table.navigation.get(match[1]);
    if (!navigation) throw errors.noColumn(match ? match[1] : item, table.logical);
    const target = ctx.schema.byLogical.get(navigation.target);
    const options = expandOptions(match[2] ?? '');
    return {
      property: match[1],
      navigation,
      target,
      shape: parseShape(ctx, target, options),
      filter: options.$filter ? compileFilter(ctx, target, parseFilter(options.$filter)) : undefined,
      order: parseOrder(ctx, target, options.$orderby),
      top: options.$top === undefined ? Infinity : Number(options.$top),
    };
  });
}

/** What to show of a table's rows: { table, select, expand }. options: plain object of $ options. */
export function parseShape(ctx, table, options) {
  return { table, select: parseSelect(table, options.$select), expand: parseExpand(ctx, table, options.$expand) };
}

function expandOptions(text) {
  const options = {};
  for (const part of splitOutside(text, ';')) {
    if (part.trim() === '') continue;
    const equals = part.indexOf('=');
    const name = part.slice(0, equals).trim();
    if (!['$select', '$filter', '$orderby', '$top', '$expand'].includes(name)) throw errors.badQuery(`'${name}' is not supported in $expand.`);
    options[name] = part.slice(equals + 1).trim();
  }
  return options;
}

/** One row -> JSON text. extra: properties to write first. */
export function rowJson(ctx, shape, row, extra = {}) {
  return stringifyJson({ ...extra, ...rowObject(ctx, shape, row) });
}

function rowObject(ctx, shape, row) {
  const { table, select, expand } = shape;
  const object = { '@odata.etag': `W/"${row.versionnumber}"` };
  for (const column of select ?? table.columns.values()) object[column.wire] = shown(column, row);
  if (select) object[table.pk] = row[table.pk];
  for (const item of expand) object[item.property] = expanded(ctx, shape.table, row, item);
  return object;
}

function shown(column, row) {
  const value = row[column.wire];
  if (value === undefined || value === null || column.secret) return null;
  return column.type === 'money' || column.type === 'decimal' ? new Lexeme(value) : value;
}

function expanded(ctx, table, row, item) {
  const { navigation, target, shape } = item;
  if (navigation.kind === 'single') {
    const other = relatedRow(ctx, navigation, row);
    return other ? rowObject(ctx, shape, other) : null;
  }
  let rows = relatedRows(ctx, table, navigation, row);
  if (item.filter) rows = rows.filter(item.filter);
  rows.sort((a, b) => compareRows(item.order, target, a, b));
  return rows.slice(0, item.top).map((one) => rowObject(ctx, shape, one));
}

export function relatedRow(ctx, navigation, row) {
  if (row[navigation.column.typeWire] !== navigation.target) return undefined;
  return ctx.store.get(navigation.target, row[navigation.column.wire]);
}

export function relatedRows(ctx, table, navigation, row) {
  const target = ctx.schema.byLogical.get(navigation.target);
  const { typeWire } = target.columns.get(navigation.column);
  return ctx.store.findByLookup(navigation.target, navigation.column, row[table.pk])
    .filter((one) => one[typeWire] === table.logical);
}

/** "(name,accountnumber)" of a context address. */
export function contextSuffix(shape) {
  const parts = (shape.select ?? []).map((column) => column.wire);
  for (const item of shape.expand) parts.push(`${item.property}()`);
  return parts.length ? `(${parts.join(',')})` : '';
}

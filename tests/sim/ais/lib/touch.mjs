/*
 * Rows written from outside the service: single upserts, and mass changes of many
 * rows at once, stamped with the server's time as an application would stamp them.
 */

import { storedValue } from './columns.mjs';
import { parseDate } from './jdedate.mjs';
import { sleep } from './wire.mjs';

const CHUNK = 500;

const iso = (text) => parseDate(text, 'yyyy-MM-dd');

/** rows: objects with at least the key; stamped now unless they carry UPMJ and the time. Gives { count, stamp }. */
export function upsertRows(ctx, tableName, rows, delayMs = ctx.config.commitDelayMs) {
  const table = ctx.store.table(tableName);
  const stamp = stampOf(ctx, table);
  ctx.store.write(rows.map((row) => [tableName, { ...stamp, ...stored(table, row) }]), delayMs);
  return { count: rows.length, stamp };
}

function stored(table, row) {
  const values = {};
  for (const [name, value] of Object.entries(row)) {
    const column = table.columns.get(name);
    if (!column) throw new Error(`${table.name} has no column ${name}`);
    values[name] = storedValue(column, value, iso);
  }
  for (const name of table.key) if (values[name] === undefined) throw new Error(`${table.name} needs ${name}`);
  return values;
}

function stampOf(ctx, table) {
  const { date, time } = ctx.clock.stamp();
  return { UPMJ: date, [table.stampTime]: time };
}

/**
 * request: { table, from, to | keys, count, fields, sameStamp, spreadMs, delayMs }. In texts of fields, {n} is the
 * number of the row in this change and {key} its first key. Gives { count, first, last } with the stamps.
 */
export async function touch(ctx, request) {
  const table = ctx.store.table(request.table);
  const rows = chosen(ctx, table, request);
  const write = fieldWriter(table, request.fields ?? {});
  const delayMs = request.delayMs ?? ctx.config.commitDelayMs;
  const chunks = Math.max(1, Math.ceil(rows.length / CHUNK));
  const first = stampOf(ctx, table);
  let last = first;
  for (let at = 0; at < chunks; at += 1) {
    if (at > 0 && request.spreadMs) await sleep(request.spreadMs / chunks);
    if (!request.sameStamp) last = stampOf(ctx, table);
    const part = rows.slice(at * CHUNK, (at + 1) * CHUNK);
    ctx.store.write(part.map((row, place) => [table.name, { ...keyOf(table, row), ...write(row, at * CHUNK + place + 1), ...last }]), delayMs);
  }
  return { count: rows.length, first, last };
}

function chosen(ctx, table, { from, to, keys, count }) {
  const name = table.key[0];
  const convert = (value) => storedValue(table.columns.get(name), value);
  let rows;
  if (keys) {
    const wanted = new Set(keys.map(convert));
    rows = ctx.store.latest(table.name).filter((row) => wanted.has(row[name]));
    if (rows.length < wanted.size) throw new Error(`${table.name} does not have all of these keys`);
  } else {
    const low = from === undefined ? undefined : convert(from);
    const high = to === undefined ? undefined : convert(to);
    rows = ctx.store.latest(table.name).filter((row) => (low === undefined || row[name] >= low) && (high === undefined || row[name] <= high));
  }
  return count === undefined ? rows : rows.slice(0, count);
}

/** request: { table, from, to | keys, count } as in touch(). Deletes the rows; gives { count }. */
export function removeRows(ctx, request) {
  const table = ctx.store.table(request.table);
  const rows = chosen(ctx, table, request);
  ctx.store.remove(rows.map((row) => [table.name, keyOf(table, row)]));
  return { count: rows.length };
}

function fieldWriter(table, fields) {
  const list = Object.entries(fields).map(([name, value]) => {
    const column = table.columns.get(name);
    if (!column) throw new Error(`${table.name} has no column ${name}`);
    return [column, value];
  });
  const filled = (value, row, n) => (typeof value === 'string' ? value.replaceAll('{n}', n).replaceAll('{key}', row[table.key[0]]) : value);
  return (row, n) => Object.fromEntries(list.map(([column, value]) => [column.name, storedValue(column, filled(value, row, n), iso)]));
}

const keyOf = (table, row) => Object.fromEntries(table.key.map((name) => [name, row[name]]));

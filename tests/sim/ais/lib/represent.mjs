/*
 * Rows as the data service sends them: columns named TABLE_COLUMN, texts padded
 * with blanks, dates in the user's format, times and amounts as numbers.
 */

import { badRequest } from './errors.mjs';
import { formatDate, isoOf } from './jdedate.mjs';

/** The columns of a table by their control ids ("F0101.AN8"). */
export function columnsOf(table) {
  return {
    of(controlId) {
      const [name, column, more] = String(controlId ?? '').split('.');
      const found = name === table.name && more === undefined ? table.columns.get(column) : undefined;
      if (!found) throw badRequest(`${controlId} is not a column of ${table.name}`);
      return found;
    },
  };
}

/** "F0101.AN8|F0101.ALPH" -> columns; all of them when nothing is asked for. */
export function selected(table, returnControlIDs) {
  if (!returnControlIDs) return [...table.columns.values()];
  const columns = columnsOf(table);
  return [...new Set(String(returnControlIDs).split('|').filter(Boolean))].map((id) => columns.of(id.trim()));
}

const DATES = {
  user: (julian, format) => formatDate(julian, format),
  julian: (julian) => julian,
  iso: (julian) => isoOf(julian),
  yyyyMMdd: (julian) => isoOf(julian).replaceAll('-', ''),
};

/** Gives a function row -> object. */
export function writer(columns, { dateFormat }, config) {
  const writeDate = DATES[config.dateOutput];
  const pieces = columns.map((column) => {
    const { name, length } = column;
    if (column.type === 'date') return [column.wire, (row) => (row[name] ? writeDate(row[name], dateFormat) : null)];
    if (column.type !== 'string' || !config.padStrings) return [column.wire, (row) => row[name]];
    if (column.justify === 'right') return [column.wire, (row) => row[name].padStart(length)];
    return [column.wire, (row) => row[name].padEnd(length)];
  });
  return (row) => {
    const out = {};
    for (const [wire, value] of pieces) out[wire] = value(row);
    return out;
  };
}

export const titles = (columns) => Object.fromEntries(columns.map((column) => [column.wire, column.title]));

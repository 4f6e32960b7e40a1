/*
 * Building blocks for table definitions: one function per kind of column, and
 * defineTable, which puts them together.
 *
 * Rows are kept without padding: texts trimmed on the right, dates as CYYDDD,
 * times as HHMMSS, amounts as scaled numbers. How they are sent is the business
 * of represent.mjs.
 */

export const text = (name, length, title) => ({ name, type: 'string', length, title });
/** Right-justified with leading blanks, as business units are. */
export const unit = (name, title) => ({ name, type: 'string', length: 12, justify: 'right', title });
export const number = (name, decimals, title) => ({ name, type: 'number', decimals, title });
export const date = (name, title) => ({ name, type: 'date', title });
export const time = (name, title) => ({ name, type: 'time', title });

/** Who changed the row last and when. clock: UPMT, or TDAY in distribution tables. */
export const audit = (clock = 'UPMT') => [
  text('USER', 10, 'User ID'), text('PID', 10, 'Program ID'), text('JOBN', 10, 'Work Station ID'),
  date('UPMJ', 'Date - Updated'), time(clock, clock === 'UPMT' ? 'Time - Last Updated' : 'Time of Day'),
];

/** definition: { name, title, key: ["AN8"], columns, index: columns to look rows up by quickly } */
export function defineTable({ name, title, key, columns, index = [] }) {
  const list = columns.flat();
  return {
    name, title, key, index,
    columns: new Map(list.map((column) => [column.name, { ...column, wire: `${name}_${column.name}`, path: `${name}.${column.name}` }])),
    stampTime: list.find((column) => column.type === 'time')?.name,
  };
}

/** What a column holds when nothing was given. */
export const blankOf = (column) => (column.type === 'string' ? '' : 0);

/** The stored form of a value that a test or an application hands in; throws with a reason. */
export function storedValue(column, value, parseIso) {
  if (value === null || value === undefined) return blankOf(column);
  if (column.type === 'string') {
    const trimmed = String(value).replace(/ +$/, '');
    const plain = column.justify === 'right' ? trimmed.trim() : trimmed;
    if (plain.length > column.length) throw new Error(`${column.name} has room for ${column.length} characters: ${plain}`);
    return plain;
  }
  if (column.type === 'date' && typeof value === 'string' && value.includes('-')) {
    const julian = parseIso(value);
    if (julian === undefined) throw new Error(`${column.name} is not a date: ${value}`);
    return julian;
  }
  const result = Number(value);
  if (!Number.isFinite(result)) throw new Error(`${column.name} is not a number: ${value}`);
  return result;
}

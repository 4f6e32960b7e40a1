/* $orderby: parsing, comparing rows, and the key of a row in an order (for paging). */

import { MONEY_SCALE, DECIMAL_SCALE, unitsOf } from './decimal.mjs';
import { errors } from './errors.mjs';
import { resolvePath } from './filter.mjs';

/** "name desc,_x_value" -> [{ column, follow, sign }] */
export function parseOrder(ctx, table, text) {
  if (!text) return [];
  return text.split(',').map((part) => {
    const [path, direction = 'asc', ...rest] = part.trim().split(/\s+/);
    if (rest.length || !['asc', 'desc'].includes(direction)) throw errors.badQuery(`Syntax error in $orderby: '${part}'.`);
    return { ...resolvePath(ctx, table, path), sign: direction === 'desc' ? -1 : 1 };
  });
}

/** Empty values sort first; the primary key decides between equals, so that pages never overlap. */
export function compareRows(order, table, a, b) {
  for (const item of order) {
    const result = compareValues(item.column, item.follow(a), item.follow(b));
    if (result !== 0) return result * item.sign;
  }
  return compareText(a[table.pk], b[table.pk]);
}

/** Same comparison against a remembered position { values, id }. */
export function comparePosition(order, table, row, position) {
  for (let at = 0; at < order.length; at += 1) {
    const item = order[at];
    const result = compareValues(item.column, item.follow(row), position.values[at]);
    if (result !== 0) return result * item.sign;
  }
  return compareText(row[table.pk], position.id);
}

export function positionOf(order, table, row) {
  return { values: order.map((item) => item.follow(row)), id: row[table.pk] };
}

function compareValues(column, a, b) {
  if (a === b) return 0;
  if (a === null) return -1;
  if (b === null) return 1;
  switch (column.type) {
    case 'money': return compareText(unitsOf(a, MONEY_SCALE), unitsOf(b, MONEY_SCALE));
    case 'decimal': return compareText(unitsOf(a, DECIMAL_SCALE), unitsOf(b, DECIMAL_SCALE));
    case 'string':
    case 'memo': return compareText(a.toLowerCase(), b.toLowerCase());
    default: return compareText(a, b);
  }
}

const compareText = (a, b) => (a < b ? -1 : Number(a > b));

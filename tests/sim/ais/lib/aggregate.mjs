/* dataServiceType AGGREGATION: COUNT, COUNT_DISTINCT, SUM, AVG, MIN and MAX, with groupBy and orderBy on the groups. */

import { badRequest } from './errors.mjs';
import { columnsOf } from './represent.mjs';

const FUNCTIONS = {
  COUNT: (values) => values.length,
  COUNT_DISTINCT: (values) => new Set(values).size,
  SUM: (values) => sum(values),
  AVG: (values) => (values.length ? sum(values) / values.length : 0),
  AVG_DISTINCT: (values) => FUNCTIONS.AVG([...new Set(values)]),
  MIN: (values) => values.reduce((a, b) => (b < a ? b : a), values[0] ?? null),
  MAX: (values) => values.reduce((a, b) => (b > a ? b : a), values[0] ?? null),
};

// Amounts have at most four decimals: summing whole ten-thousandths keeps the sum exact.
const sum = (values) => values.reduce((total, value) => total + Math.round(value * 10000), 0) / 10000;

/** Gives [{ groupBy: { "F0101.AT1": "C" }, "F0101.AN8_COUNT": 12 }] */
export function aggregate(table, { aggregations = [], groupBy = [], orderBy = [] }, rows) {
  const columns = columnsOf(table);
  if (aggregations.length === 0) throw badRequest('aggregation.aggregations is missing');
  const functions = aggregations.map(({ aggregation, column }) => {
    if (!FUNCTIONS[aggregation]) throw badRequest(`unknown aggregation ${aggregation}`);
    const name = column === '*' ? undefined : columns.of(column).name;
    return [`${column}_${aggregation}`, (group) => FUNCTIONS[aggregation](group.map((row) => row[name]))];
  });
  const keys = groupBy.map(({ column }) => columns.of(column));
  const groups = new Map();
  for (const row of rows) {
    const id = JSON.stringify(keys.map((column) => row[column.name]));
    if (!groups.has(id)) groups.set(id, []);
    groups.get(id).push(row);
  }
  if (keys.length === 0 && groups.size === 0) groups.set('[]', []);
  const output = [...groups.values()].map((group) => ({
    ...(keys.length ? { groupBy: Object.fromEntries(keys.map((column) => [column.path, group[0][column.name]])) } : {}),
    ...Object.fromEntries(functions.map(([name, make]) => [name, make(group)])),
  }));
  return sorted(output, orderBy);
}

function sorted(output, orderBy) {
  const valueOf = (item, column) => item.groupBy?.[column] ?? item[column];
  return output.sort((a, b) => {
    for (const { column, direction } of orderBy) {
      const [left, right] = [valueOf(a, column), valueOf(b, column)];
      if (left !== right) return (left < right ? -1 : 1) * (direction === 'DESC' ? -1 : 1);
    }
    return 0;
  });
}

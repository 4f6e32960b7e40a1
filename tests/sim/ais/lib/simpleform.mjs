/*
 * GET dataservice/table/{table}: $filter, $sort, $limit and $field turned into the
 * body of a data service request.
 */

import { badRequest } from './errors.mjs';

const OPERATORS = {
  EQ: 'EQUAL', NE: 'NOT_EQUAL', GT: 'GREATER', GE: 'GREATER_EQUAL', LT: 'LESS', LE: 'LESS_EQUAL', SW: 'STR_START_WITH', CO: 'STR_CONTAIN',
  EW: 'STR_END_WITH',
};

/** parameters: URLSearchParams. Several $filter are joined with AND. */
export function bodyOf(tableName, parameters) {
  const full = (name) => (name.includes('.') ? name : `${tableName}.${name}`);
  const condition = parameters.getAll('$filter').map((text) => {
    const match = /^\s*(\S+)\s+([A-Za-z]+)\s+(.*)$/.exec(text);
    const operator = match && OPERATORS[match[2].toUpperCase()];
    if (!operator) throw badRequest(`$filter cannot be read: ${text}`);
    return { controlId: full(match[1]), operator, value: [{ content: match[3].replace(/^'(.*)'$/, '$1'), specialValueId: 'LITERAL' }] };
  });
  const orderBy = parameters.getAll('$sort').map((text) => {
    const [name, direction = 'ASC'] = text.trim().split(/\s+/);
    return { column: full(name), direction: direction.toUpperCase() };
  });
  return {
    targetName: tableName, targetType: 'table', dataServiceType: 'BROWSE', findOnEntry: 'TRUE', query: { matchType: 'MATCH_ALL', condition },
    aggregation: { orderBy }, returnControlIDs: parameters.getAll('$field').map(full).join('|'),
    ...(parameters.has('$limit') ? { maxPageSize: parameters.get('$limit') } : {}),
  };
}

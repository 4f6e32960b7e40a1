/*
 * The data service: BROWSE, COUNT and AGGREGATION on a table, and the pages that
 * follow a first one.
 */

import { aggregate } from './aggregate.mjs';
import { compileQuery } from './conditions.mjs';
import { ServiceError, badRequest } from './errors.mjs';
import { columnsOf, selected, titles, writer } from './represent.mjs';

const DEFAULT_PAGE = 100;
const GRID_ID = 58;

/** body: the request, parsed; call: { session, baseUrl, partial } */
export function dataService(ctx, body, call) {
  const table = tableOf(ctx, body);
  const kind = String(body.dataServiceType ?? 'BROWSE').toUpperCase();
  const rows = matching(ctx, table, body, call.session);
  switch (kind) {
    case 'BROWSE':
      return browse(ctx, table, body, call, rows);
    case 'COUNT':
      return { [`ds_${table.name}`]: { count: rows.length }, ...footer(ctx, table) };
    case 'AGGREGATION':
      return { [`ds_${table.name}`]: { output: aggregate(table, body.aggregation ?? {}, rows) }, ...footer(ctx, table) };
    default:
      throw badRequest(`unknown dataServiceType ${body.dataServiceType}`);
  }
}

/** parameters: { rid, stackId, stateId } of a next link */
export function nextPage(ctx, parameters, call) {
  const set = ctx.resultSets.follow(parameters, call.session.token);
  return page(ctx, set, call);
}

function tableOf(ctx, body) {
  if (body.targetType !== undefined && body.targetType !== 'table') throw badRequest(`targetType ${body.targetType} is not served here`);
  const table = ctx.store.tables.get(body.targetName);
  if (!table) throw new ServiceError(500, `The table ${body.targetName} does not exist or cannot be read`);
  return table;
}

function matching(ctx, table, body, session) {
  if (!wantsRows(body)) return [];
  const columns = columnsOf(table);
  const { test, equal } = compileQuery(body.query, columns, { dateFormat: session.dateFormat, today: ctx.clock.stamp().date });
  const candidates = candidatesFor(ctx, table, equal);
  return test ? candidates.filter(test) : [...candidates];
}

/** Without either of the two the service opens the grid and does not search. */
function wantsRows({ findOnEntry, query }) {
  return String(findOnEntry).toUpperCase() === 'TRUE' || String(query?.autoFind).toLowerCase() === 'true';
}

/** A condition that must hold on an indexed column spares the walk over the whole table. */
function candidatesFor(ctx, table, equal) {
  const fits = ([name, ...values]) => name === table.key[0] || (values.length === 1 && table.index.includes(name));
  const indexed = equal.find(fits);
  if (!indexed) return ctx.store.rows(table.name);
  const [name, ...values] = indexed;
  if (values.length === 1) return ctx.store.lookup(table.name, name, values[0]);
  // In the order of the first key column, so that the rows come out in key order.
  const distinct = [...new Set(values)].sort((a, b) => (a < b ? -1 : 1));
  return distinct.flatMap((value) => ctx.store.lookup(table.name, name, value));
}

function browse(ctx, table, body, call, rows) {
  const ordered = order(table, body.aggregation?.orderBy, rows);
  const set = {
    token: call.session.token, table, columns: selected(table, body.returnControlIDs), rows: ordered, at: 0, pageSize: pageSize(body.maxPageSize),
    returnControlIDs: body.returnControlIDs ?? '', stackId: 0, stateId: 1, rid: '',
  };
  const paged = String(body.enableNextPageProcessing).toLowerCase() === 'true';
  const size = pageLimit(ctx, set, call);
  return page(ctx, paged && ordered.length > size ? ctx.resultSets.open(set) : set, call);
}

function pageSize(value = DEFAULT_PAGE) {
  if (/^no max$/i.test(String(value))) return Infinity;
  const size = Number(value);
  if (!Number.isInteger(size) || size < 1) throw badRequest(`maxPageSize must be a number above 0, not ${value}`);
  return size;
}

/** What a caller asks for, cut by the server's own limit, and by half when a fault wants it. */
function pageLimit(ctx, set, call) {
  const size = Math.min(set.pageSize, ctx.config.maxRowsPerRequest);
  return call.partial ? Math.max(1, Math.floor(Math.min(size, set.rows.length - set.at) / 2)) : size;
}

function page(ctx, set, call) {
  const part = set.rows.slice(set.at, set.at + pageLimit(ctx, set, call));
  set.at += part.length;
  const more = set.at < set.rows.length;
  const write = writer(set.columns, call.session, ctx.config);
  const answer = {
    [`fs_DATABROWSE_${set.table.name}`]: {
      title: `Data Browser - ${set.table.name} [${set.table.title}]`,
      data: {
        gridData: {
          id: GRID_ID, fullGridId: String(GRID_ID), columns: titles(set.columns), rowset: part.map(write),
          summary: { records: part.length, moreRecords: more },
        },
      },
      errors: [], warnings: [],
    },
    ...footer(ctx, set.table, set),
  };
  if (set.rid && more) answer.links = [{ rel: 'next', href: nextLink(set, call), context: null }];
  else if (set.rid) ctx.resultSets.close(set);
  return answer;
}

function nextLink(set, { baseUrl, session }) {
  const parameters = new URLSearchParams({
    stackId: set.stackId, stateId: set.stateId, rid: set.rid, fullGridId: GRID_ID, formOID: `DATABROWSE_${set.table.name}`, token: session.token,
    outputType: 'GRID_DATA', returnControlIDs: set.returnControlIDs,
  });
  return `${baseUrl}/jderest/v2/dataservice/next?${parameters}`;
}

function footer(ctx, table, set = { stackId: 0, stateId: 0, rid: '' }) {
  return {
    stackId: set.stackId, stateId: set.stateId, rid: set.rid, currentApp: `DATABROWSE_${table.name}`, timeStamp: ctx.clock.answerStamp(), sysErrors: [], links: [],
  };
}

function order(table, orderBy, rows) {
  if (!orderBy?.length) return rows;
  if (!Array.isArray(orderBy)) throw badRequest('aggregation.orderBy must be a list');
  const columns = columnsOf(table);
  const keys = orderBy.map(({ column, direction = 'ASC' }) => {
    if (!/^(ASC|DESC)$/.test(direction)) throw badRequest(`direction must be ASC or DESC, not ${direction}`);
    return [columns.of(column).name, direction === 'ASC' ? 1 : -1];
  });
  if (isKeyOrder(table, keys)) return rows;
  return rows.sort((a, b) => {
    for (const [name, sign] of keys) {
      if (a[name] < b[name]) return -sign;
      if (a[name] > b[name]) return sign;
    }
    return 0;
  });
}

/** Rows come out of the store in this order already. */
const isKeyOrder = (table, keys) => keys.length <= table.key.length && keys.every(([name, sign], at) => sign === 1 && table.key[at] === name);

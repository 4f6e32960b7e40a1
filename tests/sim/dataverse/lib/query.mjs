/*
 * GET of a collection: filter, order, paging by a cookie in $skiptoken, counting,
 * and change tracking by $deltatoken.
 *
 * A page's cookie holds the position of its last row, not a number of rows, so rows
 * that come or go between two pages are neither repeated nor lost.
 */

import { errors } from './errors.mjs';
import { compileFilter, parseFilter } from './filter.mjs';
import { stringifyJson } from './json.mjs';
import { comparePosition, compareRows, parseOrder, positionOf } from './order.mjs';
import { contextSuffix, parseShape, rowJson } from './represent.mjs';

const PAGE = 5000;
const COUNT_LIMIT = 5000;
const REMEMBERED = 8;

/** source: undefined for the whole table, or rows (of a navigation property). Gives the body text. */
export function collectionBody(ctx, table, path, options, prefer, source) {
  if (options.has('$deltatoken')) return deltaBody(ctx, table, path, options, prefer);
  const track = prefer.has('odata.track-changes');
  if (track && (options.has('$filter') || options.has('$orderby') || options.has('$expand') || options.has('$top'))) {
    throw errors.badQuery('$filter, $orderby, $expand and $top cannot be used with odata.track-changes.');
  }
  if (track && ctx.config.untracked.includes(table.set)) throw errors.notTracked(table.logical);
  const plain = Object.fromEntries(options);
  const shape = parseShape(ctx, table, plain);
  const top = plain.$top === undefined ? Infinity : naturalNumber('$top', plain.$top);
  const size = Math.min(pageSize(prefer), top);
  const cookie = plain.$skiptoken === undefined ? undefined : readToken(plain.$skiptoken, 'pagingcookie');
  const found = findPage(ctx, table, plain, source, cookie?.position, size);
  const head = { '@odata.context': `${ctx.baseUrl}$metadata#${table.set}${contextSuffix(shape)}` };
  if (plain.$count === 'true') head['@odata.count'] = Math.min(found.count(), COUNT_LIMIT);
  const since = cookie?.since ?? ctx.store.version;
  if (found.more && top > size) {
    const next = { position: positionOf(found.order, table, found.rows[found.rows.length - 1]), page: (cookie?.page ?? 1) + 1 };
    if (track || cookie?.since !== undefined) next.since = since;
    head['@odata.nextLink'] = link(ctx, path, options, '$skiptoken', pagingToken(next));
  } else if (track || cookie?.since !== undefined) {
    head['@odata.context'] += '/$delta';
    head['@odata.deltaLink'] = link(ctx, path, options, '$deltatoken', deltaToken(ctx, table, since));
  }
  return listBody(head, found.rows.map((row) => rowJson(ctx, shape, row)));
}

export function countText(ctx, table, options, source) {
  const found = findPage(ctx, table, Object.fromEntries(options), source, undefined, 0);
  return String(Math.min(found.count(), COUNT_LIMIT));
}

/** Head properties, then "value"; nextLink and deltaLink come last, as in the service. */
function listBody(head, items) {
  const first = [];
  const last = [];
  for (const [name, value] of Object.entries(head)) {
    (name.endsWith('Link') ? last : first).push(`${JSON.stringify(name)}:${stringifyJson(value)}`);
  }
  return `{${[...first, `"value":[${items.join(',')}]`, ...last].join(',')}}`;
}

function pageSize(prefer) {
  const wanted = prefer.get('odata.maxpagesize');
  if (wanted === undefined) return PAGE;
  return Math.min(Math.max(naturalNumber('odata.maxpagesize', wanted), 1), PAGE);
}

function naturalNumber(name, text) {
  if (!/^\d{1,9}$/.test(text)) throw errors.badQuery(`Invalid value '${text}' for ${name}.`);
  return Number(text);
}

// --- finding rows ----------------------------------------------------------------

function findPage(ctx, table, plain, source, position, size) {
  const order = parseOrder(ctx, table, plain.$orderby);
  const node = plain.$filter ? parseFilter(plain.$filter) : undefined;
  const test = node ? compileFilter(ctx, table, node) : () => true;
  const base = source ?? indexedRows(ctx, table, node);
  if (!base && order.length === 0) return scan(ctx, table, test, position, size);
  const rows = base
    ? base.filter(test).sort((a, b) => compareRows(order, table, a, b))
    : sortedRows(ctx, table, plain, test, order);
  const start = position ? firstAfter(rows, order, table, position) : 0;
  return { order, rows: rows.slice(start, start + size), more: start + size < rows.length, count: () => rows.length };
}

/** In the order of primary keys, from the position on, until the page is full. */
function scan(ctx, table, test, position, size) {
  const ids = ctx.store.sortedIds(table.logical);
  const rows = [];
  let more = false;
  for (let at = position ? lowerBound(ids, position.id) : 0; at < ids.length; at += 1) {
    if (position && ids[at] === position.id) continue;
    const row = ctx.store.get(table.logical, ids[at]);
    if (!test(row)) continue;
    if (rows.length === size) {
      more = true;
      break;
    }
    rows.push(row);
  }
  const count = () => {
    let total = 0;
    for (const row of ctx.store.rows(table.logical)) total += Number(test(row));
    return total;
  };
  return { order: [], rows, more, count };
}

function lowerBound(ids, id) {
  let low = 0;
  let high = ids.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ids[middle] < id) low = middle + 1;
    else high = middle;
  }
  return low;
}

function firstAfter(rows, order, table, position) {
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (comparePosition(order, table, rows[middle], position) <= 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Sorting a large table for each of its pages would be slow: the last few results are kept until the table changes. */
function sortedRows(ctx, table, plain, test, order) {
  const memory = ctx.queryMemory;
  const key = `${table.logical}|${plain.$filter ?? ''}|${plain.$orderby}`;
  const kept = memory.get(key);
  // A path to another table depends on that table too, so only plain queries are kept.
  const plainQuery = !key.includes('/');
  if (plainQuery && kept?.changes === ctx.store.changes(table.logical)) return kept.rows;
  const rows = [...ctx.store.rows(table.logical)].filter(test).sort((a, b) => compareRows(order, table, a, b));
  memory.delete(key);
  memory.set(key, { changes: ctx.store.changes(table.logical), rows });
  if (memory.size > REMEMBERED) memory.delete(memory.keys().next().value);
  return rows;
}

/** Rows by an index, when the filter is a conjunction with an equation on an indexed column. */
function indexedRows(ctx, table, node) {
  if (!node) return undefined;
  if (node.op === 'and') return indexedRows(ctx, table, node.left) ?? indexedRows(ctx, table, node.right);
  if (node.op !== 'eq' || node.value.kind === 'null') return undefined;
  const column = table.byWire.get(node.path);
  if (!column) return undefined;
  if (column.indexed) return ctx.store.findByLookup(table.logical, column.name, node.value.text.toLowerCase());
  if (column.type === 'guid') return [ctx.store.get(table.logical, node.value.text.toLowerCase())].filter(Boolean);
  const key = table.keys.find((item) => item.columns.length === 1 && item.columns[0] === column.name);
  if (!key) return undefined;
  return [ctx.store.findByKey(table.logical, key, { [column.name]: node.value.text })].filter(Boolean);
}

// --- tokens and links -------------------------------------------------------------

function link(ctx, path, options, name, token) {
  const parts = [];
  for (const [option, value] of options) {
    if (option !== '$skiptoken' && option !== '$deltatoken') parts.push(`${option}=${encodeURIComponent(value)}`);
  }
  parts.push(`${name}=${encodeURIComponent(token)}`);
  return `${ctx.baseUrl}${path}?${parts.join('&')}`;
}

const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

function pagingToken(value) {
  return `<cookie pagenumber="${value.page}" pagingcookie="${encode(value)}" istracking="${value.since !== undefined ? 'True' : 'False'}" />`;
}

function deltaToken(ctx, table, since) {
  const age = Math.floor(ctx.clock.now() / 1000);
  return `${since}!${encode({ table: table.logical, since, age })}`;
}

function readToken(text, kind) {
  const coded = kind === 'pagingcookie' ? /pagingcookie="([\w-]+)"/.exec(text)?.[1] : text.split('!')[1];
  try {
    return JSON.parse(Buffer.from(coded, 'base64url').toString('utf8'));
  } catch {
    throw errors.badQuery('The token in the address is not valid.');
  }
}

// --- change tracking --------------------------------------------------------------

function deltaBody(ctx, table, path, options, prefer) {
  const token = readToken(options.get('$deltatoken'), 'delta');
  const expired = token.age * 1000 + ctx.config.deltaTokenLifetimeS * 1000 < ctx.clock.now()
    || token.since < (ctx.store.settings.deltaFloor ?? 0) || token.since > ctx.store.version;
  if (expired || token.table !== table.logical) throw errors.deltaExpired(ctx.config.deltaExpiredCode);
  const shape = parseShape(ctx, table, { $select: options.get('$select') });
  const cookie = options.has('$skiptoken') ? readToken(options.get('$skiptoken'), 'pagingcookie') : undefined;
  const entries = changedSince(ctx, table, token.since);
  const start = cookie ? entries.findIndex((entry) => entry.version > cookie.after) : 0;
  const page = start < 0 ? [] : entries.slice(start, start + pageSize(prefer));
  const more = start >= 0 && start + page.length < entries.length;
  // Whatever changes while the client pages belongs to the next delta.
  const until = cookie?.until ?? ctx.store.version;
  const head = { '@odata.context': `${ctx.baseUrl}$metadata#${table.set}${contextSuffix(shape)}/$delta` };
  if (more) {
    const next = pagingToken({ after: page[page.length - 1].version, until, since: token.since, page: (cookie?.page ?? 1) + 1 });
    head['@odata.nextLink'] = `${link(ctx, path, options, '$deltatoken', options.get('$deltatoken'))}&$skiptoken=${encodeURIComponent(next)}`;
  } else {
    head['@odata.deltaLink'] = link(ctx, path, options, '$deltatoken', deltaToken(ctx, table, until));
  }
  const deletedContext = `${ctx.baseUrl}$metadata#${table.set}/$deletedEntity`;
  return listBody(head, page.map((entry) => (entry.row
    ? rowJson(ctx, shape, entry.row)
    : JSON.stringify({ '@odata.context': deletedContext, id: entry.id, reason: 'deleted' }))));
}

function changedSince(ctx, table, since) {
  const entries = [];
  for (const row of ctx.store.rows(table.logical)) {
    if (row.versionnumber > since) entries.push({ version: row.versionnumber, row });
  }
  for (const gone of ctx.store.deletedSince(table.logical, since)) {
    if (!ctx.store.get(table.logical, gone.id)) entries.push({ version: gone.version, id: gone.id });
  }
  return entries.sort((a, b) => a.version - b.version);
}

/*
 * The Web API: one request in, one answer out, without any HTTP around it, so that
 * the server and $batch run operations through the same door.
 *
 * execute(ctx, { method, path, query, headers, body }) gives { status, headers,
 * body, target? }; target is the row that was written, for Content-ID references.
 * It throws a ServiceError for everything that fails.
 */

import { ACTIONS } from './actions.mjs';
import { runBatch } from './batch.mjs';
import { bulkName, runBulk } from './bulk.mjs';
import { csdl } from './csdl.mjs';
import { errors } from './errors.mjs';
import { JsonError, Lexeme, parseJson, stringifyJson } from './json.mjs';
import { metadataBody } from './metadata.mjs';
import { checkVersion, createFromBody, deleteRow, updateFromBody, updateRow, upsert } from './operations.mjs';
import { collectionBody, countText } from './query.mjs';
import { findRow, missingRow, readKey, requireRow, resolveReference } from './references.mjs';
import { contextSuffix, parseShape, relatedRow, relatedRows, rowJson } from './represent.mjs';
import { parsePath, parsePrefer, parseQuery } from './uri.mjs';
import { readBody } from './values.mjs';

const JSON_TYPE = { 'Content-Type': 'application/json; odata.metadata=minimal' };

export function execute(ctx, request) {
  if (request.path.startsWith('$') && request.path !== '$batch' && request.path !== '$metadata') return executeReference(ctx, request);
  const prefer = parsePrefer(request.headers.prefer);
  const options = parseQuery(request.query);
  const segments = parsePath(request.path);
  const [first] = segments;
  if (!first) return ok(JSON.stringify(serviceDocument(ctx)));
  if (first.name === '$batch') {
    need(request, 'POST');
    return runBatch(ctx, request, (inner, operation) => {
      if (operation.path === '$batch') throw errors.badBatch('A batch cannot hold a batch.');
      const faulted = ctx.innerFault?.(operation);
      return faulted ?? execute(inner, operation);
    });
  }
  if (first.name === '$metadata') return { status: 200, headers: { 'Content-Type': 'application/xml' }, body: csdl(ctx.schema) };
  if (first.name === 'WhoAmI') return ok(JSON.stringify(whoAmI(ctx)));
  if (first.name === 'EntityDefinitions') {
    need(request, 'GET');
    return ok(metadataBody(ctx, segments, options));
  }
  if (Object.hasOwn(ACTIONS, first.name)) return action(ctx, request, first.name);
  const table = ctx.schema.bySet.get(first.name);
  if (!table) throw errors.resourceNotFound(first.name);
  if (first.key) return entity(ctx, request, table, segments, options, prefer);
  return collection(ctx, request, table, segments, options, prefer);
}

/** "$1" as the address of an operation: the row that an earlier one of the change set wrote. */
function executeReference(ctx, request) {
  const [name, ...rest] = request.path.split('/');
  const target = ctx.refs?.get(name.slice(1));
  if (!target) throw errors.badQuery(`The Content-ID reference '${name}' is not known.`);
  const path = [`${target.table.set}(${target.id})`, ...rest].join('/');
  return execute(ctx, { ...request, path });
}

// --- collections -------------------------------------------------------------------

function collection(ctx, request, table, segments, options, prefer) {
  const [, second] = segments;
  if (second) {
    if (second.name === '$count') {
      need(request, 'GET');
      return { status: 200, headers: { 'Content-Type': 'text/plain' }, body: countText(ctx, table, options) };
    }
    const name = bulkName(second.name);
    if (!name || segments.length > 2) throw errors.resourceNotFound(second.name);
    need(request, 'POST');
    const ids = runBulk(ctx, table, name, jsonBody(request));
    return ids ? ok(JSON.stringify({ '@odata.context': `${ctx.baseUrl}$metadata#Microsoft.Dynamics.CRM.CreateMultipleResponse`, Ids: ids })) : empty();
  }
  if (request.method === 'GET') {
    const answer = ok(collectionBody(ctx, table, request.path, options, prefer));
    const applied = ['odata.track-changes', 'odata.maxpagesize'].filter((name) => prefer.has(name))
      .map((name) => (prefer.get(name) ? `${name}=${prefer.get(name)}` : name));
    if (applied.length) answer.headers['Preference-Applied'] = applied.join(',');
    return answer;
  }
  need(request, 'POST');
  return written(ctx, table, createFromBody(ctx, table, jsonBody(request)), options, prefer, 201);
}

// --- single rows ---------------------------------------------------------------------

function entity(ctx, request, table, segments, options, prefer) {
  const [first, ...rest] = segments;
  if (rest.length) return below(ctx, request, table, requireRow(ctx, table, first.key), rest, options, prefer);
  switch (request.method) {
    case 'GET': return getRow(ctx, request, table, requireRow(ctx, table, first.key), options);
    case 'PATCH': return patch(ctx, request, table, first.key, options, prefer);
    case 'DELETE': {
      const row = requireRow(ctx, table, first.key);
      checkVersion(row, request.headers['if-match']);
      deleteRow(ctx, table, row);
      return empty();
    }
    default: throw errors.methodNotAllowed(request.method);
  }
}

function getRow(ctx, request, table, row, options) {
  if (request.headers['if-none-match'] === `W/"${row.versionnumber}"`) return { status: 304, headers: {}, body: '' };
  const shape = parseShape(ctx, table, Object.fromEntries(options));
  const context = `${ctx.baseUrl}$metadata#${table.set}${contextSuffix(shape)}/$entity`;
  const answer = ok(rowJson(ctx, shape, row, { '@odata.context': context }));
  answer.headers.ETag = `W/"${row.versionnumber}"`;
  return answer;
}

function patch(ctx, request, table, key, options, prefer) {
  const reading = readKey(ctx, table, key);
  const result = upsert(ctx, table, reading, findRow(ctx, table, reading), jsonBody(request), {
    ifMatch: request.headers['if-match'], ifNoneMatch: request.headers['if-none-match'],
  });
  if (result.missing) throw missingRow(table, reading);
  return written(ctx, table, result.row, options, prefer, result.created ? 201 : 200);
}

/** A property, a navigation property or its reference, below a row. */
function below(ctx, request, table, row, rest, options, prefer) {
  const [{ name }, reference] = rest;
  const navigation = table.navigation.get(name);
  if (reference?.name === '$ref' && navigation?.kind === 'many') return writeMember(ctx, request, table, row, rest[0], navigation);
  if (reference?.name === '$ref' && navigation) return writeReference(ctx, request, table, row, name, navigation);
  if (!navigation && request.method !== 'GET') return writeProperty(ctx, request, table, row, rest);
  need(request, 'GET');
  if (!navigation) {
    const column = table.byWire.get(name);
    if (!column || rest.length > 1) throw errors.resourceNotFound(name);
    const value = row[column.wire] ?? null;
    if (value === null || column.secret) return empty();
    const exact = column.type === 'money' || column.type === 'decimal' ? new Lexeme(value) : value;
    return ok(stringifyJson({ '@odata.context': `${ctx.baseUrl}$metadata#${table.set}(${row[table.pk]})/${name}`, value: exact }));
  }
  const target = ctx.schema.byLogical.get(navigation.target);
  if (navigation.kind === 'single') {
    const other = relatedRow(ctx, navigation, row);
    return other ? getRow(ctx, request, target, other, options) : empty();
  }
  const rows = relatedRows(ctx, table, navigation, row);
  if (reference?.name === '$count') return { status: 200, headers: { 'Content-Type': 'text/plain' }, body: countText(ctx, target, options, rows) };
  if (reference) throw errors.resourceNotFound(reference.name);
  return ok(collectionBody(ctx, target, request.path, options, prefer, rows));
}

/** PUT { "value" } or DELETE of one column. */
function writeProperty(ctx, request, table, row, rest) {
  const [{ name }] = rest;
  if (!table.byWire.has(name) || rest.length > 1) throw errors.resourceNotFound(name);
  if (request.method !== 'PUT' && request.method !== 'DELETE') throw errors.methodNotAllowed(request.method);
  const value = request.method === 'PUT' ? jsonBody(request).value : null;
  if (value === undefined) throw errors.badPayload("A property is written as { \"value\": ... }.");
  updateFromBody(ctx, table, row, { [name]: value });
  return empty();
}

/** POST adds a row to a collection, DELETE set(id)/collection(id)/$ref takes it out: the other row's lookup changes. */
function writeMember(ctx, request, table, row, segment, navigation) {
  const target = ctx.schema.byLogical.get(navigation.target);
  const lookup = target.columns.get(navigation.column);
  if (request.method === 'POST') {
    const other = resolveReference(ctx, String(jsonBody(request)['@odata.id'] ?? ''));
    if (other.table !== target) throw errors.badPayload(`'${segment.name}' holds rows of ${target.logical}.`);
    updateRow(ctx, target, ctx.store.get(target.logical, other.id), { [lookup.wire]: row[table.pk], [lookup.typeWire]: table.logical });
    return empty();
  }
  if (request.method !== 'DELETE') throw errors.methodNotAllowed(request.method);
  const other = requireRow(ctx, target, segment.key ?? {});
  if (other[lookup.wire] !== row[table.pk] || other[lookup.typeWire] !== table.logical) throw errors.resourceNotFound(segment.name);
  updateRow(ctx, target, other, { [lookup.wire]: null, [lookup.typeWire]: null });
  return empty();
}

function writeReference(ctx, request, table, row, name, navigation) {
  let values;
  if (request.method === 'PUT') values = readBody(ctx, table, { [`${name}@odata.bind`]: jsonBody(request)['@odata.id'] }).values;
  else if (request.method === 'DELETE') values = { [navigation.column.wire]: null, [navigation.column.typeWire]: null };
  else throw errors.methodNotAllowed(request.method);
  updateRow(ctx, table, row, values);
  return empty();
}

// --- actions and functions --------------------------------------------------------------

function action(ctx, request, name) {
  need(request, 'POST');
  const result = ACTIONS[name](ctx, jsonBody(request));
  if (!result) return empty();
  const table = ctx.schema.byLogical.get(result.table);
  const shape = parseShape(ctx, table, {});
  return ok(rowJson(ctx, shape, result.row, {
    '@odata.context': `${ctx.baseUrl}$metadata#${table.set}/$entity`, '@odata.type': `#Microsoft.Dynamics.CRM.${table.logical}`,
  }));
}

function whoAmI(ctx) {
  return {
    '@odata.context': `${ctx.baseUrl}$metadata#Microsoft.Dynamics.CRM.WhoAmIResponse`,
    BusinessUnitId: ctx.businessUnitId, UserId: ctx.userId, OrganizationId: ctx.organizationId,
  };
}

function serviceDocument(ctx) {
  return {
    '@odata.context': `${ctx.baseUrl}$metadata`,
    value: [...ctx.schema.bySet.keys()].map((set) => ({ name: set, kind: 'EntitySet', url: set })),
  };
}

// --- answers -------------------------------------------------------------------------------

function written(ctx, table, row, options, prefer, createdStatus) {
  const id = `${ctx.baseUrl}${table.set}(${row[table.pk]})`;
  const target = { table, id: row[table.pk] };
  const headers = { 'OData-EntityId': id };
  if (createdStatus === 201) headers.Location = id;
  if (prefer.get('return') !== 'representation') return { status: 204, headers, body: '', target };
  const shape = parseShape(ctx, table, Object.fromEntries(options));
  const body = rowJson(ctx, shape, row, { '@odata.context': `${ctx.baseUrl}$metadata#${table.set}${contextSuffix(shape)}/$entity` });
  return {
    status: createdStatus, target, body,
    headers: { ...headers, ...JSON_TYPE, ETag: `W/"${row.versionnumber}"`, 'Preference-Applied': 'return=representation' },
  };
}

const ok = (body) => ({ status: 200, headers: { ...JSON_TYPE }, body });
const empty = () => ({ status: 204, headers: {}, body: '' });

function need(request, method) {
  if (request.method !== method) throw errors.methodNotAllowed(request.method);
}

function jsonBody(request) {
  const type = request.headers['content-type'] ?? '';
  if (request.body.length && !/^application\/json\b/i.test(type)) {
    throw errors.badPayload(`A payload of type '${type}' cannot be read; send application/json.`);
  }
  try {
    return parseJson(request.body.toString('utf8'));
  } catch (error) {
    if (error instanceof JsonError) throw errors.badPayload(error.message);
    throw error;
  }
}

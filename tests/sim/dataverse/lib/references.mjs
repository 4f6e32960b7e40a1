/*
 * From a key or a reference in a request to the row that it names.
 *
 * A context (ctx) goes through all request code: { store, schema, config, clock,
 * baseUrl, refs, depth, ... }; refs maps the Content-IDs of a change set to what
 * its earlier operations wrote.
 */

import { errors } from './errors.mjs';
import { GUID, parsePath } from './uri.mjs';

// The documented list of characters with which a key in an address does not work.
const UNSUPPORTED = /[/<>*%&:\\#]/;

/** key (of parsePath) -> { key, values } for an alternate key, { guid } for a primary one. */
export function readKey(ctx, table, key, { inAddress = true } = {}) {
  if (key.guid) return { guid: key.guid };
  if (!key.values) throw errors.badQuery('Bad Request - Error in query syntax: an empty key.');
  const names = Object.keys(key.values);
  if (names.length === 1 && names[0] === table.pk) {
    if (!GUID.test(key.values[table.pk])) throw errors.badQuery(`'${key.values[table.pk]}' is not a guid.`);
    return { guid: key.values[table.pk].toLowerCase() };
  }
  const found = table.keys.find((item) => item.columns.length === names.length
    && item.columns.every((column) => names.includes(column)));
  if (!found) throw errors.notAKey(table.logical, names.join(', '));
  const status = ctx.config.keyStatus[found.name] ?? 'Active';
  if (status !== 'Active') throw errors.keyNotActive(table.logical, found.name, status);
  if (inAddress && ctx.config.strictKeyCharacters) {
    for (const value of Object.values(key.values)) {
      const bad = UNSUPPORTED.exec(value);
      if (bad) throw errors.keyCharacter(bad[0]);
    }
  }
  return { key: found, values: key.values };
}

/** What readKey gave -> row or undefined. */
export function findRow(ctx, table, reading) {
  return reading.guid
    ? ctx.store.get(table.logical, reading.guid)
    : ctx.store.findByKey(table.logical, reading.key, reading.values);
}

export function missingRow(table, reading) {
  return reading.guid ? errors.notFound(table.logical, reading.guid) : errors.keyNotFound(table.logical);
}

export function requireRow(ctx, table, key, options) {
  const reading = readKey(ctx, table, key, options);
  const row = findRow(ctx, table, reading);
  if (!row) throw missingRow(table, reading);
  return row;
}

/** "/contacts(guid)", "contacts(key='x')", a full address or "$1" -> { table, id } */
export function resolveReference(ctx, text) {
  if (/^\/?\$/.test(text)) {
    const target = ctx.refs?.get(text.replace(/^\/?\$/, ''));
    if (!target) throw errors.badPayload(`The Content-ID reference '${text}' is not known in this change set.`);
    return target;
  }
  const path = text.replace(/^https?:\/\/[^/]+/i, '').replace(/^\/api\/data\/v\d+\.\d+\//i, '').replace(/^\//, '');
  const segments = parsePath(path);
  const table = segments.length === 1 ? ctx.schema.bySet.get(segments[0].name) : undefined;
  if (!table || !segments[0].key) throw errors.badPayload(`'${text}' is not a reference to an entity.`);
  const row = requireRow(ctx, table, segments[0].key, { inAddress: false });
  return { table, id: row[table.pk] };
}

/*
 * CreateMultiple, UpdateMultiple and UpsertMultiple on a collection. On standard
 * tables the service takes all targets or none, so each is one transaction.
 */

import { errors } from './errors.mjs';
import { createFromBody, updateFromBody, upsert } from './operations.mjs';
import { findRow, missingRow, readKey } from './references.mjs';
import { parsePath } from './uri.mjs';

const NAMES = new Set(['CreateMultiple', 'UpdateMultiple', 'UpsertMultiple']);

/** "Microsoft.Dynamics.CRM.UpsertMultiple" or "UpsertMultiple" -> its short name, or undefined. */
export function bulkName(segment) {
  const name = segment.replace(/^Microsoft\.Dynamics\.CRM\./, '');
  return NAMES.has(name) ? name : undefined;
}

/** Gives the ids of created rows for CreateMultiple, nothing otherwise. */
export function runBulk(ctx, table, name, body) {
  const targets = body?.Targets;
  if (!Array.isArray(targets) || targets.length === 0) throw errors.badPayload(`${name} needs a list "Targets" with at least one entity.`);
  for (const target of targets) {
    if (typeof target?.['@odata.type'] !== 'string') throw errors.badPayload(`Each target of ${name} needs an "@odata.type".`);
  }
  return ctx.store.transaction(() => {
    if (name === 'CreateMultiple') return targets.map((target) => createFromBody(ctx, table, target)[table.pk]);
    const readings = targets.map((target) => readTarget(ctx, table, target));
    if (!ctx.config.allowDuplicateTargets) checkDistinct(readings);
    readings.forEach(({ reading, body: rest }) => {
      const existing = findRow(ctx, table, reading);
      if (name === 'UpsertMultiple') upsert(ctx, table, reading, existing, rest, {});
      else if (existing) updateFromBody(ctx, table, existing, rest);
      else throw missingRow(table, reading);
    });
    return undefined;
  });
}

/** A target names its row by @odata.id, by its primary key, or by the columns of an alternate key. */
function readTarget(ctx, table, target) {
  const address = target['@odata.id'];
  if (address !== undefined) {
    if (typeof address !== 'string') throw errors.wrongType('@odata.id', 'Edm.String');
    const path = address.replace(/^https?:\/\/[^/]+/i, '').replace(/^\/?(api\/data\/v\d+\.\d+\/)?/i, '');
    const segments = parsePath(path);
    if (segments.length !== 1 || segments[0].name !== table.set || !segments[0].key) {
      throw errors.badPayload(`'${address}' does not name a row of ${table.set}.`);
    }
    return { reading: readKey(ctx, table, segments[0].key, { inAddress: false }), body: target };
  }
  const id = target[table.pk];
  if (typeof id === 'string') return { reading: readKey(ctx, table, { values: { [table.pk]: id } }), body: target };
  const key = table.keys.find((item) => item.columns.every((column) => typeof target[column] === 'string'));
  if (!key) throw errors.badPayload('A target needs an "@odata.id", its primary key or all columns of an alternate key.');
  const values = Object.fromEntries(key.columns.map((column) => [column, target[column]]));
  return { reading: readKey(ctx, table, { values }, { inAddress: false }), body: target };
}

/** The service sorts targets into new and known before it writes, so a repeated one fails as a duplicate. */
function checkDistinct(readings) {
  const seen = new Set();
  for (const { reading } of readings) {
    const name = (reading.guid ?? JSON.stringify(Object.values(reading.values))).toLowerCase();
    if (seen.has(name)) throw errors.duplicateKey('of a target', reading.key?.name ?? 'primary key');
    seen.add(name);
  }
}

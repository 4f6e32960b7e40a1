/*
 * Create, update, upsert and delete of one row, each as (part of) a transaction,
 * with what the service adds by itself: defaults, state rules, document totals,
 * cascading deletes, and the events for webhooks.
 */

import { randomBytes, randomUUID } from 'node:crypto';
import { errors } from './errors.mjs';
import { refreshTotals } from './totals.mjs';
import { readBody } from './values.mjs';

const NUMBERED = {
  quote: ['quotenumber', 'QUO'], salesorder: ['ordernumber', 'ORD'], invoice: ['invoicenumber', 'INV'],
};
const LINES = {
  quote: ['quotedetail', 'quoteid'], salesorder: ['salesorderdetail', 'salesorderid'], invoice: ['invoicedetail', 'invoiceid'],
};
// The letters that the service uses at the end of a document number.
const LETTERS = 'ABCDEFGHJKLMNPQRSTUVWXYZ0123456789';

export function createFromBody(ctx, table, body, keyValues = {}) {
  const { values, nested } = readBody(ctx, table, body);
  return ctx.store.transaction(() => {
    const row = createRow(ctx, table, { ...keyValues, ...values });
    for (const [navigation, bodies] of nested) createNested(ctx, table, row, navigation, bodies);
    return ctx.store.get(table.logical, row[table.pk]);
  });
}

function createNested(ctx, table, parent, navigation, bodies) {
  const target = ctx.schema.byLogical.get(navigation.target);
  const column = target.columns.get(navigation.column);
  for (const body of bodies) {
    const { values } = readBody(ctx, target, body);
    createRow(ctx, target, { ...values, [column.wire]: parent[table.pk], [column.typeWire]: table.logical });
  }
}

/** values by stored name. Options: quiet = no events, totals = false when the caller refreshes them once. */
export function createRow(ctx, table, values, { quiet = false, totals = true } = {}) {
  return ctx.store.transaction((tx) => {
    const row = { ...values };
    row[table.pk] ??= randomUUID();
    if (ctx.store.get(table.logical, row[table.pk])) throw errors.duplicateId();
    applyDefaults(ctx, table, row);
    deriveColumns(ctx, table, row);
    checkRequired(ctx, table, row);
    let stored = ctx.store.put(table, row);
    if (totals) stored = refreshTotals(ctx, table, stored);
    if (!quiet) tx.events.push(event(ctx, 'Create', table, stored, { target: stored, after: stored }));
    return stored;
  });
}

export function updateFromBody(ctx, table, row, body) {
  const { values, nested } = readBody(ctx, table, body);
  if (nested.length) throw errors.badPayload('Rows of a collection cannot be written together with an update.');
  return updateRow(ctx, table, row, values);
}

export function updateRow(ctx, table, row, values, { quiet = false } = {}) {
  return ctx.store.transaction((tx) => {
    const id = row[table.pk];
    const changes = { ...values };
    delete changes[table.pk];
    applyState(table, row, changes);
    const next = { ...row, ...changes };
    deriveColumns(ctx, table, next);
    checkRequired(ctx, table, next);
    const stored = refreshTotals(ctx, table, ctx.store.put(table, next), row);
    if (!quiet) {
      const target = { [table.pk]: id, ...changes };
      tx.events.push(event(ctx, 'Update', table, stored, { target, before: row, after: stored, changed: Object.keys(changes) }));
    }
    return stored;
  });
}

export function deleteRow(ctx, table, row) {
  ctx.store.transaction((tx) => {
    const lines = LINES[table.logical];
    if (lines) {
      const lineTable = ctx.schema.byLogical.get(lines[0]);
      for (const line of ctx.store.findByLookup(lines[0], lines[1], row[table.pk])) ctx.store.remove(lineTable, line);
    }
    ctx.store.remove(table, row);
    refreshTotals(ctx, table, undefined, row);
    tx.events.push(event(ctx, 'Delete', table, row, { before: row, reference: true }));
  });
}

/** conditions: { ifMatch, ifNoneMatch } header texts. Gives { row, created }. */
export function upsert(ctx, table, reading, existing, body, conditions) {
  const { ifMatch, ifNoneMatch } = conditions;
  if (existing) {
    if (ifNoneMatch === '*') throw errors.alreadyExists();
    checkVersion(existing, ifMatch);
    return { row: updateFromBody(ctx, table, existing, body), created: false };
  }
  if (ifMatch !== undefined) return { missing: true };
  const keyValues = reading.guid ? { [table.pk]: reading.guid } : readBody(ctx, table, reading.values).values;
  return { row: createFromBody(ctx, table, body, keyValues), created: true };
}

export function checkVersion(row, ifMatch) {
  if (ifMatch === undefined || ifMatch === '*') return;
  const tags = ifMatch.split(',').map((tag) => tag.trim().replace(/^W\//, ''));
  if (!tags.includes(`"${row.versionnumber}"`)) throw errors.versionMismatch();
}

function event(ctx, message, table, row, more) {
  return { message, table: table.logical, id: row[table.pk], depth: ctx.depth ?? 1, ...more };
}

function applyDefaults(ctx, table, row) {
  for (const column of table.columns.values()) {
    if (column.initial !== undefined && (row[column.wire] === undefined || row[column.wire] === null)) {
      row[column.wire] = column.initial;
    }
  }
  applyState(table, {}, row);
  const owner = table.columns.get('ownerid');
  if (owner && !row[owner.wire]) Object.assign(row, { [owner.wire]: ctx.userId, [owner.typeWire]: 'systemuser' });
  const currency = table.columns.get('transactioncurrencyid');
  if (currency && !row[currency.wire] && ctx.store.settings.baseCurrency) {
    Object.assign(row, { [currency.wire]: ctx.store.settings.baseCurrency, [currency.typeWire]: 'transactioncurrency' });
  }
  const numbered = NUMBERED[table.logical];
  if (numbered && !row[numbered[0]]) row[numbered[0]] = documentNumber(ctx, table.logical, numbered[1]);
}

function documentNumber(ctx, logical, start) {
  const tail = [...randomBytes(6)].map((byte) => LETTERS[byte % LETTERS.length]).join('');
  return `${start}-${String(ctx.store.nextNumber(logical)).padStart(5, '0')}-${tail}`;
}

/** Keeps statecode and statuscode in step: a status belongs to one state. */
function applyState(table, row, changes) {
  const status = table.columns.get('statuscode');
  if (!status) return;
  const given = changes.statuscode ?? undefined;
  if (changes.statecode === null) delete changes.statecode;
  const state = changes.statecode ?? row.statecode ?? 0;
  if (given === undefined) {
    delete changes.statuscode;
    const kept = row.statuscode;
    if (kept === undefined || status.stateOf[kept] !== state) changes.statuscode = status.defaultOf[state];
  } else if (status.stateOf[given] !== state) {
    throw errors.badStatus(given, `${state}`, table.logical);
  }
}

function deriveColumns(ctx, table, row) {
  if (table.logical === 'contact') {
    row.fullname = [row.firstname, row.lastname].filter(Boolean).join(' ') || null;
  }
  if (table.logical === 'productpricelevel') {
    row.productnumber = ctx.store.get('product', row._productid_value)?.productnumber ?? null;
  }
}

function checkRequired(ctx, table, row) {
  for (const column of table.columns.values()) {
    const needed = column.systemRequired || (column.required && ctx.config.enforceRequired);
    if (needed && (row[column.wire] === undefined || row[column.wire] === null)) {
      throw errors.missingRequired(column.name, table.logical);
    }
  }
}

/*
 * All rows, in memory, with their indexes, and the transactions over them.
 *
 * Everything is synchronous, so a transaction is alone from its first line to its
 * last: rows change in place and an undo list takes them back when it fails. A
 * stored row is never changed, only replaced. When the outermost transaction ends
 * well, one journal record holds all of it.
 */

import { errors } from './errors.mjs';
import { History } from './history.mjs';

export class Store {
  constructor(schema, journal, clock) {
    this.schema = schema;
    this.journal = journal;
    this.clock = clock;
    this.version = 1000;
    this.sequences = { quote: 1000, salesorder: 1000, invoice: 1000 };
    this.settings = {};
    this.history = new History();
    this.tx = null;
    /** Hooks of the webhook part: jobs to keep with the transaction, and what to do after it. */
    this.beforeCommit = () => [];
    this.afterCommit = () => {};
    this.data = new Map([...schema.byLogical.values()].map((table) => [table.logical, emptyTable(table)]));
  }

  // --- reading ---------------------------------------------------------------

  get(logical, id) {
    return this.data.get(logical).rows.get(id);
  }

  rows(logical) {
    return this.data.get(logical).rows.values();
  }

  count(logical) {
    return this.data.get(logical).rows.size;
  }

  /** Row with these alternate key values, or undefined. values: { column: value } */
  findByKey(logical, key, values) {
    const data = this.data.get(logical);
    const text = keyText(key.columns, (name) => values[name]);
    return text === null ? undefined : data.rows.get(data.keys.get(key.name).get(text));
  }

  /** Rows whose indexed lookup holds the id. */
  findByLookup(logical, column, id) {
    const data = this.data.get(logical);
    const ids = data.lookups.get(column)?.get(id);
    return ids ? [...ids].map((rowId) => data.rows.get(rowId)) : [];
  }

  /** Primary keys in order: the order of a query that names none. */
  sortedIds(logical) {
    const data = this.data.get(logical);
    data.sorted ??= [...data.rows.keys()].sort();
    return data.sorted;
  }

  changes(logical) {
    return this.data.get(logical).changes;
  }

  deletedSince(logical, version) {
    return this.data.get(logical).deleted.filter((entry) => entry.version > version);
  }

  nextNumber(name) {
    this.sequences[name] += 1;
    this.tx.sequencesTouched = true;
    return this.sequences[name];
  }

  // --- writing ---------------------------------------------------------------

  /** Runs work() as one transaction, or as part of the one that is running. */
  transaction(work) {
    if (this.tx) return work(this.tx);
    const tx = { undo: [], ops: [], events: [], version: this.version, sequences: { ...this.sequences }, sequencesTouched: false };
    this.tx = tx;
    let jobs;
    let result;
    try {
      result = work(tx);
      jobs = tx.events.length ? this.beforeCommit(tx.events) : [];
      if (tx.ops.length || jobs.length) this.journal.append(recordOf(tx, jobs, this));
    } catch (error) {
      this.tx = null;
      this.rollback(tx);
      throw error;
    }
    this.tx = null;
    for (const op of tx.ops) this.remember(op);
    if (jobs.length) this.afterCommit(jobs);
    return result;
  }

  /** Stores a row as new or in place of the one with its id; gives it its version and dates. */
  put(table, values) {
    const data = this.data.get(table.logical);
    const id = values[table.pk];
    const previous = data.rows.get(id);
    const stamp = this.clock.stamp();
    const row = { ...values, createdon: previous?.createdon ?? stamp, modifiedon: stamp, versionnumber: this.version + 1 };
    this.checkKeys(table, data, row);
    this.version += 1;
    this.exchange(table, data, previous, row);
    this.tx.undo.push({ table, previous, row });
    this.tx.ops.push({ kind: 'put', table, row, previous });
    return row;
  }

  remove(table, row) {
    const data = this.data.get(table.logical);
    this.version += 1;
    this.exchange(table, data, row, undefined);
    this.tx.undo.push({ table, previous: row, row: undefined });
    this.tx.ops.push({ kind: 'delete', table, id: row[table.pk], version: this.version, at: this.clock.now() });
  }

  /** Keeps a small fact that is not a row (the token key, webhook switches, ...). */
  setting(name, value) {
    this.settings[name] = value;
    this.journal.append({ settings: { [name]: value } });
  }

  rollback(tx) {
    for (const { table, previous, row } of tx.undo.reverse()) {
      this.exchange(table, this.data.get(table.logical), row, previous);
    }
    this.version = tx.version;
    this.sequences = tx.sequences;
  }

  checkKeys(table, data, row) {
    for (const key of table.keys) {
      const text = keyText(key.columns, (name) => row[name]);
      const holder = text === null ? undefined : data.keys.get(key.name).get(text);
      if (holder !== undefined && holder !== row[table.pk]) throw errors.duplicateKey(key.columns.join(', '), key.name);
    }
  }

  /** Puts "row" where "previous" was, in the table and in its indexes; either may be undefined. */
  exchange(table, data, previous, row) {
    const id = (row ?? previous)[table.pk];
    for (const key of table.keys) {
      const index = data.keys.get(key.name);
      const before = previous && keyText(key.columns, (name) => previous[name]);
      const after = row && keyText(key.columns, (name) => row[name]);
      if (before && before !== after) index.delete(before);
      if (after) index.set(after, id);
    }
    for (const [column, index] of data.lookups) {
      const wire = table.columns.get(column).wire;
      const before = previous?.[wire];
      const after = row?.[wire];
      if (before === after) continue;
      if (before) index.get(before)?.delete(id);
      if (after) {
        if (!index.has(after)) index.set(after, new Set());
        index.get(after).add(id);
      }
    }
    if (row) data.rows.set(id, row);
    else data.rows.delete(id);
    if (data.sorted && Boolean(row) !== Boolean(previous)) adjustSorted(data.sorted, id, Boolean(row));
    data.changes += 1;
  }

  remember(op) {
    if (op.kind === 'put') {
      this.history.add(op.table, op.previous, op.row);
    } else {
      this.data.get(op.table.logical).deleted.push({ id: op.id, version: op.version, at: op.at });
      this.history.addDeleted(op.table, op.id, op.version, op.at);
    }
  }

  // --- start -----------------------------------------------------------------

  /** Takes in one journal record. Job records are handed to onJobs. */
  apply(record, onJobs) {
    for (const [kind, logical, value, version, at] of record.ops ?? []) {
      const table = this.schema.byLogical.get(logical);
      if (!table) throw new Error(`the journal has rows of an unknown table ${logical}`);
      const data = this.data.get(logical);
      if (kind === 'p') {
        const previous = data.rows.get(value[table.pk]);
        this.exchange(table, data, previous, value);
        this.remember({ kind: 'put', table, row: value, previous });
      } else {
        const row = data.rows.get(value);
        if (row) this.exchange(table, data, row, undefined);
        this.remember({ kind: 'delete', table, id: value, version, at });
      }
    }
    if (record.v) this.version = record.v;
    if (record.seq) this.sequences = record.seq;
    if (record.settings) Object.assign(this.settings, record.settings);
    if (record.jobs || record.jobStates) onJobs(record);
  }
}

function emptyTable(table) {
  const indexed = [...table.columns.values()].filter((column) => column.indexed);
  return {
    rows: new Map(),
    keys: new Map(table.keys.map((key) => [key.name, new Map()])),
    lookups: new Map(indexed.map((column) => [column.name, new Map()])),
    deleted: [],
    sorted: null,
    changes: 0,
  };
}

function recordOf(tx, jobs, store) {
  const record = { v: store.version };
  record.ops = tx.ops.map((op) => (op.kind === 'put'
    ? ['p', op.table.logical, op.row]
    : ['d', op.table.logical, op.id, op.version, op.at]));
  if (tx.sequencesTouched) record.seq = store.sequences;
  if (jobs.length) record.jobs = jobs;
  return record;
}

/** Null when a part is missing: rows without a key value do not take part in the index.
 *  The service compares as its database does: without case and without trailing blanks. */
function keyText(columns, valueOf) {
  const parts = [];
  for (const name of columns) {
    const value = valueOf(name);
    if (value === null || value === undefined) return null;
    parts.push(String(value).trimEnd().toLowerCase());
  }
  return parts.join('\u0000');
}

function adjustSorted(sorted, id, added) {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] < id) low = middle + 1;
    else high = middle;
  }
  if (added) sorted.splice(low, 0, id);
  else if (sorted[low] === id) sorted.splice(low, 1);
}

/*
 * The rows of all tables, in memory, with each change in the journal first.
 *
 * A stored row is never changed in place: an update puts a new object there, so
 * that whoever holds a result set sees the rows as they were. A change may become
 * visible later than it is written (a transaction that commits late): until then
 * rows() and lookup() show the old row, and latest() shows the new one.
 */

import { blankOf } from './columns.mjs';
import { SortedTable } from './sortedtable.mjs';
import { buildTables } from './tables.mjs';

export class Store {
  constructor(journal) {
    this.journal = journal;
    this.tables = buildTables();
    this.data = new Map([...this.tables.values()].map((table) => [table.name, new SortedTable(table)]));
    /** Last numbers given out, by name (DOCO, ...). */
    this.counters = {};
    this.settings = {};
    /** Changes not yet visible, in the order they will be: { at, ops } */
    this.pending = [];
  }

  table(name) {
    const table = this.tables.get(name);
    if (!table) throw new Error(`there is no table ${name}`);
    return table;
  }

  // --- reading -------------------------------------------------------------------

  /** All visible rows, in the order of their keys. */
  rows(name) {
    this.settle();
    return this.data.get(name).sorted();
  }

  /** The visible rows whose indexed column has this value. */
  lookup(name, column, value) {
    this.settle();
    return this.data.get(name).lookup(column, value);
  }

  /** Rows as they will be when all that was written is visible. */
  latest(name) {
    if (this.pending.length === 0) return this.rows(name);
    const rows = new Map(this.data.get(name).byKey);
    const data = this.data.get(name);
    for (const { ops } of this.pending) {
      for (const op of ops) if (op[0] === name) rows.set(data.keyOf(op[1]), merged(this.tables.get(name), rows.get(data.keyOf(op[1])), op[1]));
    }
    return [...rows.values()].sort((a, b) => data.compare(a, b));
  }

  // --- writing -------------------------------------------------------------------

  /** changes: [[table, values]] with the whole key in values; they merge into the row that is there, or make one. */
  write(changes, delayMs = 0) {
    if (changes.length === 0) return;
    const record = { w: Date.now(), ops: changes };
    if (this.fresh) record.counters = this.fresh;
    if (delayMs > 0) record.at = record.w + delayMs;
    this.journal.append(record);
    this.fresh = undefined;
    this.apply(record);
  }

  /** keys: [[table, key values]]; at once, as a deletion by hand in the database leaves no trace. */
  remove(keys) {
    const record = { w: Date.now(), gone: keys };
    this.journal.append(record);
    this.apply(record);
  }

  /** The next number; durable together with the next write. */
  next(name, first = 1) {
    const value = (this.counters[name] ?? first - 1) + 1;
    this.counters[name] = value;
    this.fresh = { ...this.fresh, [name]: value };
    return value;
  }

  setting(name, value) {
    this.journal.append({ settings: { [name]: value } });
    this.settings[name] = value;
  }

  /** A journal record takes effect: when it is written (w), and again, in the same order, when it is replayed. */
  apply({ w, ops, counters, at, settings, gone }) {
    Object.assign(this.counters, counters);
    Object.assign(this.settings, settings);
    if (gone) {
      this.settle(w);
      for (const [name, values] of gone) this.data.get(name).remove(values);
    }
    if (!ops) return;
    this.settle(w);
    if (at > w) {
      this.pending.push({ at, ops });
      this.pending.sort((a, b) => a.at - b.at);
    } else {
      this.put(ops);
    }
  }

  /** What has become due is made visible. */
  settle(now = Date.now()) {
    while (this.pending.length && this.pending[0].at <= now) this.put(this.pending.shift().ops);
  }

  put(ops) {
    for (const [name, values] of ops) {
      const data = this.data.get(name);
      data.put(merged(this.tables.get(name), data.byKey.get(data.keyOf(values)), values));
    }
  }
}

function merged(table, old, values) {
  if (old) return { ...old, ...values };
  const row = {};
  for (const column of table.columns.values()) row[column.name] = values[column.name] ?? blankOf(column);
  return row;
}

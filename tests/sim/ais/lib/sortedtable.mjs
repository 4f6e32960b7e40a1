/*
 * One table in memory: rows by key, rows in key order, and indexes of single
 * columns. The ordered list and the indexes are rebuilt only when a change could
 * not be worked into them cheaply.
 */

export class SortedTable {
  constructor(table) {
    this.table = table;
    this.byKey = new Map();
    this.list = [];
    this.places = new Map();
    this.stale = false;
    this.indexes = new Map([...new Set([...table.index, table.key[0]])].map((name) => [name, new Map()]));
  }

  keyOf(values) {
    return this.table.key.map((name) => values[name] ?? '').join('|');
  }

  compare(a, b) {
    for (const name of this.table.key) {
      if (a[name] < b[name]) return -1;
      if (a[name] > b[name]) return 1;
    }
    return 0;
  }

  put(row) {
    const key = this.keyOf(row);
    const old = this.byKey.get(key);
    this.byKey.set(key, row);
    for (const [name, index] of this.indexes) this.reindex(index, name, key, old, row);
    if (this.stale) return;
    if (old) {
      this.list[this.places.get(key)] = row;
    } else if (this.list.length === 0 || this.compare(this.list[this.list.length - 1], row) < 0) {
      this.places.set(key, this.list.length);
      this.list.push(row);
    } else {
      this.stale = true;
    }
  }

  /** Removes the row of these key values, if there is one. */
  remove(values) {
    const key = this.keyOf(values);
    const old = this.byKey.get(key);
    if (!old) return;
    this.byKey.delete(key);
    for (const [name, index] of this.indexes) index.get(old[name])?.delete(key);
    this.stale = true;
  }

  reindex(index, name, key, old, row) {
    if (old && old[name] !== row[name]) index.get(old[name])?.delete(key);
    if (old && old[name] === row[name]) return;
    if (!index.has(row[name])) index.set(row[name], new Set());
    index.get(row[name]).add(key);
  }

  sorted() {
    if (this.stale) {
      this.list = [...this.byKey.values()].sort((a, b) => this.compare(a, b));
      this.places = new Map(this.list.map((row, at) => [this.keyOf(row), at]));
      this.stale = false;
    }
    return this.list;
  }

  lookup(name, value) {
    const keys = this.indexes.get(name).get(value);
    return keys ? [...keys].map((key) => this.byKey.get(key)).sort((a, b) => this.compare(a, b)) : [];
  }
}

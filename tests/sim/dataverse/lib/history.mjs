/*
 * The last 50 committed versions of each row, for tests that prove that no older
 * value was written over a newer one. Kept as a base row and the changes since, so
 * that a hundred thousand rows changed a few times stay affordable; a row that was
 * never changed costs nothing.
 */

const KEEP = 50;

export class History {
  constructor() {
    this.tables = new Map();
  }

  add(table, previous, row) {
    if (!previous) return;
    const entry = this.entry(table, row[table.pk], previous);
    const changed = {};
    for (const name of new Set([...Object.keys(previous), ...Object.keys(row)])) {
      if (previous[name] !== row[name]) changed[name] = row[name] ?? null;
    }
    push(entry, changed);
  }

  addDeleted(table, id, version, at) {
    const entry = this.tables.get(table.logical)?.get(id);
    if (entry) push(entry, { '@deleted': true, versionnumber: version, modifiedon: new Date(at).toISOString() });
  }

  /** Oldest first; current is the row as it stands, for a row without changes. */
  versions(table, id, current) {
    const entry = this.tables.get(table.logical)?.get(id);
    if (!entry) return current ? [current] : [];
    const list = [entry.base];
    for (const changed of entry.changes) list.push({ ...list[list.length - 1], ...changed });
    return list;
  }

  entry(table, id, base) {
    if (!this.tables.has(table.logical)) this.tables.set(table.logical, new Map());
    const rows = this.tables.get(table.logical);
    if (!rows.has(id)) rows.set(id, { base, changes: [] });
    return rows.get(id);
  }
}

function push(entry, changed) {
  entry.changes.push(changed);
  if (entry.changes.length >= KEEP) entry.base = { ...entry.base, ...entry.changes.shift() };
}

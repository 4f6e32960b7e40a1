/*
 * Result sets of paged requests: the rows that matched when the first page was
 * read, kept until they are used up or not asked for during resultSetTimeoutMs.
 *
 * Each page has its own stateId. A link that was followed once is dead: asking it
 * again finds no result set, so that a lost page cannot be skipped unnoticed.
 */

import { randomBytes } from 'node:crypto';
import { lostResultSet } from './errors.mjs';

export class ResultSets {
  constructor(config) {
    this.config = config;
    this.sets = new Map();
    this.lastStack = 0;
    this.dropped = 0;
  }

  /** set: { token, table, columns, rows, at, pageSize }. Gives it with stackId, stateId and rid. */
  open(set) {
    this.dropOld();
    this.lastStack += 1;
    const kept = { ...set, stackId: this.lastStack, stateId: 1, rid: randomBytes(8).toString('hex'), used: Date.now() };
    this.sets.set(kept.rid, kept);
    return kept;
  }

  /** The set that a next link points at; its stateId moves on. */
  follow({ rid, stackId, stateId }, token) {
    this.dropOld();
    const set = this.sets.get(String(rid));
    if (!set || set.token !== token || String(set.stackId) !== String(stackId) || String(set.stateId) !== String(stateId)) throw lostResultSet();
    set.stateId += 1;
    set.used = Date.now();
    return set;
  }

  close(set) {
    this.sets.delete(set.rid);
  }

  dropAll() {
    this.dropped += this.sets.size;
    this.sets.clear();
  }

  dropOld() {
    const limit = Date.now() - this.config.resultSetTimeoutMs;
    for (const [rid, set] of this.sets) {
      if (set.used >= limit) continue;
      this.sets.delete(rid);
      this.dropped += 1;
    }
  }
}

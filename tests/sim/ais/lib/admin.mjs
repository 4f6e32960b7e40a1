/*
 * The admin API under /__sim/: how tests look into the simulator and steer it.
 * JSON in, JSON out, no authentication. It sees rows that are not visible yet.
 *
 * handle(request) answers { status, headers, body }; body may be an iterable of texts.
 */

import { changeConfig } from './config.mjs';
import { advance } from './fulfil.mjs';
import { removeRows, touch, upsertRows } from './touch.mjs';

export class Admin {
  constructor(simulator) {
    this.sim = simulator;
  }

  async handle({ method, path, query, body }) {
    const [name, argument, action] = path.replace(/^\/__sim\//, '').split('/');
    const parameters = new URLSearchParams(query);
    try {
      const input = body.length ? JSON.parse(body.toString('utf8')) : {};
      const handler = this[`${method.toLowerCase()}_${name.replaceAll('-', '_')}`];
      // Only the methods that are named like this are commands.
      if (!/^[a-z-]+$/.test(name) || !handler) return json(404, { error: `no such command: ${method} ${path}` });
      const result = await handler.call(this, input, argument && decodeURIComponent(argument), parameters, action);
      return result?.raw ?? json(200, result ?? { ok: true });
    } catch (error) {
      return json(400, { error: error.message });
    }
  }

  // --- state ---------------------------------------------------------------------

  get_health() {
    const { store, clock } = this.sim;
    const rows = {};
    for (const name of store.tables.keys()) rows[name] = store.rows(name).length;
    return { ok: true, rows, pending: store.pending.length, now: new Date(clock.now()).toISOString(), stamp: clock.stamp(), timeZone: clock.timeZone };
  }

  /** All rows as JSON lines, as stored. */
  get_dump(_input, name) {
    this.sim.store.table(name);
    const rows = this.sim.store.latest(name);
    const lines = function* lines() {
      for (const row of rows) yield `${JSON.stringify(row)}\n`;
    };
    return { raw: { status: 200, headers: { 'Content-Type': 'application/x-ndjson' }, body: lines() } };
  }

  get_rows(_input, name, parameters) {
    const table = this.sim.store.table(name);
    const wanted = [...parameters];
    for (const [column] of wanted) if (!table.columns.has(column)) throw new Error(`${name} has no column ${column}`);
    return { rows: this.sim.store.latest(name).filter((row) => wanted.every(([column, value]) => String(row[column]) === value)) };
  }

  /** One row, a list, or { rows, delayMs } */
  post_rows(input, name) {
    const rows = Array.isArray(input) ? input : input.rows ?? [input];
    return upsertRows(this.sim.ctx, name, rows, input.delayMs);
  }

  post_touch(input) {
    return touch(this.sim.ctx, input);
  }

  post_remove(input) {
    return removeRows(this.sim.ctx, input);
  }

  /** Sales order headers with their lines; ?reference= and ?soldTo= choose. */
  get_orders(_input, _argument, parameters) {
    const { store } = this.sim;
    const idOf = (row) => `${row.DOCO}|${row.DCTO}|${row.KCOO}`;
    const lines = new Map();
    for (const line of store.latest('F4211')) {
      if (!lines.has(idOf(line))) lines.set(idOf(line), []);
      lines.get(idOf(line)).push(line);
    }
    const [reference, soldTo] = [parameters.get('reference'), parameters.get('soldTo')];
    const orders = store.latest('F4201')
      .filter((row) => (reference === null || row.VR01 === reference) && (soldTo === null || String(row.AN8) === soldTo))
      .map((row) => ({ ...row, lines: lines.get(idOf(row)) ?? [] }));
    return { count: orders.length, orders };
  }

  /** POST orders/{doco}/advance: the lines of a sales order go on to a status, whole or in parts. */
  post_orders(input, doco, _parameters, action) {
    if (action !== 'advance') throw new Error('only orders/{doco}/advance');
    return advance(this.sim.ctx, doco, input);
  }

  // --- faults and switches ---------------------------------------------------------

  get_faults() {
    return { faults: this.sim.faults.describe() };
  }

  /** A list, { faults } or one rule replaces all; { add: [...] } comes behind those that are there. */
  post_faults(input) {
    const { faults } = this.sim;
    if (input.add) faults.add(input.add);
    else faults.replace(Array.isArray(input) ? input : input.faults ?? [input]);
    return this.get_faults();
  }

  delete_faults() {
    this.sim.faults.replace([]);
    return this.get_faults();
  }

  get_clock() {
    const { clock } = this.sim;
    return { now: new Date(clock.now()).toISOString(), offsetMs: clock.offsetMs, stamp: clock.stamp(), zoneOffset: clock.offsetText() };
  }

  post_clock(input) {
    this.sim.clock.set(input);
    return this.get_clock();
  }

  get_config() {
    return this.sim.config;
  }

  post_config(input) {
    changeConfig(this.sim.config, input);
    return this.sim.config;
  }

  get_stats() {
    const { stats, sessions, resultSets } = this.sim;
    return {
      total: stats.total, requests: stats.counts, tables: stats.tables, active: stats.active, peakConcurrency: stats.peak,
      logins: sessions.logins, refusedLogins: sessions.refused, logouts: sessions.logouts, sessions: sessions.byToken.size, peakSessions: sessions.peak,
      resultSets: resultSets.sets.size, droppedResultSets: resultSets.dropped,
    };
  }

  /** POST stats/reset: the counters, not the sessions. */
  post_stats() {
    const { stats, sessions, resultSets } = this.sim;
    stats.reset();
    Object.assign(sessions, { logins: 0, refused: 0, logouts: 0, peak: sessions.byToken.size });
    resultSets.dropped = 0;
    return this.get_stats();
  }
}

function json(status, value) {
  return { status, headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(value) };
}

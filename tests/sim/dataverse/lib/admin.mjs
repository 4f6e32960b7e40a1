/*
 * The admin API under /__sim/: how tests look into the simulator and steer it.
 * JSON in, JSON out, no authentication.
 *
 * handle(request, respond) answers { status, headers, body }; body may be an
 * iterable of texts.
 */

import { closeDeals } from './deals.mjs';
import { createRow, deleteRow } from './operations.mjs';
import { makeQuotes } from './seed.mjs';
import { NO_FAULTS, escapeXml } from './webhooks.mjs';

const AUTH_TYPES = { key: 4, header: 5, query: 6 };

export class Admin {
  constructor(simulator) {
    this.sim = simulator;
  }

  async handle({ method, path, query, body }) {
    const [name, argument] = path.replace(/^\/__sim\//, '').split('/');
    const parameters = new URLSearchParams(query);
    try {
      const input = body.length ? JSON.parse(body.toString('utf8')) : {};
      const handler = this[`${method.toLowerCase()}_${name.replaceAll('-', '_')}`];
      // Only the methods that are named like this are commands.
      if (!/^[a-z-]+$/.test(name) || !handler) return json(404, { error: `no such command: ${method} ${path}` });
      const result = await handler.call(this, input, argument && decodeURIComponent(argument), parameters);
      return result?.raw ?? json(200, result ?? { ok: true });
    } catch (error) {
      return json(400, { error: error.message });
    }
  }

  // --- state ---------------------------------------------------------------------

  get_health() {
    const rows = {};
    for (const [set, table] of this.sim.store.schema.bySet) rows[set] = this.sim.store.count(table.logical);
    return { ok: true, rows, version: this.sim.store.version };
  }

  get_dump(_input, set) {
    const table = this.table(set);
    const { store } = this.sim;
    const lines = function* lines() {
      for (const row of store.rows(table.logical)) yield `${JSON.stringify(row)}\n`;
    };
    return { raw: { status: 200, headers: { 'Content-Type': 'application/x-ndjson' }, body: lines() } };
  }

  get_rows(_input, set, parameters) {
    return { rows: this.find(set, parameters) };
  }

  get_history(_input, set, parameters) {
    const table = this.table(set);
    const { store } = this.sim;
    const id = parameters.get(table.pk);
    const rows = id ? [store.get(table.logical, id)] : this.find(set, parameters);
    return { versions: rows.flatMap((row) => store.history.versions(table, id ?? row[table.pk], row)) };
  }

  find(set, parameters) {
    const table = this.table(set);
    const wanted = [...parameters];
    for (const [name] of wanted) if (!table.byWire.has(name)) throw new Error(`${set} has no column ${name}`);
    const same = (row) => wanted.every(([name, value]) => String(row[name] ?? '') === value);
    return [...this.sim.store.rows(table.logical)].filter(same);
  }

  table(set) {
    const table = this.sim.store.schema.bySet.get(set);
    if (!table) throw new Error(`there is no table ${set}`);
    return table;
  }

  // --- faults and switches ---------------------------------------------------------

  get_faults() {
    return { faults: this.sim.faults.describe() };
  }

  post_faults({ faults }) {
    this.sim.faults.replace(faults);
    return this.get_faults();
  }

  delete_faults() {
    this.sim.faults.replace([]);
    return this.get_faults();
  }

  get_clock() {
    const { clock } = this.sim;
    return { now: new Date(clock.now()).toISOString(), offsetMs: clock.offsetMs };
  }

  post_clock(input) {
    this.sim.clock.set(input);
    return this.get_clock();
  }

  get_config() {
    return this.sim.config;
  }

  /** Known settings only; "limits" and "keyStatus" are merged; expireDeltaTokens ends all that were given out. */
  post_config({ expireDeltaTokens, limits, keyStatus, ...rest }) {
    const { config, store } = this.sim;
    for (const [name, value] of Object.entries(rest)) {
      if (!(name in config) || typeof value !== typeof config[name]) throw new Error(`not a setting, or of another type: ${name}`);
      config[name] = value;
    }
    if (limits) {
      Object.assign(config.limits, limits);
      this.sim.limits.reset();
    }
    if (keyStatus) Object.assign(config.keyStatus, keyStatus);
    if (expireDeltaTokens) store.setting('deltaFloor', store.version + 1);
    return config;
  }

  get_stats() {
    const { stats, entra } = this.sim;
    return { total: stats.total, requests: stats.counts, active: stats.active, peakConcurrency: stats.peak, tokensIssued: entra.issued };
  }

  post_stats() {
    this.sim.stats.reset();
    this.sim.entra.issued = 0;
    return this.get_stats();
  }

  // --- webhooks ----------------------------------------------------------------------

  /** { url, auth: { type, name, value }, messages } -> the same rows that a registration through the Web API makes */
  post_webhooks({ url, auth = { type: 'key', value: '' }, messages = ['ConvertQuoteToSalesOrder', 'GenerateInvoiceFromOrder'], entity }) {
    const { ctx, store } = this.sim;
    if (!(auth.type in AUTH_TYPES)) throw new Error(`unknown auth type ${auth.type}`);
    const secret = auth.type === 'key' ? auth.value
      : `<settings><setting name="${escapeXml(auth.name)}" value="${escapeXml(auth.value)}" /></settings>`;
    return store.transaction(() => {
      const endpoint = createRow(ctx, this.table('serviceendpoints'), {
        name: `webhook ${url}`.slice(0, 160), url, contract: 8, authtype: AUTH_TYPES[auth.type], authvalue: secret,
      }, { quiet: true });
      const id = endpoint.serviceendpointid;
      const steps = messages.map((message) => this.step(message, entity, id));
      return { id, steps };
    });
  }

  step(message, entity, endpointId) {
    const { ctx, store } = this.sim;
    const found = [...store.rows('sdkmessage')].find((row) => row.name === message);
    if (!found) throw new Error(`unknown message ${message}`);
    const filter = entity && store.findByLookup('sdkmessagefilter', 'sdkmessageid', found.sdkmessageid)
      .find((row) => row.primaryobjecttypecode === entity);
    if (entity && !filter) throw new Error(`${message} does not exist on ${entity}`);
    return createRow(ctx, this.table('sdkmessageprocessingsteps'), {
      name: `${message} to webhook`, stage: 40, mode: 1, _sdkmessageid_value: found.sdkmessageid, _sdkmessageid_type: 'sdkmessage',
      _eventhandler_value: endpointId, _eventhandler_type: 'serviceendpoint',
      ...(filter ? { _sdkmessagefilterid_value: filter.sdkmessagefilterid, _sdkmessagefilterid_type: 'sdkmessagefilter' } : {}),
    }, { quiet: true }).sdkmessageprocessingstepid;
  }

  get_webhooks() {
    const { store, webhooks } = this.sim;
    const steps = webhooks.steps();
    return {
      webhooks: [...store.rows('serviceendpoint')].map((row) => ({
        id: row.serviceendpointid, url: row.url, authtype: row.authtype, contract: row.contract,
        messages: steps.filter((step) => step.endpointId === row.serviceendpointid).map((step) => step.message),
      })),
    };
  }

  delete_webhooks() {
    const { ctx, store } = this.sim;
    store.transaction(() => {
      for (const set of ['sdkmessageprocessingsteps', 'serviceendpoints']) {
        const table = this.table(set);
        for (const row of [...store.rows(table.logical)]) deleteRow(ctx, table, row);
      }
    });
  }

  get_webhook_faults() {
    return this.sim.webhooks.faults;
  }

  post_webhook_faults(input) {
    for (const name of Object.keys(input)) if (!(name in NO_FAULTS)) throw new Error(`unknown webhook fault ${name}`);
    this.sim.webhooks.faults = { ...NO_FAULTS, ...input };
    return this.get_webhook_faults();
  }

  get_webhook_jobs() {
    return this.sim.webhooks.report();
  }

  // --- business ------------------------------------------------------------------------

  post_make_quotes({ count = 1, seed, accounts }) {
    return { quoteIds: makeQuotes(this.sim.ctx, { count, seed, accounts }) };
  }

  async post_close_deals({ async: later, ...parameters }) {
    const work = closeDeals(this.sim.ctx, parameters);
    if (!later) return work;
    this.lastDeals = { running: true };
    work.then((result) => { this.lastDeals = { running: false, ...result }; });
    return { started: true };
  }

  /** What became of the last asynchronous close-deals. */
  get_close_deals() {
    return this.lastDeals ?? { running: false };
  }
}

function json(status, value) {
  return { status, headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(value) };
}

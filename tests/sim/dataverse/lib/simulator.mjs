/*
 * All parts put together: reads the journal, seeds an empty directory, and keeps
 * the context (ctx) that request code works with.
 */

import { createHash } from 'node:crypto';
import { Clock } from './clock.mjs';
import { Entra } from './entra.mjs';
import { Faults } from './faults.mjs';
import { Journal } from './journal.mjs';
import { Limits } from './limits.mjs';
import { seedAll } from './seed.mjs';
import { Stats } from './stats.mjs';
import { Store } from './store.mjs';
import { buildSchema } from './tables.mjs';
import { Webhooks } from './webhooks.mjs';

const defaultConfig = () => ({
  limits: { enabled: false, requests: 6000, executionMs: 1200000, concurrent: 52, windowS: 300 },
  /** Added to each Web API and token call before it is executed. */
  latencyMs: 0,
  tokenLifetimeS: 3599,
  webhookTimeoutMs: 60000,
  webhookRetryDelayMs: 200,
  deltaTokenLifetimeS: 7 * 24 * 3600,
  deltaExpiredCode: '0x80060400',
  /** Sets whose changes are not tracked. */
  untracked: [],
  enforceRequired: true,
  strictDecimals: false,
  strictKeyCharacters: true,
  allowDuplicateTargets: false,
  batchErrorIs200: false,
  /** Alternate keys that are not Active: { keyName: "Pending" | "InProgress" | "Failed" } */
  keyStatus: {},
});

export class Simulator {
  /** options: { data, prefix, org, tenant, clientId, clientSecret, clientCert, webhookCa, tokenLifetimeS, seeds } */
  constructor(options) {
    this.clock = new Clock();
    this.config = { ...defaultConfig(), tokenLifetimeS: options.tokenLifetimeS };
    this.journal = new Journal(options.data);
    this.store = new Store(buildSchema(options.prefix), this.journal, this.clock);
    this.ctx = {
      store: this.store, schema: this.store.schema, config: this.config, clock: this.clock, queryMemory: new Map(), depth: 1,
      organizationName: options.org, organizationHost: `${options.org}.crm.dynamics.com`,
      organizationId: fixedId(`organization ${options.org}`), userId: fixedId(`user ${options.org}`), businessUnitId: fixedId(`unit ${options.org}`),
    };
    this.webhooks = new Webhooks(this.ctx, options.webhookCa);
    const records = this.journal.replay((record) => this.store.apply(record, (jobs) => this.webhooks.replay(jobs)));
    if (records === 0) {
      seedAll(this.ctx, options.seeds);
      this.store.setting('seeded', { ...this.store.settings.seeded, whole: true });
    }
    if (!this.store.settings.seeded?.whole) throw new Error('the data directory was left half seeded; empty it and start again');
    this.entra = new Entra(options, this.store, this.clock, this.config);
    this.limits = new Limits(this.clock, this.config);
    this.faults = new Faults();
    this.stats = new Stats();
  }

  start() {
    this.webhooks.resume();
  }

  stop() {
    this.webhooks.stop();
    this.journal.close();
  }
}

function fixedId(text) {
  const hex = createHash('sha256').update(text).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

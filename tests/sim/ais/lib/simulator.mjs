/*
 * All parts put together: reads the journal, seeds an empty directory, and keeps
 * the context (ctx) that request code works with.
 */

import { Clock } from './clock.mjs';
import { defaultConfig } from './config.mjs';
import { Faults } from './faults.mjs';
import { Journal } from './journal.mjs';
import { ResultSets } from './resultsets.mjs';
import { seedAll } from './seed.mjs';
import { Sessions } from './sessions.mjs';
import { Stats } from './stats.mjs';
import { Store } from './store.mjs';

export class Simulator {
  /** options: { data, timeZone, account, config, seeds } */
  constructor(options) {
    this.clock = new Clock(options.timeZone);
    this.config = defaultConfig(options.config);
    this.journal = new Journal(options.data);
    this.store = new Store(this.journal);
    this.sessions = new Sessions(options.account, this.clock, this.config);
    this.resultSets = new ResultSets(this.config);
    this.ctx = { store: this.store, clock: this.clock, config: this.config, resultSets: this.resultSets, stacks: new Map() };
    this.faults = new Faults();
    this.stats = new Stats();
    if (this.journal.replay((record) => this.store.apply(record)) === 0) {
      seedAll(this.ctx, options.seeds);
      this.store.setting('seeded', true);
    }
    if (!this.store.settings.seeded) throw new Error('the data directory was left half seeded; empty it and start again');
  }

  stop() {
    this.journal.close();
  }
}

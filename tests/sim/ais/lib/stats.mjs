/* Counters for tests: requests by endpoint and status, data service requests by table, and the peak of concurrency. */

export class Stats {
  constructor() {
    this.active = 0;
    this.reset();
  }

  reset() {
    this.counts = {};
    this.tables = {};
    this.peak = this.active;
    this.total = 0;
  }

  enter() {
    this.active += 1;
    this.peak = Math.max(this.peak, this.active);
  }

  /** status 0: the connection was cut */
  leave(method, path, status) {
    this.active -= 1;
    this.total += 1;
    const name = `${method} ${path.replace(/^\/jderest/, '').slice(0, 120)}`;
    this.counts[name] ??= {};
    this.counts[name][status] = (this.counts[name][status] ?? 0) + 1;
  }

  table(name) {
    this.tables[name] = (this.tables[name] ?? 0) + 1;
  }
}

/* Counters for tests: requests by endpoint and status, and the peak of concurrency. */

export class Stats {
  constructor() {
    this.active = 0;
    this.reset();
  }

  reset() {
    this.counts = {};
    this.peak = this.active;
    this.total = 0;
  }

  enter() {
    this.active += 1;
    this.peak = Math.max(this.peak, this.active);
  }

  leave(method, path, status) {
    this.active -= 1;
    this.total += 1;
    const name = `${method} ${endpointOf(path)}`;
    this.counts[name] ??= {};
    this.counts[name][status] = (this.counts[name][status] ?? 0) + 1;
  }
}

/** "/api/data/v9.2/accounts(accountnumber='6001')?$select=name" -> "/accounts()" */
function endpointOf(path) {
  const plain = path.split('?')[0].replace(/^\/api\/data\/v\d+\.\d+/, '').replace(/%28/gi, '(').replace(/%29/gi, ')');
  if (plain.includes('/oauth2/')) return '/token';
  return plain.replace(/\(.*?\)(?=\/|$)/g, '()').slice(0, 120);
}

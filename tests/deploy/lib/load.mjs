/*
 * Webhooks as Dynamics sends them, at a steady rate, over kept connections and over new ones in turns. What became of each
 * is written down; one that failed is sent once more after a pause, as Dynamics does.
 */

import fs from 'node:fs';
import https from 'node:https';
import { fileURLToPath } from 'node:url';
import { sleep } from '../../e2e/lib/wait.mjs';

const EVENT = fs.readFileSync(fileURLToPath(new URL('../../bench/event.json', import.meta.url)), 'utf8');
const RETRY_MS = 500;
const TIMEOUT_MS = 60000; // Dynamics waits so long for an answer

export class WebhookLoad {
  /** target: { port, path, ca }; ids: orders, each told of once; perSecond */
  constructor(target, ids, perSecond) {
    Object.assign(this, { target, ids: [...ids], perSecond, results: [], repeated: 0, open: new Set(), used: new WeakSet() });
    this.kept = new https.Agent({ keepAlive: true, maxSockets: 32 });
  }

  start() {
    this.began = performance.now();
    this.running = this.run();
    return this;
  }

  async run() {
    let sent = 0;
    while (this.ids.length > 0) {
      const due = this.began + (sent * 1000) / this.perSecond;
      if (due > performance.now()) await sleep(due - performance.now());
      const job = this.tell(this.ids.shift(), sent % 2 === 0).finally(() => this.open.delete(job));
      this.open.add(job);
      sent += 1;
    }
    await Promise.all(this.open);
    this.kept.destroy();
  }

  async tell(id, kept) {
    let first = await this.post(id, kept);
    // A kept connection may be closed by its server at any time: clients repeat at once on a new one (RFC 9112, 9.3.1).
    if (!first.ok && first.reused && first.error === 'ECONNRESET') {
      this.repeated += 1;
      first = await this.post(id, false);
    }
    this.results.push(first);
    for (let tries = 0; !first.ok && tries < 20; tries += 1) {
      await sleep(RETRY_MS);
      first = await this.post(id, false);
      this.results.push({ ...first, again: true });
    }
  }

  post(id, kept) {
    const body = EVENT.replaceAll('@ID@', id);
    const at = performance.now();
    return new Promise((resolve) => {
      const request = https.request({
        host: '127.0.0.1', port: this.target.port, path: this.target.path, ca: this.target.ca, method: 'POST', agent: kept ? this.kept : false,
        headers: { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) },
      });
      // Not request.reusedSocket, which is silent about requests that waited for a connection to become free.
      let reused = false;
      request.on('socket', (socket) => {
        reused = this.used.has(socket);
        this.used.add(socket);
      });
      const end = (what) => resolve({ id, at, ms: performance.now() - at, kept, reused, ...what });
      request.setTimeout(TIMEOUT_MS, () => request.destroy(new Error('timed out')));
      request.on('error', (error) => end({ ok: false, error: error.code ?? error.message }));
      request.on('response', (response) => {
        response.resume();
        response.on('error', () => {});
        response.on('end', () => end({ ok: response.statusCode === 200, error: response.statusCode === 200 ? undefined : `status ${response.statusCode}` }));
        response.on('aborted', () => end({ ok: false, error: 'cut' }));
      });
      request.end(body);
    });
  }

  /** Numbers for people, and for asserts. */
  summary() {
    const firsts = this.results.filter(({ again }) => !again);
    const failed = firsts.filter(({ ok }) => !ok);
    const times = firsts.filter(({ ok }) => ok).map(({ ms }) => ms).sort((a, b) => a - b);
    const answered = this.results.filter(({ ok }) => ok).map(({ at, ms }) => at + ms).sort((a, b) => a - b);
    const gaps = answered.slice(1).map((time, i) => time - answered[i]);
    const errors = {};
    for (const { error, reused } of failed) {
      const name = `${error}${reused ? ' on a kept connection' : ''}`;
      errors[name] = (errors[name] ?? 0) + 1;
    }
    return {
      sent: firsts.length, failed: failed.length, errors, repeatedAtOnce: this.repeated, medianMs: Math.round(times[Math.floor(times.length / 2)] ?? 0),
      slowestMs: Math.round(times.at(-1) ?? 0), longestGapMs: Math.round(Math.max(0, ...gaps)),
    };
  }
}

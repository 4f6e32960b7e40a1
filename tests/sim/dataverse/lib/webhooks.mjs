/*
 * Webhooks: which events go to which endpoint, and the sending.
 *
 * An event of a transaction becomes one job for each matching step; jobs are part
 * of the transaction's journal record. Sending is asynchronous, at most 20 at a
 * time, with one retry on 502, 503 and 504 and none otherwise. After a restart,
 * jobs without a recorded end are sent once more.
 */

import { randomUUID } from 'node:crypto';
import http from 'node:http';
import https from 'node:https';
import { webhookMessage } from './context.mjs';

const CONCURRENT = 20;
const KEEP_FINISHED = 10000;
const RETRIED = new Set([502, 503, 504]);
const WEBHOOK = 8;

export const NO_FAULTS = {
  duplicateProbability: 0, dropProbability: 0, reorder: false, reorderMs: 500, delayMs: 0,
  oversize: false, oversizeDropsOutput: false, orderIdInPrimary: false,
};

export class Webhooks {
  constructor(ctx, ca) {
    this.ctx = ctx;
    this.jobs = new Map();
    this.queue = [];
    this.running = 0;
    this.counts = { sent: 0, succeeded: 0, failed: 0, dropped: 0, retried: 0, duplicated: 0 };
    this.faults = { ...NO_FAULTS };
    this.agents = { 'http:': new http.Agent({ keepAlive: true }), 'https:': new https.Agent({ keepAlive: true, ca }) };
    ctx.store.beforeCommit = (events) => this.jobsFor(events);
    ctx.store.afterCommit = (jobs) => jobs.forEach((job) => this.schedule(job));
  }

  // --- from events to jobs -----------------------------------------------------

  jobsFor(events) {
    const steps = this.steps();
    if (steps.length === 0) return [];
    const jobs = [];
    const correlation = randomUUID();
    for (const event of events) {
      const operation = randomUUID();
      for (const step of steps) {
        if (!matches(step, event)) continue;
        const ids = { correlation, operation, request: randomUUID() };
        const { body, headers, primary } = webhookMessage(this.ctx, event, step, ids, this.faults);
        jobs.push({
          id: randomUUID(), stepId: step.id, endpointId: step.endpointId, message: step.message,
          entity: primary.table, entityId: primary.id, operationId: operation, createdOn: this.ctx.clock.now(), headers, body,
        });
      }
    }
    return jobs;
  }

  /** The enabled steps that lead to a webhook. Steps are few, and are read anew each time. */
  steps() {
    const { store } = this.ctx;
    const list = [];
    for (const row of store.rows('sdkmessageprocessingstep')) {
      const endpoint = store.get('serviceendpoint', row._eventhandler_value);
      if (row.statecode !== 0 || endpoint?.contract !== WEBHOOK) continue;
      list.push({
        id: row.sdkmessageprocessingstepid,
        name: row.name ?? null,
        endpointId: endpoint.serviceendpointid,
        message: store.get('sdkmessage', row._sdkmessageid_value)?.name,
        entity: store.get('sdkmessagefilter', row._sdkmessagefilterid_value)?.primaryobjecttypecode,
        attributes: (row.filteringattributes ?? '').split(',').map((name) => name.trim()).filter(Boolean),
        stage: row.stage,
        mode: row.mode,
      });
    }
    return list;
  }

  // --- sending -------------------------------------------------------------------

  schedule(job) {
    const tracked = { ...job, status: 'pending', attempts: 0, lastStatus: null, error: null };
    this.jobs.set(job.id, tracked);
    if (Math.random() < this.faults.dropProbability) {
      this.finish(tracked, 'dropped');
      return;
    }
    const times = Math.random() < this.faults.duplicateProbability ? 2 : 1;
    tracked.open = times;
    this.counts.duplicated += times - 1;
    for (let at = 0; at < times; at += 1) {
      const shuffle = this.faults.reorder ? Math.random() * this.faults.reorderMs : 0;
      const delay = this.faults.delayMs + shuffle;
      const enqueue = () => {
        this.queue.push(tracked);
        this.pump();
      };
      if (delay > 0) setTimeout(enqueue, delay).unref();
      else setImmediate(enqueue);
    }
  }

  pump() {
    while (this.running < CONCURRENT && this.queue.length && !this.stopped) {
      const job = this.queue.shift();
      this.running += 1;
      this.deliver(job).finally(() => {
        this.running -= 1;
        this.pump();
      });
    }
  }

  async deliver(job) {
    let result = await this.attempt(job);
    if (RETRIED.has(result.status)) {
      this.counts.retried += 1;
      await new Promise((resolve) => { setTimeout(resolve, this.ctx.config.webhookRetryDelayMs); });
      result = await this.attempt(job);
    }
    job.lastStatus = result.status ?? null;
    job.error = result.error ?? null;
    const good = result.status >= 200 && result.status < 300;
    job.open -= 1;
    // Of a duplicated job, the end of the second sending is the end.
    if (job.open === 0 && !this.stopped) this.finish(job, good ? 'succeeded' : 'failed');
  }

  attempt(job) {
    job.attempts += 1;
    this.counts.sent += 1;
    const endpoint = this.ctx.store.get('serviceendpoint', job.endpointId);
    if (!endpoint?.url) return Promise.resolve({ error: 'the endpoint is gone' });
    return new Promise((resolve) => {
      let request;
      const timer = setTimeout(() => {
        resolve({ error: 'timed out' });
        request?.destroy();
      }, this.ctx.config.webhookTimeoutMs);
      timer.unref();
      const done = (result) => {
        clearTimeout(timer);
        resolve(result);
      };
      try {
        const { url, headers } = authorize(endpoint, job.headers);
        const module = url.protocol === 'https:' ? https : http;
        request = module.request(url, {
          method: 'POST', agent: this.agents[url.protocol], headers: { ...headers, 'Content-Length': Buffer.byteLength(job.body) },
        });
        request.on('response', (response) => {
          response.resume();
          response.on('error', () => {});
          done({ status: response.statusCode });
        });
        request.on('error', (error) => done({ error: error.message }));
        request.end(job.body);
      } catch (error) {
        done({ error: error.message });
      }
    });
  }

  finish(job, status) {
    job.status = status;
    this.counts[status] += 1;
    delete job.body;
    delete job.headers;
    this.ctx.store.journal.append({ jobStates: [[job.id, status, job.attempts, job.lastStatus, job.error]] });
    this.trim();
  }

  trim() {
    if (this.jobs.size <= KEEP_FINISHED * 1.2) return;
    for (const [id, job] of this.jobs) {
      if (this.jobs.size <= KEEP_FINISHED) break;
      if (job.status !== 'pending') this.jobs.delete(id);
    }
  }

  // --- start, stop, report -----------------------------------------------------------

  /** Job records of the journal, as it is replayed. */
  replay(record) {
    for (const job of record.jobs ?? []) {
      this.jobs.set(job.id, { ...job, status: 'pending', attempts: 0, lastStatus: null, error: null });
    }
    for (const [id, status, attempts, lastStatus, error] of record.jobStates ?? []) {
      const job = this.jobs.get(id);
      if (!job) continue;
      Object.assign(job, { status, attempts, lastStatus, error });
      delete job.body;
      delete job.headers;
    }
    this.trim();
  }

  resume() {
    for (const job of [...this.jobs.values()]) {
      if (job.status === 'pending') this.schedule(job);
    }
  }

  stop() {
    this.stopped = true;
    for (const agent of Object.values(this.agents)) agent.destroy();
  }

  report() {
    const list = [...this.jobs.values()].map((job) => ({
      id: job.id, message: job.message, entity: job.entity, entityId: job.entityId, operationId: job.operationId,
      status: job.status, attempts: job.attempts, lastStatus: job.lastStatus, error: job.error,
    }));
    return { counts: { ...this.counts, pending: list.filter((job) => job.status === 'pending').length, total: list.length }, jobs: list };
  }
}

function matches(step, event) {
  if (step.message !== event.message && !sameInvoiceMessage(step.message, event.message)) return false;
  if (step.entity && step.entity !== 'none' && step.entity !== event.table && step.entity !== event.output?.table) return false;
  if (event.message !== 'Update' || step.attributes.length === 0) return true;
  const changed = event.changed.map((name) => /^_(.+)_value$/.exec(name)?.[1] ?? name);
  return step.attributes.some((name) => changed.includes(name));
}

const sameInvoiceMessage = (registered, message) =>
  registered === 'GenerateInvoiceFromSalesOrder' && message === 'GenerateInvoiceFromOrder';

/** Adds the shared secret as the endpoint's authentication type wants it. */
function authorize(endpoint, headers) {
  const url = new URL(endpoint.url);
  const all = { ...headers };
  if (endpoint.authtype === 4) url.searchParams.set('code', endpoint.authvalue ?? '');
  for (const [name, value] of settings(endpoint.authvalue, endpoint.authtype)) {
    if (endpoint.authtype === 5) all[name] = value;
    else url.searchParams.set(name, value);
  }
  return { url, headers: all };
}

/** <settings><setting name="x" value="y" /></settings> -> [["x", "y"]] */
function settings(text, authtype) {
  if (authtype !== 5 && authtype !== 6) return [];
  return [...(text ?? '').matchAll(/<setting\s+name="([^"]*)"\s+value="([^"]*)"\s*\/>/g)].map(([, name, value]) => [unescape(name), unescape(value)]);
}

const ENTITIES = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' };
const unescape = (text) => text.replace(/&(lt|gt|quot|apos|amp);/g, (_, name) => ENTITIES[name]);
export const escapeXml = (text) => text.replace(/[<>"'&]/g, (char) => `&${Object.keys(ENTITIES).find((name) => ENTITIES[name] === char)};`);

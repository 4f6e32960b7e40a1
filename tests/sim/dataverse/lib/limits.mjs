/*
 * Service protection limits: requests, execution time and concurrency, in a window
 * that slides, for the one application user. Off unless config.limits.enabled.
 */

import { ServiceError } from './errors.mjs';

const SLOTS = 60;

export class Limits {
  constructor(clock, config) {
    Object.assign(this, { clock, config, active: 0, slots: [], refusedUntil: 0, ignored: 0 });
  }

  /** Each request arrives, is checked, and leaves with the time it took. */
  arrive() {
    this.active += 1;
  }

  /** Throws the 429, or counts the request. */
  check() {
    if (this.config.limits.enabled) this.compare(this.config.limits);
    this.slot().requests += 1;
  }

  leave(ms) {
    this.active -= 1;
    this.slot().ms += ms;
  }

  remaining() {
    const limits = this.config.limits;
    if (!limits.enabled) return {};
    const used = this.used(limits);
    return {
      'x-ms-ratelimit-burst-remaining-xrm-requests': String(Math.max(0, limits.requests - used.requests)),
      'x-ms-ratelimit-time-remaining-xrm-requests': String(Math.max(0, (limits.executionMs - used.ms) / 1000)),
    };
  }

  reset() {
    Object.assign(this, { slots: [], refusedUntil: 0, ignored: 0 });
  }

  compare(limits) {
    const used = this.used(limits);
    const window = `measured over time window of ${limits.windowS} seconds`;
    if (this.active > limits.concurrent) {
      this.refuse('0x80072326', `Number of concurrent requests exceeded the limit of ${limits.concurrent}.`, 1);
    } else if (used.requests >= limits.requests) {
      this.refuse('0x80072322', `Number of requests exceeded the limit of ${limits.requests}, ${window}.`, this.wait(limits));
    } else if (used.ms >= limits.executionMs) {
      this.refuse('0x80072321', `Combined execution time of incoming requests exceeded limit of ${limits.executionMs} milliseconds `
        + `over time window of ${limits.windowS} seconds. Decrease number of concurrent requests or reduce the duration of requests and try again later.`,
      this.wait(limits));
    } else {
      this.ignored = 0;
    }
  }

  /** A client that comes back before its time is told to wait longer. */
  refuse(code, message, seconds) {
    const now = this.clock.now();
    if (now < this.refusedUntil) this.ignored += 1;
    const wait = Math.ceil(seconds * (1 + Math.min(this.ignored, 20) * 0.25));
    this.refusedUntil = now + wait * 1000;
    throw new ServiceError(429, code, message, { 'Retry-After': String(wait) });
  }

  wait(limits) {
    const oldest = this.slots[0]?.at ?? this.clock.now();
    return Math.max(1, Math.ceil((oldest + limits.windowS * 1000 - this.clock.now()) / 1000));
  }

  used(limits) {
    const from = this.clock.now() - limits.windowS * 1000;
    while (this.slots.length && this.slots[0].at < from) this.slots.shift();
    return this.slots.reduce((sum, slot) => ({ requests: sum.requests + slot.requests, ms: sum.ms + slot.ms }), { requests: 0, ms: 0 });
  }

  /** The window is cut into slots, so that counting costs the same at any rate. */
  slot() {
    const now = this.clock.now();
    const last = this.slots[this.slots.length - 1];
    if (last && now - last.at < (this.config.limits.windowS * 1000) / SLOTS && now >= last.at) return last;
    const slot = { at: now, requests: 0, ms: 0 };
    this.slots.push(slot);
    if (this.slots.length > SLOTS * 2) this.slots.shift();
    return slot;
  }
}

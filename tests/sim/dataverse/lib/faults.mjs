/*
 * Faults to order: a list of rules, the first that matches a request decides what
 * goes wrong with it. This module only chooses; the server acts.
 */

import { STATUS_CODES } from 'node:http';
import { decode } from './uri.mjs';

const ACTIONS = new Set([
  'status', 'slow', 'slow_after', 'drop_before', 'drop_after', 'garbage', 'truncate', 'expire_tokens', 'huge',
]);
const CODES = { 400: '0x80040203', 403: '0x80040220', 404: '0x80040217', 412: '0x80060882', 429: '0x80072322', 503: '0x80072324' };

export class Faults {
  list = [];

  replace(faults) {
    this.list = faults.map((fault, at) => compile(fault, at));
  }

  describe() {
    return this.list.map(({ fault, hits }) => ({ ...fault, hits }));
  }

  /** The fault for a request, or undefined. inner: an operation inside a batch. */
  pick({ method, path, body }, inner = false) {
    for (const item of this.list) {
      const { fault } = item;
      if (Boolean(fault.inner) !== inner || item.hits >= (fault.count ?? Infinity)) continue;
      if (fault.match?.method && fault.match.method.toUpperCase() !== method) continue;
      if (item.path && !item.path.test(path) && !item.path.test(readable(path))) continue;
      if (item.body && !item.body.test(body.toString('utf8'))) continue;
      if (Math.random() >= (fault.probability ?? 1)) continue;
      item.hits += 1;
      return fault;
    }
    return undefined;
  }
}

function compile(fault, at) {
  if (!ACTIONS.has(fault.action)) throw new Error(`fault ${at}: unknown action ${fault.action}`);
  if (fault.inner && fault.action !== 'status') throw new Error(`fault ${at}: only "status" works inside a batch`);
  return {
    fault: { id: `fault-${at + 1}`, ...fault },
    hits: 0,
    path: fault.match?.path ? new RegExp(fault.match.path) : undefined,
    body: fault.match?.body ? new RegExp(fault.match.body) : undefined,
  };
}

function readable(path) {
  try {
    return decode(path);
  } catch {
    return path;
  }
}

/** The answer of a "status" fault. */
export function faultAnswer(fault) {
  const status = fault.status ?? 500;
  const error = { code: fault.code ?? CODES[status] ?? '0x80040216', message: `${STATUS_CODES[status] ?? 'Error'} (fault ${fault.id}).` };
  return {
    status,
    headers: { 'Content-Type': 'application/json; odata.metadata=minimal', ...fault.headers },
    body: fault.bodyText ?? JSON.stringify({ error }),
  };
}

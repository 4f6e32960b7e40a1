/*
 * Faults to order: a list of rules, the first that matches a request decides what
 * goes wrong with it. This module only chooses; the server acts.
 */

import { STATUS_CODES } from 'node:http';
import { random } from './random.mjs';

const KINDS = new Set([
  'status', 'status_after', 'slow', 'slow_after', 'drop_before', 'drop_after', 'garbage', 'truncate', 'partial_page', 'expire_next', 'expire_tokens', 'huge',
]);
const MEMBERS = new Set(['id', 'match', 'kind', 'code', 'ms', 'count', 'skip', 'probability', 'seed', 'bodyText', 'headers', 'hits']);

export class Faults {
  list = [];

  replace(rules) {
    this.list = rules.map((rule, at) => compile(rule, at));
  }

  add(rules) {
    this.list.push(...rules.map((rule, at) => compile(rule, this.list.length + at)));
  }

  describe() {
    return this.list.map(({ rule, hits }) => ({ ...rule, hits }));
  }

  /** The rule that hits this request, or undefined. */
  pick({ method, path, body }) {
    for (const item of this.list) {
      const { rule } = item;
      if (item.hits >= (rule.count ?? Infinity)) continue;
      if (rule.match?.method && rule.match.method.toUpperCase() !== method) continue;
      if (item.path && !item.path.test(path) && !item.path.test(readable(path))) continue;
      if (item.body && !item.body.test(body.toString('utf8'))) continue;
      if (item.skip > 0) {
        item.skip -= 1;
        continue;
      }
      if (item.random.fraction() >= (rule.probability ?? 1)) continue;
      item.hits += 1;
      return rule;
    }
    return undefined;
  }
}

function compile(rule, at) {
  if (!KINDS.has(rule.kind)) throw new Error(`fault ${at + 1}: unknown kind ${rule.kind}`);
  for (const name of Object.keys(rule)) if (!MEMBERS.has(name)) throw new Error(`fault ${at + 1}: unknown member ${name}`);
  return {
    rule: { id: `fault-${at + 1}`, ...rule },
    hits: 0,
    skip: rule.skip ?? 0,
    path: rule.match?.path ? new RegExp(rule.match.path) : undefined,
    body: rule.match?.body ? new RegExp(rule.match.body) : undefined,
    random: random(rule.seed ?? 1 + at),
  };
}

function readable(path) {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

/** The answer of a "status" or "status_after" rule. */
export function faultAnswer(rule, clock) {
  const status = rule.code ?? 500;
  const text = status === 444 ? 'Invalid Token' : `${STATUS_CODES[status] ?? 'Error'} (fault ${rule.id})`;
  const error = { message: text, exception: 'com.oracle.e1.rest.ServiceException', timeStamp: clock.answerStamp() };
  return { status, headers: { 'Content-Type': 'application/json', ...rule.headers }, body: rule.bodyText ?? JSON.stringify(error) };
}

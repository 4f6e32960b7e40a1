/*
 * Fault cases that share a world, one after another. A case sets its fault, the world works under it (all customers
 * change, orders come in), the fault goes away, and then exactly the expected records must be on both sides.
 *
 * A case: { name, set(world), clear(world), hit(world): was the fault met?, during(world), heldMs, ordersDuring: orders
 * that `during` itself makes, settle: options of settled() }. All but the name may be missing.
 */

import assert from 'node:assert/strict';
import test from 'node:test';
import { settled } from './compare.mjs';
import { step } from './steps.mjs';
import { setting, sleep, until } from './wait.mjs';
import { World } from './world.mjs';

export const CUSTOMERS = setting('MLC_FAULT_CUSTOMERS', 60);
export const ORDERS = setting('MLC_FAULT_ORDERS', 15);

const SETTLE_MS = 90000;

/** Pages are small, so that a few dozen customers need several; uncertain writes settle after the slowest fault. */
export const SETTINGS = {
  customers: CUSTOMERS,
  agent: { flows: { customers: { page_size: 20 } }, ais: { timeout: '2s' }, orders: { settle: '8s' } },
  relay: { tenant: { dynamics: { timeout: '2s', settle: '4s' } } },
};

/** All customers change once, and so many orders come in. */
export async function work({ jde, dynamics }, name, orders = ORDERS) {
  const label = name.slice(0, 24);
  await jde.touch({ table: 'F0101', from: 6001, to: 6000 + CUSTOMERS, fields: { ALPH: `${label} {key}` } });
  await jde.touch({ table: 'F03012', from: 6001, to: 6000 + CUSTOMERS, count: 20, fields: { ACL: 1000 + (Date.now() % 50000) } });
  return orders > 0 ? dynamics.sell(orders) : [];
}

async function underFault(world, { name, set, clear, hit, during, heldMs = 1500, orders = ORDERS, ordersDuring = 0, settle = {} }) {
  const before = (await world.jde.orders()).length;
  try {
    await set?.(world);
    await work(world, name, orders);
    if (hit) await until('the fault is met', () => hit(world), { timeoutMs: 30000 });
    await during?.(world);
    await sleep(heldMs);
  } finally {
    await clear?.(world);
  }
  await settled(world, { timeoutMs: SETTLE_MS, ...settle });
  assert.equal((await world.jde.orders()).length, before + orders + ordersDuring, 'orders in JDE');
}

/** One world, all cases; MLC_FAULT_ONLY: only cases whose name holds this text. */
export function faultGroup(title, cases, settings = SETTINGS) {
  const chosen = cases.filter(({ name }) => name.includes(process.env.MLC_FAULT_ONLY ?? ''));
  if (chosen.length === 0) return;
  test(title, async (t) => World.run(settings, async (world) => {
    await settled(world, { timeoutMs: SETTLE_MS });
    for (const one of chosen) await step(t, world, `${title}: ${one.name}`, () => underFault(world, one));
  }));
}

const hits = async (sim, least) => {
  const { faults } = await sim.get('faults');
  return faults.every((fault) => fault.hits >= least);
};

/** A case of rules of one simulator ("jde" or "dynamics"); each must act at least once. */
export function ruleCase(name, which, rules, more = {}) {
  return {
    name,
    set: (world) => world[which].faults(rules),
    hit: (world) => hits(world[which], 1),
    clear: (world) => world[which].clearFaults(),
    ...more,
  };
}

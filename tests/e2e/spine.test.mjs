/*
 * The acceptance test: customers change and orders come in while agent and relay are killed and the tunnel is cut, all at
 * random moments. At the end both sides are equal to the last row, each record is explained, nothing is parked.
 *
 * Sizes: MLC_E2E_CUSTOMERS, MLC_E2E_ORDERS, MLC_E2E_KILLS (of each program), MLC_E2E_CUTS, MLC_E2E_SECONDS (over which it
 * all happens), MLC_E2E_SEED.
 */

import assert from 'node:assert/strict';
import test from 'node:test';
import { auditGaps } from './lib/audit.mjs';
import { startChaos } from './lib/chaos.mjs';
import { settled } from './lib/compare.mjs';
import { random, setting, sleep, until } from './lib/wait.mjs';
import { World } from './lib/world.mjs';

const FIRST = 6001;
const WAVES = 10;

const customers = setting('MLC_E2E_CUSTOMERS', 500);
const orders = setting('MLC_E2E_ORDERS', 50);
const kills = setting('MLC_E2E_KILLS', 6);
const cuts = setting('MLC_E2E_CUTS', 6);
const seconds = setting('MLC_E2E_SECONDS', 20);
const seed = setting('MLC_E2E_SEED', Date.now() % 1000000);

const options = {
  customers,
  items: 50,
  // A mass change is read again as long as the overlap lasts: kept short, as the changes never end here.
  agent: { flows: { customers: { schedule: '@every 1s', overlap: '15s', page_size: 500 } }, ais: { timeout: '10s' }, orders: { settle: '3s' } },
  relay: { tenant: { dynamics: { timeout: '10s', settle: '3s' } } },
};

/** One wave: a part of the customers changes (in either table), and a part of the quotes is won. */
async function wave(world, rng, number, quoteIds) {
  const { jde, dynamics } = world;
  const part = Math.ceil(customers / WAVES);
  const from = FIRST + part * (number % WAVES);
  const sizes = [{ from, to: from + part - 1 }, { from: FIRST + rng.below(customers), to: FIRST + customers }];
  await jde.touch({ table: 'F0101', ...sizes[0], sameStamp: rng.below(2) === 0, fields: { ALPH: `Wave ${number} of {key}` } });
  await jde.touch({ table: 'F03012', ...sizes[1], count: part, fields: { ACL: 1000 + rng.below(90000), HOLD: rng.pick(['', 'C1', 'N']) } });
  if (quoteIds.length > 0) await dynamics.closeDeals({ quoteIds });
}

test(`spine: ${customers} customers, ${orders} orders, ${kills} kills of each program, ${cuts} cuts, seed ${seed}`, async (t) => {
  const rng = random(seed);
  t.diagnostic(`seed ${seed}`);
  await World.run(options, async (world) => {
    const { jde, dynamics } = world;
    // Orders need accounts: the first ones must be there.
    await until('some accounts are in Dynamics', async () => (await dynamics.accountCount()) >= Math.min(customers, 50), { timeoutMs: 120000 });
    const quotes = await dynamics.makeQuotes(orders);
    const began = Date.now();
    const chaos = startChaos(world, { rng, kills, cuts, overMs: seconds * 1000 });
    const share = Math.ceil(orders / WAVES);
    for (let number = 0; number < WAVES; number += 1) {
      await wave(world, rng, number, quotes.slice(number * share, (number + 1) * share));
      await sleep((seconds * 1000) / WAVES);
    }
    await chaos.done;
    t.diagnostic(`${chaos.state.killed.agent} kills of the agent, ${chaos.state.killed.relay} of the relay, ${chaos.state.cuts} cuts in ${Date.now() - began} ms`);
    assert.ok(chaos.state.killed.agent >= kills && chaos.state.killed.relay >= kills && chaos.state.cuts >= cuts);

    const end = Date.now();
    await settled(world, { timeoutMs: 240000, everyMs: 1000 });
    t.diagnostic(`equal ${Date.now() - end} ms after the last fault`);
    assert.equal(await dynamics.accountCount(), customers);
    assert.equal((await jde.orders()).length, orders);
    assert.deepEqual(await auditGaps(world), []);
  });
});

/*
 * Customers from JDE to Dynamics, over real programs: first load, changes, and the moments at which a poll can lose one.
 */

import assert from 'node:assert/strict';
import test from 'node:test';
import { auditGaps } from './lib/audit.mjs';
import { settled } from './lib/compare.mjs';
import { step } from './lib/steps.mjs';
import { sleep, until } from './lib/wait.mjs';
import { World } from './lib/world.mjs';

const CUSTOMERS = 300;

test('customers', async (t) => World.run({ customers: CUSTOMERS }, async (world) => {
  const { jde, dynamics } = world;

  await step(t, world, `${CUSTOMERS} customers appear, each once, and no supplier`, async () => {
    await settled(world);
    assert.equal(await dynamics.accountCount(), CUSTOMERS);
  });

  await step(t, world, 'a change of either table appears', async () => {
    await jde.touch({ table: 'F0101', keys: [6042], fields: { ALPH: 'Żółw & Søn Ltd' } });
    await jde.touch({ table: 'F03012', keys: [6043], fields: { ACL: 123456, HOLD: 'C1' } });
    await until('the new name is in Dynamics', async () => (await dynamics.account(6042)).name === 'Żółw & Søn Ltd', { timeoutMs: 15000 });
    await until('the hold is in Dynamics', async () => (await dynamics.account(6043)).creditonhold, { timeoutMs: 15000 });
    await settled(world);
  });

  await step(t, world, 'a hold that is taken back, and a limit of 0, appear', async () => {
    await jde.touch({ table: 'F03012', keys: [6043], fields: { ACL: 0, HOLD: '' } });
    await until('the hold is gone', async () => !(await dynamics.account(6043)).creditonhold, { timeoutMs: 15000 });
    await settled(world);
  });

  await step(t, world, 'a new customer appears', async () => {
    await jde.addCustomer(7001, 'Brand new customer');
    await until('it has an account', async () => dynamics.account(7001), { timeoutMs: 15000 });
    await settled(world);
  });

  await step(t, world, 'a mass change with one stamp, over the borders of pages, appears whole', async () => {
    await jde.touch({ table: 'F0101', from: 6001, to: 6260, sameStamp: true, fields: { ALPH: 'Same stamp {key}' } });
    await settled(world);
  });

  await step(t, world, 'rows that change while they are paged appear with their last values', async () => {
    for (let round = 1; round <= 8; round += 1) {
      await jde.touch({ table: 'F0101', from: 6001, to: 6200, fields: { ALPH: `Round ${round} of {key}` } });
      await jde.touch({ table: 'F03012', from: 6100, to: 6300, fields: { ACL: 1000 * round } });
      await sleep(100);
    }
    await settled(world);
  });

  await step(t, world, 'rows that become visible later than their stamp tells appear', async () => {
    await jde.touch({ table: 'F0101', keys: [6010, 6011, 6012], delayMs: 3000, fields: { ALPH: 'Late {key}' } });
    // Later stamps are seen first, so that the watermark has passed when the late rows come.
    await sleep(1500);
    await jde.touch({ table: 'F0101', keys: [6200], fields: { ALPH: 'In time' } });
    await until('the one in time is there', async () => (await dynamics.account(6200)).name === 'In time', { timeoutMs: 15000 });
    await until('the late ones are there', async () => (await dynamics.account(6011)).name === 'Late 6011', { timeoutMs: 15000 });
    await settled(world);
  });

  await step(t, world, 'a mass touch that changes nothing writes nothing', async () => {
    // Reconciliation reads each second; nothing else may have happened.
    const others = async () => Object.entries((await dynamics.stats()).requests).filter(([name]) => !/^GET |\/token$/.test(name));
    const before = await others();
    await jde.touch({ table: 'F0101', from: 6001, to: 6300, fields: {} });
    await sleep(3000);
    assert.deepEqual(await others(), before);
    await settled(world);
  });

  await step(t, world, 'the audit trails explain each customer', async () => {
    assert.deepEqual(await auditGaps(world), []);
  });
}));

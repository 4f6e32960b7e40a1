/*
 * What brings both sides together again after something was lost: webhooks, delta tokens, backups that were restored, rows
 * that were deleted.
 */

import assert from 'node:assert/strict';
import test from 'node:test';
import { settled } from './lib/compare.mjs';
import { step } from './lib/steps.mjs';
import { until } from './lib/wait.mjs';
import { World } from './lib/world.mjs';

const CUSTOMERS = 30;

const found = async (world) => (await world.relayAdmin('GET', '/v1/status')).tenants[world.tenant].reconcile;

test('orders whose webhooks were lost', async (t) => World.run({ customers: CUSTOMERS, items: 10 }, async (world) => {
  const { dynamics } = world;
  await settled(world);

  await step(t, world, 'all webhooks are lost: change tracking finds the orders', async () => {
    await dynamics.post('webhook-faults', { dropProbability: 1 });
    await dynamics.sell(12);
    await settled(world);
    const state = await found(world);
    assert.equal(state.found, 12);
    assert.ok(state.tracked && state.resyncs >= 1, JSON.stringify(state));
  });

  await step(t, world, 'a run without news asks for changes only', async () => {
    const { runs } = await found(world);
    await dynamics.post('stats/reset');
    await until('three more runs', async () => (await found(world)).runs >= runs + 3);
    assert.equal((await found(world)).resyncs, 1);
  });

  await step(t, world, 'delta tokens are gone: all orders are gone through, none is made twice', async () => {
    await dynamics.post('config', { expireDeltaTokens: true });
    await dynamics.sell(7);
    await settled(world);
    const state = await found(world);
    assert.ok(state.resyncs >= 2, JSON.stringify(state));
    assert.equal(state.found, 19);
  });

  await step(t, world, 'tokens end while the relay is down', async () => {
    await world.relay.kill();
    await dynamics.sell(5);
    await dynamics.post('config', { expireDeltaTokens: true });
    await world.startRelay();
    await world.connected();
    await settled(world);
    assert.equal((await found(world)).found, 5);
  });

  await step(t, world, 'an order that is deleted in Dynamics is noted', async () => {
    const quiet = await found(world);
    await until('a link is in use', async () => {
      const { runs, resyncs } = await found(world);
      return runs > resyncs && runs > quiet.runs + 1;
    });
    const [order] = await dynamics.dump('salesorders');
    await dynamics.api('DELETE', `salesorders(${order.salesorderid})`);
    await until('it is noted', async () => (await found(world)).deleted === 1);
    const lines = await world.relayAdmin('GET', `/v1/audit?store=${world.tenant}&max=100000&key=${encodeURIComponent(`order/${order.salesorderid}`)}`);
    assert.match(JSON.stringify(lines), /"action\\?":\\?"deleted/);
  });
}));

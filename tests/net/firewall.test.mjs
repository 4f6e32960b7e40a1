/*
 * A site whose firewall lets out nothing but connections to port 443, and lets in nothing at all: customers and orders travel, and
 * the programs try nothing else. Then the firewall swallows an open connection without a word.
 */

import assert from 'node:assert/strict';
import test from 'node:test';
import { settled } from '../e2e/lib/compare.mjs';
import { step } from '../e2e/lib/steps.mjs';
import { until } from '../e2e/lib/wait.mjs';
import { skipUnlessPossible } from './lib/network.mjs';
import { PlacedWorld } from './lib/placed_world.mjs';

skipUnlessPossible();

const PATIENCE = { timeoutMs: 30000 };
const tunnel = async (world) => (await world.agentAdmin('GET', '/v1/status')).tunnel;

/** Is a TCP connection possible? Run on a machine of the network; waits for a second at most. */
function reaches(world, from, host, port) {
  const script = `const s=require('net').connect(${port},${JSON.stringify(host)},()=>process.exit(0));s.on('error',()=>process.exit(1));setTimeout(()=>process.exit(2),1000)`;
  return world.network.exec(from, process.execPath, '-e', script).status;
}

test('only port 443, and outward', async (t) => PlacedWorld.runIn({ family: 4, customers: 40 }, async (world) => {
  const { network } = world;

  await step(t, world, 'customers travel to Dynamics, orders to JDE', async () => {
    await settled(world);
    await world.dynamics.sell(3);
    await until('the orders are in JDE', async () => (await world.jde.orders()).length === 3, PATIENCE);
    await settled(world);
  });

  await step(t, world, 'the programs have tried nothing else', async () => {
    const { out, inward, other } = network.counters();
    assert.ok(out >= 2, `${out} connections were let out`);
    assert.deepEqual({ inward, other }, { inward: 0, other: 0 });
  });

  await step(t, world, 'the firewall is one', async () => {
    assert.equal(reaches(world, 'site', network.address.cloud, 443), 0);
    assert.equal(reaches(world, 'site', network.address.cloud, 8443), 2);
    assert.equal(reaches(world, 'cloud', network.address.site, 443), 2);
    assert.equal(reaches(world, 'cloud', network.address.site, world.jde.port), 2);
    const { inward, other } = network.counters();
    assert.ok(inward > 0 && other > 0);
  });

  await step(t, world, 'a connection that is swallowed without a word is noticed by both, and made anew', async () => {
    const { reconnects } = await tunnel(world);
    network.silence();
    await until('the agent knows', async () => !(await tunnel(world)).up, PATIENCE);
    await until('the relay knows', async () => !(await world.relayAdmin('GET', '/v1/agents')).agents[0].up, PATIENCE);
    await world.jde.touch({ table: 'F0101', keys: [6007], fields: { ALPH: 'While all was silent' } });
    network.speak();
    await until('the tunnel is up again', async () => (await tunnel(world)).up && (await tunnel(world)).reconnects > reconnects, PATIENCE);
    await until('the change has come', async () => (await world.dynamics.account(6007)).name === 'While all was silent', PATIENCE);
    await settled(world);
  });
}));

/*
 * Master records that are parked, at the relay or at the agent, are read again from JDE on request: the fresh snapshot takes the
 * place of the parked one, nothing is doubled, and what is as faulty as before stays to be seen. The flows run at night only, so
 * nothing but the request can bring a record.
 */

import assert from 'node:assert/strict';
import test from 'node:test';
import { settled } from './lib/compare.mjs';
import { agentCtl, refusal, relayCtl } from './lib/mlctl.mjs';
import { step } from './lib/steps.mjs';
import { sleep, until } from './lib/wait.mjs';
import { World } from './lib/world.mjs';

const CUSTOMERS = 10;
const WAIT = { timeoutMs: 20000 };
const TOO_MUCH = 200000000000000; // more than a creditlimit in Dynamics may be
const atNight = { flows: { customers: { schedule: '0 2 * * *' } } };

const parkedOf = async (world, key) => (await world.parked()).filter((entry) => entry.key === key);
const parked = (world, key, words) => until(`${key} is parked`, async () => (await parkedOf(world, key)).find(({ lastError }) => lastError.includes(words)), WAIT);
const poll = (world) => world.agentAdmin('POST', '/v1/poll', { flow: 'customers' });

const relayEntry = (world, seq) => world.relayAdmin('GET', `/v1/entry?store=${world.tenant}&stream=dynamics&seq=${seq}`);

async function actions(world, key) {
  const page = await world.relayAdmin('GET', `/v1/audit?store=${world.tenant}&key=${key}&max=10000`);
  return page.map(({ event }) => event.action);
}

test('refresh of master records', async (t) => World.run({ customers: CUSTOMERS, register: false, agent: atNight }, async (world) => {
  const { jde, dynamics } = world;
  const refresh = (seq) => relayCtl(world, 'retry', world.tenant, 'dynamics', String(seq), '--refresh');

  await step(t, world, 'a record that Dynamics refuses is parked at the relay', async () => {
    await settled(world);
    await jde.touch({ table: 'F03012', keys: [6003, 6005, 6006], fields: { ACL: TOO_MUCH } });
    await poll(world);
    for (const key of ['customer/6003', 'customer/6005', 'customer/6006']) await parked(world, key, 'creditlimit');
  });

  await step(t, world, 'read again without a correction it is parked again, once', async () => {
    const { seq } = await parked(world, 'customer/6003', 'creditlimit');
    assert.match(await refresh(seq), /^1 records are to be taken again/);
    await until('its new version is parked instead', async () => {
      const [entry, ...more] = await parkedOf(world, 'customer/6003');
      return entry && entry.seq !== seq && more.length === 0;
    }, WAIT);
    const old = await relayEntry(world, seq);
    assert.equal(old.state, 'done');
    assert.match(old.outcome, /^superseded by /);
  });

  await step(t, world, 'corrected in JDE and read again, it is delivered, and the history is whole', async () => {
    const { seq } = await parked(world, 'customer/6003', 'creditlimit');
    await jde.touch({ table: 'F03012', keys: [6003], fields: { ACL: 7000 } });
    await sleep(1000);
    assert.notEqual(Number((await dynamics.account(6003)).creditlimit), 7000);
    await refresh(seq);
    await until('Dynamics has it', async () => Number((await dynamics.account(6003)).creditlimit) === 7000, WAIT);
    await until('nothing of it is parked', async () => (await parkedOf(world, 'customer/6003')).length === 0, WAIT);
    const list = await actions(world, 'customer/6003');
    assert.equal(list.filter((name) => name === 'refreshed').length, 2);
    assert.deepEqual(list.slice(-4), ['refreshed', 'superseded', 'received', 'delivered']);
    assert.match(await refusal('--socket', world.relaySocket, 'retry', world.tenant, 'dynamics', String(seq), '--refresh'), /is done; only parked entries/);
  });

  await step(t, world, 'all that are parked at once, while the agent is away: they come when it is back', async () => {
    await jde.touch({ table: 'F03012', keys: [6005, 6006], fields: { ACL: 8000 } });
    assert.equal(await world.agent.stop(), 0);
    assert.match(await relayCtl(world, 'retry', world.tenant, 'dynamics', '--all', '--kind', 'customer', '--refresh'), /^2 records/);
    await sleep(500);
    assert.equal((await world.relayAdmin('GET', '/v1/parked')).entries.length, 2, 'they stay to be seen until then');
    await world.startAgent();
    await until('Dynamics has both', async () => Number((await dynamics.account(6005)).creditlimit) === 8000 && Number((await dynamics.account(6006)).creditlimit) === 8000, WAIT);
    await settled(world, WAIT);
    assert.equal(await dynamics.accountCount(), CUSTOMERS);
  });

  await step(t, world, 'a row that cannot be used is parked at the agent; read again as faulty as before, it stays', async () => {
    await jde.rows('F03012', [{ AN8: 6004, CO: '00000', ACL: 9000, UPMJ: 126001, UPMT: 996199 }]);
    await jde.touch({ table: 'F0101', keys: [6004], fields: { ALPH: 'Mended' } });
    await poll(world);
    const entry = await parked(world, 'customer/6004', 'F03012');
    assert.equal(entry.stream, 'up');
    await agentCtl(world, 'retry', 'agent', 'up', String(entry.seq), '--refresh');
    await until('it was looked at', async () => (await world.streams())['agent/ask'].ready === 0 && (await world.streams())['agent/ask'].inflight === 0, WAIT);
    assert.deepEqual((await parkedOf(world, 'customer/6004')).map(({ seq }) => seq), [entry.seq]);
  });

  await step(t, world, 'corrected, it goes its way and takes the place of the parked one', async () => {
    const [{ seq }] = await parkedOf(world, 'customer/6004');
    await jde.rows('F03012', [{ AN8: 6004, CO: '00000', UPMJ: 126001, UPMT: 101500 }]);
    await agentCtl(world, 'retry', 'agent', 'up', String(seq), '--refresh');
    await until('Dynamics has it', async () => Number((await dynamics.account(6004)).creditlimit) === 9000, WAIT);
    await settled(world, WAIT);
    assert.equal((await dynamics.account(6004)).name, 'Mended');
    assert.match((await world.agentAdmin('GET', `/v1/entry?store=agent&stream=up&seq=${seq}`)).outcome, /^superseded by /);
    assert.equal(await dynamics.accountCount(), CUSTOMERS);
  });

  await step(t, world, 'a record that is gone from JDE meanwhile is told as gone', async () => {
    await jde.touch({ table: 'F03012', keys: [6007], fields: { ACL: TOO_MUCH } });
    await poll(world);
    const { seq } = await parked(world, 'customer/6007', 'creditlimit');
    await jde.remove({ table: 'F0101', keys: [6007] });
    await refresh(seq);
    await until('its account is inactive', async () => (await dynamics.account(6007)).statecode === 1, WAIT);
    await until('nothing is parked', async () => (await world.parked()).length === 0, WAIT);
  });
}));

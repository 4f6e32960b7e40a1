/*
 * Dry runs and replays over real programs: what would be changed is told and nothing is written; what was only tried is sent
 * when the dry run is over; an audited operation is delivered once more to a test organisation, never to the real one.
 */

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { DynamicsSim } from './lib/sims.mjs';
import { step } from './lib/steps.mjs';
import { until } from './lib/wait.mjs';
import { World } from './lib/world.mjs';

const CUSTOMERS = 12;
const WAIT = { timeoutMs: 30000 };

const atNight = { flows: { customers: { schedule: '0 2 * * *' } } };

/** A second organisation, with data of its own. */
async function openTestTarget(world) {
  const dir = path.join(world.dir, 'test-target');
  fs.mkdirSync(dir);
  const target = new DynamicsSim({ dir, certs: world.certs, ca: world.ca, options: world.dynamics.options });
  await target.start();
  world.extra.push(target.program);
  return target;
}

const replaySettings = (world, target) => ({
  url: `${target.url}/api/data/v9.2/`, authority: target.url, directory: target.options.tenant, client_id: target.options['client-id'],
  client_secret: `file:${world.secretFile('dynamics')}`, scope: 'https://contoso.crm.dynamics.com/.default', ca_file: path.join(world.certs, 'ca.pem'),
});

/** A name that is changed by hand is not to travel to JDE here. */
const NO_ADDRESSES = { addresses: { enabled: false } };

const stream = async (world, name) => (await world.streams())[name];
const held = async (world) => (await stream(world, `${world.tenant}/held`)).ready;

async function audit(world, admin, key) {
  const lines = await admin('GET', `/v1/audit?${key ? `key=${encodeURIComponent(key)}&` : ''}max=10000`);
  const text = typeof lines === 'string' ? lines : lines.map((one) => JSON.stringify(one)).join('\n');
  return text.trim().split('\n').filter(Boolean).map((line) => JSON.parse(line));
}

async function restartRelay(world, tenant) {
  assert.equal(await world.relay.stop(), 0);
  world.writeConfigs({ relay: { tenant: { ...NO_ADDRESSES, ...tenant } }, agent: world.agentMore });
  await world.startRelay();
  await world.connected();
}

async function restartAgent(world, more) {
  assert.equal(await world.agent.stop(), 0);
  world.agentMore = more;
  world.writeConfigs({ relay: { tenant: { ...NO_ADDRESSES, ...world.tenantMore } }, agent: more });
  await world.startAgent();
  await world.connected();
}

const refused = async (promise, words) => assert.rejects(promise, (error) => { assert.match(error.message, words); return true; });

test('dry runs and replays', async (t) => World.run({ customers: CUSTOMERS, relay: { tenant: { ...NO_ADDRESSES, dry_run: true } }, agent: atNight }, async (world) => {
  const { jde, dynamics } = world;
  world.agentMore = atNight;
  const dryRun = (key) => world.relayAdmin('POST', '/v1/dry-run', { key, operator: 'test' });
  const preview = (flow, ids) => world.agentAdmin('POST', '/v1/dry-run', { flow, ...(ids ? { ids } : {}) });

  await step(t, world, 'the agent tells what a flow would send, and sends nothing', async () => {
    const before = (await stream(world, 'agent/up')).done;
    const { records, unchanged } = await preview('customers', ['6001', '6002']);
    assert.deepEqual(records.map(({ id }) => id), ['6001', '6002']);
    assert.equal(records[0].record.kind, 'customer');
    assert.ok(records[0].record.rows.F0101.ALPH);
    assert.equal((await stream(world, 'agent/up')).done >= before, true);
    assert.ok(unchanged <= 2);
    await refused(preview('nothing'), /not known or not enabled/);
  });

  await step(t, world, 'a tenant in dry run gets nothing written, and each record says what would be', async () => {
    await until('all are held', async () => await held(world) === CUSTOMERS, WAIT);
    assert.equal(await dynamics.accountCount(), 0);
    const entry = await world.relayAdmin('GET', `/v1/entry?store=${world.tenant}&stream=dynamics&seq=1`);
    assert.match(entry.outcome, /^dry run: would make a new row with /);
    const writes = Object.keys((await dynamics.stats()).requests).filter((name) => /^(PATCH|DELETE|POST)\b/.test(name) && name !== 'POST /token');
    assert.deepEqual(writes, []);
    const events = await audit(world, world.relayAdmin, 'customer/6001');
    assert.deepEqual(events.map(({ event }) => event.action), ['received', 'dry run']);
  });

  await step(t, world, 'the report has the exact values', async () => {
    const lines = fs.readFileSync(path.join(world.dir, 'relay/dry-run', `${world.tenant}.jsonl`), 'utf8').trim().split('\n').map((line) => JSON.parse(line));
    assert.equal(lines.length, CUSTOMERS);
    const line = lines.find(({ key }) => key === 'customer/6001');
    const name = line.differences.columns.find(({ column }) => column === 'name');
    const row = (await jde.dump('F0101')).find(({ AN8 }) => AN8 === 6001);
    assert.deepEqual(name, { column: 'name', old: null, new: row.ALPH.trim() });
    assert.equal(line.differences.exists, false);
  });

  await step(t, world, 'when the dry run is over, all that was only tried is sent; the relay need not be restarted', async () => {
    world.writeConfigs({ relay: {}, agent: world.agentMore });
    world.relay.child.kill('SIGHUP');
    await until('all accounts are there', async () => await dynamics.accountCount() === CUSTOMERS, WAIT);
    await until('nothing is held', async () => await held(world) === 0, WAIT);
    const row = (await jde.dump('F0101')).find(({ AN8 }) => AN8 === 6001);
    assert.equal((await dynamics.account(6001)).name, row.ALPH.trim());
  });

  await step(t, world, 'a single record is compared with Dynamics on request, column by column', async () => {
    const { accountid, name } = await dynamics.account(6003);
    assert.deepEqual((await dryRun('customer/6003')).differences.columns, []);
    await dynamics.api('PATCH', `accounts(${accountid})`, { name: 'Changed by a rep', telephone1: '1' });
    const answer = await dryRun('customer/6003');
    assert.equal(answer.ok, true);
    const found = new Map(answer.differences.columns.map((one) => [one.column, one]));
    assert.deepEqual([...found.keys()].sort(), ['name', 'telephone1']);
    assert.deepEqual(found.get('name'), { column: 'name', old: 'Changed by a rep', new: name });
    assert.equal((await dynamics.account(6003)).name, 'Changed by a rep');
    await refused(dryRun('customer/99'), /no message of .*customer\/99.* is kept/);
  });

  await step(t, world, 'only some kinds in dry run: the others go on', async () => {
    await restartRelay(world, { dry_run_kinds: ['customer'] });
    await jde.touch({ table: 'F0101', keys: [6001], fields: { ALPH: 'Dry name' } });
    const { records } = await preview('customers');
    assert.deepEqual(records.map(({ id, what }) => [id, what]), [['6001', 'changed']]);
    await world.agentAdmin('POST', '/v1/poll', { flow: 'customers' });
    await until('it is held', async () => await held(world) === 1, WAIT);
    assert.notEqual((await dynamics.account(6001)).name, 'Dry name');
    await jde.touch({ table: 'F0101', keys: [6001], fields: { ALPH: 'Last name' } });
    await world.agentAdmin('POST', '/v1/poll', { flow: 'customers' });
    await until('the newer one is held instead', async () => {
      const { done, ready } = await stream(world, `${world.tenant}/held`);
      return ready === 1 && done === CUSTOMERS + 1;
    }, WAIT);
  });

  await step(t, world, 'an audited operation is replayed at a test target', async () => {
    const target = await openTestTarget(world);
    world.tenantMore = { replay: replaySettings(world, target) };
    await restartRelay(world, world.tenantMore);
    await until('the last name is there', async () => (await dynamics.account(6001)).name === 'Last name', WAIT);
    const events = await audit(world, world.relayAdmin, 'customer/6002');
    const { index, event } = events.findLast((one) => one.event.action === 'delivered');
    const before = await dynamics.account(6002);
    await refused(world.relayAdmin('POST', '/v1/replay', { audit: index, target: `${dynamics.url}/api/data/v9.2/` }), /is not the test target/);
    const answer = await world.relayAdmin('POST', '/v1/replay', { audit: index, target: world.tenantMore.replay.url, operator: 'test' });
    assert.equal(answer.ok, true, JSON.stringify(answer));
    assert.equal((await target.account(6002)).name, before.name);
    assert.equal(await target.accountCount(), 1);
    assert.deepEqual(await dynamics.account(6002), before);
    const replayed = (await audit(world, world.relayAdmin, 'customer/6002')).at(-1).event;
    assert.equal(replayed.action, 'replayed');
    assert.equal(replayed.actor, 'operator:test');
    const again = await world.relayAdmin('POST', '/v1/replay', { correlation: event.correlation });
    assert.equal(again.ok, true);
    assert.equal(await target.accountCount(), 1);
    await refused(world.relayAdmin('POST', '/v1/replay', { audit: 999999 }), /is not there/);
  });

  await step(t, world, 'orders in dry run: the inputs are told, JDE stays as it is, and they are made when it is over', async () => {
    await restartAgent(world, { ...atNight, orders: { dry_run: true } });
    const [{ orderId }] = await dynamics.sell(1);
    await until('the order is held', async () => (await stream(world, 'agent/held')).ready === 1, WAIT);
    const entry = await world.agentAdmin('GET', '/v1/entry?store=agent&stream=jde&seq=1');
    assert.match(entry.outcome, /^dry run: would send \{/);
    assert.deepEqual(await jde.orders(), []);
    assert.equal((await dynamics.order(orderId)).ml_jdeordernumber ?? null, null);
    const { pid } = world.agent.child;
    world.writeConfigs({ relay: { tenant: { ...NO_ADDRESSES, ...world.tenantMore } }, agent: atNight });
    world.agent.child.kill('SIGHUP');
    await until('the number is in Dynamics', async () => (await dynamics.order(orderId)).ml_jdeordernumber, WAIT);
    assert.equal((await jde.orders()).length, 1);
    assert.equal(world.agent.child.pid, pid); // it was not started anew
  });
}));

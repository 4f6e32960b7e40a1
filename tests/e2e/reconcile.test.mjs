/*
 * What brings both sides together again after something was lost: webhooks, delta tokens, backups that were restored, rows
 * that were deleted.
 */

import assert from 'node:assert/strict';
import test from 'node:test';
import { settled } from './lib/compare.mjs';
import { step } from './lib/steps.mjs';
import { sleep, until } from './lib/wait.mjs';
import { World } from './lib/world.mjs';

const CUSTOMERS = 30;

const found = async (world) => (await world.relayAdmin('GET', '/v1/status')).tenants[world.tenant].reconcile.salesorders;

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

  await step(t, world, 'a backup of Dynamics is restored, from before the orders had their numbers', async () => {
    await world.agent.stop();
    const deals = await dynamics.sell(4);
    await until('the orders wait for the agent', async () => {
      const { stores } = await world.relayAdmin('GET', '/v1/status');
      return stores[0].streams.find(({ name }) => name === 'down').ready === 4;
    });
    await dynamics.program.kill();
    world.keep('dataverse-data');
    await dynamics.start();
    await world.startAgent();
    await settled(world);
    await dynamics.program.kill();
    world.bringBack('dataverse-data');
    await dynamics.start();
    assert.equal((await dynamics.order(deals[0].orderId)).ml_jdeordernumber ?? null, null);
    await sleep(10000); // so long an order may be without an answer
    await world.relayAdmin('POST', '/v1/compare', { kind: 'customer' });
    await settled(world);
    assert.equal((await found(world)).again, 4);
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

/** Begins a comparison and gives its report. */
async function compare(world, request = {}) {
  const last = async () => (await world.relayAdmin('GET', '/v1/compare')).tenants[world.tenant];
  const before = (await last()).last?.run;
  await world.relayAdmin('POST', '/v1/compare', { tenant: world.tenant, ...request });
  const report = await until('the comparison is done', async () => {
    const state = await last();
    return !state.running && state.last?.run !== before && state.last;
  }, { timeoutMs: 60000 });
  assert.equal(report.error, '');
  return Object.fromEntries(report.kinds.map((kind) => [kind.kind, kind]));
}

const drift = ({ missing, stale, extra, changed }) => ({ missing, stale, extra, changed });
const NONE = { missing: 0, stale: 0, extra: 0, changed: 0 };
const without = (faults) => ({ ...NONE, ...faults });

const flow = { enabled: true };

test('full comparison', async (t) => World.run({
  customers: CUSTOMERS, items: 20, products: 5,
  // What is changed by hand is written over here; it does not travel to JDE.
  relay: { tenant: { addresses: { enabled: false } } },
  agent: { flows: { suppliers: flow, contacts: flow, items: flow, prices: flow } },
}, async (world) => {
  const { jde, dynamics } = world;
  const equal = (options = {}) => settled(world, { masters: true, ...options });
  const polled = async (name) => {
    await world.agentAdmin('POST', '/v1/poll', name ? { flow: name } : {});
    await equal();
  };
  await jde.rows('F0111', [{ AN8: 6005, IDLN: 1, MLNM: 'Zoe Miller', ALPH: 'Zoe Miller', TYC: '' }]);
  await equal();

  await step(t, world, 'what is equal is found equal', async () => {
    const kinds = await compare(world);
    assert.deepEqual(Object.keys(kinds).sort(), ['contact', 'customer', 'item', 'price', 'supplier']);
    for (const kind of Object.values(kinds)) assert.deepEqual(drift(kind), NONE, kind.kind);
    assert.equal(kinds.customer.records, CUSTOMERS);
    assert.equal(kinds.contact.records, 1);
    assert.equal(kinds.item.records, 20);
  });

  await step(t, world, 'what was changed, removed and added by hand in Dynamics is found by a dry run, and not touched', async () => {
    const account = await dynamics.account(6001);
    await dynamics.api('PATCH', `accounts(${account.accountid})`, { name: 'Changed by hand', creditlimit: 1 });
    await dynamics.api('PATCH', `accounts(${(await dynamics.account(6003)).accountid})`, { creditlimit: 77.5 });
    await dynamics.api('DELETE', `accounts(${(await dynamics.account(6002)).accountid})`);
    await dynamics.api('POST', 'accounts', { name: 'Never in JDE', accountnumber: '99001', ml_sourcerecordid: 'JDE/F0101/99001', ml_sourceversion: '1.1.1' });
    const { customer, supplier } = await compare(world, { dry: true });
    assert.deepEqual(drift(customer), without({ missing: 1, changed: 2, extra: 1 }));
    assert.deepEqual(drift(supplier), NONE);
    assert.equal(customer.sentAgain, 0);
    assert.ok(customer.samples.some(({ id, what }) => id === '6002' && what === 'missing'));
    assert.equal((await dynamics.account(6001)).name, 'Changed by hand');
  });

  await step(t, world, 'a comparison heals it', async () => {
    const { customer } = await compare(world, { kind: 'customer' });
    assert.deepEqual(drift(customer), without({ missing: 1, changed: 2, extra: 1 }));
    assert.equal(customer.sentAgain, 4);
    await equal();
    assert.equal((await dynamics.account(99001)).statecode, 1);
    const again = await compare(world);
    for (const kind of Object.values(again)) assert.deepEqual(drift(kind), NONE, kind.kind);
  });

  await step(t, world, 'rows that were deleted in JDE are deactivated', async () => {
    await jde.remove({ table: 'F0101', keys: [6010, 6011] });
    await jde.remove({ table: 'F0111', from: 6005, to: 6005 });
    const price = (await jde.dump('F4106'))[0];
    await jde.remove({ table: 'F4106', keys: [price.ITM] });
    const kinds = await compare(world);
    assert.deepEqual(drift(kinds.customer), without({ extra: 2 }));
    assert.deepEqual(drift(kinds.contact), without({ extra: 1 }));
    assert.ok(kinds.price.extra >= 1);
    await equal();
    assert.deepEqual(drift((await compare(world)).customer), NONE);
  });

  await step(t, world, 'a change that left no stamp in JDE is found', async () => {
    const [row] = (await jde.dump('F0101')).filter(({ AN8 }) => AN8 === 6004);
    await jde.rows('F0101', [{ ...row, ALPH: 'Changed by SQL', UPMJ: 120001, UPMT: 0 }]);
    const { customer } = await compare(world, { kind: 'customer' });
    assert.deepEqual(drift(customer), without({ stale: 1 }));
    assert.equal(customer.unsent, 1);
    await equal();
  });

  await step(t, world, 'a backup of the agent is restored', async () => {
    await world.agent.stop();
    world.keep('agent');
    await world.startAgent();
    await jde.touch({ table: 'F0101', from: 6001, to: 6008, fields: { ALPH: 'After the backup {key}' } });
    await equal();
    await world.agent.stop();
    world.bringBack('agent');
    await world.startAgent();
    await world.connected();
    await polled();
    for (const kind of Object.values(await compare(world))) assert.deepEqual(drift(kind), NONE, kind.kind);
  });

  await step(t, world, 'a backup of the relay is restored', async () => {
    await world.relay.stop();
    world.keep('relay');
    await world.startRelay();
    await world.connected();
    await jde.touch({ table: 'F0101', from: 6001, to: 6006, fields: { ALPH: 'Newer than the relay {key}' } });
    await jde.addCustomer(7001, 'Unknown to the backup');
    await equal();
    await world.relay.stop();
    world.bringBack('relay');
    await world.startRelay();
    await world.connected();
    await compare(world);
    await equal();
    const kinds = await compare(world);
    for (const kind of Object.values(kinds)) assert.deepEqual(drift(kind), NONE, kind.kind);
  });

  await step(t, world, 'a backup of Dynamics is restored', async () => {
    await dynamics.program.kill();
    world.keep('dataverse-data');
    await dynamics.start();
    await jde.touch({ table: 'F0101', from: 6001, to: 6003, fields: { ALPH: 'Newer than Dynamics {key}' } });
    await jde.touch({ table: 'F4101', from: 60001, to: 60002, fields: { DSC1: 'Newer than Dynamics' } });
    await jde.addCustomer(7002, 'Unknown to Dynamics');
    await equal();
    await dynamics.program.kill();
    world.bringBack('dataverse-data');
    await dynamics.start();
    const kinds = await compare(world);
    assert.deepEqual(drift(kinds.customer), without({ missing: 1, stale: 3 }));
    assert.deepEqual(drift(kinds.item), without({ stale: 2 }));
    await equal();
    for (const kind of Object.values(await compare(world))) assert.deepEqual(drift(kind), NONE, kind.kind);
  });

  await step(t, world, 'the trail and the state tell of it', async () => {
    const lines = await world.relayAdmin('GET', `/v1/audit?store=${world.tenant}&max=100000&key=compare/customer`);
    assert.ok(JSON.stringify(lines).includes('sent again'));
    const { compare: state } = (await world.relayAdmin('GET', '/v1/status')).tenants[world.tenant];
    assert.ok(state.nextRun && state.last.done);
  });
}));

/** As docs/reconciliation.md says, step by step. */
test('a backup of JDE is restored', async (t) => World.run({
  customers: 12, items: 10, relay: { tenant: { addresses: { enabled: false } } },
}, async (world) => {
  const { jde, dynamics } = world;
  const numberOf = async ({ orderId }) => (await dynamics.order(orderId)).ml_jdeordernumber ?? null;
  let lost;

  await settled(world);
  await step(t, world, 'more happens after the backup', async () => {
    await dynamics.sell(3);
    await settled(world);
    await jde.program.kill();
    world.keep('ais-data');
    await jde.start();
    lost = await dynamics.sell(2);
    await jde.touch({ table: 'F0101', from: 6001, to: 6003, fields: { ALPH: 'After the backup {key}' } });
    await jde.addCustomer(7003, 'Unknown to the backup');
    await settled(world);
    await until('Dynamics knows what the backup does not', async () => await dynamics.account(7003) && /After the backup/.test((await dynamics.account(6003)).name));
    assert.equal((await jde.orders()).length, 5);
  });

  await step(t, world, 'it is restored while the agent is stopped: a comparison sets Dynamics to what JDE has now', async () => {
    await world.agent.stop();
    await jde.program.kill();
    world.bringBack('ais-data');
    await jde.start();
    await world.startAgent();
    await world.connected();
    const { customer } = await compare(world);
    assert.deepEqual(drift(customer), without({ stale: 3, extra: 1 }));
    await until('all is as in JDE', async () => (await dynamics.account(7003)).statecode === 1 && !/After the backup/.test((await dynamics.account(6003)).name), { timeoutMs: 30000 });
    assert.deepEqual(drift((await compare(world)).customer), NONE);
  });

  await step(t, world, 'orders that JDE lost keep their numbers in Dynamics and are not made by themselves', async () => {
    assert.equal((await jde.orders()).length, 3);
    for (const deal of lost) assert.ok(await numberOf(deal));
  });

  await step(t, world, 'emptied of number and status they are made again, once, and no other is', async () => {
    for (const { orderId } of lost) await dynamics.api('PATCH', `salesorders(${orderId})`, { ml_jdeordernumber: null, ml_jdeorderstatus: null });
    await sleep(10000); // so long an order may be without an answer
    await compare(world, { kind: 'customer' });
    await until('both have a number', async () => (await Promise.all(lost.map(numberOf))).every(Boolean), { timeoutMs: 30000 });
    await compare(world, { kind: 'customer' });
    const orders = await jde.orders();
    assert.equal(orders.length, 5);
    assert.equal(new Set(orders.map((order) => order.VR01)).size, 5, JSON.stringify(orders[0]));
  });
}));

test('too many records gone at once', async (t) => World.run({
  customers: CUSTOMERS, items: 5, relay: { tenant: { compare: { max_gone: 5 } } },
}, async (world) => {
  await settled(world);
  await step(t, world, 'nothing is deactivated when JDE seems not to be whole', async () => {
    await world.jde.remove({ table: 'F0101', from: 6001, to: 6010 });
    const { customer } = await compare(world);
    assert.deepEqual(drift(customer), without({ extra: 10 }));
    assert.equal(customer.held, 10);
    assert.equal(customer.sentAgain, 0);
    assert.equal((await world.dynamics.account(6001)).statecode, 0);
  });
}));

test('a comparison of many records', async (t) => World.run({ customers: 2600, items: 5 }, async (world) => {
  const { jde, dynamics } = world;
  await settled(world, { timeoutMs: 120000 });

  await step(t, world, 'only the ranges that differ are gone into', async () => {
    const [row] = (await jde.dump('F0101')).filter(({ AN8 }) => AN8 === 7777);
    await jde.rows('F0101', [{ ...row, ALPH: 'Changed by SQL', UPMJ: 120001, UPMT: 0 }]);
    await jde.remove({ table: 'F0101', keys: [8200] });
    await dynamics.api('DELETE', `accounts(${(await dynamics.account(6500)).accountid})`);
    const { customer } = await compare(world, { kind: 'customer' });
    assert.deepEqual(drift(customer), without({ stale: 1, extra: 1, missing: 1 }));
    assert.equal(customer.records, 2599);
    assert.equal(customer.sentAgain, 3);
    await until('all three are healed', async () => (await dynamics.account(7777)).name === 'Changed by SQL'
      && (await dynamics.account(8200)).statecode === 1 && (await dynamics.account(6500)) !== undefined, { timeoutMs: 30000 });
    const { stores } = await world.agentAdmin('GET', '/v1/status');
    const asked = stores[0].streams.find(({ name }) => name === 'ask').done;
    assert.ok(asked >= 3 && asked <= 6, `${asked} questions`);
  });
}));

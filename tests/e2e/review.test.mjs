/*
 * The review queue: orders that JDE refuses are parked, inspected, corrected where they come from, and made once; a
 * dismissed one stays dismissed; the audit trail and the cross-reference tell of each.
 */

import assert from 'node:assert/strict';
import test from 'node:test';
import { PREFIX, orderFaults, settled } from './lib/compare.mjs';
import { agentCtl, refusal, relayCtl } from './lib/mlctl.mjs';
import { step } from './lib/steps.mjs';
import { sleep, until } from './lib/wait.mjs';
import { World } from './lib/world.mjs';

const STRANGER = '9777';
const REASON = 'entered by hand as 4711';

/** Renames a product that no order holds yet, and sells it. Gives { orderId, productId, number: its right number }. */
async function sellRenamed({ dynamics }, wrong) {
  const used = new Set((await dynamics.dump('salesorderdetails')).map((line) => line._productid_value));
  for (let tries = 0; tries < 100; tries += 1) {
    const [quoteId] = await dynamics.makeQuotes(1, { accounts: ['6001'] });
    const { rows } = await dynamics.get(`rows/quotedetails?_quoteid_value=${quoteId}`);
    const line = rows.find((row) => !used.has(row._productid_value));
    if (!line) continue;
    const productId = line._productid_value;
    const number = (await dynamics.dump('products')).find((row) => row.productid === productId).productnumber;
    await dynamics.api('PATCH', `products(${productId})`, { productnumber: wrong });
    const [{ orderId }] = await dynamics.closeDeals({ quoteIds: [quoteId] });
    return { orderId, productId, number };
  }
  throw new Error('no quote with a product that was never sold came up');
}

const failed = (world, orderId) => until('Dynamics shows that the order failed', async () => (await world.dynamics.order(orderId))[`${PREFIX}jdeorderstatus`] === 'Failed', { timeoutMs: 20000 });

const parkedOf = async (world, orderId) => (await world.parked()).find(({ key }) => key === `order/${orderId}`);

/** ["jde parked", ...] of one key, in order. */
async function actions(admin, store, orderId) {
  const page = await admin('GET', `/v1/audit?store=${store}&key=order/${orderId}&max=10000`);
  return page.map(({ event }) => `${event.stream} ${event.action}`);
}

test('review', async (t) => World.run({ customers: 10, items: 100, products: 100 }, async (world) => {
  const { jde, dynamics } = world;
  let orders = [];
  let dismissed = '';

  await step(t, world, 'orders that JDE refuses are parked with the code of the error', async () => {
    await settled(world);
    orders = [await sellRenamed(world, 'WRONG-1'), await sellRenamed(world, 'WRONG-2')];
    await dynamics.api('POST', 'accounts', { accountnumber: STRANGER, name: 'Not in JDE' });
    dismissed = (await dynamics.sell(1, { accounts: [STRANGER] }))[0].orderId;
    for (const id of [...orders.map(({ orderId }) => orderId), dismissed]) {
      await failed(world, id);
      assert.equal((await parkedOf(world, id)).errorCode, 'rejected');
    }
    const list = await agentCtl(world, 'parked');
    for (const { orderId } of orders) assert.match(list, new RegExp(`order/${orderId} .* rejected .*WRONG-`));
  });

  await step(t, world, 'one is inspected: payload, error and history', async () => {
    const { seq } = await parkedOf(world, orders[0].orderId);
    const shown = await agentCtl(world, 'show', 'agent', 'jde', String(seq));
    assert.match(shown, /WRONG-1/);
    assert.match(shown, /errorCode +rejected/);
    assert.match(shown, /history[^]*received[^]*parked/);
  });

  await step(t, world, 'retried as it is, it is refused again', async () => {
    const { seq } = await parkedOf(world, orders[0].orderId);
    await agentCtl(world, 'retry', 'agent', 'jde', String(seq));
    await until('it is parked again', async () => (await actions(world.agentAdmin, 'agent', orders[0].orderId)).filter((name) => name === 'jde parked').length === 2, { timeoutMs: 20000 });
    assert.equal((await jde.orders()).length, 0);
  });

  await step(t, world, 'a dismissed one is not delivered, and cannot be retried', async () => {
    const { seq } = await parkedOf(world, dismissed);
    await agentCtl(world, 'dismiss', 'agent', 'jde', String(seq), '--reason', REASON);
    assert.match(await refusal('--socket', world.agentSocket, 'retry', 'agent', 'jde', String(seq)), /is done; only parked entries/);
    await jde.addCustomer(Number(STRANGER), 'In JDE now');
  });

  await step(t, world, 'corrected in Dynamics and retried in bulk, by several people at once, each is made once', async () => {
    for (const { productId, number } of orders) await dynamics.api('PATCH', `products(${productId})`, { productnumber: number });
    const words = ['retry', 'agent', 'jde', '--all', '--kind', 'order', '--code', 'rejected', '--refresh'];
    assert.match(await agentCtl(world, ...words, '--older', '1h'), /^0 records/);
    const told = await Promise.all([1, 2, 3].map(() => agentCtl(world, ...words)));
    const sum = told.map((text) => Number.parseInt(text, 10)).reduce((a, b) => a + b, 0);
    assert.equal(sum, 2);
    await until('both are in JDE', async () => (await jde.orders()).length === 2, { timeoutMs: 20000 });
    await settled(world, { failed: [dismissed], timeoutMs: 20000 });
    assert.deepEqual(await orderFaults(world, { failed: [dismissed] }), []);
  });

  await step(t, world, 'nothing more comes of all this later', async () => {
    await sleep(3000);
    assert.equal((await jde.orders()).length, 2);
    assert.equal((await world.parked()).length, 0);
  });

  await step(t, world, 'the audit trail explains each', async () => {
    const ok = await actions(world.agentAdmin, 'agent', orders[1].orderId);
    assert.deepEqual(ok.filter((name) => name.startsWith('jde')), ['jde received', 'jde parked', 'jde refreshed', 'jde received', 'jde delivered']);
    const relay = await relayCtl(world, 'audit', '--key', `order/${orders[1].orderId}`);
    assert.match(relay, /received .*stream=intake .*detail=refresh/);
    const no = await actions(world.agentAdmin, 'agent', dismissed);
    assert.deepEqual(no.filter((name) => name.startsWith('jde')), ['jde received', 'jde parked', 'jde dismissed']);
    assert.match(await agentCtl(world, 'audit', '--key', `order/${dismissed}`), new RegExp(`operator:tester +dismissed .*${REASON}`));
    assert.match(await agentCtl(world, 'audit', 'verify'), /the chain is whole/);
    assert.match(await relayCtl(world, 'audit', 'verify'), /the chain is whole/);
  });

  await step(t, world, 'one correlation id leads from the first event to the JDE order', async () => {
    const { orderId } = orders[1];
    const [{ event: { correlation } }] = await world.agentAdmin('GET', `/v1/audit?store=agent&key=order/${orderId}`);
    assert.ok(correlation);
    for (const [admin, store] of [[world.relayAdmin, world.tenant], [world.agentAdmin, 'agent']]) {
      const page = await admin('GET', `/v1/audit?store=${store}&correlation=${correlation}&max=10000`);
      assert.ok(page.some(({ event }) => event.action === 'delivered' && event.outcome === 'ok'), `${store} has delivered ${correlation}`);
    }
  });

  await step(t, world, 'the cross-reference knows both sides, also when it is read anew', async () => {
    const { orderId } = orders[0];
    const number = (await dynamics.order(orderId))[`${PREFIX}jdeordernumber`];
    for (const call of [agentCtl, relayCtl]) assert.match(await call(world, 'xref', `Dynamics/salesorders/${orderId}`), new RegExp(`JDE/F4201/${number} `));
    await relayCtl(world, 'xref', 'rebuild', '--store', world.tenant);
    const state = await until('it was read anew', async () => {
      const status = await world.relayAdmin('GET', '/v1/status');
      const found = JSON.stringify(status).match(/"crossReference":(\{[^}]*\})/);
      const inner = JSON.parse(found[1]);
      return !inner.running && inner.rows > 0 && inner;
    });
    assert.equal(state.lastError, '');
    const account = await dynamics.account('6001');
    assert.match(await relayCtl(world, 'xref', `Dynamics/accounts/${account.accountid}`), /JDE\/F0101\/6001/);
    assert.match(await relayCtl(world, 'xref', `Dynamics/salesorders/${orderId}`), new RegExp(`JDE/F4201/${number} `));
  });
}));

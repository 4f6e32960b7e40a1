/*
 * Orders from Dynamics to JDE and their numbers back; and what becomes of an order that JDE refuses.
 */

import assert from 'node:assert/strict';
import test from 'node:test';
import { auditGaps } from './lib/audit.mjs';
import { PREFIX, orderFaults, settled } from './lib/compare.mjs';
import { step } from './lib/steps.mjs';
import { sleep, until } from './lib/wait.mjs';
import { World } from './lib/world.mjs';

const QUOTES = 20;
const STRANGER = '9777';

const retry = (world, stream, seq) => world.agentAdmin('POST', '/v1/retry', { store: 'agent', stream, seq, operator: 'tester' });

async function refused(world, orderId) {
  await until('Dynamics shows that the order failed', async () => (await world.dynamics.order(orderId))[`${PREFIX}jdeorderstatus`] === 'Failed', { timeoutMs: 20000 });
  const parked = (await world.parked()).filter(({ key }) => key === `order/${orderId}`);
  assert.equal(parked.length, 1, 'parked once');
  assert.equal(parked[0].stream, 'jde');
  return parked[0];
}

test('orders', async (t) => World.run({ customers: 40, items: 200, products: 200 }, async (world) => {
  const { jde, dynamics } = world;
  let deals = [];

  await step(t, world, `${QUOTES} converted quotes become orders in JDE within seconds, and their numbers come back`, async () => {
    await settled(world);
    deals = await dynamics.sell(QUOTES);
    await settled(world, { timeoutMs: 20000 });
    assert.equal((await jde.orders()).length, QUOTES);
  });

  await step(t, world, 'an invoice of an order does not make a second order', async () => {
    for (const { orderId } of deals.slice(0, 5)) await dynamics.api('POST', 'GenerateInvoiceFromOrder', { SalesOrderId: orderId, ColumnSet: { AllColumns: true } });
    await until('all webhooks are sent', async () => (await dynamics.get('webhook-jobs')).counts.pending === 0, { timeoutMs: 20000 });
    await settled(world);
    assert.equal((await jde.orders()).length, QUOTES);
  });

  await step(t, world, 'an order of a customer JDE does not know is parked, reported, and made once after the cure', async () => {
    await dynamics.api('POST', 'accounts', { accountnumber: STRANGER, name: 'Not in JDE' });
    const [{ orderId }] = await dynamics.sell(1, { accounts: [STRANGER] });
    const entry = await refused(world, orderId);
    const order = await dynamics.order(orderId);
    assert.match(order[`${PREFIX}jdeordermessage`], /9777/);
    assert.deepEqual(await orderFaults(world, { failed: [orderId] }), []);
    await jde.addCustomer(Number(STRANGER), 'In JDE now');
    await retry(world, 'jde', entry.seq);
    await settled(world);
    assert.equal((await jde.orders()).length, QUOTES + 1);
  });

  await step(t, world, 'an order of an item JDE does not know likewise', async () => {
    const orderId = await sellNewProduct(world, 'NEW-ITEM-1');
    const entry = await refused(world, orderId);
    assert.match((await dynamics.order(orderId))[`${PREFIX}jdeordermessage`], /NEW-ITEM-1/);
    await jde.rows('F4101', [{ ITM: 70001, LITM: 'NEW-ITEM-1', DSC1: 'New', UOM1: 'EA' }]);
    await retry(world, 'jde', entry.seq);
    await settled(world);
  });

  await step(t, world, 'nothing more comes of all this later', async () => {
    const before = (await jde.orders()).length;
    await sleep(3000);
    assert.equal((await jde.orders()).length, before);
    await settled(world);
  });

  await step(t, world, 'the audit trails explain each order', async () => {
    assert.deepEqual(await auditGaps(world), []);
  });
}));

/** Gives a product that no order holds yet another number, and sells it. */
async function sellNewProduct({ dynamics }, number) {
  const used = new Set((await dynamics.dump('salesorderdetails')).map((line) => line._productid_value));
  for (let tries = 0; tries < 100; tries += 1) {
    const [quoteId] = await dynamics.makeQuotes(1, { accounts: ['6001'] });
    const { rows } = await dynamics.get(`rows/quotedetails?_quoteid_value=${quoteId}`);
    const line = rows.find((row) => !used.has(row._productid_value));
    if (!line) continue;
    await dynamics.api('PATCH', `products(${line._productid_value})`, { productnumber: number });
    const [{ orderId }] = await dynamics.closeDeals({ quoteIds: [quoteId] });
    return orderId;
  }
  throw new Error('no quote with a product that was never sold came up');
}

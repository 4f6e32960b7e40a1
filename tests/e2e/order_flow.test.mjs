/*
 * The whole way of an order: from Dynamics with all that stands on it, into JDE as sales or purchase order, and how far JDE is
 * with it back again; what a faulty one says, and that it comes once when it is mended.
 */

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import test from 'node:test';
import { auditGaps } from './lib/audit.mjs';
import { PREFIX, reference } from './lib/compare.mjs';
import { step } from './lib/steps.mjs';
import { sleep, until } from './lib/wait.mjs';
import { World } from './lib/world.mjs';

const CUSTOMER = '6001';
const STATUS = { enabled: true, schedule: '@every 1s', overlap: '60s', page_size: 50 };
const own = (row, name) => row[`${PREFIX}${name}`];

/** An order by way of an active quote, as a user of Dynamics makes it. lines: columns, with `item` or a write-in. Gives its id. */
async function sell(world, { header = {}, lines, account = CUSTOMER, currency = 'USD' }) {
  const { dynamics } = world;
  const [accounts, products, units, money] = await Promise.all(['accounts', 'products', 'uoms', 'transactioncurrencies'].map(dynamics.dump));
  const find = (rows, column, value) => rows.find((row) => row[column] === value) ?? assert.fail(`no ${column} ${value}`);
  const quoteid = randomUUID();
  await dynamics.api('POST', 'quotes', {
    quoteid, name: 'Whole order', statecode: 1, statuscode: 2, ...header,
    'customerid_account@odata.bind': `/accounts(${find(accounts, 'accountnumber', account).accountid})`,
    'transactioncurrencyid@odata.bind': `/transactioncurrencies(${find(money, 'isocurrencycode', currency).transactioncurrencyid})`,
  });
  for (const [at, { item, ...line }] of lines.entries()) {
    await dynamics.api('POST', 'quotedetails', {
      lineitemnumber: at + 1, ispriceoverridden: true, ...line, 'quoteid@odata.bind': `/quotes(${quoteid})`,
      'uomid@odata.bind': `/uoms(${find(units, 'name', 'EA').uomid})`,
      ...(item ? { 'productid@odata.bind': `/products(${find(products, 'productnumber', item).productid})` } : { isproductoverridden: true }),
    });
  }
  const [{ orderId }] = await dynamics.closeDeals({ quoteIds: [quoteid] });
  return orderId;
}

const statusIs = (world, orderId, wanted) => until(`order ${orderId} is ${wanted}`, async () => {
  const row = await world.dynamics.order(orderId);
  if (own(row, 'jdeorderstatus') !== wanted) throw new Error(`it is ${own(row, 'jdeorderstatus')}: ${own(row, 'jdeordermessage')}`);
  return row;
}, { timeoutMs: 30000 });

const rowsOf = async (world, table, wanted) => (await world.jde.get(`rows/${table}?${new URLSearchParams(wanted)}`)).rows;

const linesOf = async (world, orderId) => (await world.dynamics.get(`rows/salesorderdetails?_salesorderid_value=${orderId}`)).rows
  .sort((a, b) => a.lineitemnumber - b.lineitemnumber);

const quiet = (world) => until('nothing is on its way', async () => {
  const waiting = await world.underWay();
  if (waiting.length > 0) throw new Error(waiting.join('; '));
  return true;
}, { timeoutMs: 30000 });

const customerArrived = (world) => until('the customer is in Dynamics', () => world.dynamics.account(CUSTOMER), { timeoutMs: 30000 });

const SETTINGS = {
  customers: 3, items: 5,
  agent: { orders: { freight_item: 'FREIGHT' }, flows: { orders: STATUS } },
  relay: { tenant: { orders: { customer_reference: 'description', fulfill: true } } },
};

test('sales orders', async (t) => World.run(SETTINGS, async (world) => {
  const { jde, dynamics } = world;
  let orderId;
  let doco;
  await jde.rows('F4101', [{ ITM: 70001, LITM: 'FREIGHT', DSC1: 'Freight', UOM1: 'EA' }]);
  await customerArrived(world);

  await step(t, world, 'discounts, freight, ship-to address, currency, reference and dates arrive exactly', async () => {
    orderId = await sell(world, {
      currency: 'EUR',
      header: {
        description: 'PO 4711', discountpercentage: 10, freightamount: 12.5, requestdeliveryby: '2026-12-01T00:00:00Z',
        shipto_name: 'Building site', shipto_line1: 'Nová 7', shipto_city: 'Brno', shipto_postalcode: '602 00', shipto_country: 'CZ',
      },
      lines: [
        { item: 'ITEM-00001', quantity: 3, priceperunit: 10, manualdiscountamount: 1 },
        { item: 'ITEM-00002', quantity: 2, priceperunit: 35.5, tax: 1.25, requestdeliveryby: '2026-12-05T00:00:00Z' },
      ],
    });
    const row = await statusIs(world, orderId, 'Created');
    doco = own(row, 'jdeordernumber');
    const [order, ...more] = (await jde.get(`orders?reference=${reference(orderId)}`)).orders;
    assert.equal(more.length, 0);
    assert.deepEqual([order.CRCD, order.VR02, order.DRQJ, order.OTOT, order.SHAN], ['EUR', 'PO 4711', 126335, 102.5, 6001]);
    assert.deepEqual(order.lines.map((line) => [line.LNID, line.LITM, line.LNTY, line.UORG, line.UOM, line.UPRC, line.AEXP, line.DRQJ]), [
      [1, 'ITEM-00001', 'S', 3, 'EA', 10, 26.1, 126335], [2, 'ITEM-00002', 'S', 2, 'EA', 35.5, 63.9, 126339], [3, 'FREIGHT', 'F', 1, 'EA', 12.5, 12.5, 126335],
    ]);
    assert.equal(Number(row.totalamount), order.OTOT + 1.25, "the order's total is that of JDE, and the tax");
    const [address] = await rowsOf(world, 'F4006', { DOCO: doco });
    assert.deepEqual([address.MLNM, address.ADD1, address.CTY1, address.ADDZ, address.CTR], ['Building site', 'Nová 7', 'Brno', '602 00', 'CZ']);
    assert.deepEqual((await rowsOf(world, 'F4074', { DOCO: doco })).map(({ LNID, FVTR }) => [LNID, FVTR]), [[1, -3.9], [2, -7.1]]);
  });

  await step(t, world, 'an invoice of the order gives no second one', async () => {
    await dynamics.api('POST', 'GenerateInvoiceFromOrder', { SalesOrderId: orderId, ColumnSet: { AllColumns: true } });
    await until('all webhooks are sent', async () => (await dynamics.get('webhook-jobs')).counts.pending === 0, { timeoutMs: 20000 });
    await quiet(world);
    assert.equal((await jde.orders()).length, 1);
  });

  await step(t, world, 'a part is shipped, a part is back-ordered: order and lines say so', async () => {
    await jde.post(`orders/${doco}/advance`, { to: '560', lines: { 1: { ship: 1, backorder: 2 }, 2: { ship: 0, backorder: 2 } } });
    const row = await statusIs(world, orderId, 'Partly shipped');
    const lines = await linesOf(world, orderId);
    assert.deepEqual(lines.map((line) => [own(line, 'jdelinestatus'), Number(own(line, 'jdequantityshipped')), Number(own(line, 'jdequantitybackordered'))]), [
      ['560/580', 1, 2], ['560/580', 0, 2],
    ]);
    assert.match(own(row, 'jdeordermessage'), /line 1 \(ITEM-00001\): 1 of 3 shipped on \d{4}-\d\d-\d\d, 2 back-ordered/);
    assert.equal(row.statecode, 0);
  });

  await step(t, world, 'the rest is shipped and a piece cancelled: the order is fulfilled', async () => {
    await jde.post(`orders/${doco}/advance`, { to: '620', lines: { 1: { ship: 3, backorder: 0 }, 2: { ship: 1, backorder: 0, cancel: 1 } } });
    const row = await statusIs(world, orderId, 'Shipped');
    assert.deepEqual([row.statecode, row.statuscode], [3, 100001]);
    assert.deepEqual((await linesOf(world, orderId)).map((line) => own(line, 'jdelinestatus')), ['620/999', '620/999']);
    await quiet(world);
    const { versionnumber } = await dynamics.order(orderId);
    await jde.touch({ table: 'F4211', keys: [Number(doco)], fields: {} });
    await sleep(3000);
    await quiet(world);
    assert.equal((await dynamics.order(orderId)).versionnumber, versionnumber, 'a touch without a change is silent');
  });

  await step(t, world, 'a faulty order is parked with all its faults; mended in Dynamics and JDE it comes once', async () => {
    const product = (await dynamics.dump('products')).find((row) => row.productnumber === 'ITEM-00005');
    await dynamics.api('PATCH', `products(${product.productid})`, { productnumber: 'NO-SUCH-ITEM' });
    const faulty = await sell(world, {
      header: { description: 'a reference far too long for JDE' },
      lines: [{ item: 'NO-SUCH-ITEM', quantity: 1, priceperunit: 5 }, { item: 'ITEM-00001', quantity: 1, priceperunit: 1.5 }],
    });
    const message = own(await statusIs(world, faulty, 'Failed'), 'jdeordermessage');
    assert.match(message, /Reference2 \(JDE VR02\): has 32 characters, at most 25 fit; shorten it/);
    assert.match(message, /line 1 item: "NO-SUCH-ITEM" is not in JDE's item master/);
    assert.equal((await world.parked()).filter(({ key }) => key === `order/${faulty}`).length, 1);
    await jde.rows('F4101', [{ ITM: 70002, LITM: 'NO-SUCH-ITEM', DSC1: 'New', UOM1: 'EA' }]);
    await dynamics.api('PATCH', `salesorders(${faulty})`, { description: 'PO 4712' });
    await statusIs(world, faulty, 'Created');
    await quiet(world);
    const { orders } = await jde.get(`orders?reference=${reference(faulty)}`);
    assert.deepEqual(orders.map((order) => [order.VR02, order.lines.length]), [['PO 4712', 2]]);
    assert.deepEqual(await world.parked(), []);
  });

  await step(t, world, 'a write-in product is told of in words, and the order comes when a product takes its place', async () => {
    const written = await sell(world, { lines: [{ productdescription: 'Special pump', quantity: 1, priceperunit: 9 }] });
    assert.match(own(await statusIs(world, written, 'Failed'), 'jdeordermessage'), /line 1 item: "Special pump" is a write-in product/);
    const [line] = await linesOf(world, written);
    const product = (await dynamics.dump('products')).find((row) => row.productnumber === 'ITEM-00002');
    await dynamics.api('PATCH', `salesorderdetails(${line.salesorderdetailid})`, {
      isproductoverridden: false, 'productid@odata.bind': `/products(${product.productid})`,
    });
    const [entry] = (await world.parked()).filter(({ stream }) => stream === 'intake');
    await world.relayAdmin('POST', '/v1/retry', { store: world.tenant, stream: 'intake', seq: entry.seq, operator: 'tester' });
    await statusIs(world, written, 'Created');
    await quiet(world);
    assert.equal((await jde.get(`orders?reference=${reference(written)}`)).count, 1);
  });

  await step(t, world, 'the audit trails explain each order', async () => {
    assert.deepEqual(await auditGaps(world), []);
  });
}));

const PURCHASES = {
  customers: 3, items: 5, agent: { orders: { target: 'purchase', supplier: '4000000', discounts: 'net_price' }, flows: { purchase_orders: STATUS } },
};

test('purchase orders', async (t) => World.run(PURCHASES, async (world) => {
  const { jde } = world;
  await customerArrived(world);

  await step(t, world, 'an order becomes a purchase order of the supplier, once, though the answer is lost', async () => {
    await jde.faults([{ match: { path: 'ML_CreatePurchaseOrder' }, kind: 'drop_after', count: 1 }]);
    const orderId = await sell(world, { header: { discountamount: 10 }, lines: [{ item: 'ITEM-00001', quantity: 4, priceperunit: 25 }] });
    const row = await statusIs(world, orderId, 'Created');
    const heads = await rowsOf(world, 'F4301', { VR01: reference(orderId) });
    assert.deepEqual(heads.map((head) => [head.AN8, head.DCTO, head.OTOT, String(head.DOCO)]), [[4000000, 'OP', 90, own(row, 'jdeordernumber')]]);
    const lines = await rowsOf(world, 'F4311', { VR01: reference(orderId) });
    assert.deepEqual(lines.map((line) => [line.LITM, line.UORG, line.PRRC, line.AEXP]), [['ITEM-00001', 4, 22.5, 90]]);
    assert.equal((await jde.orders()).length, 0);
    await jde.rows('F4311', lines.map((line) => ({ DOCO: line.DOCO, DCTO: line.DCTO, KCOO: line.KCOO, LNID: line.LNID, UREC: 4, LTTR: '400', NXTR: '999' })));
    await statusIs(world, orderId, 'Received');
    await quiet(world);
  });
}));

/* The orchestrations: sales orders, never de-duplicated, and address changes. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startSimulator, when } from './helper.mjs';

let sim;
before(async () => { sim = await startSimulator({ args: ['--seed-customers', '30'] }); });
after(() => sim.dispose());

const stored = async (reference) => (await sim.admin('GET', `orders?reference=${reference}`)).orders;

test('an order has a header and lines, with exact amounts', async () => {
  const { status, body } = await sim.order({
    Reference: 'EXACT', Reference2: 'ORD-01000', OrderType: 'SO', OrderCompany: '1', BranchPlant: '30', SoldTo: '6001', ShipTo: '6002', CurrencyCode: 'USD',
    OrderDate: '2026-11-23', RequestedDate: '30/11/2026',
    Lines: [
      { LineNumber: 1, ItemNumber: 'ITEM-00001', Quantity: '0.7', UnitOfMeasure: 'EA', UnitPrice: '0.1', Description: 'First' },
      { LineNumber: 2, ItemNumber: 'ITEM-00002 ', Quantity: 3, UnitOfMeasure: 'KG', UnitPrice: '1.005', Description: 'Second' },
    ],
  });
  assert.equal(status, 200);
  assert.deepEqual([body.DCTO, body.KCOO, body.jde__status], ['SO', '00001', 'SUCCESS']);
  assert.match(body.jde__startTimestamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d{4}$/);
  const [order] = await stored('EXACT');
  assert.equal(order.DOCO, body.DOCO);
  assert.deepEqual([order.AN8, order.SHAN, order.VR02, order.CRCD, order.TRDJ, order.DRQJ, order.MCU], [6001, 6002, 'ORD-01000', 'USD', 126327, 126334, '30']);
  assert.deepEqual(order.lines.map((line) => [line.LNID, line.LITM, line.UORG, line.UOM, line.UPRC, line.AEXP, line.DSC1, line.VR01]), [
    [1, 'ITEM-00001', 0.7, 'EA', 0.1, 0.07, 'First', 'EXACT'], [2, 'ITEM-00002', 3, 'KG', 1.005, 3.02, 'Second', 'EXACT'],
  ]);
  assert.equal(order.OTOT, 3.09);
});

test('what is left out is filled from the master files', async () => {
  const price = (await sim.admin('GET', 'rows/F4106?LITM=ITEM-00003')).rows[0].UPRC;
  await sim.order({ Reference: 'SHORT', Lines: [{ ItemNumber: 'ITEM-00003', Quantity: '1' }] });
  const [order] = await stored('SHORT');
  assert.deepEqual([order.lines[0].UPRC, order.lines[0].UOM, order.lines[0].LNID, order.SHAN], [price, 'EA', 1, 6001]);
});

test('the same order twice is two orders', async () => {
  const first = await sim.order({ Reference: 'TWICE' });
  const second = await sim.order({ Reference: 'TWICE' }, 'v2');
  assert.equal(second.body.DOCO, first.body.DOCO + 1);
  assert.equal((await stored('TWICE')).length, 2);
  const found = await sim.browse('F4201', { query: { condition: [when('F4201.VR01', 'EQUAL', 'TWICE')] }, returnControlIDs: 'F4201.DOCO|F4201.VR01' });
  assert.deepEqual(found.rows.map((row) => row.F4201_DOCO), [first.body.DOCO, second.body.DOCO]);
});

test('inputs may be a list of names and values', async () => {
  const inputs = Object.entries({ Reference: 'LIST', SoldTo: 6003, Lines: [{ ItemNumber: 'ITEM-00001', Quantity: 1 }] }).map(([name, value]) => ({ name, value }));
  assert.equal((await sim.api('POST', 'v2/orchestrator/ML_CreateSalesOrder', { inputs })).status, 200);
  assert.equal((await stored('LIST'))[0].AN8, 6003);
});

test("a customer's hold code does not block", async () => {
  assert.equal((await sim.order({ Reference: 'HOLD', SoldTo: 6025 })).status, 200);
  assert.equal((await stored('HOLD'))[0].HOLD, 'C1');
});

test('what cannot be ordered is refused and leaves nothing', async () => {
  const line = { ItemNumber: 'ITEM-00001', Quantity: '1' };
  for (const [fields, reason] of [
    [{ SoldTo: 1 }, /Customer number 1/], [{ SoldTo: 4000000 }, /Customer number/], [{ ShipTo: 77 }, /Ship-to/], [{ Lines: [] }, /no lines/],
    [{ Lines: [{ ...line, ItemNumber: 'NONE' }] }, /Item number NONE/], [{ Lines: [{ ...line, Quantity: '0' }] }, /Quantity/],
    [{ Lines: [{ ...line, Quantity: '-1' }] }, /Quantity/], [{ Lines: [{ ...line, Quantity: 'x' }] }, /Quantity/],
    [{ Lines: [{ ...line, UnitPrice: '-1' }] }, /price/], [{ Lines: [{ ...line, LineNumber: 1 }, { ...line, LineNumber: 1 }] }, /Line number/],
    [{ OrderDate: '2026-02-30' }, /OrderDate/], [{ Reference2: 'x'.repeat(26) }, /Reference2 is longer/], [{ CurrencyCode: 'usd' }, /Currency/],
  ]) {
    const { status, body } = await sim.order({ Reference: 'BAD', ...fields });
    assert.equal(status, 400, JSON.stringify(fields));
    assert.match(body.message, reason);
    assert.ok(body.status === 'ERROR' && body.exceptionId && body.timeStamp && body.type && body.errorText);
  }
  assert.deepEqual(await stored('BAD'), []);
  assert.equal((await sim.order({ Reference: 'x'.repeat(26) })).status, 400);
  assert.equal((await sim.api('POST', 'v3/orchestrator/Unknown', {})).status, 404);
});

test('application errors can come as 200 or with another status', async () => {
  await sim.admin('POST', 'config', { appErrorsAs200: true });
  const soft = await sim.order({ SoldTo: 1 });
  assert.deepEqual([soft.status, soft.body.jde__status], [200, 'ERROR']);
  assert.ok(soft.body.errors[0].CODE);
  await sim.admin('POST', 'config', { appErrorsAs200: false, orchestrationErrorStatus: 500 });
  assert.equal((await sim.order({ SoldTo: 1 })).status, 500);
  await sim.admin('POST', 'config', { orchestrationErrorStatus: 400 });
});

test('an order shows up later when commits are late, with the stamp of its writing', async () => {
  await sim.admin('POST', 'config', { commitDelayMs: 300 });
  const { body } = await sim.order({ Reference: 'LATE' });
  await sim.admin('POST', 'config', { commitDelayMs: 0 });
  const query = { query: { condition: [when('F4201.VR01', 'EQUAL', 'LATE')] } };
  const early = await sim.browse('F4201', query);
  assert.deepEqual(early.rows, []);
  assert.equal((await stored('LATE'))[0].DOCO, body.DOCO);
  let rows = [];
  while (rows.length === 0) rows = (await sim.browse('F4201', query)).rows;
  assert.equal(rows[0].F4201_TDAY, (await stored('LATE'))[0].TDAY);
});

test('discount, freight line, dates of lines and an address of its own', async () => {
  const line = { ItemNumber: 'ITEM-00001', Quantity: '3' };
  const { status, body } = await sim.order({
    Reference: 'WHOLE', CurrencyCode: 'EUR', RequestedDate: '2026-12-01', ShipToName: 'Site', ShipToAddress1: 'Street 1', ShipToCity: 'Brno', ShipToCountry: 'CZ',
    Lines: [
      { ...line, UnitPrice: '10', DiscountAmount: '3.90', RequestedDate: '2026-12-05' }, { ...line, UnitPrice: '8.6667', ExtendedPrice: '26.00' },
      { ...line, Quantity: 1, UnitPrice: '12.5', LineType: 'F' },
    ],
  });
  assert.equal(status, 200);
  const [order] = await stored('WHOLE');
  assert.deepEqual(order.lines.map((one) => [one.UPRC, one.AEXP, one.LNTY, one.DRQJ, one.SOQS, one.SOBK]), [
    [10, 26.1, 'S', 126339, 3, 0], [8.6667, 26, 'S', 126335, 3, 0], [12.5, 12.5, 'F', 126335, 1, 0],
  ]);
  assert.equal(order.OTOT, 64.6);
  const rows = async (table) => (await sim.admin('GET', `rows/${table}?DOCO=${body.DOCO}`)).rows;
  assert.deepEqual((await rows('F4074')).map((row) => [row.LNID, row.AST, row.FVTR]), [[1, 'DISC', -3.9]]);
  assert.deepEqual((await rows('F4006')).map((row) => [row.ANTY, row.MLNM, row.ADD1, row.CTY1, row.CTR]), [['2', 'Site', 'Street 1', 'Brno', 'CZ']]);
  for (const bad of [{ DiscountAmount: '31' }, { DiscountAmount: '-1' }, { ExtendedPrice: '29' }, { LineType: 'ABC' }, { RequestedDate: 'soon' }]) {
    assert.equal((await sim.order({ Reference: 'BAD2', Lines: [{ ...line, UnitPrice: '10', ...bad }] })).status, 400, JSON.stringify(bad));
  }
});

test('a purchase order is of a supplier and has rows of its own', async () => {
  const inputs = { Reference: 'BUY', Supplier: 4000000, Lines: [{ ItemNumber: 'ITEM-00001', Quantity: 2, UnitCost: '1.5' }] };
  const { status, body } = await sim.api('POST', 'v3/orchestrator/ML_CreatePurchaseOrder', inputs);
  assert.deepEqual([status, body.DCTO], [200, 'OP']);
  const [head] = (await sim.admin('GET', 'rows/F4301?VR01=BUY')).rows;
  const [line] = (await sim.admin('GET', `rows/F4311?DOCO=${body.DOCO}&VR01=BUY`)).rows;
  assert.deepEqual([head.AN8, head.OTOT, line.PRRC, line.AEXP, line.LTTR, line.UREC], [4000000, 3, 1.5, 3, '220', 0]);
  assert.equal((await sim.api('POST', 'v3/orchestrator/ML_CreatePurchaseOrder', { ...inputs, Supplier: 6001 })).status, 400);
});

test('an order goes through its statuses, in parts', async () => {
  const { body } = await sim.order({ Reference: 'MOVE', Lines: [{ ItemNumber: 'ITEM-00001', Quantity: 5 }, { ItemNumber: 'ITEM-00002', Quantity: 2 }] });
  await sim.admin('POST', `orders/${body.DOCO}/advance`, { to: '560', lines: { 1: { ship: 3, backorder: 2 } } });
  let [order] = await stored('MOVE');
  assert.deepEqual(order.lines.map((line) => [line.LTTR, line.NXTR, line.SOQS, line.SOBK, line.ADDJ > 0]), [['560', '580', 3, 2, true], ['560', '580', 2, 0, true]]);
  await sim.admin('POST', `orders/${body.DOCO}/advance`, { to: '620', lines: { 1: { ship: 4, backorder: 0, cancel: 1 } } });
  [order] = await stored('MOVE');
  assert.deepEqual(order.lines.map((line) => [line.NXTR, line.SOQS, line.SOCN]), [['999', 4, 1], ['999', 2, 0]]);
  await assert.rejects(sim.admin('POST', `orders/${body.DOCO}/advance`, { lines: { 1: { ship: 9 } } }), /not 5/);
  await assert.rejects(sim.admin('POST', 'orders/999999/advance', {}), /no order/);
});

test('an address change stamps F0101 and F0116', async () => {
  await sim.admin('POST', 'clock', { set: '2026-12-01T18:30:15Z' });
  sim.token = undefined;
  const { status, body } = await sim.api('POST', 'v3/orchestrator/ML_UpdateAddress', {
    AddressNumber: 6004, Name: 'Nový název', AddressLine1: 'Nová 1', City: 'Brno', PostalCode: '602 00', Country: 'CZ',
  });
  assert.deepEqual([status, body.AddressNumber, body.jde__status], [200, 6004, 'SUCCESS']);
  const [book] = (await sim.admin('GET', 'rows/F0101?AN8=6004')).rows;
  const [address] = (await sim.admin('GET', 'rows/F0116?AN8=6004')).rows;
  assert.deepEqual([book.ALPH, book.UPMJ, book.UPMT], ['Nový název', 126335, 113015]);
  assert.deepEqual([address.ADD1, address.CTY1, address.UPMJ, address.EFTB], ['Nová 1', 'Brno', 126335, 120001]);
  assert.equal((await sim.api('POST', 'v3/orchestrator/ML_UpdateAddress', { AddressNumber: 1 })).status, 400);
  assert.equal((await sim.api('POST', 'v3/orchestrator/ML_UpdateAddress', { AddressNumber: 6004, City: 'x'.repeat(30) })).status, 400);
  await sim.admin('POST', 'clock', {});
  sim.token = undefined;
});

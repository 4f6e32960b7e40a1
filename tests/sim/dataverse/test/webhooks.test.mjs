/* The sales actions and the webhooks that follow them. */

import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { eventually, startReceiver, startSimulator } from './helper.mjs';

let sim;
let receiver;
before(async () => { sim = await startSimulator({ args: ['--seed-quotes', '30'] }); });
after(() => sim.dispose());
afterEach(async () => {
  receiver?.close();
  await sim.admin('DELETE', 'webhooks');
  await sim.admin('POST', 'webhook-faults', {});
});

const jobsOf = async (orderOrQuote) => (await sim.admin('GET', 'webhook-jobs')).jobs.filter((job) => job.entityId === orderOrQuote);
const openQuote = async () => (await sim.admin('GET', 'rows/quotes?statecode=1')).rows[0];
const parameter = (list, key) => list.find((item) => item.key === key)?.value;

test('converts a quote, copies its lines exactly, and tells the webhook', async () => {
  receiver = await startReceiver();
  await sim.admin('POST', 'webhooks', { url: receiver.url, auth: { type: 'header', name: 'x-ml-secret', value: 'a"b<c' }, messages: ['ConvertQuoteToSalesOrder'] });
  const quote = await openQuote();
  const answer = await sim.api('POST', 'ConvertQuoteToSalesOrder', { QuoteId: quote.quoteid, ColumnSet: { AllColumns: true }, QuoteCloseStatus: -1, QuoteCloseSubject: 'Won' });
  assert.equal(answer.status, 200, answer.text);
  const order = answer.body;
  assert.match(order.ordernumber, /^ORD-\d{5}-[A-Z0-9]{6}$/);
  assert.ok(answer.text.includes(`"totalamount":${quote.totalamount},`));
  const details = async (set, id) => (await sim.admin('GET', `rows/${set}?${id}`)).rows.map((row) => [row.lineitemnumber, row.quantity, row.priceperunit, row.extendedamount, row._productid_value]).sort((a, b) => a[0] - b[0]);
  assert.deepEqual(await details('salesorderdetails', `_salesorderid_value=${order.salesorderid}`), await details('quotedetails', `_quoteid_value=${quote.quoteid}`));
  assert.equal((await sim.api('GET', `quotes(${quote.quoteid})`)).body.statecode, 2);

  const call = await eventually(() => receiver.calls[0]);
  assert.equal(call.headers['x-ml-secret'], 'a"b<c');
  assert.equal(call.headers['x-ms-dynamics-request-name'], 'ConvertQuoteToSalesOrder');
  assert.equal(call.headers['x-ms-dynamics-entity-name'], 'quote');
  assert.equal(call.body.PrimaryEntityId, quote.quoteid);
  assert.match(call.body.OperationCreatedOn, /^\/Date\(\d{13}\+0000\)\/$/);
  assert.match(call.body.OperationId, /^[0-9a-f-]{36}$/);
  const entity = parameter(call.body.OutputParameters, 'Entity');
  assert.equal(entity.__type, 'Entity:http://schemas.microsoft.com/xrm/2011/Contracts');
  assert.equal(entity.Id, order.salesorderid);
  assert.equal(entity.LogicalName, 'salesorder');
  assert.equal(parameter(entity.Attributes, 'ordernumber'), order.ordernumber);
  assert.equal(parameter(call.body.InputParameters, 'QuoteId'), quote.quoteid);
  await eventually(async () => (await jobsOf(quote.quoteid))[0].status === 'succeeded');

  const again = await sim.api('POST', 'ConvertQuoteToSalesOrder', { QuoteId: quote.quoteid });
  assert.equal(again.status, 400);
  const invoice = await sim.api('POST', 'GenerateInvoiceFromOrder', { SalesOrderId: order.salesorderid, ColumnSet: { AllColumns: true } });
  assert.equal(invoice.body.totalamount, order.totalamount);
  assert.match(invoice.body.invoicenumber, /^INV-/);
});

test('can be registered through the Web API, with a key in the query', async () => {
  receiver = await startReceiver();
  const endpoint = await sim.api('POST', 'serviceendpoints', { name: 'hook', url: receiver.url, contract: 8, authtype: 4, authvalue: 'k&y=1' }, { Prefer: 'return=representation' });
  assert.equal(endpoint.status, 201, endpoint.text);
  assert.equal(endpoint.body.authvalue, null);
  const [message] = (await sim.api('GET', "sdkmessages?$filter=name eq 'Update'")).body.value;
  const [filter] = (await sim.api('GET', `sdkmessagefilters?$filter=_sdkmessageid_value eq ${message.sdkmessageid} and primaryobjecttypecode eq 'account'`)).body.value;
  const step = await sim.api('POST', 'sdkmessageprocessingsteps', {
    name: 'step', stage: 40, mode: 1, rank: 1, filteringattributes: 'name,telephone1', supporteddeployment: 0,
    'sdkmessageid@odata.bind': `/sdkmessages(${message.sdkmessageid})`, 'sdkmessagefilterid@odata.bind': `/sdkmessagefilters(${filter.sdkmessagefilterid})`,
    'eventhandler_serviceendpoint@odata.bind': `/serviceendpoints(${endpoint.body.serviceendpointid})`,
  });
  assert.equal(step.status, 204, step.text);
  await sim.api('PATCH', "accounts(accountnumber='6003')", { fax: '1' });
  await sim.api('PATCH', "accounts(accountnumber='6003')", '{"name":"Neu","creditlimit":12.3456}');
  const call = await eventually(() => receiver.calls[0]);
  assert.equal(receiver.calls.length, 1);
  assert.equal(new URL(call.url, 'http://x').searchParams.get('code'), 'k&y=1');
  const target = parameter(call.body.InputParameters, 'Target');
  assert.equal(parameter(target.Attributes, 'name'), 'Neu');
  assert.match(call.text, /"__type":"Money:[^"]*","Value":12\.3456/);
});

test('retries exactly once, and only on 502, 503 and 504', async () => {
  for (const [codes, attempts, status] of [[[503, 200], 2, 'succeeded'], [[502, 504, 200], 2, 'failed'], [[500, 200], 1, 'failed'], [[429, 200], 1, 'failed']]) {
    receiver = await startReceiver((n) => codes[n - 1]);
    await sim.admin('POST', 'webhooks', { url: receiver.url });
    const { deals } = await sim.admin('POST', 'close-deals', { count: 1 });
    const job = await eventually(async () => (await jobsOf(deals[0].quoteId)).find((one) => one.status !== 'pending'));
    assert.deepEqual([job.status, job.attempts, receiver.calls.length], [status, attempts, attempts]);
    receiver.close();
    await sim.admin('DELETE', 'webhooks');
  }
});

test('gives up on a receiver that does not answer', async () => {
  await sim.admin('POST', 'config', { webhookTimeoutMs: 200 });
  receiver = await startReceiver(() => null);
  await sim.admin('POST', 'webhooks', { url: receiver.url });
  const { deals } = await sim.admin('POST', 'close-deals', { count: 1 });
  const job = await eventually(async () => (await jobsOf(deals[0].quoteId)).find((one) => one.status !== 'pending'));
  assert.deepEqual([job.status, job.attempts, job.error], ['failed', 1, 'timed out']);
  await sim.admin('POST', 'config', { webhookTimeoutMs: 60000 });
});

test('duplicates, drops, oversizes and moves the order id when told to', async () => {
  receiver = await startReceiver();
  await sim.admin('POST', 'webhooks', { url: receiver.url });
  await sim.admin('POST', 'webhook-faults', { duplicateProbability: 1, reorder: true, reorderMs: 50 });
  await sim.admin('POST', 'close-deals', { count: 1 });
  await eventually(() => receiver.calls.length === 2);
  assert.equal(receiver.calls[0].body.OperationId, receiver.calls[1].body.OperationId);

  await sim.admin('POST', 'webhook-faults', { dropProbability: 1 });
  const dropped = await sim.admin('POST', 'close-deals', { count: 1 });
  assert.equal((await jobsOf(dropped.deals[0].quoteId))[0].status, 'dropped');

  await sim.admin('POST', 'webhook-faults', { oversize: true, orderIdInPrimary: true });
  const big = await sim.admin('POST', 'close-deals', { count: 1 });
  const call = await eventually(() => receiver.calls[2]);
  assert.equal(call.headers['x-ms-dynamics-msg-size-exceeded'], 'True');
  assert.equal(call.body.InputParameters, undefined);
  assert.deepEqual([call.body.PrimaryEntityName, call.body.PrimaryEntityId], ['salesorder', big.deals[0].orderId]);
  assert.deepEqual(call.body.OutputParameters, []);
});

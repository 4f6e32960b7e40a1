/* Writes of single rows: upsert and its conditions, validation, lookups, exact numbers. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startSimulator } from './helper.mjs';

let sim;
before(async () => { sim = await startSimulator(); });
after(() => sim.dispose());

const representation = { Prefer: 'return=representation' };

test('creates, reads back, updates and deletes', async () => {
  const created = await sim.api('POST', 'accounts', { name: 'Ünïcode 東京', accountnumber: '7001' });
  assert.equal(created.status, 204);
  const url = created.headers.get('odata-entityid');
  assert.match(url, /\/accounts\([0-9a-f-]{36}\)$/);
  const read = await sim.api('GET', url);
  assert.equal(read.body.name, 'Ünïcode 東京');
  assert.match(read.body['@odata.etag'], /^W\/"\d+"$/);
  const changed = await sim.api('PATCH', url, { telephone1: '1' }, representation);
  assert.equal(changed.status, 200);
  assert.ok(changed.body.versionnumber > read.body.versionnumber);
  assert.equal((await sim.api('DELETE', url)).status, 204);
  const gone = await sim.api('GET', url);
  assert.equal(gone.status, 404);
  assert.equal(gone.body.error.code, '0x80040217');
});

test('upserts by alternate key, quotes and all', async () => {
  const target = `accounts(accountnumber='${encodeURIComponent("O''H 1")}')`;
  const first = await sim.api('PATCH', target, { name: 'One' }, representation);
  assert.equal(first.status, 201);
  assert.equal(first.body.accountnumber, "O'H 1");
  assert.equal((await sim.api('PATCH', target, { name: 'Two' }, representation)).status, 200);
  assert.equal((await sim.api('PATCH', target, { name: 'Three' })).status, 204);
  assert.equal((await sim.api('GET', target)).body.name, 'Three');
});

test('keeps the conditions of a write', async () => {
  const fresh = "accounts(accountnumber='7100')";
  assert.equal((await sim.api('PATCH', fresh, { name: 'x' }, { 'If-Match': '*' })).status, 404);
  assert.equal((await sim.api('PATCH', fresh, { name: 'x' }, { 'If-None-Match': '*' })).status, 204);
  assert.equal((await sim.api('PATCH', fresh, { name: 'y' }, { 'If-None-Match': '*' })).status, 412);
  const { body } = await sim.api('GET', fresh);
  assert.equal((await sim.api('PATCH', fresh, { name: 'z' }, { 'If-Match': body['@odata.etag'] })).status, 204);
  const stale = await sim.api('PATCH', fresh, { name: 'w' }, { 'If-Match': body['@odata.etag'] });
  assert.equal(stale.status, 412);
  assert.equal(stale.body.error.code, '0x80060882');
  assert.equal((await sim.api('GET', fresh)).body.name, 'z');
});

for (const [what, body, code, message] of [
  ['an unknown property', { name: 'x', colour: 'red' }, '0x0', /Undeclared property 'colour'/],
  ['too long a text', { name: 'x'.repeat(161) }, '0x80044331', /The length of the 'name' attribute of the 'account' entity exceeded the maximum allowed length of '160'/],
  ['an unknown option', { name: 'x', paymenttermscode: 77 }, '0x8004431a', /outside the valid range/],
  ['a text for a number', { name: 'x', creditlimit: '12.50' }, '0x80048d19', /Edm.Decimal/],
  ['a number for a text', { name: 12 }, '0x80048d19', /Edm.String/],
  ['too large an amount', '{"name":"x","creditlimit":100000000000001}', '0x8004431a', /creditlimit/],
  ['no name', { accountnumber: '9' }, '0x80040203', /'name'/],
  ['broken JSON', '{"name":', '0x80048d19', /Invalid JSON/],
  ['a status of another state', { name: 'x', statecode: 0, statuscode: 2 }, '0x80048408', /not a valid status/],
  ['a lookup written as a value', { name: 'x', _primarycontactid_value: '11111111-1111-1111-1111-111111111111' }, '0x80048d19', /odata.bind/],
]) {
  test(`refuses ${what}`, async () => {
    const answer = await sim.api('POST', 'accounts', body);
    assert.equal(answer.status, 400);
    assert.equal(answer.body.error.code, code);
    assert.match(answer.body.error.message, message);
  });
}

test('knows duplicates and bad keys', async () => {
  const duplicate = await sim.api('POST', 'accounts', { name: 'again', accountnumber: '6001' });
  assert.equal(duplicate.status, 412);
  assert.equal(duplicate.body.error.code, '0x80060892');
  assert.equal((await sim.api('PATCH', "accounts(name='x')", { name: 'y' })).status, 400);
  assert.equal((await sim.api('PATCH', "accounts(accountnumber='a%3Ab')", { name: 'y' })).status, 400);
  assert.equal((await sim.api('GET', "accounts(accountnumber='none')")).body.error.code, '0x80060891');
  await sim.admin('POST', 'config', { keyStatus: { ml_accountnumber_key: 'Failed' } });
  assert.equal((await sim.api('PATCH', "accounts(accountnumber='6001')", { name: 'y' })).status, 400);
  await sim.admin('POST', 'config', { keyStatus: { ml_accountnumber_key: 'Active' } });
});

test('binds lookups by id and by alternate key, and only to what exists', async () => {
  const contact = await sim.api('POST', 'contacts', { lastname: 'L', firstname: 'F', 'parentcustomerid_account@odata.bind': "/accounts(accountnumber='6001')" }, representation);
  assert.equal(contact.status, 201);
  assert.equal(contact.body.fullname, 'F L');
  const account = await sim.account('6001');
  assert.equal(contact.body._parentcustomerid_value, account.accountid);
  const bound = await sim.api('PATCH', `accounts(${account.accountid})`, { 'primarycontactid@odata.bind': `/contacts(${contact.body.contactid})` }, representation);
  assert.equal(bound.body._primarycontactid_value, contact.body.contactid);
  const cleared = await sim.api('PATCH', `accounts(${account.accountid})`, { 'primarycontactid@odata.bind': null }, representation);
  assert.equal(cleared.body._primarycontactid_value, null);
  const missing = await sim.api('PATCH', `accounts(${account.accountid})`, { 'primarycontactid@odata.bind': '/contacts(11111111-1111-1111-1111-111111111111)' });
  assert.deepEqual([missing.status, missing.body.error.code], [404, '0x80040217']);
  assert.equal((await sim.api('PATCH', `accounts(${account.accountid})`, { 'primarycontactid@odata.bind': `/accounts(${account.accountid})` })).status, 400);
});

test('keeps money exact, far beyond the precision of a double', async () => {
  const answer = await sim.api('PATCH', "accounts(accountnumber='6002')", '{"ml_openbalance":90071992547409.9301,"creditlimit":0.0001}', representation);
  assert.match(answer.text, /"ml_openbalance":90071992547409\.9301/);
  assert.match(answer.text, /"creditlimit":0\.0001/);
  const found = await sim.api('GET', 'accounts?$select=accountnumber&$filter=ml_openbalance eq 90071992547409.9301');
  assert.equal(found.body.value.length, 1);
  assert.equal((await sim.api('GET', 'accounts?$filter=ml_openbalance eq 90071992547409.93')).body.value.length, 0);
});

test('computes the totals of an order with lines in one body', async () => {
  const account = await sim.account('6001');
  const answer = await sim.api('POST', 'salesorders', JSON.stringify({
    name: 'Order', 'customerid_account@odata.bind': `/accounts(${account.accountid})`, discountamount: 1,
    order_details: [
      { quantity: 3, priceperunit: 0.1, tax: 0.05, isproductoverridden: true, productdescription: 'a' },
      { quantity: 1.5, priceperunit: 2.3333, manualdiscountamount: 0.5, isproductoverridden: true, productdescription: 'b' },
    ],
  }), representation);
  assert.equal(answer.status, 201, answer.text);
  assert.match(answer.body.ordernumber, /^ORD-\d{5}-[A-Z0-9]{6}$/);
  assert.match(answer.text, /"totallineitemamount":3\.3000,/);
  assert.match(answer.text, /"totalamount":2\.3500,/);
  const { versions } = await sim.admin('GET', `history/salesorders?salesorderid=${answer.body.salesorderid}`);
  assert.ok(versions.length >= 2);
});

test('writes single columns, and members of a collection by reference', async () => {
  const { accountid } = await sim.account('6003');
  const contact = (await sim.api('POST', 'contacts', { lastname: 'Member' }, representation)).body.contactid;
  assert.equal((await sim.api('PUT', `accounts(${accountid})/telephone1`, { value: '12' })).status, 204);
  assert.equal((await sim.account('6003')).telephone1, '12');
  assert.equal((await sim.api('DELETE', `accounts(${accountid})/telephone1`)).status, 204);
  assert.equal((await sim.account('6003')).telephone1 ?? null, null);
  const members = `accounts(${accountid})/contact_customer_accounts`;
  assert.equal((await sim.api('POST', `${members}/$ref`, { '@odata.id': `accounts(${accountid})` })).status, 400);
  assert.equal((await sim.api('POST', `${members}/$ref`, { '@odata.id': `contacts(${contact})` })).status, 204);
  assert.ok((await sim.api('GET', members)).body.value.some((row) => row.contactid === contact));
  assert.equal((await sim.api('DELETE', `${members}(${contact})/$ref`)).status, 204);
  assert.ok(!(await sim.api('GET', members)).body.value.some((row) => row.contactid === contact));
});

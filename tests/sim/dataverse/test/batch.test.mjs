/* $batch and the ...Multiple actions. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startSimulator } from './helper.mjs';

let sim;
before(async () => { sim = await startSimulator({ args: ['--seed-quotes', '0'] }); });
after(() => sim.dispose());

const CRLF = '\r\n';

function operation(method, target, body, contentId) {
  const lines = ['Content-Type: application/http', 'Content-Transfer-Encoding: binary', ...(contentId ? [`Content-ID: ${contentId}`] : []), '', `${method} ${target} HTTP/1.1`];
  if (body) lines.push('Content-Type: application/json', '', JSON.stringify(body));
  else lines.push('', '');
  return lines.join(CRLF);
}

const wrap = (boundary, parts) => `${parts.map((part) => `--${boundary}${CRLF}${part}${CRLF}`).join('')}--${boundary}--${CRLF}`;
const changeSet = (parts) => `Content-Type: multipart/mixed; boundary=changeset_1${CRLF}${CRLF}${wrap('changeset_1', parts)}`;

function batch(parts, headers = {}) {
  return sim.api('POST', '$batch', wrap('batch_1', parts), { 'Content-Type': 'multipart/mixed; boundary=batch_1', ...headers });
}
const statuses = (answer) => [...answer.text.matchAll(/HTTP\/1\.1 (\d+)/g)].map((match) => Number(match[1]));

test('runs operations in order, with references between those of a change set', async () => {
  const answer = await batch([
    changeSet([
      operation('POST', '/api/data/v9.2/accounts', { name: 'Bätch', accountnumber: '8001' }, '1'),
      operation('POST', `${sim.base}/api/data/v9.2/contacts`, { lastname: 'Of batch', 'parentcustomerid_account@odata.bind': '$1' }, '2'),
      operation('PATCH', '$1', { 'primarycontactid@odata.bind': '$2' }, '3'),
    ]),
    operation('GET', "accounts(accountnumber='8001')?$select=name&$expand=primarycontactid($select=lastname)"),
  ]);
  assert.equal(answer.status, 200);
  assert.deepEqual(statuses(answer), [204, 204, 204, 200]);
  assert.match(answer.text, /"name":"Bätch"/);
  assert.match(answer.text, /"lastname":"Of batch"/);
  assert.match(answer.text, /Content-ID: 2/);
});

test('takes back a change set that fails, and stops there or goes on', async () => {
  const parts = [
    operation('PATCH', "accounts(accountnumber='8100')", { name: 'kept' }),
    changeSet([
      operation('PATCH', "accounts(accountnumber='8101')", { name: 'undone' }, '1'),
      operation('PATCH', "accounts(accountnumber='8102')", { nope: 1 }, '2'),
    ]),
    operation('PATCH', "accounts(accountnumber='8103')", { name: 'after' }),
  ];
  const stopped = await batch(parts);
  assert.equal(stopped.status, 400);
  assert.deepEqual(statuses(stopped), [204, 400]);
  assert.ok(await sim.account('8100'));
  assert.equal(await sim.account('8101'), undefined);
  assert.equal(await sim.account('8103'), undefined);
  const on = await batch(parts, { Prefer: 'odata.continue-on-error' });
  assert.equal(on.status, 200);
  assert.deepEqual(statuses(on), [204, 400, 204]);
  assert.ok(await sim.account('8103'));
});

test('allows at most 1000 operations', async () => {
  const many = Array.from({ length: 1001 }, () => operation('GET', 'WhoAmI'));
  assert.equal((await batch(many)).status, 400);
});

test('can fail single operations on demand', async () => {
  await sim.admin('POST', 'faults', { faults: [{ inner: true, match: { path: "accountnumber='8201'" }, action: 'status', status: 429, headers: { 'Retry-After': '1' }, count: 1 }] });
  const parts = ['8200', '8201', '8202'].map((number) => operation('PATCH', `accounts(accountnumber='${number}')`, { name: number }));
  const answer = await batch(parts, { Prefer: 'odata.continue-on-error' });
  assert.deepEqual(statuses(answer), [204, 429, 204]);
  assert.equal(await sim.account('8201'), undefined);
  assert.equal((await sim.admin('GET', 'faults')).faults[0].hits, 1);
  await sim.admin('DELETE', 'faults');
});

const target = (number, more) => ({ '@odata.type': 'Microsoft.Dynamics.CRM.account', '@odata.id': `accounts(accountnumber='${number}')`, ...more });

test('upserts many, all or none', async () => {
  const good = await sim.api('POST', 'accounts/Microsoft.Dynamics.CRM.UpsertMultiple', { Targets: [target('6001', { name: 'new name' }), target('8301', { name: 'new row' })] });
  assert.equal(good.status, 204);
  assert.equal(good.text, '');
  assert.equal((await sim.account('6001')).name, 'new name');
  assert.equal((await sim.account('8301')).name, 'new row');
  const bad = await sim.api('POST', 'accounts/Microsoft.Dynamics.CRM.UpsertMultiple', { Targets: [target('8302', { name: 'fine' }), target('8303', { name: 'x'.repeat(200) })] });
  assert.equal(bad.status, 400);
  assert.equal(await sim.account('8302'), undefined);
  const twice = await sim.api('POST', 'accounts/Microsoft.Dynamics.CRM.UpsertMultiple', { Targets: [target('8304', { name: 'a' }), target('8304', { name: 'b' })] });
  assert.equal(twice.status, 412);
});

test('creates and updates many', async () => {
  const created = await sim.api('POST', 'accounts/Microsoft.Dynamics.CRM.CreateMultiple', {
    Targets: ['8401', '8402'].map((accountnumber) => ({ '@odata.type': 'Microsoft.Dynamics.CRM.account', accountnumber, name: accountnumber })),
  });
  assert.equal(created.body.Ids.length, 2);
  const updated = await sim.api('POST', 'accounts/Microsoft.Dynamics.CRM.UpdateMultiple', {
    Targets: created.body.Ids.map((accountid) => ({ '@odata.type': 'Microsoft.Dynamics.CRM.account', accountid, name: 'updated' })),
  });
  assert.equal(updated.status, 204);
  assert.equal((await sim.account('8402')).name, 'updated');
  assert.equal((await sim.api('POST', 'accounts/Microsoft.Dynamics.CRM.UpdateMultiple', { Targets: [target('none', { name: 'x' })] })).status, 404);
  assert.equal((await sim.api('POST', 'accounts/Microsoft.Dynamics.CRM.CreateMultiple', { Targets: [{ name: 'x' }] })).status, 400);
});

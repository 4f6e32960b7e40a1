/*
 * dynamics-web-api, a client of the real Dataverse that knows nothing of this project, against the Dataverse simulator;
 * and the relay's client by certificate, which the simulator checks.
 */

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { after, before, test } from 'node:test';
import { Certs } from './lib/certs.mjs';
import { startDataverse } from './lib/dataverse.mjs';
import { Driver } from './lib/driver.mjs';

const { DynamicsWebApi } = createRequire(import.meta.url)('dynamics-web-api');
const SCOPE = 'https://contoso.crm.dynamics.com/.default';
const GUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

let certs;
let sim;
let api;
let account;

const collection = 'accounts';
const select = ['name'];
const key = (number) => `accountnumber='${number}'`;

before(async () => {
  certs = new Certs();
  sim = await startDataverse(certs.dir, ['--http']);
  const form = { grant_type: 'client_credentials', client_id: 'app', client_secret: 'secret', scope: SCOPE };
  api = new DynamicsWebApi({ serverUrl: sim.url, dataApi: { version: '9.2' }, useEntityNames: true, onTokenRefresh: () => sim.token(form) });
  account = await api.create({ collection, data: { name: 'First', accountnumber: 'X1' } });
});

after(async () => {
  await sim?.end();
  certs?.remove();
});

test('WhoAmI', async () => {
  const who = await api.callFunction('WhoAmI');
  for (const id of [who.UserId, who.BusinessUnitId, who.OrganizationId]) assert.match(id, GUID);
});

test('create gives the id, or the row when it is asked for', async () => {
  assert.match(account, GUID);
  const row = await api.create({ collection, data: { name: 'Second', accountnumber: 'X2' }, returnRepresentation: true, select });
  assert.equal(row.name, 'Second');
  assert.match(row.accountid, GUID);
});

test('a duplicate key is refused with the code of the service', async () => {
  await assert.rejects(api.create({ collection, data: { name: 'Again', accountnumber: 'X1' } }), { status: 412, code: '0x80060892' });
});

test('retrieve by id, by alternate key, with an expanded lookup', async () => {
  const row = await api.retrieve({ collection, key: account, select: ['name', 'accountnumber'], expand: [{ property: 'primarycontactid', select: ['lastname'] }] });
  assert.deepEqual([row.name, row.accountnumber, row.primarycontactid], ['First', 'X1', null]);
  assert.equal((await api.retrieve({ collection, key: key('X1'), select })).accountid, account);
  assert.equal(await api.retrieve({ collection, key: account, select, ifnonematch: row['@odata.etag'] }), undefined);
});

test('update, with and without the row; of one column; a column emptied', async () => {
  assert.equal(await api.update({ collection, key: account, data: { name: 'B', telephone1: '1' } }), true);
  assert.equal((await api.update({ collection, key: account, data: { name: 'C' }, returnRepresentation: true, select })).name, 'C');
  await api.updateSingleProperty({ collection, key: account, fieldValuePair: { name: 'D' } });
  await api.deleteRecord({ collection, key: account, fieldName: 'telephone1' });
  const row = await api.retrieve({ collection, key: account, select: ['name', 'telephone1'] });
  assert.deepEqual([row.name, row.telephone1], ['D', null]);
});

test('optimistic locking', async () => {
  const { '@odata.etag': etag } = await api.retrieve({ collection, key: account, select });
  assert.equal(await api.update({ collection, key: account, data: { name: 'E' }, ifmatch: etag }), true);
  assert.equal(await api.update({ collection, key: account, data: { name: 'F' }, ifmatch: etag }), false);
  assert.equal((await api.retrieve({ collection, key: account, select })).name, 'E');
});

test('upsert by alternate key: makes, changes, only makes, only changes', async () => {
  const id = await api.upsert({ collection, key: key('U1'), data: { name: 'made' } });
  assert.match(id, GUID);
  assert.equal((await api.upsert({ collection, key: key('U1'), data: { name: 'changed' }, returnRepresentation: true })).accountid, id);
  assert.equal(await api.upsert({ collection, key: key('U1'), data: { name: 'x' }, ifnonematch: '*' }), null);
  assert.equal(await api.upsert({ collection, key: key('U2'), data: { name: 'x' }, ifmatch: '*' }), null);
  assert.equal((await api.retrieve({ collection, key: id, select })).name, 'changed');
  await assert.rejects(api.retrieve({ collection, key: key('U2'), select }), { status: 404 });
});

test('a row with a quote in its key', async () => {
  await api.upsert({ collection, key: key(encodeURIComponent("O''Hara é")), data: { name: 'quoted' } });
  const found = await api.retrieveMultiple({ collection, select: ['accountnumber'], filter: "accountnumber eq 'O''Hara é'" });
  assert.deepEqual(found.value.map((row) => row.accountnumber), ["O'Hara é"]);
});

test('pages: by hand, and all of them by the client', async () => {
  const ids = [];
  let page = await api.retrieveMultiple({ collection, select, maxPageSize: 3, count: true });
  const expected = page.oDataCount ?? page['@odata.count'];
  ids.push(...page.value.map((row) => row.accountid));
  while (page.oDataNextLink) {
    page = await api.retrieveMultiple({ collection, select, maxPageSize: 3 }, page.oDataNextLink);
    assert.ok(page.value.length <= 3);
    ids.push(...page.value.map((row) => row.accountid));
  }
  assert.equal(new Set(ids).size, expected);
  assert.equal(ids.length, expected);
  assert.equal((await api.retrieveAll({ collection, select, maxPageSize: 3 })).value.length, expected);
  assert.equal(await api.count({ collection }), expected);
});

test('filter, order and top', async () => {
  const found = await api.retrieveMultiple({ collection, select: ['accountnumber'], filter: "startswith(accountnumber,'X')", orderBy: ['accountnumber desc'], top: 1 });
  assert.deepEqual(found.value.map((row) => row.accountnumber), ['X2']);
});

test('change tracking: the delta link gives what was made, changed and deleted since', async () => {
  const all = await api.retrieveMultiple({ collection, select, trackChanges: true });
  const gone = await api.create({ collection, data: { name: 'Gone', accountnumber: 'T1' } });
  const quiet = await api.retrieveMultiple({ collection, select, trackChanges: true });
  assert.equal(quiet.value.length, all.value.length + 1);
  await api.deleteRecord({ collection, key: gone });
  await api.update({ collection, key: account, data: { name: 'Tracked' } });
  const made = await api.create({ collection, data: { name: 'New', accountnumber: 'T2' } });
  const delta = await api.retrieveMultiple({ collection, select, trackChanges: true }, quiet.oDataDeltaLink);
  const live = delta.value.filter((row) => row.accountid).map((row) => [row.accountid, row.name]);
  assert.deepEqual(new Map(live), new Map([[account, 'Tracked'], [made, 'New']]));
  assert.deepEqual(delta.value.filter((row) => row.reason === 'deleted').map((row) => row.id), [gone]);
  assert.deepEqual((await api.retrieveMultiple({ collection, select }, delta.oDataDeltaLink)).value, []);
});

test('a lookup set, read and emptied by reference; and by bind', async () => {
  const contact = await api.create({ collection: 'contacts', data: { lastname: 'Lookup' } });
  const single = { collection, primaryKey: account, navigationProperty: 'primarycontactid' };
  await api.associateSingleValued({ ...single, relatedCollection: 'contacts', relatedKey: contact });
  const read = () => api.retrieve({ collection, key: account, select, expand: [{ property: 'primarycontactid', select: ['lastname'] }] });
  assert.equal((await read()).primarycontactid.lastname, 'Lookup');
  await api.disassociateSingleValued(single);
  assert.equal((await read()).primarycontactid, null);
  await api.update({ collection, key: account, data: { 'primarycontactid@odata.bind': `contacts(${contact})` } });
  assert.equal((await read()).primarycontactid.contactid, contact);
});

test('associate and disassociate in a collection', async () => {
  const contact = await api.create({ collection: 'contacts', data: { lastname: 'Member' } });
  const relation = { collection, primaryKey: account, relationshipName: 'contact_customer_accounts' };
  const members = async () => (await api.retrieve({ collection, key: account, navigationProperty: relation.relationshipName, select: ['lastname'] })).value.map((row) => row.contactid);
  await api.associate({ ...relation, relatedCollection: 'contacts', relatedKey: contact });
  assert.deepEqual(await members(), [contact]);
  await api.disassociate({ ...relation, relatedKey: contact });
  assert.deepEqual(await members(), []);
  await assert.rejects(api.disassociate({ ...relation, relatedKey: contact }), { status: 404 });
});

test('a batch: a change set, a read, a reference to what it made', async () => {
  api.startBatch();
  api.create({ collection: 'contacts', data: { lastname: 'Batch' }, contentId: '1' });
  api.create({ collection, data: { name: 'In batch', accountnumber: 'B1', 'primarycontactid@odata.bind': '$1' } });
  api.retrieveMultiple({ collection, select, top: 1 });
  const [contact, made, read] = await api.executeBatch();
  assert.equal(read.value.length, 1);
  const row = await api.retrieve({ collection, key: made, select: ['_primarycontactid_value'] });
  assert.equal(row._primarycontactid_value, contact);
});

test('a change set that fails leaves nothing behind', async () => {
  api.startBatch();
  api.create({ collection, data: { name: 'x', accountnumber: 'B2' } });
  api.create({ collection, data: { name: 'x', accountnumber: 'B1' } });
  await assert.rejects(api.executeBatch());
  await assert.rejects(api.retrieve({ collection, key: key('B2'), select }), { status: 404 });
});

test('without change sets and with continue-on-error the others are done', async () => {
  api.startBatch();
  for (const accountnumber of ['B3', 'B1', 'B4']) api.create({ collection, data: { name: 'x', accountnumber }, inChangeSet: false });
  const [first, second, third] = await api.executeBatch({ continueOnError: true });
  assert.match(first, GUID);
  assert.equal(second.error.code, '0x80060892');
  assert.match(third, GUID);
});

test('an action: a quote becomes an order', async () => {
  const { value: [{ quoteid: QuoteId }] } = await api.retrieveMultiple({ collection: 'quotes', select: ['quoteid'], top: 1 });
  const order = await api.callAction({ actionName: 'ConvertQuoteToSalesOrder', action: { QuoteId, ColumnSet: { AllColumns: true } } });
  assert.match(order.salesorderid, GUID);
  assert.equal((await api.retrieve({ collection: 'salesorders', key: order.salesorderid, select: ['_quoteid_value'] }))._quoteid_value, QuoteId);
});

test('metadata: tables, columns with their limits, option sets, the whole document', async () => {
  const entityKey = "LogicalName='account'";
  assert.equal((await api.retrieveEntity({ key: entityKey, select: ['EntitySetName'] })).EntitySetName, 'accounts');
  assert.ok((await api.retrieveAttributes({ entityKey, select: ['LogicalName', 'AttributeType'] })).value.some((column) => column.LogicalName === 'accountnumber'));
  const cast = 'Microsoft.Dynamics.CRM.StringAttributeMetadata';
  assert.equal((await api.retrieveAttribute({ entityKey, attributeKey: "LogicalName='name'", castType: cast, select: ['MaxLength'] })).MaxLength, 160);
  const lists = await api.retrieveAttributes({ entityKey, castType: 'Microsoft.Dynamics.CRM.PicklistAttributeMetadata', select: ['LogicalName'], expand: [{ property: 'OptionSet' }] });
  assert.ok(lists.value.every((column) => column.OptionSet.Options.length > 0));
  assert.match(await api.retrieveCsdlMetadata(), /^<\?xml|<edmx:Edmx/);
});

test('delete, and what is gone is not found', async () => {
  const id = await api.create({ collection, data: { name: 'x', accountnumber: 'D1' } });
  assert.equal(await api.deleteRecord({ collection, key: id }), true);
  await assert.rejects(api.retrieve({ collection, key: id, select }), { status: 404, code: '0x80040217' });
});

for (const alg of ['PS256', 'RS256']) {
  test(`the relay's client by certificate, ${alg}, which the simulator checks`, async (t) => {
    const guarded = await startDataverse(certs.dir, ['--cert', certs.file('server.pem'), '--key', certs.file('server.key'), '--client-id', 'app', '--client-cert', certs.file('app.pem')]);
    t.after(() => guarded.end());
    const driver = new Driver({
      MLC_URL: `${guarded.url}/api/data/v9.2/`, MLC_AUTHORITY: guarded.url, MLC_DIRECTORY: guarded.tenant, MLC_SCOPE: SCOPE, MLC_CA_FILE: certs.file('ca.pem'),
      MLC_CLIENT_ID: 'app', MLC_CERT_FILE: certs.file('app.pem'), MLC_KEY_FILE: certs.file('app.key'), MLC_CERT_ALG: alg,
    });
    t.after(() => driver.kill());
    const answer = await driver.get('WhoAmI');
    assert.equal(answer.code, 'ok', answer.message);
    assert.match(answer.body.UserId, GUID);
    await driver.end();
  });
}

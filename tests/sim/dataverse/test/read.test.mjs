/* Queries: filter, order, select, expand, paging, counting, change tracking, metadata. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startSimulator } from './helper.mjs';

let sim;
before(async () => { sim = await startSimulator({ args: ['--seed-accounts', '57', '--seed-quotes', '12'] }); });
after(() => sim.dispose());

const list = async (query, headers) => (await sim.api('GET', query, undefined, headers)).body.value;

test('filters by text, number, null, lookup and nested logic', async () => {
  const numbers = async (filter) => (await list(`accounts?$select=accountnumber&$filter=${encodeURIComponent(filter)}`)).map((row) => row.accountnumber).sort();
  assert.deepEqual(await numbers("accountnumber eq '6003'"), ['6003']);
  assert.deepEqual(await numbers("(accountnumber eq '6003' or accountnumber eq '6004') and not (accountnumber eq '6004')"), ['6003']);
  assert.deepEqual(await numbers("startswith(accountnumber,'605') and accountnumber ge '6056'"), ['6056', '6057']);
  assert.equal((await numbers('primarycontactid/lastname eq null')).length, 57);
  assert.deepEqual(await numbers("Microsoft.Dynamics.CRM.In(PropertyName='accountnumber',PropertyValues=['6001','6009'])"), ['6001', '6009']);
  assert.equal((await numbers('creditlimit ge 0 and statecode eq 0 and createdon gt 2020-01-01T00:00:00Z and creditonhold eq false')).length, 57);
  const account = await sim.account('6001');
  const contacts = await list(`contacts?$filter=_parentcustomerid_value eq ${account.accountid}`);
  assert.equal(contacts.length, 1);
  assert.equal((await list(`contacts?$filter=parentcustomerid_account/accountnumber eq '6001'`)).length, 1);
});

test('refuses what it does not know', async () => {
  for (const query of ["accounts?$filter=nope eq 1", "accounts?$filter=name eq", 'accounts?$select=nope', 'accounts?$skip=1', "accounts?$filter=name eq 'x", 'accounts?$filter=name eq 1']) {
    const answer = await sim.api('GET', query);
    assert.equal(answer.status, 400, query);
    assert.ok(answer.body.error.message);
  }
  assert.equal((await sim.api('GET', 'nothings')).status, 404);
});

test('pages to the end by nextLink, in order and by default', async () => {
  for (const query of ['accounts?$select=accountnumber', 'accounts?$select=accountnumber&$orderby=address1_city desc,accountnumber']) {
    const seen = [];
    let link = query;
    while (link) {
      const { body } = await sim.api('GET', link, undefined, { Prefer: 'odata.maxpagesize=10' });
      assert.ok(body.value.length <= 10);
      seen.push(...body.value.map((row) => row.accountnumber));
      link = body['@odata.nextLink'];
    }
    assert.equal(seen.length, 57);
    assert.equal(new Set(seen).size, 57);
  }
  const ordered = await list('accounts?$select=accountnumber&$orderby=accountnumber desc&$top=3');
  assert.deepEqual(ordered.map((row) => row.accountnumber), ['6057', '6056', '6055']);
});

test('counts', async () => {
  const { body } = await sim.api('GET', 'accounts?$count=true&$top=1');
  assert.equal(body['@odata.count'], 57);
  assert.equal((await sim.api('GET', 'accounts/$count')).text, '57');
});

test('expands lines and lookups, with exact amounts', async () => {
  const answer = await sim.api('GET', 'quotes?$select=name,totalamount,totallineitemamount,totaltax,discountamount,freightamount'
    + '&$expand=quote_details($select=extendedamount,tax;$orderby=lineitemnumber;$expand=productid($select=productnumber),uomid($select=name)),customerid_account($select=accountnumber)');
  assert.equal(answer.body.value.length, 12);
  assert.match(answer.text, /"totalamount":\d+\.\d{4},/);
  const units = (value) => Math.round((value ?? 0) * 10000);
  for (const quote of answer.body.value) {
    const sum = quote.quote_details.reduce((total, line) => total + units(line.extendedamount), 0);
    assert.equal(units(quote.totalamount), sum - units(quote.discountamount) + units(quote.freightamount));
    assert.ok(quote.quote_details.length >= 1 && quote.quote_details.length <= 6);
    assert.match(quote.quote_details[0].productid.productnumber, /^ITEM-\d{5}$/);
    assert.equal(quote.quote_details[0].uomid.name, 'EA');
    assert.match(quote.customerid_account.accountnumber, /^60\d\d$/);
  }
  const one = answer.body.value[0];
  assert.equal((await list(`quotes(${one.quoteid})/quote_details`)).length, one.quote_details.length);
});

test('tracks changes: new, changed and deleted rows, page by page, and expired links', async () => {
  const first = await sim.api('GET', 'contacts?$select=lastname', undefined, { Prefer: 'odata.track-changes,odata.maxpagesize=4' });
  let page = first.body;
  while (page['@odata.nextLink']) page = (await sim.api('GET', page['@odata.nextLink'], undefined, { Prefer: 'odata.maxpagesize=4' })).body;
  const delta = page['@odata.deltaLink'];
  assert.ok(delta);
  const quiet = await sim.api('GET', delta);
  assert.deepEqual(quiet.body.value, []);

  const created = await sim.api('POST', 'contacts', { lastname: 'Nowák' }, { Prefer: 'return=representation' });
  const [victim, changed] = first.body.value;
  await sim.api('DELETE', `contacts(${victim.contactid})`);
  await sim.api('PATCH', `contacts(${changed.contactid})`, { lastname: 'Geändert' });
  const changes = (await sim.api('GET', delta)).body;
  assert.equal(changes.value.length, 3);
  assert.deepEqual(changes.value.find((row) => row.reason), { '@odata.context': `${sim.base}/api/data/v9.2/$metadata#contacts/$deletedEntity`, id: victim.contactid, reason: 'deleted' });
  assert.equal(changes.value.find((row) => row.contactid === created.body.contactid).lastname, 'Nowák');
  assert.equal(changes.value.find((row) => row.contactid === changed.contactid).lastname, 'Geändert');
  assert.deepEqual((await sim.api('GET', changes['@odata.deltaLink'])).body.value, []);

  const paged = [];
  let link = delta;
  while (link) {
    const { body } = await sim.api('GET', link, undefined, { Prefer: 'odata.maxpagesize=2' });
    paged.push(...body.value);
    link = body['@odata.nextLink'];
  }
  assert.equal(paged.length, 3);

  await sim.admin('POST', 'config', { expireDeltaTokens: true });
  const expired = await sim.api('GET', delta);
  assert.equal(expired.status, 400);
  assert.equal(expired.body.error.code, '0x80060400');

  await sim.admin('POST', 'config', { untracked: ['contacts'] });
  assert.equal((await sim.api('GET', 'contacts?$select=lastname', undefined, { Prefer: 'odata.track-changes' })).status, 400);
  assert.equal((await sim.api('GET', 'accounts?$select=name', undefined, { Prefer: 'odata.track-changes' })).status, 200);
  await sim.admin('POST', 'config', { untracked: [] });
});

test('describes its tables', async () => {
  const attributes = (await sim.api('GET', "EntityDefinitions(LogicalName='account')/Attributes?$select=LogicalName,AttributeType,MaxLength,RequiredLevel")).body.value;
  const name = attributes.find((item) => item.LogicalName === 'name');
  assert.equal(name.MaxLength, 160);
  assert.equal(name.AttributeType, 'String');
  assert.equal(name.RequiredLevel.Value, 'ApplicationRequired');
  assert.ok(attributes.some((item) => item.LogicalName === 'ml_sourcerecordid'));
  const choices = (await sim.api('GET', "EntityDefinitions(LogicalName='account')/Attributes/Microsoft.Dynamics.CRM.PicklistAttributeMetadata?$select=LogicalName&$expand=OptionSet")).body.value;
  const terms = choices.find((item) => item.LogicalName === 'paymenttermscode');
  assert.deepEqual(terms.OptionSet.Options.map((option) => option.Value), [1, 2, 3, 4]);
  assert.equal(terms.OptionSet.Options[0].Label.UserLocalizedLabel.Label, 'Net 30');
  const status = (await sim.api('GET', "EntityDefinitions(LogicalName='quote')/Attributes(LogicalName='statuscode')/Microsoft.Dynamics.CRM.StatusAttributeMetadata?$expand=OptionSet")).body;
  assert.equal(status.OptionSet.Options.find((option) => option.Value === 4).State, 2);
  const keys = (await sim.api('GET', "EntityDefinitions(LogicalName='account')/Keys")).body.value;
  assert.deepEqual([keys[0].KeyAttributes, keys[0].EntityKeyIndexStatus], [['accountnumber'], 'Active']);
  const full = (await sim.api('GET', "EntityDefinitions(LogicalName='product')?$expand=Attributes,Keys")).body;
  assert.equal(full.EntitySetName, 'products');
  assert.ok(full.Attributes.length > 10);
  const xml = await sim.api('GET', '$metadata');
  assert.match(xml.text, /<EntityType Name="salesorder">/);
  assert.match(xml.text, /NavigationProperty Name="order_details" Type="Collection\(mscrm\.salesorderdetail\)"/);
});

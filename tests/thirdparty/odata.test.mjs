/*
 * The Dataverse client (relay/odata) against SAP CAP, an OData V4 server; tokens come from oidc-provider and are
 * checked by CAP's door. What CAP does differently from Dataverse stands in README.md.
 */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startCap } from './lib/cap.mjs';
import { Certs } from './lib/certs.mjs';
import { Driver } from './lib/driver.mjs';
import { DIRECTORY, SCOPE, SECRET_CLIENT, startIdentity } from './lib/identity.mjs';

const account = (number) => ['accounts', 'accountnumber', number];
const product = (number) => ['products', 'productnumber', number];

let certs;
let identity;
let cap;
let driver;

before(async () => {
  certs = new Certs();
  identity = await startIdentity(certs);
  cap = await startCap(certs, identity);
  driver = new Driver({
    MLC_URL: cap.url, MLC_AUTHORITY: identity.url, MLC_DIRECTORY: DIRECTORY, MLC_SCOPE: SCOPE, MLC_CA_FILE: certs.file('ca.pem'),
    MLC_CLIENT_ID: SECRET_CLIENT.id, MLC_CLIENT_SECRET: SECRET_CLIENT.secret,
  });
});

after(async () => {
  driver?.kill();
  await cap?.close();
  await identity?.close();
  certs?.remove();
});

const brief = ({ code, status }) => `${code} ${status}`;

test('a function, with a token the server has checked', async () => {
  const answer = await driver.get('WhoAmI');
  assert.equal(brief(answer), 'ok 200', answer.message);
  assert.equal(answer.body.UserId, '00000000-0000-0000-0000-000000000001');
  assert.deepEqual(cap.refused, []);
});

test('create, read, delete; a money amount keeps its digits', async () => {
  const made = await driver.post('accounts', { accountnumber: '6001', name: 'Ünï "quoted" \\ 北京', creditlimit: 12345678901.25 });
  assert.equal(brief(made), 'ok 201', made.message);
  const read = await driver.get(account('6001'));
  assert.equal(read.body.name, 'Ünï "quoted" \\ 北京');
  assert.equal(Number(read.body.creditlimit), 12345678901.25);
  assert.equal(brief(await driver.remove(account('6001'))), 'ok 204');
  assert.equal(brief(await driver.get(account('6001'))), 'notfound 404');
  assert.equal(brief(await driver.remove(account('6001'))), 'notfound 404');
});

test('upsert by key: the first makes it, the second changes it', async () => {
  assert.equal(brief(await driver.patch(account('6002'), { name: 'One' })), 'ok 201');
  assert.equal(brief(await driver.patch(account('6002'), { name: 'Two' })), 'ok 200');
  assert.equal(brief(await driver.patch(account('6002'), { name: 'Three' }, { prefer: 'return=minimal' })), 'ok 204');
  assert.equal((await driver.get(account('6002'))).body.name, 'Three');
});

test('If-Match: * changes only what is there, If-None-Match: * only makes', async () => {
  assert.equal(brief(await driver.patch(product('absent'), { name: 'x' }, { ifMatch: '*' })), 'conflict 412');
  assert.equal(brief(await driver.get(product('absent'))), 'notfound 404');
  assert.equal(brief(await driver.patch(product('I1'), { name: 'made' }, { ifNoneMatch: '*' })), 'ok 201');
  assert.equal(brief(await driver.patch(product('I1'), { name: 'changed' }, { ifMatch: '*' })), 'ok 200');
  assert.equal((await driver.get(product('I1'))).body.name, 'changed');
});

test('optimistic locking: the ETag that was read, then the same one again', async () => {
  await driver.post('products', { productnumber: 'P1', name: 'One' });
  const etag = (await driver.get(product('P1'))).body['@odata.etag'];
  assert.match(etag, /^W\/".+"$/);
  assert.equal(brief(await driver.patch(product('P1'), { name: 'Two' }, { ifMatch: etag })), 'ok 200');
  const stale = await driver.patch(product('P1'), { name: 'Three' }, { ifMatch: etag });
  assert.equal(brief(stale), 'conflict 412');
  assert.match(stale.message, /^412: Precondition Failed$/);
  assert.equal(brief(await driver.remove(product('P1'), { ifMatch: etag })), 'conflict 412');
  assert.equal((await driver.get(product('P1'))).body.name, 'Two');
  assert.equal(brief(await driver.remove(product('P1'), { ifMatch: '*' })), 'ok 204');
});

test('a refusal with a status that Dataverse does not use is a refusal, not an uncertain write', async () => {
  await driver.post('products', { productnumber: 'P2', name: 'One' });
  assert.equal(brief(await driver.patch(product('P2'), { name: 'Two' })), 'rejected 428');
});

for (const number of ["O'Hara & Söhne", 'a/b?c#d%25+e', "''", "x') or ('a", 'ß~é=;,']) {
  test(`the key ${number}`, async () => {
    assert.equal(brief(await driver.patch(account(number), { name: number })), 'ok 201');
    const read = await driver.get(account(number));
    assert.equal(read.body?.accountnumber, number, read.message);
    const found = await driver.get('accounts', { filter: `accountnumber eq '${number.replaceAll("'", "''")}'` });
    assert.deepEqual(found.body.value.map((row) => row.name), [number]);
    assert.equal(brief(await driver.remove(account(number))), 'ok 204');
    assert.equal(brief(await driver.get(account(number))), 'notfound 404');
  });
}

test('keys of all Unicode', async () => {
  const number = "北京 🏭 Ω'";
  // CAP cannot make such a row itself: README.md.
  await cap.insert({ accountnumber: number, name: number });
  assert.equal(brief(await driver.patch(account(number), { telephone1: '1' })), 'ok 200');
  const found = await driver.get('accounts', { filter: `accountnumber eq '${number.replaceAll("'", "''")}'` });
  assert.deepEqual(found.body.value.map((row) => [row.name, row.telephone1]), [[number, '1']]);
  assert.equal(brief(await driver.remove(account(number))), 'ok 204');
  assert.equal(brief(await driver.get(account(number))), 'notfound 404');
});

test('$batch: each operation has its own answer, in order, and a failure does not stop the others', async () => {
  await driver.post('products', { productnumber: 'B0', name: 'zero' });
  const etag = (await driver.get(product('B0'))).body['@odata.etag'];
  const answers = await driver.batch([
    { method: 'PATCH', key: account('b1'), body: { name: 'B1' } },
    { method: 'PATCH', key: account('b2'), body: { nosuch: 'x' } },
    { method: 'PATCH', key: product('B0'), body: { name: 'x' }, ifMatch: 'W/"2020-01-01T00:00:00.000Z"' },
    { method: 'PATCH', key: product('B0'), body: { name: 'first' }, ifMatch: etag },
    { method: 'PATCH', key: account("b'3/ü"), body: { name: 'Größe 北京' }, prefer: 'return=minimal' },
    { method: 'GET', key: account("b'3/ü") },
    { method: 'GET', key: account('none') },
    { method: 'DELETE', key: account('b1') },
  ]);
  assert.deepEqual(answers.map(brief), [
    'ok 201', 'rejected 400', 'conflict 412', 'ok 200', 'ok 204', 'ok 200', 'notfound 404', 'ok 204',
  ], JSON.stringify(answers));
  assert.match(answers[1].message, /^400: Property "nosuch" does not exist/);
  assert.equal(answers[5].body.name, 'Größe 北京');
  assert.ok(answers.every((answer) => answer.wholeBatch === false));
  const sent = cap.requests.findLast(({ path }) => path.endsWith('$batch'));
  assert.equal(sent.headers.prefer, 'odata.continue-on-error');
});

test('$batch of several hundred', async () => {
  const requests = Array.from({ length: 300 }, (_, i) => ({ method: 'PATCH', key: account(`many${i}`), body: { name: `M${i}` }, prefer: 'return=minimal' }));
  assert.deepEqual([...new Set((await driver.batch(requests)).map(brief))], ['ok 204']);
  assert.equal((await driver.get('accounts', { query: '$count=true&$top=1' })).body['@odata.count'] >= 300, true);
  const removed = await driver.batch(requests.map(({ key }) => ({ method: 'DELETE', key })));
  assert.deepEqual([...new Set(removed.map(brief))], ['ok 204']);
});

test('pages, by next links as the server gives them', async () => {
  const wanted = Array.from({ length: 17 }, (_, i) => `page ${String(i).padStart(2, '0')}`);
  await driver.batch(wanted.map((number) => ({ method: 'PATCH', key: account(number), body: { name: 'of a page' } })));
  const found = [];
  let answer = await driver.get('accounts', { query: "$select=accountnumber&$orderby=accountnumber&$filter=name%20eq%20'of%20a%20page'", prefer: 'odata.maxpagesize=4' });
  let pages = 1;
  for (; answer.body?.['@odata.nextLink']; pages += 1) {
    found.push(...answer.body.value);
    answer = await driver.get(answer.body['@odata.nextLink']);
  }
  found.push(...answer.body.value);
  assert.deepEqual(found.map((row) => row.accountnumber), wanted);
  assert.ok(pages >= 4);
});

test('a next link that leads elsewhere is not followed', async () => {
  const requests = identity.requests.length;
  const answer = await driver.get(`${identity.url}/jwks`);
  assert.equal(answer.code, 'invalid');
  assert.equal(identity.requests.length, requests);
});

test('error bodies: code and message reach the operator', async () => {
  await driver.patch(account('e1'), { name: 'E' });
  const cases = [
    [await driver.patch(account('e1'), { telephone1: 'x'.repeat(80) }), 'rejected 400', /^ASSERT_DATA_TYPE: Value x+ is not a valid String\(50\)/],
    [await driver.patch(account('e1'), { statecode: 5 }), 'rejected 400', /^ASSERT_RANGE: Enter a value between 0 and 1/],
    [await driver.patch(account('e1'), { statecode: 'a' }), 'rejected 400', /^MULTIPLE_ERRORS: /],
    [await driver.get('nosuchtable'), 'notfound 404', /^404: Invalid resource path/],
    [await driver.get('accounts', { filter: 'name eq' }), 'rejected 400', /^400: /],
    [await driver.send({ method: 'PUT', path: 'WhoAmI()', body: {} }), 'rejected 405', /^405: Method Not Allowed/],
  ];
  for (const [answer, code, message] of cases) {
    assert.equal(brief(answer), code, answer.message);
    assert.match(answer.message, message);
  }
});

test('a token is renewed before the server would refuse it', async () => {
  await driver.tokens();
  const { requests } = await driver.status();
  const refused = cap.refused.length;
  identity.settings.lifeS = 1;
  await driver.refuse();
  const answer = await driver.get('WhoAmI');
  identity.settings.lifeS = 3600;
  assert.equal(brief(answer), 'ok 200');
  await new Promise((resolve) => { setTimeout(resolve, 1500); });
  assert.equal(brief(await driver.get('WhoAmI')), 'ok 200');
  assert.equal((await driver.status()).requests, requests + 2);
  assert.equal(cap.refused.length, refused, 'an expired token was sent');
});

test('the driver ends well, and its log shows no secret and no token', async () => {
  const [{ token }] = await driver.tokens();
  const log = await driver.end();
  assert.ok(!log.includes(SECRET_CLIENT.secret) && !log.includes(token));
});

/* Faults on demand, service protection limits, and the admin API around them. */

import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { eventually, startSimulator } from './helper.mjs';

let sim;
before(async () => { sim = await startSimulator({ args: ['--seed-quotes', '2'] }); });
after(() => sim.dispose());
afterEach(() => sim.admin('DELETE', 'faults'));

const fault = (action, more = {}) => sim.admin('POST', 'faults', { faults: [{ id: 'f', match: { path: '/accounts', ...more.match }, action, count: 1, ...more, match: { path: '/accounts', ...more.match } }] });
const write = (number, name = 'x') => sim.api('PATCH', `accounts(accountnumber='${number}')`, { name });

test('answers a status without executing, as often as told', async () => {
  await fault('status', { status: 429, headers: { 'Retry-After': '7' }, match: { method: 'PATCH', body: 'marked' } });
  assert.equal((await write('9001')).status, 204);
  const refused = await write('9002', 'marked');
  assert.deepEqual([refused.status, refused.headers.get('retry-after'), refused.body.error.code], [429, '7', '0x80072322']);
  assert.equal(await sim.account('9002'), undefined);
  assert.equal((await write('9002', 'marked')).status, 204);
  assert.equal((await sim.admin('GET', 'faults')).faults[0].hits, 1);
});

test('drops before, and drops after the write is kept', async () => {
  await fault('drop_before');
  await assert.rejects(write('9010'));
  assert.equal(await sim.account('9010'), undefined);
  await fault('drop_after');
  await assert.rejects(write('9010'));
  assert.ok(await sim.account('9010'));
});

test('executes a slow write although its client has gone', async () => {
  await fault('slow', { delayMs: 300 });
  await sim.api('GET', 'WhoAmI');
  const gone = fetch(`${sim.base}/api/data/v9.2/accounts(accountnumber='9020')`, {
    method: 'PATCH', body: '{"name":"late"}', signal: AbortSignal.timeout(100), headers: { Authorization: `Bearer ${sim.bearer}`, 'Content-Type': 'application/json' },
  });
  await assert.rejects(gone);
  assert.equal(await sim.account('9020'), undefined);
  assert.equal((await eventually(() => sim.account('9020'))).name, 'late');
});

test('delays the answer only', async () => {
  await fault('slow_after', { delayMs: 250 });
  const start = Date.now();
  const pending = write('9030');
  await eventually(() => sim.account('9030'));
  await pending;
  assert.ok(Date.now() - start >= 240);
});

test('breaks, cuts and never ends a body', async () => {
  await fault('garbage');
  await assert.rejects(sim.api('GET', 'accounts'), SyntaxError);
  await fault('truncate');
  await assert.rejects(sim.api('GET', 'accounts'));
  await fault('huge');
  const answer = await fetch(`${sim.base}/api/data/v9.2/accounts`, { headers: { Authorization: `Bearer ${sim.bearer}` } });
  let size = 0;
  for await (const chunk of answer.body) {
    size += chunk.length;
    if (size > 2 * 1024 * 1024) break;
  }
  assert.ok(size > 2 * 1024 * 1024);
});

test('ends all tokens', async () => {
  await fault('expire_tokens');
  assert.equal((await sim.api('GET', 'accounts')).status, 401);
  assert.equal((await sim.api('GET', 'accounts')).status, 401);
  sim.bearer = undefined;
  assert.equal((await sim.api('GET', 'accounts')).status, 200);
});

test('keeps the service protection limits when they are on', async () => {
  await sim.admin('POST', 'config', { limits: { enabled: true, requests: 3, windowS: 60 } });
  for (let at = 0; at < 3; at += 1) assert.equal((await sim.api('GET', 'WhoAmI')).status, 200);
  const refused = await sim.api('GET', 'WhoAmI');
  assert.deepEqual([refused.status, refused.body.error.code], [429, '0x80072322']);
  const wait = Number(refused.headers.get('retry-after'));
  assert.ok(wait >= 1 && wait <= 61);
  assert.ok(Number((await sim.api('GET', 'WhoAmI')).headers.get('retry-after')) >= wait);
  await sim.admin('POST', 'clock', { offsetMs: 120000 });
  assert.equal((await sim.api('GET', 'WhoAmI')).status, 200);
  await sim.admin('POST', 'clock', {});

  await sim.admin('POST', 'config', { latencyMs: 400, limits: { enabled: true, requests: 6000, concurrent: 2 } });
  const answers = await Promise.all(Array.from({ length: 5 }, () => sim.api('GET', 'WhoAmI')));
  assert.equal(answers.filter((answer) => answer.status === 200).length, 2);
  assert.equal(answers.find((answer) => answer.status === 429).body.error.code, '0x80072326');
  await sim.admin('POST', 'config', { latencyMs: 0, limits: { enabled: true, concurrent: 52, executionMs: 0 } });
  await sim.api('GET', 'WhoAmI');
  assert.equal((await sim.api('GET', 'WhoAmI')).body.error.code, '0x80072321');
  await sim.admin('POST', 'config', { limits: { enabled: false } });
});

test('counts, dumps, and shows the history of a row', async () => {
  await sim.admin('POST', 'stats/reset');
  await write('6005', 'first');
  await write('6005', 'second');
  const stats = await sim.admin('GET', 'stats');
  assert.equal(stats.requests['PATCH /accounts()'][204], 2);
  assert.ok(stats.peakConcurrency >= 1);
  const { versions } = await sim.admin('GET', 'history/accounts?accountnumber=6005');
  assert.deepEqual(versions.slice(-2).map((row) => row.name), ['first', 'second']);
  assert.ok(versions[1].versionnumber < versions[2].versionnumber);
  for (let at = 0; at < 60; at += 1) await write('6006', `n${at}`);
  assert.equal((await sim.admin('GET', 'history/accounts?accountnumber=6006')).versions.length, 50);
  const lines = (await (await fetch(`${sim.base}/__sim/dump/accounts`)).text()).trim().split('\n').map((line) => JSON.parse(line));
  assert.equal(lines.length, (await sim.admin('GET', 'health')).rows.accounts);
});

test('refuses a body over 20 MB', async () => {
  const answer = await sim.api('POST', 'accounts', `{"name":"${'x'.repeat(21 * 1024 * 1024)}"}`).catch(() => ({ status: 413 }));
  assert.equal(answer.status, 413);
});

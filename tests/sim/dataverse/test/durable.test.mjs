/* What survives a kill of the simulator, TLS, and the command line. */

import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import https from 'node:https';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { eventually, startReceiver, startSimulator, temporaryDirectory } from './helper.mjs';

const MAIN = fileURLToPath(new URL('../main.mjs', import.meta.url));

test('a killed simulator comes back with all that it answered', async () => {
  const data = temporaryDirectory();
  let sim = await startSimulator({ data });
  const { deals } = await sim.admin('POST', 'close-deals', { count: 2 });
  const first = await sim.api('GET', 'accounts?$select=name', undefined, { Prefer: 'odata.track-changes' });
  await Promise.all(Array.from({ length: 40 }, (_, at) => sim.api('PATCH', `accounts(accountnumber='A${at}')`, { name: `Näme ${at}` })));
  await sim.api('DELETE', `accounts(${first.body.value[0].accountid})`);
  const before = await sim.admin('GET', 'health');
  const { bearer } = sim;
  await sim.end('SIGKILL');
  // What a kill in the middle of a write leaves behind.
  fs.appendFileSync(path.join(data, 'journal.jsonl'), '{"v":99999,"ops":[["p","acc');

  sim = await startSimulator({ data });
  sim.bearer = bearer;
  assert.deepEqual(await sim.admin('GET', 'health'), before);
  assert.equal((await sim.api('GET', "accounts(accountnumber='A7')")).body.name, 'Näme 7');
  assert.equal((await sim.api('GET', `salesorders(${deals[0].orderId})`)).body.ordernumber, deals[0].orderNumber);
  const delta = first.body['@odata.deltaLink'].replace(/^http:\/\/[^/]+/, sim.base);
  const changes = (await sim.api('GET', delta)).body.value;
  assert.equal(changes.length, 41);
  await sim.end('SIGTERM');
  sim = await startSimulator({ data });
  assert.equal((await sim.admin('GET', 'health')).rows.accounts, before.rows.accounts);
  await sim.dispose();
});

test('a pending webhook is sent once after a restart', async () => {
  const data = temporaryDirectory();
  const receiver = await startReceiver();
  let sim = await startSimulator({ data });
  await sim.admin('POST', 'webhooks', { url: receiver.url });
  await sim.admin('POST', 'webhook-faults', { delayMs: 60000 });
  const { deals } = await sim.admin('POST', 'close-deals', { count: 1 });
  await sim.end('SIGKILL');
  assert.equal(receiver.calls.length, 0);
  sim = await startSimulator({ data });
  await eventually(() => receiver.calls.length === 1);
  assert.equal(receiver.calls[0].body.PrimaryEntityId, deals[0].quoteId);
  await eventually(async () => (await sim.admin('GET', 'webhook-jobs')).counts.pending === 0);
  await sim.end('SIGTERM');
  sim = await startSimulator({ data });
  await new Promise((resolve) => { setTimeout(resolve, 200); });
  assert.equal(receiver.calls.length, 1);
  receiver.close();
  await sim.dispose();
});

test('speaks TLS with the given certificate, and ends on SIGTERM', async () => {
  const data = temporaryDirectory();
  const [key, cert] = ['key.pem', 'cert.pem'].map((name) => path.join(data, name));
  execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', cert, '-days', '2', '-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1'], { stdio: 'ignore' });
  const child = spawn(process.execPath, [MAIN, '--data', path.join(data, 'd'), '--cert', cert, '--key', key, '--port', '0'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const line = await new Promise((resolve) => { child.stdout.once('data', (text) => resolve(String(text))); });
  const [, url] = /^dataverse-sim listening on (https:\/\/127\.0\.0\.1:\d+)\n$/.exec(line);
  const status = await new Promise((resolve, reject) => {
    https.get(`${url}/__sim/health`, { ca: fs.readFileSync(cert) }, (response) => {
      response.resume();
      resolve(response.statusCode);
    }).on('error', reject);
  });
  assert.equal(status, 200);
  const code = await new Promise((resolve) => {
    child.once('exit', resolve);
    child.kill('SIGTERM');
  });
  assert.equal(code, 0);
  fs.rmSync(data, { recursive: true });
});

test('explains a wrong command line', () => {
  const { status, stderr } = spawnSync(process.execPath, [MAIN, '--nope', 'x'], { encoding: 'utf8' });
  assert.equal(status, 2);
  assert.match(stderr, /unknown option --nope/);
});

/* What survives a kill of the simulator, TLS, the command line, and ten thousand customers. */

import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import https from 'node:https';
import path from 'node:path';
import { test } from 'node:test';
import { MAIN, startSimulator, temporaryDirectory, when } from './helper.mjs';

const dump = async (sim, table) => (await fetch(`${sim.base}/__sim/dump/${table}`)).text();

test('a killed simulator comes back with all that it answered', async () => {
  const data = temporaryDirectory();
  let sim = await startSimulator({ data });
  const made = await Promise.all(Array.from({ length: 30 }, (_, at) => sim.order({ Reference: `K${at}` })));
  await sim.admin('POST', 'rows/F0101', { AN8: 6002, ALPH: 'Kept', UPMT: 5, UPMJ: 126100 });
  await sim.admin('POST', 'rows/F0101', { rows: [{ AN8: 6003, ALPH: 'Late' }], delayMs: 60 });
  await sim.admin('POST', 'touch', { table: 'F03012', fields: { ACL: 77 } });
  const before = await Promise.all(['F0101', 'F03012', 'F4201', 'F4211'].map((table) => dump(sim, table)));
  const { token } = sim;
  await sim.end('SIGKILL');
  // What a kill in the middle of a write leaves behind.
  fs.appendFileSync(path.join(data, 'journal.jsonl'), '{"w":1,"ops":[["F0101",{"AN8":60');

  sim = await startSimulator({ data });
  assert.deepEqual(await Promise.all(['F0101', 'F03012', 'F4201', 'F4211'].map((table) => dump(sim, table))), before);
  assert.equal((await sim.admin('GET', 'orders?reference=K7')).orders[0].DOCO, made[7].body.DOCO);
  sim.token = token;
  assert.equal((await sim.browse('F0101')).status, 444);
  sim.token = undefined;
  assert.equal((await sim.order()).body.DOCO, Math.max(...made.map(({ body }) => body.DOCO)) + 1);
  assert.deepEqual(await sim.end('SIGTERM'), { code: 0, by: null });
  sim = await startSimulator({ data });
  assert.equal((await sim.admin('GET', 'orders')).count, 31);
  await sim.dispose();
});

test('the same seed gives the same rows', async () => {
  const sims = await Promise.all(['1', '1', '2'].map((seed) => startSimulator({ args: ['--seed', seed] })));
  const [a, b, c] = await Promise.all(sims.map(async (sim) => (await dump(sim, 'F0101')) + (await dump(sim, 'F4106'))));
  assert.equal(a, b);
  assert.notEqual(a, c);
  await Promise.all(sims.map((sim) => sim.dispose()));
});

test('ten thousand customers: read by pages, renamed, read again', async () => {
  const sim = await startSimulator({ args: ['--seed-customers', '10000', '--max-rows-per-request', '500'] });
  const stamp = await sim.admin('POST', 'touch', { table: 'F0101', from: 6001, to: 16000, fields: { ALPH: 'Renamed {key}' }, sameStamp: true });
  const query = { condition: [when('F0101.AT1', 'EQUAL', 'C'), when('F0101.UPMT', 'EQUAL', stamp.first.UPMT)] };
  let page = await sim.browse('F0101', {
    query, maxPageSize: '500', enableNextPageProcessing: true, returnControlIDs: 'F0101.AN8|F0101.ALPH',
    aggregation: { orderBy: [{ column: 'F0101.UPMJ', direction: 'ASC' }, { column: 'F0101.UPMT', direction: 'ASC' }, { column: 'F0101.AN8', direction: 'ASC' }] },
  });
  let count = 0;
  for (;;) {
    for (const row of page.rows) assert.equal(row.F0101_ALPH.trimEnd(), `Renamed ${row.F0101_AN8}`);
    count += page.rows.length;
    if (!page.link) break;
    page = await sim.next(page.link);
  }
  assert.equal(count, 10000);
  for (let at = 0; at < 20; at += 1) await Promise.all(Array.from({ length: 50 }, (_, place) => sim.order({ Reference: `R${at * 50 + place}` })));
  assert.equal((await sim.admin('GET', 'orders')).count, 1000);
  await sim.dispose();
});

test('TLS with a given certificate', async () => {
  const data = temporaryDirectory();
  const [cert, key] = [path.join(data, 'cert.pem'), path.join(data, 'key.pem')];
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', key, '-out', cert, '-days', '2',
    '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'], { stdio: 'ignore' });
  const args = ['--data', data, '--cert', cert, '--key', key, '--port-file', path.join(data, 'port')];
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  await new Promise((resolve) => { child.stdout.once('data', resolve); });
  const port = Number(fs.readFileSync(path.join(data, 'port'), 'utf8'));
  const status = await new Promise((resolve, reject) => {
    https.get({ host: '127.0.0.1', port, path: '/jderest/defaultconfig', ca: fs.readFileSync(cert), agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode);
    }).on('error', reject);
  });
  assert.equal(status, 200);
  child.kill('SIGKILL');
  await new Promise((resolve) => { child.once('exit', resolve); });
  fs.rmSync(data, { recursive: true, force: true });
});

test('the command line is checked', () => {
  const run = (...args) => spawnSync(process.execPath, [MAIN, ...args], { encoding: 'utf8' });
  for (const [args, reason] of [
    [[], /--data/], [['--data', '/x'], /--cert/], [['--data', '/x', '--http', '--port', 'a'], /--port/], [['--data', '/x', '--http', '--nope', '1'], /--nope/],
    [['--data', '/x', '--http', '--host', '0.0.0.0'], /loopback/], [['--data', '/x', '--http', '--time-zone', 'Moon/Base'], /Moon/],
    [['--data', '/x', '--http', '--date-format', 'dd/MM'], /date-format/],
  ]) {
    const { status, stderr } = run(...args);
    assert.equal(status, 2);
    assert.match(stderr, reason);
  }
});

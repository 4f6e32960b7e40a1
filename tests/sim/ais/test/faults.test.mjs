/* Each kind of fault, and which requests a rule hits. Those of pages are in paging.test.mjs. */

import assert from 'node:assert/strict';
import http from 'node:http';
import { after, afterEach, before, test } from 'node:test';
import { startSimulator } from './helper.mjs';

let sim;
before(async () => { sim = await startSimulator(); });
after(() => sim.dispose());
afterEach(() => sim.admin('DELETE', 'faults'));

const orders = async (reference) => (await sim.admin('GET', `orders?reference=${reference}`)).count;
const read = () => sim.browse('F0101', { maxPageSize: 5 });

test('status: nothing is done; status_after: it is done', async () => {
  await sim.faults({ kind: 'status', code: 503, match: { path: 'ML_CreateSalesOrder', method: 'post' }, headers: { 'Retry-After': '1' } });
  const answer = await sim.order({ Reference: 'S1' });
  assert.deepEqual([answer.status, await orders('S1')], [503, 0]);
  assert.ok(answer.body.message && answer.body.timeStamp);
  assert.equal((await read()).status, 200);
  await sim.faults({ kind: 'status_after', code: 500 });
  assert.equal((await sim.order({ Reference: 'S2' })).status, 500);
  assert.equal(await orders('S2'), 1);
});

test('drop_before and drop_after', async () => {
  await read();
  await sim.faults({ kind: 'drop_before', count: 1 });
  await assert.rejects(sim.order({ Reference: 'D1' }));
  assert.equal(await orders('D1'), 0);
  await sim.faults({ kind: 'drop_after', count: 1 });
  await assert.rejects(sim.order({ Reference: 'D2' }));
  assert.equal(await orders('D2'), 1);
});

test('slow and slow_after are executed although the client has gone', async () => {
  await read();
  for (const kind of ['slow', 'slow_after']) {
    await sim.faults({ kind, ms: 150, count: 1 });
    await assert.rejects(fetch(`${sim.base}/jderest/v3/orchestrator/ML_CreateSalesOrder`, {
      method: 'POST', signal: AbortSignal.timeout(50), headers: { 'Content-Type': 'application/json', 'jde-AIS-Auth': sim.token, 'jde-AIS-Auth-Device': 'test' },
      body: JSON.stringify({ Reference: kind, SoldTo: 6001, Lines: [{ ItemNumber: 'ITEM-00001', Quantity: 1 }] }),
    }));
    while ((await orders(kind)) === 0);
  }
});

test('garbage, truncate and huge', async () => {
  await sim.faults({ kind: 'garbage', count: 1 });
  const broken = await read();
  assert.equal(broken.status, 200);
  assert.throws(() => JSON.parse(broken.text));
  await sim.faults({ kind: 'truncate', count: 1 });
  await assert.rejects(read());
  await sim.faults({ kind: 'huge', count: 1 });
  const received = await new Promise((resolve, reject) => {
    http.get(`${sim.base}/jderest/defaultconfig`, (response) => {
      let size = 0;
      response.on('error', () => {});
      response.on('data', (chunk) => {
        size += chunk.length;
        if (size < 4000000) return;
        response.destroy();
        resolve(size);
      });
    }).on('error', reject);
  });
  assert.ok(received >= 4000000);
});

test('expire_tokens ends every session', async () => {
  await read();
  await sim.faults({ kind: 'expire_tokens', count: 1 });
  assert.equal((await read()).status, 444);
  assert.equal((await read()).status, 444);
  sim.token = undefined;
  assert.equal((await read()).status, 200);
});

test('count, skip, body and probability choose; a seed repeats', async () => {
  const statuses = async (times) => {
    const list = [];
    for (let at = 0; at < times; at += 1) list.push((await read()).status);
    return list;
  };
  await sim.faults({ kind: 'status', code: 500, skip: 1, count: 2 });
  assert.deepEqual(await statuses(4), [200, 500, 500, 200]);
  assert.equal((await sim.admin('GET', 'faults')).faults[0].hits, 2);
  await sim.faults({ kind: 'status', code: 500, match: { body: '"F0111"' } });
  assert.equal((await read()).status, 200);
  assert.equal((await sim.browse('F0111')).status, 500);
  const rule = { kind: 'status', code: 500, probability: 0.5, seed: 7 };
  await sim.faults(rule);
  const once = await statuses(12);
  await sim.faults(rule);
  assert.deepEqual(await statuses(12), once);
  assert.ok(once.includes(200) && once.includes(500));
});

test('rules can be added; wrong ones are refused', async () => {
  await sim.admin('POST', 'faults', { kind: 'slow', ms: 1, match: { path: 'nowhere' } });
  const { faults } = await sim.admin('POST', 'faults', { add: [{ kind: 'status', code: 429 }] });
  assert.deepEqual(faults.map((fault) => fault.kind), ['slow', 'status']);
  assert.equal((await read()).status, 429);
  await assert.rejects(sim.faults({ kind: 'explode' }));
  await assert.rejects(sim.faults({ kind: 'slow', delay: 5 }));
});

test('a body over 20 MB is refused', async () => {
  const answer = await sim.api('POST', 'v2/dataservice', `{"x":"${'x'.repeat(21 * 1024 * 1024)}"}`).catch(() => ({ status: 413 }));
  assert.equal(answer.status, 413);
});

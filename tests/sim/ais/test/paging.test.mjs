/* Pages: links, the fixed result set, its time-out, the server's own limit. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startSimulator } from './helper.mjs';

let sim;
before(async () => { sim = await startSimulator({ args: ['--seed-customers', '45', '--seed-suppliers', '0', '--max-rows-per-request', '20'] }); });
after(() => sim.dispose());

const first = (more) => sim.browse('F0101', { maxPageSize: '10', enableNextPageProcessing: true, returnControlIDs: 'F0101.AN8|F0101.ALPH', ...more });
const numbers = (page) => page.rows.map((row) => row.F0101_AN8);

function assertLost(page) {
  assert.equal(page.status, 500);
  assert.match(page.body.sysErrors[0].TITLE, /^JAS_MSG347/);
}

test('all rows come once, by POST and by GET', async () => {
  for (const method of ['POST', 'GET']) {
    let page = await first();
    const seen = numbers(page);
    while (page.link) {
      page = await sim.next(page.link, method);
      assert.equal(page.status, 200, page.text);
      seen.push(...numbers(page));
    }
    assert.equal(page.more, false);
    assert.deepEqual(seen, Array.from({ length: 45 }, (_, at) => 6001 + at));
  }
  assert.equal((await sim.admin('GET', 'stats')).resultSets, 0);
});

test('the link carries the token; a wrong one is 444', async () => {
  const { link } = await first();
  const plain = await sim.call('GET', link, undefined, {});
  assert.equal(plain.status, 200);
  const other = plain.body.links[0].href.replace(/token=[^&]+/, 'token=wrong');
  assert.equal((await sim.call('GET', other, undefined, {})).status, 444);
});

test('the set is fixed by the first request', async () => {
  const page = await first();
  await sim.admin('POST', 'rows/F0101', [{ AN8: 6011, ALPH: 'changed' }, { AN8: 6100, ALPH: 'new', AT1: 'C' }]);
  let next = await sim.next(page.link);
  assert.notEqual(next.rows[0].F0101_ALPH.trim(), 'changed');
  const seen = [];
  for (; next.link; next = await sim.next(next.link)) seen.push(...numbers(next));
  assert.ok(![...seen, ...numbers(next)].includes(6100));
});

test('a link that was used, an unknown one and a timed-out one find nothing', async () => {
  const page = await first();
  assert.equal((await sim.next(page.link)).status, 200);
  assertLost(await sim.next(page.link));
  assertLost(await sim.next(page.link.replace(/rid=\w+/, 'rid=1')));
  await sim.admin('POST', 'config', { resultSetTimeoutMs: 1 });
  const old = await first();
  await new Promise((resolve) => { setTimeout(resolve, 20); });
  assertLost(await sim.next(old.link));
  await sim.admin('POST', 'config', { resultSetTimeoutMs: 60000 });
});

test("the server's own limit cuts pages; without next page processing there is no link", async () => {
  const page = await first({ maxPageSize: '500' });
  assert.equal(page.rows.length, 20);
  assert.equal(page.more, true);
  assert.ok(page.link);
  const single = await first({ maxPageSize: 'No Max', enableNextPageProcessing: false });
  assert.deepEqual([single.rows.length, single.more, single.link], [20, true, undefined]);
});

test('faults: a short page, a dropped set, ended tokens', async () => {
  await sim.faults({ kind: 'partial_page', match: { path: '/dataservice$' }, count: 1 });
  let page = await first();
  assert.deepEqual([page.rows.length, page.more], [5, true]);
  page = await sim.next(page.link);
  assert.deepEqual([page.rows.length, page.rows[0].F0101_AN8], [10, 6006]);
  await sim.faults({ kind: 'expire_next', match: { path: '/next' }, count: 1 });
  assertLost(await sim.next(page.link));
  await sim.faults({ kind: 'expire_next', match: { path: '/dataservice$' }, count: 1 });
  assertLost(await sim.next((await first()).link));
  page = await first();
  await sim.faults({ kind: 'expire_tokens', match: { path: '/next' }, count: 1 });
  assert.equal((await sim.next(page.link)).status, 444);
  sim.token = undefined;
  assertLost(await sim.next(page.link.replace(/token=[^&]+/, `token=${encodeURIComponent((await sim.logIn()).body.userInfo.token)}`)));
});

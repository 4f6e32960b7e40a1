/* Admin commands: rows, mass changes, clock, dumps, counters. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startSimulator, when } from './helper.mjs';

let sim;
before(async () => { sim = await startSimulator({ args: ['--seed-customers', '1200', '--seed-suppliers', '5'] }); });
after(() => sim.dispose());

const row = async (number) => (await sim.admin('GET', `rows/F0101?AN8=${number}`)).rows[0];

test('rows are merged, made, and stamped unless they carry a stamp', async () => {
  const before = await row(6001);
  const { stamp } = await sim.admin('POST', 'rows/F0101', [{ AN8: 6001, TAX: 'T-1' }, { AN8: 9000, ALPH: 'Made', AT1: 'C' }]);
  const after = await row(6001);
  assert.deepEqual([after.TAX, after.ALPH, after.UPMJ, after.UPMT], ['T-1', before.ALPH, stamp.UPMJ, stamp.UPMT]);
  assert.equal((await row(9000)).ALPH, 'Made');
  await sim.admin('POST', 'rows/F0101', { AN8: 6001, UPMJ: 126001, UPMT: 1 });
  assert.deepEqual([(await row(6001)).UPMJ, (await row(6001)).UPMT], [126001, 1]);
  assert.ok((await sim.admin('POST', 'rows/F4101', { ITM: 60001, DSC2: 'x' })).stamp.TDAY !== undefined);
  await assert.rejects(sim.admin('POST', 'rows/F0101', { AN8: 1, NOPE: 1 }), /NOPE/);
  await assert.rejects(sim.admin('POST', 'rows/F0101', { ALPH: 'x' }), /AN8/);
  await assert.rejects(sim.admin('POST', 'rows/F0101', { AN8: 1, ALPH: 'x'.repeat(41) }), /40/);
});

test('touch changes many rows under one stamp', async () => {
  await sim.admin('POST', 'clock', { set: '2026-07-01T18:00:00Z' });
  const result = await sim.admin('POST', 'touch', { table: 'F0101', from: 6001, to: 7100, fields: { ALPH: 'Name {n} of {key}' }, sameStamp: true });
  assert.equal(result.count, 1100);
  assert.deepEqual(result.first, { UPMJ: 126182, UPMT: 120000 });
  const changed = (await sim.admin('GET', 'rows/F0101?UPMJ=126182')).rows;
  assert.equal(changed.length, 1100);
  assert.ok(changed.every((item) => item.UPMT === 120000));
  assert.equal(changed[9].ALPH, 'Name 10 of 6010');
  assert.equal((await sim.admin('POST', 'touch', { table: 'F0101', keys: [6001, '6003'] })).count, 2);
  assert.equal((await sim.admin('POST', 'touch', { table: 'F03012', from: 6001, count: 7, fields: { ACL: 5 } })).count, 7);
  assert.equal((await sim.admin('GET', 'rows/F03012?ACL=5')).rows.length, 7);
  await assert.rejects(sim.admin('POST', 'touch', { table: 'F0101', keys: [1] }));
  const spread = await sim.admin('POST', 'touch', { table: 'F0101', spreadMs: 1500 });
  assert.ok(spread.last.UPMT > spread.first.UPMT);
  await sim.admin('POST', 'clock', {});
});

test("stamps follow the server's zone, through the hour that comes twice", async () => {
  const stampAt = async (set) => (await sim.admin('POST', 'clock', { set })).stamp;
  assert.deepEqual(await stampAt('2026-11-01T07:30:00Z'), { date: 126305, time: 13000 });
  assert.deepEqual(await stampAt('2026-11-01T08:30:00Z'), { date: 126305, time: 13000 });
  assert.deepEqual(await stampAt('2026-01-01T06:59:59Z'), { date: 125365, time: 235959 });
  await assert.rejects(sim.admin('POST', 'clock', { set: 'tomorrow' }));
  await sim.admin('POST', 'clock', {});
});

test('late rows are invisible to the service until they are due', async () => {
  const { stamp } = await sim.admin('POST', 'rows/F0101', { rows: [{ AN8: 6050, TAX: 'LATE' }], delayMs: 300 });
  const read = async () => (await sim.browse('F0101', { query: { condition: [when('F0101.AN8', 'EQUAL', '6050')] } })).rows[0];
  assert.notEqual((await read()).F0101_TAX.trim(), 'LATE');
  assert.equal((await row(6050)).TAX, 'LATE');
  while ((await read()).F0101_TAX.trim() !== 'LATE');
  assert.equal((await read()).F0101_UPMT, stamp.UPMT);
});

test('dump, stats, config and unknown commands', async () => {
  const lines = (await (await fetch(`${sim.base}/__sim/dump/F0101`)).text()).trim().split('\n').map((text) => JSON.parse(text));
  assert.equal(lines.length, (await sim.admin('GET', 'health')).rows.F0101);
  assert.equal(lines[0].AN8, 6001);
  await sim.admin('POST', 'stats/reset');
  await sim.browse('F0101', { maxPageSize: 1 });
  await sim.browse('F0101', { maxPageSize: 'x' });
  const stats = await sim.admin('GET', 'stats');
  assert.deepEqual(stats.requests['POST /v2/dataservice'], { 200: 1, 400: 1 });
  assert.equal(stats.tables.F0101, 2);
  assert.equal((await sim.admin('POST', 'config', { latencyMs: 0 })).maxRowsPerRequest, 1000);
  await assert.rejects(sim.admin('POST', 'config', { latencyMs: '0' }));
  await assert.rejects(sim.admin('POST', 'config', { nope: 1 }));
  await assert.rejects(sim.admin('GET', 'nope'));
  await assert.rejects(sim.admin('GET', 'dump/F9999'));
});

test('rows that are removed are gone for the service, and come back when they are written again', async () => {
  assert.deepEqual(await sim.admin('POST', 'remove', { table: 'F0101', keys: [6007, 6009] }), { count: 2 });
  const numbers = async () => (await sim.browse('F0101', {
    query: { condition: [when('F0101.AN8', 'BETWEEN', '6006', '6010')] },
  })).rows.map((item) => item.F0101_AN8);
  assert.deepEqual(await numbers(), [6006, 6008, 6010]);
  assert.equal(await row(6007), undefined);
  await sim.admin('POST', 'rows/F0101', { AN8: 6007, ALPH: 'Again', AT1: 'C' });
  assert.equal((await row(6007)).ALPH, 'Again');
  await assert.rejects(sim.admin('POST', 'remove', { table: 'F0101', keys: [6009] }), /does not have/);
});

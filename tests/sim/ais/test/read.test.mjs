/* The data service: conditions, order, columns, counts, aggregation, the simple form. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startSimulator, when } from './helper.mjs';

let sim;
before(async () => {
  sim = await startSimulator({ args: ['--seed-customers', '60', '--seed-suppliers', '10', '--seed-items', '5'] });
  await sim.admin('POST', 'rows/F0101', [
    { AN8: 9001, ALPH: 'Zebra one', AT1: 'X', MCU: '30', TAX: '', UPMJ: '2026-03-05', UPMT: 90501 },
    { AN8: 9002, ALPH: 'Zebra two', AT1: 'X', MCU: '30', TAX: 'T2', UPMJ: '2026-03-05', UPMT: 100000 },
    { AN8: 9003, ALPH: 'Yak', AT1: 'X', MCU: '300', TAX: 'T3', UPMJ: '2026-03-06', UPMT: 0 },
    { AN8: 9004, ALPH: 'Ox', AT1: 'X', MCU: '1', TAX: 'T4', UPMJ: 0, UPMT: 0 },
  ]);
});
after(() => sim.dispose());

const X = when('F0101.AT1', 'EQUAL', 'X');

async function keys(query, more) {
  const page = await sim.browse('F0101', { query: { autoFind: true, ...query }, returnControlIDs: 'F0101.AN8', ...more });
  assert.equal(page.status, 200, page.text);
  return page.rows.map((row) => row.F0101_AN8 - 9000);
}
const inX = (...condition) => keys({ matchType: 'MATCH_ALL', condition: [X, ...condition] });

test('rows are padded, dated by the user format, and named by table and column', async () => {
  const { body, grid, rows } = await sim.browse('F0101', { query: { condition: [when('F0101.AN8', 'EQUAL', '9001')] } });
  assert.equal(rows.length, 1);
  assert.equal(rows[0].F0101_ALPH, 'Zebra one'.padEnd(40));
  assert.equal(rows[0].F0101_MCU, '          30');
  assert.equal(rows[0].F0101_UPMJ, '05/03/2026');
  assert.equal(rows[0].F0101_UPMT, 90501);
  assert.equal(grid.columns.F0101_AN8, 'Address Number');
  assert.deepEqual(grid.summary, { records: 1, moreRecords: false });
  assert.equal(body.currentApp, 'DATABROWSE_F0101');
  assert.deepEqual([body.links, body.sysErrors], [[], []]);
  assert.equal((await sim.browse('F0101', { query: { condition: [when('F0101.AN8', 'EQUAL', 9004)] } })).rows[0].F0101_UPMJ, null);
});

test('each operator', async () => {
  const day = '05/03/2026';
  assert.deepEqual(await inX(when('F0101.UPMJ', 'EQUAL', day)), [1, 2]);
  assert.deepEqual(await inX(when('F0101.UPMJ', 'NOT_EQUAL', day)), [3, 4]);
  assert.deepEqual(await inX(when('F0101.UPMJ', 'GREATER', day)), [3]);
  assert.deepEqual(await inX(when('F0101.UPMJ', 'GREATER_EQUAL', day)), [1, 2, 3]);
  assert.deepEqual(await inX(when('F0101.UPMJ', 'LESS', day)), [4]);
  assert.deepEqual(await inX(when('F0101.UPMJ', 'LESS_EQUAL', day)), [1, 2, 4]);
  assert.deepEqual(await inX(when('F0101.UPMT', 'BETWEEN', '1', '90501')), [1]);
  assert.deepEqual(await inX(when('F0101.AN8', 'LIST', '9002', '9004', '1')), [2, 4]);
  assert.deepEqual(await inX(when('F0101.ALPH', 'STR_START_WITH', 'Zebra')), [1, 2]);
  assert.deepEqual(await inX(when('F0101.ALPH', 'STR_CONTAIN', 'ra t')), [2]);
  assert.deepEqual(await inX(when('F0101.ALPH', 'STR_END_WITH', 'one')), [1]);
  assert.deepEqual(await inX(when('F0101.TAX', 'STR_BLANK')), [1]);
  assert.deepEqual(await inX(when('F0101.TAX', 'STR_NOT_BLANK')), [2, 3, 4]);
  assert.deepEqual(await inX(when('F0101.MCU', 'EQUAL', '30')), [1, 2]);
  assert.deepEqual(await inX(when('F0101.ALPH', 'EQUAL', 'Ox   ')), [4]);
});

test('groups: (UPMJ > d) OR (UPMJ = d AND UPMT >= t), alone and below a condition', async () => {
  const later = { query: { condition: [when('F0101.UPMJ', 'GREATER', '05/03/2026')] }, andOr: 'AND' };
  const same = { andOr: 'OR', query: { condition: [when('F0101.UPMJ', 'EQUAL', '05/03/2026'), when('F0101.UPMT', 'GREATER_EQUAL', '100000')] } };
  assert.deepEqual(await keys({ condition: [X], complexQuery: [{ andOr: 'AND', query: { complexQuery: [later, same] } }] }), [2, 3]);
  assert.deepEqual((await keys({ complexQuery: [later, same] })).filter((key) => key > 0 && key < 100), [2, 3]);
  const mixed = await sim.browse('F0101', { query: { condition: [X], complexQuery: [later, same] } });
  assert.equal(mixed.status, 400);
  assert.deepEqual(await keys({ matchType: 'MATCH_ANY', condition: [when('F0101.AN8', 'EQUAL', '9001'), when('F0101.AN8', 'EQUAL', '9003')] }), [1, 3]);
});

test('order, by several columns', async () => {
  const orderBy = [{ column: 'F0101.UPMJ', direction: 'DESC' }, { column: 'F0101.UPMT', direction: 'ASC' }];
  assert.deepEqual(await keys({ condition: [X] }, { aggregation: { orderBy } }), [3, 1, 2, 4]);
  assert.deepEqual(await keys({ condition: [X] }, { aggregation: { orderBy: [{ column: 'F0101.AN8', direction: 'DESC' }] } }), [4, 3, 2, 1]);
});

test('what is wrong in a request is said', async () => {
  const status = async (more, table = 'F0101') => (await sim.browse(table, more)).status;
  assert.equal(await status({}, 'F9999'), 500);
  assert.equal(await status({ returnControlIDs: 'F0101.NOPE' }), 400);
  assert.equal(await status({ maxPageSize: 'many' }), 400);
  assert.equal(await status({ dataServiceType: 'DELETE' }), 400);
  assert.equal(await status({ targetType: 'view' }), 400);
  for (const condition of [
    when('F0111.AN8', 'EQUAL', '1'), when('F0101.AN8', 'LIKE', '1'), when('F0101.AN8', 'EQUAL', 'x'), when('F0101.UPMJ', 'EQUAL', '2026-03-05'),
    when('F0101.UPMJ', 'EQUAL', '31/02/2026'), when('F0101.AN8', 'EQUAL'), when('F0101.AN8', 'STR_BLANK'), when('F0101.UPMT', 'BETWEEN', '1'),
  ]) assert.equal(await status({ query: { condition: [condition] } }), 400, JSON.stringify(condition));
  assert.deepEqual((await sim.browse('F0101', { findOnEntry: 'FALSE' })).rows, []);
});

test('COUNT and AGGREGATION', async () => {
  const base = { targetName: 'F0101', targetType: 'table', findOnEntry: 'TRUE' };
  const count = await sim.api('POST', 'v2/dataservice', { ...base, dataServiceType: 'COUNT', query: { condition: [when('F0101.AT1', 'EQUAL', 'V')] } });
  assert.equal(count.body.ds_F0101.count, 10);
  const aggregation = {
    aggregations: [{ aggregation: 'COUNT', column: 'F0101.AN8' }, { aggregation: 'MAX', column: 'F0101.AN8' }], groupBy: [{ column: 'F0101.AT1' }],
    orderBy: [{ column: 'F0101.AT1', direction: 'DESC' }],
  };
  const groups = (await sim.api('POST', 'v2/dataservice', { ...base, dataServiceType: 'AGGREGATION', aggregation })).body.ds_F0101.output;
  assert.deepEqual(groups.map((group) => group.groupBy['F0101.AT1']), ['X', 'V', 'C']);
  assert.deepEqual([groups[2]['F0101.AN8_COUNT'], groups[2]['F0101.AN8_MAX']], [60, 6060]);
});

test('the simple form', async () => {
  const parameters = new URLSearchParams([
    ['$filter', 'F0101.AT1 EQ X'], ['$filter', 'AN8 GT 9001'], ['$sort', 'F0101.AN8 DESC'], ['$limit', '2'], ['$field', 'AN8'],
  ]);
  const { status, body } = await sim.api('GET', `v2/dataservice/table/F0101?${parameters}`);
  assert.equal(status, 200);
  const grid = body.fs_DATABROWSE_F0101.data.gridData;
  assert.deepEqual(grid.rowset, [{ F0101_AN8: 9004 }, { F0101_AN8: 9003 }]);
  assert.equal(grid.summary.moreRecords, true);
  assert.equal((await sim.api('GET', 'v2/dataservice/table/F0101?$filter=AN8')).status, 400);
});

test('dates can be sent in other forms, texts without padding', async () => {
  const read = async () => (await sim.browse('F0101', { query: { condition: [when('F0101.AN8', 'EQUAL', '9001')] } })).rows[0];
  await sim.admin('POST', 'config', { dateOutput: 'julian', padStrings: false });
  assert.equal((await read()).F0101_UPMJ, 126064);
  assert.equal((await read()).F0101_ALPH, 'Zebra one');
  await sim.admin('POST', 'config', { dateOutput: 'iso' });
  assert.equal((await read()).F0101_UPMJ, '2026-03-05');
  await sim.admin('POST', 'config', { dateOutput: 'yyyyMMdd' });
  assert.equal((await read()).F0101_UPMJ, '20260305');
  await assert.rejects(sim.admin('POST', 'config', { dateOutput: 'other' }));
  await sim.admin('POST', 'config', { dateOutput: 'user', padStrings: true });
});

test('every table has the seeded rows', async () => {
  const { rows } = await sim.admin('GET', 'health');
  assert.equal(rows.F0101, 74);
  for (const table of ['F0111', 'F0115', 'F01151', 'F0116']) assert.equal(rows[table], 70, table);
  assert.deepEqual([rows.F03012, rows.F0401, rows.F4101, rows.F4106, rows.F4301, rows.F4311, rows.F0911], [60, 10, 5, 5, 5, 5, 20]);
  const customer = (await sim.browse('F03012', { query: { condition: [when('F03012.AN8', 'EQUAL', '6025')] } })).rows[0];
  assert.equal(customer.F03012_CO, '00000');
  assert.equal(customer.F03012_HOLD, 'C1');
  assert.equal((await sim.browse('F4101', { query: { condition: [when('F4101.LITM', 'EQUAL', 'ITEM-00003')] } })).rows.length, 1);
});

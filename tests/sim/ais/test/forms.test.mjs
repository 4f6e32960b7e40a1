/* Order entry through the form service and through a stack of forms. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startSimulator } from './helper.mjs';

let sim;
before(async () => { sim = await startSimulator(); });
after(() => sim.dispose());

const set = (controlID, value) => ({ command: 'SetControlValue', controlID, value });
const press = (controlID) => ({ command: 'DoAction', controlID });
const cell = (columnID, value) => ({ command: 'SetGridCellValue', columnID, value });
const line = (item, quantity) => ({
  gridAction: {
    gridID: '1',
    gridRowInsertEvents: [{ gridColumnEvents: [cell('31', item), cell('32', quantity)] }],
  },
});
const form = (formActions, more) => sim.api('POST', 'v2/formservice', {
  formName: 'P4210_W4210A', version: 'ZJDE0001', formServiceAction: 'C', formActions, ...more,
});

test('an order is made, its number is in the answer', async () => {
  const { status, body } = await form([set('15', '6001'), set('20', 'FORM-1'), set('18', '23/11/2026'), line('ITEM-00001', '4'), press('4')]);
  assert.equal(status, 200);
  const shown = body.fs_P4210_W4210A;
  assert.deepEqual(shown.errors, []);
  const { orders } = await sim.admin('GET', 'orders?reference=FORM-1');
  assert.equal(shown.data.z_DOCO_7.internalValue, orders[0].DOCO);
  assert.deepEqual([orders[0].TRDJ, orders[0].lines[0].UORG], [126327, 4]);
});

test('an application error is a 200 with errors, and no order', async () => {
  const { status, body } = await form([set('15', '1'), set('20', 'FORM-2'), line('ITEM-00001', '0'), press('4')]);
  assert.equal(status, 200);
  const { errors, data } = body.fs_P4210_W4210A;
  assert.deepEqual(errors.map((error) => error.ERRORCONTROL), ['15', '32']);
  assert.ok(errors[0].CODE && errors[0].TITLE && errors[0].DESC && errors[0].MOBILE);
  assert.equal(data.z_DOCO_7.value, '');
  assert.equal((await sim.admin('GET', 'orders?reference=FORM-2')).count, 0);
});

test('unknown forms, controls and commands are refused', async () => {
  assert.equal((await form([], { formName: 'P0101_W0101A' })).status, 500);
  assert.equal((await form([set('99', 'x')])).status, 400);
  assert.equal((await form([{ command: 'Shout' }])).status, 400);
  assert.equal((await form([press('9')])).status, 400);
});

test('a stack keeps what was entered between calls', async () => {
  const stack = (body) => sim.api('POST', 'v2/appstack', body);
  const open = (await stack({ action: 'open', formRequest: { formName: 'P4210_W4210A', formActions: [set('15', '6002'), set('20', 'STACK')] } })).body;
  const id = ({ stackId, stateId, rid }) => ({ stackId, stateId, rid });
  const execute = (state, formActions) => stack({ action: 'execute', ...id(state), actionRequest: { formOID: 'W4210A', formActions } });
  const wrong = (await execute(open, [line('NONE', '1'), press('4')])).body;
  assert.equal(wrong.fs_P4210_W4210A.errors.length, 1);
  assert.equal((await execute(open, [press('4')])).status, 500);
  const repair = { gridAction: { gridID: '1', gridRowUpdateEvents: [{ rowNumber: 0, gridColumnEvents: [cell('31', 'ITEM-00002')] }] } };
  const done = (await execute(wrong, [repair, press('4')])).body;
  const { orders } = await sim.admin('GET', 'orders?reference=STACK');
  assert.equal(done.fs_P4210_W4210A.data.z_DOCO_7.internalValue, orders[0].DOCO);
  assert.equal((await stack({ action: 'close', ...id(done) })).status, 200);
  assert.equal((await stack({ action: 'close', ...id(done) })).status, 500);
});

/*
 * The one form that is simulated: order entry, P4210_W4210A. Its control ids are
 * this simulator's own choice (README.md); a real site reads them off its form.
 */

import { ServiceError, badRequest } from './errors.mjs';
import { ApplicationError, createOrder } from './orders.mjs';

const FORM = 'P4210_W4210A';
/** controlID -> [input of an order, alias, title] */
const CONTROLS = {
  12: ['OrderType', 'DCTO', 'Order Type'], 13: ['OrderCompany', 'KCOO', 'Order Company'], 14: ['BranchPlant', 'MCU', 'Branch/Plant'],
  15: ['SoldTo', 'AN8', 'Sold To'], 16: ['ShipTo', 'SHAN', 'Ship To'], 17: ['CurrencyCode', 'CRCD', 'Currency Code'], 18: ['OrderDate', 'TRDJ', 'Order Date'],
  19: ['RequestedDate', 'DRQJ', 'Requested Date'], 20: ['Reference', 'VR01', 'Customer PO'], 21: ['Reference2', 'VR02', 'Reference 2'],
};
const GRID = '1';
const GRID_COLUMNS = {
  30: ['LineNumber', 'LNID'], 31: ['ItemNumber', 'LITM'], 32: ['Quantity', 'UORG'], 33: ['UnitOfMeasure', 'UOM'], 34: ['UnitPrice', 'UPRC'],
  35: ['Description', 'DSC1'],
};
const ORDER_NUMBER = 7;
const OK = '4';
const CANCEL = '5';

export const newForm = () => ({ values: {}, lines: [], created: undefined, errors: [], closed: false });

/** Stateless: opens the form, performs the actions, gives the outcome. */
export function formService(ctx, body, session) {
  checkForm(body.formName);
  const form = newForm();
  perform(ctx, form, body.formActions, session);
  return describe(ctx, form, { stackId: 0, stateId: 0, rid: '' });
}

export function checkForm(name) {
  if (name !== FORM) throw new ServiceError(500, `The form ${name} does not exist or cannot be opened`);
}

/** Performs formActions in their order; the first one that fails ends the work. */
export function perform(ctx, form, actions = [], session) {
  if (!Array.isArray(actions)) throw badRequest('formActions must be a list');
  form.errors = [];
  form.created = undefined;
  for (const action of actions) {
    if (action.gridAction) fillGrid(form, action.gridAction);
    else if (action.command === 'SetControlValue') form.values[known(CONTROLS, action.controlID, 'control')] = action.value;
    else if (action.command === 'DoAction') press(ctx, form, String(action.controlID), session);
    else throw badRequest(`unknown command ${action.command}`);
    if (form.errors.length) return;
  }
}

function press(ctx, form, controlID, session) {
  if (controlID === CANCEL) {
    Object.assign(form, newForm(), { closed: true });
    return;
  }
  if (controlID !== OK) throw badRequest(`the form ${FORM} has no button ${controlID}`);
  try {
    form.created = createOrder(ctx, { ...form.values, Lines: form.lines.filter(Boolean) }, { session, program: 'EP4210' });
    form.values = {};
    form.lines = [];
  } catch (error) {
    if (!(error instanceof ApplicationError)) throw error;
    form.errors = error.errors.map((item) => ({ ...item, ERRORCONTROL: controlOf(item.ERRORCONTROL) }));
  }
}

function fillGrid(form, { gridID, gridRowInsertEvents = [], gridRowUpdateEvents = [] }) {
  if (String(gridID) !== GRID) throw badRequest(`the form ${FORM} has no grid ${gridID}`);
  for (const event of gridRowInsertEvents) form.lines.push(cells({}, event));
  for (const event of gridRowUpdateEvents) form.lines[event.rowNumber] = cells(form.lines[event.rowNumber] ?? {}, event);
}

function cells(line, { gridColumnEvents = [] }) {
  for (const { command, columnID, value } of gridColumnEvents) {
    if (command !== 'SetGridCellValue') throw badRequest(`unknown grid command ${command}`);
    line[known(GRID_COLUMNS, columnID, 'grid column')] = value;
  }
  return line;
}

function known(names, id, what) {
  if (!Object.hasOwn(names, String(id))) throw badRequest(`the form ${FORM} has no ${what} ${id}`);
  return names[id][0];
}

function controlOf(input) {
  const cell = /^Lines\[\d+\]\.(\w+)$/.exec(input);
  const names = cell ? GRID_COLUMNS : CONTROLS;
  return Object.keys(names).find((id) => names[id][0] === (cell ? cell[1] : input)) ?? GRID;
}

/** stack: { stackId, stateId, rid } */
export function describe(ctx, form, stack) {
  const data = {};
  const put = (id, alias, title, value) => {
    data[`z_${alias}_${id}`] = { id: Number(id), internalValue: value, title, dataType: 2, staticText: title, visible: true, value: String(value ?? '') };
  };
  put(ORDER_NUMBER, 'DOCO', 'Order Number', form.created?.DOCO ?? '');
  for (const [id, [input, alias, title]] of Object.entries(CONTROLS)) put(id, alias, title, form.created?.[alias] ?? form.values[input] ?? '');
  const lines = form.lines.filter(Boolean);
  data.gridData = {
    id: Number(GRID), fullGridId: GRID, columns: Object.fromEntries(Object.entries(GRID_COLUMNS).map(([id, [name, alias]]) => [`${alias}_${id}`, name])),
    rowset: lines.map((line, rowIndex) => ({
      rowIndex, ...Object.fromEntries(Object.entries(GRID_COLUMNS).map(([id, [name, alias]]) => [`${alias}_${id}`, line[name] ?? ''])),
    })),
    summary: { records: lines.length, moreRecords: false },
  };
  return {
    [`fs_${FORM}`]: { title: 'Sales Order Detail Revisions', data, errors: form.errors, warnings: [] },
    stackId: stack.stackId, stateId: stack.stateId, rid: stack.rid, currentApp: `${FORM}_ZJDE0001`, timeStamp: ctx.clock.answerStamp(), sysErrors: [],
  };
}

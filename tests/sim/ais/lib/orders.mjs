/*
 * Entry of a sales order: the checks and the rows in F4201 and F4211. Nothing here
 * compares with orders that are there already: two calls make two orders.
 */

import { parseDecimal, rescale, toNumber } from './decimal.mjs';
import { parseAnyDate } from './jdedate.mjs';

const FIRST_ORDER = 1001;
const LINE_LIMIT = 999;

/** All that is wrong with an input: errors [{ CODE, TITLE, ERRORCONTROL, DESC, MOBILE }]. */
export class ApplicationError extends Error {
  constructor(errors) {
    super(errors.map(({ TITLE }) => TITLE).join('; '));
    this.errors = errors;
  }
}

/**
 * order: { Reference, Reference2, OrderType, OrderCompany, BranchPlant, SoldTo, ShipTo, CurrencyCode, OrderDate,
 * RequestedDate, Lines }, values as they came. Gives { DOCO, DCTO, KCOO }.
 */
export function createOrder(ctx, order, { session, program }) {
  const faults = [];
  const fault = (CODE, TITLE, control = '') => faults.push({
    CODE, TITLE: `Error: ${TITLE}`, ERRORCONTROL: control, DESC: `CAUSE . . . . ${TITLE}.\nRESOLUTION . . Correct the value and try again.`, MOBILE: TITLE,
  });
  const header = readHeader(ctx, order, session, fault);
  const lines = readLines(ctx, order, header, fault);
  if (faults.length) throw new ApplicationError(faults);
  return writeOrder(ctx, header, lines, { session, program });
}

function readHeader(ctx, order, session, fault) {
  const today = ctx.clock.stamp().date;
  const customer = party(ctx, order.SoldTo);
  const terms = customer && ctx.store.lookup('F03012', 'AN8', customer.AN8)[0];
  if (!customer || !terms) fault('0269', `Customer number ${shown(order.SoldTo)} is not in the Customer Master`, 'SoldTo');
  const shipTo = blank(order.ShipTo) ? customer : party(ctx, order.ShipTo);
  if (!shipTo && !blank(order.ShipTo)) fault('0267', `Ship-to address ${shown(order.ShipTo)} is not in the Address Book`, 'ShipTo');
  const limited = (name, length, standard) => {
    const value = blank(order[name]) ? standard : String(order[name]).trim();
    if (value.length > length) fault('0012', `${name} is longer than ${length} characters`, name);
    return value;
  };
  const date = (name, standard) => {
    const julian = blank(order[name]) ? standard : parseAnyDate(order[name], session.dateFormat);
    if (!julian) fault('0001', `${name} is not a date: ${shown(order[name])}`, name);
    return julian;
  };
  const currency = limited('CurrencyCode', 3, terms?.CRCD ?? '');
  if (!/^[A-Z]{3}$/.test(currency) && terms) fault('0003', `Currency code ${currency} does not exist`, 'CurrencyCode');
  const orderDate = date('OrderDate', today);
  return {
    DCTO: limited('OrderType', 2, 'SO'), KCOO: limited('OrderCompany', 5, '00001').padStart(5, '0'), MCU: limited('BranchPlant', 12, '30'),
    AN8: customer?.AN8, SHAN: shipTo?.AN8, PA8: customer?.PA8 || customer?.AN8, TRDJ: orderDate, DRQJ: date('RequestedDate', orderDate),
    VR01: limited('Reference', 25, ''), VR02: limited('Reference2', 25, ''), CRCD: currency, HOLD: terms?.HOLD ?? '',
  };
}

function readLines(ctx, order, header, fault) {
  if (!Array.isArray(order.Lines) || order.Lines.length === 0) {
    fault('4211', 'The order has no lines', 'Lines');
    return [];
  }
  if (order.Lines.length > LINE_LIMIT) fault('4212', `The order has more than ${LINE_LIMIT} lines`, 'Lines');
  const numbers = new Set();
  return order.Lines.map((line, at) => readLine(ctx, line ?? {}, at, header, numbers, fault));
}

function readLine(ctx, line, at, header, numbers, fault) {
  const where = `Lines[${at + 1}]`;
  const item = blank(line.ItemNumber) ? undefined : ctx.store.lookup('F4101', 'LITM', String(line.ItemNumber).trim())[0];
  if (!item) fault('0267', `Item number ${shown(line.ItemNumber)} does not exist in the Item Master`, `${where}.ItemNumber`);
  const quantity = parseDecimal(line.Quantity, 4);
  if (quantity === undefined || quantity <= 0n) fault('0110', `Quantity ordered must be above zero: ${shown(line.Quantity)}`, `${where}.Quantity`);
  const uom = blank(line.UnitOfMeasure) ? item?.UOM1 : String(line.UnitOfMeasure).trim();
  if (uom?.length > 2) fault('0012', `Unit of measure ${uom} does not exist`, `${where}.UnitOfMeasure`);
  const price = blank(line.UnitPrice) ? basePrice(ctx, item, header) : parseDecimal(line.UnitPrice, 4);
  if (price === undefined || price < 0n) fault('0138', `Unit price is not valid: ${shown(line.UnitPrice)}`, `${where}.UnitPrice`);
  const number = parseDecimal(blank(line.LineNumber) ? at + 1 : line.LineNumber, 3);
  if (number === undefined || number <= 0n || numbers.has(number)) {
    fault('0002', `Line number is not valid or used twice: ${shown(line.LineNumber)}`, `${where}.LineNumber`);
  }
  numbers.add(number);
  return { item, quantity, uom, price, number, description: blank(line.Description) ? item?.DSC1 : String(line.Description).trim().slice(0, 30) };
}

function basePrice(ctx, item, header) {
  const prices = item ? ctx.store.lookup('F4106', 'LITM', item.LITM) : [];
  const price = prices.find((row) => row.CRCD === header.CRCD) ?? prices[0];
  return price ? parseDecimal(price.UPRC, 4) : 0n;
}

function writeOrder(ctx, header, lines, { session, program }) {
  const { store, clock, config } = ctx;
  const DOCO = store.next(`order ${header.KCOO} ${header.DCTO}`, FIRST_ORDER);
  const { date, time } = clock.stamp();
  const stamp = { USER: session.username.slice(0, 10), PID: program, JOBN: 'AIS', UPMJ: date, TDAY: time };
  const amounts = lines.map((line) => rescale(line.quantity * line.price, 8, 2));
  const { HOLD, ...shared } = header;
  const details = lines.map((line, at) => ['F4211', {
    ...shared, DOCO, LNID: toNumber(line.number, 3), ITM: line.item.ITM, LITM: line.item.LITM, DSC1: line.description, LNTY: 'S', LTTR: '520', NXTR: '540',
    UORG: toNumber(line.quantity, 4), UOM: line.uom, UPRC: toNumber(line.price, 4), AEXP: toNumber(amounts[at], 2), ...stamp,
  }]);
  const total = amounts.reduce((sum, amount) => sum + amount, 0n);
  store.write([['F4201', { ...header, DOCO, OTOT: toNumber(total, 2), ORBY: stamp.USER, ...stamp }], ...details], config.commitDelayMs);
  return { DOCO, DCTO: header.DCTO, KCOO: header.KCOO };
}

function party(ctx, value) {
  const number = Number(value);
  return Number.isSafeInteger(number) && number > 0 ? ctx.store.lookup('F0101', 'AN8', number)[0] : undefined;
}

const blank = (value) => value === undefined || value === null || String(value).trim() === '';
const shown = (value) => (blank(value) ? '(blank)' : String(value).slice(0, 40));

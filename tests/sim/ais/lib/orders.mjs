/*
 * Entry of sales and purchase orders: the checks and the rows in F4201 and F4211, or F4301 and F4311, with F4006 and F4074.
 * Nothing here compares with orders that are there already: two calls make two orders.
 */

import { parseDecimal, rescale, toNumber } from './decimal.mjs';
import { parseAnyDate } from './jdedate.mjs';

const FIRST_ORDER = 1001;
const LINE_LIMIT = 999;
const SHIP_TO = '2';
const OVERRIDE = { ShipToName: ['MLNM', 40], ShipToAddress1: ['ADD1', 40], ShipToAddress2: ['ADD2', 40], ShipToAddress3: ['ADD3', 40], ShipToPostalCode: ['ADDZ', 12], ShipToCity: ['CTY1', 25], ShipToState: ['ADDS', 3], ShipToCountry: ['CTR', 3] };

const SALES = {
  header: 'F4201', detail: 'F4211', type: 'SO', party: 'SoldTo', master: 'F03012', currency: 'CRCD', price: 'UnitPrice', extended: 'ExtendedPrice', priceColumn: 'UPRC',
  statuses: { LTTR: '520', NXTR: '540' }, missing: (value) => `Customer number ${value} is not in the Customer Master`,
  quantities: (quantity) => ({ SOQS: quantity, SOBK: 0, SOCN: 0 }),
};
const PURCHASE = {
  header: 'F4301', detail: 'F4311', type: 'OP', party: 'Supplier', master: 'F0401', currency: 'CRRP', price: 'UnitCost', extended: 'ExtendedCost', priceColumn: 'PRRC',
  statuses: { LTTR: '220', NXTR: '280' }, missing: (value) => `Supplier number ${value} is not in the Supplier Master`,
  quantities: () => ({ UREC: 0 }),
};

/** All that is wrong with an input: errors [{ CODE, TITLE, ERRORCONTROL, DESC, MOBILE }]. */
export class ApplicationError extends Error {
  constructor(errors) {
    super(errors.map(({ TITLE }) => TITLE).join('; '));
    this.errors = errors;
  }
}

/**
 * order: { Reference, Reference2, OrderType, OrderCompany, BranchPlant, SoldTo, ShipTo, ShipToName ..., CurrencyCode, OrderDate,
 * RequestedDate, Lines }, values as they came. Gives { DOCO, DCTO, KCOO }.
 */
export const createOrder = (ctx, order, by) => enter(ctx, SALES, order, by);

/** The same with Supplier instead of SoldTo, and UnitCost and ExtendedCost of lines. */
export const createPurchaseOrder = (ctx, order, by) => enter(ctx, PURCHASE, order, by);

function enter(ctx, kind, order, { session, program }) {
  const faults = [];
  const fault = (CODE, TITLE, control = '') => faults.push({
    CODE, TITLE: `Error: ${TITLE}`, ERRORCONTROL: control, DESC: `CAUSE . . . . ${TITLE}.\nRESOLUTION . . Correct the value and try again.`, MOBILE: TITLE,
  });
  const header = readHeader(ctx, kind, order, session, fault);
  const override = readOverride(order, fault);
  const lines = readLines(ctx, kind, order, header, session, fault);
  if (faults.length) throw new ApplicationError(faults);
  return writeOrder(ctx, kind, header, override, lines, { session, program });
}

/** The ship-to address of this order alone: columns of F4006, or undefined. */
function readOverride(order, fault) {
  const columns = {};
  for (const [name, [column, length]] of Object.entries(OVERRIDE)) {
    if (blank(order[name])) continue;
    columns[column] = String(order[name]).trim();
    if (columns[column].length > length) fault('0012', `${name} is longer than ${length} characters`, name);
  }
  if (Object.keys(columns).length === 0) return undefined;
  if (!columns.ADD1 && !columns.CTY1) fault('0018', 'A ship-to address needs a street or a city', 'ShipToAddress1');
  return columns;
}

function readHeader(ctx, kind, order, session, fault) {
  const today = ctx.clock.stamp().date;
  const customer = party(ctx, order[kind.party]);
  const terms = customer && ctx.store.lookup(kind.master, 'AN8', customer.AN8)[0];
  if (!customer || !terms) fault('0269', kind.missing(shown(order[kind.party])), kind.party);
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
  const currency = limited('CurrencyCode', 3, terms?.[kind.currency] ?? '');
  if (!/^[A-Z]{3}$/.test(currency) && terms) fault('0003', `Currency code ${currency} does not exist`, 'CurrencyCode');
  const orderDate = date('OrderDate', today);
  return {
    DCTO: limited('OrderType', 2, kind.type), KCOO: limited('OrderCompany', 5, '00001').padStart(5, '0'), MCU: limited('BranchPlant', 12, '30'),
    AN8: customer?.AN8, SHAN: shipTo?.AN8, PA8: customer?.PA8 || customer?.AN8, TRDJ: orderDate, DRQJ: date('RequestedDate', orderDate),
    VR01: limited('Reference', 25, ''), VR02: limited('Reference2', 25, ''), CRCD: currency, HOLD: terms?.HOLD ?? '',
  };
}

function readLines(ctx, kind, order, header, session, fault) {
  if (!Array.isArray(order.Lines) || order.Lines.length === 0) {
    fault('4211', 'The order has no lines', 'Lines');
    return [];
  }
  if (order.Lines.length > LINE_LIMIT) fault('4212', `The order has more than ${LINE_LIMIT} lines`, 'Lines');
  const numbers = new Set();
  return order.Lines.map((line, at) => readLine({ ctx, kind, header, session, numbers, fault }, line ?? {}, at));
}

function readLine({ ctx, kind, header, session, numbers, fault }, line, at) {
  const where = `Lines[${at + 1}]`;
  const item = blank(line.ItemNumber) ? undefined : ctx.store.lookup('F4101', 'LITM', String(line.ItemNumber).trim())[0];
  if (!item) fault('0267', `Item number ${shown(line.ItemNumber)} does not exist in the Item Master`, `${where}.ItemNumber`);
  const quantity = parseDecimal(line.Quantity, 4);
  if (quantity === undefined || quantity <= 0n) fault('0110', `Quantity ordered must be above zero: ${shown(line.Quantity)}`, `${where}.Quantity`);
  const uom = blank(line.UnitOfMeasure) ? item?.UOM1 : String(line.UnitOfMeasure).trim();
  if (uom?.length > 2) fault('0012', `Unit of measure ${uom} does not exist`, `${where}.UnitOfMeasure`);
  const type = blank(line.LineType) ? 'S' : String(line.LineType).trim();
  if (type.length > 2) fault('0012', `Line type ${type} does not exist`, `${where}.LineType`);
  const price = blank(line[kind.price]) ? basePrice(ctx, item, header) : parseDecimal(line[kind.price], 4);
  if (price === undefined || price < 0n) fault('0138', `Unit price is not valid: ${shown(line[kind.price])}`, `${where}.${kind.price}`);
  const requested = blank(line.RequestedDate) ? header.DRQJ : parseAnyDate(line.RequestedDate, session.dateFormat);
  if (!requested) fault('0001', `RequestedDate is not a date: ${shown(line.RequestedDate)}`, `${where}.RequestedDate`);
  const number = parseDecimal(blank(line.LineNumber) ? at + 1 : line.LineNumber, 3);
  if (number === undefined || number <= 0n || numbers.has(number)) {
    fault('0002', `Line number is not valid or used twice: ${shown(line.LineNumber)}`, `${where}.LineNumber`);
  }
  numbers.add(number);
  const description = blank(line.Description) ? item?.DSC1 : String(line.Description).trim().slice(0, 30);
  return { item, quantity, uom, type, price, number, requested, description, ...readAmount(kind, line, quantity, price, where, fault) };
}

/** What the line comes to: quantity x price - discount; or as it is given, which must be that to the rounding of price and amount. */
function readAmount(kind, line, quantity, price, where, fault) {
  const gross = quantity > 0n && price >= 0n ? quantity * price : 0n;
  const discount = blank(line.DiscountAmount) ? 0n : parseDecimal(line.DiscountAmount, 4);
  if (discount === undefined || discount < 0n || discount * 10000n > gross) {
    fault('0139', `Discount amount is not valid: ${shown(line.DiscountAmount)}`, `${where}.DiscountAmount`);
    return { discount: 0n, amount: 0n };
  }
  const amount = rescale(gross - discount * 10000n, 8, 2);
  if (blank(line[kind.extended])) return { discount, amount };
  const given = parseDecimal(line[kind.extended], 2);
  const difference = given === undefined ? undefined : given * 1000000n - (gross - discount * 10000n);
  const room = (quantity ?? 0n) / 2n + 500000n;
  if (difference === undefined || difference > room || -difference > room) {
    fault('0140', `Extended amount ${shown(line[kind.extended])} is not quantity times price`, `${where}.${kind.extended}`);
  }
  return { discount, amount: given ?? amount };
}

function basePrice(ctx, item, header) {
  const prices = item ? ctx.store.lookup('F4106', 'LITM', item.LITM) : [];
  const price = prices.find((row) => row.CRCD === header.CRCD) ?? prices[0];
  return price ? parseDecimal(price.UPRC, 4) : 0n;
}

function writeOrder(ctx, kind, header, override, lines, { session, program }) {
  const { store, clock, config } = ctx;
  const DOCO = store.next(`order ${header.KCOO} ${header.DCTO}`, FIRST_ORDER);
  const { date, time } = clock.stamp();
  const stamp = { USER: session.username.slice(0, 10), PID: program, JOBN: 'AIS', UPMJ: date, TDAY: time };
  const key = { DOCO, DCTO: header.DCTO, KCOO: header.KCOO };
  const { HOLD, ...shared } = header;
  const details = lines.map((line) => [kind.detail, {
    ...shared, DOCO, LNID: toNumber(line.number, 3), ITM: line.item.ITM, LITM: line.item.LITM, DSC1: line.description, LNTY: line.type, ...kind.statuses,
    UORG: toNumber(line.quantity, 4), ...kind.quantities(toNumber(line.quantity, 4)), UOM: line.uom, DRQJ: line.requested,
    [kind.priceColumn]: toNumber(line.price, 4), AEXP: toNumber(line.amount, 2), ...stamp,
  }]);
  const adjustments = lines.filter(({ discount }) => discount > 0n).map((line) => ['F4074', {
    ...key, LNID: toNumber(line.number, 3), OSEQ: 1, AST: 'DISC', FVTR: toNumber(-line.discount, 4), ...stamp,
  }]);
  const addresses = override ? [['F4006', { ...key, ANTY: SHIP_TO, ...override, ...stamp }]] : [];
  const total = lines.reduce((sum, { amount }) => sum + amount, 0n);
  const head = kind === SALES ? { ...header, ORBY: stamp.USER } : shared;
  store.write([[kind.header, { ...head, DOCO, OTOT: toNumber(total, 2), ...stamp }], ...details, ...adjustments, ...addresses], config.commitDelayMs);
  return key;
}

function party(ctx, value) {
  const number = Number(value);
  return Number.isSafeInteger(number) && number > 0 ? ctx.store.lookup('F0101', 'AN8', number)[0] : undefined;
}

const blank = (value) => value === undefined || value === null || String(value).trim() === '';
const shown = (value) => (blank(value) ? '(blank)' : String(value).slice(0, 40));

/*
 * The unbound actions of the sales process: WinQuote, ConvertQuoteToSalesOrder and
 * GenerateInvoiceFromOrder. Each copies header and lines column by column, closes
 * its source, and reports one event that carries the new row.
 */

import { errors } from './errors.mjs';
import { convert } from './values.mjs';
import { createRow, updateRow } from './operations.mjs';
import { refreshHeader } from './totals.mjs';
import { GUID } from './uri.mjs';

const NOT_COPIED = new Set([
  'statecode', 'statuscode', 'createdon', 'modifiedon', 'versionnumber', 'quotenumber', 'ordernumber', 'invoicenumber',
]);

/** parameters: { quoteId, closeDate, closeStatus, closeSubject }. Gives { order, quote }. */
export function convertQuote(ctx, { quoteId, closeStatus, closeDate }) {
  const quotes = ctx.schema.byLogical.get('quote');
  const orders = ctx.schema.byLogical.get('salesorder');
  return ctx.store.transaction((tx) => {
    const quote = ctx.store.get('quote', quoteId);
    if (!quote) throw errors.notFound('quote', quoteId);
    if (quote.statecode !== 1 && quote.statecode !== 2) {
      throw errors.invalidArgument('The quote cannot be converted to an order: it must be active or won.');
    }
    if (ctx.store.findByLookup('salesorder', 'quoteid', quoteId).length) {
      throw errors.invalidArgument('The quote already has an order.');
    }
    const inner = deeper(ctx);
    const order = copyDocument(inner, quotes, quote, orders, { _quoteid_value: quoteId, _quoteid_type: 'quote' });
    const closed = quote.statecode === 2 ? quote : closeQuote(inner, quote, closeStatus, closeDate);
    tx.events.push({
      message: 'ConvertQuoteToSalesOrder', table: 'quote', id: quoteId, depth: ctx.depth ?? 1,
      input: { QuoteId: quoteId, ColumnSet: 'all', QuoteCloseStatus: closeStatus ?? -1 }, output: { table: 'salesorder', row: order },
    });
    return { order, quote: closed };
  });
}

export function winQuote(ctx, { quoteId, closeStatus, closeDate }) {
  return ctx.store.transaction((tx) => {
    const quote = ctx.store.get('quote', quoteId);
    if (!quote) throw errors.notFound('quote', quoteId);
    if (quote.statecode !== 1) throw errors.invalidArgument('The quote cannot be won: it must be active.');
    closeQuote(deeper(ctx), quote, closeStatus, closeDate);
    tx.events.push({
      message: 'Win', table: 'quote', id: quoteId, depth: ctx.depth ?? 1, input: { QuoteId: quoteId, Status: closeStatus ?? -1 },
    });
  });
}

export function generateInvoice(ctx, { orderId }) {
  const orders = ctx.schema.byLogical.get('salesorder');
  const invoices = ctx.schema.byLogical.get('invoice');
  return ctx.store.transaction((tx) => {
    const order = ctx.store.get('salesorder', orderId);
    if (!order) throw errors.notFound('salesorder', orderId);
    if (order.statecode === 2) throw errors.invalidArgument('A canceled order cannot be invoiced.');
    const invoice = copyDocument(deeper(ctx), orders, order, invoices, { _salesorderid_value: orderId, _salesorderid_type: 'salesorder' });
    tx.events.push({
      message: 'GenerateInvoiceFromOrder', table: 'salesorder', id: orderId,
      depth: ctx.depth ?? 1, input: { SalesOrderId: orderId, ColumnSet: 'all' }, output: { table: 'invoice', row: invoice },
    });
    return { invoice };
  });
}

const deeper = (ctx) => ({ ...ctx, depth: (ctx.depth ?? 1) + 1 });

function closeQuote(ctx, quote, closeStatus, closeDate) {
  const table = ctx.schema.byLogical.get('quote');
  const status = closeStatus === undefined || closeStatus === -1 ? 4 : closeStatus;
  return updateRow(ctx, table, quote, { statecode: 2, statuscode: status, closedon: closeDate ?? ctx.clock.stamp() });
}

/** Copies a header with its lines into another kind of document; totals are computed once, at the end. */
function copyDocument(ctx, fromTable, source, toTable, more) {
  const header = createRow(ctx, toTable, { ...copyColumns(fromTable, source, toTable), ...more }, { totals: false, quiet: true });
  const [fromLines, column] = linesOf(fromTable);
  const [toLines, back] = linesOf(toTable);
  const fromLineTable = ctx.schema.byLogical.get(fromLines);
  const toLineTable = ctx.schema.byLogical.get(toLines);
  const lines = ctx.store.findByLookup(fromLines, column, source[fromTable.pk])
    .sort((a, b) => (a.lineitemnumber ?? 0) - (b.lineitemnumber ?? 0));
  for (const line of lines) {
    const values = copyColumns(fromLineTable, line, toLineTable);
    values[`_${back}_value`] = header[toTable.pk];
    values[`_${back}_type`] = toTable.logical;
    // A quote line's row is remembered on the order line, an order line's on the invoice line.
    const origin = toLineTable.columns.get(fromLineTable.pk);
    if (origin) Object.assign(values, { [origin.wire]: line[fromLineTable.pk], [origin.typeWire]: fromLines });
    createRow(ctx, toLineTable, values, { totals: false, quiet: true });
  }
  const stored = refreshHeader(ctx, toTable.logical, header[toTable.pk]);
  ctx.store.tx.events.push({
    message: 'Create', table: toTable.logical, id: stored[toTable.pk], depth: ctx.depth, target: stored, after: stored,
  });
  return stored;
}

function linesOf(table) {
  return Object.values(table.many).find(([target]) => target.endsWith('detail'));
}

function copyColumns(fromTable, source, toTable) {
  const values = {};
  for (const column of toTable.columns.values()) {
    if (!fromTable.byWire.has(column.wire) || NOT_COPIED.has(column.name)) continue;
    const value = source[column.wire];
    if (value === undefined || value === null) continue;
    values[column.wire] = value;
    if (column.typeWire) values[column.typeWire] = source[column.typeWire];
  }
  return values;
}

// --- reading the parameters of the Web API --------------------------------------

/** Name of the action -> (ctx, body) => { context, row } of the answer, or undefined for 204. */
export const ACTIONS = {
  ConvertQuoteToSalesOrder(ctx, body) {
    allowed('ConvertQuoteToSalesOrder', body, [
      'QuoteId', 'ColumnSet', 'QuoteCloseDate', 'QuoteCloseStatus', 'QuoteCloseSubject', 'QuoteCloseDescription', 'ProcessInstanceId',
    ]);
    const { order } = convertQuote(ctx, {
      quoteId: guid('QuoteId', body.QuoteId),
      closeStatus: status(ctx, body.QuoteCloseStatus),
      closeDate: closeDate(ctx, body.QuoteCloseDate),
    });
    return { table: 'salesorder', row: order };
  },

  WinQuote(ctx, body) {
    allowed('WinQuote', body, ['QuoteClose', 'Status']);
    const close = body.QuoteClose ?? {};
    const bound = close['quoteid@odata.bind'] ?? close.quoteid;
    const id = typeof bound === 'string' ? /([0-9a-f-]{36})/i.exec(bound)?.[1] : undefined;
    winQuote(ctx, { quoteId: guid('QuoteClose/quoteid', id), closeStatus: status(ctx, body.Status) });
    return undefined;
  },

  GenerateInvoiceFromOrder(ctx, body) {
    allowed('GenerateInvoiceFromOrder', body, ['SalesOrderId', 'OrderId', 'ColumnSet', 'ProcessInstanceId']);
    const { invoice } = generateInvoice(ctx, { orderId: guid('SalesOrderId', body.SalesOrderId ?? body.OrderId) });
    return { table: 'invoice', row: invoice };
  },
};

// The service is also known to call this one ...FromSalesOrder; both names work here.
ACTIONS.GenerateInvoiceFromSalesOrder = ACTIONS.GenerateInvoiceFromOrder;

function allowed(action, body, names) {
  for (const name of Object.keys(body)) {
    if (!name.startsWith('@') && !names.includes(name)) {
      throw errors.badPayload(`The parameter '${name}' in the request payload is not a valid parameter for the operation '${action}'.`);
    }
  }
}

function guid(name, value) {
  if (typeof value !== 'string' || !GUID.test(value)) throw errors.badPayload(`The parameter '${name}' must be a guid.`);
  return value.toLowerCase();
}

function status(ctx, value) {
  if (value === undefined || value === null) return undefined;
  if (value.text === '-1') return -1;
  const quotes = ctx.schema.byLogical.get('quote');
  return convert(ctx, quotes, quotes.columns.get('statuscode'), value);
}

function closeDate(ctx, value) {
  const quotes = ctx.schema.byLogical.get('quote');
  return value === undefined || value === null ? undefined : convert(ctx, quotes, quotes.columns.get('closedon'), value);
}

/*
 * Amounts of quotes, orders and invoices, in exact arithmetic:
 *   line:   base = price x quantity (to 4 decimals); extended = base - discounts + tax
 *   header: line items = sum of (base - discounts); total = line items
 *           - header discount - percentage + freight + tax
 * An amount that a line does not give is taken from the header's price list.
 */

import { DECIMAL_SCALE, MONEY_SCALE, divideRounded, formatDecimal, multiplyPrice, unitsOf } from './decimal.mjs';

const HEADER_OF = { quotedetail: 'quote', salesorderdetail: 'salesorder', invoicedetail: 'invoice' };
const LINES_OF = { quote: 'quotedetail', salesorder: 'salesorderdetail', invoice: 'invoicedetail' };
const HEADER_INPUTS = ['discountamount', 'freightamount', 'discountpercentage'];

const money = (text) => unitsOf(text, MONEY_SCALE);
const asMoney = (units) => formatDecimal(units, MONEY_SCALE);

/** Called after each write of "row" (undefined: deleted); gives the row as it then stands. */
export function refreshTotals(ctx, table, row, previous) {
  const header = HEADER_OF[table.logical];
  if (header) {
    const stored = row && refreshLine(ctx, table, row, header);
    refreshHeader(ctx, header, (row ?? previous)[`_${header}id_value`]);
    return stored;
  }
  if (row && table.logical in LINES_OF && touchesTotals(row, previous)) {
    return refreshHeader(ctx, table.logical, row[table.pk]);
  }
  return row;
}

function touchesTotals(row, previous) {
  return !previous || HEADER_INPUTS.some((name) => row[name] !== previous[name]);
}

export function refreshLine(ctx, table, row, header) {
  const amounts = lineAmounts(ctx, row, header);
  if (Object.keys(amounts).every((name) => row[name] === amounts[name])) return row;
  return ctx.store.put(table, { ...row, ...amounts });
}

export function lineAmounts(ctx, row, header) {
  const price = row.priceperunit ?? listPrice(ctx, row, header);
  const base = multiplyPrice(money(price), unitsOf(row.quantity, DECIMAL_SCALE));
  const extended = base - money(row.manualdiscountamount) - money(row.volumediscountamount) + money(row.tax);
  return { priceperunit: price ?? null, baseamount: asMoney(base), extendedamount: asMoney(extended) };
}

function listPrice(ctx, row, header) {
  const list = ctx.store.get(header, row[`_${header}id_value`])?._pricelevelid_value;
  if (!list || !row._productid_value) return null;
  const item = ctx.store.findByLookup('productpricelevel', 'productid', row._productid_value)
    .find((one) => one._pricelevelid_value === list && (!row._uomid_value || one._uomid_value === row._uomid_value));
  return item?.amount ?? null;
}

export function refreshHeader(ctx, logical, id) {
  const table = ctx.schema.byLogical.get(logical);
  const header = ctx.store.get(logical, id);
  if (!header) return undefined;
  const amounts = headerAmounts(ctx, header, logical, id);
  if (Object.keys(amounts).every((name) => header[name] === amounts[name])) return header;
  return ctx.store.put(table, { ...header, ...amounts });
}

function headerAmounts(ctx, header, logical, id) {
  let items = 0n;
  let tax = 0n;
  let discounts = 0n;
  for (const line of ctx.store.findByLookup(LINES_OF[logical], `${logical}id`, id)) {
    const discount = money(line.manualdiscountamount) + money(line.volumediscountamount);
    items += money(line.baseamount) - discount;
    discounts += discount;
    tax += money(line.tax);
  }
  const percentage = unitsOf(header.discountpercentage, DECIMAL_SCALE);
  const cut = divideRounded(items * percentage, 100n * 10n ** BigInt(DECIMAL_SCALE)) + money(header.discountamount);
  return {
    totallineitemamount: asMoney(items),
    totaltax: asMoney(tax),
    totaldiscountamount: asMoney(discounts + cut),
    totalamount: asMoney(items - cut + money(header.freightamount) + tax),
  };
}

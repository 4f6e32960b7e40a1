/*
 * Made-up data: currencies, units, price list, products, accounts and quotes. The
 * same seed gives the same rows, ids included.
 */

import { DECIMAL_SCALE, MONEY_SCALE, formatDecimal } from './decimal.mjs';
import { createRow } from './operations.mjs';
import { refreshHeader, lineAmounts } from './totals.mjs';

const CHUNK = 500;
const FIRST_ACCOUNT = 6001;
// Names from many languages: the connector must carry all of them unharmed.
const NAMES = [
  'Müller', 'Łódź', 'Ångström', 'Çelik', 'Ñandú', 'Dvořák', 'Østergård', 'Ελπίς', 'Київ', '東京', 'Société Générale', 'São Tomé',
  'Þórsson', 'Ğöksu', "O'Hara", 'Smith & Sons', 'Żółw', 'Crème', 'Naïve', 'Ünal', 'Jalapeño', 'Ördög', 'Straße', 'Acme',
];
const FORMS = ['GmbH', 'Sp. z o.o.', 'AB', 'A.Ş.', 'S.A.', 's.r.o.', 'A/S', 'Ltd', 'Inc.', 'SARL', 'Oy', 'B.V.'];
const CITIES = [['Zürich', '8001', 'CH'], ['Kraków', '30-001', 'PL'], ['Malmö', '211 20', 'SE'], ['Denver', '80202', 'US'], ['Nîmes', '30000', 'FR'], ['Reykjavík', '101', 'IS']];
const GOODS = ['Ventil', 'Façade bolt', 'Brötchen tray', 'Kugellager', 'Pompe à eau', 'Śruba M8', 'Bearing', 'Cable 3×1.5 mm²'];
const FIRST_NAMES = ['Zoë', 'Jürgen', 'Łukasz', 'Anaïs', 'Björn', 'María', 'Иван', 'Ana'];

const MESSAGES = [
  ['Create', ['account', 'contact', 'quote', 'salesorder', 'invoice', 'product']], ['Update', ['account', 'contact', 'quote', 'salesorder', 'invoice', 'product']],
  ['Delete', ['account', 'contact', 'quote', 'salesorder', 'invoice', 'product']], ['ConvertQuoteToSalesOrder', ['quote']],
  ['GenerateInvoiceFromOrder', ['salesorder']], ['GenerateInvoiceFromSalesOrder', ['salesorder']], ['Win', ['quote']],
];

/** mulberry32: small, quick, and the same everywhere. */
export function random(seed) {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
  const below = (limit) => next() % limit;
  const hex = () => next().toString(16).padStart(8, '0');
  return {
    below,
    pick: (list) => list[below(list.length)],
    guid() {
      const [a, b, c, d] = [hex(), hex(), hex(), hex()];
      return `${a}-${b.slice(0, 4)}-4${b.slice(5)}-8${c.slice(1, 4)}-${c.slice(4)}${d}`;
    },
  };
}

const link = (column, table, id) => ({ [`_${column}_value`]: id, [`_${column}_type`]: table });
const money = (units) => formatDecimal(BigInt(units), MONEY_SCALE);
const decimal = (units) => formatDecimal(BigInt(units), DECIMAL_SCALE);

/** options: { accounts, products, quotes, seed } */
export function seedAll(ctx, options) {
  const rng = random(options.seed);
  const make = (logical, values) => createRow(ctx, ctx.schema.byLogical.get(logical), { [`${logical}id`]: rng.guid(), ...values }, { quiet: true, totals: false });
  ctx.store.transaction(() => {
    seedPlatform(ctx, make);
    seedBasics(ctx, make);
  });
  inChunks(ctx, options.products, (at) => seedProduct(ctx, make, rng, at));
  inChunks(ctx, options.accounts, (at) => seedAccount(ctx, make, rng, at));
  if (options.quotes) makeQuotes(ctx, { count: options.quotes, seed: options.seed + 1, quiet: true });
}

function inChunks(ctx, count, work) {
  for (let start = 0; start < count; start += CHUNK) {
    ctx.store.transaction(() => {
      for (let at = start; at < Math.min(count, start + CHUNK); at += 1) work(at);
    });
  }
}

function seedPlatform(ctx, make) {
  make('systemuser', { systemuserid: ctx.userId, fullname: '# ml-connector', domainname: 'ml-connector@example.com' });
  for (const [name, tables] of MESSAGES) {
    const message = make('sdkmessage', { name });
    for (const primaryobjecttypecode of tables) {
      make('sdkmessagefilter', { primaryobjecttypecode, ...link('sdkmessageid', 'sdkmessage', message.sdkmessageid) });
    }
  }
}

function seedBasics(ctx, make) {
  const currency = (isocurrencycode, currencyname, currencysymbol, rate) => make('transactioncurrency', {
    isocurrencycode, currencyname, currencysymbol, currencyprecision: 2, exchangerate: rate,
  }).transactioncurrencyid;
  const usd = currency('USD', 'US Dollar', '$', '1.0000000000');
  currency('EUR', 'Euro', '€', '0.9000000000');
  ctx.store.setting('baseCurrency', usd);
  const schedule = make('uomschedule', { name: 'Default Unit', baseuomname: 'EA' });
  const units = [['EA', 1], ['BX', 12], ['KG', 1], ['M', 1]].map(([name, quantity]) => make('uom', {
    name, quantity: decimal(BigInt(quantity) * 10n ** 10n), isschedulebaseuom: name === 'EA',
    ...link('uomscheduleid', 'uomschedule', schedule.uomscheduleid),
  }));
  const list = make('pricelevel', { name: 'Standard', ...link('transactioncurrencyid', 'transactioncurrency', usd) });
  ctx.store.setting('seeded', { uom: units[0].uomid, schedule: schedule.uomscheduleid, pricelevel: list.pricelevelid });
}

function seedProduct(ctx, make, rng, at) {
  const { uom, schedule, pricelevel } = ctx.store.settings.seeded;
  const productnumber = `ITEM-${String(at + 1).padStart(5, '0')}`;
  const price = money(100 + rng.below(50000000));
  const product = make('product', {
    name: `${rng.pick(GOODS)} ${at + 1}`, productnumber, price, quantitydecimal: 2,
    ...link('defaultuomid', 'uom', uom), ...link('defaultuomscheduleid', 'uomschedule', schedule),
  });
  make('productpricelevel', {
    amount: price, [`${ctx.schema.prefix}sourcerecordid`]: `seed-${productnumber}`,
    ...link('pricelevelid', 'pricelevel', pricelevel), ...link('productid', 'product', product.productid), ...link('uomid', 'uom', uom),
  });
}

function seedAccount(ctx, make, rng, at) {
  const [city, postal, country] = rng.pick(CITIES);
  const account = make('account', {
    accountnumber: String(FIRST_ACCOUNT + at),
    name: `${rng.pick(NAMES)} ${rng.pick(NAMES)} ${rng.pick(FORMS)}`,
    telephone1: `+1 555 ${String(rng.below(10000000)).padStart(7, '0')}`,
    emailaddress1: `office${FIRST_ACCOUNT + at}@example.com`,
    address1_line1: `${rng.pick(NAMES)} straße ${1 + rng.below(200)}`, address1_city: city, address1_postalcode: postal, address1_country: country,
    creditlimit: money(rng.below(1000000) * 10000), paymenttermscode: 1 + rng.below(4), customertypecode: 3,
  });
  if (at % 10 === 0) {
    make('contact', {
      firstname: rng.pick(FIRST_NAMES), lastname: rng.pick(NAMES), emailaddress1: `person${at}@example.com`,
      ...link('parentcustomerid', 'account', account.accountid),
    });
  }
}

/** Active quotes with 1 to 6 lines on the given accounts (numbers), or on any. Gives their ids. */
export function makeQuotes(ctx, { count, seed = 42, accounts, quiet = false }) {
  // A new run with the same seed must not meet the ids of the one before.
  const rng = random(seed + ctx.store.count('quote') * 7919);
  const owners = accounts ? accounts.map((number) => accountByNumber(ctx, number)) : ctx.store.sortedIds('account');
  const products = ctx.store.sortedIds('product');
  if (owners.length === 0 || products.length === 0) throw new Error('quotes need at least one account and one product');
  const ids = [];
  inChunks(ctx, count, (at) => ids.push(makeQuote(ctx, rng, rng.pick(owners), products, at, quiet)));
  return ids;
}

function accountByNumber(ctx, accountnumber) {
  const table = ctx.schema.byLogical.get('account');
  const row = ctx.store.findByKey('account', table.keys[0], { accountnumber: String(accountnumber) });
  if (!row) throw new Error(`there is no account ${accountnumber}`);
  return row.accountid;
}

function makeQuote(ctx, rng, accountId, products, at, quiet) {
  const table = ctx.schema.byLogical.get('quote');
  const lineTable = ctx.schema.byLogical.get('quotedetail');
  const { uom, pricelevel } = ctx.store.settings.seeded;
  const quote = createRow(ctx, table, {
    quoteid: rng.guid(), name: `Angebot ${rng.pick(NAMES)} ${at + 1}`, statecode: 1, statuscode: 2,
    ...link('customerid', 'account', accountId), ...link('pricelevelid', 'pricelevel', pricelevel),
    ...(rng.below(4) === 0 ? { discountamount: money(rng.below(1000) * 100) } : {}),
    ...(rng.below(5) === 0 ? { freightamount: money(rng.below(5000) * 100) } : {}),
  }, { quiet, totals: false });
  const lines = 1 + rng.below(6);
  for (let number = 1; number <= lines; number += 1) {
    const line = {
      quotedetailid: rng.guid(), lineitemnumber: number, sequencenumber: number,
      quantity: decimal((1n + BigInt(rng.below(4000))) * 10n ** 8n * 25n), ispriceoverridden: true,
      priceperunit: money(1 + rng.below(9999999)), tax: rng.below(2) ? money(rng.below(99999)) : null,
      manualdiscountamount: null,
      ...link('quoteid', 'quote', quote.quoteid), ...link('productid', 'product', rng.pick(products)), ...link('uomid', 'uom', uom),
    };
    // At most a tenth of the line, so that no line turns negative.
    const base = BigInt(lineAmounts(ctx, line, 'quote').baseamount.replace('.', ''));
    if (rng.below(3) === 0) line.manualdiscountamount = money((base * BigInt(rng.below(11))) / 100n);
    createRow(ctx, lineTable, { ...line, ...lineAmounts(ctx, line, 'quote') }, { quiet: true, totals: false });
  }
  refreshHeader(ctx, 'quote', quote.quoteid);
  return quote.quoteid;
}

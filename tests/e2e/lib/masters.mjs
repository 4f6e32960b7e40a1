/*
 * What Dynamics must hold of JDE's master records, worked out from JDE's own rows: customers and suppliers as accounts,
 * contacts, items as products, prices as items of price lists. Each function gives a Map from the record's source id to
 * { what, columns }; a column that is undefined is not compared.
 */

export const PREFIX = 'ml_';
const SOURCE = `${PREFIX}sourcerecordid`;

const trimmed = (value) => String(value ?? '').trim();

/** "" and nothing are the same to Dynamics. */
const orNull = (value) => (trimmed(value) === '' ? null : trimmed(value));

/** "12.5000" and 12.5 are the same. Four decimals are what both sides of a comparison have. */
export const exact = (value) => (value === null || value === undefined || value === '' ? null : Number(value).toFixed(4));

/** JDE's number for today at the simulated server. */
function today() {
  const [year, month, day] = new Intl.DateTimeFormat('en-CA', { timeZone: 'America/Denver' }).format(new Date()).split('-').map(Number);
  const ordinal = Math.round((Date.UTC(year, month - 1, day) - Date.UTC(year, 0, 1)) / 86400000) + 1;
  return (year - 1900) * 1000 + ordinal;
}

function groupBy(rows, keyOf) {
  const groups = new Map();
  for (const row of rows) groups.set(keyOf(row), [...(groups.get(keyOf(row)) ?? []), row]);
  return groups;
}

const TERMS = { N30: 1, N45: 3, N60: 4 };

async function addressBook(jde) {
  const tables = ['F0101', 'F0111', 'F0115', 'F01151', 'F0116', 'F03012', 'F0401'];
  const rows = Object.fromEntries(await Promise.all(tables.map(async (name) => [name, await jde.dump(name)])));
  const line = (row) => `${row.AN8}/${row.IDLN}`;
  const bySequence = (list = []) => [...list].sort((a, b) => a.RCK7 - b.RCK7);
  const phones = groupBy(rows.F0115, line);
  const mails = groupBy(rows.F01151, line);
  const addresses = groupBy(rows.F0116, (row) => row.AN8);
  const phone = (key, type) => {
    const found = bySequence(phones.get(key)).find((row) => trimmed(row.PHTP) === type);
    return found ? orNull([found.AR1, found.PH1].map(trimmed).filter(Boolean).join(' ')) : null;
  };
  return {
    ...rows,
    reach: (key) => ({
      telephone1: phone(key, ''), fax: phone(key, 'FAX'),
      emailaddress1: orNull(bySequence(mails.get(key)).find((row) => trimmed(row.ETP) === 'E')?.EMAL),
    }),
    address(number) {
      const row = (addresses.get(number) ?? []).filter(({ EFTB }) => EFTB <= today()).sort((a, b) => b.EFTB - a.EFTB)[0];
      return {
        address1_line1: orNull(row?.ADD1), address1_line2: orNull(row?.ADD2),
        address1_line3: orNull([row?.ADD3, row?.ADD4].map(trimmed).filter(Boolean).join(', ')),
        address1_postalcode: orNull(row?.ADDZ), address1_city: orNull(row?.CTY1),
        address1_stateorprovince: orNull(row?.ADDS), address1_country: orNull(row?.CTR),
      };
    },
  };
}

/** An account of this address number; `more` is what the customer's or supplier's own table adds. */
const account = (book, row, kind, more) => [`JDE/${kind === 'customer' ? 'F0101' : 'F0401'}/${row.AN8}`, {
  what: `${kind} ${row.AN8}`,
  columns: {
    accountnumber: String(row.AN8), name: trimmed(row.ALPH), customertypecode: kind === 'customer' ? 3 : 11, statecode: 0,
    ...book.reach(`${row.AN8}/0`), ...book.address(row.AN8), ...more,
  },
}];

function customers(book) {
  const ofNumber = new Map(book.F03012.filter((row) => trimmed(row.CO) === '00000').map((row) => [row.AN8, row]));
  return book.F0101.filter((row) => trimmed(row.AT1) === 'C').map((row) => {
    const own = ofNumber.get(row.AN8);
    const hold = trimmed(own?.HOLD);
    return account(book, row, 'customer', own && {
      creditlimit: exact(own.ACL), creditonhold: hold !== '' && hold !== 'N', paymenttermscode: TERMS[trimmed(own.TRAR)],
      currency: trimmed(own.CRCD) || undefined,
    });
  });
}

function suppliers(book) {
  const ofNumber = new Map(book.F0401.map((row) => [row.AN8, row]));
  return book.F0101.filter((row) => trimmed(row.AT1) === 'V').map((row) => {
    const own = ofNumber.get(row.AN8);
    return account(book, row, 'supplier', own && { paymenttermscode: TERMS[trimmed(own.TRAP)], currency: trimmed(own.CRRP) || undefined });
  });
}

function contacts(book) {
  const types = new Map(book.F0101.map((row) => [row.AN8, trimmed(row.AT1)]));
  return book.F0111.filter((row) => row.IDLN > 0 && ['C', 'V'].includes(types.get(row.AN8))).map((row) => {
    const words = trimmed(row.MLNM).split(/\s+/);
    const named = trimmed(row.GNNM) !== '' || trimmed(row.SRNM) !== '';
    return [`JDE/F0111/${row.AN8}/${row.IDLN}`, {
      what: `contact ${row.AN8}/${row.IDLN}`,
      columns: {
        lastname: trimmed(row.SRNM) || words.at(-1), firstname: orNull(named ? row.GNNM : words.slice(0, -1).join(' ')), jobtitle: orNull(row.ATTL),
        account: String(row.AN8), statecode: 0,
        ...book.reach(`${row.AN8}/${row.IDLN}`),
      },
    }];
  });
}

const inactiveItem = (row) => trimmed(row.STKT) === 'O';

const items = (rows) => rows.filter((row) => !inactiveItem(row)).map((row) => [`JDE/F4101/${row.ITM}`, {
  what: `item ${trimmed(row.LITM)}`,
  columns: {
    productnumber: trimmed(row.LITM), name: [row.DSC1, row.DSC2].map(trimmed).filter(Boolean).join(' '), unit: trimmed(row.UOM1), statecode: 0,
  },
}]);

function prices(rows, itemRows) {
  const itemOf = new Map(itemRows.map((row) => [row.ITM, row]));
  const id = (row) => [row.ITM, row.MCU, row.AN8, row.CPGP, row.CRCD, row.UOM].map(trimmed).join('/');
  const wanted = [];
  for (const [key, list] of groupBy(rows, id)) {
    const row = list.filter(({ EFTJ, EXDJ }) => EFTJ <= today() && EXDJ >= today()).sort((a, b) => b.EFTJ - a.EFTJ)[0];
    if (!row || inactiveItem(itemOf.get(row.ITM))) continue;
    const customer = row.AN8 > 0 ? String(row.AN8) : '';
    const branch = trimmed(row.MCU);
    wanted.push([`JDE/F4106/${key}`, {
      what: `price ${key}`,
      columns: {
        list: ['JDE', branch && `branch ${branch}`, customer, trimmed(row.CPGP), trimmed(row.CRCD)].filter(Boolean).join(' '), listCurrency: trimmed(row.CRCD),
        product: trimmed(itemOf.get(row.ITM).LITM), unit: trimmed(row.UOM), amount: exact(row.UPRC),
      },
    }]);
  }
  return wanted;
}

// --- what Dynamics shows ---------------------------------------------------------

async function shownRows({ dynamics }) {
  const sets = ['accounts', 'contacts', 'products', 'productpricelevels', 'pricelevels', 'uoms', 'transactioncurrencies'];
  const rows = Object.fromEntries(await Promise.all(sets.map(async (name) => [name, await dynamics.dump(name)])));
  const names = (set, pk, column) => new Map(rows[set].map((row) => [row[pk], row[column]]));
  const currency = names('transactioncurrencies', 'transactioncurrencyid', 'isocurrencycode');
  const unit = names('uoms', 'uomid', 'name');
  const product = names('products', 'productid', 'productnumber');
  const number = names('accounts', 'accountid', 'accountnumber');
  const list = new Map(rows.pricelevels.map((row) => [row.pricelevelid, row]));
  return {
    accounts: rows.accounts.map((row) => ({ ...row, creditlimit: exact(row.creditlimit), currency: currency.get(row._transactioncurrencyid_value) })),
    contacts: rows.contacts.map((row) => ({ ...row, account: number.get(row._parentcustomerid_value) })),
    products: rows.products.map((row) => ({ ...row, unit: unit.get(row._defaultuomid_value) })),
    productpricelevels: rows.productpricelevels.map((row) => ({
      ...row, amount: exact(row.amount), list: list.get(row._pricelevelid_value)?.name, product: product.get(row._productid_value),
      listCurrency: currency.get(list.get(row._pricelevelid_value)?._transactioncurrencyid_value), unit: unit.get(row._uomid_value),
    })),
    pricelevels: rows.pricelevels,
  };
}

const isRetired = (row) => (row.statecode === undefined ? row.list === 'JDE expired prices' : row.statecode === 1);

/** Each wanted one is there, once, with its columns; what is not wanted is retired. */
function compare(wanted, rows, except, faults) {
  const seen = new Map();
  for (const row of rows) {
    const source = row[SOURCE];
    if (!source?.startsWith('JDE/') || except.includes(source)) continue;
    if (seen.has(source)) faults.push(`${source} is there twice`);
    seen.set(source, row);
    if (!wanted.has(source) && !isRetired(row)) faults.push(`${source} is no more in JDE, but is not retired`);
  }
  for (const [source, { what, columns }] of wanted) {
    const row = seen.get(source);
    if (!row) faults.push(`${what} is not in Dynamics`);
    for (const [name, value] of Object.entries(row ? columns : {})) {
      const shown = row[name] ?? null;
      if (value !== undefined && shown !== value) faults.push(`${what}: ${name} is ${JSON.stringify(shown)}, not ${JSON.stringify(value)}`);
    }
  }
}

/** What customers' accounts must look like: account number -> columns. */
export async function wantedCustomers(jde) {
  const book = await addressBook(jde);
  return new Map(customers(book).map(([source, { columns }]) => [columns.accountnumber, { ...columns, [SOURCE]: source }]));
}

/** An account of a dump, in the same words. */
export function shownAccount(row, currencies) {
  return { ...row, creditlimit: exact(row.creditlimit), currency: currencies.get(row._transactioncurrencyid_value) };
}

/** Customers, suppliers, contacts, items and prices; `except`: source ids that are not looked at. */
export async function masterFaults(world, { except = [] } = {}) {
  const [book, itemRows, priceRows, shown] = await Promise.all([
    addressBook(world.jde), world.jde.dump('F4101'), world.jde.dump('F4106'), shownRows(world),
  ]);
  const faults = [];
  const left = (list) => new Map(list.filter(([source]) => !except.includes(source)));
  compare(left([...customers(book), ...suppliers(book)]), shown.accounts, except, faults);
  compare(left(contacts(book)), shown.contacts, except, faults);
  compare(left(items(itemRows)), shown.products, except, faults);
  compare(left(prices(priceRows, itemRows)), shown.productpricelevels, except, faults);
  const lists = shown.pricelevels.map(({ name }) => name);
  for (const name of new Set(lists)) if (lists.filter((other) => other === name).length > 1) faults.push(`price list "${name}" is there twice`);
  return faults;
}

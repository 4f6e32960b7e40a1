/*
 * day.mjs FOLDER ORDER_ID
 *
 * Compares one order on both sides. FOLDER holds what the simulators dumped: jde-orders.json of AIS; salesorders,
 * salesorderdetails, accounts and products of Dataverse as .ndjson. Prints both; exit status 0 when customer, items,
 * quantities, prices and the number agree.
 */

import fs from 'node:fs';
import path from 'node:path';

const [folder, id] = process.argv.slice(2);
const text = (name) => fs.readFileSync(path.join(folder, name), 'utf8');
const dump = (name) => text(`${name}.ndjson`).split('\n').filter(Boolean).map((line) => JSON.parse(line));
const exact = (value) => Number(value).toFixed(4);

/** The id as JDE's VR01 holds it: 25 digits to the base 36. */
const reference = BigInt(`0x${id.replaceAll('-', '')}`).toString(36).toUpperCase().padStart(25, '0');

const order = dump('salesorders').find((row) => row.salesorderid === id);
const account = dump('accounts').find((row) => row.accountid === order._customerid_value);
const products = new Map(dump('products').map((row) => [row.productid, row.productnumber]));
const found = JSON.parse(text('jde-orders.json')).orders.filter((row) => String(row.VR01).trim() === reference);

const lineOf = (item, quantity, price) => `${item} ${exact(quantity)} x ${exact(price)}`;
const wanted = dump('salesorderdetails').filter((row) => row._salesorderid_value === id)
  .map((row) => lineOf(products.get(row._productid_value), row.quantity, row.priceperunit)).sort();
const made = (found[0]?.lines ?? []).map((line) => lineOf(String(line.LITM).trim(), line.UORG, line.UPRC)).sort();

const show = (name, dynamics, jde) => console.log(`   ${name.padEnd(10)} ${String(dynamics).padEnd(42)} ${jde}`);
show('', 'Dynamics', 'JDE');
show('order', order.ordernumber, found.map((row) => `${row.DOCO} ${row.DCTO} ${row.KCOO}`).join(' and ') || 'none');
show('customer', `${account.accountnumber} ${account.name}`, found[0]?.AN8 ?? '-');
for (let at = 0; at < Math.max(wanted.length, made.length); at += 1) show(`line ${at + 1}`, wanted[at] ?? '-', made[at] ?? '-');
show('JDE number', order.ml_jdeordernumber ?? order.ml_jdeordermessage ?? '-', found[0]?.DOCO ?? '-');

const agree = found.length === 1 && String(found[0].AN8) === account.accountnumber && String(found[0].DOCO) === String(order.ml_jdeordernumber)
  && wanted.length > 0 && wanted.join() === made.join();
process.exit(agree ? 0 : 1);

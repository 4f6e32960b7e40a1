/*
 * Does Dynamics hold exactly JDE's customers, and JDE exactly the orders of Dynamics? Each function gives a list of all
 * that is wrong, in words; an empty list is the answer wanted.
 */

import assert from 'node:assert/strict';
import { PREFIX, exact, masterFaults, shownAccount, wantedCustomers } from './masters.mjs';
import { Hopeless, until } from './wait.mjs';

export { PREFIX };

/** The id of an order as JDE's VR01 holds it: 25 digits to the base 36. */
export const reference = (guid) => BigInt(`0x${guid.replaceAll('-', '')}`).toString(36).toUpperCase().padStart(25, '0');

const trimmed = (value) => String(value ?? '').trim();

/** options: { ignore: account numbers that a test made by hand } */
export async function customerFaults(world, { ignore = [] } = {}) {
  const [wanted, accounts, money] = await Promise.all([
    wantedCustomers(world.jde), world.dynamics.dump('accounts'), world.dynamics.dump('transactioncurrencies'),
  ]);
  const currencies = new Map(money.map((row) => [row.transactioncurrencyid, row.isocurrencycode]));
  const faults = [];
  const seen = new Map();
  for (const row of accounts) {
    const number = String(row.accountnumber);
    if (ignore.includes(number)) continue;
    if (seen.has(number)) faults.push(`account ${number} is there twice`);
    seen.set(number, row);
    if (!wanted.has(number)) faults.push(`account ${number} is of no customer in JDE`);
  }
  for (const [number, customer] of wanted) {
    if (ignore.includes(number)) continue;
    const row = seen.get(number);
    if (!row) {
      faults.push(`customer ${number} has no account`);
      continue;
    }
    const shown = shownAccount(row, currencies);
    for (const [name, value] of Object.entries(customer)) {
      if (value !== undefined && (shown[name] ?? null) !== value) faults.push(`account ${number}: ${name} is ${JSON.stringify(shown[name])}, not ${JSON.stringify(value)}`);
    }
  }
  return faults;
}

const lineText = ({ line, item, quantity, price }) => `line ${line}: ${item}, ${quantity} at ${price}`;

async function wantedOrders({ dynamics }) {
  const [orders, details, accounts, products] = await Promise.all(['salesorders', 'salesorderdetails', 'accounts', 'products'].map(dynamics.dump));
  const numbers = new Map(accounts.map((row) => [row.accountid, String(row.accountnumber)]));
  const items = new Map(products.map((row) => [row.productid, row.productnumber]));
  const lines = new Map(orders.map((row) => [row.salesorderid, []]));
  for (const row of details) {
    lines.get(row._salesorderid_value)?.push(lineText({
      line: row.lineitemnumber, item: items.get(row._productid_value), quantity: exact(row.quantity), price: exact(row.priceperunit),
    }));
  }
  return orders.map((row) => ({ row, customer: numbers.get(row._customerid_value), lines: lines.get(row.salesorderid).sort() }));
}

/** options: { failed: ids of orders that must have been refused by JDE } */
export async function orderFaults(world, { failed = [] } = {}) {
  const [wanted, orders] = await Promise.all([wantedOrders(world), world.jde.orders()]);
  const byReference = new Map();
  for (const order of orders) {
    const key = trimmed(order.VR01);
    byReference.set(key, [...(byReference.get(key) ?? []), order]);
  }
  const faults = [];
  for (const { row, customer, lines } of wanted) {
    const name = `order ${row.ordernumber} (${row.salesorderid})`;
    const key = reference(row.salesorderid);
    const found = byReference.get(key) ?? [];
    byReference.delete(key);
    if (failed.includes(row.salesorderid)) {
      if (found.length > 0) faults.push(`${name} was to be refused, and is in JDE`);
      if (row[`${PREFIX}jdeorderstatus`] !== 'Failed') faults.push(`${name}: status is ${row[`${PREFIX}jdeorderstatus`]}, not Failed`);
      continue;
    }
    if (found.length !== 1) {
      faults.push(`${name} is ${found.length} times in JDE; message: ${row[`${PREFIX}jdeordermessage`] ?? '-'}`);
      continue;
    }
    const [order] = found;
    if (String(order.DOCO) !== row[`${PREFIX}jdeordernumber`]) faults.push(`${name}: number in Dynamics is ${row[`${PREFIX}jdeordernumber`]}, in JDE ${order.DOCO}`);
    if (row[`${PREFIX}jdeorderstatus`] !== 'Created') faults.push(`${name}: status is ${row[`${PREFIX}jdeorderstatus`]}, not Created`);
    if (String(order.AN8) !== customer) faults.push(`${name}: customer in JDE is ${order.AN8}, not ${customer}`);
    const shown = order.lines.map((line) => lineText({
      line: line.LNID, item: trimmed(line.LITM), quantity: exact(line.UORG), price: exact(line.UPRC),
    })).sort();
    if (shown.join('\n') !== lines.join('\n')) faults.push(`${name}: lines differ:\n${shown.join('\n')}\nnot\n${lines.join('\n')}`);
  }
  for (const [key, list] of byReference) faults.push(`JDE has ${list.length} order(s) with reference "${key}" that Dynamics does not know`);
  return faults;
}

export const allFaults = async (world, options) => [...await customerFaults(world, options), ...await orderFaults(world, options)];

const firstOf = (list) => `${list.length} faults: ${list.slice(0, 8).join('; ')}`;

/**
 * Waits until both sides are equal and nothing is on its way; then nothing may be parked that is not expected.
 * options: { parked: how many, masters: compare all master records instead of customers and orders, and those of the lists }
 */
export async function settled(world, { timeoutMs = 60000, everyMs = 200, parked = 0, masters = false, ...options } = {}) {
  await until('both sides are equal', async () => {
    const complaints = world.complaints();
    if (complaints.length > 0) throw new Hopeless(complaints[0]);
    const waiting = await world.underWay();
    if (waiting.length > 0) throw new Error(waiting.join('; '));
    const faults = await (masters ? masterFaults : allFaults)(world, options);
    if (faults.length > 0) throw new Error(firstOf(faults));
    return true;
  }, { timeoutMs, everyMs });
  const list = await world.parked();
  assert.equal(list.length, parked, `parked: ${JSON.stringify(list.slice(0, 3))}`);
}

/*
 * demo-orders.mjs JDE_ORDERS DYNAMICS_ORDERS [PREFIX]
 *
 * Compares what the two simulators hold: JDE_ORDERS is /__sim/orders of the AIS simulator, DYNAMICS_ORDERS is
 * /__sim/dump/salesorders of the Dataverse simulator. Prints a table; exit status 0 when each order of Dynamics
 * stands in JDE exactly once, under its own reference, and carries that order's number.
 */

import fs from 'node:fs';

const [jdeFile, dynamicsFile, prefix = 'ml_'] = process.argv.slice(2);
const jde = JSON.parse(fs.readFileSync(jdeFile, 'utf8')).orders;
const dynamics = fs.readFileSync(dynamicsFile, 'utf8').split('\n').filter(Boolean).map((line) => JSON.parse(line));

/** The id of an order as JDE's VR01 holds it: 25 digits to the base 36. */
const reference = (guid) => BigInt(`0x${guid.replaceAll('-', '')}`).toString(36).toUpperCase().padStart(25, '0');

const rows = dynamics.map((order) => {
  const found = jde.filter((row) => String(row.VR01).trim() === reference(order.salesorderid));
  const number = order[`${prefix}jdeordernumber`];
  const ok = found.length === 1 && String(found[0].DOCO) === String(number);
  return { order, found, number, ok };
});

const line = (cells) => console.log(`  ${cells.map((cell, at) => String(cell).padEnd([18, 38, 27, 10, 8][at])).join('')}`);
line(['Dynamics order', 'its id', 'VR01 in JDE', 'JDE order', 'lines', 'number in Dynamics']);
for (const { order, found, number, ok } of rows) {
  const state = ok ? number : `${number ?? '-'} (${order[`${prefix}jdeordermessage`] ?? (found.length > 1 ? 'doubled' : 'not yet')})`;
  line([order.ordernumber, order.salesorderid, found[0]?.VR01 ?? '-', found.map((row) => row.DOCO).join() || '-', found[0]?.lines.length ?? '-', state]);
}
process.exit(rows.length > 0 && rows.every((row) => row.ok) && jde.length === rows.length ? 0 : 1);

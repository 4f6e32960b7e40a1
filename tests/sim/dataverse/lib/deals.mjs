/*
 * Sales reps at work: open quotes become orders, at a given rate, by the same code
 * as the ConvertQuoteToSalesOrder action.
 */

import { convertQuote } from './actions.mjs';

/** parameters: { count | quoteIds, ratePerSecond }. Gives { deals: [{ quoteId, orderId, orderNumber }], errors }. */
export async function closeDeals(ctx, { count, quoteIds, ratePerSecond }) {
  const ids = quoteIds ?? openQuotes(ctx, count ?? 1);
  const deals = [];
  const failures = [];
  const start = Date.now();
  for (let at = 0; at < ids.length; at += 1) {
    if (ratePerSecond) await until(start + (at * 1000) / ratePerSecond);
    // Without a rate, other requests still get their turn.
    else if (at % 50 === 49) await new Promise((resolve) => { setImmediate(resolve); });
    try {
      const { order } = convertQuote(ctx, { quoteId: ids[at] });
      deals.push({ quoteId: ids[at], orderId: order.salesorderid, orderNumber: order.ordernumber });
    } catch (error) {
      failures.push({ quoteId: ids[at], error: error.message });
    }
  }
  return { deals, errors: failures };
}

function openQuotes(ctx, count) {
  const ids = [];
  for (const row of ctx.store.rows('quote')) {
    if (ids.length >= count) break;
    if (row.statecode === 1) ids.push(row.quoteid);
  }
  return ids;
}

async function until(time) {
  const wait = time - Date.now();
  if (wait > 0) await new Promise((resolve) => { setTimeout(resolve, wait); });
}

/*
 * What a warehouse does with an order: its lines are picked, shipped (in parts), back-ordered, cancelled and invoiced.
 * Status codes are those of a stock order activity rule: 520 entered, 540 print pick, 560 ship confirm, 580 invoice, 620 sales update.
 */

const NEXT = { 520: '540', 540: '560', 560: '580', 580: '620', 620: '999' };

/** input: { to: "540" | "560" | "580" | "620", lines: { LNID: { ship, backorder, cancel } } }. Gives { lines } as they are then. */
export function advance(ctx, doco, { to = '560', lines: wanted = {}, type = 'SO' } = {}) {
  const next = NEXT[to];
  if (!next) throw new Error(`to must be one of ${Object.keys(NEXT).join(', ')}`);
  const rows = ctx.store.latest('F4211').filter((row) => String(row.DOCO) === String(doco) && row.DCTO === type);
  if (rows.length === 0) throw new Error(`there is no order ${doco} ${type}`);
  for (const number of Object.keys(wanted)) if (!rows.some((row) => String(row.LNID) === number)) throw new Error(`order ${doco} has no line ${number}`);
  const { date, time } = ctx.clock.stamp();
  const changed = rows.map((row) => ({ ...row, ...quantities(row, wanted[row.LNID] ?? {}, Number(to) >= 560, date), LTTR: to, NXTR: next, UPMJ: date, TDAY: time }));
  ctx.store.write(changed.map((row) => ['F4211', row]), ctx.config.commitDelayMs);
  return { lines: changed };
}

function quantities(row, { ship, backorder = row.SOBK, cancel = row.SOCN }, shipped, date) {
  const SOQS = ship ?? row.UORG - backorder - cancel;
  if (Math.abs(SOQS + backorder + cancel - row.UORG) > 0.00005) {
    throw new Error(`line ${row.LNID}: shipped, back-ordered and cancelled make ${SOQS + backorder + cancel}, not ${row.UORG}`);
  }
  return { SOQS, SOBK: backorder, SOCN: cancel, ADDJ: shipped && SOQS > 0 ? row.ADDJ || date : row.ADDJ };
}

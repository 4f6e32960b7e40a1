/*
 * Waiting for what must become true, and random numbers that a seed repeats.
 */

export const sleep = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

/** Waiting longer cannot help. */
export class Hopeless extends Error {}

/**
 * Calls check() until it gives something true, and gives that back. A check that throws is not true yet; when the time
 * is over, what it said last stands in the error.
 */
export async function until(what, check, { timeoutMs = 60000, everyMs = 100 } = {}) {
  const end = Date.now() + timeoutMs;
  let last;
  for (;;) {
    try {
      const value = await check();
      if (value) return value;
      last = undefined;
    } catch (error) {
      if (error instanceof Hopeless) throw error;
      last = error;
    }
    if (Date.now() >= end) throw new Error(`did not come true within ${timeoutMs} ms: ${what}${last ? ` (${last.message})` : ''}`, { cause: last });
    await sleep(everyMs);
  }
}

/** A number from the environment. */
export function setting(name, fallback) {
  const value = Number(process.env[name] || fallback);
  if (!Number.isFinite(value)) throw new Error(`${name} is not a number`);
  return value;
}

/** mulberry32: { seed, next(): 0 <= x < 1, below(n), pick(list) } */
export function random(seed) {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  const below = (n) => Math.floor(next() * n);
  return { seed, next, below, pick: (list) => list[below(list.length)] };
}

/*
 * Agent and relay killed, and the tunnel cut, at random moments, while the test goes on. The same seed gives the same
 * waits; what they meet differs from run to run.
 */

import { sleep } from './wait.mjs';

/** Down for so long at most: mostly short, so that the next kill can meet a program that is still starting. */
const DOWN_MS = 300;

async function killer(program, { rng, times, gapMs, state }) {
  while (state.running && state.killed[program.name] < times) {
    await sleep(rng.next() * 2 * gapMs);
    if (!state.running) return;
    await program.kill();
    state.killed[program.name] += 1;
    await sleep(rng.next() * DOWN_MS);
    program.start();
  }
}

async function cutting(cutter, { rng, times, gapMs, state }) {
  while (state.running && state.cuts < times) {
    await sleep(rng.next() * 2 * gapMs);
    // A cut of nothing does not count.
    if (cutter.cut() > 0) state.cuts += 1;
  }
}

/** Begins at once. Gives { state, done: a promise that all kills and cuts are over, stop() }. */
export function startChaos(world, { rng, kills, cuts, overMs }) {
  const state = { running: true, killed: { agent: 0, relay: 0 }, cuts: 0 };
  const killGap = kills > 0 ? overMs / kills : overMs;
  const work = [
    killer(world.agent, { rng, times: kills, gapMs: killGap, state }),
    killer(world.relay, { rng, times: kills, gapMs: killGap, state }),
    cutting(world.cutter, { rng, times: cuts, gapMs: cuts > 0 ? overMs / cuts : overMs, state }),
  ];
  return {
    state,
    done: Promise.all(work),
    stop: () => { state.running = false; },
  };
}

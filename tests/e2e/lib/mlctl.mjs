/*
 * mlctl, as an operator runs it: on the agent's or the relay's socket, or without any. MLC_MLCTL names the program.
 */

import { spawn } from 'node:child_process';
import { programFile } from './world.mjs';

/** Gives { code, out, err }. Words may hold blanks. */
function run(list) {
  return new Promise((resolve, reject) => {
    const child = spawn(programFile('MLC_MLCTL', 'mlctl'), list, { env: { ...process.env, SUDO_USER: 'tester' } });
    let out = '';
    let err = '';
    child.stdout.on('data', (chunk) => { out += chunk; });
    child.stderr.on('data', (chunk) => { err += chunk; });
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, out, err }));
  });
}

async function good(list) {
  const { code, out, err } = await run(list);
  if (code !== 0) throw new Error(`mlctl ${list.join(' ')}: exit ${code}: ${err}`);
  return out;
}

/** The output; throws when mlctl fails. */
export const agentCtl = (world, ...words) => good(['--socket', world.agentSocket, ...words]);
export const relayCtl = (world, ...words) => good(['--socket', world.relaySocket, ...words]);
export const ctl = (...words) => good(words);

/** The error; throws when mlctl does not fail. */
export async function refusal(...words) {
  const { code, out, err } = await run(words);
  if (code !== 1) throw new Error(`mlctl ${words.join(' ')}: exit ${code}, not 1: ${out}${err}`);
  return err;
}

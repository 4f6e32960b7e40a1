/*
 * What the tests of addresses do on either side, and wait for.
 */

import assert from 'node:assert/strict';
import { settled } from './compare.mjs';
import { sleep, until } from './wait.mjs';

export const WAIT = { timeoutMs: 20000 };

export const trimmed = (value) => String(value ?? '').trim();

export const edit = ({ dynamics }, number, columns) => dynamics.api('PATCH', `accounts(accountnumber='${number}')`, columns);

/** A whole address that no other test uses. */
export const addressOf = (name) => ({
  address1_line1: `${name} 1`, address1_line2: 'c/o Müller', address1_line3: '', address1_city: 'Denver', address1_stateorprovince: 'CO',
  address1_postalcode: '80202', address1_country: 'US',
});

export async function inForce({ jde }, an8) {
  const { rows } = await jde.get(`rows/F0116?AN8=${an8}`);
  return rows.sort((a, b) => a.EFTB - b.EFTB)[rows.length - 1];
}

export const street = async (world, an8) => trimmed((await inForce(world, an8)).ADD1);
export const shownStreet = async ({ dynamics }, number) => (await dynamics.account(number)).address1_line1;

export const arrives = (world, an8, text) => until(`"${text}" is in JDE`, async () => (await street(world, an8)) === text, WAIT);
export const shows = (world, number, text) => until(`Dynamics shows "${text}"`, async () => (await shownStreet(world, number)) === text, WAIT);

/** A clerk in JDE changes the address in force. */
export async function jdeEdit(world, an8, ADD1) {
  const { EFTB } = await inForce(world, an8);
  await world.jde.rows('F0116', [{ AN8: Number(an8), EFTB, ADD1 }]);
}

export async function counts({ jde, dynamics }) {
  const [there, here] = await Promise.all([jde.stats(), dynamics.stats()]);
  const sum = (requests, pattern) => Object.entries(requests).filter(([name]) => pattern.test(name))
    .flatMap(([, codes]) => Object.values(codes)).reduce((a, b) => a + b, 0);
  return { jde: sum(there.requests, /ML_UpdateAddress/), dynamics: sum(here.requests, /^PATCH .*accounts|\$batch/) };
}

/** What was written comes up with the next poll and is at rest; then nothing is written on either side: no echo goes round. */
export async function quiet(world) {
  await settled(world, { parked: (await world.parked()).length });
  await until('all webhooks were sent', async () => (await world.dynamics.get('webhook-jobs')).counts.pending === 0, WAIT);
  let before = await counts(world);
  await until('writing ends', async () => {
    const last = before;
    await sleep(1500);
    before = await counts(world);
    return before.jde === last.jde && before.dynamics === last.dynamics;
  }, WAIT);
  await sleep(1500);
  assert.deepEqual(await counts(world), before, 'writes while all is quiet');
  await settled(world, { parked: (await world.parked()).length });
}

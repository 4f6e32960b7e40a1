/*
 * A changed address in Dynamics goes into JDE, once; what we write ourselves on either side goes nowhere; and the four rules
 * for an address that both sides changed. JDE away, the agent killed in the middle, answers lost.
 */

import assert from 'node:assert/strict';
import test from 'node:test';
import { WAIT, addressOf, arrives, counts, edit, inForce, jdeEdit, quiet, shownStreet, shows, street, trimmed } from './lib/addresses.mjs';
import { PREFIX, settled } from './lib/compare.mjs';
import { step } from './lib/steps.mjs';
import { sleep, until } from './lib/wait.mjs';
import { World } from './lib/world.mjs';

const RELAY = { tenant: { webhooks: { register: true } } };

const downReady = async (world) => {
  const { stores } = await world.relayAdmin('GET', '/v1/status');
  return stores.flatMap(({ streams }) => streams).find(({ name }) => name === 'down').ready;
};

/** Both sides change an address while they do not hear of each other. `between` runs between the two. */
async function bothEdit(world, rule, number, { first = 'dynamics' } = {}) {
  const mine = `Dynamics ${rule} ${number}`;
  const theirs = `JDE ${rule} ${number}`;
  await settled(world, { parked: (await world.parked()).length });
  await world.agent.stop();
  const edits = { dynamics: () => edit(world, number, addressOf(`Dynamics ${rule} ${number}`)), jde: () => jdeEdit(world, number, theirs) };
  const waiting = await downReady(world);
  await edits[first]();
  await until('stamps differ', () => sleep(2100).then(() => true));
  await edits[first === 'jde' ? 'dynamics' : 'jde']();
  await until('the change waits for the agent', async () => (await downReady(world)) === waiting + 1, WAIT);
  world.writeConfigs({ relay: RELAY, agent: { addresses: { conflict: rule } } });
  await world.startAgent();
  return { mine: `${mine} 1`, theirs };
}

const parkedAddresses = async (world) => (await world.parked()).filter(({ kind }) => kind === 'address');
const act = (world, what, entry, more = {}) => world.agentAdmin('POST', `/v1/${what}`, { store: 'agent', stream: 'jde', seq: entry.seq, operator: 'tester', ...more });

test('addresses', async (t) => World.run({ customers: 40, register: false, relay: RELAY }, async (world) => {
  const { jde, dynamics } = world;

  await step(t, world, 'a changed address arrives in JDE, is written once, and does not come back as a change', async () => {
    await settled(world);
    await until('the steps are registered', async () => (await dynamics.dump('sdkmessageprocessingsteps')).length === 4, WAIT);
    await edit(world, 6001, { ...addressOf('Main Street'), address1_line3: 'Building C' });
    await arrives(world, 6001, 'Main Street 1');
    const row = await inForce(world, 6001);
    assert.deepEqual([row.ADD2, row.ADD3, row.CTY1, row.ADDS, row.ADDZ, row.CTR].map(trimmed), ['c/o Müller', 'Building C', 'Denver', 'CO', '80202', 'US']);
    await quiet(world);
    assert.equal((await counts(world)).jde, 1);
    assert.equal((await dynamics.account(6001)).address1_line1, 'Main Street 1');
  });

  await step(t, world, 'what JDE changed itself goes to Dynamics and not back', async () => {
    await jde.touch({ table: 'F0101', from: 6002, to: 6010, fields: { ALPH: 'Renamed {key}' } });
    await until('the names are in Dynamics', async () => (await dynamics.account(6010)).name === 'Renamed 6010', WAIT);
    await quiet(world);
    assert.equal((await counts(world)).jde, 1);
    assert.equal(trimmed((await jde.get('rows/F0101?AN8=6010')).rows[0].ALPH), 'Renamed 6010');
  });

  await step(t, world, 'a change that lost its parameters on the way is judged by its content', async () => {
    await dynamics.webhookFaults({ oversize: true });
    await jde.touch({ table: 'F0101', keys: [6011], fields: { ALPH: 'Oversize 6011' } });
    await until('the name is in Dynamics', async () => (await dynamics.account(6011)).name === 'Oversize 6011', WAIT);
    await edit(world, 6012, addressOf('Oversize'));
    await arrives(world, 6012, 'Oversize 1');
    await quiet(world);
    assert.equal((await counts(world)).jde, 2);
    await dynamics.webhookFaults({});
  });

  await step(t, world, 'a webhook sent twice, and two quick changes, end with the last address', async () => {
    await dynamics.webhookFaults({ duplicateProbability: 1 });
    await edit(world, 6013, addressOf('First'));
    await edit(world, 6013, addressOf('Second'));
    await arrives(world, 6013, 'Second 1');
    await dynamics.webhookFaults({});
    await quiet(world);
    assert.equal(await street(world, 6013), 'Second 1');
    assert.ok((await counts(world)).jde <= 4);
  });

  await step(t, world, 'a second change on the same old version is no conflict with our own first', async () => {
    await edit(world, 6013, addressOf('Third'));
    await arrives(world, 6013, 'Third 1');
    await quiet(world);
  });

  await step(t, world, 'both changed, JDE wins: Dynamics is set to JDE\'s address', async () => {
    const { theirs } = await bothEdit(world, 'jde', 6020);
    await shows(world, 6020, theirs);
    await quiet(world);
    assert.equal(await street(world, 6020), theirs);
    assert.equal(await shownStreet(world, 6020), theirs);
  });

  await step(t, world, 'both changed, Dynamics wins', async () => {
    const { mine } = await bothEdit(world, 'dynamics', 6021);
    await arrives(world, 6021, mine);
    await quiet(world);
    assert.equal(await street(world, 6021), mine);
    assert.equal(await shownStreet(world, 6021), mine);
  });

  await step(t, world, 'both changed, the newest wins: JDE was later, then Dynamics was later', async () => {
    const later = await bothEdit(world, 'newest', 6022);
    await shows(world, 6022, later.theirs);
    await quiet(world);
    assert.equal(await street(world, 6022), later.theirs);
    const earlier = await bothEdit(world, 'newest', 6023, { first: 'jde' });
    await arrives(world, 6023, earlier.mine);
    await quiet(world);
    assert.equal(await shownStreet(world, 6023), earlier.mine);
  });

  await step(t, world, 'both changed, review: parked with both addresses; a retry takes that of Dynamics', async () => {
    const { mine, theirs } = await bothEdit(world, 'review', 6024);
    await until('it is parked', async () => (await parkedAddresses(world)).length === 1, WAIT);
    const [entry] = await parkedAddresses(world);
    assert.ok(entry.lastError.includes(mine) && entry.lastError.includes(theirs), entry.lastError);
    assert.equal(await street(world, 6024), theirs);
    await act(world, 'retry', entry);
    await arrives(world, 6024, mine);
    await quiet(world);
    assert.equal((await parkedAddresses(world)).length, 0);
  });

  await step(t, world, 'review: dismissed, JDE\'s stays; and a later change stands for the parked one', async () => {
    const one = await bothEdit(world, 'review', 6025);
    await until('it is parked', async () => (await parkedAddresses(world)).length === 1, WAIT);
    await act(world, 'dismiss', (await parkedAddresses(world))[0], { reason: 'JDE is right' });
    await quiet(world);
    assert.equal(await street(world, 6025), one.theirs);
    const two = await bothEdit(world, 'review', 6026);
    await until('it is parked', async () => (await parkedAddresses(world)).length === 1, WAIT);
    // JDE's own change comes to Dynamics meanwhile: an edit before it would be overwritten there.
    await shows(world, 6026, two.theirs);
    await edit(world, 6026, addressOf('Once more'));
    await arrives(world, 6026, 'Once more 1');
    await quiet(world);
    assert.equal((await parkedAddresses(world)).length, 0);
    assert.equal(await street(world, 6026), 'Once more 1');
  });

  await step(t, world, 'JDE is away meanwhile: the change waits and is written once', async () => {
    await jde.program.kill();
    await edit(world, 6030, addressOf('Patience'));
    await sleep(1500);
    await jde.start();
    await arrives(world, 6030, 'Patience 1');
    await quiet(world);
    assert.equal((await counts(world)).jde, 1);
  });

  await step(t, world, 'the agent is killed in the middle of the write: it is found, not written again', async () => {
    await jde.faults([{ match: { path: 'ML_UpdateAddress' }, kind: 'slow_after', ms: 3000, count: 1 }]);
    const before = (await counts(world)).jde;
    await edit(world, 6031, addressOf('Killed'));
    await arrives(world, 6031, 'Killed 1');
    await world.agent.kill();
    await world.startAgent();
    await until('the slow call is over', async () => (await counts(world)).jde > before, WAIT);
    await quiet(world);
    await jde.clearFaults();
    assert.equal((await counts(world)).jde, before + 1);
    assert.equal(await street(world, 6031), 'Killed 1');
  });

  await step(t, world, 'the answer of the write is lost: likewise', async () => {
    await jde.faults([{ match: { path: 'ML_UpdateAddress' }, kind: 'drop_after', count: 1 }]);
    const before = (await counts(world)).jde;
    await edit(world, 6032, addressOf('Lost'));
    await arrives(world, 6032, 'Lost 1');
    await quiet(world);
    assert.equal((await counts(world)).jde, before + 1);
  });

  await step(t, world, 'an address that does not fit is parked in the clerk\'s words, and its cure passes', async () => {
    await edit(world, 6033, { ...addressOf('Too long'), address1_stateorprovince: 'Colorado' });
    const found = await until('it is parked', async () => (await world.parked()).find(({ kind }) => kind === 'address.event'), WAIT);
    assert.match(found.lastError, /State\/Province: "Colorado" is longer than JDE's codes/);
    await edit(world, 6033, { address1_stateorprovince: 'CO' });
    await arrives(world, 6033, 'Too long 1');
    await quiet(world);
    assert.equal((await world.parked()).length, 0);
  });

  await step(t, world, 'a contact\'s address goes to its address number; contacts that are not of JDE stay', async () => {
    const version = (await dynamics.account(6034))[`${PREFIX}sourceversion`];
    await dynamics.api('POST', 'contacts', { lastname: 'Of JDE', [`${PREFIX}sourcerecordid`]: 'JDE/F0111/6034/1', [`${PREFIX}sourceversion`]: version });
    await dynamics.api('POST', 'contacts', { lastname: 'Stranger' });
    const contacts = await dynamics.dump('contacts');
    const before = (await counts(world)).jde;
    const { ADD2 } = await inForce(world, 6034);
    for (const { contactid } of contacts) await dynamics.api('PATCH', `contacts(${contactid})`, { address1_line1: 'Contact street', address1_city: 'Boulder' });
    await arrives(world, 6034, 'Contact street');
    await quiet(world);
    const row = await inForce(world, 6034);
    assert.equal(trimmed(row.CTY1), 'Boulder');
    assert.equal(trimmed(row.ADD2), trimmed(ADD2), 'an empty column empties nothing');
    assert.equal((await counts(world)).jde, before + 1);
  });

  await step(t, world, 'the audit trails tell of each change, and are whole', async () => {
    const agent = (await world.agentAdmin('GET', '/v1/audit?store=agent&max=10000')).map(({ event }) => event);
    const written = agent.filter(({ stream, kind, action }) => stream === 'jde' && kind === 'address' && action === 'delivered');
    assert.ok(written.some(({ key, targetId }) => key === 'address/6001' && targetId === 'JDE/F0116/6001'), JSON.stringify(written[0]));
    for (const [admin, store] of [[world.agentAdmin, 'agent'], [world.relayAdmin, world.tenant]]) {
      assert.equal((await admin('GET', `/v1/audit/verify?store=${store}`)).ok, true);
    }
  });
}));

/*
 * A snapshot of JDE comes between the edit of an address in Dynamics and the moment the edit is read: the edit is not lost.
 * No webhook is registered, and reconciliation looks but at the start of the relay, so that an edit stays unread as long as
 * a test wants it.
 */

import assert from 'node:assert/strict';
import test from 'node:test';
import { WAIT, addressOf, arrives, counts, edit, jdeEdit, quiet, shownStreet, shows, street } from './lib/addresses.mjs';
import { settled } from './lib/compare.mjs';
import { step } from './lib/steps.mjs';
import { until } from './lib/wait.mjs';
import { World } from './lib/world.mjs';

const RELAY = { tenant: { addresses: { reconcile_interval: '1h' } } };

/** How often Dynamics was asked, and what for: { gets: rows of accounts read alone, patches: written alone }. */
async function asked({ dynamics }) {
  const { requests } = await dynamics.stats();
  const sum = (pattern) => Object.entries(requests).filter(([name]) => pattern.test(name))
    .flatMap(([, codes]) => Object.values(codes)).reduce((a, b) => a + b, 0);
  return { gets: sum(/^GET \/accounts\(/), patches: sum(/^PATCH \/accounts\(/) };
}

async function withRule(world, conflict) {
  await world.agent.stop();
  world.writeConfigs({ relay: RELAY, agent: { addresses: { conflict } } });
  await world.startAgent();
  await world.connected();
}

const parkedAddresses = async (world) => (await world.parked()).filter(({ kind }) => kind === 'address');
const limit = async ({ dynamics }, number) => Number((await dynamics.account(number)).creditlimit);

/** Another column changes in JDE, and is in Dynamics. */
async function otherColumn(world, number, ACL) {
  await world.jde.touch({ table: 'F03012', keys: [number], fields: { ACL } });
  await until('the limit is in Dynamics', async () => (await limit(world, number)) === ACL, WAIT);
}

async function restartRelay(world) {
  await world.relay.stop();
  await world.startRelay();
  await world.connected();
}

test('an edit that nobody has read yet', async (t) => World.run({ customers: 60, register: false, relay: RELAY }, async (world) => {
  const { jde, dynamics } = world;
  await settled(world);

  await step(t, world, 'a first load and changes of other columns read no row', async () => {
    assert.equal((await asked(world)).gets, 0);
    await otherColumn(world, 6001, 1234);
    await jde.touch({ table: 'F03012', from: 6001, to: 6060, fields: { ACL: 4321 } });
    await until('all limits are in Dynamics', async () => (await dynamics.dump('accounts')).every(({ creditlimit }) => Number(creditlimit) === 4321), WAIT);
    assert.equal((await asked(world)).gets, 0);
    await settled(world);
  });

  await step(t, world, 'a snapshot with another column leaves the edit; it arrives when it is read', async () => {
    await edit(world, 6002, addressOf('Kept'));
    await otherColumn(world, 6002, 777);
    assert.equal(await shownStreet(world, 6002), 'Kept 1');
    assert.equal((await counts(world)).jde, 0);
    await restartRelay(world);
    await arrives(world, 6002, 'Kept 1');
    await quiet(world);
    assert.equal((await counts(world)).jde, 1);
    assert.equal(await shownStreet(world, 6002), 'Kept 1');
  });

  await step(t, world, 'JDE changed the address too, JDE wins: the edit is judged, and both show JDE\'s', async () => {
    const before = (await counts(world)).jde;
    await edit(world, 6003, addressOf('Loser'));
    await jdeEdit(world, 6003, 'Winner of JDE');
    await shows(world, 6003, 'Winner of JDE');
    await quiet(world);
    assert.equal(await street(world, 6003), 'Winner of JDE');
    const trail = (await world.agentAdmin('GET', '/v1/audit?store=agent&max=10000')).map(({ event }) => event);
    const told = trail.filter(({ stream, key, action }) => stream === 'jde' && key === 'address/6003' && action === 'delivered');
    assert.equal(told.length, 1, 'the edit came to the agent once');
    assert.equal((await counts(world)).jde, before, 'nothing was written into JDE');
  });

  await step(t, world, 'likewise, Dynamics wins: both show the edit', async () => {
    await withRule(world, 'dynamics');
    await edit(world, 6004, addressOf('Winner of Dynamics'));
    await jdeEdit(world, 6004, 'Loser of JDE');
    await arrives(world, 6004, 'Winner of Dynamics 1');
    await shows(world, 6004, 'Winner of Dynamics 1');
    await quiet(world);
    assert.equal(await street(world, 6004), 'Winner of Dynamics 1');
  });

  await step(t, world, 'likewise, the newest wins, and JDE was later', async () => {
    await withRule(world, 'newest');
    await edit(world, 6006, addressOf('Older'));
    await until('stamps differ', async () => new Promise((done) => { setTimeout(() => done(true), 2100); }));
    await jdeEdit(world, 6006, 'Newer of JDE');
    await shows(world, 6006, 'Newer of JDE');
    await quiet(world);
    assert.equal(await street(world, 6006), 'Newer of JDE');
  });

  await step(t, world, 'likewise, review: parked, and a retry takes the edit', async () => {
    await withRule(world, 'review');
    await edit(world, 6007, addressOf('Reviewed'));
    await jdeEdit(world, 6007, 'Under review');
    await until('it is parked', async () => (await parkedAddresses(world)).length === 1, WAIT);
    const [entry] = await parkedAddresses(world);
    assert.match(entry.lastError, /Reviewed 1.*Under review|Under review.*Reviewed 1/s);
    await world.agentAdmin('POST', '/v1/retry', { store: 'agent', stream: 'jde', seq: entry.seq, operator: 'tester' });
    await arrives(world, 6007, 'Reviewed 1');
    await shows(world, 6007, 'Reviewed 1');
    await quiet(world);
    await withRule(world, 'jde');
  });

  await step(t, world, 'the edit comes between the look and the write: the write is refused, and the edit is read', async () => {
    await withRule(world, 'dynamics');
    const { accountid } = await dynamics.account(6008);
    await dynamics.faults([{ match: { method: 'PATCH', path: "accountnumber='6008'", body: 'sourceversion' }, action: 'slow', delayMs: 1500, count: 1 }]);
    const before = await asked(world);
    await jdeEdit(world, 6008, 'Too late for JDE');
    await until('the row was looked at', async () => (await asked(world)).gets > before.gets, WAIT);
    await dynamics.api('PATCH', `accounts(${accountid})`, addressOf('In between'));
    await arrives(world, 6008, 'In between 1');
    await shows(world, 6008, 'In between 1');
    await dynamics.clearFaults();
    await quiet(world);
    await withRule(world, 'jde');
  });

  await step(t, world, 'the write\'s answer is lost, an edit follows, and another snapshot: the edit is not taken for ours', async () => {
    await withRule(world, 'dynamics');
    await dynamics.faults([{ match: { method: 'PATCH', path: "accountnumber='6009'" }, action: 'drop_after', count: 1 }]);
    await jdeEdit(world, 6009, 'Answer lost');
    await shows(world, 6009, 'Answer lost');
    await edit(world, 6009, addressOf('After the loss'));
    await jdeEdit(world, 6009, 'Next of JDE');
    await arrives(world, 6009, 'After the loss 1');
    await shows(world, 6009, 'After the loss 1');
    await dynamics.clearFaults();
    await quiet(world);
  });

  await step(t, world, 'a row that was deleted is made again, whole', async () => {
    const { accountid, address1_line1: line1 } = await dynamics.account(6010);
    await dynamics.api('DELETE', `accounts(${accountid})`);
    await jde.touch({ table: 'F03012', keys: [6010], fields: { ACL: 888 } });
    await until('it is there again', async () => (await dynamics.account(6010)) !== undefined, WAIT);
    assert.equal(await shownStreet(world, 6010), line1);
    assert.equal(await limit(world, 6010), 888);
    await quiet(world);
  });

  await step(t, world, 'Dynamics is restored from a backup of before JDE\'s address: it is healed, and JDE stays', async () => {
    await dynamics.program.kill();
    world.keep('dataverse-data');
    await dynamics.start();
    await jdeEdit(world, 6011, 'Newer than Dynamics');
    await shows(world, 6011, 'Newer than Dynamics');
    await quiet(world);
    const before = (await counts(world)).jde;
    await dynamics.program.kill();
    world.bringBack('dataverse-data');
    await dynamics.start();
    await world.relayAdmin('POST', '/v1/compare', { kind: 'customer' });
    await shows(world, 6011, 'Newer than Dynamics');
    await quiet(world);
    assert.equal((await counts(world)).jde, before);
    assert.equal(await street(world, 6011), 'Newer than Dynamics');
  });
}));

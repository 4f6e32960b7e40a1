/*
 * Addresses whose webhooks were lost: reconciliation finds each edit, and nothing else; whatever becomes of its links.
 */

import assert from 'node:assert/strict';
import test from 'node:test';
import { WAIT, addressOf, arrives, counts, edit, inForce, quiet, street, trimmed } from './lib/addresses.mjs';
import { PREFIX, settled } from './lib/compare.mjs';
import { step } from './lib/steps.mjs';
import { until } from './lib/wait.mjs';
import { World } from './lib/world.mjs';

const found = async (world) => (await world.relayAdmin('GET', '/v1/status')).tenants[world.tenant].reconcile;

/** Rows of accounts and contacts that were read one by one. */
async function readAlone({ dynamics }) {
  const { requests } = await dynamics.stats();
  return Object.entries(requests).filter(([name]) => /^GET \/(accounts|contacts)\(/.test(name))
    .flatMap(([, codes]) => Object.values(codes)).reduce((a, b) => a + b, 0);
}

async function nextRuns(world, more = 2) {
  const before = await found(world);
  await until('further runs', async () => {
    const now = await found(world);
    return ['accounts', 'contacts'].every((table) => now[table].runs >= before[table].runs + more);
  }, WAIT);
}

test('edited addresses whose webhooks were lost', async (t) => World.run({ customers: 40, register: false }, async (world) => {
  const { jde, dynamics } = world;
  await settled(world);
  await nextRuns(world);

  await step(t, world, 'no webhook is registered: the edit is found and written once', async () => {
    assert.equal((await found(world)).accounts.found, 0);
    await edit(world, 6001, { ...addressOf('Lost'), address1_line3: 'Building C' });
    await arrives(world, 6001, 'Lost 1');
    const row = await inForce(world, 6001);
    assert.deepEqual([row.ADD2, row.ADD3, row.CTY1, row.ADDZ].map(trimmed), ['c/o Müller', 'Building C', 'Denver', '80202']);
    await quiet(world);
    assert.equal((await counts(world)).jde, 1);
    assert.equal((await dynamics.account(6001)).address1_line1, 'Lost 1');
    assert.equal((await found(world)).accounts.found, 1);
  });

  await step(t, world, 'what JDE changed itself, and edits of other columns, are not news', async () => {
    await jde.touch({ table: 'F0101', from: 6002, to: 6012, fields: { ALPH: 'Renamed {key}' } });
    await until('the names are in Dynamics', async () => (await dynamics.account(6012)).name === 'Renamed 6012', WAIT);
    await edit(world, 6013, { telephone2: '0123' });
    await quiet(world);
    await nextRuns(world);
    assert.equal((await counts(world)).jde, 1);
    assert.equal((await found(world)).accounts.found, 1);
  });

  await step(t, world, 'an edit that is taken back before JDE\'s next run arrives too', async () => {
    const before = await dynamics.account(6014);
    await edit(world, 6014, { address1_line1: 'Mistaken 1' });
    await arrives(world, 6014, 'Mistaken 1');
    await edit(world, 6014, { address1_line1: before.address1_line1 });
    await arrives(world, 6014, before.address1_line1);
    await quiet(world);
    assert.equal((await dynamics.account(6014)).address1_line1, before.address1_line1);
  });

  await step(t, world, 'a contact\'s, too', async () => {
    const version = (await dynamics.account(6015))[`${PREFIX}sourceversion`];
    await dynamics.api('POST', 'contacts', { lastname: 'Of JDE', [`${PREFIX}sourcerecordid`]: 'JDE/F0111/6015/1', [`${PREFIX}sourceversion`]: version });
    await dynamics.api('POST', 'contacts', { lastname: 'Stranger', address1_line1: 'Elsewhere 1' });
    const contact = (await dynamics.dump('contacts')).find(({ lastname }) => lastname === 'Of JDE');
    await dynamics.api('PATCH', `contacts(${contact.contactid})`, { address1_line1: 'Contact street', address1_city: 'Boulder' });
    await arrives(world, 6015, 'Contact street');
    await quiet(world);
    assert.equal((await found(world)).contacts.found, 1);
  });

  await step(t, world, 'links are gone: all rows are gone through, one by one none, and only the edit travels', async () => {
    const before = { ...(await counts(world)), alone: await readAlone(world), ...(await found(world)) };
    await dynamics.config({ expireDeltaTokens: true });
    await edit(world, 6016, addressOf('Expired'));
    await arrives(world, 6016, 'Expired 1');
    await quiet(world);
    const now = await found(world);
    assert.ok(now.accounts.resyncs > before.accounts.resyncs && now.contacts.resyncs > before.contacts.resyncs, JSON.stringify(now));
    assert.equal(now.accounts.found, before.accounts.found + 1);
    assert.equal(now.contacts.found, before.contacts.found);
    assert.equal((await counts(world)).jde, before.jde + 1);
    assert.ok((await readAlone(world)) <= before.alone + 3, `${await readAlone(world)} rows were read alone`);
  });

  await step(t, world, 'links end while the relay is down; the edit of that time is found', async () => {
    const before = await counts(world);
    await world.relay.kill();
    await edit(world, 6017, addressOf('Away'));
    await dynamics.config({ expireDeltaTokens: true });
    await world.startRelay();
    await world.connected();
    await arrives(world, 6017, 'Away 1');
    await quiet(world);
    assert.equal((await found(world)).accounts.found, 1);
    assert.equal((await counts(world)).jde, before.jde + 1);
  });

  await step(t, world, 'a comparison has all tables gone through, and sends nothing', async () => {
    const before = { ...(await counts(world)), ...(await found(world)) };
    await world.relayAdmin('POST', '/v1/compare', { kind: 'customer' });
    await until('all were gone through', async () => {
      const now = await found(world);
      return ['salesorders', 'accounts', 'contacts'].every((table) => now[table].resyncs > before[table].resyncs);
    }, WAIT);
    await quiet(world);
    assert.equal((await found(world)).accounts.found, before.accounts.found);
    assert.equal((await counts(world)).jde, before.jde);
  });

  await step(t, world, 'the relay is restored from an older backup: what it wrote since is not taken for edits', async () => {
    await world.relay.stop();
    world.keep('relay');
    await world.startRelay();
    await world.connected();
    await jde.touch({ table: 'F0101', from: 6020, to: 6025, fields: { ALPH: 'After the backup {key}' } });
    await until('the names are in Dynamics', async () => (await dynamics.account(6025)).name === 'After the backup 6025', WAIT);
    await quiet(world);
    const before = (await counts(world)).jde;
    await world.relay.stop();
    world.bringBack('relay');
    await world.startRelay();
    await world.connected();
    await nextRuns(world);
    await quiet(world);
    assert.equal((await counts(world)).jde, before, 'nothing is written into JDE');
    assert.equal((await dynamics.account(6025)).name, 'After the backup 6025');
    await edit(world, 6026, addressOf('After all'));
    await arrives(world, 6026, 'After all 1');
    await quiet(world);
  });
}));

test('tables whose changes are not tracked', async (t) => World.run({
  customers: 10, register: false, beforeRelay: ({ dynamics }) => dynamics.config({ untracked: ['accounts', 'contacts'] }),
}, async (world) => {
  await settled(world);

  await step(t, world, 'edits are found by their time, and once', async () => {
    await nextRuns(world);
    await edit(world, 6001, addressOf('By time'));
    await arrives(world, 6001, 'By time 1');
    await quiet(world);
    await nextRuns(world, 3);
    const state = await found(world);
    assert.deepEqual([state.accounts.tracked, state.contacts.tracked, state.salesorders.tracked], [false, false, true]);
    assert.equal(state.accounts.found, 1);
    assert.equal(state.accounts.lastError, '');
    assert.equal((await counts(world)).jde, 1);
    assert.equal(await street(world, 6001), 'By time 1');
  });
}));

test('the flow of addresses is off', async (t) => World.run({
  customers: 5, register: false, relay: { tenant: { addresses: { enabled: false } } },
}, async (world) => {
  await settled(world);

  await step(t, world, 'no table but that of the orders is gone through', async () => {
    assert.deepEqual(Object.keys(await found(world)), ['salesorders']);
  });
}));

/*
 * mlctl backup while records and orders travel; later both programs lose their folders and begin again from these backups, which
 * are of two moments. What happened since comes again from the other side, or is found; nothing is in JDE or Dynamics twice.
 */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { settled } from './lib/compare.mjs';
import { agentCtl, ctl, refusal, relayCtl } from './lib/mlctl.mjs';
import { step } from './lib/steps.mjs';
import { sleep, until } from './lib/wait.mjs';
import { World, programFile } from './lib/world.mjs';

const CUSTOMERS = 40;

/** Orders and changed customers, one after the other, until it is stopped; gives the number of orders. */
function traffic({ dynamics, jde }) {
  let going = true;
  let orders = 0;
  const run = (async () => {
    for (let round = 0; going; round += 1) {
      await dynamics.sell(2);
      orders += 2;
      const first = 6001 + (round * 7) % (CUSTOMERS - 8);
      await jde.touch({ table: 'F0101', from: first, to: first + 7, fields: { ALPH: `Round ${round} of {key}` } });
      await sleep(50);
    }
    return orders;
  })();
  return { stop: () => { going = false; return run; }, orders: () => orders };
}

/** The stores of the backup in the place of a program's state folder; the root key was kept apart. */
function restore(world, name, backup) {
  const folder = path.join(world.dir, name);
  const key = fs.readFileSync(path.join(folder, 'root.key'));
  fs.rmSync(folder, { recursive: true });
  fs.cpSync(backup, folder, { recursive: true });
  fs.writeFileSync(path.join(folder, 'root.key'), key, { mode: 0o600 });
}

async function startBoth(world) {
  await world.startRelay();
  await world.startAgent();
  await world.connected();
}

/** mlctl where no file may be longer than so many KiB: as on a disk that is full. */
function withLittleRoom(kib, ...words) {
  const done = spawnSync('bash', ['-c', 'trap "" XFSZ; ulimit -f "$0"; exec "$@"', String(kib), programFile('MLC_MLCTL', 'mlctl'), ...words], { encoding: 'utf8' });
  return { code: done.status, err: done.stderr };
}

test('backup under load, loss, restore', async (t) => World.run({ customers: CUSTOMERS, items: 20, products: 20 }, async (world) => {
  const { dynamics, jde } = world;
  const ofRelay = path.join(world.dir, 'backup-relay');
  const ofAgent = path.join(world.dir, 'backup-agent');
  let orders = 0;

  await step(t, world, 'both are copied while orders and customers travel', async () => {
    await settled(world);
    const load = traffic(world);
    let told;
    try {
      await until('some orders travel', () => load.orders() >= 6);
      told = [await relayCtl(world, 'backup', ofRelay)];
      const before = load.orders();
      await until('more orders travel', () => load.orders() >= before + 4);
      told.push(await agentCtl(world, 'backup', ofAgent));
    } finally {
      orders = await load.stop();
    }
    assert.match(told[0], /^relay_control .*\nacme .*\n.*: 2 stores of ml-relay/m);
    assert.match(told[0], /Not in it: the root key/);
    assert.match(told[1], /: 1 store of ml-agent/);
    assert.deepEqual(fs.readdirSync(ofRelay).sort(), ['backup.json', 'control', 'tenants']);
    assert.deepEqual(fs.readdirSync(ofAgent).sort(), ['backup.json', 'data.mdb']);
  });

  await step(t, world, 'a backup proves itself', async () => {
    assert.match(await ctl('backup', '--verify', ofRelay), /all is as it was written/);
    assert.match(await ctl('audit', 'verify', '--dir', path.join(ofRelay, 'tenants', world.tenant)), /the chain is whole/);
  });

  await step(t, world, 'what cannot be is told, and leaves nothing behind', async () => {
    assert.match(await refusal('--socket', world.relaySocket, 'backup', ofRelay), /is there already/);
    const full = path.join(world.dir, 'full');
    const { code, err } = withLittleRoom(64, '--socket', world.relaySocket, 'backup', full);
    assert.equal(code, 1, err);
    assert.match(err, /the backup cannot be written: File too large/);
    assert.deepEqual(fs.readdirSync(world.dir).filter((name) => name.startsWith('full')), []);
    // The relay was told that it is over: the next one need not wait.
    await relayCtl(world, 'backup', '--force', path.join(world.dir, 'again'));
    await relayCtl(world, 'backup', '--force', path.join(world.dir, 'again'));
  });

  await step(t, world, 'more happens, then both folders are lost', async () => {
    await dynamics.sell(6);
    orders += 6;
    await jde.touch({ table: 'F0101', from: 6005, to: 6030, fields: { ALPH: 'Later {key}' } });
    await settled(world);
    assert.equal(await world.agent.stop(), 0);
    assert.equal(await world.relay.stop(), 0);
    restore(world, 'relay', ofRelay);
    restore(world, 'agent', ofAgent);
    await dynamics.sell(3);
    orders += 3;
    await jde.touch({ table: 'F0101', from: 6010, to: 6012, fields: { ALPH: 'While both were down {key}' } });
  });

  await step(t, world, 'from the backups both sides come together, nothing is there twice', async () => {
    await startBoth(world);
    await settled(world, { timeoutMs: 90000 });
    assert.equal((await jde.orders()).length, orders);
    await agentCtl(world, 'audit', 'verify');
    await relayCtl(world, 'audit', 'verify');
  });

  await step(t, world, 'the agent alone goes back once more, behind what the relay has of it', async () => {
    await dynamics.sell(2);
    orders += 2;
    await jde.touch({ table: 'F0101', from: 6001, to: 6009, fields: { ALPH: 'Before {key}' } });
    await settled(world);
    assert.equal(await world.agent.stop(), 0);
    restore(world, 'agent', ofAgent);
    await world.startAgent();
    await world.connected();
    await dynamics.sell(2);
    orders += 2;
    await jde.touch({ table: 'F0101', keys: [6001, 6002], fields: { ALPH: 'After {key}' } });
    await settled(world, { timeoutMs: 90000 });
    assert.equal((await jde.orders()).length, orders);
  });

  await step(t, world, 'what does not run cannot be copied', async () => {
    assert.equal(await world.agent.stop(), 0);
    const { code, err } = withLittleRoom(1000000, '--socket', world.agentSocket, 'backup', path.join(world.dir, 'none'));
    assert.equal(code, 3, err);
    assert.match(err, /does not answer/);
  });
}));

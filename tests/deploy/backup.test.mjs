/*
 * Backup and restore as docs/deploy.md says: mlctl backup copies the stores while everything runs, the root key is kept
 * apart, the relay's folder is lost, the copies take its place. What happened since the backup comes again from the other side, or is found.
 */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { settled } from '../e2e/lib/compare.mjs';
import { step } from '../e2e/lib/steps.mjs';
import { World, programFile } from '../e2e/lib/world.mjs';

const ORDERS = 8;
const mlctl = programFile('MLC_MLCTL', 'mlctl');

function run(command, ...args) {
  const done = spawnSync(command, args, { encoding: 'utf8' });
  assert.equal(done.status, 0, `${command} ${args.join(' ')}: ${done.error ?? done.stderr}`);
  return done.stdout;
}

test('backup and restore of the relay', async (t) => World.run({ customers: 60, items: 40, products: 40 }, async (world) => {
  const { dynamics, jde } = world;
  const data = path.join(world.dir, 'relay');
  const copy = path.join(world.dir, 'backup');
  const key = path.join(world.dir, 'root.key');

  await step(t, world, 'the stores are copied while records travel', async () => {
    await settled(world);
    await dynamics.sell(ORDERS);
    await jde.touch({ table: 'F0101', from: 6001, to: 6040, fields: { ALPH: 'Before {key}' } });
    run(mlctl, '--socket', world.relaySocket, 'backup', copy);
    fs.copyFileSync(path.join(data, 'root.key'), key);
    assert.deepEqual(fs.readdirSync(copy).sort(), ['backup.json', 'control', 'tenants']);
    await settled(world);
  });

  await step(t, world, 'the backup proves itself', () => {
    run(mlctl, 'backup', '--verify', copy);
    run(mlctl, 'audit', 'verify', '--dir', path.join(copy, 'tenants', world.tenant));
  });

  await step(t, world, 'more happens, and then the folder is lost', async () => {
    await dynamics.sell(ORDERS);
    await jde.touch({ table: 'F0101', from: 6020, to: 6050, fields: { ALPH: 'After {key}' } });
    await settled(world);
    assert.equal(await world.relay.stop(), 0);
    fs.rmSync(data, { recursive: true });
    fs.renameSync(copy, data);
    fs.renameSync(key, path.join(data, 'root.key'));
    await world.startRelay();
  });

  await step(t, world, 'with the copies everything is as it was, and nothing is there twice', async () => {
    await world.connected();
    await settled(world);
    assert.equal((await jde.orders()).length, 2 * ORDERS);
    await dynamics.sell(2);
    await jde.touch({ table: 'F0101', keys: [6001], fields: { ALPH: 'Later' } });
    await settled(world);
    assert.equal((await jde.orders()).length, 2 * ORDERS + 2);
  });
}));

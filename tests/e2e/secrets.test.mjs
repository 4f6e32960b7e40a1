/*
 * Secrets at rest: sealed values work and open nowhere else; another root key takes the place of the present one while both
 * programs run, through kills at any moment; a systemd credential as root key.
 */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { agentSettings, relaySettings, writeConfig } from './lib/configs.mjs';
import { relayCtl } from './lib/mlctl.mjs';
import { step } from './lib/steps.mjs';
import { sleep, until } from './lib/wait.mjs';
import { World, programFile } from './lib/world.mjs';

const KINDS = ['relay', 'agent'];
const file = (kind) => programFile(`MLC_${kind.toUpperCase()}`, `ml-${kind}`);
const keyFile = (world, kind) => path.join(world.dir, kind, 'root.key');
const config = (world, kind) => fs.readFileSync(world.configFile(kind), 'utf8');

/** { child, ended: { code, signal, out } }: standard output and error together. */
function begin(kind, list, { input = '', env = {} } = {}) {
  const child = spawn(file(kind), list, { env: { ...process.env, ...env } });
  let out = '';
  for (const name of ['stdout', 'stderr']) child[name].on('data', (chunk) => { out += chunk; });
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  return { child, ended: new Promise((resolve) => { child.on('close', (code, signal) => resolve({ code, signal, out })); }) };
}

const run = (kind, list, options) => begin(kind, list, options).ended;

async function good(kind, list, options) {
  const { code, out } = await run(kind, list, options);
  assert.equal(code, 0, out);
  return out;
}

async function seal(world, kind, setting, secret) {
  return (await good(kind, ['seal', '--key-file', keyFile(world, kind), '--setting', setting], { input: `${secret}\n` })).trim();
}

const check = (world, kind, env) => run(kind, ['--check-config', world.configFile(kind)], { env });
const rotate = (world, kind, options) => good(kind, ['seal', '--rotate', '--config', world.configFile(kind)], options);

async function assertWell(world) {
  for (const kind of KINDS) {
    const { code, out } = await check(world, kind);
    assert.equal(code, 0, out);
  }
}

function assertOneKey(world) {
  for (const kind of KINDS) assert.deepEqual(fs.readdirSync(path.join(world.dir, kind)).filter((name) => name.startsWith('root.key')), ['root.key'], kind);
}

async function restart(world) {
  await world.agent.stop();
  await world.relay.stop();
  await world.startRelay();
  await world.startAgent();
  await world.connected();
}

/** All secrets of both configurations sealed. */
async function sealAll(world) {
  for (const kind of KINDS) fs.mkdirSync(path.join(world.dir, kind), { mode: 0o700 });
  const tenant = {
    webhook_secret: await seal(world, 'relay', 'tenants[acme].webhook_secret', world.secret('webhook')),
    dynamics: { client_secret: await seal(world, 'relay', 'tenants[acme].dynamics.client_secret', world.secret('dynamics')) },
  };
  writeConfig(world.configFile('relay'), relaySettings(world, { tenant }));
  writeConfig(world.configFile('agent'), agentSettings(world, { ais: { password: await seal(world, 'agent', 'ais.password', world.secret('jde')) } }));
}

test('secrets at rest', async (t) => World.run({ register: false, customers: 3, beforeRelay: sealAll }, async (world) => {
  await step(t, world, 'sealed values work, and open at their setting only', async () => {
    await world.connected();
    await until('the agent is logged in', async () => (await world.agentAdmin('GET', '/v1/status')).ais.loggedIn);
    const whole = config(world, 'relay');
    const [first, second] = whole.match(/sealed:[A-Za-z0-9+/=]+/g);
    fs.writeFileSync(world.configFile('relay'), whole.replace(first, 'X').replace(second, first).replace('X', second));
    const { code, out } = await check(world, 'relay');
    fs.writeFileSync(world.configFile('relay'), whole);
    assert.equal(code, 1);
    assert.match(out, /sealed with another key, or for another setting/);
  });

  await step(t, world, 'another root key, while both run', async () => {
    const pids = KINDS.map((kind) => world[kind].child.pid);
    for (const kind of KINDS) {
      const [key, text] = [fs.readFileSync(keyFile(world, kind)), config(world, kind)];
      const former = path.join(world.dir, `${kind}.former`);
      fs.writeFileSync(former, key, { mode: 0o600 });
      assert.match(await rotate(world, kind), kind === 'relay' ? /; 3 values are sealed/ : /; 2 values are sealed/);
      assert.notDeepEqual(fs.readFileSync(keyFile(world, kind)), key);
      assert.equal(fs.statSync(keyFile(world, kind)).mode & 0o777, 0o600);
      assert.notEqual(config(world, kind), text);
      assert.equal(config(world, kind).replace(/sealed:[A-Za-z0-9+/=]+/g, ''), text.replace(/sealed:[A-Za-z0-9+/=]+/g, ''));
      const { code } = await check(world, kind, { [`MLC_${kind.toUpperCase()}_ROOT_KEY_FILE`]: former });
      assert.equal(code, 1, 'the former key still opens');
    }
    assertOneKey(world);
    await assertWell(world);
    assert.deepEqual(KINDS.map((kind) => world[kind].child.pid), pids);
    assert.ok((await world.agentAdmin('GET', '/v1/status')).tunnel.up);
    await restart(world);
    assert.match(await relayCtl(world, 'audit', '--store', 'relay_control'), /secrets sealed anew/);
  });

  await step(t, world, 'killed at any moment: everything opens, and run again it goes on', async () => {
    for (let i = 0; i < 24; i++) {
      const kind = KINDS[i % 2];
      const { child, ended } = begin(kind, ['seal', '--rotate', '--config', world.configFile(kind)]);
      await sleep(20 + Math.random() * (i < 12 ? 300 : 800));
      child.kill('SIGKILL');
      await ended;
      if (i % 6 === 5) await world[kind].kill();
      const { code, out } = await check(world, kind);
      assert.equal(code, 0, out);
      if (!world[kind].alive) await (kind === 'relay' ? world.startRelay() : world.startAgent());
    }
    /* What a kill between two writes leaves, beside what is nobody's but the operator's. */
    for (const kind of KINDS) for (const one of [`${keyFile(world, kind)}.next`, keyFile(world, kind), world.configFile(kind)]) fs.writeFileSync(`${one}.mlc-new-a1B2c3`, 'half', { mode: 0o600 });
    const kept = `${world.configFile('relay')}.backup`;
    fs.writeFileSync(kept, 'mine');
    for (const kind of KINDS) await rotate(world, kind);
    for (const folder of [world.dir, ...KINDS.map((kind) => path.join(world.dir, kind))]) assert.deepEqual(fs.readdirSync(folder).filter((name) => /^root\.key\.|\.mlc-new-/.test(name)), [], folder);
    assert.equal(fs.readFileSync(kept, 'utf8'), 'mine');
    await assertWell(world);
    await restart(world);
  });

  await step(t, world, 'two at once do not disturb each other', async () => {
    const ends = await Promise.all([1, 2, 3].map(() => run('relay', ['seal', '--rotate', '--config', world.configFile('relay')])));
    assert.ok(ends.some(({ code }) => code === 0), JSON.stringify(ends));
    for (const { code, out } of ends) assert.ok(code === 0 || /another rotation/.test(out), out);
    await assertWell(world);
  });

  await step(t, world, 'a value that is not in use stops it, before anything is sealed anew', async () => {
    const text = config(world, 'relay');
    fs.writeFileSync(world.configFile('relay'), `${text}# former: sealed:QUJD\n`);
    const { code, out } = await run('relay', ['seal', '--rotate', '--config', world.configFile('relay')]);
    assert.equal(code, 1);
    assert.match(out, /relay\.conf:\d+: a sealed value that is not in use/);
    fs.writeFileSync(world.configFile('relay'), text);
    await rotate(world, 'relay');
    await assertWell(world);
  });

  await step(t, world, 'while the programs are stopped', async () => {
    for (const kind of [...KINDS].reverse()) await world[kind].stop();
    for (const kind of KINDS) await rotate(world, kind);
    await assertWell(world);
    await world.startRelay();
    await world.startAgent();
    await world.connected();
  });

  await step(t, world, 'the root key as a systemd credential, and another one', async () => {
    const folder = path.join(world.dir, 'credentials');
    const env = { CREDENTIALS_DIRECTORY: folder };
    fs.mkdirSync(folder);
    await world.relay.stop();
    fs.renameSync(keyFile(world, 'relay'), path.join(folder, 'relay-root'));
    fs.chmodSync(path.join(folder, 'relay-root'), 0o440); // as systemd may show it
    fs.writeFileSync(world.configFile('relay'), config(world, 'relay').replace(/(relay = \{\n)/, '$1  root_key_credential = "relay-root";\n'));
    Object.assign(world.relay.env, env);
    await world.startRelay();
    await world.connected();
    await world.relay.stop();
    fs.renameSync(path.join(folder, 'relay-root'), path.join(folder, 'relay-root.old'));
    fs.writeFileSync(path.join(folder, 'relay-root'), randomBytes(32), { mode: 0o400 });
    assert.match(await rotate(world, 'relay', { env }), /3 values are sealed with the credential's key/);
    fs.rmSync(path.join(folder, 'relay-root.old'));
    await world.startRelay();
    await world.connected();
    assert.ok(!fs.existsSync(keyFile(world, 'relay')));
  });

  await step(t, world, 'a key that others may read is refused', async () => {
    fs.chmodSync(keyFile(world, 'agent'), 0o640);
    const { code, out } = await check(world, 'agent');
    fs.chmodSync(keyFile(world, 'agent'), 0o600);
    assert.equal(code, 1);
    assert.match(out, /open to group or others .*chmod 600/);
  });

  await step(t, world, 'no secret is in a log, an argument, the environment or a store', async () => {
    const secrets = ['jde', 'dynamics', 'webhook'].map((name) => world.secret(name));
    const places = [...world.extra.map(({ log }) => log), ...KINDS.flatMap((kind) => ['cmdline', 'environ'].map((name) => `/proc/${world[kind].child.pid}/${name}`)),
      path.join(world.dir, 'agent', 'data.mdb'), path.join(world.dir, 'relay', 'control', 'data.mdb'), path.join(world.dir, 'relay', 'tenants', 'acme', 'data.mdb')];
    const keys = [fs.readFileSync(keyFile(world, 'agent')), fs.readFileSync(path.join(world.dir, 'credentials', 'relay-root'))];
    for (const place of places) {
      const bytes = fs.readFileSync(place);
      for (const secret of [...secrets, ...keys, ...keys.flatMap((key) => [key.toString('hex'), key.toString('base64')])]) assert.ok(!bytes.includes(secret), `a secret is in ${place}`);
    }
  });
}));

/*
 * Root keys wrapped by a token (PKCS#11, SoftHSM): from the first start on; from a file to the token while the program runs,
 * and back; what goes wrong is refused with a line that names setting and remedy, and a wrong PIN is given to the token once.
 */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { agentSettings, relaySettings, writeConfig } from './lib/configs.mjs';
import { SoftToken } from './lib/softhsm.mjs';
import { step } from './lib/steps.mjs';
import { World, programFile } from './lib/world.mjs';

const HEAD = 'ml-connector root key 1 pkcs11 aes-gcm\n';
const keyFile = (world, kind) => path.join(world.dir, kind, 'root.key');
const isWrapped = (world, kind) => fs.readFileSync(keyFile(world, kind), 'latin1').startsWith(HEAD);

/** { status, out }: standard output and error together. */
function run(kind, list, input = '') {
  const child = spawn(programFile(`MLC_${kind.toUpperCase()}`, `ml-${kind}`), list);
  let out = '';
  for (const name of ['stdout', 'stderr']) child[name].on('data', (chunk) => { out += chunk; });
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  return new Promise((resolve) => { child.on('close', (status) => resolve({ status, out })); });
}

async function good(kind, ...list) {
  const { status, out } = await run(kind, list);
  assert.equal(status, 0, out);
  return out;
}

const check = (world, kind) => run(kind, ['--check-config', world.configFile(kind)]);
const rotate = (world, kind, ...more) => good(kind, 'seal', '--rotate', ...more, '--config', world.configFile(kind));

async function seal(world, kind, setting, secret) {
  const { status, out } = await run(kind, ['seal', '--config', world.configFile(kind), '--setting', setting], `${secret}\n`);
  assert.equal(status, 0, out);
  return out.trim();
}

/** The relay's token key from its first start on, with a value that is sealed before there is a whole configuration. */
async function prepare(world) {
  world.token = new SoftToken(world.dir);
  world.token.makeKey('relay-key');
  world.token.makeKey('agent-key');
  const secrets = world.token.settings('relay-key');
  fs.mkdirSync(path.join(world.dir, 'relay'), { mode: 0o700 });
  fs.writeFileSync(world.configFile('relay'), `relay = { data_dir = "${world.dir}/relay"; };\nsecrets = { ${Object.entries(secrets).map(([name, value]) => `${name} = "${value}";`).join(' ')} };\n`);
  const tenant = { webhook_secret: await seal(world, 'relay', 'tenants[acme].webhook_secret', world.secret('webhook')) };
  world.relayConfig = (more = {}) => writeConfig(world.configFile('relay'), relaySettings(world, { tenant, secrets: { ...secrets, ...more } }));
  world.relayConfig();
}

/** Starts the relay, which must end by itself; gives what it said. */
async function refusedStart(world) {
  const before = world.relay.text().length;
  world.relay.start().expected = true;
  const { code } = await world.relay.ended;
  assert.equal(code, 1);
  return world.relay.text().slice(before);
}

async function doctor(world, kind) {
  const { out } = await run(kind, ['doctor', '--json', '--config', world.configFile(kind)]);
  return JSON.parse(out).checks.find(({ id }) => id === 'root_key');
}

test('root keys wrapped by a token', async (t) => World.run({ register: false, beforeRelay: prepare }, async (world) => {
  const { token } = world;

  await step(t, world, 'the relay starts with it, and again', async () => {
    await world.connected();
    assert.ok(isWrapped(world, 'relay'));
    assert.ok(!isWrapped(world, 'agent'));
    await world.relay.stop();
    await world.startRelay();
    await world.connected();
    assert.equal((await doctor(world, 'relay')).state, 'ok');
  });

  await step(t, world, 'from the file to the token, while the agent runs', async () => {
    const { pid } = world.agent.child;
    const former = fs.readFileSync(keyFile(world, 'agent'));
    const ais = { password: await seal(world, 'agent', 'ais.password', world.secret('jde')) };
    writeConfig(world.configFile('agent'), agentSettings(world, { ais, secrets: token.settings('agent-key') }));
    assert.match((await doctor(world, 'agent')).detail, /a token is set, but .* is a key in its file/);
    assert.match(await rotate(world, 'agent'), /^the root key was replaced, and is wrapped by the token; 2 values are sealed/);
    assert.ok(isWrapped(world, 'agent'));
    assert.deepEqual(fs.readdirSync(path.join(world.dir, 'agent')).filter((name) => name.startsWith('root.key')), ['root.key']);
    assert.ok(!fs.readFileSync(world.configFile('agent'), 'utf8').includes(ais.password));
    assert.notDeepEqual(fs.readFileSync(keyFile(world, 'agent')), former);
    /* It was started before there was a token, and goes on with it. */
    await rotate(world, 'agent');
    assert.equal(world.agent.child.pid, pid);
    assert.ok((await world.agentAdmin('GET', '/v1/status')).tunnel.up);
    assert.equal((await doctor(world, 'agent')).state, 'ok');
    await world.agent.stop();
    await world.startAgent();
    await world.connected();
  });

  await step(t, world, 'another root key under the same token', async () => {
    const former = fs.readFileSync(keyFile(world, 'relay'));
    await rotate(world, 'relay');
    assert.ok(isWrapped(world, 'relay'));
    assert.notDeepEqual(fs.readFileSync(keyFile(world, 'relay')), former);
    assert.equal((await check(world, 'relay')).status, 0);
  });

  await step(t, world, 'a wrong PIN is refused, and given to the token once', async () => {
    await world.relay.stop();
    token.givePin('13571357');
    assert.match(await refusedStart(world), /secrets\.pkcs11_pin: the token refuses the PIN; correct it/);
    token.givePin(token.pin);
    assert.match(await refusedStart(world), /secrets\.pkcs11_pin: the token counts a wrong PIN .* log in once/);
    token.tool('--list-objects');
    await world.startRelay();
    await world.connected();
  });

  await step(t, world, 'what is wrong is named: library, URI, token, key', async () => {
    const faults = [
      [{ pkcs11_module: '/nonexistent/libhsm.so' }, /secrets\.pkcs11_module: cannot read \/nonexistent\/libhsm\.so; install/],
      [{ pkcs11_uri: 'token=ml' }, /secrets\.pkcs11_uri: not a PKCS#11 URI/],
      [{ pkcs11_uri: 'pkcs11:token=elsewhere;object=relay-key' }, /secrets\.pkcs11_uri: no token fits .* the module has "ml-test"/],
      [{ pkcs11_uri: `pkcs11:token=${token.label};object=absent` }, /secrets\.pkcs11_uri: the token has no key that fits .* --keygen/],
      [{ pkcs11_uri: `pkcs11:token=${token.label};object=agent-key` }, /does not open with the token's key .* name the key that wrapped it/],
      [{ pkcs11_pin: undefined }, /secrets\.pkcs11_pin: missing, and the token wants a PIN/],
      [{ pkcs11_uri: undefined }, /secrets\.pkcs11_uri: missing/],
    ];
    for (const [more, words] of faults) {
      world.relayConfig(more);
      const { status, out } = await check(world, 'relay');
      assert.equal(status, 1, out);
      assert.match(out, words);
    }
  });

  await step(t, world, 'and back into a file', async () => {
    assert.match(await rotate(world, 'agent', '--to-file'), /^the root key was replaced; 2 values/);
    assert.ok(!isWrapped(world, 'agent'));
    assert.equal(fs.statSync(keyFile(world, 'agent')).size, 32);
    assert.ok((await world.agentAdmin('GET', '/v1/status')).tunnel.up);
    assert.equal((await check(world, 'agent')).status, 0);
    await world.agent.stop();
    await world.startAgent();
    assert.match(world.agent.text(), /a token is set, but the root key lies in its file/);
  });

  await step(t, world, 'the PIN is in no log, argument or environment', async () => {
    const places = [...world.extra.map(({ log }) => log), ...['relay', 'agent'].flatMap((kind) => ['cmdline', 'environ'].map((name) => `/proc/${world[kind].child.pid}/${name}`))];
    for (const place of places) assert.ok(!fs.readFileSync(place).includes(token.pin), place);
  });
}));

/*
 * Identity of agents: enrolment with a key pair of their own, renewal while both programs are killed, expiry, revocation,
 * TLS proxies, and the trail of all that.
 */

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import https from 'node:https';
import net from 'node:net';
import path from 'node:path';
import test from 'node:test';
import tls from 'node:tls';
import { agentSettings, relaySettings, writeConfig } from './lib/configs.mjs';
import { doctor } from './lib/doctor.mjs';
import { refusal, relayCtl } from './lib/mlctl.mjs';
import { step } from './lib/steps.mjs';
import { sleep, until } from './lib/wait.mjs';
import { World, freePort, programFile } from './lib/world.mjs';

const QUICK = { relay: { renew_retry: '50ms' } };

/** Gives { code, out }. */
function run(list, input = '') {
  return new Promise((resolve) => {
    const child = spawn(programFile('MLC_AGENT', 'ml-agent'), list, { stdio: ['pipe', 'pipe', 'pipe'] });
    let out = '';
    child.stdout.on('data', (chunk) => { out += chunk; });
    child.stderr.on('data', (chunk) => { out += chunk; });
    child.stdin.on('error', () => {});
    child.stdin.end(input);
    child.on('close', (code) => resolve({ code, out }));
  });
}

const token = async (world, ttlSeconds = 600) => (await world.relayAdmin('POST', '/v1/enroll-tokens', { tenant: world.tenant, agent: world.agentId, ttlSeconds, operator: 'tester' })).token;

function enrol(world, secret, ...more) {
  const file = path.join(world.dir, 'token');
  fs.writeFileSync(file, `${secret}\n`, { mode: 0o600 });
  return run(['enroll', '--config', world.configFile('agent'), '--token-file', file, ...more]);
}

async function enrolled(world, ...more) {
  const { code, out } = await enrol(world, await token(world), ...more);
  assert.equal(code, 0, out);
  return out;
}

const identity = async (world) => (await world.agentAdmin('GET', '/v1/status')).identity;
const tunnel = async (world) => (await world.agentAdmin('GET', '/v1/status')).tunnel;
const known = async (world) => (await world.relayAdmin('GET', '/v1/agents')).agents.find(({ id }) => id === world.agentId);
const trail = async (world) => (await relayCtl(world, 'audit', '--store', 'relay_control', '--json')).split('\n').filter(Boolean).map((line) => JSON.parse(line));

function settings(world, { life, relay = {}, agent = {} } = {}) {
  writeConfig(world.configFile('relay'), relaySettings(world, { relay: { agent_cert_life: life, ...relay } }));
  writeConfig(world.configFile('agent'), agentSettings(world, { relay: { ...QUICK.relay, ...agent } }));
}

async function restartRelay(world) {
  await world.relay.stop();
  await world.startRelay();
}

async function restartAgent(world) {
  await world.agent.stop();
  await world.startAgent();
}

const alone = (body) => World.run({ onlyRelay: true, agent: { relay: { ...QUICK.relay, url: undefined } } }, body);

test('enrolment', async (t) => alone(async (world) => {
  const relayUrl = `https://127.0.0.1:${world.cutter.port}`;

  await step(t, world, 'without an address of the relay nothing begins', async () => {
    const { code, out } = await enrol(world, 'x');
    assert.equal(code, 1);
    assert.match(out, /set relay\.url, or enrol with "ml-agent enroll --relay URL/);
  });

  await step(t, world, 'a wrong token, one for another agent, and an ended one are refused', async () => {
    assert.match((await enrol(world, '0123456789abcdef', '--relay', relayUrl)).out, /token is not known/);
    const { token: other } = await world.relayAdmin('POST', '/v1/enroll-tokens', { tenant: world.tenant, agent: 'other' });
    assert.match((await enrol(world, other, '--relay', relayUrl)).out, /for another agent/);
    const short = await token(world, 1);
    await sleep(1500);
    assert.match((await enrol(world, short, '--relay', relayUrl)).out, /token (has ended|is not known)/);
  });

  await step(t, world, 'with the address as an argument, which is kept', async () => {
    const secret = await token(world);
    const { code, out } = await enrol(world, secret, '--relay', relayUrl);
    assert.equal(code, 0, out);
    assert.match(out, /agent agent-1 is enrolled; its certificate is valid until/);
    assert.match((await enrol(world, secret, '--relay', relayUrl)).out, /used already/);
    await world.startAgent();
    await world.connected();
    assert.equal((await identity(world)).auth, 'certificate');
    const agent = await known(world);
    assert.equal(agent.auth, 'certificate');
    assert.ok(Date.parse(agent.validUntil) > Date.now() + 80 * 86400e3, agent.validUntil);
    assert.match(await relayCtl(world, 'agents'), /agent-1 .*certificate/);
  });

  await step(t, world, 'the doctor knows the address and the certificate, while it runs and when not', async () => {
    const running = await doctor(programFile('MLC_AGENT', 'ml-agent'), world.configFile('agent'), '--json');
    assert.equal(running.checks.certificate.state, 'ok', running.text);
    assert.equal(running.checks['relay.answer'].state, 'ok', running.text);
    await world.agent.stop();
    const stopped = await doctor(programFile('MLC_AGENT', 'ml-agent'), world.configFile('agent'), '--json');
    assert.equal(stopped.checks.certificate.state, 'ok', stopped.text);
    assert.equal(stopped.checks['relay.identity'].state, 'ok', stopped.text);
    await world.startAgent();
    await world.connected();
  });

  await step(t, world, 'a token among the arguments is taken out of the list of processes', async () => {
    const secret = 'feedfacefeedfacefeedfacefeedface';
    const silent = net.createServer(() => {}).listen(0, '127.0.0.1');
    await until('it listens', async () => silent.listening);
    const other = path.join(world.dir, 'other.conf');
    writeConfig(other, agentSettings(world, { agent: { data_dir: path.join(world.dir, 'other') }, relay: { url: undefined } }));
    const child = spawn(programFile('MLC_AGENT', 'ml-agent'), ['enroll', '--config', other, '--relay', `http://127.0.0.1:${silent.address().port}`, '--token', secret], { stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    child.stderr.on('data', (chunk) => { said += chunk; });
    try {
      const seen = await until('it waits for the relay', async () => {
        const line = fs.readFileSync(`/proc/${child.pid}/cmdline`, 'utf8');
        return said.includes('warning') && line.includes('enroll') && line;
      });
      assert.ok(!seen.includes(secret), seen);
      assert.ok(!fs.readFileSync(`/proc/${child.pid}/environ`, 'utf8').includes(secret));
      assert.match(said, /can be read by other users/);
    } finally {
      child.kill('SIGKILL');
      silent.close();
    }
  });

  await step(t, world, 'no core is written', async () => {
    for (const program of [world.agent, world.relay]) {
      const { pid } = program.child;
      assert.match(fs.readFileSync(`/proc/${pid}/limits`, 'utf8'), /Max core file size +0 +0 /, program.name);
    }
  });

  await step(t, world, 'secrets are in no log and in no argument', async () => {
    const secrets = ['jde', 'dynamics', 'webhook'].map((name) => world.secret(name));
    const root = ['relay', 'agent'].map((name) => fs.readFileSync(path.join(world.dir, name, 'root.key')).toString('hex'));
    const texts = world.extra.map((program) => program.text()).concat(
      [world.agent, world.relay].flatMap(({ child }) => ['cmdline', 'environ'].map((name) => fs.readFileSync(`/proc/${child.pid}/${name}`, 'utf8'))));
    for (const text of texts) for (const secret of [...secrets, ...root]) assert.ok(!text.includes(secret), 'a secret was written');
    for (const text of texts) assert.doesNotMatch(text, /PRIVATE KEY/);
  });

  await step(t, world, 'the trail tells who did what, and proves itself', async () => {
    const entries = await trail(world);
    const actions = entries.map(({ event }) => `${event.action} ${event.actor}`);
    assert.ok(actions.includes('token issued operator:tester'), actions.join(', '));
    const enrolment = entries.find(({ event }) => event.action === 'enrolled').event;
    assert.equal(enrolment.targetId, `certificate/${(await known(world)).serial}`, JSON.stringify(enrolment));
    assert.match(await relayCtl(world, 'audit', 'verify'), /relay_control/);
  });
}));

test('renewal', async (t) => alone(async (world) => {
  const connectedWith = (serial) => until('connected with another certificate', async () => {
    const [own, agent, up] = [await identity(world), await known(world), (await tunnel(world)).up];
    return up && own.serial !== serial && agent.serial === own.serial && own.serial;
  }, { timeoutMs: 60000 });

  await step(t, world, 'before it ends, by itself, and the former one ends when the new one is used', async () => {
    settings(world, { life: '10m', agent: { renew_at: 10 } }); // due as soon as it is there
    await restartRelay(world);
    await enrolled(world);
    await world.startAgent();
    await world.connected();
    const { serial } = await identity(world);
    const second = await connectedWith(serial);
    await connectedWith(second);
    const actions = (await trail(world)).map(({ event }) => event.action);
    for (const action of ['certificate renewed', 'certificate in use']) assert.ok(actions.filter((one) => one === action).length >= 2, actions.join(', '));
    assert.match(world.agent.text(), /the agent's certificate was renewed/);
  });

  await step(t, world, 'through kills of both at any moment', async () => {
    const renewals = async () => (await trail(world)).filter(({ event }) => event.action === 'certificate in use').length;
    const before = await renewals();
    for (let i = 0; i < 9; i++) {
      await until('the agent is connected', async () => (await tunnel(world)).up); // then a renewal is due within a second or two
      await sleep(Math.random() * 2500);
      const name = i % 3 === 2 ? 'relay' : 'agent';
      await world[name].kill();
      await (name === 'relay' ? world.startRelay() : world.startAgent());
    }
    settings(world, { life: '1h' });
    await world.relay.kill();
    await world.startRelay();
    await world.agentReady();
    await world.connected();
    await until('a long one', async () => Date.parse((await identity(world)).validUntil) > Date.now() + 1800e3, { timeoutMs: 30000 });
    assert.ok(await renewals() > before, 'it was renewed meanwhile');
    assert.match(await relayCtl(world, 'audit', 'verify'), /relay_control/);
  });

  await step(t, world, 'a relay that cannot be reached: it is told, and made up for', async () => {
    settings(world, { life: '80s' });
    await restartRelay(world);
    await world.agent.stop();
    await enrolled(world);
    await world.startAgent();
    await world.connected();
    const { serial } = await identity(world);
    const { targetPort } = world.cutter;
    world.cutter.targetPort = await freePort();
    world.cutter.cut();
    await until('the log and the status warn', async () => (await identity(world)).state === 'expiring' && /could not be renewed/.test(world.agent.text()), { timeoutMs: 90000 });
    assert.ok((await identity(world)).lastError);
    const warned = await doctor(programFile('MLC_AGENT', 'ml-agent'), world.configFile('agent'), '--json');
    assert.equal(warned.checks.certificate.state, 'warn', warned.text);
    world.cutter.targetPort = targetPort;
    await connectedWith(serial);
  });

  await step(t, world, 'one that ended says what is to be done, and enrolling again is all', async () => {
    settings(world, { life: '5s' });
    await restartRelay(world);
    await world.agent.stop();
    await enrolled(world);
    await sleep(5500);
    await world.startAgent();
    await until('it is told', async () => (await identity(world)).state === 'expired' && /expired: enrol it again/.test((await tunnel(world)).lastError ?? ''), { timeoutMs: 20000 });
    assert.match(world.agent.text(), /certificate has expired: stop the agent, and enrol it again/);
    const told = await doctor(programFile('MLC_AGENT', 'ml-agent'), world.configFile('agent'), '--json');
    assert.equal(told.checks.certificate.state, 'fail', told.text);
    assert.match(told.checks.certificate.remedy, /ml-agent enroll/);
    await world.agent.stop();
    settings(world, { life: '1h' });
    await restartRelay(world);
    await enrolled(world);
    await world.startAgent();
    await world.connected();
  });
}));

test('revocation', async (t) => alone(async (world) => {
  settings(world, {});
  const secret = await token(world);
  assert.equal((await enrol(world, secret)).code, 0);
  await world.startAgent();
  await world.connected();

  await step(t, world, 'cuts the tunnel, and lets it not come back, also after a restart of the relay', async () => {
    await relayCtl(world, 'revoke', world.tenant, world.agentId);
    await until('the tunnel is cut', async () => !(await tunnel(world)).up, { timeoutMs: 5000 });
    await restartAgent(world);
    await until('it is refused', async () => /unknown or its credentials are wrong/.test((await tunnel(world)).lastError ?? ''), { timeoutMs: 20000 });
    await restartRelay(world);
    await restartAgent(world);
    await until('it is refused again', async () => /unknown or its credentials are wrong/.test((await tunnel(world)).lastError ?? ''), { timeoutMs: 20000 });
    assert.equal(await known(world), undefined);
    assert.match(await refusal('--socket', world.relaySocket, 'revoke', world.tenant, world.agentId), /no enrolled agent/);
  });

  await step(t, world, 'the used token does not open it again; a new one does', async () => {
    await world.agent.stop();
    assert.match((await enrol(world, secret)).out, /token is not known/);
    await enrolled(world);
    await world.startAgent();
    await world.connected();
    const actions = (await trail(world)).map(({ event }) => `${event.action} ${event.actor}`);
    assert.ok(actions.includes('revoked operator:tester'), actions.join(', '));
  });
}));

test('a relay restored from a backup', async (t) => alone(async (world) => {
  const folder = (...names) => path.join(world.dir, ...names);
  const copy = (from, to) => { fs.rmSync(to, { recursive: true, force: true }); fs.cpSync(from, to, { recursive: true }); };
  let former;

  await step(t, world, 'the agent renews its certificate after the backup', async () => {
    settings(world, { life: '10m' });
    await restartRelay(world);
    await enrolled(world);
    await world.startAgent();
    await world.connected();
    former = (await identity(world)).serial;
    await world.agent.stop();
    await world.relay.stop();
    copy(folder('relay', 'control'), folder('backup'));
    copy(folder('agent'), folder('agent.former'));
    settings(world, { life: '10m', agent: { renew_at: 10 } }); // due as soon as it runs
    await world.startRelay();
    await sleep(1500); // the beginning of a certificate is told in whole seconds
    await world.startAgent();
    await until('renewed and in use', async () => (await known(world)).serial !== former && (await trail(world)).some(({ event }) => event.action === 'certificate in use'), { timeoutMs: 30000 });
    await world.agent.stop();
    await world.relay.stop();
  });

  await step(t, world, 'with the former store in its place the agent connects again, as the doctor foretells', async () => {
    settings(world, { life: '10m' });
    copy(folder('backup'), folder('relay', 'control'));
    await world.startRelay();
    assert.equal((await known(world)).serial, former);
    const told = await doctor(programFile('MLC_AGENT', 'ml-agent'), world.configFile('agent'), '--json');
    assert.equal(told.checks['relay.identity'].state, 'ok', told.text);
    await world.startAgent();
    await world.connected();
    const { serial } = await identity(world);
    assert.notEqual(serial, former);
    await until('it is in the registry', async () => (await known(world)).serial === serial);
    const adopted = (await trail(world)).filter(({ event }) => event.action === 'certificate adopted').map(({ event }) => event.targetId);
    assert.deepEqual(adopted, [`certificate/${serial}`]);
    assert.match(world.relay.text(), /the registry did not know was adopted/);
  });

  await step(t, world, 'after which the former certificate is refused, also after a restart', async () => {
    await world.agent.stop();
    copy(folder('agent'), folder('agent.now'));
    copy(folder('agent.former'), folder('agent'));
    await restartRelay(world);
    await world.startAgent();
    assert.equal((await identity(world)).serial, former);
    await until('it is refused', async () => /unknown or its credentials are wrong/.test((await tunnel(world)).lastError ?? ''), { timeoutMs: 20000 });
    assert.match(world.relay.text(), /issued before the newest that is known/);
    await world.agent.stop();
  });

  await step(t, world, 'a revoked agent is not let in, whatever it shows', async () => {
    await relayCtl(world, 'revoke', world.tenant, world.agentId);
    copy(folder('agent.now'), folder('agent'));
    await world.startAgent();
    await until('it is refused', async () => /unknown or its credentials are wrong/.test((await tunnel(world)).lastError ?? ''), { timeoutMs: 20000 });
    assert.equal(await known(world), undefined);
  });
}));

/** Opens TLS in front of the relay; `inner`: speaks TLS with the relay as well. */
async function tlsProxy(world, inner) {
  const server = tls.createServer({ cert: fs.readFileSync(path.join(world.certs, 'server.pem')), key: fs.readFileSync(path.join(world.certs, 'server.key')) }, (client) => {
    const peer = inner ? tls.connect({ port: world.relayPort, host: '127.0.0.1', ca: world.ca }) : net.connect(world.relayPort, '127.0.0.1');
    for (const one of [client, peer]) one.on('error', () => { client.destroy(); peer.destroy(); });
    client.pipe(peer).pipe(client);
  });
  server.on('tlsClientError', () => {});
  const port = await freePort();
  await new Promise((resolve) => { server.listen(port, '127.0.0.1', resolve); });
  return { url: `wss://127.0.0.1:${port}/v1/tunnel`, close: () => server.close() };
}

/** What a TLS client that has no certificate is told, by both versions of TLS. */
function offered(world) {
  return ['-tls1_2', '-tls1_3'].map((version) => {
    const { stdout, stderr } = spawnSync('openssl', ['s_client', version, '-connect', `127.0.0.1:${world.relayPort}`, '-CAfile', path.join(world.certs, 'ca.pem')],
      { input: 'GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n', encoding: 'utf8', timeout: 20000 });
    assert.match(stdout, /Verification: OK/, stderr);
    return stdout;
  });
}

/** Status of a request over TLS without a certificate. */
function asked(world, method, where) {
  return new Promise((resolve, reject) => {
    https.request({ host: '127.0.0.1', port: world.relayPort, method, path: where, ca: world.ca, agent: false }, (response) => { response.resume(); resolve(response.statusCode); }).on('error', reject).end();
  });
}

test('whom the relay asks for a certificate', async (t) => alone(async (world) => {
  const nobodyNeedsOne = async () => {
    assert.equal(await asked(world, 'GET', '/healthz'), 200);
    assert.equal(await asked(world, 'POST', `/v1/webhook/${world.tenant}?secret=wrong`), 401); // the relay's word, not TLS's
  };

  await step(t, world, 'everybody, by the name of its authority, and who has none goes on without', async () => {
    for (const text of offered(world)) assert.match(text, /Acceptable client certificate CA names\n(.*\n)*?CN = ml-relay-agents\n/, text);
    await nobodyNeedsOne();
  });

  await step(t, world, 'nobody, with relay.tls_certificates = false', async () => {
    settings(world, { relay: { tls_certificates: false } });
    await restartRelay(world);
    for (const text of offered(world)) assert.match(text, /No client certificate CA names sent/, text);
    await nobodyNeedsOne();
  });

  await step(t, world, 'but for the certificates of another authority, when the configuration names one', async () => {
    settings(world, { relay: { tls_certificates: false, client_ca_file: path.join(world.certs, 'ca.pem') } });
    await restartRelay(world);
    for (const text of offered(world)) {
      assert.match(text, /Acceptable client certificate CA names\nCN = test CA\n/, text);
      assert.doesNotMatch(text, /ml-relay-agents/);
    }
    await nobodyNeedsOne();
  });
}));

test('TLS proxies in front of the relay', async (t) => alone(async (world) => {
  await step(t, world, 'a relay without TLS of its own takes the signature for proof', async () => {
    const proxy = await tlsProxy(world, false);
    settings(world, { relay: { cert_file: undefined, key_file: undefined }, agent: { url: proxy.url } });
    await restartRelay(world);
    await enrolled(world);
    await world.startAgent();
    await world.connected();
    await world.agent.stop();
    proxy.close();
  });

  await step(t, world, 'one with TLS of its own wants the certificate there, unless it is told of the proxy', async () => {
    const proxy = await tlsProxy(world, true);
    settings(world, { agent: { url: proxy.url } });
    await restartRelay(world);
    await world.startAgent();
    await until('it is refused with words', async () => /did not come with TLS/.test((await tunnel(world)).lastError ?? ''), { timeoutMs: 20000 });
    settings(world, { relay: { tls_certificates: false }, agent: { url: proxy.url } });
    await restartRelay(world);
    await world.connected();
    await world.agent.stop();
    proxy.close();
  });

  await step(t, world, 'another authority of the relay is noticed by both', async () => {
    settings(world, {});
    await world.relay.stop();
    fs.rmSync(path.join(world.dir, 'relay', 'control'), { recursive: true });
    await world.startRelay();
    await world.startAgent();
    await until('it is refused', async () => (await tunnel(world)).lastError, { timeoutMs: 20000 });
    await world.agent.stop();
    await enrolled(world);
    await world.startAgent();
    await world.connected();
  });
}));

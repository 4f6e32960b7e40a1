/*
 * "ml-agent doctor" and "ml-relay doctor": all well, and each thing that goes wrong at an installation, told by the line it
 * belongs to, with what follows from it skipped.
 */

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { agentSettings, relaySettings, writeConfig } from './lib/configs.mjs';
import { doctor, inspectingProxy, inspectionCertificate } from './lib/doctor.mjs';
import { step } from './lib/steps.mjs';
import { until } from './lib/wait.mjs';
import { World, freePort, programFile } from './lib/world.mjs';

const HOOKS = { register: true, name: 'ml-connector', interval: '1h' };
const SETTINGS = {
  customers: 3, register: false,
  agent: { flows: { suppliers: { enabled: true }, orders: { enabled: true } } },
  relay: { tenant: { webhooks: HOOKS } },
};

/** The doctor of a program, with other settings in a file of its own when given. */
function asked(world, kind, more, ...words) {
  const name = more ? `doctor-${kind}` : kind;
  if (more && kind === 'agent') writeConfig(world.configFile(name), agentSettings(world, { ...SETTINGS.agent, ...more }));
  if (more && kind === 'relay') writeConfig(world.configFile(name), relaySettings(world, more));
  return doctor(programFile(`MLC_${kind.toUpperCase()}`, `ml-${kind}`), world.configFile(name), '--json', ...words);
}

const agentDoctor = (world, more, ...words) => asked(world, 'agent', more, ...words);
const relayDoctor = (world, more, ...words) => asked(world, 'relay', more, ...words);
const tenantRelay = (world, tenant) => relayDoctor(world, { tenant: { webhooks: HOOKS, ...tenant } });
const stateOf = (answer, id) => answer.checks[id]?.state;

function assertWell(answer) {
  assert.deepEqual(answer.failed, [], answer.text);
  assert.equal(answer.status, 0, answer.text);
}

function assertFails(answer, id, words) {
  assert.equal(answer.status, 1, answer.text);
  assert.deepEqual(answer.failed, [id], answer.text);
  assert.match(answer.checks[id].detail, words);
  assert.ok(answer.checks[id].remedy, `${id} has a remedy`);
}

function assertSkipped(answer, because, ...ids) {
  for (const id of ids) {
    assert.equal(stateOf(answer, id), 'skipped', `${id}: ${answer.text}`);
    assert.match(answer.checks[id].detail, because);
  }
}

async function underFaults(sim, list, body) {
  await sim.faults(list);
  try {
    return await body();
  } finally {
    await sim.clearFaults();
  }
}

test('doctor', async (t) => World.run(SETTINGS, async (world) => {
  const { jde, dynamics } = world;
  const secrets = () => ['jde', 'dynamics', 'webhook'].map((name) => world.secret(name));
  const stepCount = async () => (await dynamics.dump('sdkmessageprocessingsteps')).length;
  await world.connected();
  await until('the webhook steps are there', async () => (await stepCount()) === 4, { timeoutMs: 15000 });

  await step(t, world, 'all is well, while both programs run and are not disturbed', async () => {
    const before = (await world.agentAdmin('GET', '/v1/status')).tunnel.reconnects;
    const agent = await agentDoctor(world);
    assertWell(agent);
    assert.match(agent.checks.store.detail, /in use by the running service/);
    assert.match(agent.checks['relay.tls'].detail, /issued by "CN=test CA"/);
    for (const table of ['F0101', 'F03012', 'F0401', 'F4211', 'F4201', 'F0116']) assert.equal(stateOf(agent, `ais.table.${table}`), 'ok', table);
    assert.equal(stateOf(agent, 'ais.table.F4106'), undefined, 'prices are not enabled');
    assert.match(agent.checks['ais.order'].detail, /the orchestration ML_CreateSalesOrder and the orchestration ML_UpdateAddress cannot be checked without making an order/);
    const relay = await relayDoctor(world);
    assertWell(relay);
    for (const name of ['token', 'user', 'read.account', 'columns.account', 'columns.salesorder', 'webhooks', 'agents']) assert.equal(stateOf(relay, `tenant.acme.${name}`), 'ok', name);
    assert.match(relay.checks.port.detail, /served by the running relay/);
    for (const secret of secrets()) assert.ok(!agent.text.includes(secret) && !relay.text.includes(secret), 'a secret is printed');
    const after = (await world.agentAdmin('GET', '/v1/status')).tunnel;
    assert.ok(after.up && after.reconnects === before, 'the tunnel was cut');
  });

  await step(t, world, 'lines for a person, and a tenant that is not there', async () => {
    const { status, text } = await doctor(programFile('MLC_RELAY', 'ml-relay'), world.configFile('relay'), 'acme');
    assert.equal(status, 0, text);
    assert.match(text, /^ok {6}configuration: .* has no faults$/m);
    assert.match(text, /\d+ ok, \d+ warn, 0 FAIL, \d+ skipped$/m);
    assert.equal((await doctor(programFile('MLC_RELAY', 'ml-relay'), world.configFile('relay'), 'nobody')).status, 1);
    assert.equal((await doctor(programFile('MLC_RELAY', 'ml-relay'), world.configFile('relay'), '--nonsense')).status, 2);
  });

  await step(t, world, 'a fault of the configuration', async () => {
    const answer = await agentDoctor(world, { ais: { timeout: 'soon' } });
    assertFails(answer, 'config', /ais\.timeout/);
    assertSkipped(answer, /"configuration"/, 'rest');
  });

  await step(t, world, 'wrong password', async () => {
    const file = path.join(world.dir, 'wrong.secret');
    const wrong = randomBytes(16).toString('hex');
    fs.writeFileSync(file, wrong, { mode: 0o600 });
    const answer = await agentDoctor(world, { ais: { password: `file:${file}` } });
    assertFails(answer, 'ais.login', /refuses user MLCONN/);
    assertSkipped(answer, /"AIS: log-in", which failed/, 'ais.table.F0101', 'ais.order');
    assert.ok(!answer.text.includes(wrong));
  });

  await step(t, world, 'wrong CA', async () => {
    const answer = await agentDoctor(world, { ais: { ca_file: path.join(world.certs, 'otherca.pem') } });
    assertFails(answer, 'ais.tls', /"CN=localhost", issued by "CN=test CA".*otherca\.pem/);
    assertSkipped(answer, /"AIS: certificate"/, 'ais.answer', 'ais.login', 'ais.table.F0101');
    assert.equal(stateOf(answer, 'relay.identity'), 'ok');
  });

  await step(t, world, 'a proxy that looks into TLS is named', async () => {
    const proxy = await inspectingProxy(inspectionCertificate(path.join(world.dir, 'inspection'), 'Corporate Inspection CA'));
    try {
      const agent = await agentDoctor(world, { relay: { proxy: proxy.url } });
      assertFails(agent, 'relay.tls', /"CN=127\.0\.0\.1", issued by "CN=Corporate Inspection CA,O=Example"/);
      assert.match(agent.checks['relay.tls'].remedy, /TLS-inspecting proxy/);
      assert.equal(stateOf(agent, 'relay.proxy'), 'ok');
      const relay = await tenantRelay(world, { dynamics: { proxy: proxy.url } });
      assert.match(relay.checks['tenant.acme.dynamics.tls'].detail, /Corporate Inspection CA/);
      assert.match(relay.checks['tenant.acme.entra.tls'].detail, /Corporate Inspection CA/);
      assert.ok(proxy.seen.length >= 3);
    } finally {
      proxy.close();
    }
  });

  await step(t, world, 'the proxy is down', async () => {
    const port = await freePort();
    const file = path.join(world.dir, 'proxy.secret');
    fs.writeFileSync(file, 'tiger-secret', { mode: 0o600 });
    const answer = await agentDoctor(world, { relay: { proxy: `http://127.0.0.1:${port}`, proxy_user: 'user', proxy_password: `file:${file}` } });
    assertFails(answer, 'relay.proxy', /is not reached/);
    assertSkipped(answer, /"relay: proxy"/, 'relay.tls', 'relay.answer', 'relay.identity');
    assert.ok(!answer.text.includes('tiger-secret'));
  });

  await step(t, world, 'a table may not be read', async () => {
    const rule = { match: { path: 'dataservice', body: '"F0116"' }, kind: 'status', code: 403 };
    const agent = await underFaults(jde, [rule], () => agentDoctor(world));
    assertFails(agent, 'ais.table.F0116', /403/);
    assert.match(agent.checks['ais.table.F0116'].remedy, /MLCONN the right to read F0116/);
    assert.equal(stateOf(agent, 'ais.table.F0101'), 'ok');
    const bodyText = JSON.stringify({ error: { code: '0x80040220', message: 'missing prvReadContact privilege' } });
    const relay = await underFaults(dynamics, [{ match: { path: '/contacts\\?\\$select=contactid' }, action: 'status', status: 403, bodyText }], () => relayDoctor(world));
    assertFails(relay, 'tenant.acme.read.contact', /prvReadContact/);
    assert.match(relay.checks['tenant.acme.read.contact'].remedy, /privilege Read on contact/);
  });

  await step(t, world, 'the client secret has expired', async () => {
    const bodyText = JSON.stringify({ error: 'invalid_client', error_description: 'AADSTS7000222: The provided client secret keys are expired.' });
    const answer = await underFaults(dynamics, [{ match: { path: 'oauth2/v2.0/token' }, action: 'status', status: 401, bodyText }], () => relayDoctor(world));
    assertFails(answer, 'tenant.acme.token', /AADSTS7000222/);
    assert.match(answer.checks['tenant.acme.token'].remedy, /has expired/);
    assertSkipped(answer, /"acme: token of Entra ID", which failed/, 'tenant.acme.user', 'tenant.acme.read.account', 'tenant.acme.columns.account', 'tenant.acme.webhooks');
    assert.equal(stateOf(answer, 'tenant.acme.agents'), 'ok');
  });

  await step(t, world, 'columns and a key are missing', async () => {
    const answer = await tenantRelay(world, { dynamics: { prefix: 'other_' } });
    assert.equal(answer.status, 1);
    assert.match(answer.checks['tenant.acme.columns.account'].detail, /other_sourcerecordid: is missing/);
    assert.match(answer.checks['tenant.acme.columns.account'].detail, /other_openbalance: is missing \(mapping of customers, line \d+\)/);
    assert.match(answer.checks['tenant.acme.columns.salesorder'].detail, /other_jdeordernumber: is missing/);
    assert.match(answer.checks['tenant.acme.columns.contact'].detail, /there is no alternate key on it/);
  });

  await step(t, world, 'a key is not active', async () => {
    await dynamics.config({ keyStatus: { ml_accountnumber_key: 'Failed' } });
    const answer = await relayDoctor(world);
    await dynamics.config({ keyStatus: {} });
    assertWell(answer);
    assert.equal(stateOf(answer, 'tenant.acme.columns.account'), 'warn');
    assert.match(answer.checks['tenant.acme.columns.account'].detail, /accountnumber: its alternate key is Failed/);
  });

  await step(t, world, 'a webhook step was deleted', async () => {
    const [first] = await dynamics.dump('sdkmessageprocessingsteps');
    await dynamics.api('DELETE', `sdkmessageprocessingsteps(${first.sdkmessageprocessingstepid})`);
    const answer = await relayDoctor(world);
    assertFails(answer, 'tenant.acme.webhooks', /missing/);
    assert.ok(answer.checks['tenant.acme.webhooks'].detail.includes(first.name));
    assert.equal(await stepCount(), 3, 'the doctor changes nothing');
  });

  await step(t, world, 'clocks are apart', async () => {
    await jde.post('clock', { offsetMs: 600000 });
    const far = await agentDoctor(world);
    await jde.post('clock', { offsetMs: 60000 });
    const near = await agentDoctor(world);
    await jde.post('clock', {});
    assertFails(far, 'ais.clock', /AIS is (59\d|600) s ahead of this machine/);
    assert.equal(stateOf(far, 'ais.table.F0101'), 'ok');
    assertWell(near);
    assert.equal(stateOf(near, 'ais.clock'), 'warn');
    assert.equal(stateOf(near, 'relay.clock'), 'ok');
  });

  await step(t, world, 'a peer that does not answer takes no more than the time given', async () => {
    const rule = { match: { path: 'tokenrequest' }, kind: 'slow', ms: 20000 };
    const answer = await underFaults(jde, [rule], () => agentDoctor(world, undefined, '--timeout', '3'));
    assertFails(answer, 'ais.login', /no answer in the time given/);
  });

  await step(t, world, 'without the service the relay is asked whether it would let this agent in', async () => {
    await world.agent.stop();
    assertWell(await agentDoctor(world));
    const answer = await agentDoctor(world);
    assert.match(answer.checks['relay.identity'].detail, /accepts agent-1 of tenant acme/);
    assert.match(answer.checks.store.detail, /not in use/);
    const relay = await relayDoctor(world);
    assert.match(relay.checks['tenant.acme.agents'].detail, /agent-1 is enrolled and not connected/);
    await world.relayAdmin('POST', '/v1/revoke', { agent: world.agentId });
    assertFails(await agentDoctor(world), 'relay.identity', /refuses agent-1/);
  });

  await step(t, world, 'the relay is down', async () => {
    await world.relay.stop();
    const relay = await relayDoctor(world);
    assert.match(relay.checks.port.detail, /is free/);
    assertSkipped(relay, /"running relay", which was skipped/, 'tenant.acme.agents');
    const agent = await agentDoctor(world, { relay: { url: `wss://127.0.0.1:${await freePort()}/v1/tunnel` } });
    assertFails(agent, 'relay.connect', /connect/i);
    assertSkipped(agent, /"relay: connection"/, 'relay.identity');
  });
}));

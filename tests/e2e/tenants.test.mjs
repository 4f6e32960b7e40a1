/*
 * Several tenants on one relay: nothing crosses from one to another, a broken or noisy one does not stop the others, and
 * tenants come, change and go while the relay runs.
 *
 *   acme (the world's own): normal. noisy: floods. broken: its store is damaged. faulty: its secret is missing.
 */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import fs from 'node:fs';
import https from 'node:https';
import path from 'node:path';
import test from 'node:test';
import { auditGaps } from './lib/audit.mjs';
import { customerFaults, settled } from './lib/compare.mjs';
import { agentSettings, writeConfig } from './lib/configs.mjs';
import { exchange, socketClient } from './lib/http.mjs';
import { viewOf } from './lib/site.mjs';
import { step } from './lib/steps.mjs';
import { setting, sleep, until } from './lib/wait.mjs';
import { programFile, World } from './lib/world.mjs';

const CUSTOMERS = setting('MLC_TENANT_CUSTOMERS', 150);
const ORDERS = setting('MLC_TENANT_ORDERS', 15);
const NOISY_CUSTOMERS = setting('MLC_TENANT_NOISY_CUSTOMERS', 400);

const OPTIONS = {
  customers: CUSTOMERS, items: 50, products: 50,
  relay: { relay: { tenant_retry: '500ms' } },
  sites: [
    {
      tenant: 'noisy', customers: NOISY_CUSTOMERS,
      relay: {
        mtls_agents: ['certified-of-noisy'], limits: { webhooks_per_second: 5, webhook_burst: 10, messages_per_second: 200 },
        dynamics: { timeout: '20s', parallel: 4 },
      },
    },
    { tenant: 'broken', bare: true },
    { tenant: 'faulty', bare: true, relay: { webhook_secret: 'file:/nowhere/at/all' } },
  ],
  beforeRelay(world) {
    world.options.relay.relay.client_ca_file = path.join(world.certs, 'ca.pem');
    world.writeConfigs();
    fs.mkdirSync(storeOf(world, 'broken'), { recursive: true });
    fs.writeFileSync(path.join(storeOf(world, 'broken'), 'data.mdb'), randomBytes(64 * 1024));
  },
};

const storeOf = (world, tenant) => path.join(world.dir, 'relay', 'tenants', tenant);

const siteOf = (world, tenant) => world.sites.find((site) => site.tenant === tenant);

const statusOf = async (world, tenant) => (await world.relayAdmin('GET', '/v1/status')).tenants[tenant];

function eventBody(more = {}, orderId = randomUUID()) {
  return JSON.stringify({
    MessageName: 'ConvertQuoteToSalesOrder', PrimaryEntityName: 'quote', PrimaryEntityId: randomUUID(),
    OperationId: randomUUID(), CorrelationId: randomUUID(), InputParameters: [],
    OutputParameters: [{ key: 'Entity', value: { LogicalName: 'salesorder', Id: orderId } }], ...more,
  });
}

/** A webhook as it stands in the address line, whatever that is: { status, headers, text } */
function sendWebhook(world, address, { body = eventBody(), agent = false, headers = {} } = {}) {
  return exchange(https, {
    host: '127.0.0.1', port: world.relayPort, ca: world.ca, agent, method: 'POST', path: address,
    headers: { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body), ...headers },
  }, body);
}

const webhook = (world, tenant, secret, more) => sendWebhook(world, `/v1/webhook/${tenant}?code=${secret}`, more);

/** How many events its intake has had. */
async function eventsOf(world, tenant) {
  const { stores } = await world.relayAdmin('GET', '/v1/status');
  return stores.find(({ name }) => name === tenant).streams.find(({ name }) => name === 'intake').nextSeq - 1;
}

/** An order of acme that is in JDE already: an event of it changes nothing. */
async function knownOrder(world) {
  const [row] = await world.dynamics.dump('salesorders');
  return row.salesorderid;
}

async function refuses(promise, status) {
  await assert.rejects(promise, (error) => error.status === status || assert.fail(`${error.message}, expected ${status}`));
}

// --- crossings --------------------------------------------------------------------

async function webhookCrossings(world) {
  const noisy = siteOf(world, 'noisy');
  const [mine, other] = [world.secret('webhook'), noisy.secret('webhook')];
  const before = [await eventsOf(world, 'acme'), await eventsOf(world, 'noisy')];
  const names = ['noisy', 'NOISY', 'Noisy', 'noisy.', 'noisy/', 'noisy//', '/noisy', './noisy', 'acme/../noisy', 'acme%2f..%2fnoisy', '%6eoisy', 'noisy%00', 'noisy%00acme',
    'acme%00noisy', 'noisy%20', 'noisy;acme', 'noisy%3fcode=x', 'noisy?code=x&tenant=noisy', '..%2f..%2fnoisy', 'acme,noisy', ''];
  for (const name of names) {
    for (const address of [`/v1/webhook/${name}${name.includes('?') ? '&' : '?'}code=${mine}`, `/v1/webhook/${name}?code=${mine}&code=${mine}`]) {
      const { status } = await sendWebhook(world, address).catch((error) => ({ status: error.message }));
      assert.ok(typeof status === 'string' || (status >= 400 && status < 500), `${address.replace(mine, 'SECRET')} gave ${status}`);
    }
  }
  assert.equal((await sendWebhook(world, '/v1/webhook/noisy', { headers: { 'x-ml-webhook-secret': mine } })).status, 401);
  assert.equal((await webhook(world, 'acme', other)).status, 401);
  assert.equal((await webhook(world, 'acme', '')).status, 401);
  assert.equal((await webhook(world, 'unknown', mine)).status, 401);
  assert.deepEqual([await eventsOf(world, 'acme'), await eventsOf(world, 'noisy')], before);
  // What a body says of a tenant counts for nothing.
  const body = eventBody({ tenant: 'noisy', OrganizationName: 'noisy', SharedVariables: [{ key: 'tenant', value: 'noisy' }] }, await knownOrder(world));
  assert.equal((await webhook(world, 'acme', mine, { body })).status, 200);
  assert.deepEqual([await eventsOf(world, 'acme'), await eventsOf(world, 'noisy')], [before[0] + 1, before[1]]);
  const { entries } = await world.relayAdmin('GET', '/v1/parked?store=noisy');
  assert.deepEqual(entries, []);
}

async function enrolmentCrossings(world) {
  const noisy = siteOf(world, 'noisy');
  const issue = (tenant, agent) => world.relayAdmin('POST', '/v1/enroll-tokens', { tenant, agent });
  const enroll = (token, agent) => sendWebhook(world, '/v1/enroll', { body: JSON.stringify({ token, agent, key: randomBytes(32).toString('base64') }) });
  // A name that another tenant has, by key and by certificate.
  await refuses(issue('acme', noisy.agentId), 409);
  await refuses(issue('acme', 'certified-of-noisy'), 409);
  await refuses(issue('unknown', 'agent-x'), 404);
  // A token of one tenant for an agent of another.
  const { token } = await issue('acme', 'agent-x');
  const answer = await enroll(token, noisy.agentId);
  assert.equal(answer.status, 403);
  assert.doesNotMatch(answer.text, /noisy/);
  assert.equal((await enroll(token, 'certified-of-noisy')).status, 403);
  // The agents are who they were.
  const { agents } = await world.relayAdmin('GET', '/v1/agents');
  assert.deepEqual(agents.map(({ id, tenant }) => `${tenant}: ${id}`).sort(), ['acme: agent-1', 'noisy: agent-of-noisy', 'noisy: certified-of-noisy']);
}

/** An agent with the certificate "agent-1" that says it is somebody else must be refused. */
async function certificateCrossing(world, claimed, name) {
  const dir = path.join(world.dir, name);
  fs.mkdirSync(dir);
  const site = {
    agentId: claimed, tenant: 'noisy', dir, agentSocket: path.join(dir, 'agent.sock'), cutter: world.cutter, certs: world.certs, jde: world.jde,
    secretFile: (secret) => world.secretFile(secret),
  };
  const certificate = { client_cert_file: path.join(world.certs, 'client.pem'), client_key_file: path.join(world.certs, 'client.key') };
  writeConfig(world.configFile(name), agentSettings(site, { relay: certificate }));
  const program = world.program(name, 'MLC_AGENT', 'ml-agent');
  const admin = socketClient(site.agentSocket);
  program.start();
  const { tunnel } = await until(`the agent ${claimed} is refused`, async () => {
    const status = await admin('GET', '/v1/status');
    assert.ok(!status.tunnel.up, `the certificate of agent-1 was taken for ${claimed}`);
    return status.tunnel.lastError ? status : undefined;
  }, { timeoutMs: 20000 });
  assert.match(tunnel.lastError, /unknown or its credentials are wrong/);
  await program.stop();
}

// --- noise ------------------------------------------------------------------------

/** Webhooks as fast as they go, changes of all customers over and over, and a Dynamics that takes 5 s for each answer. */
async function makeNoise(world) {
  const site = siteOf(world, 'noisy');
  const agent = new https.Agent({ keepAlive: true, maxSockets: 8 });
  const statuses = {};
  let over = false;
  const flood = async () => {
    while (!over) {
      const { status, headers } = await webhook(world, 'noisy', site.secret('webhook'), { agent }).catch((error) => ({ status: error.code ?? error.message, headers: {} }));
      statuses[status] = (statuses[status] ?? 0) + 1;
      if (status === 503) assert.ok(Number(headers['retry-after']) >= 1, 'a refused webhook is told when to come again');
    }
  };
  const touch = async () => {
    for (let round = 1; !over; round += 1) {
      await site.jde.touch({ table: 'F0101', from: 6001, to: 6000 + NOISY_CUSTOMERS, fields: { ALPH: `Noise ${round} {key}` } });
      await sleep(300);
    }
  };
  await site.dynamics.faults([{ match: { path: '.' }, action: 'slow', delayMs: 5000 }]);
  const work = [...Array.from({ length: 8 }, flood), touch()].map((one) => (typeof one === 'function' ? one() : one));
  return {
    statuses,
    async stop() {
      over = true;
      await Promise.all(work);
      agent.destroy();
      await site.dynamics.clearFaults();
    },
  };
}

/** All customers of acme change and orders come in; gives the milliseconds until both sides are equal. */
async function workOfAcme(world, label) {
  const begun = Date.now();
  await world.jde.touch({ table: 'F0101', from: 6001, to: 6000 + CUSTOMERS, fields: { ALPH: `${label} {key}` } });
  await world.dynamics.sell(ORDERS);
  await settled(viewOf(world), { timeoutMs: 120000 });
  return Date.now() - begun;
}

// --- reload -----------------------------------------------------------------------

function reload(world) {
  world.relay.child.kill('SIGHUP');
}

async function reloaded(world, what, check) {
  world.writeConfigs();
  reload(world);
  await until(what, check, { timeoutMs: 20000 });
}

function seal(world, settingName, text) {
  const key = path.join(world.dir, 'relay', 'root.key');
  const made = spawnSync(programFile('MLC_RELAY', 'ml-relay'), ['seal', '--key-file', key, '--setting', settingName], { input: `${text}\n`, encoding: 'utf8' });
  assert.equal(made.status, 0, made.stderr);
  assert.match(made.stdout, /^sealed:[A-Za-z0-9+/=]+\n$/);
  return made.stdout.trim();
}

const logins = async (site) => (await site.dynamics.stats()).tokensIssued;

test('tenants', async (t) => World.run(OPTIONS, async (world) => {
  const noisy = siteOf(world, 'noisy');
  const broken = siteOf(world, 'broken');

  await step(t, world, 'a broken and a faulty tenant do not keep the others from starting, and are told with their reason', async () => {
    await Promise.all([settled(viewOf(world)), settled(viewOf(world, noisy))]);
    await world.dynamics.sell(1);
    await settled(viewOf(world));
    assert.equal((await statusOf(world, 'acme')).open, true);
    const [one, two] = [await statusOf(world, 'broken'), await statusOf(world, 'faulty')];
    assert.equal(one.open, false);
    assert.match(one.why, /broken/);
    assert.equal(two.open, false);
    assert.match(two.why, /webhook_secret.*\/nowhere\/at\/all/);
    await assert.rejects(world.relayAdmin('GET', '/healthz'), /503.*tenant broken is not open/);
    assert.equal((await exchange(https, { host: '127.0.0.1', port: world.relayPort, ca: world.ca, agent: false, path: '/healthz' })).status, 200);
    assert.equal((await webhook(world, 'broken', broken.secret('webhook'))).status, 503);
    assert.equal((await webhook(world, 'broken', world.secret('webhook'))).status, 401);
    assert.equal((await webhook(world, 'faulty', '')).status, 401);
  });

  await step(t, world, 'a check of the configuration calls it a fault', async () => {
    const checked = spawnSync(programFile('MLC_RELAY', 'ml-relay'), ['--check-config', world.configFile('relay')], { encoding: 'utf8' });
    assert.equal(checked.status, 1);
    assert.match(checked.stderr, /tenants\[3\]\.webhook_secret: cannot open \/nowhere\/at\/all/);
  });

  await step(t, world, 'no webhook reaches a tenant with the secret of another', async () => webhookCrossings(world));

  await step(t, world, 'no token of one tenant enrols an agent of another', async () => enrolmentCrossings(world));

  await step(t, world, 'no certificate of one agent serves another, nor one that has a key', async () => {
    await certificateCrossing(world, 'certified-of-noisy', 'intruder-certificate');
    await certificateCrossing(world, 'agent-1', 'intruder-key');
  });

  await step(t, world, 'each tenant holds its own records only', async () => {
    await world.jde.touch({ table: 'F0101', keys: [6001], fields: { ALPH: 'Only at acme' } });
    await until('acme has it', async () => (await world.dynamics.account(6001)).name === 'Only at acme', { timeoutMs: 20000 });
    assert.notEqual((await noisy.dynamics.account(6001)).name, 'Only at acme');
  });

  await step(t, world, 'a flood of one tenant does not keep the work of another from being done', async () => {
    const alone = await workOfAcme(world, 'Alone');
    const noise = await makeNoise(world);
    await sleep(1500);
    const beside = await workOfAcme(world, 'Beside').finally(noise.stop);
    const figures = { alone, beside, ratio: Number((beside / alone).toFixed(2)), webhooks: noise.statuses };
    console.log(`# acme: ${CUSTOMERS} customers, ${ORDERS} orders: ${JSON.stringify(figures)}`);
    assert.ok(noise.statuses[200] > 0, `some webhooks are taken: ${JSON.stringify(noise.statuses)}`);
    assert.ok(noise.statuses[503] > 0, `some webhooks are over the quota: ${JSON.stringify(noise.statuses)}`);
    const { webhookQuota } = await statusOf(world, 'noisy');
    assert.ok(webhookQuota.refused > 0);
    assert.equal((await statusOf(world, 'acme')).webhookQuota.refused, 0);
    const metrics = (await exchange((await import('node:http')).default, { socketPath: world.relaySocket, path: '/metrics', agent: false })).text;
    assert.match(metrics, /ml_tenant_open\{tenant="broken"\} 0/);
    assert.match(metrics, /ml_tenant_webhooks_total\{tenant="noisy",quota="refused"\} [1-9]/);
  });

  await step(t, world, 'a tenant whose store is cured is opened without a restart', async () => {
    // The relay opens it again and again meanwhile.
    fs.rmSync(storeOf(world, 'broken'), { recursive: true, maxRetries: 10, retryDelay: 50 });
    await until('it is open', async () => (await statusOf(world, 'broken')).open, { timeoutMs: 20000 });
    assert.equal((await webhook(world, 'broken', broken.secret('webhook'))).status, 200);
  });

  await step(t, world, 'a new secret counts after a reload, also one that is sealed; the others go on', async () => {
    const old = world.secret('webhook');
    const before = { noisy: await logins(noisy), broken: (await statusOf(world, 'broken')).token };
    const body = eventBody({}, await knownOrder(world));
    const fresh = randomBytes(16).toString('hex');
    world.options.relay.tenant = { webhook_secret: seal(world, 'tenants[acme].webhook_secret', fresh) };
    await reloaded(world, 'the new secret is taken', async () => (await webhook(world, 'acme', fresh, { body })).status === 200);
    assert.equal((await webhook(world, 'acme', old)).status, 401);
    await world.dynamics.registerWebhook(`https://127.0.0.1:${world.relayPort}/v1/webhook/acme`, fresh);
    await world.jde.touch({ table: 'F0101', keys: [6002], fields: { ALPH: 'After the reload' } });
    await until('the agent goes on', async () => (await world.dynamics.account(6002)).name === 'After the reload', { timeoutMs: 30000 });
    assert.equal(await logins(noisy), before.noisy, 'the other tenant was not opened anew');
  });

  await step(t, world, 'a value that was sealed for one tenant is of no use to another, which goes on as before', async () => {
    noisy.options.relay.webhook_secret = world.options.relay.tenant.webhook_secret;
    await reloaded(world, 'it is told', async () => /former settings.*sealed/s.test((await statusOf(world, 'noisy')).why ?? ''));
    assert.equal((await statusOf(world, 'noisy')).open, true);
    assert.notEqual((await webhook(world, 'noisy', noisy.secret('webhook'))).status, 401);
    delete noisy.options.relay.webhook_secret;
  });

  await step(t, world, 'a tenant that leaves the configuration is closed, and one that comes is opened', async () => {
    world.sites.splice(world.sites.indexOf(siteOf(world, 'faulty')), 1);
    world.sites.splice(world.sites.indexOf(broken), 1);
    await reloaded(world, 'it is gone', async () => (await statusOf(world, 'broken')) === undefined);
    assert.equal((await webhook(world, 'broken', broken.secret('webhook'))).status, 401);
    assert.equal((await world.relayAdmin('GET', '/healthz')).ok, true);
    const { stores } = await world.relayAdmin('GET', '/v1/status');
    assert.deepEqual(stores.map(({ name }) => name).sort(), ['acme', 'noisy']);
    world.sites.push(broken);
    await reloaded(world, 'it is back', async () => (await statusOf(world, 'broken'))?.open);
    assert.equal((await webhook(world, 'broken', broken.secret('webhook'))).status, 200);
    await until('noisy works', async () => (await noisy.agentAdmin('GET', '/v1/status')).tunnel.up, { timeoutMs: 30000 });
  });

  await step(t, world, 'the noisy tenant lost none of its records to its limits', async () => {
    await until('its customers are equal', async () => {
      const faults = await customerFaults(noisy);
      if (faults.length > 0) throw new Error(`${faults.length} faults: ${faults[0]}`);
      return true;
    }, { timeoutMs: 60000, everyMs: 500 });
  });

  await step(t, world, 'the audit trails explain each record of the normal tenant', async () => {
    await settled(viewOf(world));
    assert.deepEqual(await auditGaps(viewOf(world)), []);
  });
}));

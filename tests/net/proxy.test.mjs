/*
 * Everything that goes out, through a company's proxy (Squid): the tunnel, AIS, Entra ID and Dynamics, with each sign-in a
 * proxy may want; refusals, exceptions, the environment, and a proxy that looks into TLS.
 */

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { settled } from '../e2e/lib/compare.mjs';
import { doctor } from '../e2e/lib/doctor.mjs';
import { step } from '../e2e/lib/steps.mjs';
import { until } from '../e2e/lib/wait.mjs';
import { World, programFile } from '../e2e/lib/world.mjs';
import { Realm } from './lib/kerberos.mjs';
import { Squid } from './lib/squid.mjs';

const PATIENCE = { timeoutMs: 20000 };

/** Settings of a group that goes out through this proxy. */
const through = (squid, more = {}) => ({
  proxy: squid.url, ...(squid.auth.length > 0 ? { proxy_user: squid.user, proxy_password: `file:${squid.passwordFile}` } : {}), ...more,
});

/** Both programs anew, all of their ways with these settings of the proxy. */
async function restart(world, proxy, { agent = {}, env = {}, named = {}, relay = {} } = {}) {
  await world.agent.stop();
  await world.relay.stop();
  world.writeConfigs({ agent: { relay: { ...proxy, ...agent, ...named.relay }, ais: { ...proxy, ...agent, ...named.ais } }, relay: { relay, tenant: { dynamics: proxy } } });
  for (const program of [world.agent, world.relay]) Object.assign(program.env, env);
  await world.startRelay();
  await world.startAgent();
}

const lastError = async (world) => (await world.agentAdmin('GET', '/v1/status')).tunnel.lastError ?? '';

async function travels(world, name) {
  await world.connected();
  await world.jde.touch({ table: 'F0101', keys: [6003], fields: { ALPH: name } });
  await until(`"${name}" is in Dynamics`, async () => (await world.dynamics.account(6003)).name === name, PATIENCE);
}

/** The connections that the proxy made, by their far ends: Set of "host:port". Squid writes a line when one has ended. */
async function reached(world, squid, scheme, user) {
  await world.agent.stop();
  await world.relay.stop();
  const good = (one) => one.method === 'CONNECT' && one.status === 200 && (scheme === undefined || one.scheme === scheme) && (user === undefined || one.user === user);
  return new Set(squid.requests().filter(good).map(({ target }) => target));
}

async function assertAllReached(world, squid, scheme, user) {
  const ends = await reached(world, squid, scheme, user);
  for (const end of farEnds(world)) assert.ok(ends.has(end), `${end} is reached through the proxy: ${[...ends]}`);
}

const farEnds = (world) => [world.cutter.port, world.jde.port, world.dynamics.port].map((port) => `127.0.0.1:${port}`);

async function withSquid(options, body) {
  const squid = await new Squid(options).start();
  try {
    await body(squid);
  } catch (error) {
    error.message += `\n${JSON.stringify(squid.requests().slice(-10))}\n${squid.cacheLog()}`;
    throw error;
  } finally {
    await squid.stop();
  }
}

function assertNoPassword(world, squid) {
  for (const program of [world.agent, world.relay]) assert.ok(!program.text().includes(squid.password), `${program.name} logs the password`);
}

/** The world is made through its first proxy. */
async function withWorld(body) {
  await withSquid({ auth: ['ntlm'] }, async (squid) => {
    const proxy = through(squid);
    await World.run({ customers: 5, agent: { relay: proxy, ais: proxy }, relay: { tenant: { dynamics: proxy } } }, (world) => body(world, squid));
  });
}

test('proxy', async (t) => withWorld(async (world, first) => {
  await step(t, world, 'enrolment and all that follows, with a sign-in by NTLM', async () => {
    await settled(world);
    await travels(world, 'By NTLM and any');
    await assertAllReached(world, first, 'NTLM', first.user);
    assert.ok(first.requests().filter(({ target, status }) => target === farEnds(world)[0] && status === 200).length >= 2, 'the enrolment and the tunnel');
    assertNoPassword(world, first);
  });

  for (const [scheme, name, proxyAuth] of [['basic', 'Basic', 'any'], ['digest', 'Digest', 'any'], ['ntlm', 'NTLM', 'ntlm'], ['basic', 'Basic', 'basic']]) {
    await step(t, world, `sign-in by ${name}, proxy_auth = "${proxyAuth}"`, async () => withSquid({ auth: [scheme] }, async (squid) => {
      await restart(world, through(squid, { proxy_auth: proxyAuth }));
      await travels(world, `By ${name} and ${proxyAuth}`);
      await assertAllReached(world, squid, name, squid.user);
      assertNoPassword(world, squid);
    }));
  }

  await step(t, world, 'of all that a proxy offers a strong sign-in is taken, and a cut tunnel comes back', async () => withSquid({ auth: ['ntlm', 'digest', 'basic'] }, async (squid) => {
    // All three know the user by another name: this is of Digest and Basic.
    await restart(world, through(squid, { proxy_user: 'jane' }));
    await travels(world, 'All are offered');
    const { reconnects } = (await world.agentAdmin('GET', '/v1/status')).tunnel;
    world.cutter.cut();
    await until('the tunnel went through the proxy again', async () => (await world.agentAdmin('GET', '/v1/status')).tunnel.reconnects > reconnects, PATIENCE);
    await travels(world, 'After the cut');
    await assertAllReached(world, squid, 'Digest', 'jane');
    assert.equal((await reached(world, squid, 'Basic')).size, 0);
  }));

  await step(t, world, 'Negotiate: by the ticket of the service, and what is said without one', async () => {
    const realm = await new Realm().start();
    try {
      await withSquid({ auth: ['negotiate'], host: 'localhost', keytab: realm.keytab, env: { KRB5_CONFIG: realm.config } }, async (squid) => {
        await restart(world, { proxy: squid.url }, { env: realm.env });
        await travels(world, 'By a ticket');
        await assertAllReached(world, squid, 'Negotiate', 'agent@CORP.EXAMPLE');
        await restart(world, { proxy: squid.url, proxy_auth: 'negotiate' });
        await travels(world, 'By a ticket, at once');
        await restart(world, { proxy: squid.url }, { env: realm.strangerEnv });
        await until('the refusal is told', async () => /wants a sign-in \(407\) and offers Negotiate; give the service's user a Kerberos ticket/.test(await lastError(world)), PATIENCE);
      });
    } finally {
      await realm.stop();
      for (const program of [world.agent, world.relay]) for (const name of Object.keys(realm.env)) delete program.env[name];
    }
  });

  await step(t, world, 'a wrong password: told once more and then seldom, since a directory locks an account', async () => withSquid({ auth: ['ntlm'] }, async (squid) => {
    const wrong = path.join(world.dir, 'wrong-proxy.secret');
    const word = randomBytes(12).toString('hex');
    fs.writeFileSync(wrong, word, { mode: 0o600 });
    await restart(world, through(squid), { agent: { proxy_password: `file:${wrong}` } });
    await until('the refusal is told', async () => /wants a sign-in \(407\) and offers NTLM; correct proxy_user and proxy_password/.test(await lastError(world)), PATIENCE);
    await until('the next attempt is far', () => /"inMs":9\d{5}[,}]/.test(world.agent.text()), PATIENCE);
    const answer = await doctor(programFile('MLC_AGENT', 'ml-agent'), world.configFile('agent'), '--json');
    assert.equal(answer.checks['relay.proxy'].state, 'fail', answer.text);
    assert.match(answer.checks['relay.proxy'].detail, /wants a sign-in for CONNECT to 127\.0\.0\.1:\d+ \(407\) and offers NTLM/);
    assert.match(answer.checks['relay.proxy'].remedy, /^in relay: correct proxy_user and proxy_password/);
    assert.ok(!answer.text.includes(word) && !world.agent.text().includes(word), 'the password is told');
  }));

  await step(t, world, 'no user, and a proxy that wants one: what it offers is told', async () => withSquid({ auth: ['digest', 'basic'] }, async (squid) => {
    await restart(world, through(squid), { agent: { proxy_user: undefined, proxy_password: undefined } });
    await until('the refusal is told', async () => /offers Digest, Basic; set proxy_user and proxy_password/.test(await lastError(world)), PATIENCE);
    const answer = await doctor(programFile('MLC_AGENT', 'ml-agent'), world.configFile('agent'), '--json');
    assert.match(answer.checks['ais.proxy'].detail, /offers Digest, Basic/);
    assert.match(answer.checks['ais.proxy'].remedy, /^in ais: set proxy_user and proxy_password/);
  }));

  await step(t, world, 'a sign-in that is named is the only one', async () => withSquid({ auth: ['basic'] }, async (squid) => {
    await restart(world, through(squid), { agent: { proxy_auth: 'digest' } });
    await until('the refusal is told', async () => /offers Basic; set proxy_auth to a sign-in that it offers/.test(await lastError(world)), PATIENCE);
    assert.equal((await reached(world, squid, 'Basic')).has(farEnds(world)[0]), false);
  }));

  await step(t, world, 'the proxy does not let us go there', async () => withSquid({ allow: ['acl relay port 1', 'http_access deny CONNECT !relay'] }, async (squid) => {
    await restart(world, {}, { agent: through(squid) });
    await until('the refusal is told', async () => /answers 403; have it allow CONNECT/.test(await lastError(world)), PATIENCE);
  }));

  await step(t, world, 'from the environment, with exceptions', async () => withSquid({ auth: ['basic'] }, async (squid) => {
    const env = { HTTPS_PROXY: squid.url.replace('//', `//jane:${squid.password}@`), NO_PROXY: 'ais.corp.example' };
    await restart(world, { proxy: 'from_environment' }, { env });
    await travels(world, 'From the environment');
    await assertAllReached(world, squid, 'Basic', 'jane');
    const before = squid.requests().length;
    await restart(world, { proxy: 'from_environment' }, { env: { NO_PROXY: '127.0.0.0/8' } });
    await travels(world, 'Past the proxy');
    await world.agent.stop();
    await world.relay.stop();
    assert.equal(squid.requests().length, before);
    for (const program of [world.agent, world.relay]) for (const name of Object.keys(env)) delete program.env[name];
    assertNoPassword(world, squid);
  }));

  await step(t, world, 'AIS past the proxy, the relay through it', async () => withSquid({}, async (squid) => {
    await restart(world, through(squid), { agent: { no_proxy: `localhost,127.0.0.2` } });
    await travels(world, 'Not excepted');
    assert.ok((await reached(world, squid)).has(farEnds(world)[1]));
    world.writeConfigs({ agent: { relay: through(squid), ais: through(squid, { no_proxy: '127.0.0.1' }) } });
    const before = squid.requests().length;
    await world.startRelay();
    await world.startAgent();
    await travels(world, 'Excepted');
    await world.agent.stop();
    const since = squid.requests().slice(before).map(({ target }) => target);
    assert.ok(since.includes(farEnds(world)[0]), 'the tunnel goes through the proxy');
    assert.ok(!since.includes(farEnds(world)[1]), 'AIS does not');
  }));

  await step(t, world, 'a proxy that looks into TLS: named with its issuer, and possible when its authority is trusted', async () => withSquid({ inspect: { ca: path.join(world.certs, 'ca.pem') } }, async (squid) => {
    // By their names: for an address Squid makes a certificate without it.
    const named = { relay: { url: `wss://localhost:${world.cutter.port}/v1/tunnel` }, ais: { url: `https://localhost:${world.jde.port}` } };
    await restart(world, {}, { agent: through(squid), named });
    await until('the issuer is told', async () => /issued by "CN=Corporate Inspection CA,O=Example".*TLS-inspecting proxy.*exempt localhost.*relay\.ca_file/.test(await lastError(world)), PATIENCE);
    const answer = await doctor(programFile('MLC_AGENT', 'ml-agent'), world.configFile('agent'), '--json');
    for (const way of ['relay', 'ais']) {
      assert.equal(answer.checks[`${way}.tls`].state, 'fail', answer.text);
      assert.match(answer.checks[`${way}.tls`].detail, /Corporate Inspection CA/);
    }
    const trusting = { agent: through(squid, { ca_file: squid.file('ca.pem') }), named };
    await restart(world, {}, trusting);
    await until('the relay misses the certificate of the agent in TLS', async () => /did not come with TLS.*relay\.tls_certificates/.test(await lastError(world)), PATIENCE);
    await restart(world, {}, { ...trusting, relay: { tls_certificates: false } });
    await travels(world, 'Inspected');
  }));
}));

/*
 * No IPv4 anywhere: listening, names, addresses as they stand in URLs, certificates for them, and a proxy.
 */

import assert from 'node:assert/strict';
import path from 'node:path';
import test from 'node:test';
import { settled } from '../e2e/lib/compare.mjs';
import { step } from '../e2e/lib/steps.mjs';
import { until } from '../e2e/lib/wait.mjs';
import { programFile } from '../e2e/lib/world.mjs';
import { skipUnlessPossible } from './lib/network.mjs';
import { PlacedWorld } from './lib/placed_world.mjs';
import { Squid } from './lib/squid.mjs';

skipUnlessPossible();

const PATIENCE = { timeoutMs: 30000 };
const tunnel = async (world) => (await world.agentAdmin('GET', '/v1/status')).tunnel;

async function restartAgent(world, agent) {
  await world.agent.stop();
  world.writeConfigs({ agent });
  await world.startAgent();
}

async function travels(world, name) {
  await world.connected();
  await world.jde.touch({ table: 'F0101', keys: [6003], fields: { ALPH: name } });
  await until(`"${name}" is in Dynamics`, async () => (await world.dynamics.account(6003)).name === name, PATIENCE);
}

/** The checks of "ml-agent doctor" where the agent stands, by id. */
function doctor(world) {
  const { stdout, stderr } = world.network.exec('site', programFile('MLC_AGENT', 'ml-agent'), 'doctor', '--config', world.configFile('agent'), '--json');
  assert.doesNotMatch(stderr, /Sanitizer|runtime error:/);
  return Object.fromEntries(JSON.parse(stdout).checks.map((check) => [check.id, check]));
}

test('IPv6 only', async (t) => PlacedWorld.runIn({ family: 6, customers: 20 }, async (world) => {
  const { network } = world;

  await step(t, world, 'there is no IPv4', async () => {
    for (const place of ['site', 'cloud', 'firewall']) assert.equal(network.exec(place, 'ip', '-4', 'address').stdout, '', place);
  });

  await step(t, world, 'the relay by its name, AIS, Entra ID and Dynamics by [::1]', async () => {
    await settled(world);
    await world.dynamics.sell(2);
    await until('the orders are in JDE', async () => (await world.jde.orders()).length === 2, PATIENCE);
    const checks = doctor(world);
    const failed = Object.values(checks).filter(({ state }) => state === 'fail');
    assert.deepEqual(failed, []);
    assert.equal(checks['relay.connect'].detail, network.address.cloud);
    assert.equal(checks['ais.connect'].detail, '::1');
  });

  await step(t, world, 'the relay by its address, which its certificate names', async () => {
    await restartAgent(world, { relay: { url: world.relayUrl(network.address.cloud) } });
    await travels(world, 'By the address');
  });

  await step(t, world, 'an address that the certificate does not name is refused', async () => {
    await restartAgent(world, { relay: { url: world.relayUrl(network.address.other) } });
    await until('the refusal is told', async () => new RegExp(`is not for ${network.address.other}: write into relay\\.url`).test((await tunnel(world)).lastError ?? ''), PATIENCE);
    assert.equal((await tunnel(world)).up, false);
    assert.match(doctor(world)['relay.tls'].detail, /is not for \[fd77:/);
  });

  for (const host of [network.address.siteGate, 'gate.corp.example']) {
    await step(t, world, `a proxy at ${host}`, async () => {
      const squid = new Squid({ auth: ['digest'], host, listen: network.address.siteGate, prefix: network.in('firewall') });
      try {
        await squid.start();
        const proxy = { proxy: squid.url, proxy_user: squid.user, proxy_password: `file:${squid.passwordFile}` };
        await restartAgent(world, { relay: proxy, ais: { ...proxy, no_proxy: '[::1]' } });
        await travels(world, `Through ${host}`);
        await world.agent.stop();
        assert.ok(squid.requests().some(({ target, status, scheme }) => target === 'relay.example.com:443' && status === 200 && scheme === 'Digest'), JSON.stringify(squid.requests()));
        assert.ok(!squid.requests().some(({ target }) => target.startsWith('[::1]')), 'AIS is excepted');
      } catch (error) {
        error.message += `\n${squid.cacheLog()}`;
        throw error;
      } finally {
        await squid.stop();
      }
    });
  }

  await step(t, world, 'a bundle without the authority is refused, by name', async () => {
    await restartAgent(world, { relay: { ca_file: path.join(world.certs, 'otherca.pem') } });
    await until('the issuer is told', async () => /"CN=relay\.example\.com", issued by "CN=test CA"/.test((await tunnel(world)).lastError ?? ''), PATIENCE);
    await restartAgent(world, {});
    await travels(world, 'With the right one');
  });
}));

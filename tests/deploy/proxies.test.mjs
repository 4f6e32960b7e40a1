/*
 * The relay without TLS on loopback behind the real nginx, then behind the real HAProxy: enrolment, tunnel and webhooks
 * come through, clients are known by their addresses, limits hold, secrets stay out of the logs, and restarts are borne.
 */

import assert from 'node:assert/strict';
import fs from 'node:fs';
import https from 'node:https';
import test from 'node:test';
import { settled } from '../e2e/lib/compare.mjs';
import { exchange } from '../e2e/lib/http.mjs';
import { step } from '../e2e/lib/steps.mjs';
import { sleep, until } from '../e2e/lib/wait.mjs';
import { World, freePort } from '../e2e/lib/world.mjs';
import { haproxy, nginx } from './lib/proxies.mjs';

const IDLE_S = 3; // the example's 120 s, with a ping of 1 s instead of 10 s
const CUSTOMERS = 60;
const ORDERS = 10;
const CLIENT = '127.0.0.9';

async function startProxy(world, make) {
  world.proxyPort = await freePort();
  world.proxy = make({ dir: world.dir, certs: world.certs, port: world.proxyPort, relayPort: world.relayPort, idle: IDLE_S });
  world.extra.push(world.proxy.program.start());
  world.cutter.targetPort = world.proxyPort;
  await until('the proxy answers', async () => (await ask(world, 'GET', '/healthz')).status > 0);
}

const ask = (world, method, path, body, headers = {}) => exchange(https, {
  host: '127.0.0.1', port: world.proxyPort, ca: world.ca, agent: false, localAddress: CLIENT, method, path,
  headers: { ...headers, ...(body ? { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) } : {}) },
}, body);

const options = (make) => ({
  customers: CUSTOMERS, items: 40, products: 40, register: false,
  relay: { relay: { cert_file: undefined, key_file: undefined, trusted_proxies: ['127.0.0.1'] } },
  beforeRelay: (world) => startProxy(world, make),
});

for (const [name, make] of Object.entries({ nginx, haproxy })) {
  test(`behind ${name}`, async (t) => World.run(options(make), async (world) => {
    const { dynamics, jde } = world;
    const webhook = `/v1/webhook/${world.tenant}?code=${world.secret('webhook')}`;

    await step(t, world, 'customers and orders travel', async () => {
      await dynamics.registerWebhook(`https://127.0.0.1:${world.proxyPort}/v1/webhook/${world.tenant}`, world.secret('webhook'));
      await settled(world);
      await dynamics.sell(ORDERS);
      await settled(world);
      assert.equal((await jde.orders()).length, ORDERS);
      const { counts } = await dynamics.get('webhook-jobs');
      assert.equal(counts.failed ?? 0, 0, JSON.stringify(counts));
    });

    await step(t, world, 'health and readiness come through', async () => {
      await until('the relay is ready', async () => (await ask(world, 'GET', '/readyz')).status === 200);
      assert.equal((await ask(world, 'GET', '/healthz')).text, '{"status":"ok"}');
    });

    await step(t, world, 'a client is known by its address, whatever it says itself', async () => {
      const from = world.relay.logSize;
      const answer = await ask(world, 'POST', `/v1/webhook/${world.tenant}?code=wrong`, '{}', { 'X-Forwarded-For': '203.0.113.66' });
      assert.equal(answer.status, 401);
      await until('the log tells of it', () => world.relay.text(from).includes('wrong secret'));
      const line = world.relay.text(from).split('\n').find((text) => text.includes('wrong secret'));
      assert.equal(JSON.parse(line).peer, CLIENT);
    });

    await step(t, world, 'a body beyond the limit ends at the proxy', async () => {
      const from = world.relay.logSize;
      /* Its length alone is sent: a proxy that answers and closes while the body is on its way may take the answer back. */
      assert.equal((await ask(world, 'POST', webhook, null, { 'Content-Length': 600 * 1024 })).status, 413);
      assert.equal(world.relay.text(from).includes('malformed'), false);
    });

    await step(t, world, 'an idle tunnel outlives the time-out of the proxy', async () => {
      const before = world.cutter.accepted;
      await sleep((2 * IDLE_S + 1) * 1000);
      assert.equal(world.cutter.accepted, before);
      assert.ok((await world.agentAdmin('GET', '/v1/status')).tunnel.up);
    });

    await step(t, world, 'the relay starts anew, and both ways go on', async () => {
      assert.equal(await world.relay.stop(), 0);
      await world.startRelay();
      await world.connected();
      await dynamics.sell(3);
      await jde.touch({ table: 'F0101', keys: [6001], fields: { ALPH: `After the restart behind ${name}` } });
      await settled(world);
      assert.equal((await jde.orders()).length, ORDERS + 3);
    });

    await step(t, world, 'the log of the proxy names requests, and no secret', async () => {
      const lines = await until('the log is written', () => {
        const text = fs.readFileSync(world.proxy.log, 'utf8');
        return text.includes(`"POST /v1/webhook/${world.tenant}"`) && text;
      });
      assert.equal(lines.includes(world.secret('webhook')), false);
    });
  }));
}

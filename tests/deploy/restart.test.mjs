/*
 * The relay is started anew again and again under webhooks and an agent's traffic. With a socket that stays open no
 * webhook is refused; without one some are, and are told again. Either way nothing is lost or doubled. Reconciliation
 * finds nothing here, so that a lost webhook is a lost order. The figures stand in docs/deploy.md.
 */

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { auditGaps } from '../e2e/lib/audit.mjs';
import { settled } from '../e2e/lib/compare.mjs';
import { step } from '../e2e/lib/steps.mjs';
import { setting, sleep, until } from '../e2e/lib/wait.mjs';
import { World } from '../e2e/lib/world.mjs';
import { ActivatedProgram } from './lib/activated.mjs';
import { nameOfCertificate } from './lib/certificate.mjs';
import { WebhookLoad } from './lib/load.mjs';

const RESTARTS = setting('MLC_DEPLOY_RESTARTS', 10);
const PLAIN_RESTARTS = setting('MLC_DEPLOY_PLAIN_RESTARTS', 3);
const PER_SECOND = setting('MLC_DEPLOY_RATE', 20);
const PAUSE_MS = setting('MLC_DEPLOY_PAUSE_MS', 1200);
const CUSTOMERS = 120;

/** A world whose relay gets its port from outside, unless `plain`. */
class ActivatedWorld extends World {
  program(name, variable, file, env) {
    const program = super.program(name, variable, file, env);
    if (name !== 'relay' || this.options.plain) return program;
    const activated = new ActivatedProgram(program);
    this.extra[this.extra.indexOf(program)] = activated;
    return activated;
  }

  async startRelay() {
    if (!this.options.plain && !this.relay.holder) await this.relay.open(this.relayPort);
    return super.startRelay();
  }

  async close(keep) {
    await super.close(keep);
    this.relay?.close?.();
  }
}

async function restartUnderLoad(world, restarts, orders) {
  const { dynamics, jde } = world;
  const deals = await dynamics.sell(orders);
  const load = new WebhookLoad({
    port: world.relayPort, path: `/v1/webhook/${world.tenant}?code=${world.secret('webhook')}`, ca: world.ca,
  }, deals.map(({ orderId }) => orderId), PER_SECOND).start();
  const stops = [];
  for (let round = 0; round < restarts; round += 1) {
    await sleep(PAUSE_MS);
    await jde.touch({ table: 'F0101', from: 6001, to: 6060, fields: { ALPH: `Round ${round} of {key}` } });
    const at = performance.now();
    assert.equal(await world.relay.stop(), 0);
    await world.startRelay();
    stops.push(Math.round(performance.now() - at));
  }
  await load.running;
  return { ...load.summary(), restarts: stops };
}

const options = (plain) => ({
  plain, customers: CUSTOMERS, items: 50, products: 50, register: false,
  relay: { tenant: { orders: { reconcile_interval: '1d', reconcile_filter: "ordernumber eq 'none'" } } },
});

for (const plain of [false, true]) {
  const restarts = plain ? PLAIN_RESTARTS : RESTARTS;
  const orders = Math.max(40, Math.round(restarts * (PAUSE_MS / 1000 + 1.3) * PER_SECOND));
  test(`${restarts} restarts ${plain ? 'without' : 'with'} a socket that stays open`, async (t) => ActivatedWorld.run(options(plain), async (world) => {
    let figures;

    await step(t, world, 'the relay serves', async () => {
      await settled(world);
    });

    await step(t, world, 'webhooks and records go on through the restarts', async () => {
      figures = await restartUnderLoad(world, restarts, orders);
      console.log(`figures: ${JSON.stringify({ socket: !plain, perSecond: PER_SECOND, ...figures })}`);
      assert.equal(figures.sent, orders);
    });

    if (!plain) {
      await step(t, world, 'no webhook was refused or failed', async () => {
        assert.deepEqual(figures.errors, {});
      });
    }

    await step(t, world, 'each order is in JDE once, each customer in Dynamics, and both are explained', async () => {
      await settled(world, { timeoutMs: 120000 });
      assert.equal((await world.jde.orders()).length, orders);
      assert.deepEqual(await auditGaps(world), []);
    });

    if (plain) {
      await step(t, world, 'SIGHUP takes over another certificate', async () => {
        const files = ['server.pem', 'server.key'].map((name) => path.join(world.certs, name));
        const before = files.map((file) => fs.readFileSync(file));
        assert.equal(await nameOfCertificate(world.relayPort), 'localhost');
        files.forEach((file) => fs.copyFileSync(file.replace('server', 'wrongname'), file));
        world.relay.child.kill('SIGHUP');
        await until('the new one is used', async () => await nameOfCertificate(world.relayPort) === 'other.example');
        files.forEach((file, i) => fs.writeFileSync(file, before[i]));
        world.relay.child.kill('SIGHUP');
        await until('the old one is back', async () => await nameOfCertificate(world.relayPort) === 'localhost');
      });
    }

    await step(t, world, 'the agent came back by itself', async () => {
      await until('the agent is connected', async () => (await world.agentAdmin('GET', '/v1/status')).tunnel.up);
    });
  }));
}

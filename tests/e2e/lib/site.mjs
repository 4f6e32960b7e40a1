/*
 * A further tenant of a world: JDE, Dynamics and agent of its own, on the world's relay.
 *
 *   World.run({ sites: [{ tenant: 'beta', customers: 50, relay: { limits: { ... } } }] }, ...)
 *
 * options: { tenant, customers, items, relay (settings of the tenant), agent (settings), bare: only simulators, no agent }
 * What compare.mjs and audit.mjs ask of a world, a site answers for its tenant.
 */

import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { agentSettings, writeConfig } from './configs.mjs';
import { socketClient } from './http.mjs';
import { DynamicsSim, JdeSim } from './sims.mjs';
import { until } from './wait.mjs';

export class Site {
  constructor(world, options) {
    this.world = world;
    this.options = options;
    this.tenant = options.tenant;
    this.agentId = `agent-of-${this.tenant}`;
    this.dir = path.join(world.dir, `site-${this.tenant}`);
    this.agentSocket = path.join(this.dir, 'agent.sock');
    this.agentAdmin = socketClient(this.agentSocket);
    this.relayAdmin = world.relayAdmin;
    fs.mkdirSync(this.dir);
  }

  get certs() { return this.world.certs; }

  get cutter() { return this.world.cutter; }

  secretFile(name) {
    const file = path.join(this.dir, `${name}.secret`);
    if (!fs.existsSync(file)) fs.writeFileSync(file, randomBytes(16).toString('hex'), { mode: 0o600 });
    return file;
  }

  secret = (name) => fs.readFileSync(this.secretFile(name), 'utf8');

  async openSimulators() {
    const { customers = 0, items = 20 } = this.options;
    const shared = { dir: this.dir, certs: this.certs, ca: this.world.ca };
    this.jde = new JdeSim({
      ...shared,
      options: {
        username: 'MLCONN', password: this.secret('jde'), environment: 'JPD920',
        'seed-customers': customers, 'seed-suppliers': 3, 'seed-items': items,
      },
    });
    this.dynamics = new DynamicsSim({
      ...shared,
      options: {
        tenant: `${this.tenant}-directory`, 'client-id': 'ml-connector', 'client-secret': this.secret('dynamics'),
        'webhook-ca': path.join(this.certs, 'ca.pem'), 'seed-accounts': 0, 'seed-quotes': 0, 'seed-products': items,
      },
    });
    await Promise.all([this.jde.start(), this.dynamics.start()]);
  }

  /** With the relay running: agent enrolled and started, webhooks registered. */
  async open() {
    if (this.options.bare) return;
    const name = `agent-${this.tenant}`;
    writeConfig(this.world.configFile(name), agentSettings(this, this.options.agent));
    await this.world.enroll(name, this.agentId, this.tenant);
    await this.dynamics.registerWebhook(`https://127.0.0.1:${this.world.relayPort}/v1/webhook/${this.tenant}`, this.secret('webhook'));
    this.agent = this.world.program(name, 'MLC_AGENT', 'ml-agent');
    this.agent.start();
    await until(`the agent of ${this.tenant} is ready`, () => this.world.answers(this.agent, this.agentAdmin));
  }
}

/** Streams, entries and complaints of one tenant of a world, as compare.mjs asks for them. */
export function viewOf(world, site = world) {
  const own = (name) => name === 'agent' || name === site.tenant;
  const both = async (address) => Promise.all([site.agentAdmin('GET', address), world.relayAdmin('GET', address)]);
  return {
    tenant: site.tenant, jde: site.jde, dynamics: site.dynamics, agentAdmin: site.agentAdmin, relayAdmin: world.relayAdmin,
    complaints: world.complaints,
    async underWay() {
      const stores = (await both('/v1/status')).flatMap((answer) => answer.stores).filter(({ name }) => own(name));
      return stores.flatMap(({ name, streams }) => streams.map((stream) => ({ ...stream, name: `${name}/${stream.name}` })))
        .filter(({ ready, inflight }) => ready + inflight > 0).map(({ name, ready, inflight }) => `${name}: ${ready} ready, ${inflight} in flight`);
    },
    async parked() {
      return (await both('/v1/parked?max=1000')).flatMap(({ entries }) => entries).filter(({ store }) => own(store));
    },
  };
}

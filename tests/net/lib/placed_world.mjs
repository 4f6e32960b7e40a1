/*
 * A World whose parts stand on the machines of a Network: agent and JDE at the site, relay and Dynamics in the cloud. The test
 * itself is outside; it reaches the programs by their Unix sockets, and the simulators by doors.
 */

import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { tlsClient } from '../../e2e/lib/http.mjs';
import { Program } from '../../e2e/lib/process.mjs';
import { DynamicsSim, JdeSim } from '../../e2e/lib/sims.mjs';
import { until } from '../../e2e/lib/wait.mjs';
import { World } from '../../e2e/lib/world.mjs';
import { Network } from './network.mjs';
import { fileURLToPath } from 'node:url';

const DOOR = fileURLToPath(new URL('door.mjs', import.meta.url));
const bracketed = (address) => (address.includes(':') ? `[${address}]` : address);

class PlacedProgram extends Program {
  constructor(prefix, options) {
    super(options);
    this.prefix = prefix;
  }

  start() {
    if (this.command[0] !== this.prefix[0]) this.command = [...this.prefix, ...this.command];
    return super.start();
  }
}

/** A simulator on a machine of the network, reached by a door. */
async function startPlaced(sim, world, place) {
  const { loopback } = world;
  const folder = path.join(world.dir, sim.kind);
  const prefix = world.network.in(place);
  sim.options.host = loopback;
  sim.program = new PlacedProgram(prefix, { name: `${sim.kind}-sim`, log: path.join(world.dir, `${sim.kind}-sim.log`) });
  await sim.start();
  Object.defineProperty(sim, 'url', { value: `https://${bracketed(loopback)}:${sim.port}` });
  const door = new PlacedProgram(prefix, { name: `${sim.kind}-door`, command: [process.execPath, DOOR, `${folder}.door`, loopback, String(sim.port)], log: `${folder}.door.log` });
  world.doors.push(door.start());
  await until(`the door of ${sim.kind} is open`, () => fs.existsSync(`${folder}.door`));
  sim.call = tlsClient(sim.port, world.ca, { host: loopback, socketPath: `${folder}.door` });
}

function openssl(...words) {
  const { status, stderr } = spawnSync('openssl', words, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`openssl ${words[0]}: ${stderr}`);
}

export class PlacedWorld extends World {
  doors = [];

  /** As World.run; options.family is 4 or 6. */
  static async runIn(options, body) {
    const network = new Network(options.family);
    try {
      network.open();
      await PlacedWorld.run({ ...options, network }, body);
    } finally {
      network.close();
    }
  }

  get network() { return this.options.network; }

  get loopback() { return this.network.family === 6 ? '::1' : '127.0.0.1'; }

  /** Where the site's agent finds the relay. */
  relayUrl = (host = 'relay.example.com') => `wss://${bracketed(host)}/v1/tunnel`;

  place = (name) => (name.startsWith('agent') ? 'site' : 'cloud');

  program(name, variable, file, env = {}) {
    const program = new PlacedProgram(this.network.in(this.place(name)), super.program(name, variable, file, env));
    this.extra[this.extra.length - 1] = program;
    return program;
  }

  /** The certificate of the relay's name and address, by the CA of the test. */
  makeCertificate() {
    const file = (name) => path.join(this.certs, name);
    fs.writeFileSync(file('relay.names'), `subjectAltName=DNS:relay.example.com,IP:${this.network.address.cloud}\n`);
    openssl('req', '-newkey', 'rsa:2048', '-nodes', '-keyout', file('relay.key'), '-out', file('relay.csr'), '-subj', '/CN=relay.example.com');
    openssl('x509', '-req', '-in', file('relay.csr'), '-CA', file('ca.pem'), '-CAkey', file('ca.key'), '-CAcreateserial', '-days', '2', '-extfile', file('relay.names'), '-out', file('relay.pem'));
  }

  async openSimulators() {
    this.makeCertificate();
    const { customers = 0, items = 20 } = this.options;
    const shared = { dir: this.dir, certs: this.certs, ca: this.ca };
    this.jde = new JdeSim({ ...shared, options: { username: 'MLCONN', password: this.secret('jde'), environment: 'JPD920', 'seed-customers': customers, 'seed-suppliers': 3, 'seed-items': items } });
    this.dynamics = new DynamicsSim({
      ...shared,
      options: {
        tenant: 'contoso-directory', 'client-id': 'ml-connector', 'client-secret': this.secret('dynamics'), 'webhook-ca': path.join(this.certs, 'ca.pem'),
        'seed-accounts': 0, 'seed-quotes': 0, 'seed-products': items,
      },
    });
    await Promise.all([startPlaced(this.jde, this, 'site'), startPlaced(this.dynamics, this, 'cloud')]);
    // The world registers the webhook at an address of this machine; ours is another.
    const register = this.dynamics.registerWebhook;
    this.dynamics.registerWebhook = (url, secret) => register(`https://relay.example.com/v1/webhook/${this.tenant}`, secret);
  }

  writeConfigs({ relay = {}, agent = {} } = {}) {
    const own = { listen_host: this.network.family === 6 ? '::' : '0.0.0.0', listen_port: 443, cert_file: path.join(this.certs, 'relay.pem'), key_file: path.join(this.certs, 'relay.key') };
    super.writeConfigs({
      relay: { ...relay, relay: { ...own, ...relay.relay }, tenant: { webhooks: { public_url: 'https://relay.example.com' }, ...relay.tenant } },
      agent: { ...agent, relay: { url: this.relayUrl(), ...agent.relay } },
    });
  }

  async close(keep) {
    for (const door of this.doors) await door.kill();
    await super.close(keep);
  }
}

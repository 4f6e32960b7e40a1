/*
 * A world for one test: certificates, JDE and Dynamics (simulated), relay, agent, and the network between them, all in a
 * temporary folder. Programs are given by MLC_AGENT and MLC_RELAY.
 *
 *   await World.run({ customers: 300 }, async (world) => { ... });
 *
 * When the body ends well, both programs must stop well too. When it does not, the logs' ends are shown and the folder
 * stays.
 */

import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { agentSettings, relaySettings, writeConfig } from './configs.mjs';
import { Cutter } from './cutter.mjs';
import { socketClient } from './http.mjs';
import { Program } from './process.mjs';
import { DynamicsSim, JdeSim } from './sims.mjs';
import { Site } from './site.mjs';
import { until } from './wait.mjs';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

export function programFile(variable, name) {
  const file = process.env[variable] || path.join(ROOT, 'build/asan', name);
  if (!fs.existsSync(file)) throw new Error(`${file} is not there; set ${variable}`);
  return file;
}

export function freePort() {
  return new Promise((resolve, reject) => {
    const server = net.createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

export class World {
  tenant = 'acme';
  agentId = 'agent-1';

  /**
   * options: { customers, items, products, relay, agent (settings that override), register, onlyRelay,
   *   sites: [options of further tenants, see site.mjs], beforeRelay(world): called before the relay starts }
   */
  static async run(options, body) {
    const world = new this(options);
    let failure;
    try {
      await world.open();
      await body(world);
      if (!world.failed) await world.end();
    } catch (error) {
      failure = error;
    }
    if (failure || world.failed) world.showLogs();
    await world.close(Boolean(failure || world.failed));
    if (failure) throw failure;
  }

  constructor(options) {
    this.options = options;
    this.dir = fs.mkdtempSync(path.join(os.tmpdir(), 'mlc-e2e-'));
    this.certs = path.join(this.dir, 'certs');
    this.relaySocket = path.join(this.dir, 'relay.sock');
    this.agentSocket = path.join(this.dir, 'agent.sock');
    this.relayAdmin = socketClient(this.relaySocket);
    this.agentAdmin = socketClient(this.agentSocket);
    this.extra = [];
    this.sites = (options.sites ?? []).map((site) => new Site(this, site));
    this.everySite = [...this.sites]; // also those that a test takes out of the configuration
    this.failed = false;
  }

  secretFile(name) {
    const file = path.join(this.dir, `${name}.secret`);
    if (!fs.existsSync(file)) fs.writeFileSync(file, randomBytes(16).toString('hex'), { mode: 0o600 });
    return file;
  }

  secret = (name) => fs.readFileSync(this.secretFile(name), 'utf8');

  // --- opening ------------------------------------------------------------------

  async open() {
    const made = spawnSync('sh', [path.join(ROOT, 'tests/support/make_certs.sh'), this.certs], { encoding: 'utf8' });
    if (made.status !== 0) throw new Error(`make_certs.sh: ${made.stderr}`);
    this.ca = fs.readFileSync(path.join(this.certs, 'ca.pem'));
    await this.openSimulators();
    this.relayPort = await freePort();
    this.cutter = await new Cutter(this.relayPort).start();
    this.relay = this.program('relay', 'MLC_RELAY', 'ml-relay');
    this.agent = this.program('agent', 'MLC_AGENT', 'ml-agent');
    await Promise.all(this.sites.map((site) => site.openSimulators()));
    this.writeConfigs();
    await this.options.beforeRelay?.(this);
    await this.startRelay();
    if (this.options.onlyRelay) return;
    if (this.options.enroll !== false) await this.enroll();
    if (this.options.register !== false) await this.dynamics.registerWebhook(`https://127.0.0.1:${this.relayPort}/v1/webhook/${this.tenant}`, this.secret('webhook'));
    await this.startAgent();
    for (const site of this.sites) await site.open();
  }

  async openSimulators() {
    const { customers = 0, items = 20, products = items } = this.options;
    const shared = { dir: this.dir, certs: this.certs, ca: this.ca };
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
        tenant: 'contoso-directory', 'client-id': 'ml-connector', 'client-secret': this.secret('dynamics'),
        'webhook-ca': path.join(this.certs, 'ca.pem'), 'seed-accounts': 0, 'seed-quotes': 0, 'seed-products': products,
      },
    });
    await Promise.all([this.jde.start(), this.dynamics.start()]);
  }

  configFile = (name) => path.join(this.dir, `${name}.conf`);

  /** With other settings for the next starts, when given. */
  writeConfigs({ relay = this.options.relay, agent = this.options.agent } = {}) {
    writeConfig(this.configFile('relay'), relaySettings(this, relay));
    writeConfig(this.configFile('agent'), agentSettings(this, agent));
  }

  /** A program of ours, named; the configuration file has its name. */
  program(name, variable, file, env = {}) {
    const program = new Program({
      name, command: [programFile(variable, file), '--config', this.configFile(name)], log: path.join(this.dir, `${name}.log`),
      env: { LSAN_OPTIONS: `suppressions=${path.join(ROOT, 'tests/lsan.supp')}`, UBSAN_OPTIONS: 'print_stacktrace=1', ...env },
    });
    this.extra.push(program);
    return program;
  }

  async startRelay() {
    this.relay.start();
    await this.relayReady();
  }

  async startAgent() {
    this.agent.start();
    await this.agentReady();
  }

  relayReady = () => until('the relay is ready', () => this.answers(this.relay, this.relayAdmin));

  agentReady = () => until('the agent is ready', () => this.answers(this.agent, this.agentAdmin));

  async answers(program, admin) {
    if (!program.alive) throw new Error(`${program.name} is not running; ${program.tail(5)}`);
    return admin('GET', '/v1/status');
  }

  connected = (timeoutMs = 30000) => until('the agent is connected', async () => (await this.agentAdmin('GET', '/v1/status')).tunnel.up, { timeoutMs });

  /** Exchanges a token for a key, as the operator of a new site does it. */
  async enroll(name = 'agent', agentId = this.agentId, tenant = this.tenant) {
    const { token } = await this.relayAdmin('POST', '/v1/enroll-tokens', { tenant, agent: agentId });
    const file = path.join(this.dir, `${name}.token`);
    fs.writeFileSync(file, `${token}\n`, { mode: 0o600 });
    await until('the agent is enrolled', () => this.runEnroll(name, file), { timeoutMs: 10000, everyMs: 500 });
    fs.rmSync(file);
  }

  async runEnroll(name, file) {
    const program = this.program(`${name}-enroll`, 'MLC_AGENT', 'ml-agent');
    program.command = [programFile('MLC_AGENT', 'ml-agent'), 'enroll', '--config', this.configFile(name), '--token-file', file];
    program.start().expected = true;
    const { code } = await program.ended;
    if (code !== 0) throw new Error(`ml-agent enroll: ${program.tail(5)}`);
    return true;
  }

  // --- looking ------------------------------------------------------------------

  /** { "agent/up": { ready, inflight, parked, ... }, "acme/down": ... } */
  async streams() {
    const answers = await Promise.all([this.agentAdmin('GET', '/v1/status'), this.relayAdmin('GET', '/v1/status')]);
    return Object.fromEntries(answers.flatMap(({ stores }) => stores)
      .flatMap(({ name, streams }) => streams.map((stream) => [`${name}/${stream.name}`, stream])));
  }

  /** What is still on its way: ["agent/up: 3 ready"] */
  async underWay() {
    return Object.entries(await this.streams()).filter(([, { ready, inflight }]) => ready + inflight > 0)
      .map(([name, { ready, inflight }]) => `${name}: ${ready} ready, ${inflight} in flight`);
  }

  async parked() {
    const answers = await Promise.all([this.agentAdmin('GET', '/v1/parked?max=1000'), this.relayAdmin('GET', '/v1/parked?max=1000')]);
    return answers.flatMap(({ entries }) => entries);
  }

  complaints = () => this.extra.flatMap((program) => program.complaints());

  // --- closing ------------------------------------------------------------------

  /** Both programs stop well, and nothing is to be complained of. */
  async end() {
    for (const program of [...this.everySite.map(({ agent }) => agent), this.agent, this.relay].filter((one) => one).filter(({ alive }) => alive)) {
      const code = await program.stop();
      if (code !== 0) throw new Error(`${program.name} ended with ${code} after SIGTERM:\n${program.tail()}`);
    }
    const list = this.complaints();
    if (list.length > 0) throw new Error(list.join('\n'));
  }

  showLogs() {
    for (const program of [...this.extra, ...this.simulators()]) {
      console.error(`--- ${program.log}\n${program.tail(30)}`);
      program.complaints().forEach((text) => console.error(text));
    }
  }

  simulators = () => [this, ...this.everySite].flatMap(({ jde, dynamics }) => [jde?.program, dynamics?.program]).filter(Boolean);

  async close(keep) {
    for (const program of [...this.extra, ...this.simulators()]) await program.kill();
    await this.cutter?.stop();
    if (keep || process.env.MLC_E2E_KEEP) console.error(`the world is kept in ${this.dir}`);
    else fs.rmSync(this.dir, { recursive: true, force: true });
  }
}

/*
 * first_load.mjs BUILD_DIR - the first load of a large address book: the agent alone reads it into its outgoing stream, is
 * killed in the middle and goes on; then the relay takes what fits into the given time and writes it into Dynamics.
 * Prints figures in Markdown; exit status 1 when a record is missing or doubled. Settings: README.md.
 */

import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { JdeSim } from '../e2e/lib/sims.mjs';
import { sleep, until } from '../e2e/lib/wait.mjs';
import { World } from '../e2e/lib/world.mjs';
import { median } from './figures.mjs';

const HOUR_MS = 3600000;
const bin = path.resolve(process.argv[2]);
const setting = (name, fallback) => Number(process.env[`MLC_BENCH_${name}`] || fallback);
const rows = setting('ROWS', 1000000);
const relaySeconds = setting('RELAY_SECONDS', 180);

process.env.MLC_AGENT = path.join(bin, 'ml-agent');
process.env.MLC_RELAY = path.join(bin, 'ml-relay');
process.env.TMPDIR = process.env.MLC_BENCH_DIR || '/var/tmp';
process.env.NODE_OPTIONS = `--max-old-space-size=${setting('SIM_MIB', 16000)}`;

const say = (text) => console.error(`${new Date().toISOString().slice(11, 19)} ${text}`);
const whole = (value) => Math.round(value).toLocaleString('en-US').replaceAll(',', ' ');

/** Seeding a million customers takes the simulator longer than a test would wait. */
class LargeJde extends JdeSim {
  async start() {
    const short = super.start().catch((error) => error);
    const end = await short;
    if (end === this) return this;
    this.port = await until('the JDE simulator has its rows', () => Number(fs.existsSync(this.portFile) && fs.readFileSync(this.portFile, 'utf8')),
      { timeoutMs: HOUR_MS, everyMs: 1000 });
    const { tlsClient } = await import('../e2e/lib/http.mjs');
    this.call = tlsClient(this.port, this.ca);
    return this;
  }
}

class LargeWorld extends World {
  async openSimulators() {
    await super.openSimulators();
    await this.jde.program.kill();
    this.jde = new LargeJde({
      dir: this.dir, certs: this.certs, ca: this.ca, options: { ...this.jde.options, data: path.join(this.dir, 'large-jde'), 'seed-customers': rows },
    });
    await this.jde.start();
  }
}

function memory(program) {
  const status = fs.readFileSync(`/proc/${program.child.pid}/status`, 'utf8');
  const mib = (name) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)[1]) / 1024;
  return { own: mib('RssAnon'), files: mib('RssFile') };
}

const customersOf = async (world) => (await world.agentAdmin('GET', '/v1/flows')).flows.find(({ name }) => name === 'customers');
const readOf = (flow) => flow.firstLoad?.done ?? 0;

/** Once a second until the load is over or `enough` rows are read; samples go into `list`. */
async function watch(world, list, enough = Infinity) {
  for (;;) {
    const flow = await customersOf(world);
    const over = !flow.firstLoad && flow.state !== 'running';
    const done = over ? rows : readOf(flow);
    list.push({ at: Date.now(), done, ...memory(world.agent) });
    if (list.length % 15 === 0) say(`${whole(done)} rows, own memory ${list.at(-1).own.toFixed(1)} MiB`);
    if (over || done >= enough) return done;
    await sleep(1000);
  }
}

function memoryTable(samples) {
  const parts = 5;
  const lines = ['| rows read | own memory, median MiB | own memory, most MiB | files in the cache, most MiB |', '| --- | ---: | ---: | ---: |'];
  for (let part = 0; part < parts; part += 1) {
    const of = samples.filter(({ done }) => done > (rows * part) / parts && done <= (rows * (part + 1)) / parts);
    if (of.length === 0) continue;
    const own = of.map((one) => one.own);
    lines.push(`| ${whole((rows * part) / parts)} to ${whole((rows * (part + 1)) / parts)} | ${median(own).toFixed(1)} | ${Math.max(...own).toFixed(1)} | ${Math.max(...of.map((one) => one.files)).toFixed(0)} |`);
  }
  return lines.join('\n');
}

async function agentAlone(world) {
  const samples = [];
  const began = Date.now();
  await world.startAgent();
  await watch(world, samples, rows * 0.4);
  await world.agent.kill();
  const lastSeen = samples.at(-1).done;
  const killedAt = Date.now();
  await world.startAgent();
  const resumedWith = readOf(await customersOf(world));
  say(`killed at ${whole(lastSeen)} rows, went on with ${whole(resumedWith)}`);
  await watch(world, samples);
  const seconds = (Date.now() - began) / 1000;
  const { stores } = await world.agentAdmin('GET', '/v1/status');
  const up = stores[0].streams.find(({ name }) => name === 'up');
  return { samples, seconds, lastSeen, resumedWith, again: (Date.now() - killedAt) / 1000, ready: up.ready };
}

async function relayPart(world) {
  const samples = [];
  await world.startRelay();
  await world.connected(120000);
  const began = Date.now();
  const before = await world.dynamics.accountCount();
  while (Date.now() - began < relaySeconds * 1000) {
    samples.push({ agent: memory(world.agent).own, relay: memory(world.relay).own });
    await sleep(1000);
  }
  const written = await world.dynamics.accountCount() - before;
  const seconds = (Date.now() - began) / 1000;
  const { stores } = await world.relayAdmin('GET', '/v1/status');
  const waiting = stores[0].streams.find(({ name }) => name === 'dynamics').ready;
  const most = (name) => Math.max(...samples.map((one) => one[name])).toFixed(1);
  return { written, waiting, seconds, agent: most('agent'), relay: most('relay') };
}

const world = new LargeWorld({
  items: 1, onlyRelay: true, agent: { ais: { timeout: '300s' }, relay: { reconnect_cap: '30s' }, flows: { customers: { schedule: '0 2 * * *', page_size: 500 } }, store: { map_max: '32G' } }, relay: { store: { map_max: '32G' } },
});
let failed = false;
try {
  say(`the JDE simulator makes ${whole(rows)} customers (load of the machine ${os.loadavg()[0].toFixed(1)})`);
  await world.open();
  await world.enroll();
  await world.relay.stop();
  say('the agent begins; the relay is away');
  const load = await agentAlone(world);
  failed = load.ready !== rows;
  console.log(`${os.cpus().length} cores, load ${os.loadavg().map((one) => one.toFixed(1)).join(' ')}, ${new Date().toISOString().slice(0, 10)}\n`);
  console.log('| what | figure |\n| --- | ---: |');
  console.log(`| customers in JDE | ${whole(rows)} |`);
  console.log(`| read and stored by the agent, with a kill in between | ${whole(load.seconds)} s, ${whole(rows / load.seconds)} records/s |`);
  console.log(`| rows read at the kill, and where it went on | ${whole(load.lastSeen)}, ${whole(load.resumedWith)} |`);
  console.log(`| entries in the stream at the end, each customer once | ${whole(load.ready)} |`);
  if (relaySeconds > 0) {
    say('the relay takes over');
    const relay = await relayPart(world);
    console.log(`| then in ${whole(relay.seconds)} s: accounts written to the simulator | ${whole(relay.written)}, ${whole(relay.written / relay.seconds)} records/s |`);
    console.log(`| waiting at the relay meanwhile | ${whole(relay.waiting)} |`);
    console.log(`| own memory meanwhile, most: agent, relay | ${relay.agent} MiB, ${relay.relay} MiB |`);
  }
  console.log(`\n${memoryTable(load.samples)}`);
  if (failed) console.error(`the stream holds ${load.ready} entries, not ${rows}`);
} catch (error) {
  console.error(error);
  world.showLogs();
  failed = true;
} finally {
  await world.close(false);
}
process.exit(failed ? 1 : 0); // the world's timers would hold it up

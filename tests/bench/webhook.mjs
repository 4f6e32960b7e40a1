/*
 * How long Dynamics waits for the answer to a webhook: the relay, a bare server that only answers, and one that stores a
 * row first, under the same load in turns. Dynamics itself is away, so that only accepting is measured.
 */

import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Program } from '../e2e/lib/process.mjs';
import { until } from '../e2e/lib/wait.mjs';
import { World } from '../e2e/lib/world.mjs';
import { memoryOf } from './memory.mjs';
import { figure, median, output } from './figures.mjs';

const EVENT = fileURLToPath(new URL('event.json', import.meta.url));
const ROUNDS = 3;
const PERCENTILES = ['p50', 'p90', 'p99', 'max'];

/** Milliseconds of CPU that a running program has used. */
function cpuOf(program) {
  const fields = fs.readFileSync(`/proc/${program.child.pid}/stat`, 'utf8').split(') ')[1].split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10; // ticks of 10 ms
}

/** A server of bare libwebsockets, with LMDB when it is given a folder; gives { program, url }. The world ends it. */
async function startAnswerer(world, bin, name, ...store) {
  const program = new Program({
    name, log: path.join(world.dir, `${name}.log`),
    command: [path.join(bin, 'tests/bench_answerer'), path.join(world.certs, 'server.pem'), path.join(world.certs, 'server.key'), ...store],
  });
  world.extra.push(program.start());
  const port = await until(`${name} listens`, () => Number(program.text()));
  return { program, url: `https://localhost:${port}/v1/webhook/${world.tenant}` };
}

export async function webhookFigures(bin, { rate, seconds }) {
  const figures = [];
  // The programs' own intervals, not the short ones of the end-to-end tests.
  const tenant = { dynamics: { timeout: '60s', retry_base: '1s', retry_cap: '15m', settle: '90s' }, orders: { reconcile_interval: '5m' }, addresses: { reconcile_interval: '5m' } };
  const options = { onlyRelay: true, items: 1, relay: { store: { map_max: '8G' }, tenant } };
  await World.run(options, async (world) => {
    const load = async (url) => JSON.parse(await output(path.join(bin, 'tests/bench_load'), [url, path.join(world.certs, 'ca.pem'), EVENT, rate, seconds]));
    await world.dynamics.program.kill();
    const store = path.join(world.dir, 'answerer');
    fs.mkdirSync(store);
    const servers = {
      bare: await startAnswerer(world, bin, 'bare'),
      durable: await startAnswerer(world, bin, 'durable', store),
      relay: { program: world.relay, url: `https://localhost:${world.relayPort}/v1/webhook/${world.tenant}?code=${world.secret('webhook')}` },
    };
    const took = { bare: [], durable: [], relay: [] };
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const [name, { program, url }] of Object.entries(servers)) {
        const before = cpuOf(program);
        const one = await load(url);
        took[name].push({ ...one, cpu: (cpuOf(program) - before) / (Number(rate) * (Number(seconds) + 1)) });
      }
    }
    for (const [name, what] of [['bare', 'answers at once'], ['durable', 'LMDB, one row']]) {
      const pair = (member) => [took.relay, took[name]].map((list) => median(list.map((one) => one[member])));
      for (const percentile of PERCENTILES) {
        figures.push(figure(`webhook accepted, ${percentile}; bare server: ${what}`, ...pair(percentile), 'ms', `${rate}/s offered, ${ROUNDS} x ${seconds} s`));
      }
      figures.push(figure(`webhook, CPU time of one; bare server: ${what}`, ...pair('cpu'), 'ms', 'all threads of the server'));
    }
    const events = ROUNDS * (Number(seconds) + 1) * Number(rate);
    figures.push(...memoryOf(world.relay, `relay after ${events} webhooks, all waiting for Dynamics`));
  });
  return figures;
}

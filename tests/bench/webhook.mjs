/*
 * How long Dynamics waits for the answer to a webhook: the relay, and a bare server that only answers, under the same
 * load in turns. Dynamics itself is away, so that only accepting is measured.
 */

import { spawn } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { World } from '../e2e/lib/world.mjs';
import { memoryOf } from './memory.mjs';
import { figure, median, output } from './figures.mjs';

const EVENT = fileURLToPath(new URL('event.json', import.meta.url));
const ROUNDS = 3;
const PERCENTILES = ['p50', 'p90', 'p99', 'max'];

/** A server of bare libwebsockets; gives { port, child }. */
function startAnswerer(bin, certs) {
  return new Promise((resolve, reject) => {
    const child = spawn(path.join(bin, 'tests/bench_answerer'), [path.join(certs, 'server.pem'), path.join(certs, 'server.key')], { stdio: ['ignore', 'pipe', 'inherit'] });
    child.on('error', reject);
    child.on('exit', (code) => reject(new Error(`bench_answerer ended with ${code}`)));
    child.stdout.once('data', (text) => resolve({ port: Number(text), child }));
  });
}

export async function webhookFigures(bin, { rate, seconds }) {
  const figures = [];
  const options = { onlyRelay: true, items: 1, relay: { store: { map_max: '8G' }, log: { level: 'error' } } };
  await World.run(options, async (world) => {
    const load = async (url) => JSON.parse(await output(path.join(bin, 'tests/bench_load'), [url, path.join(world.certs, 'ca.pem'), EVENT, rate, seconds]));
    await world.dynamics.program.kill();
    const bare = await startAnswerer(bin, world.certs);
    const took = { relay: [], bare: [] };
    try {
      for (let round = 0; round < ROUNDS; round += 1) {
        took.bare.push(await load(`https://localhost:${bare.port}/v1/webhook/acme`));
        took.relay.push(await load(`https://localhost:${world.relayPort}/v1/webhook/${world.tenant}?code=${world.secret('webhook')}`));
      }
    } finally {
      bare.child.removeAllListeners('exit');
      bare.child.kill();
    }
    for (const name of PERCENTILES) {
      const [ours, base] = [took.relay, took.bare].map((list) => median(list.map((one) => one[name])));
      figures.push(figure(`webhook accepted, ${name}, ${rate}/s offered`, ours, base, 'ms', `durable before the answer; ${ROUNDS} x ${seconds} s`));
    }
    const events = ROUNDS * (Number(seconds) + 1) * Number(rate);
    figures.push(...memoryOf(world.relay, `relay after ${events} webhooks, all waiting for Dynamics`));
  });
  return figures;
}

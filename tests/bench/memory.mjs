/*
 * Resident memory of both programs, idle and with many records queued. Anonymous pages are the program's own; pages
 * mapped from files are mostly the store in the kernel's cache, given back whenever something else needs the room.
 */

import fs from 'node:fs';
import path from 'node:path';
import { sleep } from '../e2e/lib/wait.mjs';
import { World } from '../e2e/lib/world.mjs';
import { figure, output } from './figures.mjs';

const SETTLE_MS = 5000;
const SENDING_MS = 20000;

/** Two figures of a running program, in MiB. */
export function memoryOf(program, what) {
  const status = fs.readFileSync(`/proc/${program.child.pid}/status`, 'utf8');
  const mib = (name) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)[1]) / 1024;
  return [
    figure(`memory, ${what}: its own`, mib('RssAnon'), 0, 'MiB', 'RssAnon'),
    figure(`memory, ${what}: files in the cache`, mib('RssFile'), 0, 'MiB', 'RssFile'),
  ];
}

async function settled(program, what) {
  await sleep(SETTLE_MS);
  return memoryOf(program, what);
}

async function waiting(admin, stream, count) {
  const { stores } = await admin('GET', '/v1/status');
  const found = stores.flatMap(({ streams }) => streams).find(({ name }) => name === stream);
  if (found?.ready !== count) throw new Error(`stream ${stream} holds ${found?.ready} records, not ${count}`);
}

export async function memoryFigures(bin, { records }) {
  const figures = [];
  const fill = (store, stream) => output(path.join(bin, 'tests/bench_fill'), [store, stream, records]);
  const store = { map_max: '16G' };
  const options = { items: 1, agent: { store, flows: { customers: { schedule: '@every 60s' } } }, relay: { store, tenant: { orders: { reconcile_interval: '60s' }, addresses: { reconcile_interval: '60s' } } } };
  await World.run(options, async (world) => {
    const { agent, relay } = world;
    await world.connected();
    figures.push(...await settled(agent, 'agent idle'), ...memoryOf(relay, 'relay idle'));
    await agent.stop();
    await relay.stop();
    await world.dynamics.program.kill();
    await fill(path.join(world.dir, 'agent'), 'up');
    await world.startAgent(); // the relay is away, so all of it keeps waiting
    figures.push(...await settled(agent, `agent with ${records} records queued`));
    await waiting(world.agentAdmin, 'up', Number(records));
    await world.startRelay();
    await world.connected();
    await sleep(SENDING_MS);
    figures.push(...memoryOf(agent, 'agent while it sends them'), ...memoryOf(relay, 'relay while it receives them'));
    await agent.stop();
    await relay.stop();
    await fill(path.join(world.dir, 'relay/tenants', world.tenant), 'down');
    await world.startRelay();
    figures.push(...await settled(relay, `relay with ${records} more records queued`));
    await waiting(world.relayAdmin, 'down', Number(records));
  });
  return figures;
}

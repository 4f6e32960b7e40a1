/*
 * The agent built for Windows, under wine, against the relay and the simulators of this machine: it is enrolled, customers
 * reach Dynamics, an order reaches JDE, it is killed and goes on, mlctl.exe sees it, and it stops well.
 * MLC_AGENT: tests/windows/wine.sh; MLC_WINE_PROGRAM: ml-agent.exe; MLC_RELAY as everywhere.
 */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import test from 'node:test';
import { settled } from '../e2e/lib/compare.mjs';
import { step } from '../e2e/lib/steps.mjs';
import { until } from '../e2e/lib/wait.mjs';
import { World } from '../e2e/lib/world.mjs';

const CUSTOMERS = 60;

function mlctl(world, ...args) {
  const program = path.join(path.dirname(process.env.MLC_WINE_PROGRAM), 'mlctl.exe');
  return spawnSync(process.env.MLC_AGENT, ['--socket', world.agentSocket, ...args], { encoding: 'utf8', env: { ...process.env, MLC_WINE_PROGRAM: program } });
}

/** mbedTLS knows servers by their names only. */
const byName = (url) => url.replace('127.0.0.1', 'localhost');

/** A World whose agent's settings name its peers. */
class WindowsWorld extends World {
  /* "localhost" is ::1 first. wine does not tell libwebsockets that nobody listens there, so somebody does. */
  async startRelay() {
    const twin = net.createServer((client) => {
      const server = net.connect(this.cutter.port, '127.0.0.1');
      client.pipe(server).pipe(client);
      for (const [one, other] of [[client, server], [server, client]]) one.on('error', () => other.destroy());
    });
    await new Promise((resolve, reject) => { twin.on('error', reject).listen(this.cutter.port, '::1', resolve); });
    twin.unref();
    await super.startRelay();
  }

  writeConfigs(more = {}) {
    super.writeConfigs({
      agent: { relay: { url: `wss://localhost:${this.cutter.port}/v1/tunnel` }, ais: { url: byName(this.jde.url), timeout: '20s' } }, ...more,
    });
  }
}

test('the agent for Windows', async (t) => WindowsWorld.run({ customers: CUSTOMERS }, async (world) => {
  const { jde, dynamics } = world;

  await step(t, world, `${CUSTOMERS} customers appear in Dynamics, each once`, async () => {
    await settled(world, { timeoutMs: 120000 });
    assert.equal(await dynamics.accountCount(), CUSTOMERS);
  });

  await step(t, world, 'a change appears, with its letters', async () => {
    await jde.touch({ table: 'F0101', keys: [6042], fields: { ALPH: 'Żółw & Søn Ltd' } });
    await until('the new name is in Dynamics', async () => (await dynamics.account(6042)).name === 'Żółw & Søn Ltd', { timeoutMs: 60000 });
  });

  await step(t, world, 'killed and started again, it goes on', async () => {
    await world.agent.kill();
    await jde.touch({ table: 'F0101', keys: [6043], fields: { ALPH: 'While it was down' } });
    await world.startAgent();
    await until('the change is in Dynamics', async () => (await dynamics.account(6043)).name === 'While it was down', { timeoutMs: 60000 });
    assert.equal(await dynamics.accountCount(), CUSTOMERS);
  });

  await step(t, world, 'mlctl.exe reads the admin file, and a request without its token is refused', async () => {
    const { status, stdout, stderr } = mlctl(world, 'status');
    assert.equal(status, 0, stderr);
    assert.match(stdout, /agent/);
    const [port] = fs.readFileSync(world.agentSocket, 'utf8').split(' ');
    const answer = await fetch(`http://127.0.0.1:${port}/v1/status`);
    assert.equal(answer.status, 401);
  });
}));

/*
 * The agent built for Windows, under wine, against the relay and the simulators of this machine: it is enrolled, customers
 * reach Dynamics, orders reach JDE, it is killed and goes on, mlctl.exe sees it and backs it up, and a proxy is on its way.
 * MLC_AGENT: tests/windows/wine.sh; MLC_WINE_PROGRAM: ml-agent.exe; MLC_RELAY as everywhere.
 */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import test from 'node:test';
import { settled } from '../e2e/lib/compare.mjs';
import { step } from '../e2e/lib/steps.mjs';
import { until } from '../e2e/lib/wait.mjs';
import { World } from '../e2e/lib/world.mjs';
import { Squid } from '../net/lib/squid.mjs';

const INTERNET = 'HKCU\\Software\\Microsoft\\Windows\\CurrentVersion\\Internet Settings\\Connections';
const CUSTOMERS = 60;
const ORDERS = 5;

function mlctl(world, ...args) {
  const program = path.join(path.dirname(process.env.MLC_WINE_PROGRAM), 'mlctl.exe');
  return spawnSync(process.env.MLC_AGENT, ['--socket', world.agentSocket, ...args], { encoding: 'utf8', env: { ...process.env, MLC_WINE_PROGRAM: program } });
}

const NAMED = 2;
const SCRIPT = 4;

/** What the dialog of Windows' internet settings writes down. */
function internetSettings(flags, named = '', script = '') {
  const text = (value) => Buffer.concat([Buffer.from(new Uint32Array([value.length]).buffer), Buffer.from(value)]);
  const blob = Buffer.concat([Buffer.from(new Uint32Array([0x46, 1, 1 | flags]).buffer), text(named), text('<local>'), text(script), Buffer.alloc(32)]);
  const words = ['reg', 'add', INTERNET, '/v', 'DefaultConnectionSettings', '/t', 'REG_BINARY', '/d', blob.toString('hex'), '/f'];
  const { status, stdout, stderr } = spawnSync('wine', words, { encoding: 'utf8' });
  assert.equal(status, 0, stdout + stderr);
}

test('the agent for Windows', async (t) => World.run({ customers: CUSTOMERS, items: 40, products: 40 }, async (world) => {
  const { jde, dynamics } = world;

  await step(t, world, `${CUSTOMERS} customers appear in Dynamics, each once`, async () => {
    await settled(world, { timeoutMs: 120000 });
    assert.equal(await dynamics.accountCount(), CUSTOMERS);
  });

  await step(t, world, 'a change appears, with its letters', async () => {
    await jde.touch({ table: 'F0101', keys: [6042], fields: { ALPH: 'Żółw & Søn Ltd' } });
    await until('the new name is in Dynamics', async () => (await dynamics.account(6042)).name === 'Żółw & Søn Ltd', { timeoutMs: 60000 });
  });

  await step(t, world, 'orders become orders of JDE, each once', async () => {
    await dynamics.sell(ORDERS);
    await settled(world, { timeoutMs: 120000 });
    assert.equal((await jde.orders()).length, ORDERS);
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

  await step(t, world, 'mlctl.exe makes a backup of the running agent', async () => {
    const folder = path.join(world.dir, 'backup');
    const made = mlctl(world, 'backup', folder);
    assert.equal(made.status, 0, made.stderr);
    const proof = mlctl(world, 'backup', '--verify', folder);
    assert.equal(proof.status, 0, proof.stderr);
    assert.match(proof.stdout, /its audit trail is whole/);
  });

  /* Restart the agent with these settings of its ways out; both of them must lead through Squid then. */
  async function goesThrough(squid, proxy, number) {
    const name = `Through the proxy, ${number}`;
    const before = squid.requests().length;
    await world.agent.stop();
    world.writeConfigs({ agent: { relay: proxy, ais: proxy } });
    await world.startAgent();
    await jde.touch({ table: 'F0101', keys: [number], fields: { ALPH: name } });
    await until('the change is in Dynamics', async () => (await dynamics.account(number)).name === name, { timeoutMs: 60000 });
    await world.agent.stop();
    const ends = squid.requests().slice(before).filter(({ method, status }) => method === 'CONNECT' && status === 200).map(({ target }) => target);
    for (const port of [world.cutter.port, jde.port]) assert.ok(ends.includes(`127.0.0.1:${port}`), `${port} was reached through the proxy: ${ends}`);
  }

  await step(t, world, 'through a proxy that wants a sign-in, the tunnel and AIS', async () => {
    const squid = await new Squid({ auth: ['basic'] }).start();
    try {
      const file = path.join(world.dir, 'proxy-password'); // squid's own is its user's, which wine takes for somebody else's
      fs.writeFileSync(file, squid.password, { mode: 0o600 });
      await goesThrough(squid, { proxy: squid.url, proxy_user: squid.user, proxy_password: `file:${file}` }, 6044);
    } finally {
      await squid.stop();
    }
  });

  await step(t, world, "through the proxy of Windows' settings, named and by a PAC script", async () => {
    const squid = await new Squid().start();
    const script = `function FindProxyForURL(url, host) { return host == '127.0.0.1' && url.slice(0, 6) == 'https:' ? 'PROXY 127.0.0.1:${squid.port}' : 'PROXY 127.0.0.1:9'; }`;
    const server = http.createServer((request, response) => response.writeHead(200, { 'Content-Type': 'application/x-ns-proxy-autoconfig' }).end(script));
    await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
    try {
      internetSettings(NAMED, `http=127.0.0.1:9;https=127.0.0.1:${squid.port}`);
      await goesThrough(squid, { proxy: 'from_system' }, 6045);
      internetSettings(SCRIPT, '', `http://127.0.0.1:${server.address().port}/proxy.pac`);
      await goesThrough(squid, { proxy: 'from_system' }, 6046);
    } finally {
      internetSettings(0);
      server.close();
      await squid.stop();
    }
  });
}));

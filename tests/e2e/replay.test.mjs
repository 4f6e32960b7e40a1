/*
 * What the agent tries without harm: addresses in dry run, and audited orders and addresses delivered once more to a test JDE.
 * The productive JDE, Dynamics, the streams and the cross-reference stay as they are.
 */

import assert from 'node:assert/strict';
import fs from 'node:fs';
import https from 'node:https';
import path from 'node:path';
import test from 'node:test';
import { settled } from './lib/compare.mjs';
import { agentSettings, writeConfig } from './lib/configs.mjs';
import { doctor } from './lib/doctor.mjs';
import { agentCtl, refusal } from './lib/mlctl.mjs';
import { JdeSim } from './lib/sims.mjs';
import { step } from './lib/steps.mjs';
import { until } from './lib/wait.mjs';
import { World, freePort, programFile } from './lib/world.mjs';

const WAIT = { timeoutMs: 20000 };
const RELAY = { tenant: { webhooks: { register: true } } };
const trimmed = (value) => String(value ?? '').trim();

const addressOf = (name) => ({
  address1_line1: `${name} 1`, address1_line2: 'c/o Müller', address1_line3: '', address1_city: 'Denver', address1_stateorprovince: 'CO',
  address1_postalcode: '80202', address1_country: 'US',
});

const edit = ({ dynamics }, number, columns) => dynamics.api('PATCH', `accounts(accountnumber='${number}')`, columns);

async function inForce(jde, an8) {
  const { rows } = await jde.get(`rows/F0116?AN8=${an8}`);
  return rows.sort((a, b) => a.EFTB - b.EFTB)[rows.length - 1];
}

const street = async (jde, an8) => trimmed((await inForce(jde, an8)).ADD1);

/** Calls of an orchestration that were answered. */
async function writes(jde, name) {
  const { requests } = await jde.stats();
  return Object.entries(requests).filter(([request]) => request.includes(name)).flatMap(([, codes]) => Object.values(codes)).reduce((a, b) => a + b, 0);
}

async function restartAgent(world, more) {
  assert.equal(await world.agent.stop(), 0);
  world.writeConfigs({ relay: RELAY, agent: more });
  await world.startAgent();
  await world.connected();
}

/** A second JDE with data of its own, in another environment. */
async function openTestJde(world) {
  const dir = path.join(world.dir, 'test-jde');
  fs.mkdirSync(dir);
  const target = new JdeSim({ dir, certs: world.certs, ca: world.ca, options: { ...world.jde.options, username: 'MLTEST', environment: 'JPY920' } });
  await target.start();
  world.extra.push(target.program);
  return target;
}

const replaySettings = (world, target) => ({
  url: target.url, username: target.options.username, password: `file:${world.secretFile('jde')}`, environment: target.options.environment,
  ca_file: path.join(world.certs, 'ca.pem'),
});

/** An AIS server that logs everybody in to this environment, whatever was asked for. */
async function strayServer(world, environment) {
  const [cert, key] = ['server.pem', 'server.key'].map((name) => fs.readFileSync(path.join(world.certs, name)));
  const body = JSON.stringify({ username: 'MLTEST', environment, userInfo: { token: 'abc', dateFormat: 'MDE' } });
  const server = https.createServer({ cert, key }, (request, response) => { response.end(body); });
  const port = await freePort();
  await new Promise((resolve) => { server.listen(port, '127.0.0.1', resolve); });
  return { url: `https://127.0.0.1:${port}`, close: () => { server.close(); server.closeAllConnections(); } };
}

const trail = async (world, key) => world.agentAdmin('GET', `/v1/audit?store=agent&max=10000&key=${encodeURIComponent(key)}`);

async function delivered(world, key) {
  const found = (await trail(world, key)).findLast(({ event }) => event.action === 'delivered');
  assert.ok(found, `${key} was delivered`);
  return found;
}

/** What nothing of a replay may change. */
async function productiveState(world) {
  await settled(world);
  const { up, jde, held } = Object.fromEntries((await world.agentAdmin('GET', '/v1/status')).stores[0].streams.map((one) => [one.name, one]));
  return {
    streams: [up, jde, held].map(({ ready, inflight, parked, done }) => [ready, inflight, parked, done]), orders: await world.jde.orders(),
    updates: await writes(world.jde, 'ML_UpdateAddress'), sales: await world.dynamics.dump('salesorders'), accounts: await world.dynamics.dump('accounts'),
  };
}

/** An order as JDE has it, without what JDE gives it itself. */
const content = (order) => JSON.parse(JSON.stringify(order, (name, value) => (/^(DOCO|UPMJ|UPMT|TDAY|TRDJ|USER|JOBN|PID|ORBY|doco|createdAt|upmj|upmt)$/.test(name) ? undefined : value)));

test('addresses in dry run, and replays at a test JDE', async (t) => World.run({ customers: 10, relay: RELAY, agent: { addresses: { dry_run: true } } }, async (world) => {
  const { jde, dynamics } = world;
  let target;
  let order;

  await step(t, world, 'an address in dry run: the inputs are told, JDE stays as it is', async () => {
    await settled(world);
    await until('the steps are registered', async () => (await dynamics.dump('sdkmessageprocessingsteps')).length >= 4, WAIT);
    const before = await inForce(jde, 6001);
    await edit(world, 6001, addressOf('Dry Street'));
    await until('the change is held', async () => (await world.streams())['agent/held'].ready === 1, WAIT);
    const { outcome } = await world.agentAdmin('GET', '/v1/entry?store=agent&stream=jde&seq=1');
    const [, inputs] = /^dry run: would send (\{.*\})$/.exec(outcome);
    assert.deepEqual({ number: '6001', street: 'Dry Street 1' }, { number: JSON.parse(inputs).AddressNumber, street: JSON.parse(inputs).AddressLine1 });
    assert.deepEqual(await inForce(jde, 6001), before);
    assert.equal(await writes(jde, 'ML_UpdateAddress'), 0);
    assert.deepEqual((await trail(world, 'address/6001')).map(({ event }) => event.action), ['received', 'dry run']);
    assert.equal((await dynamics.account(6001)).address1_line1, 'Dry Street 1');
  });

  await step(t, world, 'when the dry run is over, the change that was only tried is written', async () => {
    await restartAgent(world, {});
    await until('it is in JDE', async () => (await street(jde, 6001)) === 'Dry Street 1', WAIT);
    await until('nothing is held', async () => (await world.streams())['agent/held'].ready === 0, WAIT);
    await settled(world);
    assert.equal(await writes(jde, 'ML_UpdateAddress'), 1);
  });

  await step(t, world, 'without a test target a replay is refused, and told why', async () => {
    [order] = await dynamics.sell(1);
    await until('the number is in Dynamics', async () => (await dynamics.order(order.orderId)).ml_jdeordernumber, WAIT);
    const { index } = await delivered(world, `order/${order.orderId}`);
    assert.match(await refusal('--socket', world.agentSocket, 'replay', '--audit', String(index)), /no test target is configured; set replay\.url/);
    assert.equal((await jde.orders()).length, 1);
  });

  await step(t, world, 'an audited order is replayed: the same order is made in the test JDE, and nothing else happens', async () => {
    target = await openTestJde(world);
    await restartAgent(world, { replay: replaySettings(world, target) });
    const { index } = await delivered(world, `order/${order.orderId}`);
    const before = await productiveState(world);
    assert.match(await refusal('--socket', world.agentSocket, 'replay', '--audit', String(index), '--target', jde.url), /is not the test target/);
    const told = await agentCtl(world, 'replay', '--audit', String(index), '--target', target.url);
    assert.match(told, new RegExp(`^replayed at ${target.url}\norder/${order.orderId}: created \\d+ SO 00001`));
    const [copy, ...more] = await target.orders();
    assert.deepEqual(more, []);
    assert.deepEqual(content(copy), content((await jde.orders())[0]));
    assert.deepEqual(await productiveState(world), before);
    const last = (await trail(world, `order/${order.orderId}`)).at(-1);
    assert.deepEqual([last.event.action, last.event.actor, last.event.outcome], ['replayed', 'operator:tester', 'ok']);
    assert.match(JSON.stringify(last), /replayed at [^"]*: created /);
  });

  await step(t, world, 'the doctor knows the test JDE, and one that is the productive JDE by another name', async () => {
    const ask = (replay) => {
      writeConfig(world.configFile('doctor'), agentSettings(world, { replay }));
      return doctor(programFile('MLC_AGENT', 'ml-agent'), world.configFile('doctor'), '--json');
    };
    const settings = replaySettings(world, target);
    const well = await ask(settings);
    assert.deepEqual(well.failed, [], well.text);
    for (const id of ['connect', 'tls', 'answer', 'target', 'login']) assert.equal(well.checks[`replay.${id}`].state, 'ok', id);
    assert.match(well.checks['replay.login'].detail, /MLTEST in environment JPY920/);

    const port = new URL(jde.url).port;
    const alias = await ask({ ...settings, url: `https://localhost:${port}`, username: jde.options.username ?? 'MLCONN', environment: 'JPY920' });
    assert.equal(alias.checks['replay.target'].state, 'warn', alias.text);
    assert.match(alias.checks['replay.target'].detail, /lead to the same address/);

    const stray = await strayServer(world, jde.options.environment);
    const astray = await ask({ ...settings, url: stray.url });
    stray.close();
    assert.deepEqual(astray.failed, ['replay.login'], astray.text);
    assert.match(astray.checks['replay.login'].detail, /environment JPD920, which is that of ais\.environment/);

    const file = path.join(world.dir, 'wrong.secret');
    fs.writeFileSync(file, 'not-the-password', { mode: 0o600 });
    const refused = await ask({ ...settings, password: `file:${file}` });
    assert.deepEqual(refused.failed, ['replay.login'], refused.text);
    assert.match(refused.checks['replay.login'].remedy, /replay\.username/);

    const away = await ask({ ...settings, url: `https://127.0.0.1:${await freePort()}` });
    assert.deepEqual(away.failed, ['replay.connect'], away.text);
    for (const id of ['target', 'login']) assert.equal(away.checks[`replay.${id}`].state, 'skipped', id);
    assert.equal(away.checks['ais.login'].state, 'ok');
    assert.equal((await ask(undefined)).checks['replay.login'], undefined, 'without a test target it is not asked for');
  });

  await step(t, world, 'replayed once more it is found, not made twice', async () => {
    const { event } = await delivered(world, `order/${order.orderId}`);
    assert.match(await agentCtl(world, 'replay', '--correlation', event.correlation), /: found \d+ SO 00001/);
    assert.equal((await target.orders()).length, 1);
  });

  await step(t, world, 'an audited address is replayed, whatever the test JDE had', async () => {
    const { index } = await delivered(world, 'address/6001');
    const { EFTB } = await inForce(target, 6001);
    await target.rows('F0116', [{ AN8: 6001, EFTB, ADD1: 'Something else' }]);
    const before = await productiveState(world);
    assert.match(await agentCtl(world, 'replay', '--audit', String(index)), /address\/6001: applied/);
    assert.deepEqual(['ADD1', 'ADD2', 'CTY1', 'ADDZ'].map(await (async () => {
      const [there, here] = await Promise.all([inForce(target, 6001), inForce(jde, 6001)]);
      return (name) => trimmed(there[name]) === trimmed(here[name]);
    })()), [true, true, true, true]);
    assert.deepEqual(await productiveState(world), before);
    assert.match(await agentCtl(world, 'replay', '--audit', String(index)), /address\/6001: unchanged/);
    assert.equal(await writes(target, 'ML_UpdateAddress'), 1);
  });

  await step(t, world, 'what the test JDE refuses is told and audited', async () => {
    const [refused] = await dynamics.sell(1);
    await until('the number is in Dynamics', async () => (await dynamics.order(refused.orderId)).ml_jdeordernumber, WAIT);
    const { index } = await delivered(world, `order/${refused.orderId}`);
    await target.faults([{ match: { path: 'orchestrator' }, kind: 'status', code: 400, count: 1 }]);
    await refusal('--socket', world.agentSocket, 'replay', '--audit', String(index));
    const last = (await trail(world, `order/${refused.orderId}`)).at(-1).event;
    assert.deepEqual([last.action, last.outcome], ['replayed', 'rejected']);
    assert.equal((await target.orders()).length, 1);
  });

  await step(t, world, 'a message that was pruned cannot be replayed, and that is said', async () => {
    await restartAgent(world, { replay: replaySettings(world, target), store: { keep_done: '1s', upkeep_interval: '50ms' } });
    const { index } = await delivered(world, `order/${order.orderId}`);
    await until('it is pruned', async () => (await world.streams())['agent/jde'].done === 0, WAIT);
    assert.match(await refusal('--socket', world.agentSocket, 'replay', '--audit', String(index)), /no longer kept: done entries are pruned after store\.keep_done .*set them higher/);
  });
}));

/*
 * The relay registers its webhook steps in Dynamics and mends them: a step that was deleted, disabled or given another
 * filter, an endpoint with another address or secret, doubles. And what mlctl shows of it.
 */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import test from 'node:test';
import { settled } from './lib/compare.mjs';
import { step } from './lib/steps.mjs';
import { until } from './lib/wait.mjs';
import { World, programFile } from './lib/world.mjs';

const NAME = 'ml-connector';
const NAMES = [NAME, `${NAME}: ConvertQuoteToSalesOrder of quote`, `${NAME}: GenerateInvoiceFromOrder of salesorder`,
  `${NAME}: Update of account`, `${NAME}: Update of contact`];

function mlctl(world, ...words) {
  const { status, stdout, stderr } = spawnSync(programFile('MLC_CTL', 'mlctl'), ['--socket', world.relaySocket, ...words], { encoding: 'utf8' });
  return { status, stdout, stderr };
}

const verify = (world) => mlctl(world, 'webhooks', world.tenant, '--verify');
const repair = (world) => mlctl(world, 'webhooks', world.tenant, '--repair');
const steps = (world) => world.dynamics.dump('sdkmessageprocessingsteps');
const endpoints = (world) => world.dynamics.dump('serviceendpoints');
const stepCalled = async (world, name) => (await steps(world)).find((row) => row.name === name);

async function wellAgain(world) {
  const before = verify(world);
  assert.equal(before.status, 1, before.stdout);
  const mended = repair(world);
  assert.equal(mended.status, 0, mended.stdout + mended.stderr);
  assert.equal(verify(world).status, 0);
  assert.deepEqual((await steps(world)).map((row) => row.name).sort(), NAMES.slice(1).sort());
  assert.equal((await endpoints(world)).length, 1);
  return before.stdout;
}

test('webhook steps', async (t) => {
  const settings = { customers: 5, products: 20, relay: { tenant: { webhooks: { register: true, name: NAME, interval: '1h' } } } };
  await World.run({ ...settings, register: false }, async (world) => {
    const { dynamics } = world;

    await step(t, world, 'are made at the start, each once, and orders come by them', async () => {
      await until('the steps are there', async () => (await steps(world)).length === 4, { timeoutMs: 15000 });
      assert.deepEqual((await steps(world)).map((row) => row.name).sort(), NAMES.slice(1).sort());
      assert.equal(verify(world).status, 0, verify(world).stdout);
      await settled(world);
      await dynamics.sell(3);
      await settled(world, { timeoutMs: 20000 });
      await until('all webhooks were taken', async () => (await dynamics.get('webhook-jobs')).counts.pending === 0);
      const { counts } = await dynamics.get('webhook-jobs');
      assert.ok(counts.succeeded >= 3 && counts.failed === 0, JSON.stringify(counts));
    });

    await step(t, world, 'a start with all in place makes nothing', async () => {
      const before = (await dynamics.stats()).requests;
      await world.relay.stop();
      await world.startRelay();
      await until('the check is over', async () => (await world.relayAdmin('GET', '/v1/status')).tenants[world.tenant].webhooks.ok);
      const after = (await dynamics.stats()).requests;
      const writes = (all) => Object.entries(all).filter(([name]) => /^(POST|PATCH|DELETE) .*(sdkmessage|serviceendpoint)/.test(name)).map(([, codes]) => Object.values(codes).reduce((a, b) => a + b, 0)).reduce((a, b) => a + b, 0);
      assert.equal(writes(after), writes(before));
    });

    await step(t, world, 'a deleted step is made again', async () => {
      const { sdkmessageprocessingstepid: id } = await stepCalled(world, NAMES[3]);
      await dynamics.api('DELETE', `sdkmessageprocessingsteps(${id})`);
      assert.match(await wellAgain(world), /Update of account +missing/);
    });

    await step(t, world, 'a disabled step is enabled', async () => {
      const { sdkmessageprocessingstepid: id } = await stepCalled(world, NAMES[1]);
      await dynamics.api('PATCH', `sdkmessageprocessingsteps(${id})`, { statecode: 1, statuscode: 2 });
      assert.match(await wellAgain(world), /is disabled/);
      assert.equal((await stepCalled(world, NAMES[1])).statecode, 0);
    });

    await step(t, world, 'a wrong filter, stage and mode are put right', async () => {
      const { sdkmessageprocessingstepid: id } = await stepCalled(world, NAMES[4]);
      await dynamics.api('PATCH', `sdkmessageprocessingsteps(${id})`, { filteringattributes: 'firstname', mode: 0 });
      const shown = await wellAgain(world);
      assert.match(shown, /other filtering attributes/);
      assert.match(shown, /asynchronously/);
      assert.match((await stepCalled(world, NAMES[4])).filteringattributes, /address1_line1/);
    });

    await step(t, world, 'a changed address of the endpoint is put right, and the secret with it', async () => {
      const [{ serviceendpointid: id }] = await endpoints(world);
      await dynamics.api('PATCH', `serviceendpoints(${id})`, { url: 'https://127.0.0.1:9/elsewhere', authvalue: '<settings></settings>' });
      assert.match(await wellAgain(world), /url is "https:\/\/127.0.0.1:9\/elsewhere"/);
      await dynamics.sell(1);
      await until('its webhook was taken', async () => {
        const { jobs } = await dynamics.get('webhook-jobs');
        return jobs.filter(({ message }) => message === 'ConvertQuoteToSalesOrder').pop()?.status === 'succeeded';
      }, { timeoutMs: 15000 });
      await settled(world);
    });

    await step(t, world, 'a deleted endpoint is made again, and its steps lead to the new one', async () => {
      const [{ serviceendpointid: id }] = await endpoints(world);
      await dynamics.api('DELETE', `serviceendpoints(${id})`);
      await wellAgain(world);
    });

    await step(t, world, 'doubles of a step are taken away', async () => {
      const row = await stepCalled(world, NAMES[2]);
      await dynamics.api('POST', 'sdkmessageprocessingsteps', {
        name: row.name, stage: 40, mode: 1, 'sdkmessageid@odata.bind': `/sdkmessages(${row._sdkmessageid_value})`,
        'sdkmessagefilterid@odata.bind': `/sdkmessagefilters(${row._sdkmessagefilterid_value})`,
        'eventhandler_serviceendpoint@odata.bind': `/serviceendpoints(${row._eventhandler_value})`,
      });
      assert.match(await wellAgain(world), /double/);
    });

    await step(t, world, 'steps that others made stay as they are', async () => {
      const { id } = await dynamics.post('webhooks', { url: 'https://127.0.0.1:9/other', messages: ['Update'], entity: 'account' });
      assert.equal(verify(world).status, 0);
      assert.equal(repair(world).status, 0);
      assert.ok((await endpoints(world)).some((row) => row.serviceendpointid === id && row.url === 'https://127.0.0.1:9/other'));
    });

    await step(t, world, 'what was repaired stands in the audit trail; an unknown tenant is refused', async () => {
      const events = await world.relayAdmin('GET', `/v1/audit?store=${world.tenant}&max=10000`);
      // The words stand beside the chain, which holds a commitment to them.
      const repaired = events.filter(({ event }) => event.action === 'webhook.repaired');
      assert.ok(repaired.some(({ event, personal }) => event.targetId === NAMES[1] && /disabled/.test(JSON.stringify(personal))), JSON.stringify(repaired));
      assert.ok(!JSON.stringify(events).includes(world.secret('webhook')));
      assert.equal(mlctl(world, 'webhooks', 'nobody').status, 1);
    });
  });
});

/*
 * The flows from JDE as far as the agent goes: what stands in its outgoing stream while the relay is away, when flows run,
 * what an operator sees of them, and that a first load goes on where a kill ended it.
 */

import assert from 'node:assert/strict';
import test from 'node:test';
import { step } from './lib/steps.mjs';
import { sleep, until } from './lib/wait.mjs';
import { World } from './lib/world.mjs';

const CUSTOMERS = 120;
const ITEMS = 30;

const flow = (more = {}) => ({ enabled: true, schedule: '@every 1s', ...more });
const often = {
  customers: flow({ open_balance: true, object_from: '1200', object_to: '1299', posted_only: false }), suppliers: flow(), contacts: flow(), items: flow(),
  prices: flow(),
};

/** Last entry of each key in the agent's outgoing stream, parsed. */
class Outbox {
  last = new Map();

  entries = [];

  constructor(world) {
    this.world = world;
  }

  async refresh() {
    const { stores } = await this.world.agentAdmin('GET', '/v1/status');
    const { lastSeq, nextSeq } = stores[0].streams.find(({ name }) => name === 'up');
    const end = lastSeq ?? nextSeq - 1;
    for (let seq = this.entries.length + 1; seq <= end; seq += 1) {
      const entry = await this.world.agentAdmin('GET', `/v1/entry?store=agent&stream=up&seq=${seq}`);
      this.entries.push(entry);
      this.last.set(entry.key, entry);
    }
    return this;
  }

  record = (key) => this.last.get(key)?.payload;

  kinds() {
    const count = {};
    for (const { kind } of this.last.values()) count[kind] = (count[kind] ?? 0) + 1;
    return count;
  }

  /** Until the record of this key fits. */
  appears = (key, fits, what = key) => until(`${what} is in the stream`, async () => {
    await this.refresh();
    const record = this.record(key);
    return record !== undefined && fits(record) && record;
  }, { timeoutMs: 20000, everyMs: 200 });
}

const flows = async (world) => Object.fromEntries((await world.agentAdmin('GET', '/v1/flows')).flows.map((one) => [one.name, one]));

/** All flows have gone through a whole run since now. */
async function quiet(world) {
  const before = await flows(world);
  await until('each flow has run twice', async () => {
    const now = await flows(world);
    return Object.values(now).every(({ name, runs }) => runs >= before[name].runs + 2);
  }, { timeoutMs: 30000 });
}

async function startAlone(world, agent) {
  world.options.agent = agent;
  world.writeConfigs({ agent });
  await world.enroll();
  await world.relay.stop();
  await world.startAgent();
}

const options = { customers: CUSTOMERS, items: ITEMS, onlyRelay: true };

test('flows', async (t) => World.run({ ...options, agent: { flows: often } }, async (world) => {
  const { jde } = world;
  const outbox = new Outbox(world);
  await startAlone(world, { flows: often });

  await step(t, world, 'each record of each kind is sent once, with the rows of all its tables', async () => {
    await quiet(world);
    await outbox.refresh();
    assert.deepEqual(outbox.kinds(), { customer: CUSTOMERS, supplier: 3, item: ITEMS, price: ITEMS });
    assert.equal(outbox.entries.length, CUSTOMERS + 3 + 2 * ITEMS);
    const { kind, id, source, version, gone, rows } = outbox.record('customer/6001');
    assert.deepEqual([kind, id, source, gone], ['customer', '6001', 'JDE/F0101/6001', false]);
    assert.match(version, /^\d{13}\.\d{6}\.\d{1,6}$/);
    assert.deepEqual(Object.keys(rows), ['F0101', 'F03012', 'F0116', 'F0115', 'F01151', 'ledger']);
    assert.equal(rows.F0101.AT1, 'C');
    assert.equal(rows.F0116.EFTB, '2020-01-01');
    assert.equal(rows.F0115[0].AR1, '555');
    assert.equal(rows.F01151[0].EMAL, 'office6001@example.com');
    const lines = (await jde.dump('F0911')).filter(({ AN8, OBJ }) => AN8 === 6001 && OBJ === '1210');
    assert.equal(Number(rows.ledger.openBalance), lines[0].AA);
    assert.equal(outbox.record('customer/6100').rows.ledger.openBalance, '0');
    assert.deepEqual(Object.keys(outbox.record('supplier/4000000').rows), ['F0101', 'F0401', 'F0116', 'F0115', 'F01151']);
    const price = outbox.record('price/60001/30/0//USD/EA');
    assert.equal(price.source, 'JDE/F4106/60001/30/0//USD/EA');
    assert.equal(price.rows.F4101.LITM, 'ITEM-00001');
    assert.equal(price.rows.F4106.EXDJ, '2040-12-31');
  });

  await step(t, world, 'a change of any table sends its record again', async () => {
    await jde.rows('F0116', [{ AN8: 6002, EFTB: '2021-05-01', ADD1: 'New street 1', CTY1: 'Basel', CTR: 'CH' }]);
    await jde.rows('F0115', [{ AN8: 6003, IDLN: 0, RCK7: 2, PHTP: 'FAX', AR1: '41', PH1: '556677' }]);
    await jde.touch({ table: 'F0401', keys: [4000001], fields: { TRAP: 'N45' } });
    await jde.touch({ table: 'F4101', keys: [60002], fields: { LITM: 'NEW-60002' } });
    await outbox.appears('customer/6002', ({ rows }) => rows.F0116.CTY1 === 'Basel');
    await outbox.appears('customer/6003', ({ rows }) => rows.F0115.length === 2 && rows.F0115[1].PHTP === 'FAX');
    await outbox.appears('supplier/4000001', ({ rows }) => rows.F0401.TRAP === 'N45');
    await outbox.appears('item/60002', ({ rows }) => rows.F4101.LITM === 'NEW-60002');
    await outbox.appears('price/60002/30/0//USD/EA', ({ rows }) => rows.F4101.LITM === 'NEW-60002');
  });

  await step(t, world, 'a ledger line sends its customer with the new open balance', async () => {
    await jde.rows('F0911', [{
      DOC: 9001, DCT: 'RI', KCO: '00001', DGJ: '2026-01-05', LT: 'AA', AN8: 6100, JELN: 1, AID: '1', OBJ: '1210', AA: 123.45, CRCD: 'USD', POST: '',
    }]);
    await outbox.appears('customer/6100', ({ rows }) => rows.ledger.openBalance === '123.45');
  });

  await step(t, world, 'contacts are lines of the who is who, with their own phones', async () => {
    await jde.rows('F0111', [{ AN8: 6004, IDLN: 1, MLNM: 'Ann Example', ALPH: 'Example, Ann', TYC: '' }]);
    await jde.rows('F0115', [{ AN8: 6004, IDLN: 1, RCK7: 1, PHTP: 'CAR', AR1: '79', PH1: '111' }]);
    const { id, rows } = await outbox.appears('contact/6004/1', (record) => record.rows.F0115?.length === 1);
    assert.equal(id, '6004/1');
    assert.equal(rows.F0111.MLNM, 'Ann Example');
    assert.equal(rows.F0115[0].PHTP, 'CAR');
  });

  await step(t, world, 'what leaves the selection is gone, and comes back', async () => {
    const ofPrice = { ITM: 60003, MCU: '30', AN8: 0, CPGP: '', CRCD: 'USD', UOM: 'EA', EXDJ: '2040-12-31' };
    await jde.touch({ table: 'F0101', keys: [6004, 6005], fields: { AT1: 'E' } });
    await jde.touch({ table: 'F4101', keys: [60004], fields: { STKT: 'O' } });
    await jde.rows('F4106', [{ ...ofPrice, EFTJ: '2039-01-01' }]);
    for (const key of ['customer/6004', 'customer/6005', 'contact/6004/1', 'item/60004', 'price/60004/30/0//USD/EA', 'price/60003/30/0//USD/EA']) {
      await outbox.appears(key, ({ gone }) => gone, `${key} as gone`);
    }
    assert.equal(outbox.record('item/60004').rows.F4101.LITM, 'ITEM-00004');
    await jde.touch({ table: 'F0101', keys: [6004], fields: { AT1: 'C' } });
    await outbox.appears('customer/6004', ({ gone }) => !gone);
    await outbox.appears('contact/6004/1', ({ gone }) => !gone);
  });

  await step(t, world, 'touches that change nothing are silent', async () => {
    await quiet(world);
    await outbox.refresh();
    const before = outbox.entries.length;
    await jde.touch({ table: 'F0101', from: 6001, to: 6120, fields: {} });
    await jde.touch({ table: 'F4106', from: 60001, to: 60030, fields: {} });
    await quiet(world);
    await outbox.refresh();
    assert.equal(outbox.entries.length, before);
  });

  await step(t, world, 'a run that failed goes on', async () => {
    await jde.faults([{ match: { path: 'dataservice', body: 'F4101.DSC1' }, kind: 'status', code: 503, count: 2 }]);
    await jde.touch({ table: 'F4101', keys: [60005], fields: { DSC1: 'After trouble' } });
    await outbox.appears('item/60005', ({ rows }) => rows.F4101.DSC1 === 'After trouble');
    await jde.clearFaults();
  });
}));

test('schedules and windows', async (t) => World.run({ ...options, customers: 30, agent: {} }, async (world) => {
  const { jde } = world;
  const outbox = new Outbox(world);
  const hour = new Date().getUTCHours();
  const shut = `${(hour + 3) % 24}:00-${(hour + 5) % 24}:00`;
  const daily = { schedule: `0 ${(hour + 12) % 24} * * *` };
  const settings = { flows: { ...often, customers: flow(daily), items: flow({ ...daily, catch_up: false }), suppliers: flow({ window: shut }) } };
  await startAlone(world, settings);

  await step(t, world, 'a run that was never made is made up for, unless it shall not; a window holds a flow back', async () => {
    const { customers, items, suppliers } = await until('customers were read', async () => {
      const now = await flows(world);
      return now.customers.runs === 1 && now.prices.runs > 2 && now;
    });
    assert.ok(new Date(customers.nextRun) - new Date() > 10 * 3600 * 1000, customers.nextRun);
    assert.equal(items.runs, 0);
    assert.equal(items.state, 'idle');
    assert.equal(suppliers.runs, 0);
    assert.equal(new Date(suppliers.nextRun).getUTCHours(), (hour + 3) % 24);
  });

  await step(t, world, 'an operator can run one now, and is told of a wrong name', async () => {
    await world.agentAdmin('POST', '/v1/poll', { flow: 'items' });
    await until('items were read', async () => (await flows(world)).items.runs === 1);
    await world.agentAdmin('POST', '/v1/poll', { flow: 'suppliers' });
    await until('suppliers were read', async () => (await flows(world)).suppliers.runs === 1);
    await assert.rejects(world.agentAdmin('POST', '/v1/poll', { flow: 'nonsense' }), /enabled are: customers, suppliers/);
    await outbox.refresh();
    assert.deepEqual(outbox.kinds(), { customer: 30, supplier: 3, item: ITEMS, price: ITEMS });
  });

  await step(t, world, 'after a restart nothing is sent twice, and what is not due waits', async () => {
    await world.agent.kill();
    await jde.touch({ table: 'F0101', keys: [6001], fields: { ALPH: 'While it was down' } });
    await world.startAgent();
    await until('prices were read', async () => (await flows(world)).prices.runs > 2);
    assert.equal((await flows(world)).customers.runs, 0);
    const before = outbox.entries.length;
    await outbox.refresh();
    assert.equal(outbox.entries.length, before);
    await world.agentAdmin('POST', '/v1/poll');
    await outbox.appears('customer/6001', ({ rows }) => rows.F0101.ALPH === 'While it was down');
  });
}));

test('first load', async (t) => World.run({ ...options, customers: 1500, agent: {} }, async (world) => {
  const { jde } = world;
  const outbox = new Outbox(world);
  const settings = { flows: { customers: { schedule: '0 2 * * *', page_size: 50 } } };

  await step(t, world, 'it tells its progress, and goes on where a kill ended it', async () => {
    await jde.config({ latencyMs: 30 });
    await startAlone(world, settings);
    let seen = 0;
    for (let kills = 0; kills < 4; kills += 1) {
      const { firstLoad } = await until('it is well under way', async () => {
        const { customers } = await flows(world);
        return customers.firstLoad?.done >= seen + 150 && customers;
      }, { timeoutMs: 30000 });
      assert.equal(firstLoad.total, 1503); // suppliers are rows of F0101 as well
      assert.ok(firstLoad.percent < 100 && firstLoad.secondsLeft > 0, JSON.stringify(firstLoad));
      seen = firstLoad.done;
      await world.agent.kill();
      await world.startAgent();
      assert.ok((await flows(world)).customers.firstLoad.done >= seen);
    }
    await jde.config({ latencyMs: 0 });
    const { customers } = await until('it is done', async () => {
      const now = await flows(world);
      return now.customers.runs === 1 && now;
    }, { timeoutMs: 60000 });
    assert.equal(customers.firstLoad, undefined);
    await sleep(100);
    await outbox.refresh();
    assert.equal(outbox.entries.length, 1500);
    assert.equal(outbox.last.size, 1500);
  });
}));

/*
 * Master records from JDE to Dynamics, over real programs: customers, suppliers, contacts, items and prices with all their
 * columns, what they point to, what is faulty, and what is gone.
 */

import assert from 'node:assert/strict';
import test from 'node:test';
import { settled } from './lib/compare.mjs';
import { relayCtl } from './lib/mlctl.mjs';
import { step } from './lib/steps.mjs';
import { until } from './lib/wait.mjs';
import { World } from './lib/world.mjs';

const CUSTOMERS = 40;
const ITEMS = 30;

const flow = { enabled: true };
const agent = { flows: { suppliers: flow, contacts: flow, items: flow, prices: flow } };

/** A line of who's who with its phone and mail. */
async function addContact(jde, AN8, IDLN, MLNM) {
  await jde.rows('F0111', [{ AN8, IDLN, MLNM, ALPH: MLNM, TYC: '' }]);
  await jde.rows('F0115', [{ AN8, IDLN, RCK7: 1, PHTP: '', AR1: '303', PH1: `555${AN8}` }]);
  await jde.rows('F01151', [{ AN8, IDLN, RCK7: 1, ETP: 'E', EMAL: `contact${IDLN}.of.${AN8}@example.com` }]);
}

const price = (number, more) => ({
  ITM: 60000 + number, LITM: `ITEM-${String(number).padStart(5, '0')}`, MCU: '30', AN8: 0, CPGP: '', CRCD: 'USD', UOM: 'EA', EFTJ: 124001, EXDJ: 140366,
  UPRC: 12.3456, ...more,
});

async function itemNumber(jde, number) {
  const rows = await jde.dump('F4101');
  return rows.find((row) => String(row.LITM).trim() === `ITEM-${String(number).padStart(5, '0')}`).ITM;
}

test('master records', async (t) => World.run({ customers: CUSTOMERS, items: ITEMS, products: 5, agent }, async (world) => {
  const { jde, dynamics } = world;
  const equal = (options = {}) => settled(world, { masters: true, ...options });
  const parkedWith = (...words) => until(`a record is parked with "${words.join('" and "')}"`, async () => {
    const list = await world.parked();
    return list.find((entry) => words.every((word) => entry.lastError?.includes(word))) ?? assert.fail(JSON.stringify(list).slice(0, 600));
  }, { timeoutMs: 20000 });

  await step(t, world, 'all of JDE appears, each once, with all columns', async () => {
    await equal();
    assert.equal(await dynamics.accountCount(), CUSTOMERS + 3);
    const lists = await dynamics.dump('pricelevels');
    assert.deepEqual(lists.map(({ name }) => name).sort(), ['JDE branch 30 USD', 'Standard']);
  });

  await step(t, world, 'products are active, so that quotes may use them', async () => {
    assert.deepEqual((await dynamics.dump('products')).filter(({ statecode }) => statecode !== 0), []);
  });

  await step(t, world, 'the cross-reference knows both sides of a record', async () => {
    const { accountid } = await dynamics.account(6001);
    assert.match(await relayCtl(world, 'xref', 'JDE/F0101/6001'), new RegExp(`Dynamics/accounts/${accountid}`));
    assert.match(await relayCtl(world, 'xref', `Dynamics/accounts/${accountid}`), /JDE\/F0101\/6001/);
    const [item] = await jde.dump('F4101');
    assert.match(await relayCtl(world, 'xref', `JDE/F4101/${item.ITM}`), /Dynamics\/products\//);
  });

  await step(t, world, 'addresses, phones, mails and names that change appear', async () => {
    await jde.touch({ table: 'F0116', keys: [6001, 6002], fields: { ADD1: '1 Ångström Way', ADD3: 'c/o Łódź', ADD4: 'Floor 3', CTY1: 'København' } });
    await jde.touch({ table: 'F0115', keys: [6003], fields: { PH1: '999 1234' } });
    await jde.touch({ table: 'F01151', keys: [6004], fields: { EMAL: 'new@example.com' } });
    await jde.touch({ table: 'F0101', keys: [4000000], fields: { ALPH: 'Supplier with a new name' } });
    await until('the address is there', async () => (await dynamics.account(6001)).address1_line1 === '1 Ångström Way', { timeoutMs: 20000 });
    await equal();
  });

  await step(t, world, 'contacts of customers and of suppliers appear', async () => {
    await addContact(jde, 6005, 1, 'Zoë Müller');
    await addContact(jde, 6005, 2, 'Plato');
    await addContact(jde, 4000001, 1, 'Ana María Ñandú');
    await until('three contacts are there', async () => (await dynamics.dump('contacts')).length === 3, { timeoutMs: 20000 });
    await equal();
  });

  await step(t, world, 'a contact has the given name, the surname and the title that JDE has', async () => {
    await jde.rows('F0111', [{ AN8: 6005, IDLN: 1, GNNM: 'Zoë Maria', SRNM: 'Müller Łódź', ATTL: 'Head of Purchasing' }]);
    await until('the title is there', async () => (await dynamics.dump('contacts')).some(({ jobtitle }) => jobtitle === 'Head of Purchasing'), { timeoutMs: 20000 });
    await equal();
    const { firstname, lastname } = (await dynamics.dump('contacts')).find(({ jobtitle }) => jobtitle === 'Head of Purchasing');
    assert.deepEqual([firstname, lastname], ['Zoë Maria', 'Müller Łódź']);
  });

  await step(t, world, 'a contact waits for an account that cannot be written yet', async () => {
    await dynamics.faults([{ id: 'account', match: { path: "accountnumber='7001'", method: 'PATCH' }, action: 'status', status: 503 },
      { id: 'batch', match: { path: "accounts\\(accountnumber='7001'", method: 'PATCH' }, action: 'status', status: 503, inner: true }]);
    await jde.addCustomer(7001, 'Late customer');
    await addContact(jde, 7001, 1, 'Early Bird');
    await until('the contact waits', async () => {
      const { dynamics: state } = (await world.relayAdmin('GET', '/v1/status')).tenants[world.tenant];
      return state.retried > 0;
    }, { timeoutMs: 20000 });
    await dynamics.clearFaults();
    await until('the contact is there', async () => (await dynamics.dump('contacts')).length === 4, { timeoutMs: 30000 });
    await equal();
  });

  await step(t, world, 'prices of a group, of a customer and of another currency get lists of their own, made once', async () => {
    const rows = [];
    for (let number = 1; number <= 10; number += 1) {
      const ITM = await itemNumber(jde, number);
      rows.push(price(number, { ITM, CPGP: 'PREFER' }), price(number, { ITM, CRCD: 'EUR', UPRC: 99.99 }), price(number, { ITM, AN8: 6001, UPRC: 7 }));
    }
    await jde.rows('F4106', rows);
    await until('the lists are there', async () => (await dynamics.dump('pricelevels')).length === 5, { timeoutMs: 20000 });
    await equal();
  });

  await step(t, world, 'prices of one item in several branches, and in none, are in lists of their own', async () => {
    const ITM = await itemNumber(jde, 1);
    await jde.rows('F4106', [price(1, { ITM, MCU: 'M10', UPRC: 8 }), price(1, { ITM, MCU: '', UPRC: 9 })]);
    await until('the lists are there', async () => (await dynamics.dump('pricelevels')).length === 7, { timeoutMs: 20000 });
    await equal();
    const names = (await dynamics.dump('pricelevels')).map(({ name }) => name);
    assert.ok(names.includes('JDE branch M10 USD') && names.includes('JDE USD'), names.join(', '));
  });

  await step(t, world, 'a record that Dynamics cannot take is parked with words for a clerk, and goes when JDE is corrected', async () => {
    await jde.touch({ table: 'F03012', keys: [6010], fields: { ACL: 200000000000000 } });
    const entry = await parkedWith('customer 6010', 'creditlimit', 'is above');
    assert.match(entry.lastError, /correct it in JDE/);
    await jde.touch({ table: 'F03012', keys: [6010], fields: { ACL: 5000 } });
    await equal();
  });

  await step(t, world, 'a price in a currency that Dynamics does not have is parked with words', async () => {
    const ITM = await itemNumber(jde, 11);
    await jde.rows('F4106', [price(11, { ITM, CRCD: 'CHF' })]);
    await parkedWith('CHF', 'no currency');
    await equal({ parked: 1, except: [`JDE/F4106/${ITM}/30/0//CHF/EA`] });
  });

  await step(t, world, 'what is gone is deactivated, not deleted', async () => {
    const except = [`JDE/F4106/${await itemNumber(jde, 11)}/30/0//CHF/EA`];
    const before = await dynamics.accountCount();
    await jde.touch({ table: 'F0101', keys: [6020], fields: { AT1: 'X' } });
    await jde.touch({ table: 'F0101', keys: [6005], fields: { AT1: 'X' } });
    await jde.touch({ table: 'F4101', keys: [await itemNumber(jde, 20)], fields: { STKT: 'O' } });
    await until('the account is inactive', async () => (await dynamics.account(6020)).statecode === 1, { timeoutMs: 20000 });
    await until('the product is retired', async () => (await dynamics.dump('products')).some(({ statecode }) => statecode === 1), { timeoutMs: 20000 });
    await equal({ parked: 1, except });
    assert.equal(await dynamics.accountCount(), before);
    assert.equal((await dynamics.dump('contacts')).filter(({ statecode }) => statecode === 1).length, 2);
  });

  await step(t, world, 'what comes back is active again', async () => {
    const except = [`JDE/F4106/${await itemNumber(jde, 11)}/30/0//CHF/EA`];
    await jde.touch({ table: 'F0101', keys: [6020, 6005], fields: { AT1: 'C' } });
    await jde.touch({ table: 'F4101', keys: [await itemNumber(jde, 20)], fields: { STKT: 'P' } });
    await until('the account is active', async () => (await dynamics.account(6020)).statecode === 0, { timeoutMs: 20000 });
    await equal({ parked: 1, except });
  });

  await step(t, world, 'a customer that becomes a supplier keeps its account, active and as a supplier', async () => {
    const except = [`JDE/F4106/${await itemNumber(jde, 11)}/30/0//CHF/EA`];
    await jde.rows('F0401', [{ AN8: 6010, APC: '', TRAP: 'N30', CRRP: 'USD', PYIN: '' }]);
    await jde.touch({ table: 'F0101', keys: [6010], fields: { AT1: 'V' } });
    await until('the account is a supplier', async () => (await dynamics.account(6010)).customertypecode === 11, { timeoutMs: 20000 });
    await equal({ parked: 1, except });
    const { statecode, ml_sourcerecordid: source } = await dynamics.account(6010);
    assert.deepEqual([statecode, source], [0, 'JDE/F0401/6010']);
  });

  await step(t, world, 'after a restart of the relay the metadata are known without asking', async () => {
    await world.relay.kill();
    await dynamics.post('stats/reset');
    await world.startRelay();
    await world.connected();
    await jde.touch({ table: 'F0101', keys: [6001], fields: { ALPH: 'After the restart' } });
    await until('the name is there', async () => (await dynamics.account(6001)).name === 'After the restart', { timeoutMs: 30000 });
    const asked = Object.keys((await dynamics.stats()).requests).filter((name) => name.includes('EntityDefinitions'));
    assert.deepEqual(asked, []);
  });
}));

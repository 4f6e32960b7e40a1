/*
 * The audit trail on live programs: segments are closed under load while both programs are killed, and the chain stays
 * whole; retention, exports, redaction; a flipped byte in the store's file and a cut export are found.
 */

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { settled } from './lib/compare.mjs';
import { agentCtl, ctl, refusal, relayCtl } from './lib/mlctl.mjs';
import { step } from './lib/steps.mjs';
import { sleep, until } from './lib/wait.mjs';
import { World } from './lib/world.mjs';

const KILLS = 6;
const SEGMENTS = { audit: { segment_entries: 20 }, store: { upkeep_interval: '100ms' } };
const SHORT = { audit: { segment_entries: 20, keep: '1s' }, store: { upkeep_interval: '100ms' } };

const head = async (admin) => (await admin('GET', '/v1/status')).stores[0].audit;

const noted = ({ index, hash }) => `${index}:${hash}`;

/** Offsets of a text in a file. */
function offsets(bytes, text) {
  const list = [];
  for (let at = bytes.indexOf(text); at >= 0; at = bytes.indexOf(text, at + 1)) list.push(at);
  return list;
}

test('audit', async (t) => World.run({ customers: 120, items: 50, products: 50, relay: SEGMENTS, agent: SEGMENTS }, async (world) => {
  const { dynamics } = world;
  const store = path.join(world.dir, 'agent');
  const out = (name) => path.join(world.dir, name);

  await step(t, world, 'segments are closed under load while the programs are killed; the chain stays whole', async () => {
    const heads = [];
    await until('the first customers are there', () => dynamics.account('6002'), { timeoutMs: 20000 });
    for (let i = 0; i < KILLS; i += 1) {
      await dynamics.sell(4, { accounts: ['6001', '6002'] });
      await sleep(150);
      heads.push(noted(await head(world.agentAdmin)));
      const [program, start] = i % 2 === 0 ? [world.agent, () => world.startAgent()] : [world.relay, () => world.startRelay()];
      await program.kill();
      await start();
    }
    await settled(world);
    assert.match(await agentCtl(world, 'audit', 'verify'), /the chain is whole/);
    assert.match(await relayCtl(world, 'audit', 'verify'), /the chain is whole/);
    for (const one of heads.filter((text) => !text.startsWith('0:'))) assert.match(await agentCtl(world, 'audit', 'verify', '--head', one), /the chain is whole/);
    const closed = (await world.agentAdmin('GET', '/v1/audit?store=agent&max=10000')).filter(({ event }) => event.action === 'segment closed');
    assert.ok(closed.length > 3, `${closed.length} segments were closed`);
    closed.forEach(({ event }, i) => assert.equal(event.segment.from, i === 0 ? 1 : closed[i - 1].event.segment.to + 1));
    assert.match(world.agent.text(), /head of the audit trail/);
  });

  await step(t, world, 'a record can be redacted; the chain stays whole', async () => {
    const before = await agentCtl(world, 'audit', '--key', 'customer/6001');
    assert.match(before, /detail=/);
    await agentCtl(world, 'audit', 'redact', '--key', 'customer/6001', '--reason', 'asked for by the person');
    const lines = (await agentCtl(world, 'audit', '--key', 'customer/6001')).trim().split('\n');
    assert.match(lines.pop(), /redacted .*detail=asked for by the person/);
    lines.forEach((line) => assert.match(line, /\(redacted\)$/));
    assert.match(await agentCtl(world, 'audit', 'verify'), /the chain is whole/);
  });

  await step(t, world, 'exports prove themselves, and altered ones are found', async () => {
    for (const format of ['jsonl', 'csv']) {
      const file = out(`trail.${format}`);
      await agentCtl(world, 'audit', 'export', '--format', format, '--out', file);
      assert.match(await ctl('audit', 'verify', file), /the chain is whole/);
      const lines = fs.readFileSync(file, 'utf8').split('\n');
      fs.writeFileSync(out('cut'), lines.filter((_, i) => i !== 30).join('\n'));
      assert.match(await refusal('audit', 'verify', out('cut')), /is missing/);
      fs.writeFileSync(out('end'), lines.slice(0, -2).join('\n'));
      assert.match(await refusal('audit', 'verify', out('end')), /it was cut/);
      fs.writeFileSync(out('altered'), lines.map((line, i) => (i === 30 ? line.replaceAll('agent', 'bgent') : line)).join('\n'));
      assert.match(await refusal('audit', 'verify', out('altered')), /line 31: .*(does not fit the chain|columns)/);
    }
  });

  await step(t, world, 'one flipped byte in the file of the store is found', async () => {
    assert.equal(await world.agent.stop(), 0);
    const file = path.join(store, 'data.mdb');
    const good = fs.readFileSync(file);
    assert.match(await ctl('audit', 'verify', '--dir', store), /the chain is whole/);
    // Pages that are in use no more may hold old copies of the entry.
    const places = offsets(good, '{"index":35,"at":');
    const verdicts = [];
    for (const at of places) {
      const bad = Buffer.from(good);
      bad[at + '{"index":35,"at":"2'.length] ^= 1;
      fs.writeFileSync(file, bad);
      verdicts.push(await refusal('audit', 'verify', '--dir', store).catch((error) => error.message));
      fs.writeFileSync(file, good);
    }
    assert.ok(verdicts.some((text) => /entry 35 does not fit the chain/.test(text)), verdicts.join('\n'));
    assert.match(await ctl('audit', 'verify', '--dir', store), /the chain is whole/);
  });

  await step(t, world, 'old segments go by retention, and what is left proves it', async () => {
    world.writeConfigs({ relay: SHORT, agent: SHORT });
    await world.startAgent();
    await until('old segments are gone', async () => (await head(world.agentAdmin)).first > 40, { timeoutMs: 20000 });
    const { first } = await head(world.agentAdmin);
    assert.match(await agentCtl(world, 'audit', 'verify'), /the chain is whole/);
    const page = await world.agentAdmin('GET', '/v1/audit?store=agent&max=10000');
    assert.ok(page[0].index >= first);
    assert.ok(page.some(({ event }) => event.action === 'segment removed'));
    assert.match(await refusal('--socket', world.agentSocket, 'audit', 'verify', '--head', `7:${'0'.repeat(64)}`), /removed by retention/);
    await world.agent.kill();
    await world.startAgent();
    await dynamics.sell(2, { accounts: ['6003'] });
    await settled(world);
    assert.match(await agentCtl(world, 'audit', 'verify'), /the chain is whole/);
  });
}));

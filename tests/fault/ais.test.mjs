/*
 * Faults of JDE's AIS server. MLC_FAULT_GROUP chooses one of: status, network, data, life.
 */

import assert from 'node:assert/strict';
import { faultGroup, ruleCase, SETTINGS } from '../e2e/lib/faults.mjs';
import { sleep } from '../e2e/lib/wait.mjs';

const READ = { path: 'dataservice' };
const WRITE = { path: 'orchestrator' };

/** The same fault for reading and for writing. */
const both = (kind, more = {}) => [{ match: READ, kind, count: 6, ...more }, { match: WRITE, kind, count: 6, ...more }];

const statusCase = (code) => ruleCase(`status ${code}`, 'jde', both('status', { code }));

const HOURS_2 = 2 * 3600 * 1000;

/** The server's clock jumps while all goes on, and stays there until the end of the case. */
const clockCase = (name, offsetMs) => ({
  name,
  set: (world) => world.jde.post('clock', { offsetMs }),
});

const groups = {
  status: [
    ...[401, 403, 444, 429, 500, 503].map(statusCase),
    ruleCase('status 500 after execution', 'jde', both('status_after', { code: 500 })),
  ],
  network: [
    ruleCase('slow', 'jde', both('slow', { ms: 3000, count: 3 })),
    ruleCase('slow after execution', 'jde', both('slow_after', { ms: 3000, count: 3 })),
    ruleCase('cut before execution', 'jde', both('drop_before')),
    ruleCase('cut after execution', 'jde', both('drop_after')),
    {
      name: 'killed and started again',
      during: async ({ jde }) => {
        await jde.program.kill();
        await sleep(1500);
        await jde.start();
      },
    },
  ],
  data: [
    ruleCase('garbage', 'jde', both('garbage')),
    ruleCase('cut in the middle of the answer', 'jde', both('truncate')),
    ruleCase('half pages', 'jde', [{ match: READ, kind: 'partial_page', count: 20 }]),
    ruleCase('the set of rows is lost between pages', 'jde', [{ match: { path: 'dataservice/next' }, kind: 'expire_next', count: 3 }]),
    ruleCase('an answer without end', 'jde', both('huge', { count: 2 })),
    {
      ...ruleCase('refusals come as 200', 'jde', [{ match: WRITE, kind: 'status', code: 503, count: 1 }]),
      set: async ({ jde }) => {
        await jde.config({ appErrorsAs200: true });
        await jde.faults([{ match: WRITE, kind: 'status', code: 503, count: 1 }]);
      },
      during: refusedAs200,
      ordersDuring: 1,
    },
  ],
  life: [
    ruleCase('all sessions end', 'jde', [{ match: READ, kind: 'expire_tokens', count: 3 }, { match: WRITE, kind: 'expire_tokens', count: 3 }]),
    clockCase('the clock jumps 2 h ahead', HOURS_2),
    clockCase('the clock jumps back', 0),
    clockCase('the clock jumps 2 h back', -HOURS_2),
    clockCase('the clock is right again', 0),
  ],
};

/** An order that JDE refuses with status 200 is parked, and made once when the cause is gone. */
async function refusedAs200({ jde, dynamics, agentAdmin, parked }) {
  const { until } = await import('../e2e/lib/wait.mjs');
  const product = (await dynamics.dump('products'))[0];
  const { productnumber } = product;
  const before = (await jde.orders()).length;
  await dynamics.api('POST', 'accounts', { accountnumber: '9888', name: 'Not in JDE' });
  const [{ orderId }] = await dynamics.sell(1, { accounts: ['9888'] });
  await until('it is reported as failed', async () => (await dynamics.order(orderId)).ml_jdeorderstatus === 'Failed', { timeoutMs: 20000 });
  assert.ok(productnumber && before >= 0);
  await jde.addCustomer(9888, 'In JDE now');
  await jde.config({ appErrorsAs200: false });
  await agentAdmin('POST', '/v1/retry', { store: 'agent', stream: 'jde', all: true, operator: 'tester' });
}

const wanted = process.env.MLC_FAULT_GROUP;
for (const [name, cases] of Object.entries(groups)) {
  if (!wanted || wanted === name) faultGroup(`AIS ${name}`, cases, SETTINGS);
}

/*
 * Faults of Dynamics, of its token endpoint and of its webhooks. MLC_FAULT_GROUP chooses one of: status, network, life,
 * webhooks.
 */

import { faultGroup, ruleCase, SETTINGS } from '../e2e/lib/faults.mjs';
import { sleep } from '../e2e/lib/wait.mjs';

const API = { path: '/api/data' };
const WRITE = { path: '/api/data', method: 'PATCH' };
const TOKEN = { path: 'oauth2' };

const rule = (action, more = {}) => [{ match: API, action, count: 10, ...more }];

const statusCase = (status, more = {}) => ruleCase(`status ${status}`, 'dynamics', rule('status', { status, ...more }));

/** Each order's webhook goes astray in this way. */
const webhookCase = (name, faults, more = {}) => ({
  name,
  set: (world) => world.dynamics.webhookFaults(faults),
  clear: (world) => world.dynamics.webhookFaults({}),
  ...more,
});

const groups = {
  status: [
    ...[401, 403].map((status) => statusCase(status)),
    statusCase(429, { headers: { 'Retry-After': '1' } }),
    ...[500, 503].map((status) => statusCase(status)),
    ruleCase('status 412', 'dynamics', [{ match: WRITE, action: 'status', status: 412, count: 5 }], { hit: undefined }),
    ruleCase('status 500 within batches', 'dynamics', rule('status', { status: 500, inner: true }), { hit: undefined }),
  ],
  network: [
    ruleCase('slow', 'dynamics', rule('slow', { delayMs: 3000, count: 3 })),
    ruleCase('slow after execution', 'dynamics', rule('slow_after', { delayMs: 3000, count: 3 })),
    ruleCase('cut before execution', 'dynamics', rule('drop_before')),
    ruleCase('cut after execution', 'dynamics', rule('drop_after')),
    ruleCase('garbage', 'dynamics', rule('garbage')),
    ruleCase('cut in the middle of the answer', 'dynamics', rule('truncate')),
    ruleCase('an answer without end', 'dynamics', rule('huge', { count: 3 })),
  ],
  life: [
    ruleCase('all tokens end', 'dynamics', rule('expire_tokens', { count: 3 })),
    ruleCase('the token endpoint fails', 'dynamics', [
      { match: TOKEN, action: 'status', status: 503, count: 3 }, { match: API, action: 'expire_tokens', count: 1 },
    ]),
    ruleCase('the token endpoint refuses for a time', 'dynamics', [
      { match: TOKEN, action: 'status', status: 401, bodyText: '{"error":"invalid_client"}', count: 3 }, { match: API, action: 'expire_tokens', count: 1 },
    ]),
    {
      name: 'service protection limits',
      set: (world) => world.dynamics.config({ limits: { enabled: true, requests: 40, concurrent: 4, windowS: 5 } }),
      clear: (world) => world.dynamics.config({ limits: { enabled: false } }),
      heldMs: 8000,
    },
    {
      name: 'killed and started again',
      during: async ({ dynamics }) => {
        await dynamics.program.kill();
        await sleep(1500);
        await dynamics.start();
      },
    },
  ],
  webhooks: [
    webhookCase('each comes twice', { duplicateProbability: 1 }),
    webhookCase('none comes: reconciliation finds the orders', { dropProbability: 1 }, { heldMs: 3000 }),
    webhookCase('they overtake each other', { reorder: true, reorderMs: 1500 }),
    webhookCase('they are too long, and lose their parameters', { oversize: true }),
    webhookCase('they lose the new order too', { oversize: true, oversizeDropsOutput: true }),
    webhookCase('the order is the primary entity', { orderIdInPrimary: true }),
  ],
};

const wanted = process.env.MLC_FAULT_GROUP;
for (const [name, cases] of Object.entries(groups)) {
  if (!wanted || wanted === name) faultGroup(`Dynamics ${name}`, cases, SETTINGS);
}

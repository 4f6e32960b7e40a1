/*
 * run.mjs BUILD_DIR - takes all measurements and prints one table. Settings: README.md.
 */

import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { output, table } from './figures.mjs';
import { memoryFigures } from './memory.mjs';
import { webhookFigures } from './webhook.mjs';

const bin = path.resolve(process.argv[2]);
const env = (name, fallback) => process.env[`MLC_BENCH_${name}`] || fallback;
const wanted = env('ONLY', 'enqueue,tunnel,webhook,memory').split(',');

process.env.MLC_AGENT = path.join(bin, 'ml-agent');
process.env.MLC_RELAY = path.join(bin, 'ml-relay');
/* Not /tmp, which may be a memory file system, where a sync costs nothing. */
process.env.TMPDIR = env('DIR', '/var/tmp');
const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'mlc-bench-'));
process.on('exit', () => fs.rmSync(dir, { recursive: true, force: true }));

const lines = async (name, ...list) => (await output(path.join(bin, 'tests', name), [dir, ...list])).trim().split('\n').map((line) => JSON.parse(line));

const parts = {
  enqueue: () => lines('bench_enqueue'),
  tunnel: () => {
    const certs = path.join(dir, 'certs');
    const made = spawnSync('sh', [fileURLToPath(new URL('../support/make_certs.sh', import.meta.url)), certs], { encoding: 'utf8' });
    if (made.status !== 0) throw new Error(`make_certs.sh: ${made.stderr}`);
    return lines('bench_tunnel', certs);
  },
  webhook: () => webhookFigures(bin, { rate: env('RATE', '1000'), seconds: env('SECONDS', '5') }),
  memory: () => memoryFigures(bin, { records: env('RECORDS', '1000000') }),
};

const figures = [];
for (const name of wanted) {
  if (!parts[name]) throw new Error(`MLC_BENCH_ONLY: ${name} is not one of ${Object.keys(parts)}`);
  console.error(`measuring: ${name} (load of the machine ${os.loadavg()[0].toFixed(1)})`);
  figures.push(...await parts[name]());
}
const cpus = os.cpus();
console.log(`${cpus.length} cores (${cpus[0].model}), Linux ${os.release()}, load ${os.loadavg().map((one) => one.toFixed(1)).join(' ')}\n`);
console.log(table(figures));
process.exit(); // the world's timers would hold it up

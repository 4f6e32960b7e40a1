/*
 * odata_driver.c as a child process: one task at a time, its answers as objects. Its log is kept, to be searched for
 * what must not be in it.
 */

import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import readline from 'node:readline';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const FILE = process.env.MLC_ODATA_DRIVER || path.join(ROOT, 'build/asan/tests/odata_driver');
const SANITIZERS = { LSAN_OPTIONS: `suppressions=${ROOT}tests/lsan.supp`, UBSAN_OPTIONS: 'print_stacktrace=1' };

export class Driver {
  /** env: the MLC_ variables of odata_driver.c */
  constructor(env) {
    if (!fs.existsSync(FILE)) throw new Error(`${FILE} is not there: build the target odata_driver, or set MLC_ODATA_DRIVER`);
    this.log = '';
    this.child = spawn(FILE, { env: { PATH: process.env.PATH, ...SANITIZERS, ...env }, stdio: ['pipe', 'pipe', 'pipe'] });
    this.child.stderr.on('data', (text) => { this.log += text; });
    this.child.stdin.on('error', () => {});
    this.ended = new Promise((resolve) => { this.child.on('close', (code, signal) => resolve({ code, signal })); });
    this.waiting = [];
    readline.createInterface({ input: this.child.stdout }).on('line', (line) => this.waiting.shift()?.resolve(JSON.parse(line)));
    this.ended.then((end) => {
      for (const { reject } of this.waiting) reject(new Error(`the driver ended: ${JSON.stringify(end)}\n${this.log}`));
    });
  }

  answers(task) {
    return new Promise((resolve, reject) => {
      this.waiting.push({ resolve, reject });
      this.child.stdin.write(`${JSON.stringify(task)}\n`);
    });
  }

  async send(request) {
    return (await this.answers({ op: 'send', ...request }))[0];
  }

  get = (target, more = {}) => this.send({ method: 'GET', ...where(target), ...more });

  patch = (target, body, more = {}) => this.send({ method: 'PATCH', ...where(target), body, ...more });

  post = (target, body, more = {}) => this.send({ method: 'POST', ...where(target), body, ...more });

  remove = (target, more = {}) => this.send({ method: 'DELETE', ...where(target), ...more });

  batch = (requests) => this.answers({ op: 'batch', requests });

  tokens = (count = 1) => this.answers({ op: 'tokens', count });

  status = async () => (await this.answers({ op: 'status' }))[0];

  refuse = async () => (await this.answers({ op: 'refuse' }))[0];

  /** Closes its input; it must end well, without a report of a sanitizer. Gives its log. */
  async end() {
    this.child.stdin.end();
    const end = await this.ended;
    if (end.code !== 0 || /Sanitizer|runtime error:/.test(this.log)) throw new Error(`the driver ended badly: ${JSON.stringify(end)}\n${this.log}`);
    return this.log;
  }

  /** For a driver that cannot open: its exit code and what it said. */
  async failure() {
    this.child.stdin.end();
    return { ...(await this.ended), log: this.log };
  }

  kill() {
    this.child.kill('SIGKILL');
  }
}

/** A path, or a key [set, column, value]. */
const where = (target) => (Array.isArray(target) ? { key: target } : { path: target });

/*
 * A program under test: started, killed at any moment, started again, and stopped well. Its standard error of all its
 * lives goes to one log file, which is searched for reports of the sanitizers.
 */

import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';

const SANITIZER = /ERROR: (Address|Leak|Thread|UndefinedBehavior)Sanitizer|runtime error:|SUMMARY: \w*Sanitizer|LeakSanitizer has encountered/;
const STOP_MS = 30000;

const running = new Set();
process.on('exit', () => running.forEach((child) => child.kill('SIGKILL')));
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1));

/* With it, the programs end with the test, also when that is killed. */
const reaper = spawnSync('setpriv', ['--pdeathsig', 'KILL', 'true']).status === 0 ? ['setpriv', '--pdeathsig', 'KILL'] : [];

export class Program {
  /** command: [file, ...arguments] */
  constructor({ name, command, log, env = {} }) {
    Object.assign(this, { name, command, log, env, child: undefined, starts: 0, deaths: [] });
  }

  get alive() {
    return this.child !== undefined;
  }

  start() {
    if (this.child) throw new Error(`${this.name} runs already`);
    const out = fs.openSync(this.log, 'a');
    const [file, ...list] = [...reaper, ...this.command];
    const child = spawn(file, list, { stdio: ['ignore', out, out], env: { ...process.env, ...this.env } });
    fs.closeSync(out);
    this.starts += 1;
    this.child = child;
    this.expected = false;
    running.add(child);
    this.ended = new Promise((resolve) => {
      child.on('error', (error) => resolve({ error }));
      child.on('exit', (code, signal) => resolve({ code, signal }));
    }).then((end) => {
      running.delete(child);
      if (this.child === child) this.child = undefined;
      // Nobody asked for this end: the test must not go on as if all were well.
      if (!this.expected) this.deaths.push(end.error?.message ?? `code ${end.code}, signal ${end.signal}`);
      return end;
    });
    return this;
  }

  /** SIGKILL, and waits until it is gone. */
  async kill() {
    if (!this.child) return;
    this.expected = true;
    this.child.kill('SIGKILL');
    await this.ended;
  }

  /** SIGTERM; gives the exit code. Takes it down when it does not go by itself. */
  async stop() {
    if (!this.child) return undefined;
    this.expected = true;
    this.child.kill('SIGTERM');
    let timer;
    const late = new Promise((resolve) => { timer = setTimeout(resolve, STOP_MS); });
    const end = await Promise.race([this.ended, late]);
    clearTimeout(timer); // else it keeps the test's process for its whole time
    if (!end) {
      await this.kill();
      throw new Error(`${this.name} did not end within ${STOP_MS} ms after SIGTERM`);
    }
    return end.code;
  }

  /** The log's text from a byte on. */
  text(from = 0) {
    return fs.existsSync(this.log) ? fs.readFileSync(this.log).subarray(from).toString('utf8') : '';
  }

  get logSize() {
    return fs.existsSync(this.log) ? fs.statSync(this.log).size : 0;
  }

  tail(lines = 25) {
    return this.text().split('\n').slice(-lines).join('\n');
  }

  /** What it must not have done: ended by itself, or broken a sanitizer's rule. */
  complaints() {
    const lines = this.text().split('\n');
    const at = lines.findIndex((line) => SANITIZER.test(line));
    if (at >= 0) return [`${this.name}: sanitizer report:\n${lines.slice(at, at + 40).join('\n')}`];
    return this.deaths.map((end) => `${this.name} ended by itself: ${end}\n${this.tail()}`);
  }
}

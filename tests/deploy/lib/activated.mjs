/*
 * A program behind a socket that outlives it, as with systemd's socket activation: holder.sh has the socket.
 */

import { spawn } from 'node:child_process';
import net from 'node:net';
import readline from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Program } from '../../e2e/lib/process.mjs';

const HOLDER = fileURLToPath(new URL('holder.sh', import.meta.url));
const holders = new Set();
process.on('exit', () => holders.forEach((child) => child.kill('SIGKILL')));

export class ActivatedProgram extends Program {
  /** Opens the socket; nothing accepts from it until the program does. */
  async open(port) {
    const server = net.createServer();
    await new Promise((resolve, reject) => {
      server.on('error', reject);
      server.listen({ port, host: '127.0.0.1', backlog: 4096 }, resolve);
    });
    this.holder = spawn('setpriv', ['--pdeathsig', 'KILL', HOLDER, this.log, 'setpriv', '--pdeathsig', 'KILL', ...this.command], {
      stdio: ['pipe', 'pipe', 'inherit', server._handle.fd], env: { ...process.env, ...this.env },
    });
    holders.add(this.holder);
    readline.createInterface({ input: this.holder.stdout }).on('line', (line) => this.told(line.split(' ')));
    await new Promise((resolve) => { server.close(resolve); });
  }

  told([word, number]) {
    if (word === 'started') {
      this.pid = Number(number);
      this.child.pid = this.pid;
      this.child.started();
      return;
    }
    const child = this.child;
    this.child = undefined;
    if (!this.expected) this.deaths.push(`status ${number}`);
    child.ending({ code: Number(number) });
  }

  start() {
    if (this.child) throw new Error(`${this.name} runs already`);
    this.starts += 1;
    this.expected = false;
    const child = { kill: async (signal) => { await child.running; process.kill(this.pid, signal); } };
    child.running = new Promise((resolve) => { child.started = resolve; });
    this.ended = new Promise((resolve) => { child.ending = resolve; });
    this.child = child;
    this.holder.stdin.write('start\n');
    return this;
  }

  /** The socket goes. */
  close() {
    holders.delete(this.holder);
    this.holder.kill('SIGKILL');
  }
}

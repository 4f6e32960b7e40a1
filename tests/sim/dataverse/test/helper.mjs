/* Starts the simulator as a child process and talks to it, for the tests next to this file. */

import { spawn } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../main.mjs', import.meta.url));

export function temporaryDirectory() {
  return fs.mkdtempSync(path.join(os.tmpdir(), 'dataverse-sim-'));
}

/** Runs it on plain HTTP; options: { data, args } */
export async function startSimulator({ data = temporaryDirectory(), args = [] } = {}) {
  const portFile = path.join(data, 'port');
  fs.rmSync(portFile, { force: true });
  const child = spawn(process.execPath, [MAIN, '--data', data, '--http', '--port-file', portFile, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  const line = await new Promise((resolve, reject) => {
    child.stdout.once('data', (text) => resolve(String(text)));
    child.once('exit', (code) => reject(new Error(`the simulator ended with ${code}`)));
  });
  const port = Number(fs.readFileSync(portFile, 'utf8'));
  return new Client({ child, data, base: `http://127.0.0.1:${port}`, line });
}

class Client {
  constructor(fields) {
    Object.assign(this, fields);
  }

  async token(fields = {}, tenant = 'tenant') {
    const form = new URLSearchParams({
      grant_type: 'client_credentials', client_id: 'app', client_secret: 'secret', scope: 'https://contoso.crm.dynamics.com/.default', ...fields,
    });
    const answer = await fetch(`${this.base}/${tenant}/oauth2/v2.0/token`, { method: 'POST', body: form });
    return { status: answer.status, body: await answer.json() };
  }

  /** One Web API call with a good token. body: object (sent as JSON) or text. */
  async api(method, target, body, headers = {}) {
    this.bearer ??= (await this.token()).body.access_token;
    const url = target.startsWith('http') ? target : `${this.base}/api/data/v9.2/${target}`;
    const answer = await fetch(url, {
      method,
      headers: { Authorization: `Bearer ${this.bearer}`, ...(body === undefined ? {} : { 'Content-Type': 'application/json' }), ...headers },
      body: body === undefined || typeof body === 'string' ? body : JSON.stringify(body),
    });
    const text = await answer.text();
    const isJson = (answer.headers.get('content-type') ?? '').includes('json');
    return { status: answer.status, headers: answer.headers, text, body: text && isJson ? JSON.parse(text) : undefined };
  }

  async admin(method, name, body) {
    const answer = await fetch(`${this.base}/__sim/${name}`, { method, body: body === undefined ? undefined : JSON.stringify(body) });
    const result = await answer.json();
    if (answer.status !== 200) throw new Error(`${name}: ${result.error}`);
    return result;
  }

  async account(number) {
    return (await this.admin('GET', `rows/accounts?accountnumber=${number}`)).rows[0];
  }

  end(signal = 'SIGKILL') {
    return new Promise((resolve) => {
      this.child.once('exit', (code, by) => resolve({ code, by }));
      this.child.kill(signal);
    });
  }

  async dispose() {
    if (this.child.exitCode === null && this.child.signalCode === null) await this.end();
    fs.rmSync(this.data, { recursive: true, force: true });
  }
}

/** A receiver of webhooks. status(n) gives the status for the n-th call, or null for no answer at all. */
export async function startReceiver(status = () => 200) {
  const calls = [];
  const server = http.createServer((request, response) => {
    const chunks = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', () => {
      const text = Buffer.concat(chunks).toString('utf8');
      calls.push({ url: request.url, headers: request.headers, text, body: JSON.parse(text) });
      const code = status(calls.length);
      if (code !== null) response.writeHead(code).end();
    });
  });
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  return {
    calls,
    url: `http://127.0.0.1:${server.address().port}/hook`,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** Waits until check() gives something true. */
export async function eventually(check, ms = 5000) {
  const end = Date.now() + ms;
  for (;;) {
    const result = await check();
    if (result) return result;
    if (Date.now() > end) throw new Error('it did not happen in time');
    await new Promise((resolve) => { setTimeout(resolve, 20); });
  }
}

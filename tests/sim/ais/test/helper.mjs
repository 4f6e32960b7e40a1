/* Starts the simulator as a child process and talks to it, for the tests next to this file. */

import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const MAIN = fileURLToPath(new URL('../main.mjs', import.meta.url));
export const ACCOUNT = ['--username', 'INTEG', '--password', 'secret', '--environment', 'JDV920', '--role', '*ALL'];

export function temporaryDirectory() {
  return fs.mkdtempSync(path.join(os.tmpdir(), 'ais-sim-'));
}

/** Runs it on plain HTTP; options: { data, args } */
export async function startSimulator({ data = temporaryDirectory(), args = [] } = {}) {
  const portFile = path.join(data, 'port');
  fs.rmSync(portFile, { force: true });
  const child = spawn(process.execPath, [MAIN, '--data', data, '--http', '--port-file', portFile, ...ACCOUNT, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  await new Promise((resolve, reject) => {
    child.stdout.once('data', resolve);
    child.once('exit', (code) => reject(new Error(`the simulator ended with ${code}`)));
  });
  return new Client({ child, data, base: `http://127.0.0.1:${Number(fs.readFileSync(portFile, 'utf8'))}` });
}

/** One condition of a query. */
export const when = (controlId, operator, ...contents) => ({ controlId, operator, value: contents.map((content) => ({ content, specialValueId: 'LITERAL' })) });

class Client {
  constructor(fields) {
    Object.assign(this, { device: 'test' }, fields);
  }

  async logIn(fields = {}) {
    const body = { username: 'INTEG', password: 'secret', deviceName: this.device, ...fields };
    return this.call('POST', 'v2/tokenrequest', body, {});
  }

  /** One call as it is, without a token. target: below /jderest/, or a whole address. */
  async call(method, target, body, headers) {
    const answer = await fetch(target.startsWith('http') ? target : `${this.base}/jderest/${target}`, {
      method, headers: { ...(body === undefined ? {} : { 'Content-Type': 'application/json' }), ...headers },
      body: body === undefined || typeof body === 'string' ? body : JSON.stringify(body),
    });
    const text = await answer.text();
    return { status: answer.status, text, body: text.startsWith('{') ? parsed(text) : undefined };
  }

  /** One call with a good token. */
  async api(method, target, body, headers = {}) {
    this.token ??= (await this.logIn()).body.userInfo.token;
    return this.call(method, target, body, { 'jde-AIS-Auth': this.token, 'jde-AIS-Auth-Device': this.device, ...headers });
  }

  /** A BROWSE; gives status, body, the rows, and the address of the next page. */
  async browse(targetName, more = {}) {
    return pageOf(await this.api('POST', 'v2/dataservice', { targetName, targetType: 'table', dataServiceType: 'BROWSE', findOnEntry: 'TRUE', ...more }));
  }

  async next(link, method = 'POST') {
    return pageOf(await this.api(method, link, method === 'POST' ? {} : undefined));
  }

  async order(fields = {}, version = 'v3') {
    return this.api('POST', `${version}/orchestrator/ML_CreateSalesOrder`, {
      Reference: 'REF-1', SoldTo: 6001, Lines: [{ LineNumber: 1, ItemNumber: 'ITEM-00001', Quantity: '2', UnitPrice: '10.50' }], ...fields,
    });
  }

  async admin(method, name, body) {
    const answer = await fetch(`${this.base}/__sim/${name}`, { method, body: body === undefined ? undefined : JSON.stringify(body) });
    const result = await answer.json();
    if (answer.status !== 200) throw new Error(`${name}: ${result.error}`);
    return result;
  }

  faults(...faults) {
    return this.admin('POST', 'faults', { faults });
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

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function pageOf(answer) {
  const form = Object.entries(answer.body ?? {}).find(([name]) => name.startsWith('fs_'))?.[1];
  const grid = form?.data.gridData;
  return { ...answer, grid, rows: grid?.rowset, more: grid?.summary.moreRecords, link: answer.body?.links?.find(({ rel }) => rel === 'next')?.href };
}

/*
 * The two simulators as programs, and their admin doors. They keep port and data over a restart.
 */

import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { tlsClient } from './http.mjs';
import { Program } from './process.mjs';
import { until } from './wait.mjs';

const FOLDER = fileURLToPath(new URL('../../sim/', import.meta.url));

class Simulator {
  constructor(kind, { dir, certs, ca, options }) {
    Object.assign(this, { kind, dir, certs, ca, options, port: 0 });
    this.portFile = path.join(dir, `${kind}.port`);
  }

  async start() {
    fs.rmSync(this.portFile, { force: true });
    const named = Object.entries({
      data: path.join(this.dir, `${this.kind}-data`), cert: path.join(this.certs, 'server.pem'), key: path.join(this.certs, 'server.key'),
      port: this.port, 'port-file': this.portFile, ...this.options,
    });
    this.program ??= new Program({ name: `${this.kind}-sim`, log: path.join(this.dir, `${this.kind}-sim.log`) });
    this.program.command = [process.execPath, path.join(FOLDER, this.kind, 'main.mjs'), ...named.flatMap(([name, value]) => [`--${name}`, String(value)])];
    this.program.start();
    this.port = await until(`the ${this.kind} simulator is ready`, () => Number(fs.existsSync(this.portFile) && fs.readFileSync(this.portFile, 'utf8')));
    this.call = tlsClient(this.port, this.ca);
    return this;
  }

  get url() {
    return `https://127.0.0.1:${this.port}`;
  }

  async restart() {
    await this.program.kill();
    await this.start();
  }

  get = (name) => this.call('GET', `/__sim/${name}`);

  post = (name, body = {}) => this.call('POST', `/__sim/${name}`, body);

  /** All rows of a table, as stored. */
  dump = (table) => this.get(`dump/${table}`);

  faults = (list) => this.post('faults', { faults: list });

  clearFaults = () => this.call('DELETE', '/__sim/faults');

  config = (values) => this.post('config', values);

  stats = () => this.get('stats');
}

export class JdeSim extends Simulator {
  constructor(options) {
    super('ais', options);
  }

  rows = (table, list, delayMs) => this.post(`rows/${table}`, { rows: list, ...(delayMs ? { delayMs } : {}) });

  remove = (request) => this.post('remove', request);

  touch = (request) => this.post('touch', request);

  orders = async () => (await this.get('orders')).orders;

  /** A customer that is new in JDE. */
  async addCustomer(number, name = `Customer ${number}`) {
    await this.rows('F0101', [{ AN8: number, ALPH: name, AT1: 'C', TAX: '', MCU: '1' }]);
    await this.rows('F03012', [{ AN8: number, CO: '00000', TRAR: 'N30', CRCD: 'USD', ACL: 5000, HOLD: '' }]);
  }
}

export class DynamicsSim extends Simulator {
  constructor(options) {
    super('dataverse', options);
  }

  makeQuotes = async (count, more = {}) => (await this.post('make-quotes', { count, ...more })).quoteIds;

  /** Turns quotes into orders; gives [{ quoteId, orderId, orderNumber }]. */
  async closeDeals(parameters) {
    const { deals, errors } = await this.post('close-deals', parameters);
    if (errors.length > 0) throw new Error(`close-deals: ${JSON.stringify(errors[0])}`);
    return deals;
  }

  /** New quotes of these customers (or of any), and orders of them at once. */
  async sell(count, more = {}) {
    return this.closeDeals({ quoteIds: await this.makeQuotes(count, more) });
  }

  order = async (id) => (await this.get(`rows/salesorders?salesorderid=${id}`)).rows[0];

  account = async (number) => (await this.get(`rows/accounts?accountnumber=${number}`)).rows[0];

  accountCount = async () => (await this.get('health')).rows.accounts;

  webhookFaults = (values) => this.post('webhook-faults', values);

  registerWebhook = (url, secret) => this.post('webhooks', {
    url, auth: { type: 'key', value: secret }, messages: ['ConvertQuoteToSalesOrder', 'GenerateInvoiceFromOrder'],
  });

  /** A request to the Web API, as a user of Dynamics would send it. */
  async api(method, name, body) {
    this.token ??= await this.fetchToken();
    return this.call(method, `/api/data/v9.2/${name}`, body, { Authorization: `Bearer ${this.token}`, Accept: 'application/json' });
  }

  async fetchToken() {
    const { exchange } = await import('./http.mjs');
    const https = (await import('node:https')).default;
    const form = new URLSearchParams({
      grant_type: 'client_credentials', client_id: this.options['client-id'], client_secret: this.options['client-secret'],
      scope: 'https://contoso.crm.dynamics.com/.default',
    }).toString();
    const answer = await exchange(https, {
      host: '127.0.0.1', port: this.port, ca: this.ca, agent: false, method: 'POST', path: `/${this.options.tenant}/oauth2/v2.0/token`,
      headers: { 'Content-Type': 'application/x-www-form-urlencoded', 'Content-Length': Buffer.byteLength(form) },
    }, form);
    return JSON.parse(answer.text).access_token;
  }
}

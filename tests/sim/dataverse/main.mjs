/*
 * Dataverse and Entra ID simulator: the command line. See README.md for options.
 */

import fs from 'node:fs';
import path from 'node:path';
import { createServer } from './lib/server.mjs';
import { Simulator } from './lib/simulator.mjs';

const DEFAULTS = {
  host: '127.0.0.1', port: '0', prefix: 'ml_', org: 'contoso', seed: '42', 'seed-accounts': '20', 'seed-products': '20', 'seed-quotes': '10',
  'token-lifetime-s': '3599',
};
const KNOWN = new Set([
  ...Object.keys(DEFAULTS), 'data', 'cert', 'key', 'port-file', 'tenant', 'client-id', 'client-secret', 'client-cert', 'webhook-ca',
]);

function usage(message) {
  console.error(`dataverse-sim: ${message}\nusage: main.mjs --data DIR (--cert FILE --key FILE | --http) [--port N] [--port-file FILE] ...`);
  process.exit(2);
}

function readArguments(list) {
  const values = { ...DEFAULTS, http: false };
  for (let at = 0; at < list.length; at += 1) {
    const name = list[at].replace(/^--/, '');
    if (name === 'http') {
      values.http = true;
    } else {
      if (!list[at].startsWith('--') || !KNOWN.has(name)) usage(`unknown option ${list[at]}`);
      if (at + 1 >= list.length) usage(`${list[at]} needs a value`);
      at += 1;
      values[name] = list[at];
    }
  }
  if (!values.data) usage('--data is missing');
  if (!values.http && !(values.cert && values.key)) usage('--cert and --key are missing');
  for (const name of ['port', 'seed', 'seed-accounts', 'seed-products', 'seed-quotes', 'token-lifetime-s']) {
    if (!/^\d+$/.test(values[name])) usage(`--${name} needs a number`);
  }
  return values;
}

const read = (file) => (file ? fs.readFileSync(file) : undefined);

/** A reader of the port file sees nothing or all of it. */
function writePort(file, port) {
  const temporary = path.join(path.dirname(file), `.${path.basename(file)}.${process.pid}`);
  fs.writeFileSync(temporary, `${port}\n`);
  fs.renameSync(temporary, file);
}

const values = readArguments(process.argv.slice(2));
const simulator = new Simulator({
  data: values.data, prefix: values.prefix, org: values.org, tenant: values.tenant,
  clientId: values['client-id'], clientSecret: values['client-secret'], clientCert: read(values['client-cert']),
  webhookCa: read(values['webhook-ca']), tokenLifetimeS: Number(values['token-lifetime-s']),
  seeds: {
    accounts: Number(values['seed-accounts']), products: Number(values['seed-products']),
    quotes: Number(values['seed-quotes']), seed: Number(values.seed),
  },
});
simulator.tls = !values.http;

const server = createServer(simulator, values.http ? undefined : { cert: read(values.cert), key: read(values.key) });

server.on('error', (error) => {
  console.error(`dataverse-sim: ${error.message}`);
  process.exit(1);
});

server.listen(Number(values.port), values.host, () => {
  const { port } = server.address();
  if (values['port-file']) writePort(values['port-file'], port);
  console.log(`dataverse-sim listening on ${values.http ? 'http' : 'https'}://${values.host}:${port}`);
  simulator.start();
});

function stop() {
  server.close(() => {
    simulator.stop();
    process.exit(0);
  });
  server.closeIdleConnections();
  // Whatever still hangs after a second is cut; what was answered is in the journal.
  setTimeout(() => server.closeAllConnections(), 1000).unref();
}

process.on('SIGTERM', stop);
process.on('SIGINT', stop);

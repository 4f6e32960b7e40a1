/*
 * AIS (JD Edwards EnterpriseOne) simulator: the command line. See README.md for options.
 */

import fs from 'node:fs';
import path from 'node:path';
import { createServer } from './lib/server.mjs';
import { Simulator } from './lib/simulator.mjs';

const DEFAULTS = {
  host: '127.0.0.1', port: '0', 'time-zone': 'America/Denver', 'date-format': 'dd/MM/yyyy', seed: '42', 'seed-customers': '20', 'seed-suppliers': '10',
  'seed-items': '20', 'token-lifetime-s': '1800', 'result-set-timeout-ms': '60000', 'max-rows-per-request': '1000', 'max-sessions': '100',
};
const NUMBERS = Object.keys(DEFAULTS).filter((name) => /^\d+$/.test(DEFAULTS[name]));
const KNOWN = new Set([...Object.keys(DEFAULTS), 'data', 'cert', 'key', 'port-file', 'username', 'password', 'environment', 'role']);

function usage(message) {
  console.error(`ais-sim: ${message}\nusage: main.mjs --data DIR (--cert FILE --key FILE | --http) [--port N] [--port-file FILE] ...`);
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
  check(values);
  return values;
}

function check(values) {
  if (!values.data) usage('--data is missing');
  if (!values.http && !(values.cert && values.key)) usage('--cert and --key are missing');
  if (values.http && !/^(127\.\d+\.\d+\.\d+|::1|localhost)$/.test(values.host)) usage('--http is for a loopback address only');
  for (const name of NUMBERS) if (!/^\d+$/.test(values[name])) usage(`--${name} needs a number`);
  if (!/^(?=.*dd)(?=.*MM)(?=.*yy)[dMy./-]+$/.test(values['date-format'])) usage(`--date-format must have dd, MM and yy or yyyy: ${values['date-format']}`);
  try {
    new Intl.DateTimeFormat('en-US', { timeZone: values['time-zone'] });
  } catch {
    usage(`--time-zone is unknown: ${values['time-zone']}`);
  }
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
  data: values.data,
  timeZone: values['time-zone'],
  account: {
    username: values.username, password: values.password, environment: values.environment, role: values.role, dateFormat: values['date-format'],
  },
  config: {
    tokenLifetimeS: Number(values['token-lifetime-s']), resultSetTimeoutMs: Number(values['result-set-timeout-ms']),
    maxRowsPerRequest: Number(values['max-rows-per-request']), maxSessions: Number(values['max-sessions']),
  },
  seeds: {
    customers: Number(values['seed-customers']), suppliers: Number(values['seed-suppliers']), items: Number(values['seed-items']), seed: Number(values.seed),
  },
});
simulator.tls = !values.http;

const server = createServer(simulator, values.http ? undefined : { cert: read(values.cert), key: read(values.key) });

server.on('error', (error) => {
  console.error(`ais-sim: ${error.message}`);
  process.exit(1);
});

server.listen(Number(values.port), values.host, () => {
  const { port } = server.address();
  if (values['port-file']) writePort(values['port-file'], port);
  console.log(`ais-sim listening on ${values.http ? 'http' : 'https'}://${values.host}:${port}`);
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

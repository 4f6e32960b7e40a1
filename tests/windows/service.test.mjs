/*
 * The MSI and the service under wine, against the relay and the simulators of this machine: an installation that cannot be
 * says why and leaves nothing; installed by its properties, the service enrols and customers reach Dynamics; it stops; a
 * newer version takes its place and it runs again; removed, its data stay, and an installation goes on from there.
 * What wine cannot show: docs/windows.md. MLC_RELAY as everywhere; build/windows/programs holds the programs for Windows.
 */

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { settled } from '../e2e/lib/compare.mjs';
import { agentSettings, writeConfig } from '../e2e/lib/configs.mjs';
import { socketClient } from '../e2e/lib/http.mjs';
import { step } from '../e2e/lib/steps.mjs';
import { until } from '../e2e/lib/wait.mjs';
import { World } from '../e2e/lib/world.mjs';
import { makeMsi, onZ, ROOT, Wine } from './wine.mjs';

const CUSTOMERS = 40;
const SERVICE = 'ml-agent';
const SERVICE_KEY = `HKLM\\SYSTEM\\CurrentControlSet\\Services\\${SERVICE}`;
const EVENT_KEY = `HKLM\\SYSTEM\\CurrentControlSet\\Services\\EventLog\\Application\\${SERVICE}`;
const PROGRAMS = 'Program Files/ml-connector';
const DATA = 'ProgramData/ml-connector';
const OLD = '0.1.0';
const NEW = '0.1.1';

/** The service is the World's agent: the test starts it, not the World. */
class ServiceWorld extends World {
  constructor(options) {
    super(options);
    this.wine = new Wine(path.join(this.dir, 'wine'));
    this.agentSocket = this.wine.file(`${DATA}/data/admin.sock`);
    this.agentAdmin = socketClient(this.agentSocket);
  }

  async open() {
    this.wine.open();
    await super.open();
  }

  async close(keep) {
    if (keep) this.showAgentLog();
    this.wine.close();
    await super.close(keep);
  }

  showAgentLog() {
    const file = this.wine.file(`${DATA}/log/agent.log`);
    if (fs.existsSync(file)) console.error(`--- ${file}\n${fs.readFileSync(file, 'utf8').split('\n').slice(-30).join('\n')}`);
  }

  answers(program, admin) {
    if (program.name !== 'agent') return super.answers(program, admin);
    return admin('GET', '/v1/status');
  }

  async token() {
    const { token } = await this.relayAdmin('POST', '/v1/enroll-tokens', { tenant: this.tenant, agent: this.agentId });
    return token;
  }

  tokenFile(text) {
    const file = path.join(this.dir, 'token.txt');
    fs.writeFileSync(file, text);
    return onZ(file);
  }

  properties = (more) => ({ RELAYURL: `wss://localhost:${this.cutter.port}/v1/tunnel`, AISURL: this.jde.url, AGENTID: this.agentId, ...more });

  /** What an administrator does after the installation: the JDE user, and here also the test's own certificates and haste. */
  fillIn() {
    const root = 'C:/ProgramData/ml-connector';
    const ca = onZ(path.join(this.certs, 'ca.pem'));
    fs.writeFileSync(this.wine.file(`${DATA}/config/ais-password`), this.secret('jde'), { mode: 0o600 });
    writeConfig(this.wine.file(`${DATA}/config/agent.conf`), agentSettings(this, {
      agent: { data_dir: `${root}/data`, admin_socket: `${root}/data/admin.sock` },
      log: { file: `${root}/log/agent.log` },
      relay: { url: `wss://localhost:${this.cutter.port}/v1/tunnel`, ca_file: ca },
      ais: { url: this.jde.url.replace('127.0.0.1', 'localhost'), ca_file: ca, password: `file:${root}/config/ais-password`, timeout: '20s' },
    }));
  }
}

const tokenKept = (world) => fs.existsSync(world.wine.file(`${DATA}/data/enrol-token`));

/** Command lines of this machine that hold a text. */
function commandLinesWith(text) {
  return fs.readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map((name) => {
    try {
      return fs.readFileSync(`/proc/${name}/cmdline`, 'latin1').replaceAll('\0', ' ');
    } catch {
      return ''; // ended meanwhile
    }
  }).filter((line) => line.includes(text));
}

test('the MSI is the same to the byte when it is made again', () => {
  const folder = fs.mkdtempSync(path.join(ROOT, 'build/windows/again-'));
  try {
    const first = fs.readFileSync(makeMsi(OLD, folder));
    assert.ok(first.equals(fs.readFileSync(makeMsi(OLD, folder))), 'two builds of the MSI differ');
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
});

test('the service by its MSI', async (t) => ServiceWorld.run({ customers: CUSTOMERS, onlyRelay: true }, async (world) => {
  const { wine, jde, dynamics } = world;
  const msi = makeMsi(OLD, world.dir);
  const newer = makeMsi(NEW, world.dir);
  let config;

  await step(t, world, 'a wrong token file fails the installation with its reason, and nothing is left', async () => {
    const { status, log } = await wine.msi('/i', msi, world.properties({ ENROLTOKENFILE: world.tokenFile('no token\n') }));
    assert.notEqual(status, 0);
    assert.match(log, /ml-connector: Z:\S*token\.txt holds no enrolment token/);
    assert.equal(wine.registry(SERVICE_KEY), undefined);
    assert.equal(fs.existsSync(wine.file(`${PROGRAMS}/ml-agent.exe`)), false);
  });

  await step(t, world, 'a value that would shift the others is refused', async () => {
    const { status, log } = await wine.msi('/i', msi, world.properties({ AGENTID: 'a|b' }));
    assert.notEqual(status, 0);
    assert.match(log, /must not hold the sign \|/);
    assert.equal(wine.registry(SERVICE_KEY), undefined);
  });

  await step(t, world, 'installed: files, service, event source, first configuration; the token is kept for the first start', async () => {
    const token = await world.token();
    const { status, log } = await wine.msi('/i', msi, world.properties({ ENROLTOKENFILE: world.tokenFile(`${token}\n`) }));
    assert.equal(status, 0, log.slice(-3000));
    for (const name of ['ml-agent.exe', 'mlctl.exe', 'README.md', 'LICENCES.txt', 'zoneinfo/Europe/Copenhagen']) assert.ok(fs.existsSync(wine.file(`${PROGRAMS}/${name}`)), name);
    const service = wine.registry(SERVICE_KEY);
    assert.equal(service.ImagePath, '"C:\\Program Files\\ml-connector\\ml-agent.exe" service run --config "C:\\ProgramData\\ml-connector\\config\\agent.conf"');
    assert.equal(service.ObjectName, 'NT SERVICE\\ml-agent');
    assert.equal(service.Start, '0x2');
    assert.equal(service.PreshutdownTimeout, '0x1d4c0');
    assert.match(wine.registry(EVENT_KEY).EventMessageFile, /EventCreate\.exe/);
    const first = fs.readFileSync(wine.file(`${DATA}/config/agent.conf`), 'utf8');
    for (const words of [`id = "${world.agentId}"`, `url = "wss://localhost:${world.cutter.port}/v1/tunnel"`, `url = "${jde.url}"`, '<JDE user>']) assert.ok(first.includes(words), words);
    assert.equal(fs.readFileSync(wine.file(`${DATA}/data/enrol-token`), 'utf8').trim(), token);
    assert.ok(!log.split('\n').some((line) => line.startsWith('Info') && line.includes(token)), 'the log has the token');
    assert.equal(wine.serviceState(SERVICE), 'STOPPED');
  });

  await step(t, world, `started, it enrols, and ${CUSTOMERS} customers appear in Dynamics`, async () => {
    world.fillIn();
    config = fs.readFileSync(wine.file(`${DATA}/config/agent.conf`), 'utf8');
    wine.run('net', 'start', SERVICE);
    await wine.serviceIs(SERVICE, 'RUNNING');
    await world.agentReady();
    assert.equal(tokenKept(world), false);
    await settled(world, { timeoutMs: 120000 });
    assert.equal(await dynamics.accountCount(), CUSTOMERS);
  });

  await step(t, world, 'stopped, it ends well', async () => {
    wine.run('sc', 'stop', SERVICE);
    await wine.serviceIs(SERVICE, 'STOPPED');
    assert.match(wine.run('sc', 'query', SERVICE).text, /WIN32_EXIT_CODE\s*:\s*0 /);
    assert.deepEqual(commandLinesWith('service run'), []);
  });

  await step(t, world, 'a newer version takes its place while it runs, keeps all, and it runs again', async () => {
    wine.run('net', 'start', SERVICE);
    await wine.serviceIs(SERVICE, 'RUNNING');
    const { status, log } = await wine.msi('/i', newer);
    assert.equal(status, 0, log.slice(-3000));
    const { text } = wine.run('reg', 'query', 'HKLM\\Software\\Microsoft\\Windows\\CurrentVersion\\Uninstall', '/s');
    assert.deepEqual([...text.matchAll(/DisplayVersion +REG_SZ +(\S+)/g)].map((match) => match[1]), [NEW]);
    await wine.serviceIs(SERVICE, 'RUNNING');
    assert.equal(fs.readFileSync(wine.file(`${DATA}/config/agent.conf`), 'utf8'), config);
    await jde.touch({ table: 'F0101', keys: [6012], fields: { ALPH: 'Żółw & Søn Ltd' } });
    await until('the new name is in Dynamics', async () => (await dynamics.account(6012)).name === 'Żółw & Søn Ltd', { timeoutMs: 60000 });
    assert.equal(await dynamics.accountCount(), CUSTOMERS);
  });

  await step(t, world, 'removed, service and programs are gone, and configuration and data stay', async () => {
    const { status, log } = await wine.msi('/x', newer);
    assert.equal(status, 0, log.slice(-3000));
    assert.equal(wine.registry(SERVICE_KEY), undefined);
    assert.equal(wine.registry(EVENT_KEY), undefined);
    assert.equal(fs.existsSync(wine.file(PROGRAMS)), false);
    assert.deepEqual(commandLinesWith('service run'), []);
    assert.equal(fs.readFileSync(wine.file(`${DATA}/config/agent.conf`), 'utf8'), config);
    assert.ok(fs.existsSync(wine.file(`${DATA}/data/root.key`)));
  });

  await step(t, world, 'installed anew with STARTSERVICE and a token on no command line but the installer\'s own, it goes on', async () => {
    const token = await world.token();
    const seen = new Set();
    const watch = setInterval(() => commandLinesWith(token).forEach((line) => seen.add(line)), 10);
    const { status, log } = await wine.msi('/i', newer, world.properties({ ENROLTOKEN: token, STARTSERVICE: '1' }));
    clearInterval(watch);
    assert.equal(status, 0, log.slice(-3000));
    assert.deepEqual([...seen].filter((line) => !line.includes('msiexec')), []);
    assert.ok(seen.size > 0, 'nobody looked');
    await wine.serviceIs(SERVICE, 'RUNNING');
    await world.agentReady();
    assert.equal(tokenKept(world), false);
    await jde.touch({ table: 'F0101', keys: [6013], fields: { ALPH: 'While it was away' } });
    await until('the change is in Dynamics', async () => (await dynamics.account(6013)).name === 'While it was away', { timeoutMs: 60000 });
    assert.equal(await dynamics.accountCount(), CUSTOMERS);
    wine.run('sc', 'stop', SERVICE);
    await wine.serviceIs(SERVICE, 'STOPPED');
  });
}));

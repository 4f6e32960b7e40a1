/*
 * The Containerfile: checked, carried out step by step, and its image run as a container engine would, with volumes as
 * Kubernetes makes them (tests/deploy/lib/containerfile.mjs and container.mjs tell how, since there is no registry).
 */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import https from 'node:https';
import path from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { createRequire } from 'node:module';
import { exchange, socketClient, tlsClient } from '../e2e/lib/http.mjs';
import { step } from '../e2e/lib/steps.mjs';
import { sleep, until } from '../e2e/lib/wait.mjs';
import { World } from '../e2e/lib/world.mjs';
import { ContainerProgram, containerCommand } from './lib/container.mjs';
import { nameOfCertificate } from './lib/certificate.mjs';
import { build, instructions } from './lib/containerfile.mjs';

const { validate } = createRequire(import.meta.url)('dockerfile-utils');
const REPOSITORY = fileURLToPath(new URL('../../', import.meta.url));
const FILE = path.join(REPOSITORY, 'packaging/container/Containerfile');
const WORK = path.join(REPOSITORY, 'build/container-test');
const EVENT = fs.readFileSync(path.join(REPOSITORY, 'tests/bench/event.json'), 'utf8');
const root = process.getuid() === 0;

test('the Containerfile has no faults', () => {
  const text = fs.readFileSync(FILE, 'utf8');
  assert.deepEqual(validate(text).map(({ message, range }) => `line ${range.start.line + 1}: ${message}`), []);
  const all = instructions(FILE);
  assert.ok(all.every(({ word }) => word !== 'ADD'), 'COPY, not ADD');
  const setup = fs.readFileSync(path.join(REPOSITORY, 'packaging/setup.sh'), 'utf8').split(/\s+/);
  const install = all.find(({ text: words }) => words.includes('apt-get install')).text;
  for (const name of install.match(/install (.*?) &&/)[1].split(/\s+/)) {
    if (!name.startsWith('-')) assert.ok(setup.includes(name), `${name} is in packaging/setup.sh too`);
  }
  const last = all.slice(all.findLastIndex(({ word }) => word === 'FROM'));
  assert.match(last.find(({ word }) => word === 'USER').text, /^[1-9]\d*:[1-9]\d*$/);
  for (const word of ['HEALTHCHECK', 'STOPSIGNAL', 'VOLUME', 'ENTRYPOINT']) assert.ok(last.some((one) => one.word === word), word);
});

function makeImages() {
  spawnSync('rm', ['-rf', WORK]);
  const ccache = process.env.CCACHE_DIR || path.join(process.env.HOME ?? '/root', '.cache/ccache');
  const cached = spawnSync('ccache', ['--version']).status === 0 && fs.existsSync(ccache);
  return build(FILE, {
    repository: REPOSITORY, work: WORK, download: process.env.MLC_DEPLOY_DOWNLOAD === '1', ccache: cached ? ccache : '', log: console.log,
    env: { CMAKE_BUILD_PARALLEL_LEVEL: process.env.MLC_JOBS ?? '2', ...(cached ? { CMAKE_C_COMPILER_LAUNCHER: 'ccache', CCACHE_DIR: '/ccache' } : {}) },
  });
}

/** A volume of Kubernetes: files behind a link that is exchanged at once, readable for the pod's group only. */
function fillVolume(folder, files, group) {
  const content = fs.mkdtempSync(path.join(folder, '..version-'));
  fs.chmodSync(content, 0o755);
  for (const [name, data] of Object.entries(files)) {
    fs.writeFileSync(path.join(content, name), data);
    fs.chmodSync(path.join(content, name), 0o440);
    fs.chownSync(path.join(content, name), 0, group);
    if (!fs.existsSync(path.join(folder, name))) fs.symlinkSync(`..data/${name}`, path.join(folder, name));
  }
  fs.symlinkSync(path.basename(content), path.join(folder, '..data.new'));
  fs.renameSync(path.join(folder, '..data.new'), path.join(folder, '..data'));
}

class ContainerWorld extends World {
  constructor(options) {
    super(options);
    this.config = path.join(this.dir, 'config');
    this.run = path.join(this.dir, 'run');
    this.state = path.join(this.dir, 'state');
    this.relaySocket = path.join(this.run, 'admin.sock');
    this.relayAdmin = socketClient(this.relaySocket);
  }

  program(name, variable, file, env) {
    const program = super.program(name, variable, file, env);
    if (name !== 'relay') return program;
    const { image, files } = this.options.stage;
    const container = new ContainerProgram({
      name, log: program.log,
      command: containerCommand({ image: files, user: image.user, state: this.state, config: this.config, run: this.run, env: 'CREDENTIALS_DIRECTORY=/etc/ml-connector/secrets' },
        [...image.entrypoint, ...image.cmd]),
    });
    container.user = image.user;
    this.extra[this.extra.indexOf(program)] = container;
    return container;
  }

  cert = (name) => fs.readFileSync(path.join(this.certs, name));

  async startRelay() {
    const [user, group] = this.options.stage.image.user.split(':').map(Number);
    for (const folder of [this.config, this.run, this.state]) fs.mkdirSync(folder, { mode: 0o755 });
    for (const folder of ['secrets', 'tls']) fs.mkdirSync(path.join(this.config, folder));
    fs.chmodSync(this.dir, 0o755);
    fs.chownSync(this.run, user, group);
    fs.chownSync(this.state, 0, group); // fsGroup
    fs.chmodSync(this.state, 0o2775);
    fillVolume(path.join(this.config, 'secrets'), { webhook: this.secret('webhook'), dynamics: this.secret('dynamics') }, group);
    fillVolume(path.join(this.config, 'tls'), { 'tls.crt': this.cert('server.pem'), 'tls.key': this.cert('server.key'), 'ca.pem': this.cert('ca.pem') }, group);
    fs.copyFileSync(this.configFile('relay'), path.join(this.config, 'relay.conf'));
    await super.startRelay();
  }
}

const settings = {
  relay: {
    listen_host: '0.0.0.0', port_file: undefined, cert_file: '/etc/ml-connector/tls/tls.crt', key_file: '/etc/ml-connector/tls/tls.key',
    data_dir: '/var/lib/ml-connector/relay', admin_socket: '/run/ml-connector/admin.sock', cert_check: '500ms', stop_delay: '3s', metrics_from: ['127.0.0.1'],
  },
  tenant: { webhook_secret: 'credential:webhook', dynamics: { client_secret: 'credential:dynamics', ca_file: '/etc/ml-connector/tls/ca.pem' } },
};

test('the image', { skip: root ? false : 'needs root' }, async (t) => {
  let stages;

  await t.test('each step of the Containerfile is carried out', () => {
    stages = makeImages();
    assert.ok(stages.build.runs >= 3);
  });
  if (!stages) return;

  await t.test('it holds no shell and nothing that runs as another user', () => {
    for (const { files } of [stages.relay, stages.agent]) {
      const list = spawnSync('find', [files, '-type', 'f', '-perm', '/111', '-printf', '/%P\n'], { encoding: 'utf8' }).stdout.trim().split('\n');
      assert.deepEqual(list.filter((name) => /\/s?bin\//.test(name)).sort(), ['/usr/bin/mlctl', files === stages.relay.files ? '/usr/sbin/ml-relay' : '/usr/sbin/ml-agent']);
      assert.equal(spawnSync('find', [files, '-perm', '/6000', '-type', 'f'], { encoding: 'utf8' }).stdout, '');
    }
  });

  await t.test('the agent starts in its image', () => {
    const { image, files } = stages.agent;
    const empty = path.join(WORK, 'empty');
    fs.mkdirSync(empty, { recursive: true });
    const [file, ...args] = containerCommand({ image: files, user: image.user, state: empty, config: empty, run: empty, env: 'LC_ALL=C' }, [...image.entrypoint, '--version']);
    const run = spawnSync(file, args, { encoding: 'utf8' });
    assert.equal(run.status, 0, run.stderr);
    assert.match(run.stdout, /^ml-agent/);
  });

  await ContainerWorld.run({ stage: stages.relay, onlyRelay: true, items: 5, relay: settings }, async (world) => {
    const post = (code) => tlsClient(world.relayPort, world.ca)('POST', `/v1/webhook/${world.tenant}?code=${code}`, JSON.parse(EVENT.replaceAll('@ID@', '3f2504e0-4f89-41d3-9a0c-0305e82c3301')));
    const get = (name) => tlsClient(world.relayPort, world.ca)('GET', name);

    await step(t, world, 'it runs as its user, with a root that cannot be written and no rights', () => {
      const status = world.relay.status();
      assert.match(status.Uid, /^10001\t10001/);
      assert.equal(status.NoNewPrivs, '1');
      assert.match(status.CapEff, /^0+$/);
      assert.equal(status.Groups.trim(), '');
      const mounts = fs.readFileSync(`/proc/${world.relay.inner}/mountinfo`, 'utf8').split('\n').map((line) => line.split(' '));
      assert.ok(mounts.find((fields) => fields[4] === '/')[5].split(',').includes('ro'));
    });

    await step(t, world, 'its health check passes', async () => {
      const check = world.relay.exec(stages.relay.image.health);
      assert.equal(check.status, 0, check.stderr);
      assert.match(check.stdout, /acme/);
      assert.equal((await get('/healthz')).status, 'ok');
      await until('the relay is ready', async () => (await get('/readyz')).status === 'ready');
    });

    await step(t, world, 'it takes a webhook, and keeps it in its volume', async () => {
      assert.deepEqual(await post(world.secret('webhook')), { accepted: true });
      await assert.rejects(post('wrong'), /401/);
      assert.equal(fs.statSync(path.join(world.state, 'relay')).uid, 10001);
    });

    await step(t, world, 'metrics are for who may read them', async () => {
      const read = (headers) => exchange(https, { host: '127.0.0.1', port: world.relayPort, ca: world.ca, agent: false, path: '/metrics', ...headers });
      assert.match((await read({})).text, /^mlc?_[a-z_]+\{?.*\d$/m);
      assert.equal((await read({ localAddress: '127.0.0.9' })).status, 404);
      assert.equal((await read({ headers: { 'X-Forwarded-For': '127.0.0.1' } })).status, 404);
    });

    await step(t, world, 'a renewed certificate shows without a restart, a broken one does not', async () => {
      const volume = path.join(world.config, 'tls');
      const renew = (cert, key) => fillVolume(volume, { 'tls.crt': world.cert(cert), 'tls.key': world.cert(key), 'ca.pem': world.cert('ca.pem') }, 10001);
      assert.equal(await nameOfCertificate(world.relayPort), 'localhost');
      renew('wrongname.pem', 'wrongname.key');
      await until('the new certificate is used', async () => await nameOfCertificate(world.relayPort) === 'other.example');
      renew('server.pem', 'wrongname.key');
      await until('the fault is told', () => world.relay.text().includes('the new certificate was not taken over'));
      assert.equal(await nameOfCertificate(world.relayPort), 'other.example');
      renew('server.pem', 'server.key');
      await until('the old one is back', async () => await nameOfCertificate(world.relayPort) === 'localhost');
    });

    await step(t, world, 'when it stops it says first that it is not ready, and ends well', async () => {
      const stopped = world.relay.stop();
      await until('it is not ready', () => assert.rejects(get('/readyz'), /503.*stopping/).then(() => true), { timeoutMs: 2500, everyMs: 50 });
      assert.deepEqual(await post(world.secret('webhook')), { accepted: true });
      assert.equal(await stopped, 0);
      await sleep(100);
      await assert.rejects(get('/healthz'), /ECONNREFUSED/);
    });
  });
});

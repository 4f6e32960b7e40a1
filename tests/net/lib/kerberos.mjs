/*
 * A Kerberos realm of its own: MIT's KDC (Debian's krb5-kdc), the account of the agent, and the proxy's service HTTP/localhost.
 *
 *   const realm = await new Realm().start();
 *   realm.env       for programs of the realm; with a keytab of the agent's account, from which libgssapi gets tickets
 *   realm.keytab    of the proxy
 */

import { spawnSync } from 'node:child_process';
import dgram from 'node:dgram';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Program } from '../../e2e/lib/process.mjs';
import { until } from '../../e2e/lib/wait.mjs';

const NAME = 'CORP.EXAMPLE';
const SBIN = '/usr/sbin';

/** Of UDP and, most likely, of TCP. */
function freeUdpPort() {
  return new Promise((resolve, reject) => {
    const socket = dgram.createSocket('udp4');
    socket.on('error', reject);
    socket.bind(0, '127.0.0.1', () => {
      const { port } = socket.address();
      socket.close(() => resolve(port));
    });
  });
}

export class Realm {
  dir = fs.mkdtempSync(path.join(os.tmpdir(), 'mlc-krb5-'));

  file = (name) => path.join(this.dir, name);

  get keytab() { return this.file('proxy.keytab'); }

  get config() { return this.file('krb5.conf'); }

  /** For clients: no ticket is there yet; the keytab gives one when it is needed. */
  get env() {
    return { KRB5_CONFIG: this.config, KRB5CCNAME: `FILE:${this.file('agent.cc')}`, KRB5_CLIENT_KTNAME: `FILE:${this.file('agent.keytab')}` };
  }

  /** For clients without any ticket. */
  get strangerEnv() {
    return { KRB5_CONFIG: this.config, KRB5CCNAME: `FILE:${this.file('nobody.cc')}`, KRB5_CLIENT_KTNAME: `FILE:${this.file('nobody.keytab')}` };
  }

  writeFiles() {
    fs.writeFileSync(this.config, [
      '[libdefaults]', `  default_realm = ${NAME}`, '  dns_lookup_kdc = false', '  dns_lookup_realm = false', '  dns_canonicalize_hostname = false', '  rdns = false',
      '[realms]', `  ${NAME} = {`, `    kdc = 127.0.0.1:${this.port}`, '  }', '[domain_realm]', `  localhost = ${NAME}`, '',
    ].join('\n'));
    fs.writeFileSync(this.file('kdc.conf'), [
      '[kdcdefaults]', `  kdc_listen = 127.0.0.1:${this.port}`, `  kdc_tcp_listen = 127.0.0.1:${this.port}`,
      '[realms]', `  ${NAME} = {`, `    database_name = ${this.file('principals')}`, `    key_stash_file = ${this.file('stash')}`, `    acl_file = ${this.file('acl')}`,
      '    max_life = 1h', '  }', '[logging]', `  kdc = FILE:${this.file('kdc.log')}`, '',
    ].join('\n'));
  }

  run(file, ...words) {
    const { status, stdout, stderr, error } = spawnSync(path.join(SBIN, file), words, { encoding: 'utf8', env: { ...process.env, ...this.serverEnv } });
    if (status !== 0) throw new Error(`${file} ${words.join(' ')}: ${error?.message ?? ''}${stdout}${stderr}`);
  }

  get serverEnv() {
    return { KRB5_CONFIG: this.config, KRB5_KDC_PROFILE: this.file('kdc.conf') };
  }

  async start() {
    this.port = await freeUdpPort();
    this.writeFiles();
    this.run('kdb5_util', 'create', '-s', '-r', NAME, '-P', 'a-master-key-of-this-test');
    for (const [principal, keytab] of [['agent', 'agent.keytab'], ['HTTP/localhost', 'proxy.keytab']]) {
      this.run('kadmin.local', '-q', `addprinc -randkey ${principal}`);
      this.run('kadmin.local', '-q', `ktadd -k ${this.file(keytab)} ${principal}`);
    }
    fs.chmodSync(this.dir, 0o755); // squid reads krb5.conf as its own user
    fs.chmodSync(this.config, 0o644);
    this.program = new Program({ name: 'krb5kdc', command: [path.join(SBIN, 'krb5kdc'), '-n', '-r', NAME], log: this.file('kdc.out'), env: this.serverEnv }).start();
    await until('the KDC is ready', () => fs.existsSync(this.file('kdc.log')) && /commencing operation/.test(fs.readFileSync(this.file('kdc.log'), 'utf8')), { timeoutMs: 15000 });
    return this;
  }

  log = () => fs.readFileSync(this.file('kdc.log'), 'utf8');

  async stop() {
    await this.program?.kill();
    fs.rmSync(this.dir, { recursive: true, force: true });
  }
}

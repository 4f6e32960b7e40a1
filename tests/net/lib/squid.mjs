/*
 * Squid, Debian's package squid-openssl, as the proxy of a company: with a sign-in, or one that looks into TLS.
 *
 *   const squid = await new Squid({ auth: ['ntlm'] }).start();
 *   squid.url, squid.user, squid.passwordFile, squid.requests(), await squid.stop()
 *
 * It runs as its own user when the test runs as root, so it has a folder of its own.
 */

import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Program } from '../../e2e/lib/process.mjs';
import { until } from '../../e2e/lib/wait.mjs';
import { freePort } from '../../e2e/lib/world.mjs';

const HELPERS = '/usr/lib/squid';
const HERE = fileURLToPath(new URL('.', import.meta.url));
const DOMAIN = 'CORP';
const REALM = 'the company';

function run(file, ...words) {
  const { status, stdout, stderr } = spawnSync(file, words, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${file} ${words[0]}: ${stderr}`);
  return stdout.trim();
}

/** The user it runs as; undefined: ours. */
function squidUser() {
  return process.getuid() === 0 ? { uid: Number(run('id', '-u', 'proxy')), gid: Number(run('id', '-g', 'proxy')) } : undefined;
}

export class Squid {
  /**
   * options: { auth: the sign-ins it offers (basic, digest, ntlm, negotiate; none: everybody may), host: name it is reached by,
   *   inspect: { ca: PEM file it trusts } (it looks into TLS), keytab: of HTTP/HOST for negotiate, env,
   *   allow: lines of squid.conf, listen: its address when the host is a name, prefix: command that runs it elsewhere }
   */
  constructor(options = {}) {
    this.options = options;
    this.auth = options.auth ?? [];
    this.host = options.host ?? '127.0.0.1';
    this.dir = fs.mkdtempSync(path.join(os.tmpdir(), 'mlc-squid-'));
    this.user = this.auth.includes('ntlm') ? `${DOMAIN}\\jane` : 'jane';
    this.password = randomBytes(9).toString('hex');
    this.passwordFile = this.write('password', this.password);
  }

  file = (name) => path.join(this.dir, name);

  write(name, text) {
    fs.writeFileSync(this.file(name), text, { mode: 0o600 });
    return this.file(name);
  }

  get url() {
    return `http://${net.isIPv6(this.host) ? `[${this.host}]` : this.host}:${this.port}`;
  }

  schemeLines = {
    basic: () => {
      this.write('htpasswd', `jane:${run('openssl', 'passwd', '-apr1', this.password)}\n`);
      return [`auth_param basic program ${HELPERS}/basic_ncsa_auth ${this.file('htpasswd')}`, 'auth_param basic children 1', `auth_param basic realm ${REALM}`];
    },
    digest: () => {
      this.write('digest', `jane:${this.password}\n`);
      return [`auth_param digest program ${HELPERS}/digest_file_auth ${this.file('digest')}`, 'auth_param digest children 1', `auth_param digest realm ${REALM}`];
    },
    ntlm: () => {
      for (const name of ['md4.mjs', 'ntlm_helper.mjs']) fs.copyFileSync(path.join(HERE, name), this.file(name));
      this.write('ntlm', this.password);
      return [`auth_param ntlm program ${process.execPath} ${this.file('ntlm_helper.mjs')} ${DOMAIN} jane ${this.file('ntlm')}`, 'auth_param ntlm children 4 startup=1', 'auth_param ntlm keep_alive on'];
    },
    negotiate: () => {
      fs.copyFileSync(this.options.keytab, this.file('keytab'));
      return [`auth_param negotiate program ${HELPERS}/negotiate_kerberos_auth -k ${this.file('keytab')} -s GSS_C_NO_NAME`, 'auth_param negotiate children 2 startup=1', 'auth_param negotiate keep_alive on'];
    },
  };

  inspectLines() {
    if (!this.options.inspect) return [];
    run('openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', this.file('ca.key'), '-out', this.file('ca.pem'), '-days', '3', '-subj', '/O=Example/CN=Corporate Inspection CA', '-addext', 'basicConstraints=critical,CA:TRUE');
    run(`${HELPERS}/security_file_certgen`, '-c', '-s', this.file('certs'), '-M', '4MB');
    fs.copyFileSync(this.options.inspect.ca, this.file('trusted.pem'));
    return [
      `sslcrtd_program ${HELPERS}/security_file_certgen -s ${this.file('certs')} -M 4MB`, 'sslcrtd_children 1', `tls_outgoing_options cafile=${this.file('trusted.pem')}`,
      'acl hello at_step SslBump1', 'ssl_bump stare hello', 'ssl_bump bump all', 'http_upgrade_request_protocols websocket allow all',
    ];
  }

  configuration() {
    const listen = this.options.listen ?? this.host;
    const address = net.isIPv6(listen) ? `[${listen}]` : listen;
    const bump = this.options.inspect ? ` ssl-bump generate-host-certificates=on tls-cert=${this.file('ca.pem')} tls-key=${this.file('ca.key')}` : '';
    return [
      // The inspecting lines make the authority that the port's line names.
      ...this.inspectLines(),
      `http_port ${address}:${this.port}${bump}`,
      ...this.auth.flatMap((scheme) => this.schemeLines[scheme]()),
      ...(this.options.allow ?? []),
      ...(this.auth.length > 0 ? ['acl known proxy_auth REQUIRED', 'http_access allow known', 'http_access deny all'] : ['http_access allow all']),
      'logformat seen %rm %ru %>Hs %[un %{Proxy-Authorization}>h',
      `access_log stdio:${this.file('access.log')} seen`, `cache_log ${this.file('cache.log')}`, `pid_filename ${this.file('squid.pid')}`, `coredump_dir ${this.dir}`,
      'cache deny all', 'cache_mem 8 MB', 'visible_hostname proxy.corp.example', 'shutdown_lifetime 0 seconds', 'pinger_enable off', 'netdb_filename none', 'workers 1', '',
    ].join('\n');
  }

  async start() {
    this.port ??= await freePort();
    const config = this.write('squid.conf', this.configuration());
    const account = squidUser();
    if (account) run('chown', '-R', `${account.uid}:${account.gid}`, this.dir);
    const as = account ? ['setpriv', '--reuid', String(account.uid), '--regid', String(account.gid), '--clear-groups', '--pdeathsig', 'KILL'] : [];
    this.program = new Program({
      name: 'squid', command: [...(this.options.prefix ?? []), ...as, 'squid', '-N', '-f', config], log: path.join(this.dir, 'squid.out'), env: { TMPDIR: this.dir, ...this.options.env },
    }).start();
    await until('squid listens', () => this.listens(), { timeoutMs: 20000 });
    return this;
  }

  listens() {
    if (!this.program.alive) throw new Error(`squid has ended: ${this.program.tail(10)} ${this.cacheLog()}`);
    if (this.options.prefix) return /Accepting .*HTTP Socket connections/i.test(this.cacheLog());
    return new Promise((resolve, reject) => {
      const socket = net.connect(this.port, this.host, () => { socket.destroy(); resolve(true); });
      socket.on('error', reject);
    });
  }

  cacheLog = () => (fs.existsSync(this.file('cache.log')) ? fs.readFileSync(this.file('cache.log'), 'utf8').split('\n').slice(-30).join('\n') : '');

  /** [{ method, target, status, user, scheme }] */
  requests() {
    if (!fs.existsSync(this.file('access.log'))) return [];
    return fs.readFileSync(this.file('access.log'), 'utf8').split('\n').filter(Boolean).map((line) => {
      const [method, target, status, user, scheme] = line.split(' ');
      return { method, target, status: Number(status), user: user.replaceAll('\\\\', '\\'), scheme: scheme.split('%20')[0] };
    });
  }

  async stop() {
    await this.program?.kill();
    fs.rmSync(this.dir, { recursive: true, force: true });
  }
}

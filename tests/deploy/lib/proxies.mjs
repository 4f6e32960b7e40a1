/*
 * The real nginx and HAProxy with the examples of packaging/proxy, for a port and a relay of a test: addresses and files
 * are put in place of those of the example, and time-outs are shortened; everything else is as it stands there.
 */

import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Program } from '../../e2e/lib/process.mjs';

const EXAMPLES = fileURLToPath(new URL('../../../packaging/proxy/', import.meta.url));

/** Replaces each, and complains of what is not there. */
function edited(name, changes) {
  let text = fs.readFileSync(path.join(EXAMPLES, name), 'utf8');
  for (const [from, to] of changes) {
    if (!text.includes(from)) throw new Error(`${name} does not hold: ${from}`);
    text = text.replaceAll(from, to);
  }
  return text;
}

function checked(command) {
  const run = spawnSync(command[0], command.slice(1), { encoding: 'utf8' });
  if (run.status !== 0) throw new Error(`${command.join(' ')}: ${run.error ?? run.stderr}`);
}

/** options: { dir, certs, port, relayPort, idle: seconds } Each gives { program, log: file of its access log }. */
export function nginx({ dir, certs, port, relayPort, idle }) {
  const log = path.join(dir, 'nginx-access.log');
  const site = path.join(dir, 'nginx-site.conf');
  const file = path.join(dir, 'nginx.conf');
  fs.writeFileSync(site, edited('nginx.conf', [
    ['127.0.0.1:8443', `127.0.0.1:${relayPort}`], ['listen 443 ssl', `listen 127.0.0.1:${port} ssl`],
    ['/etc/ml-connector/tls/relay.pem', path.join(certs, 'server.pem')],
    ['/etc/ml-connector/secrets/relay/tls.key', path.join(certs, 'server.key')],
    ['/var/log/nginx/ml-relay.log', log], ['_timeout 120s', `_timeout ${idle}s`],
  ]));
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${dir}/nginx-${name};`).join('\n');
  fs.writeFileSync(file, `${process.getuid() === 0 ? 'user root;' : ''}\npid ${dir}/nginx.pid;\nerror_log stderr info;\nevents {}\nhttp {\n${temporary}\ninclude ${site};\n}\n`);
  checked(['/usr/sbin/nginx', '-t', '-q', '-p', dir, '-e', 'stderr', '-c', file]);
  const command = ['/usr/sbin/nginx', '-p', dir, '-e', 'stderr', '-c', file, '-g', 'daemon off; master_process off;'];
  return { program: new Program({ name: 'nginx', log: path.join(dir, 'nginx.log'), command }), log };
}

export function haproxy({ dir, certs, port, relayPort, idle }) {
  const log = path.join(dir, 'haproxy.log');
  const file = path.join(dir, 'haproxy.cfg');
  const pem = path.join(dir, 'haproxy.pem');
  fs.writeFileSync(pem, ['server.pem', 'server.key'].map((name) => fs.readFileSync(path.join(certs, name), 'utf8')).join(''), { mode: 0o600 });
  fs.writeFileSync(file, edited('haproxy.cfg', [
    ['127.0.0.1:8443', `127.0.0.1:${relayPort}`], ['bind :443', `bind 127.0.0.1:${port}`],
    ['/etc/haproxy/certs/relay.pem', pem], ['log /dev/log local0', 'log stderr format raw local0'], ['timeout tunnel 120s', `timeout tunnel ${idle}s`],
  ]));
  checked(['/usr/sbin/haproxy', '-c', '-q', '-f', file]);
  return { program: new Program({ name: 'haproxy', log, command: ['/usr/sbin/haproxy', '-db', '-f', file] }), log };
}

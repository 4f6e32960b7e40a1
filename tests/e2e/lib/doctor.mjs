/*
 * The command "doctor" of a program, and what stands between it and its peers: a proxy that looks into TLS.
 */

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import tls from 'node:tls';

/** Runs it; gives { status, text, checks: { id: { state, detail, remedy } } } of --json. */
export async function doctor(file, config, ...words) {
  const child = spawn(file, ['doctor', '--config', config, ...words], { stdio: ['ignore', 'pipe', 'pipe'] });
  const text = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr']) child[name].on('data', (chunk) => { text[name] += chunk; });
  const [status] = await once(child, 'close');
  if (/Sanitizer|runtime error:/.test(text.stderr)) throw new Error(text.stderr);
  const json = words.includes('--json') ? JSON.parse(text.stdout) : undefined;
  const checks = Object.fromEntries((json?.checks ?? []).map((check) => [check.id, check]));
  return { status, text: text.stdout + text.stderr, checks, failed: Object.values(checks).filter(({ state }) => state === 'fail').map(({ id }) => id) };
}

function openssl(...words) {
  const { status, stderr } = spawnSync('openssl', words, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`openssl ${words[0]}: ${stderr}`);
}

/** A CA of its own, and a certificate for 127.0.0.1 that it made: what a TLS-inspecting proxy shows to its clients. */
export function inspectionCertificate(dir, name) {
  fs.mkdirSync(dir, { recursive: true });
  const file = (part) => path.join(dir, part);
  openssl('req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', file('ca.key'), '-out', file('ca.pem'), '-days', '3', '-subj', `/O=Example/CN=${name}`);
  openssl('req', '-newkey', 'rsa:2048', '-nodes', '-keyout', file('host.key'), '-out', file('host.csr'), '-subj', '/CN=127.0.0.1');
  fs.writeFileSync(file('names'), 'subjectAltName=IP:127.0.0.1\n');
  openssl('x509', '-req', '-in', file('host.csr'), '-CA', file('ca.pem'), '-CAkey', file('ca.key'), '-CAcreateserial', '-days', '2', '-extfile', file('names'), '-out', file('host.pem'));
  return { key: fs.readFileSync(file('host.key')), cert: fs.readFileSync(file('host.pem')) };
}

/** Answers CONNECT and then speaks TLS itself, with that certificate. Gives { url, seen, close }. */
export async function inspectingProxy(certificate) {
  const seen = [];
  const context = tls.createSecureContext(certificate);
  const server = http.createServer((request, response) => response.writeHead(405).end());
  server.on('connect', (request, socket) => {
    seen.push(request.url);
    socket.on('error', () => {});
    socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
    const inner = new tls.TLSSocket(socket, { isServer: true, secureContext: context });
    inner.on('error', () => {});
    inner.on('data', () => inner.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}'));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { url: `http://127.0.0.1:${server.address().port}`, seen, close: () => { server.closeAllConnections(); server.close(); } };
}

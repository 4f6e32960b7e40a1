/*
 * Small HTTP clients: over TLS with the test CA, and over a Unix socket. JSON in and out.
 */

import fs from 'node:fs';
import http from 'node:http';
import https from 'node:https';

export class HttpError extends Error {
  constructor(what, status, text) {
    super(`${what}: ${status} ${text.slice(0, 400)}`);
    this.status = status;
    this.text = text;
  }
}

/** options as of http.request. Gives { status, headers, text }. */
export function exchange(module, options, body) {
  return new Promise((resolve, reject) => {
    const request = module.request(options, (response) => {
      const chunks = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('error', reject);
      response.on('aborted', () => reject(new Error('the connection was cut')));
      response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, text: Buffer.concat(chunks).toString('utf8') }));
    });
    request.setTimeout(options.timeoutMs ?? 60000, () => request.destroy(new Error('timed out')));
    request.on('error', reject);
    request.end(body);
  });
}

function jsonCall(module, base) {
  return async (method, path, body, headers = {}) => {
    const text = body === undefined ? undefined : JSON.stringify(body);
    const length = text === undefined ? {} : { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text) };
    const answer = await exchange(module, { ...base, method, path, headers: { ...length, ...headers } }, text);
    if (answer.status >= 400) throw new HttpError(`${method} ${path}`, answer.status, answer.text);
    if ((answer.headers['content-type'] ?? '').includes('ndjson')) return answer.text.split('\n').filter(Boolean).map((line) => JSON.parse(line));
    return answer.text === '' ? undefined : JSON.parse(answer.text);
  };
}

/** call(method, path, body, headers) to https://127.0.0.1:port; `more`: options of https.request, such as socketPath */
export const tlsClient = (port, ca, more = {}) => jsonCall(https, { host: '127.0.0.1', port, ca, agent: false, ...more });

/** The same over a Unix socket, or where Windows has none: over the port and with the token that the file names. */
export const socketClient = (socketPath) => (method, path, body) => {
  const file = fs.statSync(socketPath, { throwIfNoEntry: false })?.isFile();
  if (!file) return jsonCall(http, { socketPath, agent: false })(method, path, body);
  const [port, token] = fs.readFileSync(socketPath, 'utf8').trim().split(' ');
  return jsonCall(http, { host: '127.0.0.1', port, agent: false })(method, path, body, { Authorization: `Bearer ${token}` });
};

/*
 * HTTP in front of everything: reads the request, lets faults have their way,
 * checks token and limits, runs the operation, writes the answer.
 */

import { randomUUID } from 'node:crypto';
import http from 'node:http';
import https from 'node:https';
import { Admin } from './admin.mjs';
import { ServiceError } from './errors.mjs';
import { faultAnswer } from './faults.mjs';
import { execute } from './webapi.mjs';

const BODY_LIMIT = 20 * 1024 * 1024;
const HUGE = 256 * 1024 * 1024;
const API = /^\/api\/data\/v9\.\d\/?/;
const TOKEN = /^\/([^/]+)\/oauth2\/v2\.0\/token$/;

const sleep = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

/** tls: { cert, key } or undefined for plain HTTP */
export function createServer(simulator, tls) {
  const admin = new Admin(simulator);
  const listener = (request, response) => {
    serve(simulator, admin, request, response).catch((error) => {
      console.error(error);
      if (!response.headersSent) send(response, { status: 500, headers: {}, body: '{"error":{"code":"0x80040216","message":"simulator failure"}}' });
      else response.destroy();
    });
  };
  const server = tls ? https.createServer(tls, listener) : http.createServer(listener);
  // A pooled connection must not be closed under a client that is about to use it again.
  server.keepAliveTimeout = 75000;
  server.requestTimeout = 0;
  return server;
}

async function serve(simulator, admin, incoming, response) {
  // Without this, a client that goes away in the middle would end the process.
  incoming.on('error', () => {});
  response.on('error', () => {});
  const [path, query = ''] = splitOnce(incoming.url, '?');
  const body = await readBody(incoming);
  if (body === undefined) {
    response.setHeader('Connection', 'close');
    send(response, { status: 413, headers: {}, body: '' });
    return;
  }
  const request = { method: incoming.method, path, query, url: incoming.url, headers: incoming.headers, body };
  if (path.startsWith('/__sim/')) {
    const answer = await admin.handle(request);
    send(response, answer);
    return;
  }
  const { stats, limits } = simulator;
  const start = performance.now();
  let status = 0;
  stats.enter();
  if (API.test(path)) limits.arrive();
  try {
    status = await withFaults(simulator, request, incoming, response);
  } finally {
    stats.leave(request.method, path, status);
    if (API.test(path)) limits.leave(performance.now() - start);
  }
}

/** Gives the status that was answered; 0 when the connection was cut. */
async function withFaults(simulator, request, incoming, response) {
  const fault = simulator.faults.pick({ method: request.method, path: request.url, body: request.body });
  const delay = fault?.delayMs ?? 1000;
  switch (fault?.action) {
    case 'status':
      return send(response, stamped(faultAnswer(fault)));
    case 'garbage':
      return send(response, stamped({ status: 200, headers: { 'Content-Type': 'application/json' }, body: '{"value":[{"name":"bro\u0000ken,,' }));
    case 'huge':
      return endless(response);
    case 'drop_before':
      incoming.socket.destroy();
      return 0;
    case 'expire_tokens':
      simulator.entra.expireAll();
      break;
    default:
  }
  const refused = gate(simulator, request);
  if (refused) return send(response, stamped(refused));
  const latency = simulator.config.latencyMs + (fault?.action === 'slow' ? delay : 0);
  if (latency > 0) await sleep(latency);
  const answer = answerTo(simulator, request);
  switch (fault?.action) {
    case 'slow_after':
      await sleep(delay);
      break;
    case 'drop_after':
      incoming.socket.destroy();
      return 0;
    case 'truncate':
      return truncated(response, answer);
    default:
  }
  return send(response, stamped(answer));
}

/** What a Web API call must pass before it is worked on: its token, then the limits. */
function gate({ entra, limits }, request) {
  if (!API.test(request.path)) return undefined;
  const refusal = entra.refuse(request.headers.authorization);
  if (refusal) return unauthorized(request, refusal);
  try {
    limits.check();
    return undefined;
  } catch (error) {
    return errorAnswer(error);
  }
}

function answerTo(simulator, request) {
  const token = TOKEN.exec(request.path);
  if (token) {
    if (request.method === 'POST') return simulator.entra.token(request, token[1]);
    return { status: 405, headers: { Allow: 'POST' }, body: '' };
  }
  if (!API.test(request.path)) return { status: 404, headers: { 'Content-Type': 'text/plain' }, body: 'Not found' };
  return runApi(simulator, request);
}

function runApi(simulator, request) {
  const scheme = simulator.tls ? 'https' : 'http';
  const version = API.exec(request.path)[0].replace(/\/$/, '');
  const ctx = {
    ...simulator.ctx,
    baseUrl: `${scheme}://${request.headers.host}${version}/`,
    innerFault: (operation) => {
      const url = `${version}/${operation.path}${operation.query ? `?${operation.query}` : ''}`;
      const fault = simulator.faults.pick({ method: operation.method, path: url, body: operation.body }, true);
      return fault && faultAnswer(fault);
    },
  };
  try {
    const answer = execute(ctx, { ...request, path: request.path.replace(API, '') });
    return { ...answer, headers: { ...answer.headers, ...simulator.limits.remaining() } };
  } catch (error) {
    if (!(error instanceof ServiceError)) console.error(error);
    return errorAnswer(error);
  }
}

function errorAnswer(error) {
  const known = error instanceof ServiceError ? error : new ServiceError(500, '0x80040216', `An unexpected error occurred: ${error.message}`);
  return { status: known.status, headers: { 'Content-Type': 'application/json; odata.metadata=minimal', ...known.headers }, body: known.body() };
}

function unauthorized(request, reason) {
  return {
    status: 401,
    headers: {
      'Content-Type': 'text/html',
      'WWW-Authenticate': `Bearer authorization_uri=https://login.microsoftonline.com/common/oauth2/authorize, resource_id=https://${request.headers.host}/`,
      'x-sim-reason': reason,
    },
    body: 'HTTP Error 401 - Unauthorized: Access is denied',
  };
}

// --- writing -----------------------------------------------------------------------

function stamped(answer) {
  return { ...answer, headers: { 'OData-Version': '4.0', 'x-ms-service-request-id': randomUUID(), 'Cache-Control': 'no-cache', ...answer.headers } };
}

function send(response, { status, headers, body }) {
  if (typeof body === 'string' || Buffer.isBuffer(body)) {
    const bytes = Buffer.from(body);
    const none = status === 204 || status === 304;
    response.writeHead(status, none ? headers : { ...headers, 'Content-Length': bytes.length });
    response.end(none ? undefined : bytes);
  } else {
    response.writeHead(status, headers);
    sendAll(response, body).catch(() => response.destroy());
  }
  return status;
}

async function sendAll(response, texts) {
  for (const text of texts) {
    if (response.destroyed) return;
    if (!response.write(text)) await drained(response);
  }
  response.end();
}

function drained(response) {
  return new Promise((resolve) => {
    const done = () => {
      response.off('drain', done).off('close', done);
      resolve();
    };
    response.on('drain', done).on('close', done);
  });
}

function truncated(response, answer) {
  const { status, headers, body } = stamped(answer);
  const bytes = Buffer.from(body);
  if (bytes.length === 0) {
    // Nothing to cut in half: the connection is all that can break.
    response.destroy();
    return 0;
  }
  response.writeHead(status, { ...headers, 'Content-Length': bytes.length });
  response.flushHeaders();
  response.write(bytes.subarray(0, bytes.length >> 1), () => response.destroy());
  return status;
}

async function endless(response) {
  response.writeHead(200, { 'Content-Type': 'application/json; odata.metadata=minimal', 'OData-Version': '4.0' });
  response.write('{"value":[');
  const piece = `${'{"name":"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"},'.repeat(1300)}`;
  for (let sent = 0; sent < HUGE && !response.destroyed; sent += piece.length) {
    if (!response.write(piece)) await drained(response);
  }
  response.destroy();
  return 200;
}

// --- reading ------------------------------------------------------------------------

/** The whole body; undefined when it is over the limit. */
function readBody(incoming) {
  return new Promise((resolve, reject) => {
    const chunks = [];
    let size = 0;
    incoming.on('data', (chunk) => {
      size += chunk.length;
      if (size > BODY_LIMIT) {
        resolve(undefined);
        incoming.removeAllListeners('data');
        incoming.resume();
      } else {
        chunks.push(chunk);
      }
    });
    incoming.on('end', () => resolve(Buffer.concat(chunks)));
    incoming.on('close', () => { if (!incoming.complete) reject(new Error('the client went away while it sent its request')); });
  });
}

function splitOnce(text, separator) {
  const at = text.indexOf(separator);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}

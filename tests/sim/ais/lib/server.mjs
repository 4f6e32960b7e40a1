/*
 * HTTP in front of everything: reads the request, lets faults have their way, runs
 * the call, writes the answer.
 */

import http from 'node:http';
import https from 'node:https';
import { Admin } from './admin.mjs';
import { faultAnswer } from './faults.mjs';
import { route } from './routes.mjs';
import { readBody, send, sendEndless, sendHalf, sleep } from './wire.mjs';

/** tls: { cert, key } or undefined for plain HTTP */
export function createServer(simulator, tls) {
  const admin = new Admin(simulator);
  const listener = (request, response) => {
    serve(simulator, admin, request, response).catch((error) => {
      if (!incomplete(request)) console.error(error);
      if (!response.headersSent) send(response, { status: 500, body: '{"message":"simulator failure"}' });
      else response.destroy();
    });
  };
  const server = tls ? https.createServer(tls, listener) : http.createServer(listener);
  // A pooled connection must not be closed under a client that is about to use it again.
  server.keepAliveTimeout = 75000;
  server.requestTimeout = 0;
  return server;
}

const incomplete = (request) => request.destroyed && !request.complete;

async function serve(simulator, admin, incoming, response) {
  // Without this, a client that goes away in the middle would end the process.
  incoming.on('error', () => {});
  response.on('error', () => {});
  const [path, query = ''] = splitOnce(incoming.url, '?');
  const body = await readBody(incoming);
  if (body === undefined) {
    response.setHeader('Connection', 'close');
    send(response, { status: 413 });
    return;
  }
  const request = {
    method: incoming.method, path, query, url: incoming.url, headers: incoming.headers, body, address: incoming.socket.remoteAddress ?? '',
  };
  if (path.startsWith('/__sim/')) {
    send(response, await admin.handle(request));
    return;
  }
  // By the simulated clock, as all else that a server tells of its time.
  response.setHeader('Date', new Date(simulator.clock.now()).toUTCString());
  let status = 0;
  simulator.stats.enter();
  try {
    status = await withFaults(simulator, request, incoming, response);
  } finally {
    simulator.stats.leave(request.method, path, status);
  }
}

/** Gives the status that was answered; 0 when the connection was cut. */
async function withFaults(simulator, request, incoming, response) {
  const rule = simulator.faults.pick({ method: request.method, path: request.url, body: request.body });
  switch (rule?.kind) {
    case 'status':
      return send(response, faultAnswer(rule, simulator.clock));
    case 'garbage':
      return send(response, { status: 200, headers: { 'Content-Type': 'application/json' }, body: '{"fs_DATABROWSE_F0101":{"data":{"gri\u0000d,,' });
    case 'huge':
      return sendEndless(response);
    case 'drop_before':
      incoming.socket.destroy();
      return 0;
    case 'expire_tokens':
      simulator.sessions.expireAll();
      break;
    case 'expire_next':
      simulator.resultSets.dropAll();
      break;
    default:
  }
  const latency = simulator.config.latencyMs + (rule?.kind === 'slow' ? rule.ms ?? 1000 : 0);
  if (latency > 0) await sleep(latency);
  const answer = route(simulator, { ...request, partial: rule?.kind === 'partial_page' });
  return finish(simulator, rule, answer, incoming, response);
}

/** What a fault does once the call has been executed. */
async function finish(simulator, rule, answer, incoming, response) {
  switch (rule?.kind) {
    case 'slow_after':
      await sleep(rule.ms ?? 1000);
      break;
    case 'status_after':
      return send(response, faultAnswer(rule, simulator.clock));
    case 'drop_after':
      incoming.socket.destroy();
      return 0;
    case 'truncate':
      return sendHalf(response, answer);
    case 'expire_next':
      // On a first page, the link that it is about to give is dead too.
      simulator.resultSets.dropAll();
      break;
    default:
  }
  return send(response, answer);
}

function splitOnce(text, separator) {
  const at = text.indexOf(separator);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}

/*
 * The addresses of the service: what each call needs (method, token, JSON) and what
 * it runs.
 */

import { appStack } from './appstack.mjs';
import { dataService, nextPage } from './dataservice.mjs';
import { ServiceError, badRequest } from './errors.mjs';
import { formService } from './forms.mjs';
import { orchestrate } from './orchestrator.mjs';
import { bodyOf } from './simpleform.mjs';

const JSON_TYPE = { 'Content-Type': 'application/json' };

/** [methods, path, handler(sim, call), needs a token]. v1 addresses have no version in them. */
const ROUTES = [
  ['POST', /^\/jderest\/(?:v2\/)?tokenrequest$/, logIn, false],
  ['POST', /^\/jderest\/(?:v2\/)?tokenrequest\/logout$/, logOut, false],
  ['POST', /^\/jderest\/v2\/tokenrequest\/validate$/, () => ({ isValidSession: true }), true],
  ['GET', /^\/jderest\/(?:v2\/)?defaultconfig$/, capabilities, false],
  ['POST', /^\/jderest\/(?:v2\/)?dataservice$/, browse, true],
  ['GET POST', /^\/jderest\/(?:v2\/)?dataservice\/next$/, next, true],
  ['GET', /^\/jderest\/v2\/dataservice\/table\/(\w+)$/, simple, true],
  ['POST', /^\/jderest\/(?:v[23]\/)?orchestrator\/([\w.-]+)$/, runOrchestration, true],
  ['POST', /^\/jderest\/(?:v2\/)?formservice$/, (sim, call) => formService(sim.ctx, call.body, call.session), true],
  ['POST', /^\/jderest\/(?:v2\/)?appstack$/, (sim, call) => appStack(sim.ctx, call.body, call.session), true],
];

/** request: { method, path, query, headers, body, address, partial }. Gives { status, headers, body }. */
export function route(sim, request) {
  try {
    const [found, match] = find(request);
    const call = readCall(sim, request, match);
    if (found[3]) call.session = authorized(sim, request, call);
    const result = found[2](sim, call);
    return result.status ? answer(result.status, result.body) : answer(200, result);
  } catch (error) {
    if (!(error instanceof ServiceError)) console.error(error);
    const known = error instanceof ServiceError ? error : new ServiceError(500, `Unexpected: ${error.message}`);
    return answer(known.status, known.body(sim.clock));
  }
}

const answer = (status, value) => ({ status, headers: JSON_TYPE, body: JSON.stringify(value) });

function find(request) {
  const matching = ROUTES.map((item) => [item, item[1].exec(request.path)]).filter(([, match]) => match);
  if (matching.length === 0) throw new ServiceError(404, `There is no service at ${request.path}`);
  const found = matching.find(([[methods]]) => methods.split(' ').includes(request.method));
  if (!found) throw new ServiceError(405, `${request.method} is not allowed here`);
  return found;
}

function readCall(sim, request, match) {
  const scheme = sim.tls ? 'https' : 'http';
  return {
    argument: match[1], parameters: new URLSearchParams(request.query), body: jsonBody(request), headers: request.headers, address: request.address,
    baseUrl: `${scheme}://${request.headers.host}`, partial: request.partial,
  };
}

function jsonBody({ headers, body }) {
  if (body.length === 0) return {};
  if (!/^application\/json\b/i.test(headers['content-type'] ?? '')) {
    throw new ServiceError(415, 'Invalid Content-Type Header - Must use application/json');
  }
  let value;
  try {
    value = JSON.parse(body.toString('utf8'));
  } catch (error) {
    throw badRequest(`Bad Request - Invalid JSON Input: ${error.message}`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw badRequest('Bad Request - Invalid JSON Input: not an object');
  return value;
}

/** Token and device stand in headers, in the body (the older style), or in a next link. */
function authorized(sim, request, { body, headers, parameters }) {
  const token = headers['jde-ais-auth'] ?? body.token ?? parameters.get('token');
  const inLink = headers['jde-ais-auth'] === undefined && body.token === undefined;
  const device = headers['jde-ais-auth-device'] ?? body.deviceName ?? (inLink ? undefined : request.address);
  return sim.sessions.check(token, device);
}

// --- handlers ----------------------------------------------------------------------

function logIn(sim, { body, headers, address }) {
  return sim.sessions.logIn(body, headers, address);
}

function logOut(sim, { body, headers }) {
  sim.sessions.logOut(headers['jde-ais-auth'] ?? body.token);
  return { message: 'Logged out', timeStamp: sim.clock.answerStamp() };
}

function browse(sim, call) {
  sim.stats.table(call.body.targetName);
  return dataService(sim.ctx, call.body, call);
}

function next(sim, call) {
  const parameters = { ...call.body, ...Object.fromEntries(call.parameters) };
  return nextPage(sim.ctx, parameters, call);
}

function simple(sim, call) {
  sim.stats.table(call.argument);
  return dataService(sim.ctx, bodyOf(call.argument, call.parameters), call);
}

function runOrchestration(sim, call) {
  return orchestrate(sim.ctx, call.argument, call.body, call.session);
}

function capabilities() {
  const names = [
    'grid', 'editable', 'log', 'processingOption', 'query', 'dataservice', 'dataServiceAggregation', 'basicAuth', 'orchestrator', 'aliasNaming', 'nextPage',
  ];
  return {
    jasHost: 'jas.example.com', jasPort: '7005', jasProtocol: 'http', defaultEnvironment: 'JDV920', defaultRole: '*ALL', displayEnvironment: true,
    displayRole: true, displayJasServer: false, aisVersion: 'EnterpriseOne 9.2.8.0', keepJasSessionOpen: 'true', defaultJasServer: 'http://jas.example.com:7005',
    capabilityList: names.map((name) => ({ name, shortDescription: name, longDescription: name, asOfRelease: '9.2.0.0', since: '1.0', sinceVersion: '1.0' })),
  };
}

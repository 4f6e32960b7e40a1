/*
 * SAP CAP as the OData V4 server: the model of cap/model.cds on SQLite in memory, over TLS. Only who shows a token of
 * the identity provider comes in.
 */

import https from 'node:https';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { createRemoteJWKSet, customFetch, jwtVerify } from 'jose';
import { AUDIENCE } from './identity.mjs';

const FOLDER = fileURLToPath(new URL('../cap/', import.meta.url));
const require = createRequire(import.meta.url);

/** Keys are read from the provider itself, over TLS with the tests' CA. */
function keysOf(identity, ca) {
  const fetchJson = (url) => new Promise((resolve, reject) => {
    https.get(url, { ca }, (response) => {
      const chunks = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('end', () => resolve(new Response(Buffer.concat(chunks), { status: response.statusCode })));
    }).on('error', reject);
  });
  return createRemoteJWKSet(new URL(`${identity.url}/jwks`), { [customFetch]: fetchJson });
}

function gate(identity, ca, refused) {
  const keys = keysOf(identity, ca);
  return async (request, response, next) => {
    try {
      const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1];
      await jwtVerify(token ?? '', keys, { issuer: identity.url, audience: AUDIENCE });
    } catch (error) {
      refused.push(error.code ?? error.message);
      response.status(401).json({ error: { code: '401', message: 'Unauthorized' } });
      return;
    }
    // CAP has no users here; what it makes of the header is not asked.
    delete request.headers.authorization;
    next();
  };
}

/**
 * CAP knows only relative addresses inside a batch; the product sends absolute ones, which OData allows as well and
 * Dataverse takes. Nothing else of the body is changed.
 */
const relativeBatch = (root) => (request, response, next) => {
  if (typeof request.body === 'string') request.body = request.body.replaceAll(/^([A-Z]+ )(\S+)(?= HTTP\/1\.1\r$)/gm, (_, method, address) => method + address.replace(root(), '/'));
  next();
};

/** { url, requests: [{ method, path, headers, status }], refused: [reason], insert(row of accounts), close() } */
export async function startCap(certs, identity) {
  process.env.CDS_CONFIG = JSON.stringify({
    requires: { db: { kind: 'sqlite', driver: 'sql.js', credentials: { url: ':memory:' } }, auth: { kind: 'dummy' } },
    runtime: { patch_as_upsert: true },
    log: { levels: { cds: 'warn', odata: 'silent', error: 'silent' } },
  });
  const cds = require('@sap/cds');
  cds.root = FOLDER;
  const csn = await cds.load(path.join(FOLDER, 'model.cds'));
  cds.model = cds.compile.for.nodejs(csn);
  cds.db = await cds.connect.to('db');
  await cds.deploy(csn).to(cds.db);
  const requests = [];
  const refused = [];
  const express = require('express');
  const app = express();
  let url;
  app.use((request, response, next) => {
    const { method, url, headers } = request;
    response.on('finish', () => requests.push({ method, path: url, headers: { ...headers }, status: response.statusCode }));
    next();
  });
  app.use(gate(identity, certs.read('ca.pem'), refused));
  app.post('/api/data/v9.2/$batch', express.text({ type: 'multipart/mixed', limit: '1mb' }), relativeBatch(() => url));
  await cds.serve('all').from(csn).in(app).with((service) => {
    service.on('WhoAmI', () => ({ UserId: '00000000-0000-0000-0000-000000000001', OrganizationId: '00000000-0000-0000-0000-000000000002' }));
  });
  const server = https.createServer(certs.server(), app);
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  url = `https://127.0.0.1:${server.address().port}/api/data/v9.2/`;
  const close = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => { server.close(resolve); });
    await cds.db.disconnect();
  };
  const insert = (row) => cds.run(cds.ql.INSERT.into('dynamics.accounts').entries(row));
  return { url, requests, refused, insert, close };
}

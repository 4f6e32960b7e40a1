/*
 * oidc-provider in the place of Entra ID: its token endpoint stands at Entra's address, over TLS. Tokens are JWTs,
 * signed by the provider, which a resource server checks by its published keys.
 */

import { X509Certificate, createHash } from 'node:crypto';
import https from 'node:https';
import { exportJWK, generateKeyPair, importX509 } from 'jose';
import Provider from 'oidc-provider';

export const DIRECTORY = 'dir';
export const SCOPE = 'https://org.crm.dynamics.com/.default';
export const AUDIENCE = 'https://org.crm.dynamics.com';
export const SECRET_CLIENT = { id: 'connector', secret: 'not-a-word-of/any+language=' };
export const CERT_CLIENT = { PS256: 'connector-ps256', RS256: 'connector-rs256' };

async function certClients(pem) {
  const { raw } = new X509Certificate(pem);
  const print = (hash) => createHash(hash).update(raw).digest('base64url');
  return Promise.all(Object.entries(CERT_CLIENT).map(async ([alg, id]) => ({
    client_id: id, token_endpoint_auth_method: 'private_key_jwt', token_endpoint_auth_signing_alg: alg,
    jwks: { keys: [{ ...(await exportJWK(await importX509(pem, alg))), alg, use: 'sig', x5t: print('sha1'), 'x5t#S256': print('sha256') }] },
  })));
}

async function configuration(certs, settings) {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true });
  const common = { grant_types: ['client_credentials'], response_types: [], redirect_uris: [] };
  const clients = [
    { client_id: SECRET_CLIENT.id, client_secret: SECRET_CLIENT.secret, token_endpoint_auth_method: 'client_secret_post' },
    ...await certClients(certs.read('app.pem')),
  ];
  return {
    clients: clients.map((client) => ({ ...common, ...client })),
    scopes: [SCOPE],
    routes: { token: `/${DIRECTORY}/oauth2/v2.0/token` },
    clientAuthMethods: ['client_secret_post', 'private_key_jwt'],
    jwks: { keys: [{ ...(await exportJWK(privateKey)), use: 'sig', alg: 'RS256', kid: 'provider' }] },
    ttl: { ClientCredentials: () => settings.lifeS },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => AUDIENCE,
        getResourceServerInfo: () => ({ scope: SCOPE, audience: AUDIENCE, accessTokenTTL: settings.lifeS, accessTokenFormat: 'jwt', jwt: { sign: { alg: 'RS256' } } }),
      },
    },
  };
}

/** { url, settings: { lifeS, holdMs }, requests: [{ status }], close() }. settings may be changed at any time. */
export async function startIdentity(certs) {
  const settings = { lifeS: 3600, holdMs: 0 };
  const requests = [];
  let handler;
  const server = https.createServer(certs.server(), (request, response) => {
    if (request.method === 'POST') response.on('finish', () => requests.push({ path: request.url, status: response.statusCode }));
    setTimeout(() => handler(request, response), request.method === 'POST' ? settings.holdMs : 0);
  });
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  const url = `https://127.0.0.1:${server.address().port}`;
  const provider = new Provider(url, await configuration(certs, settings));
  const errors = [];
  provider.on('grant.error', (_, error) => errors.push(error.error_detail ?? error.error_description ?? error.message));
  provider.on('server_error', (_, error) => errors.push(error.stack));
  handler = provider.callback();
  const close = () => new Promise((resolve) => {
    server.closeAllConnections();
    server.close(resolve);
  });
  return { url, settings, requests, errors, close };
}

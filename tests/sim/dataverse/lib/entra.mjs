/*
 * The Entra ID part: client-credentials tokens, and their check on each call.
 *
 * A token looks like a JWT and carries its own expiry, signed with a key that is
 * kept in the journal, so that a restart of the simulator does not end the tokens
 * it gave out, as a restart of Dynamics would not. "expire all" raises an epoch.
 */

import {
  X509Certificate, constants, createHmac, createHash, createPublicKey, randomBytes, randomUUID, timingSafeEqual, verify,
} from 'node:crypto';

const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

export class Entra {
  /** options: { tenant, clientId, clientSecret, clientCert (PEM text) }, each may be undefined */
  constructor(options, store, clock, config) {
    Object.assign(this, { options, store, clock, config, issued: 0 });
    if (!store.settings.tokenKey) store.setting('tokenKey', randomBytes(32).toString('hex'));
    this.cert = options.clientCert ? new X509Certificate(options.clientCert) : undefined;
  }

  expireAll() {
    this.store.setting('tokenEpoch', (this.store.settings.tokenEpoch ?? 0) + 1);
  }

  /** POST /{tenant}/oauth2/v2.0/token -> { status, headers, body } */
  token(request, tenant) {
    try {
      const type = request.headers['content-type'] ?? '';
      const form = /^application\/x-www-form-urlencoded\b/i.test(type) ? new URLSearchParams(request.body.toString('utf8')) : new URLSearchParams();
      this.check(form, decodeURIComponent(tenant));
      this.issued += 1;
      const life = this.config.tokenLifetimeS;
      return answer(200, {
        token_type: 'Bearer', expires_in: life, ext_expires_in: life, access_token: this.issue(form.get('client_id'), tenant, form.get('scope')),
      });
    } catch (error) {
      if (!(error instanceof EntraError)) throw error;
      return answer(error.status, this.errorBody(error));
    }
  }

  check(form, tenant) {
    const { options } = this;
    const need = (name) => {
      if (!form.get(name)) {
        throw new EntraError(400, 'invalid_request', 900144, `The request body must contain the following parameter: '${name}'.`);
      }
      return form.get(name);
    };
    const grant = need('grant_type');
    if (options.tenant && tenant.toLowerCase() !== options.tenant.toLowerCase()) {
      throw new EntraError(400, 'invalid_request', 90002, `Tenant '${tenant}' not found. Check to make sure you have the correct tenant ID.`);
    }
    if (grant !== 'client_credentials') {
      throw new EntraError(400, 'unsupported_grant_type', 70003, `The app requested an unsupported grant type '${grant}'.`);
    }
    const clientId = need('client_id');
    if (options.clientId && clientId !== options.clientId) {
      throw new EntraError(400, 'unauthorized_client', 700016, `Application with identifier '${clientId}' was not found in the directory '${tenant}'.`);
    }
    const scope = need('scope');
    if (!/^https?:\/\/[^\s/]+(\/[^\s]*)?\/\.default$/.test(scope)) {
      throw new EntraError(400, 'invalid_scope', 1002012,
        `The provided value for scope ${scope} is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier.`);
    }
    if (form.has('client_assertion')) this.checkAssertion(form, clientId, tenant);
    else this.checkSecret(form.get('client_secret'), clientId);
  }

  checkSecret(secret, clientId) {
    if (!secret) {
      throw new EntraError(401, 'invalid_client', 7000218,
        "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.");
    }
    if (this.options.clientSecret !== undefined && !sameText(secret, this.options.clientSecret)) {
      throw new EntraError(401, 'invalid_client', 7000215,
        `Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '${clientId}'.`);
    }
  }

  checkAssertion(form, clientId, tenant) {
    const bad = (code, message) => new EntraError(401, 'invalid_client', code, message);
    if (form.get('client_assertion_type') !== ASSERTION_TYPE) {
      throw new EntraError(400, 'invalid_request', 900144, `The client_assertion_type must be '${ASSERTION_TYPE}'.`);
    }
    const parts = form.get('client_assertion').split('.');
    const header = jsonPart(parts[0]);
    const claims = jsonPart(parts[1]);
    if (parts.length !== 3 || !header || !claims || !parts[2]) throw bad(50027, 'JWT token is invalid or malformed.');
    if (!['RS256', 'PS256'].includes(header.alg)) throw bad(5002738, `The algorithm '${header.alg}' of the client assertion is not allowed.`);
    if (claims.iss !== clientId || claims.sub !== clientId) throw bad(700021, 'Client assertion application identifier does not match client_id.');
    const now = this.clock.now() / 1000;
    if (typeof claims.exp !== 'number' || claims.exp < now - 300) throw bad(700024, 'Client assertion is not within its valid time range.');
    if (claims.nbf !== undefined && claims.nbf > now + 300) throw bad(700024, 'Client assertion is not within its valid time range.');
    const audience = [].concat(claims.aud ?? []).join(' ');
    if (!audience.includes(tenant) || !/\/(oauth2\/)?v2\.0/.test(audience)) throw bad(700023, 'Client assertion audience claim does not match the token endpoint.');
    if (typeof claims.jti !== 'string' || !claims.jti) throw bad(50027, 'JWT token is invalid: it has no jti.');
    if (this.cert) this.checkSignature(header, parts, bad);
  }

  checkSignature(header, parts, bad) {
    const print = (hash) => createHash(hash).update(this.cert.raw).digest('base64url');
    const known = header.x5t ? header.x5t === print('sha1') : header['x5t#S256'] === print('sha256');
    const key = { key: createPublicKey(this.cert.publicKey.export({ type: 'spki', format: 'pem' })) };
    if (header.alg === 'PS256') Object.assign(key, { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 });
    const valid = known && verify('sha256', Buffer.from(`${parts[0]}.${parts[1]}`), key, Buffer.from(parts[2], 'base64url'));
    if (!valid) throw bad(700027, 'The certificate with identifier used to sign the client assertion is not registered on application.');
  }

  issue(clientId, tenant, scope) {
    const now = Math.floor(this.clock.now() / 1000);
    const claims = {
      aud: (scope ?? '').replace(/\/\.default$/, ''), iss: `https://sts.windows.net/${tenant}/`, appid: clientId, tid: tenant,
      iat: now, nbf: now, exp: now + this.config.tokenLifetimeS, epoch: this.store.settings.tokenEpoch ?? 0, jti: randomUUID(),
    };
    const head = `${encode({ typ: 'JWT', alg: 'RS256', kid: 'simulator' })}.${encode(claims)}`;
    return `${head}.${this.sign(head)}`;
  }

  sign(text) {
    return createHmac('sha256', this.store.settings.tokenKey).update(text).digest('base64url');
  }

  /** Reason why an Authorization header is not good, or null when it is. */
  refuse(header) {
    const match = /^Bearer ([\w.-]+)$/.exec(header ?? '');
    if (!match) return 'no bearer token';
    const [head, payload, signature] = match[1].split('.');
    if (!signature || !sameText(signature, this.sign(`${head}.${payload}`))) return 'unknown token';
    const claims = jsonPart(payload);
    if (claims.exp * 1000 <= this.clock.now()) return 'expired token';
    if (claims.epoch < (this.store.settings.tokenEpoch ?? 0)) return 'revoked token';
    return null;
  }

  errorBody(error) {
    const stamp = new Date(this.clock.now()).toISOString().replace('T', ' ').replace(/\.\d+/, '');
    const trace = randomUUID();
    const correlation = randomUUID();
    return {
      error: error.error,
      error_description: `AADSTS${error.code}: ${error.message} Trace ID: ${trace} Correlation ID: ${correlation} Timestamp: ${stamp}`,
      error_codes: [error.code],
      timestamp: stamp,
      trace_id: trace,
      correlation_id: correlation,
      error_uri: `https://login.microsoftonline.com/error?code=${error.code}`,
    };
  }
}

class EntraError extends Error {
  constructor(status, error, code, message) {
    super(message);
    Object.assign(this, { status, error, code });
  }
}

const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

function jsonPart(text) {
  try {
    return JSON.parse(Buffer.from(text ?? '', 'base64url').toString('utf8'));
  } catch {
    return undefined;
  }
}

function sameText(a, b) {
  const [left, right] = [a, b].map((text) => createHash('sha256').update(text).digest());
  return timingSafeEqual(left, right);
}

function answer(status, body) {
  return {
    status, body: JSON.stringify(body), headers: { 'Content-Type': 'application/json; charset=utf-8', 'Cache-Control': 'no-store, no-cache', Pragma: 'no-cache' },
  };
}

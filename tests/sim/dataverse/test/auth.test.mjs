/* Tokens: who gets one, what a wrong request hears, and how long one is good. */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash, sign, X509Certificate } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { startSimulator, temporaryDirectory } from './helper.mjs';

let sim;
let key;
let certificate;
let keys;

before(async () => {
  keys = temporaryDirectory();
  const [keyFile, certFile] = ['key.pem', 'cert.pem'].map((name) => path.join(keys, name));
  execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', keyFile, '-out', certFile, '-days', '2', '-subj', '/CN=app'], { stdio: 'ignore' });
  key = fs.readFileSync(keyFile);
  certificate = new X509Certificate(fs.readFileSync(certFile));
  sim = await startSimulator({ args: ['--tenant', 'tenant', '--client-id', 'app', '--client-secret', 'secret', '--client-cert', certFile, '--seed-quotes', '0'] });
});
after(async () => {
  await sim.dispose();
  fs.rmSync(keys, { recursive: true });
});

function assertion(changes = {}, signer = key) {
  const now = Math.floor(Date.now() / 1000);
  const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const head = `${encode({ alg: 'RS256', typ: 'JWT', x5t: createHash('sha1').update(certificate.raw).digest('base64url') })}.${encode({
    aud: 'https://login.microsoftonline.com/tenant/oauth2/v2.0/token', iss: 'app', sub: 'app', jti: 'one', nbf: now, exp: now + 300, ...changes,
  })}`;
  return {
    client_secret: '', client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: `${head}.${sign('sha256', Buffer.from(head), signer).toString('base64url')}`,
  };
}

test('gives a token that opens the Web API', async () => {
  const { status, body } = await sim.token();
  assert.equal(status, 200);
  assert.equal(body.token_type, 'Bearer');
  assert.equal(body.expires_in, 3599);
  const who = await sim.api('GET', 'WhoAmI');
  assert.equal(who.status, 200);
  assert.match(who.body.UserId, /^[0-9a-f-]{36}$/);
  assert.equal(who.headers.get('odata-version'), '4.0');
  assert.ok(who.headers.get('x-ms-service-request-id'));
});

for (const [what, fields, tenant, status, code] of [
  ['a wrong secret', { client_secret: 'nope' }, 'tenant', 401, 7000215],
  ['no secret', { client_secret: '' }, 'tenant', 401, 7000218],
  ['an unknown app', { client_id: 'other' }, 'tenant', 400, 700016],
  ['an unknown tenant', {}, 'elsewhere', 400, 90002],
  ['another grant', { grant_type: 'password' }, 'tenant', 400, 70003],
  ['a scope without .default', { scope: 'https://contoso.crm.dynamics.com/user' }, 'tenant', 400, 1002012],
  ['no scope', { scope: '' }, 'tenant', 400, 900144],
]) {
  test(`refuses ${what}`, async () => {
    const answer = await sim.token(fields, tenant);
    assert.equal(answer.status, status);
    assert.deepEqual(answer.body.error_codes, [code]);
    assert.match(answer.body.error_description, new RegExp(`^AADSTS${code}: `));
  });
}

test('takes a client assertion that the registered certificate signed', async () => {
  assert.equal((await sim.token(assertion())).status, 200);
  assert.deepEqual((await sim.token(assertion({ exp: 1000 }))).body.error_codes, [700024]);
  assert.deepEqual((await sim.token(assertion({ sub: 'other' }))).body.error_codes, [700021]);
  const forged = assertion();
  forged.client_assertion = `${forged.client_assertion.slice(0, -8)}AAAAAAAA`;
  assert.deepEqual((await sim.token(forged)).body.error_codes, [700027]);
});

test('answers 401 without a token, with a strange one and with an expired one', async () => {
  const plain = await fetch(`${sim.base}/api/data/v9.2/WhoAmI`);
  assert.equal(plain.status, 401);
  assert.match(plain.headers.get('www-authenticate'), /^Bearer authorization_uri=/);
  assert.equal((await sim.api('GET', 'WhoAmI', undefined, { Authorization: 'Bearer a.b.c' })).status, 401);
  await sim.admin('POST', 'clock', { offsetMs: 3700000 });
  assert.equal((await sim.api('GET', 'WhoAmI')).status, 401);
  await sim.admin('POST', 'clock', {});
  assert.equal((await sim.api('GET', 'WhoAmI')).status, 200);
});

/*
 * The token client (relay/entra) against oidc-provider: secret, certificate, refusals, short-lived tokens.
 */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Certs } from './lib/certs.mjs';
import { Driver } from './lib/driver.mjs';
import { CERT_CLIENT, DIRECTORY, SCOPE, SECRET_CLIENT, startIdentity } from './lib/identity.mjs';

const claims = (token) => JSON.parse(Buffer.from(token.split('.')[1], 'base64url'));

let certs;
let identity;
const drivers = new Set();

before(async () => {
  certs = new Certs();
  identity = await startIdentity(certs);
});

after(async () => {
  for (const driver of drivers) driver.kill();
  await identity?.close();
  certs?.remove();
});

function start(env = {}) {
  const driver = new Driver({
    MLC_URL: 'https://127.0.0.1:9/', MLC_AUTHORITY: identity.url, MLC_DIRECTORY: DIRECTORY, MLC_SCOPE: SCOPE, MLC_CA_FILE: certs.file('ca.pem'),
    MLC_CLIENT_ID: SECRET_CLIENT.id, MLC_CLIENT_SECRET: SECRET_CLIENT.secret, ...env,
  });
  drivers.add(driver);
  return driver;
}

const withCertificate = (alg, more = {}) => start({
  MLC_CLIENT_ID: CERT_CLIENT[alg], MLC_CLIENT_SECRET: '', MLC_CERT_FILE: certs.file('app.pem'), MLC_KEY_FILE: certs.file('app.key'), MLC_CERT_ALG: alg, ...more,
});

async function end(driver, ...secrets) {
  const log = await driver.end();
  drivers.delete(driver);
  for (const secret of secrets) assert.ok(!log.includes(secret), 'the log shows a secret');
}

test('a token by client secret, for the scope asked, and only one request for many who ask at once', async () => {
  identity.settings.holdMs = 200;
  const before_ = identity.requests.length;
  const driver = start();
  const answers = await driver.tokens(20);
  identity.settings.holdMs = 0;
  assert.deepEqual([...new Set(answers.map(({ code }) => code))], ['ok'], JSON.stringify([answers[0], identity.errors]));
  assert.equal(new Set(answers.map(({ token }) => token)).size, 1);
  assert.equal(claims(answers[0].token).scope, SCOPE);
  assert.equal(claims(answers[0].token).client_id, SECRET_CLIENT.id);
  assert.equal(identity.requests.length - before_, 1);
  const status = await driver.status();
  assert.equal(status.hasToken, true);
  assert.ok(status.expiresInMs > 3500_000 && status.expiresInMs <= 3600_000);
  await end(driver, SECRET_CLIENT.secret, answers[0].token);
});

test('a wrong secret is told with the provider\'s reason, and without the secret', async () => {
  const wrong = 'quite-another-secret';
  const driver = start({ MLC_CLIENT_SECRET: wrong });
  const [answer] = await driver.tokens();
  assert.equal(answer.code, 'auth');
  assert.match(answer.message, /40[01]\): client authentication failed/);
  assert.equal((await driver.status()).failures, 1);
  await end(driver, wrong);
});

test('a client that is not known', async () => {
  const driver = start({ MLC_CLIENT_ID: 'nobody' });
  const [answer] = await driver.tokens();
  assert.equal(answer.code, 'auth');
  await end(driver, SECRET_CLIENT.secret);
});

test('a directory that is not there', async () => {
  const driver = start({ MLC_DIRECTORY: 'elsewhere' });
  const [answer] = await driver.tokens();
  assert.equal(answer.code, 'auth');
  assert.match(answer.message, /404/);
  await end(driver);
});

test('a short-lived token is used until it nears its end, then another is asked for', async () => {
  identity.settings.lifeS = 2;
  const driver = start();
  const [first] = await driver.tokens();
  const [same] = await driver.tokens();
  assert.equal(same.token, first.token);
  await new Promise((resolve) => { setTimeout(resolve, 1800); });
  assert.equal((await driver.status()).hasToken, false);
  const [second] = await driver.tokens();
  identity.settings.lifeS = 3600;
  assert.equal(second.code, 'ok');
  assert.notEqual(second.token, first.token);
  assert.equal((await driver.status()).requests, 2);
  await end(driver, first.token, second.token);
});

test('a refused token is replaced', async () => {
  const driver = start();
  const [first] = await driver.tokens();
  assert.equal((await driver.refuse()).hasToken, false);
  const [second] = await driver.tokens();
  assert.notEqual(second.token, first.token);
  await end(driver);
});

test('a provider whose certificate is of a CA not trusted gets no secret', async () => {
  const before_ = identity.requests.length;
  const driver = start({ MLC_CA_FILE: certs.file('otherca.pem') });
  const [answer] = await driver.tokens();
  assert.equal(answer.code, 'tls');
  assert.equal(identity.requests.length, before_);
  await end(driver);
});

for (const alg of ['PS256', 'RS256']) {
  test(`a token by certificate, signed ${alg}; each request with an assertion of its own`, async () => {
    const driver = withCertificate(alg);
    const [first] = await driver.tokens();
    assert.equal(first.code, 'ok', JSON.stringify([first, identity.errors]));
    assert.equal(claims(first.token).client_id, CERT_CLIENT[alg]);
    await driver.refuse();
    // The provider refuses an assertion that it has seen.
    const [second] = await driver.tokens();
    assert.equal(second.code, 'ok', JSON.stringify([second, identity.errors]));
    await end(driver, first.token, second.token);
  });
}

test('an assertion signed by another algorithm than the client is registered with', async () => {
  const driver = withCertificate('PS256', { MLC_CERT_ALG: 'RS256' });
  const [answer] = await driver.tokens();
  assert.equal(answer.code, 'auth');
  assert.match(answer.message, /client authentication failed/);
  await end(driver);
});

test('a key that is not registered', async () => {
  const other = new Certs();
  const driver = withCertificate('PS256', { MLC_CERT_FILE: other.file('app.pem'), MLC_KEY_FILE: other.file('app.key') });
  const [answer] = await driver.tokens();
  assert.equal(answer.code, 'auth');
  await end(driver);
  other.remove();
});

test('a key that does not belong to the certificate is refused before anything is sent', async () => {
  const other = new Certs();
  const driver = withCertificate('PS256', { MLC_KEY_FILE: other.file('app.key') });
  const failure = await driver.failure();
  drivers.delete(driver);
  assert.equal(failure.code, 1);
  assert.match(failure.log, /client_cert_file: .* does not belong to the key/);
  other.remove();
});

/* Log-in and log-out, tokens and devices, codes of bad requests. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startSimulator } from './helper.mjs';

let sim;
before(async () => { sim = await startSimulator({ args: ['--max-sessions', '6'] }); });
after(() => sim.dispose());

const read = (headers) => sim.call('POST', 'v2/dataservice', { targetName: 'F0101', dataServiceType: 'COUNT', findOnEntry: 'TRUE' }, headers);
const out = (token) => sim.call('POST', 'v2/tokenrequest/logout', { token }, {});

test('a token comes with the date format and the time zone', async () => {
  const { status, body } = await sim.logIn();
  assert.equal(status, 200);
  assert.equal(body.environment, 'JDV920');
  assert.equal(body.userInfo.simpleDateFormat, 'dd/MM/yyyy');
  assert.equal(body.userInfo.dateFormat, 'DME');
  assert.equal(body.userInfo.timeZoneOffset, 'UTC-07:00');
  assert.equal(body.userInfo.dstRule.dstSavings, 3600000);
  assert.equal((await out(body.userInfo.token)).status, 200);
  assert.equal((await out(body.userInfo.token)).status, 444);
});

test('Basic authorization and headers do as well', async () => {
  const headers = { Authorization: `Basic ${Buffer.from('INTEG:secret').toString('base64')}`, 'jde-AIS-Auth-Device': 'basic', 'jde-AIS-Auth-Environment': 'JDV920' };
  const { status, body } = await sim.call('POST', 'v2/tokenrequest', undefined, headers);
  assert.equal(status, 200);
  assert.equal((await read({ 'jde-AIS-Auth': body.userInfo.token, 'jde-AIS-Auth-Device': 'basic' })).status, 200);
  await out(body.userInfo.token);
});

test('bad credentials are 403', async () => {
  for (const wrong of [{ password: 'x' }, { username: 'x' }, { environment: 'PROD' }, { role: 'NONE' }, { password: '' }]) {
    const { status, body } = await sim.logIn(wrong);
    assert.equal(status, 403, JSON.stringify(wrong));
    assert.ok(body.message && body.exception && body.timeStamp);
  }
});

test('bad requests: 400, 404, 405 and 415', async () => {
  assert.equal((await sim.call('POST', 'v2/tokenrequest', '{', {})).status, 400);
  assert.equal((await sim.call('POST', 'v2/tokenrequest', '{}', { 'Content-Type': 'text/plain' })).status, 415);
  assert.equal((await sim.call('GET', 'v2/tokenrequest', undefined, {})).status, 405);
  assert.equal((await sim.call('GET', 'v2/nothing', undefined, {})).status, 404);
});

test('a token works for its device only, in headers or in the body', async () => {
  const { token } = (await sim.logIn()).body.userInfo;
  assert.equal((await read({ 'jde-AIS-Auth': token, 'jde-AIS-Auth-Device': 'test' })).status, 200);
  assert.equal((await read({ 'jde-AIS-Auth': token, 'jde-AIS-Auth-Device': 'other' })).status, 444);
  assert.equal((await read({ 'jde-AIS-Auth': token })).status, 444);
  assert.equal((await read({ 'jde-AIS-Auth': `${token}x`, 'jde-AIS-Auth-Device': 'test' })).status, 444);
  assert.equal((await read({})).body.message, 'Invalid Token');
  const older = { targetName: 'F0101', dataServiceType: 'COUNT', token, deviceName: 'test' };
  assert.equal((await sim.call('POST', 'dataservice', older, {})).status, 200);
  await out(token);
});

test('a token ends with its lifetime', async () => {
  const { token } = (await sim.logIn()).body.userInfo;
  const headers = { 'jde-AIS-Auth': token, 'jde-AIS-Auth-Device': 'test' };
  assert.equal((await sim.call('POST', 'v2/tokenrequest/validate', {}, headers)).status, 200);
  await sim.admin('POST', 'clock', { offsetMs: 1801000 });
  assert.equal((await read(headers)).status, 444);
  assert.equal((await sim.call('POST', 'v2/tokenrequest/validate', {}, headers)).status, 444);
  await sim.admin('POST', 'clock', {});
});

test('sessions are limited, and a log-out frees one', async () => {
  const tokens = [];
  for (let at = 0; at < 6; at += 1) tokens.push((await sim.logIn()).body.userInfo.token);
  assert.equal((await sim.logIn()).status, 500);
  await out(tokens[0]);
  assert.equal((await sim.logIn()).status, 200);
  const stats = await sim.admin('GET', 'stats');
  assert.equal(stats.sessions, 6);
  assert.ok(stats.logins > 6 && stats.refusedLogins >= 6 && stats.logouts >= 4);
});

test('defaultconfig needs no token', async () => {
  for (const target of ['v2/defaultconfig', 'defaultconfig']) {
    const { status, body } = await sim.call('GET', target, undefined, {});
    assert.equal(status, 200);
    assert.ok(body.capabilityList.some(({ name }) => name === 'dataservice'));
  }
});

test('the Date of an answer is the server\'s clock', async () => {
  const distance = async (headers) => {
    const response = await fetch(`${sim.base}/jderest/v2/defaultconfig`, { headers });
    await response.text();
    return Math.round((Date.parse(response.headers.get('date')) - Date.now()) / 10000) + 0;
  };
  assert.equal(await distance(), 0);
  await sim.admin('POST', 'clock', { offsetMs: -7200000 });
  assert.equal(await distance(), -720);
  await sim.admin('POST', 'clock', {});
});

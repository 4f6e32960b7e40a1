/*
 * Log-in, log-out and the check of tokens. Sessions live in memory, as in an AIS
 * server: a restart ends them all.
 */

import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { ServiceError, forbidden, invalidToken } from './errors.mjs';
import { offsetName } from './clock.mjs';

const DATE_FORMATS = { dd: 'D', MM: 'M', yyyy: 'E', yy: 'R' };

export class Sessions {
  /** account: { username, password, environment, role, dateFormat }; what is undefined there is not checked */
  constructor(account, clock, config) {
    Object.assign(this, { account, clock, config });
    this.byToken = new Map();
    this.logins = 0;
    this.refused = 0;
    this.logouts = 0;
    this.peak = 0;
  }

  /** body: parsed or {}. Gives the answer of a token request. */
  logIn(body, headers, address) {
    const wanted = credentials(body, headers, address);
    this.expireOld();
    if (!this.accepts(wanted)) {
      this.refused += 1;
      throw forbidden('Authorization Failure');
    }
    if (this.byToken.size >= this.config.maxSessions) {
      this.refused += 1;
      throw new ServiceError(this.config.maxSessionsStatus, 'The maximum number of user sessions is reached');
    }
    const token = `044${randomBytes(33).toString('base64')}${Buffer.from(String(this.clock.now())).toString('base64')}`;
    const session = {
      token, device: wanted.deviceName, username: wanted.username, environment: wanted.environment ?? this.account.environment ?? 'JDV920',
      role: wanted.role ?? this.account.role ?? '*ALL', dateFormat: this.account.dateFormat,
      expires: this.clock.now() + this.config.tokenLifetimeS * 1000,
    };
    this.byToken.set(token, session);
    this.logins += 1;
    this.peak = Math.max(this.peak, this.byToken.size);
    return this.describe(session);
  }

  accepts(wanted) {
    const { username, password, environment, role } = this.account;
    if (!wanted.username || !wanted.password) return false;
    if (username !== undefined && !sameText(username, wanted.username)) return false;
    if (password !== undefined && !sameText(password, wanted.password)) return false;
    if (environment !== undefined && wanted.environment && environment !== wanted.environment) return false;
    return !(role !== undefined && wanted.role && role !== wanted.role);
  }

  /** The session of a request, or 444. token and device as the request shows them; an undefined device is not compared. */
  check(token, device) {
    const session = token ? this.byToken.get(token) : undefined;
    if (session && session.expires <= this.clock.now()) this.byToken.delete(token);
    if (!session || session.expires <= this.clock.now()) throw invalidToken();
    if (device !== undefined && device !== session.device) throw new ServiceError(this.config.wrongDeviceStatus, 'The token belongs to another device');
    return session;
  }

  logOut(token) {
    if (!this.byToken.delete(token)) throw invalidToken();
    this.logouts += 1;
  }

  expireAll() {
    this.byToken.clear();
  }

  expireOld() {
    for (const [token, session] of this.byToken) if (session.expires <= this.clock.now()) this.byToken.delete(token);
  }

  describe(session) {
    const { clock } = this;
    const american = clock.savesDaylight() && /^(America|US)\//.test(clock.timeZone);
    const separator = /[^a-zA-Z]/.exec(session.dateFormat)?.[0] ?? '/';
    return {
      username: session.username, environment: session.environment, role: session.role, jasserver: 'http://jas.example.com:7005',
      userInfo: {
        token: session.token, langPref: '  ', locale: 'en',
        dateFormat: session.dateFormat.replace(/yyyy|yy|MM|dd/g, (part) => DATE_FORMATS[part]).replace(/[^DMER]/g, ''),
        dateSeperator: separator, simpleDateFormat: session.dateFormat, timeFormat: '12', decimalFormat: '.', addressNumber: 1,
        alphaName: 'Integration User', appsRelease: 'E920', country: '  ', username: session.username, longUserId: session.username.toLowerCase(),
        timeZoneOffset: `UTC${offsetName(clock.standardOffset())}`, dstRuleKey: american ? 'USA' : '',
        ...(american ? { dstRule: UNITED_STATES } : {}),
      },
      userAuthorized: true, version: null, poStringJSON: null, altPoStringJSON: null, aisSessionCookie: randomBytes(12).toString('hex'),
      adminAuthorized: false, deprecated: false, passwordAboutToExpire: false, envColor: '', machineName: 'ais-sim',
    };
  }
}

/** Second Sunday of March to first Sunday of November; months count from 0, Sunday is 1. */
const UNITED_STATES = {
  startDate: 0, endDate: 0, startMonth: 2, startDay: 8, startDayOfWeek: 1, startTime: 7200000, endMonth: 10, endDay: 1, endDayOfWeek: 1,
  endTime: 7200000, dstSavings: 3600000, startEffectiveDate: null, endEffectiveDate: null, ruleDescription: 'United States',
};

function credentials(body, headers, address) {
  const basic = /^Basic (.+)$/i.exec(headers.authorization ?? '');
  const [name, ...rest] = basic ? Buffer.from(basic[1], 'base64').toString('utf8').split(':') : [];
  return {
    username: text(body.username ?? name), password: text(body.password ?? (basic ? rest.join(':') : undefined)),
    environment: text(body.environment ?? headers['jde-ais-auth-environment']), role: text(body.role ?? headers['jde-ais-auth-role']),
    // Without a name, the service takes the address of the caller.
    deviceName: text(body.deviceName ?? headers['jde-ais-auth-device']) ?? address,
  };
}

const text = (value) => (value === undefined || value === null || value === '' ? undefined : String(value));
const digest = (value) => createHash('sha256').update(value).digest();
const sameText = (a, b) => timingSafeEqual(digest(a), digest(b));

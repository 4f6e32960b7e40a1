/*
 * Squid's helper for NTLM: challenges, and verifies the NTLMv2 response ([MS-NLMP] 3.3.2) against one account.
 *
 *   ntlm_helper.mjs DOMAIN USER FILE       FILE holds the password
 *
 * Debian's own helper for tests, ntlm_fake_auth, takes every password.
 */

import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import fs from 'node:fs';
import readline from 'node:readline';
import { md4 } from './md4.mjs';

const [domain, user, file] = process.argv.slice(2);
const password = fs.readFileSync(file, 'utf8');

const UNICODE = 0x1;
const FLAGS = UNICODE | 0x4 /* target */ | 0x200 /* NTLM */ | 0x8000 /* always sign */ | 0x10000 /* target is a domain */ | 0x80000 /* extended */ | 0x800000 /* target information */;
const SIGNATURE = Buffer.from('NTLMSSP\0');
const wide = (text) => Buffer.from(text, 'utf16le');
const hmac = (key, ...parts) => parts.reduce((mac, part) => mac.update(part), createHmac('md5', key)).digest();

function challengeMessage(challenge) {
  const target = wide(domain);
  const pair = (id, value) => Buffer.concat([Buffer.from([id, 0, value.length, 0]), value]);
  const info = Buffer.concat([pair(2, target), pair(1, wide('PROXY')), Buffer.alloc(4)]);
  const head = Buffer.alloc(48);
  SIGNATURE.copy(head);
  head.writeUInt32LE(2, 8);
  head.writeUInt16LE(target.length, 12);
  head.writeUInt16LE(target.length, 14);
  head.writeUInt32LE(48, 16);
  head.writeUInt32LE(FLAGS, 20);
  challenge.copy(head, 24);
  head.writeUInt16LE(info.length, 40);
  head.writeUInt16LE(info.length, 42);
  head.writeUInt32LE(48 + target.length, 44);
  return Buffer.concat([head, target, info]);
}

const field = (message, at) => {
  const from = message.readUInt32LE(at + 4);
  return message.subarray(from, from + message.readUInt16LE(at));
};

/** Why the answer is not right; undefined: it is. */
function fault(message, challenge) {
  if (!message.subarray(0, 8).equals(SIGNATURE) || message.readUInt32LE(8) !== 3) return 'no answer to a challenge';
  const [response, itsDomain, itsUser] = [20, 28, 36].map((at) => field(message, at));
  const encoding = message.readUInt32LE(60) & UNICODE ? 'utf16le' : 'latin1';
  const names = [itsDomain.toString(encoding), itsUser.toString(encoding)];
  if (names[0].toUpperCase() !== domain.toUpperCase() || names[1].toUpperCase() !== user.toUpperCase()) return `unknown account ${names.join('\\')}`;
  if (response.length <= 24) return 'an answer of NTLMv1';
  const key = hmac(md4(wide(password)), wide(user.toUpperCase() + names[0]));
  const proof = hmac(key, challenge, response.subarray(16));
  return timingSafeEqual(proof, response.subarray(0, 16)) ? undefined : 'wrong password';
}

let challenge = randomBytes(8);
readline.createInterface({ input: process.stdin }).on('line', (line) => {
  const [word, text = ''] = line.split(' ');
  if (word === 'YR') {
    challenge = randomBytes(8);
    console.log(`TT ${challengeMessage(challenge).toString('base64')}`);
    return;
  }
  const reason = word === 'KK' ? fault(Buffer.from(text, 'base64'), challenge) : 'unknown request';
  console.log(reason ? `NA ${reason}` : `AF ${domain}\\${user}`);
});

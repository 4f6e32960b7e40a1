/*
 * A token that is software: SoftHSM in a folder of the test, with an AES-256 key that does not leave it. All programs
 * that are started afterwards see it, by SOFTHSM2_CONF.
 */

import { spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';

const MODULES = ['/usr/lib/softhsm/libsofthsm2.so', '/usr/lib64/softhsm/libsofthsm2.so', '/usr/lib64/pkcs11/libsofthsm2.so'];

function run(command, ...list) {
  const { status, error, stdout, stderr } = spawnSync(command, list, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command}: ${error?.message ?? `${stdout}${stderr}`}; run packaging/setup.sh`);
}

export class SoftToken {
  label = 'ml-test';
  pin = String(randomInt(10000000, 99999999));

  constructor(dir) {
    this.module = MODULES.find((file) => fs.existsSync(file));
    if (!this.module) throw new Error('SoftHSM is missing; run packaging/setup.sh');
    const [conf, tokens] = ['softhsm2.conf', 'tokens'].map((name) => path.join(dir, name));
    fs.mkdirSync(tokens, { mode: 0o700 });
    fs.writeFileSync(conf, `directories.tokendir = ${tokens}\nlog.level = ERROR\n`);
    process.env.SOFTHSM2_CONF = conf;
    run('softhsm2-util', '--init-token', '--free', '--label', this.label, '--so-pin', '86428642', '--pin', this.pin);
    this.pinFile = path.join(dir, 'token.pin');
    this.givePin(this.pin);
  }

  givePin = (pin) => fs.writeFileSync(this.pinFile, `${pin}\n`, { mode: 0o600 });

  tool = (...list) => run('pkcs11-tool', '--module', this.module, '--token-label', this.label, '--login', '--pin', this.pin, ...list);

  makeKey = (label) => this.tool('--keygen', '--key-type', 'AES:32', '--sensitive', '--label', label);

  /** The group "secrets" of a configuration. */
  settings = (label) => ({ pkcs11_module: this.module, pkcs11_uri: `pkcs11:token=${this.label};object=${label}`, pkcs11_pin: `file:${this.pinFile}` });
}

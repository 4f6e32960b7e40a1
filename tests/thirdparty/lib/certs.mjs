/* A temporary folder with the certificates of tests/support/make_certs.sh. */

import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const SCRIPT = fileURLToPath(new URL('../../support/make_certs.sh', import.meta.url));

export class Certs {
  constructor() {
    this.dir = fs.mkdtempSync(path.join(os.tmpdir(), 'mlc-thirdparty-'));
    const made = spawnSync('sh', [SCRIPT, this.dir], { encoding: 'utf8' });
    if (made.status !== 0) throw new Error(`make_certs.sh: ${made.stderr}`);
  }

  file = (name) => path.join(this.dir, name);

  read = (name) => fs.readFileSync(this.file(name), 'utf8');

  /** key and certificate for an https server */
  server(name = 'server') {
    return { cert: this.read(`${name}.pem`), key: this.read(`${name}.key`) };
  }

  remove() {
    fs.rmSync(this.dir, { recursive: true, force: true });
  }
}

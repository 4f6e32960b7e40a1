/*
 * A Windows machine for one test: a fresh prefix of wine with its own service manager and registry, and the MSI.
 */

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { until } from '../e2e/lib/wait.mjs';

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const LOADER = '/usr/lib/wine/wine64';
const COMMAND_MS = 180000;

/** As Windows names a file of this machine. */
export const onZ = (file) => `Z:${file}`;

/** The MSI of a version, as packaging/windows/msi.sh makes it into a folder. */
export function makeMsi(version, folder) {
  const made = spawnSync(path.join(ROOT, 'packaging/windows/msi.sh'), ['--version', version, '--out', folder], { encoding: 'utf8' });
  assert.equal(made.status, 0, made.stdout + made.stderr);
  return path.join(folder, `ml-connector-agent-${version}.msi`);
}

export class Wine {
  constructor(prefix) {
    this.prefix = prefix;
    this.env = { ...process.env, WINEPREFIX: prefix, WINEDEBUG: '-all', WINEDLLOVERRIDES: 'mscoree=;mshtml=' };
    // The zones are to be those that were installed.
    delete this.env.MLC_ZONEINFO;
  }

  /** The services live as long as somebody is signed in: a program that waits for its input. */
  open() {
    fs.rmSync(this.prefix, { recursive: true, force: true });
    fs.mkdirSync(path.dirname(this.prefix), { recursive: true });
    // wine makes access lists from modes: what the programs make is their user's own.
    process.umask(0o077);
    this.run('wineboot', '--init');
    this.user = spawn(LOADER, ['cmd'], { env: this.env, stdio: ['pipe', 'ignore', 'ignore'] });
    return this;
  }

  close() {
    this.user?.kill('SIGKILL');
    spawnSync('wineserver', ['-k'], { env: this.env });
  }

  /** { status, text }; text is all the command said. */
  run(...command) {
    const { status, stdout, stderr, error } = spawnSync(LOADER, command, { encoding: 'utf8', env: this.env, timeout: COMMAND_MS });
    if (error) throw error;
    return { status, text: (stdout + stderr).replaceAll('\r', '') };
  }

  /** A file of its drive C. */
  file = (name) => path.join(this.prefix, 'drive_c', name);

  /** msiexec without questions; { status, log }. */
  async msi(what, file, properties = {}) {
    const log = path.join(this.prefix, 'install.log');
    const words = ['msiexec', what, onZ(file), '/qn', '/l*v', onZ(log), ...Object.entries(properties).map(([name, value]) => `${name}=${value}`)];
    fs.rmSync(log, { force: true });
    // Not waited for like the others: the relay's and the simulators' output, and what a test watches, go on.
    const child = spawn(LOADER, words, { env: this.env, stdio: 'ignore', timeout: COMMAND_MS });
    const status = await new Promise((resolve, reject) => { child.on('error', reject).on('exit', resolve); });
    return { status, log: fs.existsSync(log) ? fs.readFileSync(log, 'latin1').replaceAll('\r', '') : '' };
  }

  /** { name: value } of a key; undefined when there is none. */
  registry(key) {
    const { status, text } = this.run('reg', 'query', key);
    if (status !== 0) return undefined;
    return Object.fromEntries([...text.matchAll(/^ {4}(\S+) {4}REG_\S+ {4}(.*)$/gm)].map(([, name, value]) => [name, value]));
  }

  /** "RUNNING", or "" when it is not registered. */
  serviceState(name) {
    return this.run('sc', 'query', name).text.match(/STATE\s*:\s*\d+\s+(\S+)/)?.[1] ?? '';
  }

  serviceIs = (name, state) => until(`the service is ${state}`, () => this.serviceState(name) === state, { timeoutMs: 60000, everyMs: 300 });
}

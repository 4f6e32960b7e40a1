/* The Dataverse simulator as a child process on plain HTTP of the loopback. */

import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../sim/dataverse/main.mjs', import.meta.url));
const TENANT = 'contoso-directory';

/** options: more arguments of the simulator. { url, token(form), end() } */
export async function startDataverse(dir, options = []) {
  const portFile = path.join(dir, 'dataverse.port');
  fs.rmSync(portFile, { force: true });
  const args = [MAIN, '--data', path.join(dir, 'dataverse'), '--host', '127.0.0.1', '--port-file', portFile, '--tenant', TENANT, ...options];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise((resolve) => { child.once('exit', resolve); });
  await new Promise((resolve, reject) => {
    child.stdout.once('data', resolve);
    child.once('exit', (code) => reject(new Error(`the simulator ended with ${code}`)));
  });
  const port = Number(fs.readFileSync(portFile, 'utf8'));
  const url = `${options.includes('--http') ? 'http' : 'https'}://127.0.0.1:${port}`;
  const token = async (form) => {
    const answer = await fetch(`${url}/${TENANT}/oauth2/v2.0/token`, { method: 'POST', body: new URLSearchParams(form) });
    return (await answer.json()).access_token;
  };
  const end = () => {
    child.kill('SIGTERM');
    return ended;
  };
  return { url, token, end, tenant: TENANT };
}

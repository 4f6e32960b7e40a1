/*
 * Runs an image as a container engine does: its root read-only, in mount, process and IPC namespaces of its own, as its
 * user without groups, capabilities or a way to get any, with volumes for state, configuration and the socket. No engine
 * is needed, but root is. The network is that of the machine.
 */

import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { Program } from '../../e2e/lib/process.mjs';

const ENTER = `
set -euo pipefail
image=$1 user=$2 state=$3 config=$4 run=$5; shift 5
mount --bind "$image" "$image"
mount -o remount,bind,ro,nosuid "$image"
mount -t proc -o nosuid,nodev,noexec proc "$image/proc"
mount -t tmpfs -o nosuid,mode=0755 dev "$image/dev"
for name in null zero random urandom; do
    touch "$image/dev/$name"
    mount --bind "/dev/$name" "$image/dev/$name"
done
mount -t tmpfs -o nosuid,nodev,mode=1777 tmp "$image/tmp"
mount --bind "$state" "$image/var/lib/ml-connector"
mount --bind "$run" "$image/run/ml-connector"
mount --bind "$config" "$image/etc/ml-connector"
mount -o remount,bind,ro "$image/etc/ml-connector"
exec setpriv --no-new-privs env -i "\${@:1:1}" /usr/sbin/chroot --userspec="$user" --groups= "$image" "\${@:2}"`;

/** The whole command line of a container. options: { image: folder, user, state, config, run: folders, env: "NAME=value" } */
export const containerCommand = ({ image, user, state, config, run, env }, args) => [
  'unshare', '--mount', '--pid', '--ipc', '--uts', '--fork', '--kill-child', '--propagation', 'private',
  'bash', '-c', ENTER, '_', image, user, state, config, run, env, ...args];

export class ContainerProgram extends Program {
  start() {
    super.start();
    // What an engine signals is the process inside, not the one that made the namespaces.
    const outer = this.child.kill.bind(this.child);
    this.child.kill = (signal) => (signal === 'SIGKILL' || !this.inner ? outer(signal) : process.kill(this.inner, signal));
    return this;
  }

  /** Number of the process inside, as seen from outside. */
  get inner() {
    if (!this.child) return undefined;
    const children = fs.readFileSync(`/proc/${this.child.pid}/task/${this.child.pid}/children`, 'utf8');
    return Number(children.trim().split(' ')[0]) || undefined;
  }

  /** A command in the running container, by its user: { status, stdout, stderr } */
  exec(args) {
    const [user, group] = this.user.split(':');
    return spawnSync('nsenter', ['--target', String(this.inner), '--mount', '--pid', '--root', '--wd=/', '--setgid', group, '--setuid', user, ...args], { encoding: 'utf8' });
  }

  /** Fields of /proc/PID/status. */
  status() {
    const text = fs.readFileSync(`/proc/${this.inner}/status`, 'utf8');
    return Object.fromEntries(text.split('\n').filter(Boolean).map((line) => line.split(/:\s*/)).map(([name, value]) => [name, value]));
  }
}

/*
 * Carries out a container file without a registry: each stage has a folder, the base image is this machine's own root (a
 * Debian 12 with what packaging/setup.sh installs) under an overlay, and each RUN is executed in it, in namespaces of its
 * own. COPY from the context takes what git knows, as `git archive` would. Since that base has the packages already,
 * apt-get only checks there that each one asked for is installed; options.download has the real one run.
 */

import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { DockerfileParser } from 'dockerfile-ast';

function sh(script, args, { input, env } = {}) {
  const run = spawnSync('bash', ['-euo', 'pipefail', '-c', script, '_', ...args], { encoding: 'utf8', input, env: env ?? process.env, maxBuffer: 1 << 28 });
  if (run.status !== 0) throw new Error(`${script}\n${args.join(' ')}\nstatus ${run.status}${run.signal ?? ''}\n${(run.stdout ?? '').slice(-4000)}\n${(run.stderr ?? '').slice(-4000)}`);
  return run.stdout;
}

const ENTER = `
root=$1 overlay=$2; shift 2
if [[ $overlay == yes ]]; then
    mount -t overlay -o "lowerdir=/,upperdir=$root/upper,workdir=$root/work" overlay "$root/root"
else
    mount --bind "$root/upper" "$root/root"
fi
mount -t proc proc "$root/root/proc" 2>/dev/null || mount --rbind /proc "$root/root/proc"
mount --rbind /dev "$root/root/dev"
mount -t tmpfs -o mode=1777 tmp "$root/root/tmp"
if [[ -n $CCACHE_DIR ]]; then mkdir -p "$root/root/ccache"; mount --bind "$CCACHE_DIR" "$root/root/ccache"; fi
exec chroot "$root/root" /usr/bin/env -i "$@"`;

const APT_GET = `#!/bin/bash
[[ $1 == install ]] || exit 0
shift
for word; do
    [[ $word == -* ]] && continue
    [[ "$(dpkg-query --show --showformat='\${db:Status-Status}' "$word")" == installed ]] || { echo "$word is not installed here" >&2; exit 100; }
done
`;

/** A JSON list, or undefined. */
function execForm(text) {
  try {
    const list = JSON.parse(text);
    return Array.isArray(list) ? list : undefined;
  } catch {
    return undefined;
  }
}

class Stage {
  constructor(work, name, base) {
    Object.assign(this, { name, overlay: base !== 'scratch', dir: path.join(work, name), env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' } });
    Object.assign(this, { cwd: '/', shell: ['/bin/sh', '-c'], image: {}, runs: 0 });
    for (const folder of ['upper', 'work', 'root']) fs.mkdirSync(path.join(this.dir, folder), { recursive: true });
  }

  get files() { return path.join(this.dir, 'upper'); }

  run(command, extra) {
    const env = Object.entries({ ...this.env, HOME: '/root', ...extra.env }).map(([name, value]) => `${name}=${value}`);
    const inner = `cd ${this.cwd} && ${command}`;
    sh('unshare --mount --pid --fork --kill-child --propagation private bash -euo pipefail -c "$1" _ "${@:2}"',
      [ENTER, this.dir, this.overlay ? 'yes' : 'no', ...env, ...this.shell, inner], { env: { ...process.env, CCACHE_DIR: extra.ccache ?? '' } });
    this.runs += 1;
  }

  put(name, text) {
    const file = path.join(this.files, name);
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, text, { mode: 0o755 });
  }

  copy(from, sources, target) {
    const to = path.join(this.files, path.resolve(this.cwd, target));
    fs.mkdirSync(to, { recursive: true });
    for (const source of sources) sh('cp -a "$1/." "$2"', [path.join(from.files, source), to]);
  }

  copyContext(repository, target) {
    const to = path.join(this.files, path.resolve(this.cwd, target));
    fs.mkdirSync(to, { recursive: true });
    sh('cd "$1"; { git ls-files -z --cached --others --exclude-standard 2>/dev/null || find . \\( -name build -o -name node_modules \\) -prune -o -type f -printf "%P\\0"; } | while IFS= read -r -d "" file; do if [[ -f $file ]]; then printf "%s\\0" "$file"; fi; done | tar --create --null --files-from=- | tar --extract --directory "$2"', [repository, to]);
  }
}

/** Logical instructions: [{ word, text, flags }] */
export function instructions(file) {
  return DockerfileParser.parse(fs.readFileSync(file, 'utf8')).getInstructions().map((one) => ({
    word: one.getKeyword(), line: one.getRange().start.line + 1,
    flags: Object.fromEntries((one.getFlags?.() ?? []).map((flag) => [flag.getName(), flag.getValue()])),
    text: one.getArguments().map((argument) => argument.getValue()).join(' '), raw: one.getRawArgumentsContent() ?? '',
  }));
}

const unfold = (raw) => raw.replace(/\\\n/g, ' ').replace(/^\s*--\S+\s+/gm, '').trim();

/** Builds all stages. options: { repository, work, env: for RUN, ccache, log } Gives { stages by name } */
export function build(file, options) {
  const stages = {};
  const base = (name, image) => {
    const made = new Stage(options.work, name, image);
    if (made.overlay && !options.download) made.put('usr/local/sbin/apt-get', APT_GET);
    return made;
  };
  const args = {};
  let stage;
  const take = {
    ARG({ text }) { const [name, value] = text.split(/=(.*)/s); args[name] = value; },
    FROM({ text }) {
      const [image, , name] = text.split(/\s+/);
      stage = base(name, image.replace(/\$\{(\w+)\}/g, (_, arg) => args[arg]));
      stages[name] = stage;
    },
    SHELL({ raw }) { stage.shell = execForm(raw); },
    ENV({ text }) { for (const pair of text.split(/\s+/)) { const [name, value] = pair.split('='); stage.env[name] = value; } },
    WORKDIR({ text }) { stage.cwd = path.resolve(stage.cwd, text); },
    RUN({ raw, line }) {
      const start = Date.now();
      stage.run(unfold(raw), options);
      options.log?.(`RUN of line ${line}: ${((Date.now() - start) / 1000).toFixed(1)} s`);
    },
    COPY({ text, flags }) {
      const words = text.split(/\s+/);
      const target = words.pop();
      if (flags.from) stage.copy(stages[flags.from], words, target);
      else stage.copyContext(options.repository, target);
    },
    USER({ text }) { stage.image.user = text; },
    EXPOSE({ text }) { stage.image.port = text; },
    STOPSIGNAL({ text }) { stage.image.stopSignal = text; },
    VOLUME({ raw }) { stage.image.volumes = execForm(raw); },
    ENTRYPOINT({ raw }) { stage.image.entrypoint = execForm(raw); },
    CMD({ raw }) { stage.image.cmd = execForm(raw); },
    HEALTHCHECK({ raw }) { stage.image.health = execForm(raw.slice(raw.indexOf('CMD') + 3)); },
  };
  for (const one of instructions(file)) {
    if (!take[one.word]) throw new Error(`line ${one.line}: ${one.word} is not known here`);
    take[one.word](one);
  }
  return stages;
}

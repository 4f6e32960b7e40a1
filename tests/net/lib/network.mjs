/*
 * Three machines of network namespaces: the customer's site, the cloud, and the firewall between them.
 *
 *   site (AGENT) ---- firewall ---- cloud (RELAY)
 *
 * The firewall forwards new TCP connections from the site to port 443 of the cloud, and nothing else, from neither side. There is
 * no other way out of a namespace, and only the protocol that was asked for: with family 6 there is no IPv4 at all.
 */

import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

const ETC = '/etc/netns';

function run(file, words, input) {
  const { status, stdout, stderr, error } = spawnSync(file, words, { encoding: 'utf8', input });
  if (status !== 0) throw new Error(`${file} ${words.join(' ')}: ${error?.message ?? stderr}`);
  return stdout;
}

const ip = (...words) => run('ip', words);

/** Why there can be no namespaces here; undefined: there can. */
export function impossible() {
  if (process.getuid() !== 0) return 'network namespaces need root';
  const name = `mlc${process.pid}probe`;
  try {
    ip('netns', 'add', name);
    run('ip', ['netns', 'exec', name, 'nft', '-f', '-'], 'table inet probe {\n chain forward {\n  type filter hook forward priority 0; policy drop;\n  ct state established accept\n }\n}\n');
    ip('-n', name, 'link', 'add', 'name', 'probe1', 'type', 'veth', 'peer', 'name', 'probe2');
    return undefined;
  } catch (error) {
    return `the kernel allows no network namespaces with nftables and veth: ${error.message}`;
  } finally {
    spawnSync('ip', ['netns', 'del', name]);
  }
}

/** A test that cannot run says so, and ctest counts it as skipped. */
export function skipUnlessPossible() {
  const reason = impossible();
  if (reason === undefined) return;
  console.log(`SKIPPED: ${reason}`);
  process.exit(77);
}

export class Network {
  constructor(family) {
    this.family = family;
    this.names = Object.fromEntries(['site', 'cloud', 'firewall'].map((name) => [name, `mlc${process.pid}${name}`]));
    const net = family === 6 ? (side) => (host) => `fd77:0:0:${side}::${host}` : (side) => (host) => `10.77.${side}.${host}`;
    const [site, cloud] = [net(1), net(2)];
    // `other` is of the cloud too, and in no certificate.
    this.address = { site: site(2), cloud: cloud(2), other: cloud(3), siteGate: site(1), cloudGate: cloud(1) };
    this.bits = family === 6 ? 64 : 24;
  }

  in = (name) => ['ip', 'netns', 'exec', this.names[name]];

  /** Runs it there; gives { status, stdout, stderr }. */
  exec = (name, ...words) => spawnSync('ip', ['netns', 'exec', this.names[name], ...words], { encoding: 'utf8' });

  open() {
    for (const name of Object.values(this.names)) ip('netns', 'add', name);
    for (const side of ['site', 'cloud']) this.join(side);
    for (const name of Object.values(this.names)) {
      ip('-n', name, 'link', 'set', 'lo', 'up');
      if (this.family === 6) ip('-n', name, 'address', 'del', '127.0.0.1/8', 'dev', 'lo');
    }
    const forward = this.family === 6 ? 'net.ipv6.conf.all.forwarding' : 'net.ipv4.ip_forward';
    run('ip', ['netns', 'exec', this.names.firewall, 'sysctl', '-qw', `${forward}=1`]);
    this.rules();
    this.writeHosts({ 'relay.example.com': this.address.cloud, 'gate.corp.example': this.address.siteGate, localhost: this.family === 6 ? '::1' : '127.0.0.1' });
    return this;
  }

  join(side) {
    const [own, gate] = [this.names[side], this.names.firewall];
    ip('link', 'add', 'name', 'uplink', 'netns', own, 'type', 'veth', 'peer', 'name', side, 'netns', gate);
    const addresses = [[own, 'uplink', this.address[side]], [gate, side, this.address[`${side}Gate`]]];
    if (side === 'cloud') addresses.push([own, 'uplink', this.address.other]);
    for (const [name, device, address] of addresses) {
      ip('-n', name, 'link', 'set', device, 'up');
      ip('-n', name, 'address', 'add', `${address}/${this.bits}`, 'dev', device, ...(this.family === 6 ? ['nodad'] : []));
    }
    ip('-n', own, `-${this.family}`, 'route', 'add', 'default', 'via', this.address[`${side}Gate`]);
  }

  rules() {
    this.nft(`
      table inet gate {
        counter out { }
        counter inward { }
        counter other { }
        chain silence { }
        chain forward {
          type filter hook forward priority 0; policy drop;
          jump silence
          ct state established,related accept
          iifname "site" tcp dport 443 tcp flags & (fin | syn | rst | ack) == syn counter name out accept
          iifname "cloud" counter name inward drop
          counter name other drop
        }
      }
    `);
  }

  nft(text) {
    return run('ip', ['netns', 'exec', this.names.firewall, 'nft', '-f', '-'], `${text}\n`);
  }

  /** Packets: { out: connections let out, inward: dropped towards the site, other: dropped from it } */
  counters() {
    const text = run('ip', ['netns', 'exec', this.names.firewall, 'nft', '-j', 'list', 'counters']);
    return Object.fromEntries(JSON.parse(text).nftables.filter(({ counter }) => counter).map(({ counter }) => [counter.name, counter.packets]));
  }

  /** From now on everything is swallowed, also of open connections, and nobody is told. */
  silence = () => this.nft('add rule inet gate silence drop');

  speak = () => this.nft('flush chain inet gate silence');

  writeHosts(names) {
    const text = Object.entries(names).map(([name, address]) => `${address} ${name}\n`).join('');
    for (const name of Object.values(this.names)) {
      fs.mkdirSync(path.join(ETC, name), { recursive: true });
      fs.writeFileSync(path.join(ETC, name, 'hosts'), text);
      fs.writeFileSync(path.join(ETC, name, 'resolv.conf'), 'options timeout:1 attempts:1\n');
    }
  }

  close() {
    for (const name of Object.values(this.names)) {
      spawnSync('ip', ['netns', 'del', name]);
      fs.rmSync(path.join(ETC, name), { recursive: true, force: true });
    }
  }
}

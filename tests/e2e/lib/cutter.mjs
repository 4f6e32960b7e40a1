/*
 * A TCP proxy between agent and relay, so that a test can be the network: cut all connections (RST), stall (half open:
 * nothing is forwarded, nothing is closed), or slow down. What passes stays as it is, TLS included.
 */

import net from 'node:net';

export class Cutter {
  constructor(targetPort) {
    Object.assign(this, { targetPort, pairs: new Set(), stalled: false, bytesPerS: 0, accepted: 0, cuts: 0, bytes: 0 });
    this.server = net.createServer({ pauseOnConnect: true }, (client) => this.accept(client));
  }

  async start() {
    await new Promise((resolve, reject) => {
      this.server.on('error', reject);
      this.server.listen(0, '127.0.0.1', resolve);
    });
    this.port = this.server.address().port;
    return this;
  }

  get open() {
    return this.pairs.size;
  }

  accept(client) {
    this.accepted += 1;
    const server = net.connect(this.targetPort, '127.0.0.1');
    const pair = { client, server, timers: new Set() };
    this.pairs.add(pair);
    const end = () => this.drop(pair, false);
    for (const [from, to] of [[client, server], [server, client]]) {
      from.setNoDelay(true);
      from.on('error', end);
      from.on('close', end);
      from.on('data', (chunk) => this.forward(pair, from, to, chunk));
      from.on('end', () => { if (!this.stalled) to.end(); });
    }
    if (this.stalled) server.pause();
    else client.resume();
  }

  forward(pair, from, to, chunk) {
    this.bytes += chunk.length;
    if (!to.write(chunk)) {
      from.pause();
      to.once('drain', () => { if (!this.stalled) from.resume(); });
    }
    if (this.bytesPerS > 0) {
      from.pause();
      const timer = setTimeout(() => {
        pair.timers.delete(timer);
        if (!this.stalled) from.resume();
      }, (chunk.length * 1000) / this.bytesPerS);
      pair.timers.add(timer);
    }
  }

  drop(pair, reset) {
    if (!this.pairs.delete(pair)) return;
    pair.timers.forEach(clearTimeout);
    for (const socket of [pair.client, pair.server]) {
      if (reset && socket.resetAndDestroy) socket.resetAndDestroy();
      else socket.destroy();
    }
  }

  /** Resets all connections. Gives their number. */
  cut() {
    const list = [...this.pairs];
    list.forEach((pair) => this.drop(pair, true));
    this.cuts += 1;
    return list.length;
  }

  /** The network swallows everything, on open and on new connections. */
  stall() {
    this.stalled = true;
    for (const { client, server } of this.pairs) [client, server].forEach((socket) => socket.pause());
  }

  resume() {
    this.stalled = false;
    for (const { client, server } of this.pairs) [client, server].forEach((socket) => socket.resume());
  }

  /** At most so many bytes a second in each direction; 0: no limit. */
  slow(bytesPerS) {
    this.bytesPerS = bytesPerS;
  }

  stop() {
    this.cut();
    return new Promise((resolve) => { this.server.close(resolve); });
  }
}

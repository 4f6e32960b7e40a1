/*
 * door.mjs SOCKET HOST PORT - lets a test outside of a network namespace reach a server inside: a Unix socket has no namespace.
 */

import net from 'node:net';

const [socket, host, port] = process.argv.slice(2);

net.createServer((outside) => {
  const inside = net.connect(Number(port), host);
  outside.pipe(inside).pipe(outside);
  for (const [one, other] of [[outside, inside], [inside, outside]]) one.on('error', () => other.destroy()).on('close', () => other.destroy());
}).listen(socket);

/*
 * Whose certificate a port shows now.
 */

import tls from 'node:tls';

/** Its common name, verified or not. */
export const nameOfCertificate = (port) => new Promise((resolve, reject) => {
  const socket = tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false }, () => {
    resolve(socket.getPeerCertificate().subject.CN);
    socket.destroy();
  }).on('error', reject);
});

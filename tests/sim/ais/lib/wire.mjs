/* The bytes of HTTP: reading a body with a limit, and answers whole, cut in half or without end. */

const BODY_LIMIT = 20 * 1024 * 1024;
const HUGE = 256 * 1024 * 1024;

export const sleep = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

/** The whole body; undefined when it is over the limit. */
export function readBody(incoming) {
  return new Promise((resolve, reject) => {
    const chunks = [];
    let size = 0;
    incoming.on('data', (chunk) => {
      size += chunk.length;
      if (size > BODY_LIMIT) {
        resolve(undefined);
        incoming.removeAllListeners('data');
        incoming.resume();
      } else {
        chunks.push(chunk);
      }
    });
    incoming.on('end', () => resolve(Buffer.concat(chunks)));
    incoming.on('close', () => { if (!incoming.complete) reject(new Error('the client went away while it sent its request')); });
  });
}

/** answer: { status, headers, body }; a body that is neither text nor bytes is an iterable of texts. Gives the status. */
export function send(response, { status, headers = {}, body = '' }) {
  if (typeof body === 'string' || Buffer.isBuffer(body)) {
    const bytes = Buffer.from(body);
    response.writeHead(status, { ...headers, 'Content-Length': bytes.length });
    response.end(bytes);
  } else {
    response.writeHead(status, headers);
    sendAll(response, body).catch(() => response.destroy());
  }
  return status;
}

/** Half of the body, then the connection is cut. */
export function sendHalf(response, { status, headers = {}, body = '' }) {
  const bytes = Buffer.from(body);
  if (bytes.length === 0) {
    response.destroy();
    return 0;
  }
  response.writeHead(status, { ...headers, 'Content-Length': bytes.length });
  response.flushHeaders();
  response.write(bytes.subarray(0, bytes.length >> 1), () => response.destroy());
  return status;
}

export async function sendEndless(response) {
  response.writeHead(200, { 'Content-Type': 'application/json' });
  response.write('{"fs_DATABROWSE_F0101":{"data":{"gridData":{"rowset":[');
  const piece = '{"F0101_ALPH":"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"},'.repeat(1200);
  for (let sent = 0; sent < HUGE && !response.destroyed; sent += piece.length) {
    if (!response.write(piece)) await drained(response);
  }
  response.destroy();
  return 200;
}

async function sendAll(response, texts) {
  for (const text of texts) {
    if (response.destroyed) return;
    if (!response.write(text)) await drained(response);
  }
  response.end();
}

function drained(response) {
  return new Promise((resolve) => {
    const done = () => {
      response.off('drain', done).off('close', done);
      resolve();
    };
    response.on('drain', done).on('close', done);
  });
}

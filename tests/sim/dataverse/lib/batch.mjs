/*
 * $batch: multipart/mixed in, multipart/mixed out. Single operations run one by
 * one; a change set is one transaction whose operations may refer to each other by
 * Content-ID. Without "Prefer: odata.continue-on-error" the first failure ends the
 * batch and its status is the status of the whole answer.
 */

import { randomUUID } from 'node:crypto';
import { ServiceError, errors } from './errors.mjs';

const LIMIT = 1000;

/** run(ctx, { method, path, query, headers, body }) executes one operation and gives { status, headers, body }. */
export function runBatch(ctx, request, run) {
  const parts = splitParts(request.body.toString('utf8'), boundaryOf(request.headers['content-type']));
  const items = parts.map((part) => readItem(part));
  const total = items.reduce((sum, item) => sum + (item.operations?.length ?? 1), 0);
  if (total > LIMIT) throw errors.badBatch(`The batch has ${total} operations, more than the ${LIMIT} that are allowed.`);
  const goOn = (request.headers.prefer ?? '').includes('odata.continue-on-error');
  const answers = [];
  let status = 200;
  for (const item of items) {
    const { text, failed } = item.operations ? runChangeSet(ctx, item.operations, run) : runSingle(ctx, item, run);
    answers.push(text);
    if (failed && !goOn) {
      status = ctx.config.batchErrorIs200 ? 200 : failed;
      break;
    }
  }
  const boundary = `batchresponse_${randomUUID()}`;
  return {
    status,
    headers: { 'Content-Type': `multipart/mixed; boundary=${boundary}` },
    body: `${answers.map((text) => `--${boundary}\r\n${text}\r\n`).join('')}--${boundary}--\r\n`,
  };
}

function runSingle(ctx, operation, run) {
  const answer = attempt(ctx, operation, run);
  return { text: operationText(answer), failed: answer.status >= 400 ? answer.status : 0 };
}

function runChangeSet(ctx, operations, run) {
  const refs = new Map();
  const answers = [];
  try {
    ctx.store.transaction(() => {
      for (const operation of operations) {
        const answer = attempt({ ...ctx, refs }, operation, run);
        if (answer.status >= 400) throw new Aborted(answer);
        answers.push(operationText(answer, operation.contentId));
        if (answer.target) refs.set(operation.contentId, answer.target);
      }
    });
  } catch (error) {
    if (!(error instanceof Aborted)) throw error;
    return { text: operationText(error.answer), failed: error.answer.status };
  }
  const boundary = `changesetresponse_${randomUUID()}`;
  const inner = answers.map((text) => `--${boundary}\r\n${text}\r\n`).join('');
  return { text: `Content-Type: multipart/mixed; boundary=${boundary}\r\n\r\n${inner}--${boundary}--\r\n`, failed: 0 };
}

/** Carries the answer of a failed operation out of the transaction, which it undoes. */
class Aborted extends Error {
  constructor(answer) {
    super('change set aborted');
    this.answer = answer;
  }
}

function attempt(ctx, operation, run) {
  try {
    return run(ctx, operation);
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    return { status: error.status, headers: { ...error.headers, 'Content-Type': 'application/json; odata.metadata=minimal' }, body: error.body() };
  }
}

const REASONS = {
  200: 'OK', 201: 'Created', 204: 'No Content', 304: 'Not Modified', 400: 'Bad Request', 401: 'Unauthorized', 403: 'Forbidden',
  404: 'Not Found', 405: 'Method Not Allowed', 412: 'Precondition Failed', 429: 'Too Many Requests', 500: 'Internal Server Error',
  501: 'Not Implemented', 503: 'Service Unavailable',
};

function operationText(answer, contentId) {
  const lines = ['Content-Type: application/http', 'Content-Transfer-Encoding: binary'];
  if (contentId) lines.push(`Content-ID: ${contentId}`);
  lines.push('', `HTTP/1.1 ${answer.status} ${REASONS[answer.status] ?? 'Status'}`);
  const headers = { 'OData-Version': '4.0', ...answer.headers };
  for (const [name, value] of Object.entries(headers)) lines.push(`${name}: ${value}`);
  lines.push('', answer.body ?? '');
  return lines.join('\r\n');
}

// --- reading ---------------------------------------------------------------------

function boundaryOf(type) {
  const match = /^multipart\/mixed\s*;.*boundary=(?:"([^"]+)"|([^\s;]+))/i.exec(type ?? '');
  if (!match) throw errors.badBatch('The content type of a batch must be multipart/mixed with a boundary.');
  return match[1] ?? match[2];
}

function splitParts(text, boundary) {
  const marker = `--${boundary}`;
  const pieces = `\n${text}`.split(`\n${marker}`);
  if (pieces.length < 2 || !pieces[pieces.length - 1].startsWith('--')) throw errors.badBatch('The batch is not properly closed by its boundary.');
  return pieces.slice(1, -1).map((piece) => piece.replace(/^[ \t]*\r?\n/, '').replace(/\r$/, ''));
}

function splitHeaders(text) {
  const match = /\r?\n\r?\n/.exec(text);
  const head = match ? text.slice(0, match.index) : text;
  const rest = match ? text.slice(match.index + match[0].length) : '';
  return [head.split(/\r?\n/), rest];
}

function readHeaders(lines) {
  const headers = {};
  for (const line of lines) {
    const colon = line.indexOf(':');
    if (colon > 0) headers[line.slice(0, colon).trim().toLowerCase()] = line.slice(colon + 1).trim();
  }
  return headers;
}

/** One part -> an operation, or { operations } for a change set. */
function readItem(part) {
  const [lines, rest] = splitHeaders(part);
  const headers = readHeaders(lines);
  if (!/^multipart\/mixed/i.test(headers['content-type'] ?? '')) return readOperation(headers, rest);
  const operations = splitParts(rest, boundaryOf(headers['content-type'])).map((inner) => {
    const [innerLines, innerRest] = splitHeaders(inner);
    const operation = readOperation(readHeaders(innerLines), innerRest);
    if (operation.method === 'GET') throw errors.badBatch('A change set cannot hold a GET.');
    if (!operation.contentId) throw errors.badQuery('The Content-ID header is not present in an operation of a change set.');
    return operation;
  });
  return { operations };
}

function readOperation(partHeaders, text) {
  if (!/^application\/http/i.test(partHeaders['content-type'] ?? '')) throw errors.badBatch('A part of the batch is not application/http.');
  const [lines, body] = splitHeaders(text);
  const match = /^([A-Z]+) (\S+) HTTP\/1\.1$/.exec(lines[0]);
  if (!match) throw errors.badBatch(`'${lines[0]}' is not a request line.`);
  const headers = readHeaders(lines.slice(1));
  const target = match[2].replace(/^https?:\/\/[^/]+/i, '').replace(/^\/api\/data\/v\d+\.\d+\//i, '').replace(/^\//, '');
  const [path, query = ''] = splitOnce(target, '?');
  return {
    method: match[1], path, query, headers, body: Buffer.from(body.trim()), contentId: partHeaders['content-id'] ?? headers['content-id'],
  };
}

function splitOnce(text, separator) {
  const at = text.indexOf(separator);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}

/*
 * The simulator's only durable state: DIR/journal.jsonl, one JSON record a line.
 *
 * A record is written with a synchronous write before the caller goes on, so a
 * killed process loses nothing that it answered (the pages are with the kernel;
 * there is no fsync, a power cut is not part of the simulation). A last line
 * without an end is what a kill during a write leaves: it is cut off at start.
 */

import fs from 'node:fs';
import path from 'node:path';

const CHUNK = 1 << 20;

export class Journal {
  constructor(directory) {
    fs.mkdirSync(directory, { recursive: true });
    this.file = path.join(directory, 'journal.jsonl');
    this.fd = null;
  }

  /** Calls apply(record) for each whole record, then opens the file for appending. */
  replay(apply) {
    const reader = fs.openSync(this.file, fs.constants.O_RDWR | fs.constants.O_CREAT, 0o600);
    const chunk = Buffer.alloc(CHUNK);
    let rest = [];
    let whole = 0;
    let records = 0;
    for (;;) {
      const size = fs.readSync(reader, chunk, 0, CHUNK, null);
      if (size === 0) break;
      let start = 0;
      for (;;) {
        const end = chunk.subarray(0, size).indexOf(10, start);
        if (end < 0) break;
        const line = Buffer.concat([...rest, chunk.subarray(start, end)]);
        apply(JSON.parse(line.toString('utf8')));
        records += 1;
        whole += line.length + 1;
        rest = [];
        start = end + 1;
      }
      if (start < size) rest.push(Buffer.from(chunk.subarray(start, size)));
    }
    fs.ftruncateSync(reader, whole);
    fs.closeSync(reader);
    this.fd = fs.openSync(this.file, 'a', 0o600);
    this.size = whole;
    return records;
  }

  append(record) {
    const line = Buffer.from(`${JSON.stringify(record)}\n`);
    let written = 0;
    try {
      while (written < line.length) written += fs.writeSync(this.fd, line, written);
    } catch (error) {
      // Half a line must not stay in the way of the next record.
      fs.ftruncateSync(this.fd, this.size);
      throw error;
    }
    this.size += line.length;
  }

  close() {
    if (this.fd !== null) fs.closeSync(this.fd);
    this.fd = null;
  }
}

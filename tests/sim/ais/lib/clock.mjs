/*
 * The simulator's clock: the machine's, shifted by an offset that tests set, and
 * read in the time zone of the simulated JD Edwards server.
 *
 * Date and time stamps and token life ask here; time-outs, delays and the time
 * at which a late commit becomes visible run on the machine's clock.
 */

import { julianOf } from './jdedate.mjs';

const MINUTE = 60000;

export class Clock {
  offsetMs = 0;

  constructor(timeZone) {
    this.timeZone = timeZone;
    // Throws for a name that no zone has.
    this.formatter = new Intl.DateTimeFormat('en-US', {
      timeZone, hourCycle: 'h23', year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric',
    });
    this.zoneCache = { minute: NaN, offset: 0 };
  }

  now() {
    return Date.now() + this.offsetMs;
  }

  /** Gets { now: "ISO date" } (also as "set") or { offsetMs }; nothing resets. */
  set({ set, now = set, offsetMs }) {
    if (now !== undefined) {
      const wanted = typeof now === 'number' ? now : Date.parse(now);
      if (Number.isNaN(wanted)) throw new Error(`not a date: ${now}`);
      this.offsetMs = wanted - Date.now();
    } else {
      this.offsetMs = Number(offsetMs ?? 0);
      if (Number.isNaN(this.offsetMs)) throw new Error(`not a number: ${offsetMs}`);
    }
  }

  /** Milliseconds to add to UTC to get the server's wall time. */
  zoneOffset(ms = this.now()) {
    const minute = Math.floor(ms / MINUTE);
    if (this.zoneCache.minute !== minute) {
      const parts = Object.fromEntries(this.formatter.formatToParts(minute * MINUTE).map(({ type, value }) => [type, Number(value)]));
      const wall = Date.UTC(parts.year, parts.month - 1, parts.day, parts.hour, parts.minute, parts.second);
      this.zoneCache = { minute, offset: wall - minute * MINUTE };
    }
    return this.zoneCache.offset;
  }

  /** { date: CYYDDD, time: HHMMSS } of the server's wall clock: what a written row is stamped with. */
  stamp(ms = this.now()) {
    const wall = new Date(ms + this.zoneOffset(ms));
    return {
      date: julianOf(wall.getUTCFullYear(), wall.getUTCMonth() + 1, wall.getUTCDate()),
      time: wall.getUTCHours() * 10000 + wall.getUTCMinutes() * 100 + wall.getUTCSeconds(),
    };
  }

  /** "2026-11-24:02.15.07", the form of timeStamp in answers */
  answerStamp() {
    const text = this.wallText();
    return `${text.slice(0, 10)}:${text.slice(11, 19).replaceAll(':', '.')}`;
  }

  /** "2026-11-24T02:15:07.123-0700", the form of jde__startTimestamp */
  longStamp() {
    return `${this.wallText()}${this.offsetText().replace(':', '')}`;
  }

  /** "-07:00" */
  offsetText(ms = this.now()) {
    return offsetName(this.zoneOffset(ms));
  }

  /** Offset without daylight saving: the smaller one of January and July. */
  standardOffset(ms = this.now()) {
    const year = new Date(ms).getUTCFullYear();
    return Math.min(this.zoneOffset(Date.UTC(year, 0, 1)), this.zoneOffset(Date.UTC(year, 6, 1)));
  }

  savesDaylight(ms = this.now()) {
    const year = new Date(ms).getUTCFullYear();
    return this.zoneOffset(Date.UTC(year, 0, 1)) !== this.zoneOffset(Date.UTC(year, 6, 1));
  }

  wallText(ms = this.now()) {
    return new Date(ms + this.zoneOffset(ms)).toISOString().slice(0, 23);
  }
}

export function offsetName(offset) {
  const minutes = Math.abs(offset) / MINUTE;
  const two = (number) => String(Math.floor(number)).padStart(2, '0');
  return `${offset < 0 ? '-' : '+'}${two(minutes / 60)}:${two(minutes % 60)}`;
}

/*
 * The simulator's clock: the machine's, shifted by an offset that tests set.
 * Everything with a date in it (modifiedon, token life, delta tokens, webhook
 * time stamps) asks here; only time-outs and delays run on the machine's clock.
 */

export class Clock {
  offsetMs = 0;

  now() {
    return Date.now() + this.offsetMs;
  }

  /** Dataverse keeps whole seconds. */
  stamp() {
    return secondsText(this.now());
  }

  set({ now, offsetMs }) {
    if (now !== undefined) {
      const wanted = Date.parse(now);
      if (Number.isNaN(wanted)) throw new Error(`not a date: ${now}`);
      this.offsetMs = wanted - Date.now();
    } else {
      this.offsetMs = Number(offsetMs ?? 0);
    }
  }
}

export function secondsText(ms) {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

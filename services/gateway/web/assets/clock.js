// How old what is shown is, by the server's clock: the viewer's own may be wrong.
// It knows no page and no connection.

// From these ages on a number is late, then stale: shown in grey, and never as
// if it were well.
export const LATE_MS = 5_000;
export const STALE_MS = 15_000;

export class Clock {
  // timers gives two readings of the local clock in ms: one that never jumps
  // but may stand still while a machine sleeps, and one that may jump.
  constructor(timers = { steady: () => performance.now(), wall: () => Date.now() }) {
    this.timers = timers;
    this.now = null;
    this.asOf = null;
  }

  // hear takes what the server says about time.
  hear(data) {
    const now = Date.parse(data.now);
    if (!Number.isFinite(now)) return;
    this.now = now;
    this.steadyAt = this.timers.steady();
    this.wallAt = this.timers.wall();
    const asOf = Date.parse(data.as_of);
    if (Number.isFinite(asOf)) this.asOf = asOf;
  }

  // server is what the server's clock shows now, in ms since 1970.
  server() {
    if (this.now === null) return this.timers.wall();
    return this.now + Math.max(0, this.timers.steady() - this.steadyAt, this.timers.wall() - this.wallAt);
  }

  // age is how far behind now the data is, in ms; null before any came.
  age() {
    return this.asOf === null ? null : Math.max(0, this.server() - this.asOf);
  }
}

// level says how an age is shown: none, fresh, late or stale.
export function level(age) {
  if (age === null) return 'none';
  if (age > STALE_MS) return 'stale';
  return age > LATE_MS ? 'late' : 'fresh';
}

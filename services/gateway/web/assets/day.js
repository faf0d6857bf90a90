// The day's arrivals and answers by quarter of an hour: history from the store,
// the quarter in progress from live totals. It knows no page and no connection.

export const QUARTER_MS = 15 * 60_000;

// Day holds one line of the chart: a count by quarter of an hour since midnight.
export class Day {
  constructor(from) {
    this.from = from;
    this.counts = new Map();
    this.base = null; // what the live total already held when nothing was known of earlier quarters
  }

  // history takes the rows of a query; they replace what was derived, but for
  // the quarter in progress, which live totals know better.
  history(rows, current) {
    for (const r of rows) {
      const at = Date.parse(r.time);
      if (at >= this.from && (at < current || !this.counts.has(at))) this.counts.set(at, Number(r.value) || 0);
    }
    this.base = 0;
  }

  // live takes the total since midnight; what earlier quarters do not hold of it
  // belongs to the one in progress.
  live(total, now) {
    const at = quarter(now);
    let before = 0;
    for (const [t, n] of this.counts) if (t < at) before += n;
    if (this.base === null) this.base = total - before;
    this.counts.set(at, Math.max(0, total - this.base - before));
  }

  // series are the counts of every quarter up to now; those without any are 0,
  // and null where nothing is known because history could not be had.
  series(now) {
    const known = this.base === 0 ? this.from : Math.min(...this.counts.keys(), Infinity);
    const out = [];
    for (let at = this.from; at <= now; at += QUARTER_MS) {
      out.push({ at, n: this.counts.get(at) ?? (at < known ? null : 0) });
    }
    return out;
  }
}

export function quarter(ms) { return Math.floor(ms / QUARTER_MS) * QUARTER_MS; }

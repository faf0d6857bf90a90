// What the server last said: the newest reading of each KPI, the promises still
// open, the incidents. It knows no page and no connection.

// A contact center has some hundred queues; a hundred thousand names are an
// attack or a mistake, and the page must stay usable.
const MAX_READINGS = 20_000;
const MAX_LISTED = 5_000;

export class Store {
  constructor() {
    this.clear();
  }

  clear() {
    this.readings = new Map();
    this.promises = new Map();
    this.incidents = new Map();
    this.names = new Set();
    this.zone = 'UTC';
    this.left = 0;
  }

  // apply takes one event of the live stream.
  apply(event, data) {
    if (event === 'snapshot') {
      this.clear();
      if (typeof data.zone === 'string' && isZone(data.zone)) this.zone = data.zone;
    }
    for (const r of list(data.readings)) this.read(r);
    for (const p of list(data.promises)) this.promise(p);
    for (const i of list(data.incidents)) this.incident(i);
  }

  read(r) {
    const scope = list(r.scope);
    // The board shows the whole center and single queues.
    if (scope.length > 1 || (scope.length === 1 && scope[0] !== 'queue')) return;
    const queue = scope.length === 0 ? null : String(r.dims?.queue ?? '');
    const key = keyOf(r.kpi, queue);
    if (!this.readings.has(key) && this.readings.size >= MAX_READINGS) {
      this.left++;
      return;
    }
    this.readings.set(key, r);
    if (queue !== null) this.names.add(queue);
  }

  // promise takes a deadline. Rules over a KPI are told as incidents.
  promise(p) {
    if (p.kind === 'threshold') return;
    const key = JSON.stringify([p.policy, p.item, p.episode]);
    this.promises.delete(key);
    if (!['met', 'met_late', 'withdrawn'].includes(p.state) && this.promises.size < MAX_LISTED) this.promises.set(key, p);
  }

  incident(i) {
    this.incidents.delete(i.key);
    if (i.state === 'firing' && !i.resolved_at && this.incidents.size < MAX_LISTED) this.incidents.set(i.key, i);
  }

  reading(kpi, queue = null) {
    return this.readings.get(keyOf(kpi, queue)) ?? null;
  }

  // numbers of a KPI over a window; null where nothing was said of it.
  numbers(kpi, queue, window) {
    return this.reading(kpi, queue)?.windows?.[window] ?? null;
  }

  // queues are the names seen, in the order of a language.
  queues(lang) {
    return [...this.names].sort(new Intl.Collator(lang, { numeric: true }).compare);
  }

  // listed are the open promises of a queue (null: of all), the most urgent first.
  listed(queue) {
    return [...this.promises.values()].filter((p) => of(p, queue)).sort((a, b) => due(a) - due(b));
  }

  firing(queue) {
    return [...this.incidents.values()].filter((i) => of(i, queue))
      .sort((a, b) => Date.parse(b.opened_at) - Date.parse(a.opened_at));
  }
}

function list(x) { return Array.isArray(x) ? x : []; }

function keyOf(kpi, queue) { return queue === null ? `${kpi}` : `${kpi}\u0000${queue}`; }

// of says whether something concerns a queue. What names no queue concerns all.
function of(x, queue) {
  const own = x.labels?.queue;
  return queue === null || own === undefined || own === queue;
}

function due(p) {
  const at = Date.parse(p.due_at ?? p.decided_at);
  return Number.isFinite(at) ? at : 0;
}

function isZone(name) {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

// A gateway of a few lines for the tests of the page: the same paths, the same
// JSON, and faults that a test switches on. Times are real, numbers are set.
import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { extname, join, normalize } from 'node:path';

import { midnight } from '../../services/gateway/web/assets/format.js';

const root = fileURLToPath(new URL('../../services/gateway/web/', import.meta.url));
const types = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript; charset=utf-8', '.css': 'text/css; charset=utf-8', '.svg': 'image/svg+xml', '.woff2': 'font/woff2' };
export const policy = "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'";

const kpi = (name, en, fa, unit, target, formula, more = {}) => ({
  name, title: { en, fa }, unit, formula, target, help: `${en}, as the tests have it.`, source: 'A source', owner: 'operations',
  level: 'operational', family: 'service', dimensions: ['queue', 'channel'], variants: [], ...more,
});
export const kpis = [
  kpi('service_level', 'Service level', 'سطح خدمت', 'ratio', { at_least: 0.8 }, 'answered within the threshold / offered', {
    variants: [{ name: 'genesys', formula: 'answered_in / (answered + abandoned - abandoned_short)', source: 'Genesys Cloud' }, { name: 'answered_qos', formula: 'answered_in / answered', source: 'Open-source PBX statistics' }],
  }),
  kpi('waiting', 'Waiting', 'در انتظار', 'count', null, 'queue segments that are open at an instant'),
  kpi('longest_waiting', 'Longest wait now', 'بلندترین انتظار اکنون', 's', null, 'oldest(waiting)'),
  kpi('abandonment_rate', 'Abandonment rate', 'نرخ رهاشدگی', 'ratio', { at_most: 0.05 }, 'abandoned / (abandoned + answered)'),
  kpi('asa', 'Average speed of answer', 'میانگین سرعت پاسخ', 's', { at_most: 20 }, 'wait of answered queue segments / answered'),
  kpi('offered', 'Offered', 'پیشنهادشده', 'count', null, 'queue segments that began'),
  kpi('answered', 'Answered', 'پاسخ‌داده‌شده', 'count', null, 'queue segments answered'),
  kpi('talking', 'Talking', 'در گفت‌وگو', 'count', null, 'agent segments', {
    variants: [{ name: 'held', formula: 'level(held)', source: 'A source' }, { name: 'wrapup', formula: 'level(wrapping)', source: 'A source' }],
  }),
];

const explained = {
  kpi: 'service_level', formula: 'answered_in / offered', from: '2026-11-22T19:58:00Z', to: '2026-11-22T20:13:00Z', total: 544,
  measures: [
    { name: 'offered', takes: ['outcome is not closed'], counted: 544, refused: 0, conditions: [] },
    { name: 'answered_in', takes: ['outcome is answered', 'wait ≤ 20000 ms'], counted: 428, refused: 116, conditions: [{ condition: 'outcome is answered', facts: 109 }, { condition: 'wait ≤ 20000 ms', facts: 7 }] },
    { name: 'abandoned', takes: ['outcome is abandoned'], counted: 9, refused: 535, conditions: [] },
  ],
  facts: [{
    item: 'contact/<b>c7</b>', opened_at: '2026-11-22T19:58:00.63Z', columns: { outcome: 'abandoned' },
    measures: [{ measure: 'offered', counted: true }, { measure: 'answered_in', counted: false, condition: 'outcome is answered', instead: 'abandoned' }],
    events: [{ topic: 'nabz.events.v1', partition: 6, offset: 145, type: 'contact.queued', time: '2026-11-22T19:58:00.63Z' }],
  }],
};

export class Fake {
  constructor() {
    this.readings = new Map();
    this.promises = new Map();
    this.incidents = new Map();
    this.ring = [];
    this.clients = new Set();
    this.sessions = new Set();
    this.resumed = []; // the Last-Event-ID of each connection
    this.seq = 0;
    this.zone = 'Asia/Tehran';
    this.behind = 300; // ms that the data lags
    this.mute = false; // history is not answered at all
    this.away = false; // the store is away: 503 on history
    this.closed = false; // live is refused
    this.history = { offered: [], answered: [] };
    this.server = createServer((q, r) => this.serve(q, r).catch((e) => { r.writeHead(500); r.end(String(e)); }));
  }

  async start(port = 0) {
    await new Promise((done) => this.server.listen(port, '127.0.0.1', done));
    this.url = `http://127.0.0.1:${this.server.address().port}`;
    return this;
  }

  stop() {
    this.silence();
    for (const c of this.clients) c.destroy();
    this.server.closeAllConnections();
    return new Promise((done) => this.server.close(done));
  }

  // beat sends the clock each second, as the gateway does.
  beat() { this.timer = setInterval(() => this.clock(), 1_000); }
  silence() { clearInterval(this.timer); }

  clock() { this.send('clock', { ...this.stamp(), age_ms: this.behind }, false); }
  stamp() {
    const now = Date.now();
    return { now: new Date(now).toISOString(), as_of: new Date(now - this.behind).toISOString() };
  }

  // set changes the windows of a KPI (of a queue, or of all).
  set(name, queue, windows) {
    const now = new Date(Date.now() - this.behind).toISOString();
    const from = (w) => new Date(w === 'today' ? this.midnight() : Date.now() - parseInt(w, 10) * 60_000).toISOString();
    const full = Object.fromEntries(Object.entries(windows).map(([w, n]) => [w, { from: from(w), ...n }]));
    const r = { kpi: name, scope: queue === null ? [] : ['queue'], dims: queue === null ? {} : { queue }, as_of: now, changed_at: now, windows: full };
    this.readings.set(`${name}|${queue}`, r);
    this.send('readings', { ...this.stamp(), readings: [r] });
  }

  promise(p) {
    this.promises.set(p.item, p);
    this.send('promises', { now: this.stamp().now, promises: [p] });
  }

  incident(i) {
    this.incidents.set(i.key, i);
    this.send('incidents', { now: this.stamp().now, incidents: [i] });
  }

  midnight() { return midnight(Date.now(), this.zone); }

  // cut ends every live connection; what is sent meanwhile is kept for a resume.
  cut() { for (const c of this.clients) c.destroy(); }

  send(event, data, kept = true) {
    const e = { id: `1-${++this.seq}`, event, data };
    if (kept) this.ring.push(e);
    for (const c of this.clients) this.write(c, e);
  }

  write(c, e) { c.write(`id: ${e.id}\nevent: ${e.event}\ndata: ${JSON.stringify(e.data)}\n\n`); }

  async serve(q, r) {
    const url = new URL(q.url, this.url);
    if (!url.pathname.startsWith('/v1/')) return this.file(url.pathname, r);
    if (url.pathname === '/v1/session') return this.session(q, r);
    if (![...this.sessions].some((s) => (q.headers.cookie ?? '').includes(s))) return this.problem(r, 401, 'Unauthorized');
    if (url.pathname === '/v1/live') return this.live(q, r);
    if (url.pathname === '/v1/kpis') return this.json(r, { kpis });
    const m = url.pathname.match(/^\/v1\/kpis\/(\w+)\/values$/);
    if (m && this.mute) return; // asked, and no answer ever
    if (m && this.away) return this.problem(r, 503, 'ClickHouse is away');
    if (m) {
      this.asked = url.search;
      return this.json(r, { kpi: m[1], grain: 'quarter_hour', unit: 'count', rows: this.history[m[1]] ?? [] });
    }
    const x = url.pathname.match(/^\/v1\/explain\/(\w+)$/);
    if (x && !this.away) {
      this.asked = url.search;
      return this.json(r, explained);
    }
    return this.problem(r, x ? 503 : 404, 'Not found');
  }

  async session(q, r) {
    if (q.method === 'DELETE') {
      this.sessions.clear();
      r.writeHead(204);
      return r.end();
    }
    let text = '';
    for await (const c of q) text += c;
    const body = JSON.parse(text);
    if (body.key !== 'right' && body.ticket !== 'good') return this.problem(r, 401, 'Unauthorized');
    const s = `nabz_session=s${this.sessions.size + 1}x`;
    this.sessions.add(s);
    r.writeHead(204, { 'Set-Cookie': `${s}; HttpOnly; SameSite=Strict; Path=/` });
    r.end();
  }

  // hold keeps those who come to listen waiting until they are let in.
  hold() { this.gate = new Promise((done) => { this.release = done; }); }

  async live(q, r) {
    await this.gate;
    if (this.closed) return this.problem(r, 503, 'Closed');
    const last = q.headers['last-event-id'] ?? null;
    this.resumed.push(last);
    r.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache' });
    r.write('retry: 500\n\n');
    q.on('close', () => this.clients.delete(r));
    if (last === null) {
      this.write(r, { id: `1-${this.seq}`, event: 'snapshot', data: { ...this.stamp(), zone: this.zone, readings: [...this.readings.values()], promises: [...this.promises.values()], incidents: [...this.incidents.values()] } });
    } else {
      const seq = Number(last.split('-')[1]);
      for (const e of this.ring) if (Number(e.id.split('-')[1]) > seq) this.write(r, e);
      this.write(r, { id: `1-${this.seq}`, event: 'clock', data: { ...this.stamp(), age_ms: this.behind } });
    }
    this.clients.add(r);
  }

  async file(path, r) {
    const name = normalize(path === '/' ? '/index.html' : path);
    try {
      const body = await readFile(join(root, name));
      r.writeHead(200, { 'Content-Type': types[extname(name)] ?? 'application/octet-stream', 'Content-Security-Policy': policy, 'X-Content-Type-Options': 'nosniff', 'Referrer-Policy': 'no-referrer' });
      r.end(body);
    } catch {
      this.problem(r, 404, 'Not found');
    }
  }

  json(r, body) {
    r.writeHead(200, { 'Content-Type': 'application/json' });
    r.end(JSON.stringify(body));
  }

  problem(r, status, title) {
    r.writeHead(status, { 'Content-Type': 'application/problem+json' });
    r.end(JSON.stringify({ type: 'about:blank', title, status }));
  }
}

// center fills a fake with a plausible hour of a small contact center.
export function center(fake) {
  const all = (n) => Object.fromEntries(['5m', '15m', '60m', 'today'].map((w, i) => [w, typeof n === 'function' ? n(i) : n]));
  const share = (k, d) => ({ value: k / d, numerator: k, denominator: d, count: d });
  for (const [queue, k] of [[null, 1], ['sales', 0.5], ['support', 0.3], ['billing', 0.2]]) {
    const n = (x) => Math.max(1, Math.round(x * k));
    fake.set('service_level', queue, all((i) => ({ ...share(n([38, 107, 431, 3120][i]), n([45, 130, 540, 3804][i])), genesys: 0.841, answered_qos: 0.902 })));
    fake.set('abandonment_rate', queue, all((i) => share(n([2, 9, 24, 150][i]), n([44, 128, 530, 3760][i]))));
    fake.set('asa', queue, all((i) => ({ value: [14.2, 16.84, 21.4, 18.2][i], numerator: n(1996), denominator: n([42, 119, 506, 3610][i]), count: n(119) })));
    fake.set('waiting', queue, all({ value: n(7), count: n(7) }));
    fake.set('longest_waiting', queue, all({ value: 74, since: new Date(Date.now() - 74_000).toISOString() }));
    fake.set('offered', queue, all((i) => ({ value: n([45, 130, 540, 3804][i]) })));
    fake.set('answered', queue, all((i) => ({ value: n([42, 119, 506, 3610][i]) })));
    fake.set('talking', queue, all({ value: n(18), held: n(3), wrapup: n(6) }));
  }
  const due = (s) => new Date(Date.now() + s * 1000).toISOString();
  const p = (item, queue, state, s, more = {}) => fake.promise({ policy: 'queue_wait', kind: 'deadline', item, labels: { queue, channel: 'voice' }, severity: 'page', state, stage: 'settled', uncertain: false, quiet: false, due_at: due(s), decided_at: due(0), target_s: 60, value: null, bound: null, episode: due(s - 60), ...more });
  p('c-80412', 'sales', 'breached', -14);
  p('c-80431', 'billing', 'breached', -3, { stage: 'provisional' });
  p('c-80444', 'support', 'at_risk', 9);
  p('c-80450', 'sales', 'at_risk', 21);
  p('c-80452', 'sales', 'at_risk', 28, { uncertain: true });
  fake.incident({ key: 'k1', rule: 'queue_wait', severity: 'page', labels: { queue: 'sales' }, summary: { en: 'A contact has waited longer than 60 s', fa: 'تماسی بیش از ۶۰ ثانیه منتظر مانده است' }, opened_at: due(-95), resolved_at: null, state: 'firing', value: null, bound: 60, due_at: due(-97) });
  fake.incident({ key: 'k2', rule: 'abandonment', severity: 'ticket', labels: { queue: 'billing' }, summary: { en: 'Abandonment above 5%', fa: 'رهاشدگی بیش از ۵٪' }, opened_at: due(-700), resolved_at: null, state: 'firing', value: 0.07, bound: 0.05, due_at: null });
  day(fake);
}

// day gives every queue a history that adds up to its live totals: a center
// that opens in the morning and is half through its afternoon.
function day(fake) {
  const quarter = 900_000, from = fake.midnight(), now = Date.now();
  const weight = (t) => { const h = (t - from) / 3_600_000; return 0.03 + Math.exp(-((h - 10.5) ** 2) / 9) + 0.8 * Math.exp(-((h - 16) ** 2) / 12); };
  for (const [name, share] of [['offered', 1], ['answered', 0.94]]) {
    const rows = [];
    let sum = 0;
    for (let t = from, i = 0; t < now; t += quarter, i++) {
      const value = Math.round(100 * weight(t) * (1 + 0.12 * Math.sin(i * 2.3)) * (share - (share < 1 ? 0.06 * Math.abs(Math.sin(i)) : 0)));
      rows.push({ time: new Date(t).toISOString(), value });
      sum += value;
    }
    fake.history[name] = rows;
    const windows = fake.readings.get(`${name}|null`).windows;
    fake.set(name, null, { ...windows, today: { value: sum } });
  }
}

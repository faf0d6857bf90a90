// The day as a chart, and the same numbers as a table for whoever cannot or will
// not read a chart. Time runs from left to right in every language.

import { Day, QUARTER_MS, quarter } from './day.js';
import { el, mark, put } from './dom.js';
import { midnight } from './format.js';
import { frame } from './tiles.js';

// History changes by late events only; the quarter in progress comes live.
const REFRESH_MS = 60_000;
// While the store is away it is asked more often.
const RETRY_MS = 5_000;

const HOUR_MS = 3_600_000;
const SHORTEST_MS = 6 * HOUR_MS;

const lines = [['arrivals', 'offered'], ['answered', 'answered']];

// dayTile shows arrivals against answers; values(kpi, from, queue) asks for history.
export function dayTile(id, values, explain) {
  const canvas = el('div', { class: 'canvas', dir: 'ltr', role: 'img' });
  const table = el('div', { class: 'sheet', hidden: true, tabindex: '0' });
  const toggle = el('button', { type: 'button', class: 'quiet toggle', 'aria-pressed': 'false', 'aria-controls': 'sheet' });
  table.id = 'sheet';
  const legend = el('p', { class: 'legend' });
  const help = el('p', { class: 'help' });
  const note = el('p', { class: 'note', hidden: true });
  const t = frame(id, explain, el('div', { class: 'over' }, legend, help, toggle), note, canvas, table);
  const tile = new DayChart({ t, canvas, table, toggle, legend, help, note, values });
  toggle.addEventListener('click', () => tile.toggle_());
  return tile;
}

// open is the part of the day to show: from the hour of the first arrival until
// an hour after now, and no less than a quarter of a day.
function open(series, from, until, now) {
  const first = Math.min(...series.map((s) => s.find((q) => q.n > 0)?.at ?? now));
  const begun = from + Math.floor((first - from) / HOUR_MS) * HOUR_MS;
  const end = Math.min(until, Math.max(from + (Math.floor((now - from) / HOUR_MS) + 2) * HOUR_MS, begun + SHORTEST_MS));
  return [Math.max(from, Math.min(begun, end - SHORTEST_MS)), end];
}

class DayChart {
  constructor(parts) {
    Object.assign(this, parts);
    this.node = this.t.node;
    this.days = null;
    this.key = '';
    this.drawn = '';
    this.asked = 0;
    this.away = false;
    this.plot = null;
    new ResizeObserver(() => this.fit()).observe(this.canvas);
  }

  update(view) {
    this.view = view;
    const now = view.clock.asOf;
    this.t.name(view, view.words('day'));
    this.t.dated(view, 'plain');
    if (this.drawn === '') mark(this.canvas, 'aria-label', view.words('day')); // nothing is known yet
    put(this.help, view.words('dayHelp', { zone: view.store.zone }));
    put(this.toggle, view.words(this.table.hidden ? 'asTable' : 'asChart'));
    if (now === null) return;
    this.begin(view, now);
    for (const [, kpi] of lines) {
      const total = view.store.numbers(kpi, view.queue, 'today');
      if (total) this.days.get(kpi).live(total.value ?? 0, now);
    }
    if (now - this.asked >= (this.away ? RETRY_MS : REFRESH_MS)) this.ask(now);
    put(this.note, this.away ? view.words(this.had ? 'historyAway' : 'noHistory') : '');
    this.note.hidden = !this.away;
    // Until history has answered, one way or the other, nothing is known.
    if (this.had || this.away) this.draw(view, now);
  }

  // begin starts anew when the day, the zone or the queue is another.
  begin(view, now) {
    if (this.zone !== view.store.zone || now >= this.until || now < this.from) {
      this.zone = view.store.zone;
      this.from = midnight(now, this.zone);
      this.until = midnight(this.from + 36 * 3_600_000, this.zone);
    }
    const key = JSON.stringify([this.from, view.queue]);
    if (key === this.key) return;
    this.key = key;
    this.days = new Map(lines.map(([, kpi]) => [kpi, new Day(this.from)]));
    this.asked = 0;
    this.had = this.away = false;
    // Another queue's day under this one's name would be a lie.
    this.plot?.destroy();
    this.plot = null;
    this.drawn = '';
    this.canvas.replaceChildren();
    this.table.replaceChildren();
    put(this.t.parts, '');
  }

  async ask(now) {
    this.asked = now;
    const key = this.key, { queue } = this.view;
    const known = lines.filter(([, kpi]) => this.view.kpis.has(kpi));
    const answers = await Promise.all(known.map(([, kpi]) => this.values(kpi, this.from, queue)));
    if (key !== this.key) return; // another queue was chosen meanwhile
    this.away = answers.includes(null);
    if (this.away) return;
    this.had = true;
    known.forEach(([, kpi], i) => this.days.get(kpi).history(answers[i], quarter(this.view.clock.asOf ?? now)));
  }

  draw(view, now) {
    const all = lines.map(([, kpi]) => this.days.get(kpi).series(now));
    this.span = open(all, this.from, this.until, now);
    const series = all.map((s) => s.filter((q) => q.at >= this.span[0]));
    const say = JSON.stringify([series, view.lang, view.theme, this.table.hidden, view.store.zone]);
    if (say === this.drawn) return;
    this.drawn = say;
    this.legends(view);
    const sums = series.map((s) => view.formats.whole.format(s.reduce((a, q) => a + (q.n ?? 0), 0)));
    mark(this.canvas, 'aria-label', view.words('chartSays', { offered: sums[0], answered: sums[1] }));
    put(this.t.parts, view.words('dayParts', { n: sums[1], d: sums[0] }));
    if (!this.table.hidden) this.tabulate(view, series);
    this.plotted(view, series);
  }

  legends(view) {
    this.legend.replaceChildren(...lines.map(([word]) =>
      el('span', { class: 'line' }, el('span', { class: `dash dash-${word}`, 'aria-hidden': 'true' }), el('span', { text: view.words(word) }))));
  }

  tabulate(view, series) {
    mark(this.table, 'aria-label', view.words('day'));
    const head = el('tr', {}, el('th', { scope: 'col', text: view.words('time') }), ...lines.map(([word]) => el('th', { scope: 'col', text: view.words(word) })));
    const body = series[0].map((q, i) => el('tr', {}, el('th', { scope: 'row', text: view.formats.minute(q.at) }),
      ...series.map((s) => el('td', { text: s[i].n === null ? view.words('nothing') : view.formats.whole.format(s[i].n) }))));
    this.table.replaceChildren(el('table', {}, el('caption', { class: 'unseen', text: view.words('day') }), el('thead', {}, head), el('tbody', {}, ...body.reverse())));
  }

  plotted(view, series) {
    // The step of a quarter ends where the next begins.
    const times = series[0].map((q) => q.at / 1000);
    const last = times.at(-1) + QUARTER_MS / 1000;
    const data = [[...times, last], ...series.map((s) => [...s.map((q) => q.n), s.at(-1).n])];
    const look = JSON.stringify([view.lang, view.theme, view.store.zone, this.from]);
    if (this.plot && this.look === look) return this.plot.setData(data);
    this.plot?.destroy();
    this.look = look;
    this.canvas.replaceChildren();
    this.plot = new globalThis.uPlot(this.options(view), data, this.canvas);
  }

  options(view) {
    const css = getComputedStyle(this.node);
    const color = (name) => css.getPropertyValue(name).trim();
    const size = parseFloat(css.fontSize) * 0.85;
    const axis = {
      stroke: color('--muted'), font: `${size}px ${css.fontFamily}`,
      grid: { stroke: color('--line'), width: 1 }, ticks: { show: false }, gap: 6,
    };
    const stepped = globalThis.uPlot.paths.stepped({ align: 1 });
    return {
      ...this.box(),
      tzDate: (s) => globalThis.uPlot.tzDate(new Date(s * 1000), this.zone),
      legend: { show: false },
      cursor: { show: false },
      padding: [8, size * 1.8, 0, 0],
      scales: { x: { range: () => this.span.map((ms) => ms / 1000) }, y: { range: (_, __, max) => [0, Math.max(4, max * 1.1)] } },
      axes: [
        { ...axis, size: size * 2.2, space: size * 5, values: (_, at) => at.map((s) => view.formats.minute(s * 1000)) },
        { ...axis, size: size * 3.4, values: (_, at) => at.map((n) => (Number.isInteger(n) ? view.formats.whole.format(n) : '')) },
      ],
      series: [{},
        { stroke: color('--arrivals'), width: 2.5, fill: color('--arrivals-fill'), paths: stepped, points: { show: false } },
        { stroke: color('--answered'), width: 2.5, dash: [7, 4], paths: stepped, points: { show: false } },
      ],
    };
  }

  box() {
    const r = this.canvas.getBoundingClientRect();
    return { width: Math.max(120, Math.floor(r.width)), height: Math.max(90, Math.floor(r.height)) };
  }

  fit() {
    if (this.plot && !this.canvas.hidden) this.plot.setSize(this.box());
  }

  toggle_() {
    this.table.hidden = !this.table.hidden;
    this.canvas.hidden = !this.table.hidden;
    mark(this.toggle, 'aria-pressed', String(!this.table.hidden));
    this.drawn = '';
    this.update(this.view);
    this.fit();
  }
}

// The explanation of a number, one click away: its definition, what it is made
// of, over which window, how old, and the way to the facts behind it.

import { el, icon } from './dom.js';
import { facts } from './facts.js';
import { targetText } from './tiles.js';

// Figures of a window that are no variants of the KPI.
const figures = ['value', 'numerator', 'denominator', 'count', 'mean', 'p50', 'p90', 'p95', 'p99', 'max'];
const windows = ['5m', '15m', '60m', 'today'];

// open shows the dialog for a KPI, or for a tile that has none of its own
// ({name, help}). It closes with Escape, and the focus goes back by itself.
export function open(view, { kpi, name, help, ask, link }) {
  document.querySelector('dialog.explain')?.remove();
  const d = view.kpis.get(kpi);
  const title = name ?? view.title(kpi);
  const close = el('button', { type: 'button', class: 'info', 'aria-label': view.words('close'), title: view.words('close') }, icon('close'));
  const dialog = el('dialog', { class: 'explain', 'aria-labelledby': 'explain-title' },
    el('div', { class: 'head' }, el('h2', { id: 'explain-title', text: title }), close),
    help || d ? el('p', { class: 'lead', dir: 'auto', text: help ?? d.help }) : null,
    ...(d ? [definition(view, d), made(view, kpi, d), overWindows(view, kpi, d), variants(view, kpi, d)] : []),
    d ? el('p', { class: 'small', text: view.words('rounding') }) : null,
    link && d ? facts(view, ask, link) : null);
  close.addEventListener('click', () => dialog.close());
  // A click beside the dialog falls on the dialog itself.
  dialog.addEventListener('click', (e) => { if (e.target === dialog) dialog.close(); });
  dialog.addEventListener('close', () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

function pairs(entries) {
  return el('dl', {}, ...entries.filter(([, v]) => v !== null && v !== undefined && v !== '')
    .map(([k, v]) => el('div', {}, el('dt', { text: k }), el('dd', {}, v instanceof Node ? v : el('bdi', { text: String(v) })))));
}

function definition(view, d) {
  return pairs([
    [view.words('formula'), el('code', { dir: 'ltr', text: d.formula })],
    [view.words('source'), d.source],
    [view.words('unit'), view.words(`unit${d.unit}`)],
    [view.words('target'), targetText(view, d)],
    [view.words('owner'), d.owner],
  ]);
}

function made(view, kpi, d) {
  const n = view.numbers(kpi), r = view.reading(kpi);
  const say = (x, unit) => { const q = view.formats.quantity(x, unit, d.target); return `${q.text} ${q.unit}`.trim(); };
  const parts = d.unit === 'ratio' ? 'count' : d.unit;
  const at = (ms) => `${view.formats.date(ms)} ${view.formats.second(ms)}`;
  return el('section', {}, el('h3', { text: view.words(`last${view.window}`) }), pairs([
    [view.words('scope'), view.queue ?? view.words('allQueues')],
    [view.words('value'), say(n?.value, d.unit)],
    [view.words('numerator'), n?.numerator == null ? null : say(n.numerator, parts)],
    [view.words('denominator'), n?.denominator == null ? null : say(n.denominator, 'count')],
    [view.words('count'), n?.count == null ? null : say(n.count, 'count')],
    [view.words('from'), n?.from ? at(Date.parse(n.from)) : null],
    [view.words('until'), view.clock.asOf === null ? null : at(view.clock.asOf)],
    [view.words('age'), view.age()],
    [view.words('changed'), r?.changed_at ? at(Date.parse(r.changed_at)) : null],
  ]));
}

function overWindows(view, kpi, d) {
  const all = view.reading(kpi)?.windows ?? {};
  const shown = windows.filter((w) => all[w]);
  if (shown.length === 0) return null;
  const told = figures.filter((f) => shown.some((w) => all[w][f] !== null && all[w][f] !== undefined));
  const unit = (f) => (['numerator', 'denominator', 'count'].includes(f) ? (f === 'numerator' && d.unit === 's' ? 's' : 'count') : d.unit);
  const cell = (x, u) => { const q = view.formats.quantity(x, u, d.target); return `${q.text} ${q.unit}`.trim(); };
  return el('section', {}, el('h3', { text: view.words('windows') }), el('div', { class: 'scroll', tabindex: '0', role: 'group', 'aria-label': view.words('windows') }, el('table', {},
    el('thead', {}, el('tr', {}, el('th', { scope: 'col', text: view.words('window') }), ...told.map((f) => el('th', { scope: 'col', text: view.words(f) })))),
    el('tbody', {}, ...shown.map((w) => el('tr', {}, el('th', { scope: 'row', text: view.words(`window${w}`) }),
      ...told.map((f) => el('td', {}, el('bdi', { text: cell(all[w][f], unit(f)) })))))))));
}

function variants(view, kpi, d) {
  if (!d.variants?.length) return null;
  const n = view.numbers(kpi) ?? {};
  const say = (x) => { const q = view.formats.quantity(x, d.unit, d.target); return `${q.text} ${q.unit}`.trim(); };
  return el('section', {}, el('h3', { text: view.words('others') }), el('ul', { class: 'variants' }, ...d.variants.map((v) => el('li', {},
    el('div', { class: 'pair' }, el('code', { dir: 'ltr', text: v.name }), el('bdi', { class: 'number', text: say(Object.hasOwn(n, v.name) ? n[v.name] : null) })),
    el('div', { class: 'small' }, el('code', { dir: 'ltr', text: v.formula })),
    el('div', { class: 'small', dir: 'auto', text: v.source })))));
}

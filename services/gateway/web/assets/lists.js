// The lists: deadlines that are broken or soon will be, with countdowns, and
// open incidents. Whatever names stand in them come from outside: text only.

import { el, icon, mark, put, redraw } from './dom.js';
import { frame } from './tiles.js';

// More rows than these nobody reads from afar, and a kiosk has no room for more;
// the heading counts them all.
const DEADLINES = { kiosk: 6, page: 6 };
const INCIDENTS = { kiosk: 2, page: 3 };

// rows keeps a fixed number of list items and shows as many as there are.
function rows(room) {
  const items = Array.from({ length: Math.max(room.kiosk, room.page) }, row);
  const list = el('ul', { class: 'rows' }, ...items.map((i) => i.node));
  const none = el('p', { class: 'none' });
  return {
    nodes: [list, none],
    show(view, entries, draw, empty, foot) {
      const shown = Math.min(entries.length, view.settings.kiosk ? room.kiosk : room.page);
      items.forEach((item, i) => {
        item.node.hidden = i >= shown;
        if (i < shown) draw(item, entries[i]);
      });
      list.hidden = shown === 0;
      put(none, empty);
      none.hidden = shown > 0;
      put(foot, entries.length > shown ? view.words('more', { n: view.formats.whole.format(entries.length - shown) }) : '');
    },
  };
}

function row() {
  const sign = icon('plain'), name = el('bdi'), detail = el('a', { class: 'detail', dir: 'auto', target: '_blank', rel: 'noopener' });
  const state = el('span', { class: 'state' }), time = el('span', { class: 'time' });
  const node = el('li', { class: 'row' }, sign, el('div', { class: 'what' }, el('div', { class: 'name' }, name), el('div', { class: 'notes' }, state, detail)), time);
  return { node, sign, name, detail, state, time };
}

// deadlinesTile lists open promises, the most overdue first.
export function deadlinesTile(id, announce, explain) {
  const all = rows(DEADLINES);
  const t = frame(id, explain, ...all.nodes);
  return {
    node: t.node,
    update(view) {
      t.name(view, view.words('deadlines'));
      const entries = view.store.listed(view.queue);
      const breached = entries.filter((p) => p.state === 'breached').length;
      const level = t.dated(view, breached > 0 ? 'missed' : 'plain');
      const whole = (n) => view.formats.whole.format(n);
      put(t.count, view.words('deadlinesCount', { breached: whole(breached), risk: whole(entries.filter((p) => p.state === 'at_risk').length) }));
      all.show(view, entries, (r, p) => drawPromise(view, r, p, level), view.words('noDeadlines'), t.parts);
      announce(view, 'deadlines', level === 'fresh' ? breached : null);
    },
  };
}

function drawPromise(view, r, p, level) {
  put(r.name, labelsOf(p.labels) || String(p.item ?? ''));
  put(r.detail, String(p.item ?? ''));
  mark(r.detail, 'href', view.settings.kiosk || !p.item ? null : view.itemAddress(String(p.item)));
  const known = p.state === 'breached' ? 'breached' : 'at_risk';
  const notes = [view.words(known)];
  if (p.stage === 'provisional') notes.push(view.words('provisional'));
  if (p.uncertain) notes.push(view.words('uncertain'));
  if (p.quiet) notes.push(view.words('quiet'));
  put(r.state, notes.join(' · '));
  redraw(r.sign, known);
  mark(r.node, 'data-state', known);
  put(r.time, countdown(view, p, level));
}

function countdown(view, p, level) {
  const due = Date.parse(p.due_at);
  if (!Number.isFinite(due)) return view.words('nothing');
  const left = due - (level === 'stale' ? view.clock.asOf : view.clock.server());
  const say = (ms) => { const q = view.formats.ticking(ms); return `${q.text} ${q.unit}`; };
  // A second that has begun counts: "in 0 s" is never shown before the time.
  if (left > 0) return view.words('dueIn', { span: say(left + 999) });
  // Whether it was broken is for the server to say.
  return p.state === 'at_risk' ? view.words('dueNow') : view.words('overdue', { span: say(-left) });
}

function labelsOf(labels) {
  return Object.values(labels ?? {}).map(String).filter((v) => v !== '').join(' · ');
}

// incidentsTile lists what people were told of and is not over.
export function incidentsTile(id, explain) {
  const all = rows(INCIDENTS);
  const t = frame(id, explain, ...all.nodes);
  return {
    node: t.node,
    update(view) {
      t.name(view, view.words('incidents'));
      const entries = view.store.firing(view.queue);
      const level = t.dated(view, entries.length > 0 ? 'missed' : 'plain');
      put(t.count, view.words('incidentsCount', { n: view.formats.whole.format(entries.length) }));
      all.show(view, entries, (r, i) => drawIncident(view, r, i, level), view.words('noIncidents'), t.parts);
    },
  };
}

function drawIncident(view, r, i, level) {
  put(r.name, view.said(i.summary) || String(i.rule ?? ''));
  put(r.detail, labelsOf(i.labels));
  const page = i.severity === 'page';
  put(r.state, view.words(page ? 'page' : 'ticket'));
  redraw(r.sign, page ? 'bell' : 'info');
  mark(r.node, 'data-state', page ? 'breached' : 'at_risk');
  const until = level === 'stale' ? view.clock.asOf : view.clock.server();
  const q = view.formats.ticking(until - Date.parse(i.opened_at));
  put(r.time, view.words('openFor', { span: `${q.text} ${q.unit}` }));
}

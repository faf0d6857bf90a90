// The tiles: one number each, with its unit, its target, the age of its data,
// and the way to its explanation. Each tile has a node and update(view), where
// view says what is shown: see board.js.

import { el, icon, mark, put, redraw } from './dom.js';
import { good, state, trend } from './verdict.js';

// frame is what all tiles share: a heading, the button to the explanation, a
// body, and a foot with the parts of the number and the age of its data.
export function frame(id, explain, ...body) {
  const count = el('p', { class: 'count' });
  const title = el('h2', { id: `title-${id}`, class: 'title' });
  const button = el('button', { type: 'button', class: 'info', id: `explain-${id}`, on: { click: () => explain(id) } }, icon('info'));
  const parts = el('bdi', { class: 'parts' });
  const age = el('span', { class: 'age' });
  const node = el('section', { class: `tile tile-${id}`, 'aria-labelledby': `title-${id}` },
    el('div', { class: 'head' }, title, count, button), ...body, el('div', { class: 'foot' }, parts, age));
  return {
    node, parts, count,
    name(view, text) {
      put(title, text);
      mark(button, 'aria-label', view.words('explain', { name: text }));
      mark(button, 'title', view.words('explain', { name: text }));
    },
    // dated writes the age of the data and greys what is stale. A tile's state
    // shows only while its data can be relied on.
    dated(view, what) {
      const level = view.level();
      put(age, view.age());
      mark(node, 'data-level', level);
      mark(node, 'data-state', level === 'stale' ? 'stale' : what);
      return level;
    },
  };
}

function figure() {
  const number = el('bdi', { class: 'number' });
  const unit = el('span', { class: 'unit' });
  const node = el('p', { class: 'figure' }, number, ' ', unit);
  return {
    node,
    show(q, word = '') {
      put(number, q.text);
      put(unit, q.unit || word);
      mark(node, 'data-long', q.text.length > 5 ? 'yes' : null);
    },
  };
}

function sign(className) {
  const i = icon('plain'), text = el('span');
  const node = el('p', { class: className }, i, text);
  return {
    node,
    show(name, words) {
      redraw(i, name);
      put(text, words);
      node.hidden = words === '';
    },
  };
}

// kpiTile shows the headline of a KPI over the chosen window. With bar, a share
// is drawn from 0 to 1 with a mark at its target.
export function kpiTile(id, { kpi, word, bar, announce }, explain) {
  const f = figure(), verdict = sign('verdict'), way = sign('trend');
  const fill = el('div', { class: 'fill' }), tick = el('div', { class: 'tick' });
  const meter = el('div', { class: 'bar', role: 'meter', 'aria-valuemin': '0', 'aria-valuemax': '100', 'aria-labelledby': `title-${id}` }, fill, tick);
  const t = frame(id, explain, f.node, bar ? meter : null, verdict.node, way.node);
  return {
    node: t.node,
    kpi,
    update(view) {
      const d = view.kpis.get(kpi);
      t.name(view, view.title(kpi));
      if (!d) return absent(view, t, f, verdict, way, 'notServed');
      const numbers = view.numbers(kpi);
      const value = numbers?.value ?? null;
      const is = numbers === null ? 'nodata' : state(value, d.target);
      const level = t.dated(view, is);
      f.show(view.formats.quantity(value, d.unit, d.target), word && value !== null ? view.words(word) : '');
      if (bar) drawBar(view, { meter, fill, tick }, value, d);
      showVerdict(view, verdict, level, is, d);
      showTrend(view, way, level, trend(view.reading(kpi)?.windows, view.window, d.unit), d);
      put(t.parts, partsOf(view, numbers, d));
      announce(view, kpi, level === 'fresh' ? is : null);
    },
  };
}

function absent(view, t, f, verdict, way, why) {
  t.dated(view, 'nodata');
  f.show(view.formats.quantity(null));
  verdict.show('nodata', view.words(why));
  way?.show('plain', '');
  put(t.parts, '');
}

function drawBar(view, { meter, fill, tick }, value, d) {
  const share = Math.min(1, Math.max(0, value ?? 0));
  const goal = d.target?.at_least ?? d.target?.at_most;
  // Through the object model: the policy allows no style in markup.
  fill.style.setProperty('inline-size', `${(share * 100).toFixed(2)}%`);
  tick.hidden = goal === undefined;
  if (goal !== undefined) tick.style.setProperty('inset-inline-start', `${goal * 100}%`);
  const q = view.formats.quantity(value, d.unit, d.target);
  mark(meter, 'aria-valuenow', (share * 100).toFixed(1));
  mark(meter, 'aria-valuetext', q.text + q.unit);
}

function showVerdict(view, verdict, level, is, d) {
  if (level === 'stale') return verdict.show('nodata', view.words('stateStale'));
  const goal = targetText(view, d);
  const word = is === 'plain' ? '' : view.words(is);
  verdict.show(is, d.target ? `${word} · ${goal}` : word);
}

// targetText says a target in words: at least 80%.
export function targetText(view, d) {
  if (!d.target) return view.words('noTarget');
  const [key, bound] = d.target.at_least !== undefined ? ['atLeast', d.target.at_least] : ['atMost', d.target.at_most];
  const q = d.unit === 'ratio' ? view.formats.percent(bound) : view.formats.quantity(bound, d.unit);
  const tidy = q.text.replace(/([.٫][0۰])$/, '');
  return view.words(key, { n: d.unit === 'ratio' ? tidy + q.unit : `${tidy} ${q.unit}` });
}

function showTrend(view, way, level, change, d) {
  if (!change || level === 'stale' || d.unit === 'count') return way.show('plain', '');
  const windows = { short: view.words(`window${change.short}`), long: view.words(`window${change.long}`) };
  const welcome = good(change.way, d.target);
  mark(way.node, 'data-good', welcome === null ? null : welcome ? 'yes' : 'no');
  const q = view.formats.quantity(Math.abs(change.change), d.unit);
  const by = d.unit === 'ratio' ? view.formats.points(change.change) : `${q.text} ${q.unit}`;
  way.show(change.way, view.words(change.way, { change: by, ...windows }));
}

// partsOf writes what a number is made of.
export function partsOf(view, numbers, d) {
  if (!numbers || numbers.denominator === null || numbers.denominator === undefined) return '';
  const whole = (n) => view.formats.whole.format(n);
  if (d.unit === 'ratio') return view.words('partsOf', { n: whole(numbers.numerator ?? 0), d: whole(numbers.denominator) });
  return view.words('samples', { n: whole(numbers.denominator) });
}

// longestTile counts up from the instant at which the longest waiting contact
// entered, without events; once the data is stale it stands still.
export function longestTile(id, explain) {
  const f = figure(), verdict = sign('verdict');
  const t = frame(id, explain, f.node, verdict.node);
  return {
    node: t.node,
    update(view) {
      t.name(view, view.words('longest'));
      const found = view.oldest();
      if (!found) return absent(view, t, f, verdict, null, 'notServed');
      if (view.level() === 'none') return absent(view, t, f, verdict, null, 'nodata');
      const level = t.dated(view, 'plain');
      const until = level === 'stale' ? view.clock.asOf : view.clock.server();
      f.show(view.formats.ticking(found.since === null ? 0 : until - found.since));
      if (level === 'stale') verdict.show('nodata', view.words('stateStale'));
      else if (found.since === null) verdict.show('met', view.words('nobodyWaits'));
      else verdict.show('clock', view.words('longestSince', { time: view.formats.second(found.since) }));
      put(t.parts, '');
    },
  };
}

// agentsTile shows how many segments of agents are open, by state: a sign, a
// word and a number each, and a bar of their shares.
export function agentsTile(id, states, explain) {
  const rows = states.map((s) => {
    const number = el('bdi', { class: 'number' }), name = el('span', { class: 'name' }), part = el('div', { class: `part part-${s.id}` });
    return { ...s, number, name, part, row: el('li', { class: `agent agent-${s.id}` }, icon(s.id), name, number) };
  });
  const note = sign('verdict');
  const bar = el('div', { class: 'shares', 'aria-hidden': 'true' }, ...rows.map((r) => r.part));
  const t = frame(id, explain, el('ul', { class: 'agents' }, ...rows.map((r) => r.row)), bar, note.node);
  return {
    node: t.node,
    update(view) {
      t.name(view, view.words('agents'));
      const shown = rows.filter((r) => view.kpis.has(r.kpi));
      const level = t.dated(view, shown.length ? 'plain' : 'nodata');
      for (const r of rows) {
        const value = view.numbers(r.kpi)?.[r.field] ?? null;
        r.row.hidden = !shown.includes(r);
        put(r.name, view.words(r.id));
        put(r.number, view.formats.quantity(value, 'count').text);
        r.part.style.setProperty('flex-grow', String(Math.max(0, value ?? 0)));
      }
      if (shown.length === 0) note.show('nodata', view.words('notServed'));
      else note.show('nodata', level === 'stale' ? view.words('stateStale') : '');
      put(t.parts, shown.length ? view.words('items') : '');
    },
  };
}

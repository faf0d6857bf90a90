// What is behind a number: what each measure of its formula took and refused, and
// some of the contacts, with the place of each of their events in the log.

import { el } from './dom.js';

// A person reads a handful; all of them are counted.
const LISTED = 5;

// facts is a button that asks ask(limit) and then gives way to the answer.
export function facts(view, ask, link) {
  const note = el('p', { class: 'small', role: 'status' });
  const place = el('section', {}, note);
  const button = el('button', { type: 'button', class: 'quiet', text: view.words('showFacts') });
  button.addEventListener('click', async () => {
    button.disabled = true;
    note.textContent = view.words('counting');
    const cell = await ask(LISTED);
    button.disabled = false;
    note.textContent = cell === null ? view.words('factsAway') : '';
    if (cell === null) return;
    button.remove();
    place.append(...answer(view, cell));
    place.querySelector('.scroll')?.focus();
  });
  return el('div', { class: 'facts' }, button, place, link ? el('p', { class: 'small' }, el('a', { href: link, target: '_blank', rel: 'noopener', text: view.words('where') })) : null);
}

function answer(view, cell) {
  const whole = (n) => view.formats.whole.format(n ?? 0);
  // Measures of the headline's formula; those of variants alone stay away.
  const named = new Set(String(cell.formula).match(/\w+/g));
  const measures = (cell.measures ?? []).filter((m) => named.has(m.name));
  const at = (t) => view.formats.second(Date.parse(t));
  const refused = (m) => (m.conditions ?? []).map((c) => `${whole(c.facts)} · ${c.condition}`).join('\n');
  const head = [['measure'], ['takes', 'wide'], ['taken'], ['refused', 'wide']];
  const table = el('table', {},
    el('caption', { class: 'small', text: `${at(cell.from)} – ${at(cell.to)} · ${cell.formula}` }),
    el('thead', {}, el('tr', {}, ...head.map(([h, c]) => el('th', { scope: 'col', class: c, text: view.words(h) })))),
    el('tbody', {}, ...measures.map((m) => el('tr', {},
      el('th', { scope: 'row' }, el('code', { text: m.name })),
      el('td', { class: 'wide', dir: 'ltr', text: (m.takes ?? []).join('\n') || view.words('everything') }),
      el('td', {}, el('bdi', { text: whole(m.counted) })),
      el('td', { class: 'wide', dir: 'ltr', text: m.refused ? `${whole(m.refused)}\n${refused(m)}` : whole(0) })))));
  return [
    el('h3', { text: view.words('counted') }),
    el('div', { class: 'scroll', tabindex: '0', role: 'group', 'aria-label': view.words('counted') }, table),
    el('h3', { text: view.words('someFacts', { n: whole(cell.facts?.length), d: whole(cell.total) }) }),
    ...(cell.facts ?? []).map((f) => fact(view, f, named, at)),
  ];
}

function fact(view, f, named, at) {
  const taken = (f.measures ?? []).filter((m) => named.has(m.measure));
  return el('details', {},
    el('summary', {}, el('bdi', { text: f.item }), ' ', el('span', { class: 'small', text: [at(f.opened_at), f.columns?.outcome ?? f.columns?.state].filter(Boolean).join(' · ') })),
    el('ul', { class: 'taken' }, ...taken.map((m) => el('li', {}, el('code', { dir: 'ltr', text: m.measure }), ' ',
      el('bdi', { text: view.words(m.counted ? 'wasCounted' : 'wasRefused', { why: m.condition ?? '', says: m.instead ?? '' }) })))),
    el('ul', { class: 'events', dir: 'ltr' }, ...(f.events ?? []).map((e) => el('li', { text: `${at(e.time)}  ${e.type}  ${e.topic} ${e.partition}:${e.offset}` }))));
}

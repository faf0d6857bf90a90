// The board: what is on the page once someone is let in, and how it follows the
// live state. It knows no connection.

import { dayTile } from './chart.js';
import { level as levelOf } from './clock.js';
import { el, icon, mark, put, redraw } from './dom.js';
import { open as explain } from './explain.js';
import { Formats } from './format.js';
import { deadlinesTile, incidentsTile } from './lists.js';
import { agentsTile, kpiTile, longestTile } from './tiles.js';
import { languages, said } from './words.js';

export const windows = ['5m', '15m', '60m', 'today'];

// Where the instant of the longest wait may stand, and the states of agents.
const oldest = ['longest_waiting', 'waiting'];
const agents = [
  { id: 'talking', kpi: 'talking', field: 'value' },
  { id: 'held', kpi: 'talking', field: 'held' },
  { id: 'wrapup', kpi: 'talking', field: 'wrapup' },
];

// needed are the KPIs that the board shows.
export const needed = [...new Set(['service_level', 'abandonment_rate', 'asa', 'offered', 'answered', ...oldest, ...agents.map((a) => a.kpi)])];

export class Board {
  // choose(name, value) is called when a person wants another queue, window or
  // language; leave when they sign out.
  constructor({ words, lang, settings, store, clock, kpis, server, choose, leave, announce }) {
    Object.assign(this, { words, lang, settings, store, clock, choose, announce });
    this.kpis = new Map(kpis.map((k) => [k.name, k]));
    this.theme = '';
    this.connection = 'connecting';
    this.known = new Map();
    this.formats = new Formats(lang, words, store.zone);
    this.explain = (id) => this.explained(id);
    const state = (view, name, is) => this.heard(name, is);
    this.tiles = [
      kpiTile('service_level', { kpi: 'service_level', bar: true, announce: state }, this.explain),
      kpiTile('waiting', { kpi: 'waiting', word: 'contacts', announce: state }, this.explain),
      longestTile('longest', this.explain),
      kpiTile('abandonment', { kpi: 'abandonment_rate', announce: state }, this.explain),
      kpiTile('asa', { kpi: 'asa', announce: state }, this.explain),
      dayTile('day', (...a) => server.values(...a), this.explain),
      deadlinesTile('deadlines', state, this.explain),
      agentsTile('agents', agents, this.explain),
      incidentsTile('incidents', this.explain),
    ];
    this.server = server;
    this.build(leave);
  }

  get queue() { return this.settings.queue; }
  get window() { return this.settings.window; }

  build(leave) {
    const { words } = this;
    this.banner = { sign: icon('clock'), text: el('span') };
    this.banner.node = el('div', { class: 'banner', hidden: true }, this.banner.sign, this.banner.text);
    this.date = el('span', { class: 'date' });
    this.time = el('span', { class: 'clock' });
    this.link = { sign: icon('live'), text: el('span'), age: el('span', { class: 'age' }) };
    this.link.node = el('p', { class: 'link' }, this.link.sign, this.link.text, this.link.age);
    this.picked = el('p', { class: 'picked' });
    this.select = el('select', { id: 'queue', on: { change: (e) => this.choose('queue', e.target.value === '' ? null : e.target.value.slice(1)) } });
    const header = el('header', { class: 'top' },
      el('div', { class: 'brand' }, icon('live'), el('h1', { text: words('product') }), el('span', { class: 'unseen', text: words('board') })),
      this.picked, this.controls(leave), this.link.node, el('p', { class: 'now' }, this.date, ' ', this.time));
    const skip = el('a', { class: 'skip', href: '#board', text: words('skip') });
    const back = el('a', { class: 'skip back', href: this.address({ kiosk: false }), text: words('leaveKiosk') });
    this.main = el('main', { id: 'board', class: 'board', tabindex: '-1' }, ...this.tiles.map((t) => t.node));
    this.nodes = [skip, this.settings.kiosk ? back : null, header, this.banner.node, this.main].filter(Boolean);
  }

  controls(leave) {
    const { words, settings } = this;
    if (settings.kiosk) return null;
    const radios = windows.map((w) => el('label', { class: 'choice' },
      el('input', { type: 'radio', name: 'window', value: w, checked: w === settings.window, on: { change: () => this.choose('window', w) } }),
      el('span', { text: words(`window${w}`) })));
    const other = Object.keys(languages).find((l) => l !== this.lang);
    return el('div', { class: 'controls' },
      el('div', { class: 'field' }, el('label', { for: 'queue', class: 'unseen', text: words('queue') }), this.select),
      el('fieldset', { class: 'choices' }, el('legend', { class: 'unseen', text: words('window') }), ...radios),
      el('button', { type: 'button', class: 'quiet', lang: other, text: languages[other].name, on: { click: () => this.choose('lang', other) } }),
      el('a', { class: 'quiet', href: this.address({ kiosk: true }), title: words('kioskHelp') }, icon('screen'), el('span', { text: words('kiosk') })),
      el('button', { type: 'button', class: 'quiet', on: { click: leave } }, icon('leave'), el('span', { text: words('signOut') })));
  }

  // address is this page with other settings.
  address(change) {
    const s = { ...this.settings, ...change };
    const query = new URLSearchParams(location.search);
    for (const name of ['queue', 'window', 'lang']) {
      if (s[name] === null) query.delete(name);
      else query.set(name, s[name]);
    }
    if (s.kiosk) query.set('kiosk', '1');
    else query.delete('kiosk');
    return `?${query}`;
  }

  // update draws what has changed. It is called on events and some times a second.
  update() {
    if (this.formats.zone !== this.store.zone) this.formats = new Formats(this.lang, this.words, this.store.zone);
    this.theme = matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light';
    const now = this.clock.server();
    put(this.date, this.formats.date(now));
    put(this.time, this.formats.second(now));
    this.queues();
    this.freshness();
    for (const t of this.tiles) t.update(this);
    this.spoken = true;
  }

  queues() {
    const names = this.store.queues(this.lang);
    if (this.queue !== null && !names.includes(this.queue)) names.unshift(this.queue);
    put(this.picked, `${this.queue ?? this.words('allQueues')} · ${this.words(`last${this.window}`)}`);
    const key = JSON.stringify(names);
    if (key !== this.queueKey) {
      this.queueKey = key;
      // The sign before a name keeps a queue called "" apart from all queues.
      this.select.replaceChildren(el('option', { value: '', text: this.words('allQueues') }), ...names.map((n) => el('option', { value: `=${n}`, text: n })));
    }
    this.select.value = this.queue === null ? '' : `=${this.queue}`;
  }

  freshness() {
    const level = this.level(), cut = this.connection === 'cut', age = this.age();
    const name = cut ? 'cut' : level === 'none' ? 'connecting' : level;
    mark(document.body, 'data-level', level);
    mark(document.body, 'data-link', name);
    const signs = { cut: 'cut', connecting: 'clock', late: 'clock', stale: 'nodata', fresh: 'live' };
    const texts = { cut: 'cutState', connecting: 'connecting', late: 'lateState', stale: 'staleState', fresh: 'liveState' };
    redraw(this.link.sign, signs[name]);
    put(this.link.text, this.words(texts[name]));
    put(this.link.age, level === 'none' ? '' : this.words('dataAge', { age: this.age(true) }));
    const text = cut ? this.words(level === 'none' ? 'cutEmpty' : 'cut', { age })
      : level === 'stale' || level === 'late' ? this.words(level, { age })
        : level === 'none' ? this.words('waitingForData') : '';
    put(this.banner.text, text);
    redraw(this.banner.sign, signs[name]);
    mark(this.banner.node, 'data-level', level === 'stale' ? 'stale' : 'late');
    this.banner.node.hidden = text === '';
    this.told(name);
  }

  // told says changes of the connection to who cannot see them.
  told(name) {
    const before = this.toldName;
    this.toldName = name;
    if (before === undefined || before === name || before === 'connecting') return;
    const says = { cut: 'saidCut', late: 'saidLate', stale: 'saidStale', fresh: 'saidLive' };
    if (says[name]) this.announce(this.words(says[name]));
  }

  // heard says a number's change of state, once, and never the first state.
  heard(name, is) {
    const key = `${name}\u0000${this.queue}\u0000${this.window}`;
    const before = this.known.get(key);
    if (is === null || before === is) return;
    this.known.set(key, is);
    if (before === undefined) return;
    if (name === 'deadlines') {
      if (is > before) this.announce(this.words('saidBreached', { n: this.formats.whole.format(is) }));
    } else if (is === 'met' || is === 'missed') {
      this.announce(this.words(is === 'met' ? 'saidMet' : 'saidMissed', { name: this.title(name) }));
    }
  }

  // What tiles ask for.
  reading(kpi) { return this.store.reading(kpi, this.queue); }
  numbers(kpi) { return this.store.numbers(kpi, this.queue, this.window); }
  said(texts) { return said(texts, this.lang); }
  title(kpi) { return said(this.kpis.get(kpi)?.title, this.lang) || kpi; }

  level() { return levelOf(this.clock.age()); }

  // age is one for all numbers: that of the slowest part of the feed.
  age(fine = false) {
    const age = this.clock.age();
    return age === null ? this.words('ageNone') : this.formats.age(age, fine);
  }

  // oldest finds since when the longest waiting contact waits: {kpi, since},
  // since null when nobody does; null when no KPI tells.
  oldest() {
    for (const kpi of oldest) {
      const all = Object.values(this.reading(kpi)?.windows ?? {});
      const since = all.find((w) => w.since !== null && w.since !== undefined);
      if (since) return { kpi, since: Date.parse(since.since) };
      if (kpi !== 'waiting' && all.length > 0) return { kpi, since: null };
    }
    return this.kpis.has('waiting') ? { kpi: 'waiting', since: null } : null;
  }

  explained(id) {
    const kpi = {
      service_level: 'service_level', waiting: 'waiting', abandonment: 'abandonment_rate', asa: 'asa', day: 'offered',
      longest: this.oldest()?.kpi, agents: agents.find((a) => this.kpis.has(a.kpi))?.kpi,
    }[id];
    const own = {
      longest: ['longest', 'longestHelp'], agents: ['agents', 'agentsHelp'], day: ['day', 'daySays'],
      deadlines: ['deadlines', 'deadlinesHelp'], incidents: ['incidents', 'incidentsHelp'],
    }[id];
    explain(this, { kpi, name: own && this.words(own[0]), help: own && this.words(own[1]), ask: (limit) => this.server.get(this.behindIt(kpi, limit)), link: this.behindIt(kpi) });
  }

  // itemAddress is that of the facts and events of a contact.
  itemAddress(id) { return this.server.path(`/v1/explain/item/contact/${encodeURIComponent(id)}`); }

  // behindIt is the address of the facts and events behind a KPI's number.
  behindIt(kpi, limit = '') {
    if (kpi === undefined || this.clock.asOf === null) return null;
    const span = this.window === 'today' ? { grain: 'day', zone: this.store.zone } : { window: this.window };
    return this.server.path(`/v1/explain/${encodeURIComponent(kpi)}`, {
      at: new Date(this.clock.asOf).toISOString(), ...span, where: this.queue === null ? '' : `queue:${this.queue}`, limit,
    });
  }
}

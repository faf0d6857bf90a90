// The page's logic without a page: words, numbers, ages, the store, the day.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { gzipSync } from 'node:zlib';

const assets = new URL('../../services/gateway/web/assets/', import.meta.url);
const load = (name) => import(new URL(name, assets));
const { Clock, level } = await load('clock.js');
const { Day, quarter } = await load('day.js');
const { Formats, midnight } = await load('format.js');
const { Store } = await load('store.js');
const { language, languages, said, words } = await load('words.js');
const verdict = await load('verdict.js');

const en = new Formats('en', words('en'), 'Asia/Tehran');
const fa = new Formats('fa', words('fa'), 'Asia/Tehran');
const both = (q) => `${q.text} ${q.unit}`.trim();

test('both dictionaries have the same keys and the same places in each text', () => {
  const { en, fa } = { en: languages.en.words, fa: languages.fa.words };
  assert.deepEqual(Object.keys(fa).sort(), Object.keys(en).sort());
  const places = (s) => [...s.matchAll(/\{(\w+)\}/g)].map((m) => m[1]).sort();
  for (const key of Object.keys(en)) assert.deepEqual(places(fa[key]), places(en[key]), key);
});

test('every text that the page asks for is there', () => {
  const names = readdirSync(assets).filter((f) => f.endsWith('.js'));
  for (const f of names) {
    for (const m of readFileSync(new URL(f, assets), 'utf8').matchAll(/words\('(\w+)'/g)) {
      assert.ok(Object.hasOwn(languages.en.words, m[1]), `${f} asks for ${m[1]}`);
    }
  }
});

test('no text is there for nothing', () => {
  const code = readdirSync(assets).filter((f) => f.endsWith('.js') && !Object.hasOwn(languages, f.slice(0, -3))).map((f) => readFileSync(new URL(f, assets), 'utf8')).join('');
  for (const key of Object.keys(languages.en.words)) {
    const put = key.match(/^(window|last|unit)(.+)$/); // put together from a prefix and a name
    assert.ok(code.includes(`'${key}'`) || put && code.includes(`\`${put[1]}\${`), key);
  }
});

test('no file writes markup from strings, or styles and scripts into attributes', () => {
  for (const f of readdirSync(assets).filter((f) => f.endsWith('.js'))) {
    assert.doesNotMatch(readFileSync(new URL(f, assets), 'utf8'), /innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|eval\(|new Function|cssText/, f);
  }
  const page = readFileSync(new URL('../index.html', assets), 'utf8');
  assert.doesNotMatch(page, /style=|\son\w+=|<style|https?:/);
});

test('script and style stay within 90 KB of gzip', () => {
  let sum = gzipSync(readFileSync(new URL('../index.html', assets))).length;
  for (const dir of ['./', 'vendor/']) {
    for (const f of readdirSync(new URL(dir, assets)).filter((f) => /\.(js|css|svg)$/.test(f))) sum += gzipSync(readFileSync(new URL(dir + f, assets))).length;
  }
  assert.ok(sum <= 90 * 1024, `${sum} bytes`);
});

test('numbers are written as each language writes them', () => {
  assert.equal(both(en.quantity(0.823, 'ratio')), '82.3 %');
  assert.equal(both(fa.quantity(0.823, 'ratio')), '۸۲٫۳ ٪');
  assert.equal(both(en.quantity(1234, 'count')), '1,234');
  assert.equal(both(fa.quantity(1234, 'count')), '۱٬۲۳۴');
  assert.equal(both(en.quantity(14.24, 's')), '14.2 s');
  assert.equal(both(en.quantity(59.97, 's')), '1:00 min');
  assert.equal(both(fa.quantity(92, 's')), '۱:۳۲ دقیقه');
  assert.equal(both(en.quantity(3725, 's')), '1:02:05 h');
  for (const nothing of [null, undefined, NaN, Infinity]) assert.equal(both(en.quantity(nothing, 'ratio')), '–');
});

test('a share with a target is never rounded to its better side', () => {
  assert.equal(en.quantity(0.7996, 'ratio', { at_least: 0.8 }).text, '79.9');
  assert.equal(en.quantity(0.0501, 'ratio', { at_most: 0.05 }).text, '5.1');
  assert.equal(en.quantity(0.823, 'ratio', { at_least: 0.8 }).text, '82.3');
  assert.equal(en.quantity(0.05, 'ratio', { at_most: 0.05 }).text, '5.0');
});

test('dates are in the calendar of the language, in the zone of the center', () => {
  const at = Date.parse('2026-11-22T19:44:48Z');
  assert.equal(en.date(at), 'Sunday, 22 November 2026');
  assert.equal(fa.date(at), 'یکشنبه، ۱ آذر ۱۴۰۵');
  assert.equal(en.second(at), '23:14:48');
  assert.equal(fa.minute(at), '۲۳:۱۴');
});

test('midnight is found in zones with odd offsets and on days that change them', () => {
  const f = (zone, at, want) => assert.equal(new Date(midnight(Date.parse(at), zone)).toISOString(), want, zone);
  f('Asia/Tehran', '2026-11-22T19:44:48Z', '2026-11-21T20:30:00.000Z');
  f('Asia/Tehran', '2026-11-22T20:30:00Z', '2026-11-22T20:30:00.000Z');
  f('Asia/Kathmandu', '2026-06-01T12:00:00Z', '2026-05-31T18:15:00.000Z');
  f('Europe/Berlin', '2026-03-29T12:00:00Z', '2026-03-28T23:00:00.000Z');
  f('Europe/Berlin', '2026-10-25T12:00:00Z', '2026-10-24T22:00:00.000Z');
  f('UTC', '2026-01-01T00:00:00Z', '2026-01-01T00:00:00.000Z');
});

test('age grows without events, by whichever local clock moved further', () => {
  const t = { steady: 1000, wall: 5_000_000 };
  const c = new Clock({ steady: () => t.steady, wall: () => t.wall });
  assert.equal(c.age(), null);
  assert.equal(level(c.age()), 'none');
  c.hear({ now: '2026-11-22T10:00:00.000Z', as_of: '2026-11-22T09:59:59.600Z' });
  assert.equal(c.age(), 400);
  t.steady += 4_000;
  assert.equal(level(c.age()), 'fresh');
  t.steady += 1_000;
  assert.equal(level(c.age()), 'late');
  t.wall += 3_600_000; // a machine that slept
  assert.equal(level(c.age()), 'stale');
  c.hear({ now: '2026-11-22T11:00:00.000Z', as_of: '2026-11-22T11:00:00.000Z' });
  t.wall -= 7_200_000; // a local clock set back
  assert.equal(c.age(), 0);
});

test('the store keeps the newest of each, and forgets what is over', () => {
  const s = new Store();
  s.apply('snapshot', { zone: 'Asia/Tehran', readings: [{ kpi: 'waiting', scope: [], dims: {}, windows: { '5m': { value: 3 } } }] });
  s.apply('readings', { readings: [
    { kpi: 'waiting', scope: [], dims: {}, windows: { '5m': { value: 4 } } },
    { kpi: 'waiting', scope: ['queue'], dims: { queue: 'b' }, windows: { '5m': { value: 1 } } },
    { kpi: 'waiting', scope: ['queue', 'channel'], dims: { queue: 'zz', channel: 'voice' }, windows: {} },
  ] });
  assert.equal(s.numbers('waiting', null, '5m').value, 4);
  assert.equal(s.numbers('waiting', 'b', '5m').value, 1);
  assert.equal(s.numbers('waiting', 'zz', '5m'), null);
  assert.deepEqual(s.queues('en'), ['b']);
  const p = { policy: 'queue_wait', item: 'c1', episode: 'e', labels: { queue: 'b' }, state: 'at_risk', due_at: '2026-01-01T00:00:10Z' };
  s.apply('promises', { promises: [p, { ...p, item: 'c2', due_at: '2026-01-01T00:00:05Z', labels: { queue: 'a' } }] });
  assert.deepEqual(s.listed(null).map((x) => x.item), ['c2', 'c1']);
  assert.deepEqual(s.listed('b').map((x) => x.item), ['c1']);
  s.apply('promises', { promises: [{ ...p, item: 'rule', kind: 'threshold', state: 'breached' }] });
  assert.equal(s.listed(null).length, 2);
  for (const state of ['met', 'met_late', 'withdrawn']) {
    s.apply('promises', { promises: [{ ...p, state: 'breached' }] });
    s.apply('promises', { promises: [{ ...p, state }] });
    assert.deepEqual(s.listed(null).map((x) => x.item), ['c2']);
  }
  s.apply('incidents', { incidents: [{ key: 'k', state: 'firing', resolved_at: null, opened_at: '2026-01-01T00:00:00Z' }] });
  assert.equal(s.firing('b').length, 1);
  s.apply('incidents', { incidents: [{ key: 'k', state: 'resolved', resolved_at: '2026-01-01T00:00:09Z' }] });
  assert.equal(s.firing(null).length, 0);
});

test('a zone that is none, and lists that are none, do no harm', () => {
  const s = new Store();
  s.apply('snapshot', { zone: 'No/Where', readings: null, promises: 'x' });
  assert.equal(s.zone, 'UTC');
});

test('a flood of names is bounded', () => {
  const s = new Store();
  for (let i = 0; i < 20_100; i++) s.read({ kpi: 'waiting', scope: ['queue'], dims: { queue: `q${i}` }, windows: {} });
  assert.equal(s.readings.size, 20_000);
  assert.equal(s.left, 100);
});

test('the quarter in progress is what the live total has beyond the earlier ones', () => {
  const from = Date.parse('2026-11-21T20:30:00Z'), q = 900_000, row = (i, value) => ({ time: new Date(from + i * q).toISOString(), value });
  const d = new Day(from);
  d.history([row(0, 5), row(1, 7), row(2, 2)], from + 2 * q);
  d.live(16, from + 2 * q + 1000);
  assert.deepEqual(d.series(from + 2 * q + 1000).map((x) => x.n), [5, 7, 4]);
  d.live(19, from + 3 * q + 5); // into the next quarter: what was there stays
  assert.deepEqual(d.series(from + 3 * q + 5).map((x) => x.n), [5, 7, 4, 3]);
  const blind = new Day(from); // no history: nothing is invented for what was before
  blind.live(100, from + 2 * q + 1000);
  blind.live(103, from + 2 * q + 9000);
  assert.deepEqual(blind.series(from + 2 * q + 9000).map((x) => x.n), [null, null, 3]);
  assert.equal(quarter(from + q + 1), from + q);
});

test('states and trends say what they mean', () => {
  assert.equal(verdict.state(0.8, { at_least: 0.8 }), 'met');
  assert.equal(verdict.state(0.79999, { at_least: 0.8 }), 'missed');
  assert.equal(verdict.state(21, { at_most: 20 }), 'missed');
  assert.equal(verdict.state(null, { at_most: 20 }), 'empty');
  assert.equal(verdict.state(0, null), 'plain');
  const w = { '5m': { value: 0.9 }, '60m': { value: 0.8 }, today: { value: 0.8 } };
  assert.equal(verdict.trend(w, '5m', 'ratio').way, 'up');
  assert.equal(verdict.trend(w, '60m', 'ratio').way, 'steady');
  assert.equal(verdict.trend({ '5m': { value: null } }, '5m', 'ratio'), null);
  assert.equal(verdict.good('up', { at_most: 5 }), false);
  assert.equal(verdict.good('up', { at_least: 5 }), true);
  assert.equal(verdict.good('up', null), null);
});

test('the language is what was asked for, else the browser’s', () => {
  assert.equal(language('fa', ['en-US']), 'fa');
  assert.equal(language('__proto__', ['fa-IR']), 'fa');
  assert.equal(language(null, ['en-GB', 'fa']), 'en');
  assert.equal(language(null, []), 'en');
  assert.equal(said({ en: 'a', fa: '' }, 'fa'), 'a');
});

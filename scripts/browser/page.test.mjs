// The page in a real browser, before a fake gateway whose faults are switched on
// one by one. Nothing waits for time to pass: the browser's clock is moved.
import { after, before, beforeEach, test } from 'node:test';
import assert from 'node:assert/strict';
import { Fake, center } from './fake.mjs';
import { axe, launch } from './tools.mjs';

let browser, fake, page, context, trouble;

before(async () => { browser = await launch(); });
after(async () => { await browser?.close(); });
beforeEach(async (t) => {
  fake = await new Fake().start();
  center(fake);
  fake.beat();
  t.after(async () => {
    await context?.close();
    await fake.stop();
  });
});

// visit opens the page, signed in by a ticket unless told otherwise. Anything
// that the browser complains of, above all of the policy, fails the test.
async function visit({ query = 'lang=en', hash = '#ticket=good', options = {}, setup = null, ready = 'body[data-level=fresh]' } = {}) {
  context = await browser.newContext({ viewport: { width: 1366, height: 768 }, locale: 'en-GB', timezoneId: 'Pacific/Auckland', ...options });
  page = await context.newPage();
  page.setDefaultTimeout(60_000);
  trouble = [];
  page.on('pageerror', (e) => trouble.push(e.message));
  page.on('console', (m) => { if (/Content Security Policy|Refused/.test(m.text())) trouble.push(m.text()); });
  await setup?.(page);
  await page.goto(`${fake.url}/?${query}${hash}`);
  await page.waitForSelector(ready);
  return page;
}

const text = (selector) => page.locator(selector).first().innerText();
const number = (tile) => text(`.tile-${tile} .number`);
const seen = (selector, want) => page.waitForFunction(([s, w]) => document.querySelector(s)?.textContent.includes(w), [selector, want]);

async function fine(where) {
  await page.evaluate(axe);
  const found = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations', 'passes'] }));
  const serious = found.violations.filter((v) => ['serious', 'critical'].includes(v.impact)).map((v) => `${v.id}: ${v.nodes.map((n) => n.target + ' ' + n.failureSummary).join('; ')}`);
  assert.deepEqual(serious, [], where);
  assert.ok(found.passes.length > 5, 'axe has looked');
}

test('a key opens the door, a wrong one is told so, and no script can read the cookie', async () => {
  await visit({ hash: '', ready: '#key' });
  assert.equal(await page.evaluate(() => document.activeElement.id), 'key');
  await fine('log-in');
  await page.fill('#key', 'wrong');
  await page.keyboard.press('Enter');
  await seen('#key-error', 'not known');
  await page.fill('#key', 'right');
  await page.keyboard.press('Enter');
  await page.waitForSelector('body[data-level=fresh]');
  assert.equal(await page.evaluate(() => document.cookie), '');
  assert.equal((await context.cookies())[0].httpOnly, true);
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.waitForSelector('#key');
  assert.deepEqual(trouble, []);
});

test('a ticket is traded for a session and leaves the address', async () => {
  await visit();
  assert.equal(new URL(page.url()).hash, '');
  await context.close();
  await visit({ hash: '#ticket=old', ready: '#key' });
  await seen('#key-error', 'expired');
  assert.equal(new URL(page.url()).hash, '');
});

test('each number has its unit, its state in words, its parts and its age', async () => {
  await visit();
  assert.equal(await text('.tile-service_level .figure'), '82.3\n%');
  assert.match(await text('.tile-service_level .verdict'), /On target · at least 80%/);
  assert.match(await text('.tile-service_level .trend'), /2\.5 points above 60 min/);
  assert.equal(await text('.tile-service_level .parts'), '107 of 130');
  assert.match(await text('.tile-abandonment .verdict'), /Off target · at most 5%/);
  assert.equal(await text('.tile-asa .figure'), '16.8\ns');
  assert.equal(await text('.tile-waiting .figure'), '7\ncontacts');
  for (const tile of await page.locator('.tile').all()) assert.match(await tile.locator('.foot .age').innerText(), /s old$/);
  assert.deepEqual(await page.locator('.agents li').allInnerTexts(), ['Talking\n18', 'On hold\n3', 'Wrap-up\n6']);
  assert.deepEqual(trouble, []);
});

test('Persian: right to left, Persian digits, Jalali date, time from left to right', async () => {
  await visit({ query: 'lang=fa' });
  assert.equal(await page.getAttribute('html', 'dir'), 'rtl');
  assert.equal(await page.getAttribute('html', 'lang'), 'fa');
  assert.equal(await text('.tile-service_level .figure'), '۸۲٫۳\n٪');
  assert.match(await text('.date'), /^\S+، [۰-۹]+ \S+ ۱۴[۰-۹]{2}$/);
  assert.match(await text('.clock'), /^[۰-۹]{2}:[۰-۹]{2}:[۰-۹]{2}$/);
  assert.equal(await page.evaluate(() => document.fonts.check('16px Vazirmatn', 'نبض')), true);
  assert.equal(await page.getAttribute('.canvas', 'dir'), 'ltr');
  const at = await page.evaluate(() => ['.tile-service_level', '.tile-waiting'].map((s) => document.querySelector(s).getBoundingClientRect().left));
  assert.ok(at[0] > at[1], 'the first tile stands on the right');
  await page.getByRole('button', { name: 'English' }).click();
  assert.equal(await page.getAttribute('html', 'dir'), 'ltr');
  await seen('.tile-service_level .title', 'Service level');
});

test('readings move the tiles; the longest wait ticks without any', async () => {
  await visit({ setup: (p) => p.clock.install() });
  fake.set('waiting', null, { '15m': { value: 12 } });
  await seen('.tile-waiting .number', '12');
  fake.silence();
  const before_ = await number('longest');
  await page.clock.runFor(3_000);
  assert.notEqual(await number('longest'), before_);
  fake.set('longest_waiting', null, { '15m': { value: 0, since: null } });
  await seen('.tile-longest .verdict', 'Nobody waits');
});

test('before the first data nothing is claimed', async () => {
  fake.closed = true;
  await visit({ ready: 'body[data-level=none] .tile-longest' });
  for (const tile of ['service_level', 'waiting', 'longest', 'abandonment', 'asa']) {
    await seen(`.tile-${tile} .verdict`, 'No data');
    assert.doesNotMatch(await number(tile), /[0-9]/, tile);
  }
});

test('late data is told after 5 s, after 15 s all is grey and nothing green, then it recovers', async () => {
  await visit({ setup: (p) => p.clock.install() });
  const color = (s) => page.evaluate((q) => getComputedStyle(document.querySelector(q)).color, s);
  const green = await color('.tile-service_level .number');
  fake.silence();
  fake.closed = true; // a page that hears nothing asks again, and would be told
  // The page's time stands still but where it is moved: a slow machine must not
  // bring it to the cut.
  await page.clock.pauseAt(await page.evaluate(() => Date.now() + 100));
  await page.clock.runFor(6_000);
  await page.waitForSelector('body[data-level=late]');
  assert.match(await text('.banner'), /should be no older than 5 seconds/);
  assert.equal(await text('#announce'), 'Data is late.');
  await page.clock.runFor(12_000);
  await page.waitForSelector('body[data-level=stale]');
  assert.match(await text('.tile-service_level .verdict'), /Stale/);
  const grey = await color('.tile-service_level .number');
  assert.notEqual(grey, green);
  const colors = await page.evaluate(() => [...document.querySelectorAll('.number, .verdict, .trend, .state, .time, .title')].filter((e) => e.checkVisibility()).map((e) => getComputedStyle(e).color));
  assert.deepEqual([...new Set(colors)], [grey]);
  assert.equal(await page.locator('[data-state=met]').count(), 0);
  await page.clock.resume();
  await fine('stale');
  fake.closed = false;
  await page.clock.runFor(16_000);
  await page.waitForSelector('body[data-level=fresh]');
  assert.equal(await text('#announce'), 'Live again.');
  assert.equal(await color('.tile-service_level .number'), green);
});

test('a server that says its data is old is believed at once', async () => {
  await visit();
  fake.behind = 16_000;
  fake.clock();
  await page.waitForSelector('body[data-level=stale]');
});

test('a cut is told, and the page resumes where it was, without a reload', async () => {
  await visit();
  await page.evaluate(() => { globalThis.kept = true; });
  const seq = fake.seq;
  fake.hold();
  fake.cut();
  fake.set('waiting', null, { '15m': { value: 31 } }); // while nobody listens
  fake.promise({ policy: 'queue_wait', kind: 'deadline', item: 'c-80412', labels: { queue: 'sales' }, state: 'met_late', episode: [...fake.promises.values()][0].episode });
  await page.waitForSelector('body[data-link=cut]');
  assert.match(await text('.banner'), /Connection lost/);
  fake.release();
  await page.waitForSelector('body[data-link=fresh]');
  await seen('.tile-waiting .number', '31');
  assert.equal(await page.getByText('c-80412').count(), 0);
  assert.equal(fake.resumed.length, 2);
  assert.ok(Number(fake.resumed[1].split('-')[1]) >= seq, 'resumes after the last event it got');
  assert.equal(await page.evaluate(() => globalThis.kept), true);
});

test('a stream that is refused is asked for again; an ended session shows the door', async () => {
  await visit();
  fake.closed = true;
  fake.cut();
  await page.waitForSelector('body[data-link=cut]');
  fake.closed = false;
  await page.waitForSelector('body[data-link=fresh]');
  fake.sessions.clear();
  fake.cut();
  await page.waitForSelector('#key');
  await seen('#key-error', 'signed out');
});

test('names from outside are text and nothing else', async () => {
  await visit();
  const bad = '<img src=x onerror="globalThis.owned=1"><script>globalThis.owned=1</script>\u202Eevil';
  for (const k of ['service_level', 'waiting', 'asa']) fake.set(k, bad, { '15m': { value: 0.5 } });
  fake.set('waiting', '__proto__', { '15m': { value: 2 } });
  fake.promise({ policy: bad, kind: 'deadline', item: bad, labels: { queue: bad }, state: 'breached', stage: 'settled', due_at: new Date(0).toISOString(), episode: bad });
  fake.incident({ key: bad, rule: bad, severity: 'page', labels: { queue: bad }, summary: { en: bad, fa: bad }, opened_at: new Date().toISOString(), resolved_at: null, state: 'firing' });
  await seen('.tile-incidents .name', '<img');
  await page.selectOption('#queue', { value: `=${bad}` });
  await seen('.tile-service_level .number', '50');
  await page.click('#explain-service_level');
  await seen('dialog', '<script>');
  assert.equal(await page.locator('img').count(), 0);
  assert.equal(await page.evaluate(() => globalThis.owned), undefined);
  assert.equal(await page.evaluate(() => ({}).windows), undefined);
  assert.deepEqual(trouble, []);
});

test('queue and window are chosen, kept in the address, and come back with it', async () => {
  await visit();
  await page.selectOption('#queue', { label: 'sales' });
  await seen('.tile-waiting .number', '4');
  assert.ok((await page.locator('.tile-deadlines .row:visible').allInnerTexts()).every((t) => t.includes('sales')));
  await page.getByText('60 min', { exact: true }).click();
  await seen('.tile-service_level .parts', '216 of 270');
  const url = new URL(page.url());
  assert.equal(url.searchParams.get('queue'), 'sales');
  assert.equal(url.searchParams.get('window'), '60m');
  await page.reload();
  await seen('.tile-service_level .parts', '216 of 270');
  assert.match(decodeURIComponent(fake.asked), /where=queue:sales/);
});

test('the explanation opens by keyboard, says what the number is, and closes with Escape', async () => {
  await visit();
  await page.focus('#explain-service_level');
  await page.keyboard.press('Enter');
  const dialog = page.getByRole('dialog', { name: 'Service level' });
  await dialog.waitFor();
  const said = await dialog.innerText();
  for (const want of ['answered within the threshold / offered', 'A source', 'at least 80%', '107', '130', 'All queues', 'genesys', '84.1 %', 'old', 'Last changed']) assert.ok(said.includes(want), want);
  const link = await dialog.getByRole('link').getAttribute('href');
  assert.match(link, /^\/v1\/explain\/service_level\?/);
  await page.getByRole('button', { name: 'Show what was counted' }).press('Enter');
  await seen('dialog', '544');
  const facts = await dialog.innerText();
  for (const want of ['answered_in', '7 · wait ≤ 20000 ms', 'Contacts behind it: 1 of 544', 'contact/<b>c7</b>']) assert.ok(facts.includes(want), want);
  assert.ok(!facts.includes('outcome is abandoned'), 'measures of the formula alone');
  assert.match(fake.asked, /window=15m/);
  await dialog.locator('summary').click();
  await page.getByText('nabz.events.v1 6:145').waitFor();
  await fine('explanation');
  await page.keyboard.press('Escape');
  await page.locator('dialog').waitFor({ state: 'detached' });
  assert.equal(await page.evaluate(() => document.activeElement.id), 'explain-service_level');
  for (const [id, want] of [['longest', 'oldest(waiting)'], ['agents', 'level(held)'], ['day', 'queue segments that began'], ['deadlines', 'at risk'], ['incidents', 'by a page or a ticket']]) {
    await page.click(`#explain-${id}`);
    await seen('dialog', want);
    await page.keyboard.press('Escape');
    await page.locator('dialog').waitFor({ state: 'detached' });
  }
  assert.equal(await page.getByRole('link', { name: 'c-80412' }).getAttribute('href'), '/v1/explain/item/contact/c-80412');
});

test('the chart has a table, the quarter in progress moves live, history may be away', async () => {
  await visit();
  await seen('.tile-day .parts', 'answered');
  const label = await page.getAttribute('.canvas', 'aria-label');
  const arrived = Number(label.match(/Chart: ([\d,]+)/)[1].replace(',', ''));
  fake.set('offered', null, { today: { value: arrived + 5 } });
  await page.waitForFunction((n) => document.querySelector('.canvas').getAttribute('aria-label').replace(',', '').includes(`Chart: ${n}`), arrived + 5);
  await page.getByRole('button', { name: 'Show as a table' }).click();
  assert.deepEqual(await page.locator('.sheet thead th').allInnerTexts(), ['Time', 'Arrived', 'Answered']);
  assert.ok(await page.locator('.sheet tbody tr').count() >= 1);
  await fine('table');
  await page.getByRole('button', { name: 'Show as a chart' }).click();
  assert.equal(await page.locator('.canvas canvas').count(), 1);
  await context.close();
  fake.away = true;
  await visit();
  await seen('.note', 'cannot be had');
  fake.set('offered', null, { today: { value: arrived + 11 } });
  await page.waitForFunction(() => document.querySelector('.canvas').getAttribute('aria-label').includes('Chart: 6 arrived'));
});

test('deadlines count down and go when they are met; incidents go when resolved', async () => {
  await visit({ setup: (p) => p.clock.install() });
  assert.match(await text('.tile-deadlines .count'), /2 breached · 3 at risk/);
  const row = page.locator('.tile-deadlines .row', { hasText: 'c-80452' });
  assert.match(await row.innerText(), /At risk · source is silent/);
  const before_ = await row.locator('.time').innerText();
  await page.clock.runFor(2_000);
  assert.notEqual(await row.locator('.time').innerText(), before_);
  const p = fake.promises.get('c-80452');
  fake.promise({ ...p, state: 'breached', due_at: new Date(Date.now() - 1000).toISOString() });
  await seen('.tile-deadlines .count', '3 breached');
  await seen('#announce', '3 deadlines are breached');
  fake.promise({ ...p, state: 'met_late' });
  await seen('.tile-deadlines .count', '2 breached');
  fake.incident({ ...fake.incidents.get('k1'), state: 'resolved', resolved_at: new Date().toISOString() });
  await seen('.tile-incidents .count', '1 open');
});

test('a change of state is said once, politely; the first state and a change of queue are not', async () => {
  await visit();
  assert.equal(await text('#announce'), '');
  assert.equal(await page.getAttribute('#announce', 'aria-live'), 'polite');
  fake.set('service_level', null, { '15m': { value: 0.71, numerator: 71, denominator: 100 } });
  await seen('#announce', 'Service level is off target.');
  await page.evaluate(() => { document.querySelector('#announce').textContent = ''; });
  fake.set('service_level', null, { '15m': { value: 0.70, numerator: 70, denominator: 100 } });
  await seen('.tile-service_level .number', '70.0');
  await page.selectOption('#queue', { label: 'sales' });
  await seen('.tile-service_level .parts', '54 of 65');
  assert.equal(await text('#announce'), '');
});

test('the keyboard reaches all there is, from the skip link on, and sees where it is', async () => {
  await visit();
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate(() => document.activeElement.className), 'skip');
  await page.keyboard.press('Enter');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'board');
  const reached = new Set();
  for (let i = 0; i < 40; i++) {
    await page.keyboard.press('Tab');
    // The focus of a radio button shows on the word beside it.
    const [id, seen_] = await page.evaluate(() => [document.activeElement.id || document.activeElement.textContent, getComputedStyle(document.activeElement).outlineStyle !== 'none' || document.activeElement.matches('input')]);
    if (await page.evaluate(() => document.activeElement === document.body)) continue;
    if (!reached.has(id)) {
      reached.add(id);
      assert.ok(seen_, `${id} shows its focus`);
    }
  }
  for (const id of ['explain-service_level', 'explain-waiting', 'explain-longest', 'explain-abandonment', 'explain-asa', 'explain-agents', 'explain-day', 'explain-deadlines', 'explain-incidents']) assert.ok(reached.has(id), id);
});

test('axe finds nothing serious, in both directions, light and dark, wide and narrow', async () => {
  for (const [lang, colorScheme, width] of [['en', 'light', 1366], ['fa', 'light', 1366], ['en', 'dark', 1920], ['fa', 'dark', 390]]) {
    await visit({ query: `lang=${lang}`, options: { colorScheme, viewport: { width, height: 900 } } });
    await fine(`${lang} ${colorScheme} ${width}`);
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${lang} ${width}: nothing to scroll sideways`);
    assert.deepEqual(trouble, []);
    await context.close();
  }
  fake.mute = true;
  await visit();
  await fine('before history has answered');
});

test('a kiosk shows numbers alone, all of them, large enough for five metres', async () => {
  for (const [lang, width, height] of [['en', 1920, 1080], ['fa', 1920, 1080], ['en', 3840, 2160], ['fa', 1280, 720]]) {
    await visit({ query: `lang=${lang}&kiosk=1`, options: { viewport: { width, height } } });
    assert.equal(await page.locator('button:visible, select:visible, input:visible').count(), 0);
    for (let i = 0; i < 9; i++) {
      fake.incident({ ...fake.incidents.get('k1'), key: `more${i}`, summary: { en: 'A sentence that is rather long for a tile as narrow as this', fa: 'جمله‌ای که برای خانه‌ای به این باریکی کمی بلند است و ادامه دارد' } });
      fake.promise({ ...fake.promises.get('c-80450'), item: `more${i}` });
    }
    await seen('.tile-deadlines .count', lang === 'en' ? '12 at risk' : '۱۲ در خطر');
    const fit = await page.evaluate(() => ({
      scroll: document.documentElement.scrollHeight <= innerHeight && document.documentElement.scrollWidth <= innerWidth,
      small: [...document.querySelectorAll('.figure .number')].map((e) => parseFloat(getComputedStyle(e).fontSize) / innerHeight),
      out: [...document.querySelectorAll('.tile')].filter((t) => t.scrollHeight > t.clientHeight + 1 || t.scrollWidth > t.clientWidth + 1).map((t) => t.className),
    }));
    assert.equal(fit.scroll, true, `${lang} ${width}`);
    assert.deepEqual(fit.out, [], `${lang} ${width}: what overflows`);
    // Glyphs of 1/200 of 5 m on a screen of 70 cm height: capitals are about 0.7 of the letter's size.
    for (const s of fit.small) assert.ok(s * 0.7 * 0.7 >= 5 / 200, `${lang} ${width}: ${s}`);
    await fine(`kiosk ${lang}`);
    await context.close();
  }
});

test('nothing moves by itself', async () => {
  await visit({ options: { reducedMotion: 'reduce' } });
  const moving = await page.evaluate(() => [...document.querySelectorAll('*')].filter((e) => {
    const s = getComputedStyle(e);
    return s.animationName !== 'none' || s.transitionDuration !== '0s';
  }).map((e) => e.className));
  assert.deepEqual(moving, []);
  assert.equal(await page.evaluate(() => document.getAnimations().length), 0);
});

test('thousands of events leave no heap behind', async () => {
  await visit();
  const cdp = await context.newCDPSession(page);
  await cdp.send('HeapProfiler.enable');
  const heap = async () => {
    await cdp.send('HeapProfiler.collectGarbage');
    return (await cdp.send('Runtime.getHeapUsage')).usedSize;
  };
  const flood = async (n) => {
    for (let i = 0; i < n; i++) {
      fake.set('waiting', i % 2 ? 'sales' : null, { '5m': { value: i }, '15m': { value: i }, '60m': { value: i } });
      const p = { policy: 'queue_wait', kind: 'deadline', item: `x${i}`, labels: { queue: 'sales' }, stage: 'settled', due_at: new Date().toISOString(), episode: 'e' };
      fake.promise({ ...p, state: 'breached' });
      fake.promise({ ...p, state: 'met_late' });
    }
    fake.promises.clear();
    fake.set('waiting', null, { '15m': { value: n } });
    await seen('.tile-waiting .number', new Intl.NumberFormat('en-GB').format(n));
  };
  await flood(500);
  const first = await heap();
  await flood(4000);
  assert.ok(await heap() - first < 4 << 20, 'grows by less than 4 MB over 12,000 events');
});

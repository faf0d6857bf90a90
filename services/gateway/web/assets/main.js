// The wallboard begins here: settings from the address, a session, the live
// stream, and the board that follows it.

import { Board, needed, windows } from './board.js';
import { Clock } from './clock.js';
import { Live } from './live.js';
import { Server, form, ticket } from './session.js';
import { Store } from './store.js';
import { language, languages, words as wordsOf } from './words.js';

// Between events, ages and countdowns move this often.
const TICK_MS = 250;

const page = document.getElementById('page');
const speaker = document.getElementById('announce');
const query = new URLSearchParams(location.search);
const settings = {
  lang: language(query.get('lang'), navigator.languages),
  queue: query.has('queue') ? query.get('queue') : null,
  window: windows.includes(query.get('window')) ? query.get('window') : '15m',
  kiosk: query.has('kiosk'),
};
const server = new Server(query.get('tenant'));
const store = new Store();
const clock = new Clock();
let words = wordsOf(settings.lang);
let board = null, live = null, kpis = [], drawing = false;

function speak(text) {
  speaker.textContent = text;
}

function show(...nodes) {
  document.documentElement.lang = settings.lang;
  document.documentElement.dir = languages[settings.lang].dir;
  document.documentElement.classList.toggle('kiosk', settings.kiosk);
  document.title = `${words('product')} · ${words('board')}`;
  page.replaceChildren(...nodes);
}

// signIn shows the door, with the reason why one stands before it.
function signIn(why) {
  live?.close();
  board = null;
  store.clear();
  document.body.removeAttribute('data-level');
  const door = form({ words, server, why, done: start });
  show(door.node);
  door.focus();
}

// start asks what there is and follows it; while the server is away it asks on.
async function start() {
  const found = await server.kpis();
  if (found === 'refused') return signIn();
  if (found === 'away') {
    if (board === null) waiting();
    setTimeout(start, 2_000);
    return;
  }
  kpis = found;
  build();
  const names = needed.filter((n) => kpis.some((k) => k.name === n));
  live?.close();
  live = new Live({
    url: server.path('/v1/live', { kpi: names.join(',') }),
    heard: (event, data) => {
      clock.hear(data);
      store.apply(event, data);
      draw();
    },
    changed: (state) => {
      if (board) board.connection = state;
      draw();
    },
    refused: async () => {
      // A stream that was refused outright: perhaps the session has ended.
      const answer = await server.kpis();
      if (answer !== 'refused') return true;
      signIn('signedOut');
      return false;
    },
  });
  live.open();
}

function waiting() {
  const main = document.createElement('main');
  main.className = 'door';
  main.textContent = words('noServer');
  show(main);
}

function build() {
  const state = board?.connection ?? 'connecting';
  board = new Board({
    words, lang: settings.lang, settings, store, clock, kpis, server, choose, announce: speak,
    leave: async () => {
      await server.leave();
      signIn();
    },
  });
  board.connection = state;
  show(...board.nodes);
  board.update();
}

function choose(name, value) {
  settings[name] = value;
  words = wordsOf(settings.lang);
  history.replaceState(null, '', board.address({}));
  if (name === 'lang') {
    build();
    document.querySelector('.controls button[lang]')?.focus();
  }
  draw();
}

// draw gathers what comes in between two frames.
function draw() {
  if (drawing || board === null) return;
  drawing = true;
  requestAnimationFrame(() => {
    drawing = false;
    board?.update();
  });
}

setInterval(draw, TICK_MS);
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', draw);

const given = ticket();
if (given === null) start();
else if (await server.session({ ticket: given }) === 'ok') start();
else signIn('oldTicket');

// The way in: a ticket in the address, or a key in a form; both become a cookie
// that scripts cannot read. And the questions that go to the server beside the
// live stream.

import { el } from './dom.js';

// A store that does not answer is away, whatever it may answer later.
const PATIENCE_MS = 10_000;

export class Server {
  // tenant is what the address asks for; the key decides whether it may.
  constructor(tenant) {
    this.tenant = tenant;
  }

  path(path, values = {}) {
    const query = new URLSearchParams();
    for (const [k, v] of Object.entries({ ...values, tenant: this.tenant })) if (v) query.append(k, v);
    const text = query.toString();
    return text === '' ? path : `${path}?${text}`;
  }

  // session trades a key or a ticket for a cookie: ok, refused or away.
  async session(body) {
    try {
      const r = await fetch('/v1/session', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) });
      return r.ok ? 'ok' : r.status < 500 && r.status !== 429 ? 'refused' : 'away';
    } catch {
      return 'away';
    }
  }

  async leave() {
    await fetch('/v1/session', { method: 'DELETE' }).catch(() => {});
  }

  // kpis asks what there is: the definitions, or refused, or away.
  async kpis() {
    try {
      const r = await fetch(this.path('/v1/kpis'), { cache: 'no-store' });
      if (r.status === 401 || r.status === 403) return 'refused';
      return r.ok ? (await r.json()).kpis : 'away';
    } catch {
      return 'away';
    }
  }

  // values asks for the history of a KPI by quarter of an hour; null when it
  // cannot be had, as the store may be away while live numbers go on.
  async values(kpi, from, queue) {
    const query = { grain: 'quarter_hour', from: new Date(from).toISOString(), where: queue === null ? '' : `queue:${queue}` };
    const answer = await this.get(this.path(`/v1/kpis/${encodeURIComponent(kpi)}/values`, query));
    return answer === null ? null : answer.rows ?? [];
  }

  // get asks for anything else; null when it cannot be had.
  async get(path) {
    try {
      const r = await fetch(path, { cache: 'no-store', signal: AbortSignal.timeout(PATIENCE_MS) });
      return r.ok ? await r.json() : null;
    } catch {
      return null;
    }
  }
}

// ticket takes a ticket out of the address, so that no history keeps it.
export function ticket() {
  const found = new URLSearchParams(location.hash.slice(1)).get('ticket');
  if (found !== null) history.replaceState(null, '', location.pathname + location.search);
  return found;
}

// form asks for a key until one is taken. It calls done when one was.
export function form({ words, server, why, done }) {
  const input = el('input', { id: 'key', name: 'key', type: 'password', autocomplete: 'current-password', required: true, dir: 'ltr', spellcheck: 'false', 'aria-describedby': 'key-help key-error' });
  const error = el('p', { id: 'key-error', class: 'error', role: 'alert', text: why ? words(why) : '' });
  const button = el('button', { type: 'submit', class: 'main', text: words('signIn') });
  const f = el('form', { class: 'login', method: 'post' },
    el('h1', { text: `${words('product')} · ${words('board')}` }),
    el('p', { id: 'key-help', class: 'help', text: words('signInHelp') }),
    el('label', { for: 'key', text: words('key') }), input, error, button);
  f.addEventListener('submit', async (e) => {
    e.preventDefault();
    button.disabled = true;
    const result = await server.session({ key: input.value.trim() });
    button.disabled = false;
    if (result === 'ok') {
      input.value = '';
      return done();
    }
    error.textContent = words(result === 'refused' ? 'wrongKey' : 'noServer');
    input.focus();
  });
  return { node: el('main', { id: 'board', class: 'door' }, f), focus: () => input.focus() };
}

// The live stream: one EventSource that is kept alive. The browser resumes by
// itself after a cut, with the id of the last event it got; what is left to do
// is to notice a connection that died silently, and one that was refused. It
// knows neither what the events mean nor the page.

// The server speaks each second.
const SILENCE_MS = 10_000;
const FIRST_RETRY_MS = 1_000;
const LAST_RETRY_MS = 15_000;

const events = ['snapshot', 'readings', 'promises', 'incidents', 'clock'];

export class Live {
  // heard(event, data) for each event; changed(state) with connecting, open or
  // cut; refused() → a promise that says whether trying again makes sense.
  constructor({ url, heard, changed, refused }) {
    Object.assign(this, { url, heard, changed, refused });
    this.state = 'connecting';
    this.tries = 0;
    this.source = null;
    this.watch = null;
    this.again = null;
  }

  open() {
    this.close();
    this.last = Date.now();
    this.source = new EventSource(this.url);
    for (const name of events) this.source.addEventListener(name, (e) => this.hear(name, e.data));
    this.source.onopen = () => { this.last = Date.now(); };
    this.source.onerror = () => this.failed();
    this.watch = setInterval(() => {
      if (Date.now() - this.last > SILENCE_MS) this.failed(true);
    }, 1_000);
  }

  close() {
    clearInterval(this.watch);
    clearTimeout(this.again);
    this.source?.close();
    this.source = null;
  }

  hear(name, text) {
    this.last = Date.now();
    let data;
    try {
      data = JSON.parse(text);
    } catch {
      return; // half an event is none; the age of the data tells if none come
    }
    if (data === null || typeof data !== 'object') return;
    this.tries = 0;
    this.become('open');
    this.heard(name, data);
  }

  failed(dead = false) {
    this.become('cut');
    if (!dead && this.source?.readyState === EventSource.CONNECTING) return; // the browser resumes
    this.close();
    const wait = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** this.tries++);
    this.again = setTimeout(async () => {
      if (await this.refused()) this.open();
    }, wait * (0.5 + Math.random() / 2));
  }

  become(state) {
    if (this.state === state) return;
    this.state = state;
    this.changed(state);
  }
}

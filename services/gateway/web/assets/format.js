// Numbers, spans and instants as people of a language read them. It knows no
// page: text goes in and out.

const locales = { en: 'en-GB', fa: 'fa-IR' };

// Formats of one language and one time zone. Every quantity is {text, unit}:
// the unit is drawn smaller, never left out.
export class Formats {
  constructor(lang, words, zone) {
    const locale = locales[lang];
    this.lang = lang;
    this.words = words;
    this.zone = zone;
    this.whole = new Intl.NumberFormat(locale, { maximumFractionDigits: 0 });
    this.tenth = new Intl.NumberFormat(locale, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
    this.loose = new Intl.NumberFormat(locale, { maximumFractionDigits: 2 });
    this.two = new Intl.NumberFormat(locale, { minimumIntegerDigits: 2, useGrouping: false });
    this.plain = new Intl.NumberFormat(locale, { useGrouping: false });
    this.percents = {};
    for (const [name, roundingMode] of [['near', 'halfExpand'], ['down', 'floor'], ['up', 'ceil']]) {
      this.percents[name] = new Intl.NumberFormat(locale, { style: 'percent', minimumFractionDigits: 1, maximumFractionDigits: 1, roundingMode });
    }
    const clock = { hour: '2-digit', minute: '2-digit', hourCycle: 'h23', timeZone: zone };
    this.minutes = new Intl.DateTimeFormat(locale, clock);
    this.seconds = new Intl.DateTimeFormat(locale, { ...clock, second: '2-digit' });
    const calendar = lang === 'fa' ? 'fa-IR-u-ca-persian' : locale;
    this.days = new Intl.DateTimeFormat(calendar, { weekday: 'long', day: 'numeric', month: 'long', year: 'numeric', timeZone: zone });
  }

  // quantity writes a KPI's value in its unit. A share with a target is rounded
  // to its worse side, so that 79.96 % never reads as the 80 % it misses.
  quantity(value, unit, target = null) {
    if (value === null || value === undefined || !Number.isFinite(value)) {
      return { text: this.words('nothing'), unit: '' };
    }
    switch (unit) {
      case 'ratio': return this.percent(value, target);
      case 's': return this.span(value);
      default: return { text: Number.isInteger(value) ? this.whole.format(value) : this.loose.format(value), unit: '' };
    }
  }

  percent(share, target = null) {
    const side = !target ? 'near' : target.at_least !== undefined ? 'down' : 'up';
    // Nine digits first: the nearest double to 0.823 lies below it.
    const parts = this.percents[side].formatToParts(share.toFixed(9));
    const is = (p) => p.type === 'percentSign';
    return {
      text: parts.filter((p) => !is(p)).map((p) => p.value).join('').trim(),
      unit: parts.filter(is).map((p) => p.value).join(''),
    };
  }

  // points writes a difference of shares.
  points(difference) {
    return `${this.tenth.format(Math.abs(difference) * 100)} ${this.words('points')}`;
  }

  // span writes seconds: tenths below a minute, then m:ss, then h:mm:ss.
  span(seconds) {
    if (Math.abs(seconds) < 59.95) {
      return { text: this.tenth.format(seconds), unit: this.words('seconds') };
    }
    return this.ticking(Math.round(seconds) * 1000);
  }

  // ticking writes a span that grows or shrinks as one looks: whole seconds.
  ticking(ms) {
    const s = Math.max(0, Math.floor(ms / 1000));
    if (s < 60) return { text: this.whole.format(s), unit: this.words('seconds') };
    const two = (n) => this.two.format(n);
    if (s < 3600) {
      return { text: `${this.plain.format(Math.floor(s / 60))}:${two(s % 60)}`, unit: this.words('minutes') };
    }
    return { text: `${this.plain.format(Math.floor(s / 3600))}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}`, unit: this.words('hours') };
  }

  // age writes how old something is, in one unit, the way one says it: in
  // seconds begun, or, fine, in tenths. Tenths that change tell the eye
  // something, and should do so in one place only.
  age(ms, fine = false) {
    const s = Math.max(0, ms) / 1000;
    if (s < 10) return this.words('ageSeconds', { n: fine ? this.tenth.format(Math.floor(s * 10) / 10) : this.whole.format(Math.max(1, Math.ceil(s))) });
    if (s < 120) return this.words('ageSeconds', { n: this.whole.format(Math.floor(s)) });
    if (s < 7200) return this.words('ageMinutes', { n: this.whole.format(Math.floor(s / 60)) });
    return this.words('ageHours', { n: this.whole.format(Math.floor(s / 3600)) });
  }

  minute(ms) { return this.minutes.format(ms); }
  second(ms) { return this.seconds.format(ms); }

  // date is put together from parts: in Persian the order that the browser
  // gives is not one that anybody writes.
  date(ms) {
    const part = {};
    for (const p of this.days.formatToParts(ms)) part[p.type] = p.value;
    const year = part.year ?? part.relatedYear;
    return this.lang === 'fa'
      ? `${part.weekday}، ${part.day} ${part.month} ${year}`
      : `${part.weekday}, ${part.day} ${part.month} ${year}`;
  }
}

// midnight is the start of the day that an instant falls into, in a zone, in ms
// since 1970. Zones move their clocks; so it is looked for, not worked out.
export function midnight(ms, zone) {
  const format = new Intl.DateTimeFormat('en-CA', { timeZone: zone, year: 'numeric', month: '2-digit', day: '2-digit' });
  const day = format.format(ms);
  const quarter = 15 * 60_000; // every offset of a zone in use is whole quarters of an hour
  let at = Math.floor(ms / quarter) * quarter;
  while (format.format(at - quarter) === day) at -= quarter;
  return at;
}

// The texts of the page in its two languages. It knows no page.

import en from './en.js';
import fa from './fa.js';

export const languages = { en: { words: en, dir: 'ltr', name: 'English' }, fa: { words: fa, dir: 'rtl', name: 'فارسی' } };

// words gives the function that finds texts of a language; {name} in a text is
// replaced. A key that is not there is a mistake of ours and shows as itself.
export function words(lang) {
  const texts = languages[lang].words;
  return (key, values = {}) => (texts[key] ?? key).replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? ''));
}

// language is what a person asked for, or what their browser says.
export function language(asked, browser) {
  if (Object.hasOwn(languages, asked ?? '')) return asked;
  return (browser ?? []).some((l) => l.toLowerCase().startsWith('fa')) && !browser[0].toLowerCase().startsWith('en') ? 'fa' : 'en';
}

// said picks the text of a language out of {en, fa}; the other one, if it is missing.
export function said(texts, lang) {
  if (typeof texts === 'string') return texts;
  return texts?.[lang] || texts?.en || texts?.fa || '';
}

// Elements of the page. All that is shown goes in as text: no string of the
// server's is ever markup, and no attribute holds a script or a style.

const svg = 'http://www.w3.org/2000/svg';

// el makes an element. Of props, text is its text, on its listeners, style its
// styles (set one by one, as a strict policy allows); all else are attributes,
// left out where false or null. Children that are strings become text.
export function el(tag, props = {}, ...children) {
  const e = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === 'text') e.textContent = value;
    else if (name === 'on') for (const [event, f] of Object.entries(value)) e.addEventListener(event, f);
    else e.setAttribute(name, value === true ? '' : value);
  }
  e.append(...children.filter((c) => c !== null && c !== undefined));
  return e;
}

// put changes a text, and only if it differs: nothing is drawn in vain.
export function put(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

// mark sets or removes an attribute, only if it differs.
export function mark(node, name, value) {
  if (value === null || value === false) {
    if (node.hasAttribute(name)) node.removeAttribute(name);
  } else if (node.getAttribute(name) !== String(value)) {
    node.setAttribute(name, value);
  }
}

// Strokes on a grid of 24 by 24.
const strokes = {
  met: 'M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18M8 12.2l2.8 2.8L16 9.6',
  missed: 'M12 3.5 2.5 20h19L12 3.5M12 10v4.5M12 17.4v.2',
  plain: 'M5 12h14',
  empty: 'M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18M8 12h8',
  nodata: 'M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18M5.8 5.8l12.4 12.4',
  clock: 'M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18M12 7v5l3.2 2.2',
  up: 'M12 19V5M6 11l6-6 6 6',
  down: 'M12 5v14M6 13l6 6 6-6',
  steady: 'M5 9h14M5 15h14',
  info: 'M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18M12 11v5.5M12 7.6v.2',
  close: 'M6 6l12 12M18 6 6 18',
  talking: 'M6.5 3.5 9.4 4l1.2 4-2 1.6a13 13 0 0 0 5.8 5.8l1.6-2 4 1.2.5 2.9c0 1.5-1.3 3-3 3C9.600 20.500 3.500 14.400 3.500 6.500c0-1.700 1.500-3 3-3',
  held: 'M9 5v14M15 5v14',
  wrapup: 'M4 20l1-4L16.500 4.500l3 3L8 19l-4 1M14 7l3 3',
  breached: 'M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18M12 7v6M12 16.400v.2',
  at_risk: 'M6 3h12M6 21h12M7 3c0 5 5 6 5 9s-5 4-5 9M17 3c0 5-5 6-5 9s5 4 5 9',
  bell: 'M6 17V11a6 6 0 0 1 12 0v6l1.500 1.500h-15L6 17M10 21h4',
  live: 'M2.500 13H7l2.500-7 4.500 13 2.500-6h5',
  cut: 'M4 4l16 16M8.500 8.500A9 9 0 0 0 5 11M2 8a15 15 0 0 1 3.500-2.600M11 5a15 15 0 0 1 11 3M15 11a9 9 0 0 1 4 2.500M9 16a5 5 0 0 1 5.500-.5M12 20v.1',
  screen: 'M3 5h18v11H3zM8 20h8',
  leave: 'M14 4H5v16h9M10 12h11M17 8l4 4-4 4',
};

// icon draws a sign that stands beside a text, never alone; so it says nothing
// to a screen reader.
export function icon(name) {
  const s = document.createElementNS(svg, 'svg');
  s.setAttribute('viewBox', '0 0 24 24');
  s.setAttribute('class', `icon icon-${name}`);
  s.setAttribute('aria-hidden', 'true');
  s.setAttribute('focusable', 'false');
  s.append(path(name));
  return s;
}

// redraw changes the sign, if it is another one.
export function redraw(node, name) {
  const is = `icon icon-${name}`;
  if (node.getAttribute('class') === is) return;
  node.setAttribute('class', is);
  node.replaceChildren(path(name));
}

function path(name) {
  const p = document.createElementNS(svg, 'path');
  p.setAttribute('d', strokes[name] ?? strokes.plain);
  return p;
}

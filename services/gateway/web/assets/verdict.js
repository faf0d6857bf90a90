// What a number means against its target and against its own past. It knows no
// page; states are names, which words and icons stand for.

// state is met, missed, plain (there is no target) or empty (there is no number).
export function state(value, target) {
  if (value === null || value === undefined) return 'empty';
  if (target?.at_least !== undefined) return value >= target.at_least ? 'met' : 'missed';
  if (target?.at_most !== undefined) return value <= target.at_most ? 'met' : 'missed';
  return 'plain';
}

// against names the window that a window's trend is told against: the next
// longer one that says something; of the day, the last hour tells where it goes.
const against = { '5m': ['5m', '60m'], '15m': ['15m', '60m'], '60m': ['60m', 'today'], today: ['60m', 'today'] };

// A share that moves by less than half a point, or a span by less than a
// twentieth, is steady: people act on trends, and noise is none.
const STEADY_POINTS = 0.005;
const STEADY_SHARE = 0.05;

// trend compares a short window with a long one: {way: up|down|steady, change,
// window}, or null where one of them has no number.
export function trend(windows, window, unit) {
  const [short, long] = against[window] ?? [];
  const a = windows?.[short]?.value, b = windows?.[long]?.value;
  if (a === null || a === undefined || b === null || b === undefined) return null;
  const change = a - b;
  const noise = unit === 'ratio' ? STEADY_POINTS : Math.abs(b) * STEADY_SHARE;
  const way = Math.abs(change) <= noise ? 'steady' : change > 0 ? 'up' : 'down';
  return { way, change, short, long };
}

// good says whether a way is welcome for a KPI with such a target; null: neither.
export function good(way, target) {
  if (way === 'steady' || !target) return null;
  return (way === 'up') === (target.at_least !== undefined);
}

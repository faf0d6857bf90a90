package pane

import (
	"slices"

	"github.com/nabz/nabz/pkg/event"
	"github.com/nabz/nabz/pkg/fact"
	"github.com/nabz/nabz/pkg/kpi"
)

// A level says how many facts are open at once. In the interval [s, e) it has
// two parts: the item-milliseconds inside it, and the number open at e. A fact
// counts in ms from its beginning to its end, and at e if it began before e and
// did not end before e. A fact without an end counts as if it stayed open to the
// end of the interval in which the clock stands. So the number of that interval
// is what is open now; its ms are too many by that number for each ms that is
// still to come, which whoever reads them takes away; and nothing changes while
// the clock moves inside the interval.

// stretch is the part of time that a fact takes up in a level.
type stretch struct {
	from, to int64
	open     bool // no end is known: to says nothing
	ok       bool
}

func (s *Set) stretch(l *Layout, measure int, f *fact.Fact) stretch {
	m := l.Measures[measure]
	if f == nil || !f.Values[m.From].Set || !m.Takes(f) {
		return stretch{}
	}
	if l.lost >= 0 && f.Values[l.lost].Text == fact.LostText {
		return stretch{}
	}
	from := f.Values[m.From].Int
	if to := f.Values[m.To]; to.Set {
		return stretch{from: from, to: max(from, to.Int), ok: true}
	}
	return stretch{from: from, open: true, ok: true}
}

// finest is the first of the grains at which a family has levels.
func (s *Set) finest(l *Layout) int {
	if l.Family.Long && s.place.Feed != event.Live {
		return 1
	}
	return 0
}

// until is the end of the stretch when the clock stands at now.
func (x stretch) until(now, grain int64) int64 {
	if !x.open {
		return x.to
	}
	return max(x.from, floor(now, grain)+grain)
}

func (s *Set) changeLevel(l *Layout, measure, part int, from *group, was *fact.Fact, to *group, is *fact.Fact) {
	a, b := s.stretch(l, measure, was), s.stretch(l, measure, is)
	if from == to && a == b {
		return
	}
	level := slices.Index(l.levels, measure)
	if a.ok && a.open {
		s.opens = append(s.opens, opening{from, level, a.from, false})
	}
	if b.ok && b.open {
		s.opens = append(s.opens, opening{to, level, b.from, true})
	}
	for i, grain := range Grains() {
		if i < s.finest(l) {
			continue
		}
		if from == to && a.ok && b.ok && a.from == b.from {
			// The usual case: the same beginning, another end. What both
			// cover stays untouched, evicted panes above all.
			s.stretchTo(to, i, part, a.until(s.now, grain), b.until(s.now, grain), 1)
			continue
		}
		if a.ok {
			s.stretchTo(from, i, part, a.until(s.now, grain), a.from, 1)
		}
		if b.ok {
			s.stretchTo(to, i, part, b.from, b.until(s.now, grain), 1)
		}
	}
}

// stretchTo moves the end of what n facts take up from a to b.
func (s *Set) stretchTo(g *group, grain, part int, a, b, n int64) {
	s.addSpan(g, grain, part+kpi.LevelMs, a, b, n)
	s.addEnds(g, grain, part+kpi.LevelEnd, a, b, n)
}

// addSpan adds n times the milliseconds from a to b to the intervals they lie
// in, or takes them away where b is before a.
func (s *Set) addSpan(g *group, grain, part int, a, b, n int64) {
	if b < a {
		a, b, n = b, a, -n
	}
	step := Grains()[grain]
	for start := floor(a, step); start < b; start += step {
		ms := min(b, start+step) - max(a, start)
		s.journal = append(s.journal, change{group: g, grain: grain, bucket: start, part: part, delta: n * ms})
	}
}

// addEnds adds n to every interval whose end lies in (a, b], or takes it away
// from those in (b, a].
func (s *Set) addEnds(g *group, grain, part int, a, b, n int64) {
	if b < a {
		a, b, n = b, a, -n
	}
	step := Grains()[grain]
	for end := floor(a, step) + step; end <= b; end += step {
		s.journal = append(s.journal, change{group: g, grain: grain, bucket: end - step, part: part, delta: n})
	}
}

func (s *Set) follow(o opening) {
	if o.add {
		o.group.open[o.level].add(o.from)
		s.activate(o.group)
		return
	}
	o.group.open[o.level].remove(o.from)
	s.rest(o.group)
}

func (s *Set) activate(g *group) {
	if g.active < 0 {
		g.active = len(s.active)
		s.active = append(s.active, g)
	}
}

// rest takes a group without open facts from the list that the clock visits.
func (s *Set) rest(g *group) {
	if g.active < 0 {
		return
	}
	for i := range g.open {
		if g.open[i].n > 0 {
			return
		}
	}
	last := s.active[len(s.active)-1]
	s.active[g.active], last.active = last, g.active
	s.active = s.active[:len(s.active)-1]
	g.active = -1
}

// Advance plans the move of the clock to now: what is open grows by the
// intervals that begin. It comes before the changes of facts that the same
// record causes.
func (s *Set) Advance(now int64) {
	if now <= s.now {
		return
	}
	if s.turns(s.now, now) {
		for _, g := range s.active {
			s.grow(g, now)
		}
	}
	s.now = now
}

// turns tells whether an interval ends between two instants.
func (s *Set) turns(a, b int64) bool {
	shortest := Grains()[0]
	return floor(a, shortest) != floor(b, shortest)
}

// grow lengthens what is open. Nearly all of it began before the interval that
// ends, and grows alike.
func (s *Set) grow(g *group, now int64) {
	for i, grain := range Grains() {
		if i < s.finest(g.layout) || floor(s.now, grain) == floor(now, grain) {
			continue
		}
		a, b := floor(s.now, grain)+grain, floor(now, grain)+grain
		for level := range g.open {
			part := g.layout.first[g.layout.levels[level]]
			alike := g.open[level].after(a, func(x begin) {
				s.stretchTo(g, i, part, x.at, max(x.at, b), x.n)
			})
			if alike > 0 {
				s.stretchTo(g, i, part, a, b, alike)
			}
		}
	}
}

// age says, in the intervals in which the clock stands, when the oldest of what
// is open began; intervals that it has left keep what they had.
func (s *Set) age(offset int64) {
	for _, o := range s.opens {
		for i := range grains {
			s.ageOf(o.group, o.level, i, offset, func(oldest int64) bool {
				return o.add && (oldest == 0 || o.from < oldest) || !o.add && o.from == oldest
			})
		}
	}
	for i, grain := range Grains() {
		if floor(s.was, grain) == floor(s.now, grain) {
			continue
		}
		for _, g := range s.active {
			for level := range g.open {
				if g.open[level].n > 0 {
					s.ageOf(g, level, i, offset, func(int64) bool { return true })
				}
			}
		}
	}
}

// ageOf looks for the oldest of one level in the interval of one grain, where
// the one that is known may have changed: most of what comes and goes is not
// the oldest.
func (s *Set) ageOf(g *group, level, grain int, offset int64, changed func(oldest int64) bool) {
	if grain < s.finest(g.layout) {
		return
	}
	part := g.layout.first[g.layout.levels[level]] + kpi.LevelOldest
	start := floor(s.now, Grains()[grain])
	p := g.find(grain, start)
	var known int64
	if p != nil {
		known = p.values[part]
	}
	if !changed(known) {
		return
	}
	oldest := g.open[level].oldest(start + Grains()[grain])
	if oldest != known {
		s.touch(g, grain, start, offset).values[part] = oldest
	}
}

// Evict lets go of panes that ended more than the keeping time before the
// clock. It belongs behind the commit of a clock record: a pane touched again
// begins at zero under the offset of that later record, its new incarnation;
// incarnations add up.
func (s *Set) Evict() {
	for len(s.ends.dues) > 0 && s.ends.dues[0] < s.now {
		for _, p := range s.ends.pop() {
			p.leave()
			s.keep.Drop(&p.node)
		}
	}
}

// due is after which instant the pane may go.
func (p *Pane) due() int64 { return p.bucket + Grains()[p.grain] + p.group.keepMs }

// ends holds panes by when they may go. There are few such instants, for panes
// end together, at the ends of intervals.
type ends struct {
	dues []int64 // ascending
	at   map[int64][]*Pane
	n    int
}

func (e *ends) push(p *Pane) {
	due := p.due()
	if e.at == nil {
		e.at = map[int64][]*Pane{}
	}
	if e.at[due] == nil {
		i, _ := slices.BinarySearch(e.dues, due)
		e.dues = slices.Insert(e.dues, i, due)
	}
	e.at[due] = append(e.at[due], p)
	e.n++
}

// pop takes out the panes that may go first.
func (e *ends) pop() []*Pane {
	due := e.dues[0]
	all := e.at[due]
	delete(e.at, due)
	e.dues = slices.Delete(e.dues, 0, 1)
	e.n -= len(all)
	return all
}

func (e *ends) each(f func(*Pane)) {
	for _, due := range e.dues {
		for _, p := range e.at[due] {
			f(p)
		}
	}
}

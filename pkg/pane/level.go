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
			s.stretchTo(to, i, part, a.until(s.now, grain), b.until(s.now, grain))
			continue
		}
		if a.ok {
			s.stretchTo(from, i, part, a.until(s.now, grain), a.from)
		}
		if b.ok {
			s.stretchTo(to, i, part, b.from, b.until(s.now, grain))
		}
	}
}

// stretchTo moves the end of what a fact takes up from a to b.
func (s *Set) stretchTo(g *group, grain, part int, a, b int64) {
	s.addSpan(g, grain, part+kpi.LevelMs, a, b)
	s.addEnds(g, grain, part+kpi.LevelEnd, a, b)
}

// addSpan adds the milliseconds from a to b to the intervals they lie in, or
// takes them away where b is before a.
func (s *Set) addSpan(g *group, grain, part int, a, b int64) {
	sign := int64(1)
	if b < a {
		a, b, sign = b, a, -1
	}
	step := Grains()[grain]
	for start := floor(a, step); start < b; start += step {
		ms := min(b, start+step) - max(a, start)
		s.journal = append(s.journal, change{group: g, grain: grain, bucket: start, part: part, delta: sign * ms})
	}
}

// addEnds adds 1 to every interval whose end lies in (a, b], or takes it away
// from those in (b, a].
func (s *Set) addEnds(g *group, grain, part int, a, b int64) {
	sign := int64(1)
	if b < a {
		a, b, sign = b, a, -1
	}
	step := Grains()[grain]
	for end := floor(a, step) + step; end <= b; end += step {
		s.journal = append(s.journal, change{group: g, grain: grain, bucket: end - step, part: part, delta: sign})
	}
}

func (s *Set) follow(o opening) {
	list := &o.group.open[o.level]
	if o.add {
		*list = append(*list, o.from)
		s.activate(o.group)
		return
	}
	if i := slices.Index(*list, o.from); i >= 0 {
		(*list)[i] = (*list)[len(*list)-1]
		*list = (*list)[:len(*list)-1]
	}
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
	for _, list := range g.open {
		if len(list) > 0 {
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

func (s *Set) grow(g *group, now int64) {
	for level, list := range g.open {
		part := g.layout.first[g.layout.levels[level]]
		for _, from := range list {
			x := stretch{from: from, open: true}
			for i, grain := range Grains() {
				if i >= s.finest(g.layout) {
					s.stretchTo(g, i, part, x.until(s.now, grain), x.until(now, grain))
				}
			}
		}
	}
}

// age says, in the intervals in which the clock stands, when the oldest of what
// is open began; intervals that it has left keep what they had.
func (s *Set) age(offset int64) {
	for _, o := range s.opens {
		s.ageOf(o.group, o.level, offset, func(oldest int64) bool {
			return o.add && (oldest == 0 || o.from < oldest) || !o.add && o.from == oldest
		})
	}
	if !s.turns(s.was, s.now) {
		return
	}
	for _, g := range s.active {
		for level := range g.open {
			s.ageOf(g, level, offset, func(int64) bool { return true })
		}
	}
}

// ageOf looks for the oldest of one level where the one that is known may have
// changed: most of what comes and goes is not the oldest.
func (s *Set) ageOf(g *group, level int, offset int64, changed func(oldest int64) bool) {
	part := g.layout.first[g.layout.levels[level]] + kpi.LevelOldest
	for i, grain := range Grains() {
		if i < s.finest(g.layout) {
			continue
		}
		start := floor(s.now, grain)
		p := g.panes[paneKey{i, start}]
		var known int64
		if p != nil {
			known = p.values[part]
		}
		if !changed(known) {
			continue
		}
		var oldest int64
		for _, from := range g.open[level] {
			if from < start+grain && (oldest == 0 || from < oldest) {
				oldest = from
			}
		}
		if oldest != known {
			s.touch(g, i, start, offset).values[part] = oldest
		}
	}
}

// Evict lets go of panes that ended more than the keeping time before the
// clock. It belongs behind the commit of a clock record: a pane touched again
// begins at zero under the offset of that later record, its new incarnation;
// incarnations add up.
func (s *Set) Evict() {
	for len(s.ends) > 0 && s.ends[0].due() < s.now {
		p := s.ends.pop()
		delete(p.group.panes, paneKey{p.grain, p.bucket})
		s.keep.Drop(&p.node)
	}
}

// due is after which instant the pane may go.
func (p *Pane) due() int64 { return p.bucket + Grains()[p.grain] + p.group.keepMs }

// endHeap holds panes by when they may go; among equals the order of the group's
// key and the grain decides, so eviction is a function of the log.
type endHeap []*Pane

func (h endHeap) less(i, j int) bool {
	a, b := h[i], h[j]
	if a.due() != b.due() {
		return a.due() < b.due()
	}
	if a.grain != b.grain {
		return a.grain < b.grain
	}
	return a.group.key < b.group.key
}

func (h *endHeap) push(p *Pane) {
	*h = append(*h, p)
	for i := len(*h) - 1; i > 0; {
		up := (i - 1) / 2
		if !h.less(i, up) {
			return
		}
		(*h)[i], (*h)[up] = (*h)[up], (*h)[i]
		i = up
	}
}

func (h *endHeap) pop() *Pane {
	old := *h
	top := old[0]
	n := len(old) - 1
	old[0], old[n] = old[n], nil
	*h = old[:n]
	for i := 0; ; {
		c := 2*i + 1
		if c >= n {
			return top
		}
		if c+1 < n && h.less(c+1, c) {
			c++
		}
		if !h.less(c, i) {
			return top
		}
		(*h)[i], (*h)[c] = (*h)[c], (*h)[i]
		i = c
	}
}

package pane

import (
	"cmp"
	"slices"

	"github.com/nabz/nabz/pkg/fact"
	"github.com/nabz/nabz/pkg/kpi"
	"github.com/nabz/nabz/pkg/row"
)

// Of a distribution most buckets of most panes are empty, so a pane holds those
// that are not, ascending; they are added to and taken from like other sums.

// maxTops is how many of the greatest values a pane holds on to, so that a
// correction may lower the greatest: more than that are hardly ever corrected
// in one minute.
const maxTops = 16

// extreme is the greatest of a measure in one pane. All values are one more
// than they are, so that 0 is none.
type extreme struct {
	tops  []int64 // the greatest, descending
	bound int64   // the greatest that was left out: no other is greater
}

// in takes a value. One that is not above what was left out before is left out
// too: that may tell the greatest too high once all tops are withdrawn, and
// never too low.
func (x *extreme) in(v int64) {
	if v <= x.bound {
		return
	}
	i, _ := slices.BinarySearchFunc(x.tops, v, func(a, b int64) int { return cmp.Compare(b, a) })
	x.tops = slices.Insert(x.tops, i, v)
	if len(x.tops) > maxTops {
		x.bound = x.tops[maxTops]
		x.tops = x.tops[:maxTops]
	}
}

// out takes a value back. One that is not there was left out, or belongs to an
// incarnation that is gone, which has said it.
func (x *extreme) out(v int64) {
	if i := slices.Index(x.tops, v); i >= 0 {
		x.tops = slices.Delete(x.tops, i, i+1)
	}
}

func (x *extreme) greatest() int64 {
	if len(x.tops) > 0 {
		return x.tops[0]
	}
	return x.bound
}

// length is the value of a fact that a distribution or an extreme takes, and
// the instant it counts at.
func length(m *kpi.Measure, f *fact.Fact) (v, at int64, ok bool) {
	if f == nil || !f.Values[m.At].Set || !f.Values[m.Column].Set || !m.Takes(f) {
		return 0, 0, false
	}
	return f.Values[m.Column].Int, f.Values[m.At].Int, true
}

func (s *Set) changeHist(m *kpi.Measure, part int, from *group, was *fact.Fact, to *group, is *fact.Fact) {
	a, aAt, okA := length(m, was)
	b, bAt, okB := length(m, is)
	if from == to && okA == okB && a == b && aAt == bAt {
		return
	}
	if okA {
		s.add(from, part+kpi.HistCount, aAt, -1)
		s.add(from, part+kpi.HistSum, aAt, -a)
		s.plan(opCell, from, part, aAt, a, -1)
	}
	if okB {
		s.add(to, part+kpi.HistCount, bAt, 1)
		s.add(to, part+kpi.HistSum, bAt, b)
		s.plan(opCell, to, part, bAt, b, 1)
	}
}

func (s *Set) changeMax(m *kpi.Measure, part int, from *group, was *fact.Fact, to *group, is *fact.Fact) {
	a, aAt, okA := length(m, was)
	b, bAt, okB := length(m, is)
	if from == to && okA == okB && a == b && aAt == bAt {
		return
	}
	if okA {
		s.plan(opOut, from, part, aAt, a, 0)
	}
	if okB {
		s.plan(opIn, to, part, bAt, b, 0)
	}
}

// plan plans a change of the panes that hold an instant, by a value.
func (s *Set) plan(op op, g *group, part int, at, value, delta int64) {
	for i, grain := range Grains() {
		s.journal = append(s.journal, change{op: op, group: g, grain: i, bucket: floor(at, grain), part: part, value: value, delta: delta})
	}
}

// apply makes one planned change.
func (s *Set) apply(p *Pane, c *change) {
	l := p.group.layout
	switch c.op {
	case opAdd:
		p.values[c.part] += c.delta
	case opCell:
		id := l.hists[c.part] + uint32(kpi.Bucket(c.value))
		p.count(id, c.delta)
		s.counted(p, id, c.delta)
	case opIn:
		x := p.extreme(c.part)
		x.in(c.value + 1)
		p.values[c.part], p.stale = x.greatest(), true
	case opOut:
		x := p.extreme(c.part)
		x.out(c.value + 1)
		p.values[c.part], p.stale = x.greatest(), true
	}
}

// nearBy is how far back a step looks for what it did to the same bucket. What
// stands further apart counts as two changes, and the row gets a version for
// nothing: only a clock record that ends thousands of facts is so long.
const nearBy = 64

// counted remembers what a step does to a bucket: of two facts that change
// places nothing changes.
func (s *Set) counted(p *Pane, id uint32, delta int64) {
	for i := len(s.cells) - 1; i >= max(0, len(s.cells)-nearBy); i-- {
		c := &s.cells[i]
		if c.pane != p || c.id != id {
			continue
		}
		if c.delta != 0 {
			p.extra.moved--
		}
		if c.delta += delta; c.delta != 0 {
			p.extra.moved++
		}
		return
	}
	p.extra.moved++
	s.cells = append(s.cells, cellChange{p, id, delta})
}

// more is what a pane holds beside its sums, made when first needed.
func (p *Pane) more() *extra {
	if p.extra == nil {
		p.extra = &extra{}
	}
	return p.extra
}

// count adds to one bucket; an empty one is not held.
func (p *Pane) count(id uint32, n int64) {
	x := p.more()
	i, there := slices.BinarySearchFunc(x.cells, id, func(c row.Cell, id uint32) int { return cmp.Compare(c.Part, id) })
	switch {
	case !there:
		x.cells = slices.Insert(x.cells, i, row.Cell{Part: id, Value: n})
	case x.cells[i].Value+n == 0:
		x.cells = slices.Delete(x.cells, i, i+1)
	default:
		x.cells[i].Value += n
	}
}

func (p *Pane) extreme(part int) *extreme {
	x := p.more()
	if x.extremes == nil {
		x.extremes = make([]extreme, len(p.group.layout.tops))
	}
	return &x.extremes[slices.Index(p.group.layout.tops, part)]
}

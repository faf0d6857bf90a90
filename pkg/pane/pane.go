// Package pane adds facts up: for every family, combination of dimensions and
// interval one wide row of measures, absolute and versioned.
//
// It does not know where facts come from, nor who reads the rows. It reads no
// clock, starts no goroutine and performs no I/O.
package pane

import (
	"slices"

	"github.com/nabz/nabz/pkg/event"
	"github.com/nabz/nabz/pkg/fact"
	"github.com/nabz/nabz/pkg/kpi"
	"github.com/nabz/nabz/pkg/row"
	"github.com/nabz/nabz/pkg/statelog"
)

// Semantics is raised when the same facts give other panes: state that was made
// before is then not gone on with.
const Semantics = 4

const grains = 2

// quarterly is the index of the longer of the grains.
const quarterly = 1

// Grains are the lengths of the intervals, ms: a minute, and a quarter of an
// hour, the longest that starts together with the days of every zone in use
// (Tehran stands at +03:30, Kathmandu at +05:45).
func Grains() [grains]int64 { return [grains]int64{60_000, 900_000} }

// MaxGroups is the most combinations of dimensions that one tenant may have in
// one family and task. It bounds what a source that writes a new queue name
// with every event can cost; more than that fall into Other.
const MaxGroups = 10_000

// Other is the value of every dimension of the group that takes the rest.
const Other = "__other__"

// Layout is a family with the measures kept of it.
type Layout struct {
	Family   *fact.Family
	Measures []*kpi.Measure
	dims     []int          // columns of the dimensions
	lost     int            // column that says that a fact was given up, or -1
	first    []int          // index of each measure's first part
	ids      []uint32       // of the parts
	levels   []int          // indexes of the measures that are levels
	tops     []int          // first parts of the measures that are extremes
	hists    map[int]uint32 // identities of the first buckets, by first part
	reads    []uint64       // by measure: the columns it looks at
}

// NewLayout prepares a family.
func NewLayout(f *fact.Family, measures []*kpi.Measure) *Layout {
	l := &Layout{Family: f, Measures: measures, lost: f.Column(f.Lost), hists: map[int]uint32{}}
	for _, d := range f.Dims {
		l.dims = append(l.dims, f.Column(d))
	}
	for i, m := range measures {
		l.reads = append(l.reads, reads(m)|column(max(0, l.lost)))
		l.first = append(l.first, len(l.ids))
		for _, p := range m.Parts() {
			if p.Width == 1 {
				l.ids = append(l.ids, p.ID)
			} else {
				l.hists[l.first[i]] = p.ID
			}
		}
		switch m.Op {
		case kpi.Level:
			l.levels = append(l.levels, i)
		case kpi.Max:
			l.tops = append(l.tops, l.first[i])
		case kpi.Count, kpi.Sum, kpi.Hist:
		}
	}
	return l
}

// column is the bit of a column in a set of them; those behind the 63rd share one.
func column(i int) uint64 { return 1 << min(i, 63) }

// reads is the set of columns on which it depends what a measure counts.
func reads(m *kpi.Measure) uint64 {
	set := column(m.At) | column(m.Column) | column(m.From) | column(m.To)
	for i := range m.Where {
		c := &m.Where[i]
		set |= column(c.Column) | column(c.When) | column(max(0, c.Since-1))
	}
	return set
}

// changed is the set of columns in which two forms of a fact differ.
func changed(a, b *fact.Fact) (set uint64) {
	for i := range a.Values {
		if a.Values[i] != b.Values[i] {
			set |= column(i)
		}
	}
	return set
}

// Pane is one interval of one group.
type Pane struct {
	group       *group
	grain       int32 // index of Grains
	stale       bool  // more than the row has changed
	dirty       bool  // its row is still to be written
	bucket      int64
	incarnation int64
	version     int64
	changedAt   int64 // the clock when version came
	touched     int64 // the step that last touched it
	values      []int64
	extra       *extra // nil: nothing
	node        statelog.Node
}

// extra is what a pane holds beside its sums.
type extra struct {
	cells    []row.Cell // buckets that are not empty, ascending by part
	extremes []extreme  // by index of Layout.tops
	moved    int        // how many of the step's changes of cells are not nothing
}

// before is what a pane held before the step that touches it.
type before struct {
	pane   *Pane
	values int // where its values begin in Set.values
	fresh  bool
}

// cellChange is by how much a step changes one bucket, all in all.
type cellChange struct {
	pane  *Pane
	id    uint32
	delta int64
}

// change is one change of a pane that a step is about to make.
type change struct {
	op     op
	group  *group
	grain  int
	bucket int64
	part   int
	delta  int64
	value  int64 // of all but opAdd: the length that comes or goes
}

type op uint8

const (
	opAdd  op = iota // delta to a sum
	opCell           // delta to the bucket of value
	opIn             // value to an extreme
	opOut            // value from it
)

// Set is all panes of one feed in one task.
type Set struct {
	place   row.Place // Partition, Epoch, Generation, Feed
	keepMs  map[string]int64
	now     int64
	layouts map[*fact.Family]*Layout
	groups  map[string]*group
	count   map[string]int // groups by tenant and family
	active  []*group       // those with facts that are open
	journal []change
	opens   []opening
	touched []before
	values  []int64      // of what is touched
	cells   []cellChange // in what is touched
	dirty   []*Pane
	later   []*Pane // dirty too, of quarters that are not over
	quarter int64   // in which the clock stood when later was last looked through
	ends    ends
	made    []*group // groups that the step registers
	keep    *statelog.Keeper
	prefix  string
	was     int64 // the clock before the step
	keyBuf  []byte
}

// opening is a fact that a step begins or ceases to follow as open.
type opening struct {
	group *group
	level int
	from  int64
	add   bool
}

// Config is what a set needs.
type Config struct {
	Place   row.Place
	Layouts []*Layout
	// KeepMs is how long after its end a pane stays in memory, by the kind of
	// its family, ms.
	KeepMs map[string]int64
	// Keeper is told of every change, under keys that begin with Prefix.
	Keeper *statelog.Keeper
	Prefix string
	// Now is the feed's clock, ms since 1970 UTC.
	Now int64
}

// NewSet makes an empty set.
func NewSet(c Config) *Set {
	s := &Set{
		place: c.Place, keepMs: c.KeepMs, keep: c.Keeper, prefix: c.Prefix, now: c.Now, was: c.Now,
		layouts: map[*fact.Family]*Layout{}, groups: map[string]*group{}, count: map[string]int{},
	}
	for _, l := range c.Layouts {
		s.layouts[l.Family] = l
	}
	return s
}

// Change plans the effect of a fact that was and is: either may be nil. Facts
// of one identity belong to one tenant.
func (s *Set) Change(tenant string, was, is *fact.Fact) {
	var l *Layout
	if is != nil {
		l = s.layouts[is.Family]
	} else {
		l = s.layouts[was.Family]
	}
	if l == nil || len(l.Measures) == 0 {
		return
	}
	var from, to *group
	if was != nil {
		from = s.group(tenant, l, was)
	}
	switch {
	case is == nil:
	case was != nil && l.together(was, is):
		to = from
	default:
		to = s.group(tenant, l, is)
	}
	// What looks at no column that changed counts what it counted.
	set := ^uint64(0)
	if was != nil && from == to {
		set = changed(was, is)
	}
	for i, m := range l.Measures {
		if l.reads[i]&set == 0 {
			continue
		}
		p := l.first[i]
		switch m.Op {
		case kpi.Level:
			s.changeLevel(l, i, p, from, was, to, is)
			continue
		case kpi.Hist:
			s.changeHist(m, p, from, was, to, is)
			continue
		case kpi.Max:
			s.changeMax(m, p, from, was, to, is)
			continue
		case kpi.Count, kpi.Sum:
		}
		a, aBucket := weigh(m, was)
		b, bBucket := weigh(m, is)
		if from == to && aBucket == bBucket {
			s.add(to, p, bBucket, b-a)
			continue
		}
		s.add(from, p, aBucket, -a)
		s.add(to, p, bBucket, b)
	}
}

// together tells whether two forms of a fact belong to one group.
func (l *Layout) together(a, b *fact.Fact) bool {
	for _, d := range l.dims {
		if a.Values[d].Text != b.Values[d].Text {
			return false
		}
	}
	return true
}

// weigh is what a fact adds to a count or sum, and the instant it adds it at.
func weigh(m *kpi.Measure, f *fact.Fact) (weight, at int64) {
	if f == nil || !f.Values[m.At].Set || !m.Takes(f) {
		return 0, 0
	}
	at = f.Values[m.At].Int
	if m.Op == kpi.Count {
		return 1, at
	}
	if v := f.Values[m.Column]; v.Set {
		return v.Int, at
	}
	return 0, at
}

func (s *Set) add(g *group, part int, at, delta int64) {
	if delta == 0 {
		return
	}
	for i, grain := range Grains() {
		s.journal = append(s.journal, change{group: g, grain: i, bucket: floor(at, grain), part: part, delta: delta})
	}
}

// Commit makes the planned changes; the record at offset caused them.
func (s *Set) Commit(offset int64) {
	for _, g := range s.made {
		s.keep.Touch(&g.node, g)
	}
	var last [grains]*Pane // most changes touch what the one before touched
	for i := range s.journal {
		c := &s.journal[i]
		p := last[c.grain]
		if p == nil || p.group != c.group || p.bucket != c.bucket {
			p = s.touch(c.group, c.grain, c.bucket, offset)
			last[c.grain] = p
		}
		s.apply(p, c)
	}
	for _, o := range s.opens {
		s.follow(o)
	}
	s.age(offset)
	s.settle(offset)
	s.was = s.now
	s.made, s.journal, s.opens = s.made[:0], s.journal[:0], s.opens[:0]
}

// Discard forgets the planned changes.
func (s *Set) Discard() {
	s.forget()
	s.now = s.was
	s.journal, s.opens = s.journal[:0], s.opens[:0]
}

func (s *Set) touch(g *group, grain int, bucket, offset int64) *Pane {
	p := g.find(grain, bucket)
	if p == nil {
		p = &Pane{group: g, grain: int32(grain), bucket: bucket, incarnation: offset, touched: offset, values: make([]int64, len(g.layout.ids))}
		g.put(p)
		s.touched = append(s.touched, before{p, len(s.values), true})
	}
	if p.touched != offset {
		p.touched = offset
		s.touched = append(s.touched, before{p, len(s.values), false})
		s.values = append(s.values, p.values...)
	}
	return p
}

// settle gives a version to what the step really changed, and forgets panes
// that it made for nothing.
func (s *Set) settle(offset int64) {
	for i := range s.touched {
		b := &s.touched[i]
		p := b.pane
		switch {
		case s.changed(i):
			if b.fresh {
				s.ends.push(p)
			}
			p.version, p.changedAt = offset, s.was
			s.soil(p)
			s.keep.Touch(&p.node, p)
		case b.fresh:
			p.leave()
		case p.stale:
			s.keep.Touch(&p.node, p)
		}
		p.stale = false
		if p.extra != nil {
			p.extra.moved = 0
		}
	}
	clear(s.touched)
	clear(s.cells)
	s.touched, s.values, s.cells = s.touched[:0], s.values[:0], s.cells[:0]
}

// changed tells whether a pane's row is another than before the step.
func (s *Set) changed(i int) bool {
	b := &s.touched[i]
	p := b.pane
	if b.fresh {
		return p.extra != nil && len(p.extra.cells) > 0 || slices.ContainsFunc(p.values, func(v int64) bool { return v != 0 })
	}
	if !slices.Equal(p.values, s.values[b.values:b.values+len(p.values)]) {
		return true
	}
	return p.extra != nil && p.extra.moved != 0
}

// soil notes that a pane's row is to be written.
func (s *Set) soil(p *Pane) {
	switch {
	case p.dirty:
	case s.waits(p):
		s.later = append(s.later, p)
	default:
		s.dirty = append(s.dirty, p)
	}
	p.dirty = true
}

// waits tells whether a pane's row need not be written yet: on the live feed that
// of a quarter is, once it is over. Until then its minutes say the same, and most
// of them are done with long before.
func (s *Set) waits(p *Pane) bool {
	return s.place.Feed == event.Live && p.grain == quarterly && p.bucket+Grains()[quarterly] > s.now
}

// due moves to dirty what need not wait any longer.
func (s *Set) due() {
	if at := floor(s.now, Grains()[quarterly]); at != s.quarter {
		s.quarter = at
		s.later = slices.DeleteFunc(s.later, func(p *Pane) bool {
			over := !s.waits(p)
			if over {
				s.dirty = append(s.dirty, p)
			}
			return over
		})
	}
}

// Rows calls write with the row of every pane that changed since the last
// call, and its route: tenant and family. On the live feed the row of a quarter of an
// hour comes once that is over. The row is used again after write returns.
func (s *Set) Rows(write func(r *row.Pane, route string)) {
	s.due()
	var r row.Pane
	for i, p := range s.dirty {
		p.dirty = false
		s.row(p, &r)
		write(&r, p.group.route)
		s.dirty[i] = nil
	}
	s.dirty = s.dirty[:0]
}

func (s *Set) row(p *Pane, r *row.Pane) {
	cells := r.Cells[:0]
	*r = row.Pane{
		Place: s.place, Family: p.group.layout.Family.Name, Grain: int32(Grains()[p.grain] / 1000),
		Bucket: p.bucket, Dims: p.group.dims, Incarnation: p.incarnation, Version: p.version,
		ChangedAt: p.changedAt,
	}
	r.Tenant = p.group.tenant
	for i, v := range p.values {
		if v != 0 {
			cells = append(cells, row.Cell{Part: p.group.layout.ids[i], Value: v})
		}
	}
	if p.extra != nil {
		cells = append(cells, p.extra.cells...)
	}
	r.Cells = cells
}

// Len is how many panes are in memory.
func (s *Set) Len() int { return s.ends.n }

// floor is the greatest multiple of grain that is ≤ t, for negative t too.
func floor(t, grain int64) int64 {
	b := t - t%grain
	if t%grain < 0 {
		b -= grain
	}
	return b
}

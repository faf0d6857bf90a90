package kpi

import (
	"cmp"
	"slices"
)

// Totals bring panes together: of several intervals, groups, partitions and
// incarnations. Every reader of panes outside SQL merges by them, so that there
// is one meaning of what panes add up to.
//
//	t := kpi.NewTotals(set.Measures(family))
//	plan := t.Plan(d)
//	for each pane: for each of its cells: t.Add(cell.Part, cell.Value, last)
//	figures := t.Figures(nil, plan, from, asOf, until)
//
// Totals take the parts of all measures they were made of, so one pass over
// panes serves all definitions of a family.
type Totals struct {
	index  *index
	values []int64         // by slot
	hists  [][]BucketCount // ascending by bucket
}

// index says where parts go; Totals of the same measures share it.
type index struct {
	slots    map[uint32]slot
	order    []slot         // the same, by place
	hists    map[uint32]int // by first identity
	measures map[string]place
}

type slot struct {
	at    int
	merge Merge
	end   bool
	level bool // it is of a Level
}

// place is where a measure's first slot is, and its distribution.
type place struct{ slot, hist int }

// NewTotals makes empty totals of measures.
func NewTotals(measures []*Measure) *Totals {
	x := &index{slots: map[uint32]slot{}, hists: map[uint32]int{}, measures: map[string]place{}}
	n := 0
	for _, m := range measures {
		x.measures[m.Name] = place{n, len(x.hists)}
		for _, p := range m.Parts() {
			if p.Width > 1 {
				x.hists[p.ID] = len(x.hists)
				continue
			}
			s := slot{n, p.Merge, p.AtEnd, m.Op == Level}
			x.slots[p.ID], x.order = s, append(x.order, s)
			n++
		}
	}
	return &Totals{index: x, values: make([]int64, n), hists: make([][]BucketCount, len(x.hists))}
}

// Totals makes empty totals of the definition's own measures.
func (d *Definition) Totals() *Totals {
	var measures []*Measure
	for _, n := range d.Measures {
		measures = append(measures, n.Measure)
	}
	return NewTotals(measures)
}

// Empty makes other totals of the same measures, with nothing in them.
func (t *Totals) Empty() *Totals {
	return &Totals{index: t.index, values: make([]int64, len(t.values)), hists: make([][]BucketCount, len(t.hists))}
}

// Reset takes everything out and keeps the memory.
func (t *Totals) Reset() {
	clear(t.values)
	for i := range t.hists {
		t.hists[i] = t.hists[i][:0]
	}
}

// Spot is where totals keep a part.
type Spot struct {
	at     int32
	hist   int16 // index of the distribution, or -1: it is a number
	bucket uint16
	merge  Merge
	end    bool
}

// Spot finds where the totals, and all of the same measures, keep a part; ok is
// false for one of other measures.
func (t *Totals) Spot(part uint32) (s Spot, ok bool) {
	if s, ok := t.index.slots[part]; ok {
		return Spot{at: int32(s.at), hist: -1, merge: s.merge, end: s.end}, true
	}
	h, ok := t.index.hists[part&^(Buckets-1)]
	return Spot{hist: int16(h), bucket: uint16(part & (Buckets - 1))}, ok
}

// Add takes one cell of a pane in; parts of other measures are passed over.
// last says that the pane is the last of its span, or the one that the clock
// stands in: of the others it does not matter what was open at their ends.
func (t *Totals) Add(part uint32, value int64, last bool) {
	if s, ok := t.Spot(part); ok {
		t.AddAt(s, value, last)
	}
}

// AddAt is [Totals.Add] for who has looked the part up before.
func (t *Totals) AddAt(s Spot, value int64, last bool) {
	switch {
	case s.hist >= 0:
		t.hists[s.hist] = addBucket(t.hists[s.hist], s.bucket, value)
	case last || !s.end:
		t.values[s.at] = s.merge.join(t.values[s.at], value)
	}
}

// Replace takes a value in, of the last pane of its span, in place of another
// that is in already; 0 stands for none. It gives false where what is left cannot
// be told from the totals alone, and they have to be made anew.
func (t *Totals) Replace(s Spot, was, now int64) bool {
	switch {
	case was == now:
	case s.hist >= 0:
		t.hists[s.hist] = addBucket(t.hists[s.hist], s.bucket, now-was)
		t.hists[s.hist] = slices.DeleteFunc(t.hists[s.hist], func(c BucketCount) bool { return c.Count == 0 })
	case s.merge == MergeSum:
		t.values[s.at] += now - was
	case was == 0 || now != 0 && s.merge.join(was, now) == now:
		t.values[s.at] = s.merge.join(t.values[s.at], now)
	default:
		return t.values[s.at] != was // another is the extreme
	}
	return true
}

// Merge takes in what other totals of the same measures hold: of other groups
// over the same span.
func (t *Totals) Merge(o *Totals) {
	for at, s := range t.index.order {
		t.values[at] = s.merge.join(t.values[at], o.values[at])
	}
	t.extendHists(o)
}

// Zero tells whether nothing is in the totals, or all has cancelled out.
func (t *Totals) Zero() bool {
	return !slices.ContainsFunc(t.values, func(v int64) bool { return v != 0 })
}

func (m Merge) join(a, b int64) int64 {
	switch {
	case m == MergeSum:
		return a + b
	case a == 0 || b == 0:
		return a + b
	case m == MergeMax:
		return max(a, b)
	}
	return min(a, b)
}

func addBucket(counts []BucketCount, bucket uint16, n int64) []BucketCount {
	i, there := slices.BinarySearchFunc(counts, bucket, func(c BucketCount, b uint16) int { return cmp.Compare(c.Bucket, b) })
	if there {
		counts[i].Count += n
		return counts
	}
	return slices.Insert(counts, i, BucketCount{bucket, n})
}

// CountOf is the formula of how many facts the headline is made of: what it
// divides by, what it counts, or what its distribution holds. ok is false where
// no number of facts is behind it.
func (d *Definition) CountOf() (e Expr, ok bool) {
	head := d.Values[0].Expr
	if _, den, divides := Ratio(head); divides {
		p, _ := d.power(den)
		return den, p == (power{}) // a share of time is made of no number of facts
	}
	if r, is := head.(Ref); is {
		switch r.At {
		case Quantile, Deviation:
			return Ref{Measure: r.Measure, At: Counted}, true
		case Greatest:
			if d.Measure(r.Measure).Op == Hist {
				return Ref{Measure: r.Measure, At: Counted}, true
			}
			return nil, false
		case Oldest:
			return Ref{Measure: r.Measure, At: AtEnd}, true
		case Whole, AtEnd, Mean, Spent, Counted, Added, Passed, Other:
		}
	}
	return head, d.Unit == UnitCount
}

// Aged is the level whose oldest fact a formula of the definition asks for.
func (d *Definition) Aged() (measure string, ok bool) {
	for _, v := range d.Values {
		Walk(v.Expr, func(r Ref) {
			if r.At == Oldest && !ok {
				measure, ok = r.Measure, true
			}
		})
	}
	return measure, ok
}

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
//	for each pane: for each of its cells: t.Add(cell.Part, cell.Value, last)
//	figures := t.Figures(nil, d, from, asOf)
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

// Add takes one cell of a pane in; parts of other measures are passed over.
// last says that the pane is the last of its span, or the one that the clock
// stands in: of the others it does not matter what was open at their ends.
func (t *Totals) Add(part uint32, value int64, last bool) {
	if s, ok := t.index.slots[part]; ok {
		if last || !s.end {
			t.values[s.at] = s.merge.join(t.values[s.at], value)
		}
		return
	}
	if h, ok := t.index.hists[part&^(Buckets-1)]; ok {
		t.hists[h] = addBucket(t.hists[h], uint16(part&(Buckets-1)), value)
	}
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

// NamedFigure is one figure of a definition, in its unit.
type NamedFigure struct {
	Name  string
	Value float64
}

// Figures appends what a definition makes of the totals over the span from
// from to asOf, whose last pane ends at until, all ms since 1970 UTC, and gives
// the result: value, the headline;
// numerator and denominator, where it divides; count, of the facts that it is
// made of; every variant under its name; and since, where it is the age of
// what has been open longest: the instant from which that age is told, ms since
// 1970 UTC. What has no value is left out.
func (t *Totals) Figures(dst []NamedFigure, d *Definition, from, asOf, until int64) []NamedFigure {
	figure := func(r Ref) (float64, bool) { return t.figure(d, r, asOf-from, asOf, max(0, until-asOf)) }
	add := func(name string, value float64, ok bool) {
		if ok {
			dst = append(dst, NamedFigure{name, value})
		}
	}
	head := d.Values[0].Expr
	value, ok := d.Value(head, figure)
	add("value", value, ok)
	if num, den, divides := Ratio(head); divides {
		value, ok = d.Value(num, figure)
		add("numerator", value, ok)
		value, ok = Eval(den, figure)
		add("denominator", value, ok)
	}
	if of, counts := d.CountOf(); counts {
		value, ok = Eval(of, figure)
		add("count", value, ok)
	}
	for _, v := range d.Values[1:] {
		value, ok = d.Value(v.Expr, figure)
		add(v.Name, value, ok)
	}
	if name, aged := d.Aged(); aged {
		since := t.values[t.index.measures[d.Measure(name).Name].slot+LevelOldest]
		add("since", float64(since), since != 0)
	}
	return dst
}

// figure is the number of a reference, in its smallest unit, over a span of so
// many milliseconds, behind which the last pane has rest more.
func (t *Totals) figure(d *Definition, r Ref, span, asOf, rest int64) (float64, bool) {
	p := t.index.measures[d.Measure(r.Measure).Name]
	number := func(part int) (float64, bool) { return float64(t.values[p.slot+part]), true }
	switch r.At {
	case Whole:
		return number(0)
	case AtEnd:
		return number(LevelEnd)
	case Mean, Spent:
		// What is open counts to the end of the pane: the rest is still to come.
		ms := max(0, t.values[p.slot+LevelMs]-t.values[p.slot+LevelEnd]*rest)
		if r.At == Spent {
			return float64(ms), true
		}
		return float64(ms) / float64(max(span, 1)), span > 0
	case Oldest:
		since := t.values[p.slot+LevelOldest]
		return float64(max(0, asOf-since)), since != 0
	case Counted:
		return number(HistCount)
	case Added:
		return number(HistSum)
	case Quantile:
		return quantile(t.hists[p.hist], r.Percent)
	case Greatest:
		if m := d.Measure(r.Measure); m.Op == Hist {
			return greatest(t.hists[p.hist])
		}
		most := t.values[p.slot]
		return float64(most - 1), most != 0
	}
	panic("kpi: unknown figure")
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
		case Quantile:
			return Ref{Measure: r.Measure, At: Counted}, true
		case Greatest:
			if d.Measure(r.Measure).Op == Hist {
				return Ref{Measure: r.Measure, At: Counted}, true
			}
			return nil, false
		case Oldest:
			return Ref{Measure: r.Measure, At: AtEnd}, true
		case Whole, AtEnd, Mean, Spent, Counted, Added:
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

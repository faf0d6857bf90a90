package kpi

import (
	"bytes"
	"cmp"
	"math"
	"slices"
	"strings"

	"github.com/nabz/nabz/pkg/fact"
)

// Interval is what a definition is asked about, ms since 1970 UTC.
type Interval struct {
	From, Until int64
	Before      int64             // where the interval before begins; it ends at From
	Now         int64             // the clock
	Day         func(int64) int64 // the number of the day in which an instant lies
}

// OverFacts works every formula out over facts themselves: by sets and sums,
// without panes, versions or increments. where keeps the facts of one group; a
// family that lacks a dimension counts in each of its values.
func (d *Definition) OverFacts(facts []fact.Fact, where map[string]string, in Interval) []NamedFigure {
	o := &overFacts{d: d, facts: slices.Clone(facts), where: where, in: in}
	slices.SortStableFunc(o.facts, func(a, b fact.Fact) int { return bytes.Compare(a.ID[:], b.ID[:]) })
	o.merge()
	var out []NamedFigure
	if !o.ripe() {
		return nil
	}
	for _, v := range d.Values {
		if value, ok := d.Value(v.Expr, o.figure); ok {
			out = append(out, NamedFigure{cmp.Or(v.Name, "value"), value})
		}
	}
	return out
}

type overFacts struct {
	d     *Definition
	facts []fact.Fact
	where map[string]string
	in    Interval
	// roots are who entities are now that were merged into others, by kind.
	roots map[string]map[string]string
}

// merge finds who was merged into whom, as the last fact of each says.
func (o *overFacts) merge() {
	o.roots = map[string]map[string]string{}
	at := map[string]int64{}
	for i := range o.facts {
		f := &o.facts[i]
		into, own := f.Family.Column(fact.MergedInto), f.Family.Column(f.Family.Kind)
		if into < 0 || own < 0 || !f.Values[into].Set || at[f.Values[own].Text] > f.OpenedAt {
			continue
		}
		if o.roots[f.Family.Kind] == nil {
			o.roots[f.Family.Kind] = map[string]string{}
		}
		at[f.Values[own].Text] = f.OpenedAt
		o.roots[f.Family.Kind][f.Values[own].Text] = f.Values[into].Text
	}
}

// MergeSteps is how often an entity may be merged on: three of them in a row are
// already rare.
const MergeSteps = 4

// ripe tells whether the facts of the interval can be known.
func (o *overFacts) ripe() bool {
	if len(o.d.Days) == 0 {
		return o.d.AfterMs == 0 || o.in.Now >= o.in.Until+o.d.AfterMs
	}
	day := o.days()
	last := day.To
	if last == math.MaxInt32 {
		last = day.From
	}
	if slices.ContainsFunc(o.d.Measures, func(n Named) bool { return n.Measure.Hours }) {
		return o.in.Now >= o.in.Until+(last+1)*86_400_000
	}
	return o.in.Day(o.in.Now) > o.in.Day(o.in.Until-1)+last
}

func (o *overFacts) days() Days {
	i := slices.IndexFunc(o.d.Days, func(d Days) bool { return d.Label == o.where[DayName] })
	if i < 0 {
		return Days{}
	}
	return o.d.Days[i]
}

// inGroup tells whether a fact is of the group asked for.
func (o *overFacts) inGroup(f *fact.Fact) bool {
	for dim, v := range o.where {
		if i := f.Family.Column(dim); slices.Contains(f.Family.Dims, dim) && f.Values[i].Text != v {
			return false
		}
	}
	return true
}

// taken are the facts that a measure takes with their instant in [from, until),
// by time.
func (o *overFacts) taken(m *Measure, from, until int64, grouped bool) []*fact.Fact {
	var out []*fact.Fact
	for i := range o.facts {
		f := &o.facts[i]
		if f.Family != m.Family || !m.Takes(f) || grouped && !o.inGroup(f) {
			continue
		}
		at := f.Values[m.At]
		known := !m.adds() || f.Values[m.Column].Set
		if at.Set && at.Int >= from && at.Int < until && known {
			out = append(out, f)
		}
	}
	slices.SortStableFunc(out, func(a, b *fact.Fact) int { return cmp.Compare(a.Values[m.At].Int, b.Values[m.At].Int) })
	return out
}

func (o *overFacts) figure(r Ref) (float64, bool) {
	if r.At == Passed {
		span := min(o.in.Until, o.in.Now) - o.in.From
		return float64(span), o.in.From != math.MinInt64 && span > 0
	}
	m := o.d.Measure(r.Measure)
	from, until := o.in.From, o.in.Until
	if r.Previous {
		if from, until = o.in.Before, o.in.From; until == math.MinInt64 {
			return 0, false // all together have nothing before them
		}
	}
	switch m.Op {
	case Level:
		return o.level(m, r)
	case Among:
		return o.among(m, from, until, r.Previous), true
	case Again:
		return float64(o.again(m, from, until)), true
	case During:
		in := *o
		in.in.From, in.in.Until = from, until
		return in.level(m, Ref{At: Spent})
	case Entities:
		return float64(o.entities(m, from, until)), true
	case Born, Back:
		return float64(o.followed(m)), true
	case Cell:
		return o.cell(m), true
	case Count, Sum, Hist, Max, Last:
	}
	facts := o.taken(m, from, until, true)
	if m.Op == Count {
		return float64(len(facts)), true
	}
	if m.Op == Last {
		if facts = o.latest(m, facts); len(facts) == 0 {
			return 0, false
		}
	}
	var sum, most int64
	var counts []BucketCount
	for i, f := range facts {
		v := f.Values[m.Column].Int
		sum += v
		if i == 0 || v > most {
			most = v
		}
		counts = addBucket(counts, Bucket(v), 1)
	}
	switch r.At {
	case Counted:
		return float64(len(facts)), true
	case Quantile:
		return quantile(counts, r.Percent)
	case Deviation:
		return deviation(counts)
	case Greatest:
		if m.Op == Hist {
			return greatest(counts)
		}
		return float64(most), len(facts) > 0
	case Whole, Added, AtEnd, Mean, Spent, Oldest, Passed, Other:
	}
	return float64(sum), true
}

func (o *overFacts) level(m *Measure, r Ref) (float64, bool) {
	end := min(o.in.Until, o.in.Now)
	var open, spent int64
	since := int64(math.MaxInt64)
	for i := range o.facts {
		f := &o.facts[i]
		if f.Family != m.Family || !m.Takes(f) || !o.inGroup(f) {
			continue
		}
		from, to, lost := f.Values[m.From], f.Values[m.To], f.Family.Column(f.Family.Lost)
		if !from.Set || lost >= 0 && f.Values[lost].Text == fact.LostText {
			continue
		}
		until := int64(math.MaxInt64)
		if to.Set {
			until = to.Int
		}
		spent += max(0, min(until, end)-max(from.Int+m.After, o.in.From))
		if from.Int < end && until >= end {
			open, since = open+1, min(since, from.Int)
		}
	}
	switch r.At {
	case AtEnd:
		return float64(open), true
	case Spent:
		return float64(spent), true
	case Oldest:
		return float64(end - since), open > 0
	}
	return float64(spent) / float64(max(end-o.in.From, 1)), end > o.in.From
}

// key names the entity of a fact; it is empty where a part of the name is.
func (o *overFacts) key(m *Measure, f *fact.Fact) string {
	var parts []string
	for _, k := range m.Keys {
		name := f.Values[k].Text
		if name == "" {
			return ""
		}
		roots := o.roots[f.Family.Columns[k].Name]
		for range MergeSteps {
			if root := roots[name]; root != "" {
				name = root
			}
		}
		parts = append(parts, name)
	}
	return strings.Join(parts, "\x00")
}

// latest keeps the last fact of each entity.
func (o *overFacts) latest(m *Measure, facts []*fact.Fact) []*fact.Fact {
	last := map[string]*fact.Fact{}
	for _, f := range facts {
		if k := o.key(m, f); k != "" {
			last[k] = f
		}
	}
	return slices.DeleteFunc(slices.Clone(facts), func(f *fact.Fact) bool { return last[o.key(m, f)] != f })
}

// there are the entities with facts in [from, until), each with its facts.
func (o *overFacts) there(m *Measure, from, until int64) map[string][]*fact.Fact {
	out := map[string][]*fact.Fact{}
	for _, f := range o.taken(m, from, until, true) {
		if k := o.key(m, f); k != "" {
			out[k] = append(out[k], f)
		}
	}
	return out
}

func (o *overFacts) entities(m *Measure, from, until int64) (n int) {
	here, was, ever := o.there(m, from, until), o.there(m, o.in.Before, from), o.there(m, math.MinInt64, from)
	all := map[string]bool{}
	for k := range here {
		all[k] = true
	}
	for k := range was {
		all[k] = true
	}
	for k := range all {
		counts := m.In.holds(len(here[k]) > 0, len(was[k]) > 0, len(ever[k]) > 0)
		if facts := here[k]; m.In == This && counts {
			counts = int64(len(facts)) >= m.AtLeast && meets(m.Latest, facts[len(facts)-1])
		}
		if counts {
			n++
		}
	}
	return n
}

// followed counts the members of the interval's cohort, or those of them that
// came back on the days asked for.
func (o *overFacts) followed(m *Measure) (n int) {
	born := o.d.Born()
	first := map[string]*fact.Fact{}
	for _, f := range o.taken(born, math.MinInt64, math.MaxInt64, false) {
		if k := o.key(born, f); k != "" && first[k] == nil {
			first[k] = f
		}
	}
	day := o.days()
	later := map[string][]*fact.Fact{}
	if m.Op == Back {
		for _, f := range o.taken(m, math.MinInt64, math.MaxInt64, false) {
			later[o.key(m, f)] = append(later[o.key(m, f)], f)
		}
	}
	for k, f := range first {
		at := f.Values[born.At].Int
		if at < o.in.From || at >= o.in.Until || !o.inGroup(f) {
			continue
		}
		back := m.Op == Born
		for _, f := range later[k] {
			nth := o.nth(m, at, f.Values[m.At].Int)
			back = back || nth >= day.From && nth <= day.To
		}
		if back {
			n++
		}
	}
	return n
}

func (o *overFacts) nth(m *Measure, first, at int64) int64 {
	const hour = 3_600_000
	if m.Hours {
		return (at/hour - first/hour) / 24
	}
	return o.in.Day(at) - o.in.Day(first)
}

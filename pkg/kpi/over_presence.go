package kpi

import "math"

// among adds the facts up of the entities that are present in the way asked for:
// those of the interval, or of the one before where they are in that alone.
func (o *overFacts) among(m *Measure, from, until int64, previous bool) (sum float64) {
	before := o.in.Before
	if previous {
		before = math.MinInt64 // nobody says where the one before that begins
	}
	here, was, ever := o.there(m, from, until), o.there(m, before, from), o.there(m, math.MinInt64, from)
	of := here
	if m.In == Before || m.In == Gone {
		of = was
	}
	for k, facts := range of {
		if !m.In.holds(len(here[k]) > 0, len(was[k]) > 0, len(ever[k]) > 0) {
			continue
		}
		for _, f := range facts {
			if m.Counts {
				sum++
			} else {
				sum += float64(f.Values[m.Column].Int)
			}
		}
	}
	return sum
}

// holds tells whether an entity is present so, that is here, was there in the
// interval before, and was ever there before this one.
func (p Presence) holds(here, was, ever bool) bool {
	switch p {
	case This:
		return here
	case Before:
		return was
	case Both:
		return here && was
	case New:
		return here && !ever
	case Returned:
		return here && !was && ever
	case Gone:
		return was && !here
	}
	return false
}

// again counts the facts of an interval that another of the same entity follows
// soon enough, whatever its group.
func (o *overFacts) again(m *Measure, from, until int64) (n int) {
	last := map[string]int64{} // of the fact behind
	facts := o.taken(m, math.MinInt64, math.MaxInt64, false)
	for i := len(facts) - 1; i >= 0; i-- {
		f := facts[i]
		k, at := o.key(m, f), f.Values[m.At].Int
		if k == "" {
			continue
		}
		if next, there := last[k]; there && next-at <= m.Within && at >= from && at < until && o.inGroup(f) {
			n++
		}
		last[k] = at
	}
	return n
}

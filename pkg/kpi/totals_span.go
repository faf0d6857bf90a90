package kpi

import "slices"

// Extend takes in what other totals of the same measures hold of an earlier
// span: what was open at its end does not matter to the longer one.
func (t *Totals) Extend(earlier *Totals) {
	for at, s := range t.index.order {
		if !s.end {
			t.values[at] = s.merge.join(t.values[at], earlier.values[at])
		}
	}
	t.extendHists(earlier)
}

// Ahead takes in what other totals of the same measures hold of a span that the
// clock has not reached: of levels nothing, for they hold what may yet be.
func (t *Totals) Ahead(later *Totals) {
	for at, s := range t.index.order {
		if !s.level {
			t.values[at] = s.merge.join(t.values[at], later.values[at])
		}
	}
	t.extendHists(later)
}

func (t *Totals) extendHists(o *Totals) {
	for h, counts := range o.hists {
		t.hists[h] = addCounts(t.hists[h], counts)
	}
}

// addCounts adds one distribution to another, in its memory.
func addCounts(to, counts []BucketCount) []BucketCount {
	if len(to) == 0 {
		return append(to, counts...)
	}
	i := 0
	for n, c := range counts {
		for i < len(to) && to[i].Bucket < c.Bucket {
			i++
		}
		switch {
		case i == len(to):
			return append(to, counts[n:]...)
		case to[i].Bucket == c.Bucket:
			to[i].Count += c.Count
		default:
			to = slices.Insert(to, i, c)
		}
	}
	return to
}

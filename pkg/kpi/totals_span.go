package kpi

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
		for _, c := range counts {
			t.hists[h] = addBucket(t.hists[h], c.Bucket, c.Count)
		}
	}
}

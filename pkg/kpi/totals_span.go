package kpi

// Extend takes in what other totals of the same measures hold of an earlier
// span: what was open at its end does not matter to the longer one.
func (t *Totals) Extend(earlier *Totals) {
	t.extend(earlier, func(s slot) bool { return !s.end })
}

// Ahead takes in what other totals of the same measures hold of a span that the
// clock has not reached: of levels nothing, for they hold what may yet be.
func (t *Totals) Ahead(later *Totals) {
	t.extend(later, func(s slot) bool { return !s.level })
}

func (t *Totals) extend(o *Totals, takes func(slot) bool) {
	for _, s := range t.index.slots {
		if takes(s) {
			t.values[s.at] = s.merge.join(t.values[s.at], o.values[s.at])
		}
	}
	for h, counts := range o.hists {
		for _, c := range counts {
			t.hists[h] = addBucket(t.hists[h], c.Bucket, c.Count)
		}
	}
}

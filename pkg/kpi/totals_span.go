package kpi

// Extend takes in what other totals of the same measures hold of an earlier
// span: what was open at its end does not matter to the longer one.
func (t *Totals) Extend(earlier *Totals) {
	for _, s := range t.index.slots {
		if !s.end {
			t.values[s.at] = s.merge.join(t.values[s.at], earlier.values[s.at])
		}
	}
	for h, counts := range earlier.hists {
		for _, c := range counts {
			t.hists[h] = addBucket(t.hists[h], c.Bucket, c.Count)
		}
	}
}

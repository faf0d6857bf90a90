package calendar

import (
	"cmp"
	"slices"
)

// compile makes the timetables of a calendar, one for each instant at which
// more became known. Chunks in which nothing new lies are shared.
func (c *Calendar) compile(knowns []int64) {
	var prev *Timetable
	for _, known := range knowns {
		t := &Timetable{calendar: c, known: known, versions: c.inForce(known)}
		for i := range t.versions {
			v := &t.versions[i]
			start := int64(ever)
			if i > 0 {
				start = v.zone.instant(v.from * day)
			}
			t.starts = append(t.starts, start)
		}
		news := c.news(prev, known)
		t.sums, t.until = make([]int64, chunks+1), make([]int64, chunks+1)
		for i := range int64(chunks) {
			if prev != nil && !news.touch(i) {
				t.spans = append(t.spans, prev.spans[i])
			} else {
				t.spans = append(t.spans, t.chunk(i))
			}
			t.sums[i+1] = t.sums[i]
			if n := len(t.spans[i]); n > 0 {
				s := t.spans[i][n-1]
				t.sums[i+1] += int64(s.before + s.close - s.open)
			}
		}
		t.runs()
		c.editions = append(c.editions, t)
		prev = t
	}
}

// runs fills until, from the end backwards.
func (t *Timetable) runs() {
	t.until[chunks] = horizon
	for i := chunks - 1; i >= 0; i-- {
		start, spans := int64(i)<<chunkBits, t.spans[i]
		switch {
		case len(spans) == 0 || spans[0].open > 0:
			t.until[i] = start
		case int64(spans[0].close) == chunkSize:
			t.until[i] = t.until[i+1]
		default:
			t.until[i] = start + int64(spans[0].close)
		}
	}
}

// inForce gives the versions that were known at an instant, ascending by the
// day from which they hold; of two from one day the one that became known
// later. What a version leaves out is as in the one before it.
func (c *Calendar) inForce(known int64) []version {
	all := slices.Clone(c.versions)
	all = slices.DeleteFunc(all, func(v version) bool { return v.known > known })
	slices.SortStableFunc(all, func(a, b version) int {
		return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.known, b.known))
	})
	out := all[:1]
	for _, v := range all[1:] {
		prev := &out[len(out)-1]
		if v.zone == nil {
			v.zone = prev.zone
		}
		if v.weekStart < 0 {
			v.weekStart = prev.weekStart
		}
		if !v.hours {
			v.week = prev.week
		}
		if v.from == prev.from {
			*prev = v
		} else {
			out = append(out, v)
		}
	}
	return out
}

// news is what became known since an earlier timetable.
type news struct {
	days []int64 // ascending
	from int64   // all days from it on
}

func (c *Calendar) news(prev *Timetable, known int64) news {
	n := news{from: horizon}
	if prev == nil {
		return n
	}
	isNew := func(at int64) bool { return at > prev.known && at <= known }
	for d, list := range c.holidays {
		if slices.ContainsFunc(list, func(h *holiday) bool { return isNew(h.known) }) {
			n.days = append(n.days, d)
		}
	}
	slices.Sort(n.days)
	for _, v := range c.versions {
		if isNew(v.known) {
			n.from = min(n.from, v.from)
		}
	}
	return n
}

// touch tells whether a chunk may differ: a period ends at most two days after
// its day, and a local day begins at most a day beside that of UTC.
func (n news) touch(chunk int64) bool {
	first, last := floor(chunk<<chunkBits, day)-4, floor((chunk+1)<<chunkBits, day)+3
	i, _ := slices.BinarySearch(n.days, first)
	return i < len(n.days) && n.days[i] <= last || n.from <= last
}

// chunk works out the open time of one chunk from the rules of its days.
func (t *Timetable) chunk(i int64) []span {
	from, to := i<<chunkBits, (i+1)<<chunkBits
	type stretch struct{ open, close int64 }
	var all []stretch
	for j := range t.versions {
		v := &t.versions[j]
		first, last := max(v.from, floor(from, day)-4), floor(to, day)+3
		if j+1 < len(t.versions) {
			last = min(last, t.versions[j+1].from-1)
		}
		for d := first; d <= last; d++ {
			periods, _ := t.rule(v, d)
			for _, p := range periods {
				s := stretch{max(from, v.zone.instant(d*day+p.open)), min(to, v.zone.instant(d*day+p.close))}
				if s.open < s.close {
					all = append(all, s)
				}
			}
		}
	}
	// A night shift may run into the next morning's, and zones may overlap.
	slices.SortFunc(all, func(a, b stretch) int { return cmp.Compare(a.open, b.open) })
	var out []span
	for _, s := range all {
		open, close := uint32(s.open-from), uint32(s.close-from)
		n := len(out)
		switch {
		case n > 0 && open <= out[n-1].close:
			out[n-1].close = max(out[n-1].close, close)
		case n > 0:
			last := out[n-1]
			out = append(out, span{open, close, last.before + last.close - last.open})
		default:
			out = append(out, span{open, close, 0})
		}
	}
	return slices.Clip(out)
}

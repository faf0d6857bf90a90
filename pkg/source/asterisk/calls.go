package asterisk

import (
	"cmp"
	"slices"
)

// call is what is known of a call that is not over.
type call struct {
	id       string
	first    int64 // place of its first row
	at       int64 // of its newest row, ms
	rows     int64 // rows of it within that second
	queue    string
	queued   int64 // when it entered the queue, ms; 0: not seen
	guessed  bool  // the entry was worked out from a later row
	waiting  bool
	agent    string
	answered int64 // ms; 0: not with an agent
	over     bool  // a row has ended it; the next queue may take it in at once
}

// Bounds of what is remembered of calls that no row has ended.
const (
	// maxCalls is far above what one PBX carries at once; more are calls whose
	// end was never logged, and the oldest are forgotten.
	maxCalls = 100_000
	// maxAge is how long a call may be silent: the collector refuses events
	// that late.
	maxAge = int64(24 * 3600 * 1000)
	// overFor is how long a call that is over is remembered, so that rows of
	// one second keep their order when it enters the next queue: ms.
	overFor = 5_000
)

// of finds a call, or begins it.
func (t *Translator) of(l *line, place int64) *call {
	for len(t.over) > 0 && t.over[0].at < l.at-overFor {
		if c := t.over[0]; c.over && t.calls[c.id] == c {
			delete(t.calls, c.id)
		}
		t.over = t.over[1:]
	}
	c := t.calls[l.call]
	if c == nil {
		if len(t.calls) >= maxCalls {
			t.forget(l.at)
		}
		c = &call{id: l.call, first: place, at: l.at}
		t.calls[l.call] = c
		return c
	}
	if c.at/1000 == l.at/1000 {
		c.rows++
	} else {
		c.rows = 0
	}
	c.at, c.over = l.at, false
	return c
}

// end forgets a call, but not at once.
func (t *Translator) end(c *call) {
	*c = call{id: c.id, first: c.first, at: c.at, rows: c.rows, over: true}
	t.over = append(t.over, c)
}

// forget drops the calls that have been silent for too long, and the most
// silent tenth where that is none.
func (t *Translator) forget(now int64) {
	all := make([]*call, 0, len(t.calls))
	for _, c := range t.calls {
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b *call) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.id, b.id)) })
	for i, c := range all {
		if c.at < now-maxAge || i < len(all)/10 {
			delete(t.calls, c.id)
		}
	}
}

// open gives the calls that no row has ended, in the order of their ids.
func (t *Translator) open() []*call {
	all := make([]*call, 0, len(t.calls))
	for _, c := range t.calls {
		if !c.over {
			all = append(all, c)
		}
	}
	slices.SortFunc(all, func(a, b *call) int { return cmp.Compare(a.id, b.id) })
	return all
}

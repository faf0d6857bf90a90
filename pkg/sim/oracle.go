package sim

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/nabz/nabz/pkg/event"
	"github.com/nabz/nabz/pkg/row"
	"github.com/nabz/nabz/pkg/track"
	"github.com/nabz/nabz/pkg/track/contact"
)

// The oracle reads a whole log at its end. It works out by itself which
// records count, folds each contact in one pass over its events, and adds up
// milliseconds one fact at a time. It shares no code with the machine but the
// decoding of events and the order of two of them.

// verdict is what the oracle says of one log.
type verdict struct {
	rejects map[int64]string // by offset; orphans excepted
	now     map[string]int64 // by feed
	facts   map[string]expected
	orphans map[int64]bool // offsets of events whose life has no opener
	settled map[int64]bool // of them those that must have been refused by now
}

// expected is a fact as the oracle sees it, columns by name.
type expected struct {
	feed, family string
	opened       int64
	text         map[string]string
	num          map[string]int64
}

type clockState struct {
	now, generation, session, seen int64
	open, known                    bool
}

type accepted struct {
	event.Event
	offset int64
}

// judge works out which records count.
func judge(log []Record) verdict {
	v := verdict{
		rejects: map[int64]string{}, now: map[string]int64{}, facts: map[string]expected{},
		orphans: map[int64]bool{}, settled: map[int64]bool{},
	}
	clocks := map[string]*clockState{"": {open: true}}
	held := map[string]map[string]accepted{} // by item, then by identity
	for i := range log {
		e, offset := log[i].Event, int64(i)
		switch {
		case e.Type == "":
			v.rejects[offset] = row.Malformed
		case e.Type == event.TypeEpoch, e.Kind != "" && e.Kind != contact.Kind:
			// What asks for a computation changes none; other kinds are not told here.
		case e.IsClock():
			v.clock(clocks, &e, offset, held)
		default:
			v.member(clocks, held, accepted{e, offset})
		}
	}
	for name, c := range clocks {
		v.now[name] = c.now
	}
	for item, set := range held {
		v.fold(item, slices.Collect(maps.Values(set)), v.now[feedName(item)])
	}
	return v
}

func itemName(e *event.Event) string { return e.Feed + "|" + e.Entity }

func feedName(item string) string {
	for i := range item {
		if item[i] == '|' {
			return item[:i]
		}
	}
	return ""
}

func (v *verdict) clock(clocks map[string]*clockState, e *event.Event, offset int64, held map[string]map[string]accepted) {
	if e.Type == event.TypePulse {
		clocks[""].now = max(clocks[""].now, e.Time)
		return
	}
	c := clocks[e.Feed]
	if c == nil {
		c = &clockState{}
		clocks[e.Feed] = c
	}
	mine := c.open && c.session == e.Session && c.generation == e.Generation
	if e.Type == event.TypeFeedOpened {
		busy := c.open && c.session != e.Session && e.ReceivedAt < c.seen+track.ReplayerLeaseMs
		if busy || c.known && e.Generation < c.generation {
			v.rejects[offset] = row.OtherReplay
			return
		}
		if !c.known || e.Generation > c.generation {
			v.forget(e.Feed, held, c.now)
			*c = clockState{known: true, generation: e.Generation, now: e.Time}
		}
		c.open, c.session, c.seen = true, e.Session, e.ReceivedAt
		c.now = max(c.now, e.Time)
		return
	}
	if !mine {
		v.rejects[offset] = row.OtherReplay
		return
	}
	c.now, c.seen = max(c.now, e.Time), max(c.seen, e.ReceivedAt)
	c.open = e.Type != event.TypeFeedClosed
}

// forget ends a generation of a feed: of it only the orphans matter, which may
// have been refused while it lasted.
func (v *verdict) forget(feed string, held map[string]map[string]accepted, now int64) {
	past := verdict{facts: map[string]expected{}, orphans: v.orphans, settled: map[int64]bool{}}
	for item, set := range held {
		if feedName(item) == feed {
			past.fold(item, slices.Collect(maps.Values(set)), now)
			delete(held, item)
		}
	}
}

func (v *verdict) member(clocks map[string]*clockState, held map[string]map[string]accepted, a accepted) {
	c := clocks[a.Feed]
	if a.Feed != "" {
		switch {
		case c == nil || !c.known || !c.open && c.session == a.Session:
			v.rejects[a.offset] = row.FeedClosed
			return
		case !c.open || c.session != a.Session || c.generation != a.Generation:
			v.rejects[a.offset] = row.OtherReplay
			return
		}
		c.seen = max(c.seen, a.ReceivedAt)
	}
	judged := a.Time
	if !a.Replaces.IsZero() {
		judged = min(judged, a.ReplacesTime)
	}
	if judged < c.now-horizon {
		v.rejects[a.offset] = row.BelowHorizon
		return
	}
	item, id := itemName(&a.Event), fmt.Sprint(a.UID, a.Time)
	if held[item] == nil {
		held[item] = map[string]accepted{}
	}
	old, ok := held[item][id]
	switch {
	case !ok:
	case a.Revision > old.Revision || a.Revision == old.Revision && a.Hash > old.Hash:
		v.rejects[old.offset] = row.Superseded
	default:
		v.rejects[a.offset] = row.Repeat
		return
	}
	held[item][id] = a
}

// fold tells the facts of one contact from all its events.
func (v *verdict) fold(item string, events []accepted, now int64) {
	type name struct {
		uid  event.UID
		time int64
	}
	replaced := map[name]bool{}
	last := int64(0) // an item is looked at when all that it names is long over
	for _, e := range events {
		replaced[name{e.Replaces, e.ReplacesTime}] = true
		last = max(last, e.Time, e.ReplacesTime)
	}
	events = slices.DeleteFunc(events, func(e accepted) bool { return e.Withdrawn || replaced[name{e.UID, e.Time}] })
	slices.SortFunc(events, func(a, b accepted) int {
		return cmp.Or(cmp.Compare(a.Time, b.Time), cmp.Compare(rank(a.Type), rank(b.Type)),
			cmp.Compare(a.Sequence, b.Sequence), cmp.Compare(string(a.UID[:]), string(b.UID[:])))
	})
	for len(events) > 0 {
		l := newTale(events[0])
		n := 0
		for ; n < len(events); n++ {
			if at, over := l.over(events[n].Time); over && events[n].Time > at+linger {
				break
			}
			l.tell(events[n].Event)
		}
		at, over := l.over(now + 1)
		v.write(item, l)
		for _, e := range events[:n] {
			if !l.opener {
				v.orphans[e.offset] = true
				if n < len(events) || over && max(at, last)+linger+horizon < now {
					v.settled[e.offset] = n == len(events)
				}
			}
		}
		events = events[n:]
	}
}

func (v *verdict) write(item string, l *tale) {
	if !l.opener {
		return
	}
	for _, s := range l.stories() {
		s.feed = feedName(item)
		v.facts[fmt.Sprintf("%s %s %s", item, s.family, s.text["id"])] = s
	}
}

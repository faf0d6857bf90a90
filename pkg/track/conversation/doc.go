// Package conversation folds the events of one conversation or ticket into its
// facts: the conversation with its clocks, and every wait of the customer for
// a reply by a person.
//
// Time in business hours is that of a team: of the one that has the conversation
// in its last row, of a wait the one that had it at its end, and in statuses, from
// one event to the next, the one that has it after the next.
//
// It does not know of clocks, panes, partitions, other items or which hours a
// team has. It starts no goroutine and performs no I/O.
package conversation

import (
	"github.com/nabz/nabz/pkg/event"
	"github.com/nabz/nabz/pkg/fact"
	"github.com/nabz/nabz/pkg/item"
)

// Semantics is raised by hand where the fold makes other facts of the same
// events: state that was made before is not gone on with.
const Semantics = 1

// Config is what a tracker of conversations needs. All fields are required.
type Config struct {
	Families Families
	// Opener tells whether an event type opens a life.
	Opener func(eventType string) bool
	// Business gives the open time of a team of a tenant between two instants,
	// ms: of its calendar as it was known at the later one.
	Business func(tenant, team string, from, to int64) int64
	// LingerMs is how long after its close a conversation still takes events,
	// and how long after its end a wait can still be taken back, ms.
	LingerMs int64
	// KeepMs is how long after its close it is known that there was one, ms:
	// until then it may come back without being opened anew. At least LingerMs.
	KeepMs int64
	// MaxAgeMs is how long a conversation may stay open, ms.
	MaxAgeMs int64
}

// Tracker folds conversations. It keeps nothing of any conversation between
// calls but memory to use again, so one tracker serves one task.
type Tracker struct {
	cfg    Config
	life   life
	entity string // of the item that is being folded
	tenant string // whose it is
	hours  func(team string, from, to int64) int64
}

// New makes a tracker.
func New(c Config) *Tracker {
	t := &Tracker{cfg: c}
	t.hours = func(team string, from, to int64) int64 { return c.Business(t.tenant, team, from, to) }
	return t
}

// Fold gives the facts of a conversation when its feed's clock stands at now.
// While it is open, lostAt is the instant at which silence alone will make it
// lost, else [event.Never]; then overAt is such that nothing of it is needed a linger
// and a horizon later.
//
// A life begins with the first event, or with one that comes more than the
// linger after the life before was over. A customer who writes within KeepMs,
// or whoever opens the conversation again by then, begins a life that needs no
// opener; all else that is heard so late is an echo and changes nothing.
func (t *Tracker) Fold(it *item.Item, now int64, out *fact.Buffer) (lostAt, overAt int64) {
	l := &t.life
	t.entity, t.tenant = it.Entity, it.Tenant
	if err := l.restore(it.Base); err != nil {
		panic(err) // as a record that cannot be read
	}
	for i := range it.Events {
		if t.step(&it.Events[i]) == begins {
			t.emit(out)
			t.begin(&it.Events[i])
		}
	}
	if !l.begun {
		return event.Never, it.Last()
	}
	t.silence(now)
	t.emit(out)
	switch {
	case l.open():
		return l.openSince + t.cfg.MaxAgeMs, event.Never
	case l.gone:
		return event.Never, max(l.overAt+t.cfg.KeepMs-t.cfg.LingerMs, it.Last())
	}
	return event.Never, max(l.overAt, it.Last())
}

// What an event is to the life before it.
type part uint8

const (
	ignored part = iota + 1 // it says nothing of a conversation, or comes too late to
	taken                   // it is folded
	begins                  // another life begins with it
)

// step folds an event that is part of the life. For one that begins another
// life it does nothing but to end the life before: begin is to follow.
func (t *Tracker) step(h *item.Held) part {
	l := &t.life
	if !h.Applies() || !known(h.Type) {
		return ignored
	}
	if l.begun {
		t.silence(h.Time - 1)
		if !l.open() && h.Time > l.overAt+t.cfg.LingerMs {
			if l.opened && h.Time <= l.overAt+t.cfg.KeepMs && !t.cfg.Opener(h.Type) && !returns(&h.Event) {
				return ignored
			}
			return begins
		}
	}
	t.take(&h.Event)
	return taken
}

// begin begins a life with an event.
func (t *Tracker) begin(h *item.Held) {
	l := &t.life
	inherits := l.opened && h.Time <= l.overAt+t.cfg.KeepMs
	l.reset()
	l.opened = inherits
	t.take(&h.Event)
}

// silence gives a life up that is open for the greatest age at an instant.
func (t *Tracker) silence(at int64) {
	l := &t.life
	if l.begun && l.open() && l.openSince+t.cfg.MaxAgeMs <= at {
		l.lose(l.openSince + t.cfg.MaxAgeMs)
	}
}

func (t *Tracker) take(e *event.Event) {
	l := &t.life
	wasOpened, wasOpen := l.begun && l.opened, l.open()
	if !l.begun {
		l.begin(e)
	}
	l.opened = l.opened || t.cfg.Opener(e.Type)
	if absorbs(e, t.entity) {
		l.absorb(e)
	} else {
		l.learn(e)
		l.apply(e)
	}
	l.run(e.Time, t.hours)
	switch isOpen := l.open(); {
	case isOpen && !wasOpen:
		l.openSince = e.Time
	case !isOpen && (wasOpen || !wasOpened):
		l.overAt = e.Time
	}
}

// Settled folds what no later event can touch into the base and tells how many
// leading events that are, when the clock stands at now and events before
// bound are refused. Facts that no later event can change are let go of: they
// stay as they are. orphan is called with each event of a life that was over
// more than the linger before bound and never had an opener.
func (t *Tracker) Settled(it *item.Item, _, bound int64, orphan func(*item.Held)) int {
	n := it.Below(bound)
	if n < len(it.Events) {
		bound = min(bound, it.Events[n].Time)
	}
	l := &t.life
	t.entity, t.tenant = it.Entity, it.Tenant
	if err := l.restore(it.Base); err != nil {
		panic(err)
	}
	first := 0 // event of the life
	for i := range n {
		h := &it.Events[i]
		if t.step(h) == begins {
			t.orphans(it.Events[first:i], orphan)
			first = i
			t.begin(h)
		}
	}
	if !l.begun {
		return n
	}
	t.silence(bound - 1)
	over := !l.open() && l.overAt+t.cfg.LingerMs < bound
	switch {
	case !l.opened && !over:
		// They must be told as orphans one day: the life before is long over.
		it.Base = ""
		return first
	case !l.opened:
		t.orphans(it.Events[first:n], orphan)
		it.Base = ""
	case over && l.overAt+t.cfg.KeepMs < bound:
		it.Base = ""
	case over:
		it.Base = l.trace()
	default:
		l.letGo(bound - t.cfg.LingerMs)
		it.Base = l.base()
	}
	return n
}

// orphans names the events of a life that ends without an opener.
func (t *Tracker) orphans(events []item.Held, orphan func(*item.Held)) {
	if t.life.opened {
		return
	}
	for i := range events {
		if h := &events[i]; h.Applies() && known(h.Type) {
			orphan(h)
		}
	}
}

func (t *Tracker) emit(out *fact.Buffer) {
	l := &t.life
	if !l.opened || l.gone {
		return
	}
	for i := range l.waits {
		if w := &l.waits[i]; !l.takenBack(w.how != Waiting, w.to+t.cfg.LingerMs) {
			w.fact(t.cfg.Families.Reply, l, t.hours, out)
		}
	}
	l.fact(t.cfg.Families.Conversation, t.hours, out)
}

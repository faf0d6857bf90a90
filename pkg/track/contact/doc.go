// Package contact folds the events of one contact into its facts: queue
// segments, agent segments and lives.
//
// It does not know of clocks, panes, partitions or other items. It starts no
// goroutine and performs no I/O.
package contact

import (
	"github.com/nabz/nabz/pkg/event"
	"github.com/nabz/nabz/pkg/fact"
	"github.com/nabz/nabz/pkg/item"
)

// Semantics is raised by hand where the fold makes other facts of the same
// events: state that was made before is not gone on with.
const Semantics = 2

// Config is what a tracker of contacts needs. All fields are required.
type Config struct {
	Families Families
	// Opener tells whether an event type opens a life.
	Opener func(eventType string) bool
	// LingerMs is how long after its close a contact still takes events, ms.
	LingerMs int64
	// MaxAgeMs is how long a contact may stay open, ms.
	MaxAgeMs int64
}

// Tracker folds contacts. It keeps nothing of any contact between calls but
// memory to use again, so one tracker serves one task.
type Tracker struct {
	cfg   Config
	life  life
	spans []span
}

// New makes a tracker.
func New(c Config) *Tracker { return &Tracker{cfg: c} }

// Fold gives the facts of a contact when its feed's clock stands at now. While
// something of it is open, lostAt is the instant at which silence alone will
// make it lost, else [event.Never]; then overAt is when the last of it was over.
//
// A life begins with the first event, or with one that comes more than the
// linger after everything of the life before was over. A life that is open for
// the greatest age is lost: an event after that instant proves it, and so does
// the clock when it reaches it.
func (t *Tracker) Fold(it *item.Item, now int64, out *fact.Buffer) (lostAt, overAt int64) {
	t.each(it, now, func() { t.emit(out) })
	if t.life.begun && t.life.open() {
		return t.life.openSince + t.cfg.MaxAgeMs, event.Never
	}
	return event.Never, max(t.life.overAt, it.Last())
}

// each folds and calls done at the end of every life; at the last one the life
// stays in t.
func (t *Tracker) each(it *item.Item, now int64, done func()) {
	l := &t.life
	l.reset()
	for i := range it.Events {
		h := &it.Events[i]
		if !h.Applies() {
			continue
		}
		if l.begun && l.open() && l.openSince+t.cfg.MaxAgeMs < h.Time {
			l.lose(l.openSince + t.cfg.MaxAgeMs)
		}
		if l.begun && !l.open() && h.Time > l.overAt+t.cfg.LingerMs {
			done()
			l.reset()
		}
		l.take(&h.Event, t.cfg.Opener(h.Type))
	}
	if !l.begun {
		return
	}
	if l.open() && l.openSince+t.cfg.MaxAgeMs <= now {
		l.lose(l.openSince + t.cfg.MaxAgeMs)
	}
	done()
}

// Settled tells how many leading events no later event can touch when the clock
// stands at now and events before bound are refused: those of lives that were
// over more than the linger before bound. orphan is called with each event of
// a settled life that never had an opener.
func (t *Tracker) Settled(it *item.Item, now, bound int64, orphan func(*item.Held)) int {
	l := &t.life
	cut := int64(-1)
	t.spans = t.spans[:0]
	t.each(it, now, func() {
		if !l.open() && l.overAt+t.cfg.LingerMs < bound {
			cut = l.lastAt
			t.spans = append(t.spans, span{from: l.startedAt, to: l.lastAt, opened: l.opened})
		}
	})
	if last := it.Last(); last+t.cfg.LingerMs < bound && (!l.begun || cut == l.lastAt) {
		cut = last // with what only withdraws behind the last life
	}
	n := it.Cut(cut)
	for i := range n {
		h := &it.Events[i]
		for _, s := range t.spans {
			if !s.opened && h.Applies() && h.Time >= s.from && h.Time <= s.to {
				orphan(h)
			}
		}
	}
	return n
}

// span is the time that one life takes up.
type span struct {
	from, to int64
	opened   bool
}

func (t *Tracker) emit(out *fact.Buffer) {
	l := &t.life
	if !l.opened {
		return
	}
	for i := range l.queues {
		l.queues[i].fact(t.cfg.Families.Queue, l, out)
	}
	for i := range l.agents {
		l.agents[i].fact(t.cfg.Families.Agent, l, out)
	}
	l.fact(t.cfg.Families.Contact, out)
}

// life is one contact under its id, from its first event until nothing of it
// is open any more.
type life struct {
	begun, opened bool // opened: it has an opener
	id            event.UID
	startedAt     int64
	lastAt        int64 // of the newest event
	openSince     int64
	overAt        int64 // when nothing was open any more
	endedAt       int64 // when no queue and no agent had it any more
	pending       bool  // created, and nowhere yet
	lost          bool
	ended         bool // by an event that says so
	endedBy       string
	channel       string
	direction     string
	customer      string
	transfers     int64
	queues        []queueSegmentState
	agents        []agentSegmentState
}

func (l *life) reset() {
	*l = life{queues: l.queues[:0], agents: l.agents[:0]}
}

// open tells whether anything of the life goes on, after-contact work among it.
func (l *life) open() bool {
	if l.held() {
		return true
	}
	for i := range l.agents {
		if l.agents[i].phase == Wrapup {
			return true
		}
	}
	return false
}

// held tells whether the customer is somewhere: on the way, in a queue or with
// an agent.
func (l *life) held() bool {
	if l.pending {
		return true
	}
	for i := range l.queues {
		if l.queues[i].outcome == Waiting {
			return true
		}
	}
	return l.active() > 0
}

func (l *life) active() (n int) {
	for i := range l.agents {
		if l.agents[i].active() {
			n++
		}
	}
	return n
}

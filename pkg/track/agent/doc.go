// Package agent folds the events of one agent into its facts: log-in spans,
// stays in a state, and pauses.
//
// It does not know of clocks, panes, partitions or other items. It starts no
// goroutine and performs no I/O.
package agent

import (
	"strings"

	"github.com/nabz/nabz/pkg/event"
	"github.com/nabz/nabz/pkg/fact"
	"github.com/nabz/nabz/pkg/item"
)

// Semantics is raised by hand where the fold makes other facts of the same
// events: state that was made before is not gone on with.
const Semantics = 1

// Config is what a tracker of agents needs. All fields are required.
type Config struct {
	Families Families
	// HeartbeatMs is how long an agent whose source sends heartbeats may be
	// silent, ms.
	HeartbeatMs int64
	// MaxAgeMs is how long any other agent may be silent, ms.
	MaxAgeMs int64
	// LingerMs is how long the events of an agent who is gone are kept beyond
	// the horizon, ms.
	LingerMs int64
}

// Tracker folds agents. It keeps nothing of any agent between calls but memory
// to use again, so one tracker serves one task.
type Tracker struct {
	cfg Config
	p   presence
}

// New makes a tracker.
func New(c Config) *Tracker { return &Tracker{cfg: c} }

// Fold gives the facts of an agent when its feed's clock stands at now: those
// that go on, and those that ended in the events that the item holds. While the
// agent is there, lostAt is the instant at which silence ends that.
func (t *Tracker) Fold(it *item.Item, now int64, out *fact.Buffer) (lostAt, overAt int64) {
	p := &t.p
	t.play(it, it.Events, out)
	if !p.here {
		return event.Never, it.Last()
	}
	if lostAt = p.silentAt(); lostAt > now {
		p.tell()
		return lostAt, event.Never
	}
	p.leave(p.lastSign, Silence)
	return event.Never, max(lostAt, it.Last()) // until then an event would prove otherwise
}

func (t *Tracker) play(it *item.Item, events []item.Held, out *fact.Buffer) {
	p := &t.p
	p.cfg, p.out, p.agent = &t.cfg, out, it.Entity
	p.reset()
	p.decode(it.Base)
	for i := range events {
		if events[i].Applies() {
			p.take(&events[i].Event)
		}
	}
}

// Base is what goes on behind an item's first n events: with it in the place of
// them the rest folds to the same.
func (t *Tracker) Base(it *item.Item, n int) string {
	t.play(it, it.Events[:n], nil)
	return t.p.encode()
}

// Settled tells whether the agent is gone for longer than any event can reach
// back: then nothing of the item is needed. No event of an agent is an orphan:
// what finds nobody there means nothing.
func (t *Tracker) Settled(it *item.Item, now, bound int64, _ func(*item.Held)) int {
	t.play(it, it.Events, nil)
	last := it.Last()
	if t.p.here {
		last = max(last, t.p.silentAt())
	}
	if last > now || last+t.cfg.LingerMs >= bound {
		return 0
	}
	it.Base = ""
	return len(it.Events)
}

// sign tells whether an event shows that the agent is there. What a customer
// or the system does about an agent does not.
func sign(eventType string) bool {
	switch eventType {
	case "contact.answered", "contact.hold_started", "contact.hold_ended", "contact.transferred", "contact.ended",
		"contact.wrapup_started", "contact.wrapup_ended":
		return true
	}
	return strings.HasPrefix(eventType, "agent.")
}

// take folds the next event.
func (p *presence) take(e *event.Event) {
	if !sign(e.Type) {
		return
	}
	if p.here && e.Time > p.silentAt() {
		p.leave(p.lastSign, Silence)
	}
	if strings.HasPrefix(e.Type, "contact.") {
		p.ofContact(e)
	} else {
		p.ofAgent(e)
	}
	if p.here {
		p.lastSign = e.Time
		p.stand(e)
	}
}

func (p *presence) ofAgent(e *event.Event) {
	queue := e.Text(event.FieldQueueID)
	switch e.Type {
	case "agent.login":
		if p.here {
			p.endSpan(e.Time, Login)
		}
		p.arrive(e, Login)
		p.beats, p.span = false, span{id: e.UID, from: e.Time, by: Login}
		p.name(e)
	case "agent.state_changed":
		p.arrive(e, Inferred)
		p.name(e)
	case "agent.paused":
		p.arrive(e, Inferred)
		p.pause(e, queue)
	case "agent.unpaused":
		p.arrive(e, Inferred)
		p.unpause(e.Time, queue, Unpaused)
	case "agent.queue_joined":
		p.arrive(e, QueueJoined)
		p.join(queue)
	case "agent.queue_left":
		if p.here {
			p.part(e.Time, queue)
		}
	case "agent.heartbeat":
		p.beats = p.here
		if p.here && e.Text(event.FieldState) != p.state {
			p.name(e)
		}
	case "agent.logout":
		if p.here {
			p.leave(e.Time, Logout)
		}
	}
	if team := e.Text(event.FieldTeamID); p.here && team != "" {
		p.team = team
	}
}

func (p *presence) ofContact(e *event.Event) {
	id := e.Text(event.FieldContactID)
	switch e.Type {
	case "contact.answered":
		p.arrive(e, Inferred)
		p.hold(id, false)
	case "contact.transferred", "contact.ended":
		p.release(id, false)
	case "contact.wrapup_started":
		if p.here {
			p.hold(id, true)
		}
	case "contact.wrapup_ended":
		p.release(id, true)
	}
}

package agent

import (
	"slices"

	"github.com/nabz/nabz/pkg/event"
	"github.com/nabz/nabz/pkg/fact"
)

// maxList is the most queues, pauses and contacts that an agent has at once.
// Nobody serves or holds so many; it bounds what a runaway source can cost.
const maxList = 200

// presence is what is known of an agent between two events. Of one who is not
// there, nothing is.
type presence struct {
	cfg *Config
	out *fact.Buffer

	here     bool
	beats    bool  // its source sends heartbeats
	lastSign int64 // of life

	span      span
	stay      stay
	agent     string // of the item
	team      string
	state     string // as the source names it
	reason    string
	available bool // it may be offered contacts in that state
	queues    []string
	pauses    []pause
	contacts  []held
}

// span is a time from log-in to log-out.
type span struct {
	id   event.UID
	from int64
	by   string // what it began with
}

// stay is a time in which nothing about the agent changes.
type stay struct {
	on   bool
	id   event.UID
	from int64
	row
}

// row is what a stay is about.
type row struct{ team, state, reason, activity string }

type pause struct {
	id            event.UID
	from          int64
	queue, reason string
}

// held is a contact that the agent works at.
type held struct {
	id     string
	wrapup bool // the work after it
}

func (p *presence) reset() {
	*p = presence{
		cfg: p.cfg, out: p.out, agent: p.agent, available: true,
		queues: p.queues[:0], pauses: p.pauses[:0], contacts: p.contacts[:0],
	}
}

// silentAt is until when the agent may be silent, ms.
func (p *presence) silentAt() int64 {
	if p.beats {
		return p.lastSign + p.cfg.HeartbeatMs
	}
	return p.lastSign + p.cfg.MaxAgeMs
}

// arrive begins a presence of which no log-in told.
func (p *presence) arrive(e *event.Event, by string) {
	if !p.here {
		p.here = true
		p.span = span{id: e.UID, from: e.Time, by: by}
	}
}

// leave ends all that goes on.
func (p *presence) leave(at int64, how string) {
	for i := range p.pauses {
		p.endPause(&p.pauses[i], at, how)
	}
	p.endStay(at, how)
	p.endSpan(at, how)
	p.reset()
}

// name takes over the state that an event names.
func (p *presence) name(e *event.Event) {
	state := e.Text(event.FieldState)
	if state == "" {
		return
	}
	p.state, p.reason = state, e.Text(event.FieldReason)
	v, told := e.Int(event.FieldAvailable)
	p.available = told && v != 0 || !told && state == Available
}

func (p *presence) join(queue string) {
	if !slices.Contains(p.queues, queue) && len(p.queues) < maxList {
		p.queues = append(p.queues, queue)
	}
}

// part takes the agent from a queue. One of whom no log-in told is gone with
// the last of them: with most PBXs joining queues is all the logging in there is.
func (p *presence) part(at int64, queue string) {
	if i := slices.Index(p.queues, queue); i >= 0 {
		p.queues = slices.Delete(p.queues, i, i+1)
	}
	p.drop(at, QueueLeft, func(x *pause) bool { return x.queue == queue })
	if len(p.queues) == 0 && p.span.by != Login {
		p.leave(at, QueueLeft)
	}
}

func (p *presence) pause(e *event.Event, queue string) {
	reason := e.Text(event.FieldReason)
	for i, x := range p.pauses {
		if x.queue == queue && x.reason == reason {
			p.pauses = append(slices.Delete(p.pauses, i, i+1), x) // said again: the newest
			return
		}
	}
	p.drop(e.Time, Changed, func(x *pause) bool { return x.queue == queue })
	if len(p.pauses) < maxList {
		p.pauses = append(p.pauses, pause{e.UID, e.Time, queue, reason})
	}
}

// unpause ends the pause of a queue and the one of all, or every pause.
func (p *presence) unpause(at int64, queue, how string) {
	p.drop(at, how, func(x *pause) bool { return queue == "" || x.queue == "" || x.queue == queue })
}

func (p *presence) drop(at int64, how string, which func(*pause) bool) {
	kept := p.pauses[:0]
	for i := range p.pauses {
		if which(&p.pauses[i]) {
			p.endPause(&p.pauses[i], at, how)
		} else {
			kept = append(kept, p.pauses[i])
		}
	}
	p.pauses = kept
}

// paused tells whether no contact can reach the agent: the pause is one of all
// queues, or as many are paused as are served.
func (p *presence) paused() bool {
	for i := range p.pauses {
		if p.pauses[i].queue == "" {
			return true
		}
	}
	return len(p.pauses) > 0 && len(p.pauses) >= len(p.queues)
}

func (p *presence) hold(id string, wrapup bool) {
	for i := range p.contacts {
		if p.contacts[i].id == id {
			p.contacts[i].wrapup = wrapup
			return
		}
	}
	if len(p.contacts) < maxList {
		p.contacts = append(p.contacts, held{id, wrapup})
	}
}

func (p *presence) release(id string, wrapup bool) {
	p.contacts = slices.DeleteFunc(p.contacts, func(c held) bool { return c.id == id && c.wrapup == wrapup })
}

// activity is the first of what the agent does that holds: any number of
// contacts at once is one activity, so that time is counted once.
func (p *presence) activity() string {
	activity := Unavailable
	switch {
	case p.paused():
		activity = Paused
	case p.available:
		activity = Available
	}
	for i := range p.contacts {
		if !p.contacts[i].wrapup {
			return Contact
		}
		activity = Wrapup
	}
	return activity
}

// stand begins another stay where the event changed anything that it is about.
func (p *presence) stand(e *event.Event) {
	now := row{p.team, p.state, p.reason, p.activity()}
	if now.activity == Paused {
		now.reason = p.pauses[len(p.pauses)-1].reason
	}
	if p.stay.on {
		if p.stay.row == now {
			return
		}
		p.endStay(e.Time, Changed)
	}
	p.stay = stay{true, e.UID, e.Time, now}
}

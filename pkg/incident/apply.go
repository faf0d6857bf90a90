package incident

import (
	"slices"

	"github.com/nabz/nabz/pkg/row"
)

// apply takes a record into the state. durable says that it stands in the
// outbox: until then its message may not be sent. A record that is there
// twice, as when two alerters took each other for dead, changes nothing.
func (m *Machine) apply(r *Record, durable bool) {
	m.position = max(m.position, r.Position)
	e := m.entries[r.Key]
	switch r.Event {
	case Opened, Kept:
		m.applyOpening(r, e, durable)
	case Released:
		if e != nil && e.State == Firing && e.Suppressed != "" {
			e.note(r)
			m.owe(e, r, durable)
		}
	case Resolved:
		m.applyResolved(r, e, durable)
	case Delivered, Failed, Dropped:
		if e != nil {
			e.seq = max(e.seq, r.Seq)
		}
		m.settle(r)
	}
}

func (e *entry) note(r *Record) {
	e.Incident, e.seq, e.loggedAt = *r.Incident, max(e.seq, r.Seq), r.At
}

func (m *Machine) applyOpening(r *Record, e *entry, durable bool) {
	if e != nil && e.State == Firing {
		if r.Event == Kept {
			e.seq, e.loggedAt = max(e.seq, r.Seq), r.At
		}
		return
	}
	if e != nil && !(place{epoch: r.Incident.Epoch, version: r.Incident.Version}).after(e.place()) {
		return // its end stands already
	}
	if e == nil {
		e = &entry{key: r.Key}
		m.entries[r.Key] = e
	}
	e.note(r)
	e.thing, e.told = e.named(), false
	m.seen.note(e.thing, e.place(), false)
	m.current[e.thing] = e
	if e.Kind != Overflow {
		m.open[e.Tenant]++
	}
	if e.Suppressed == "" {
		m.owe(e, r, durable)
	}
}

// named gives the thing that the incident is about.
func (e *entry) named() string {
	switch e.Kind {
	case Overflow:
		return overflowOf(e.Tenant)
	case row.Threshold:
		return e.Tenant + "\x00" + e.Rule + "\x00" + e.Item
	}
	return e.key
}

func (m *Machine) applyResolved(r *Record, e *entry, durable bool) {
	if e == nil {
		// Its opening is forgotten by the log: there is nobody left to tell
		// but those that were told, whom the record names.
		if r.Incident.Suppressed != "" {
			return
		}
		e = &entry{key: r.Key, Incident: *r.Incident, told: true}
		e.thing = e.named()
		m.entries[r.Key] = e
	} else if e.State == Ended {
		e.seq = max(e.seq, r.Seq)
		return
	}
	if m.current[e.thing] == e {
		delete(m.current, e.thing)
		if e.Kind != Overflow {
			if m.open[e.Tenant]--; m.open[e.Tenant] <= 0 {
				delete(m.open, e.Tenant)
			}
		}
	}
	e.note(r)
	m.seen.note(e.thing, e.place(), false)
	if e.told {
		m.owe(e, r, durable)
	}
}

// owe queues the message of a record for every receiver of the incident.
func (m *Machine) owe(e *entry, r *Record, durable bool) {
	if e.State == Firing {
		e.told = true
		if e.Kind == row.Threshold {
			m.told[e.thing] = told{r.At, e.Severity}
		}
	}
	for _, q := range m.queues {
		if !slices.Contains(e.Receivers, q.receiver.Name) || slices.Contains(r.Told, q.receiver.Name) {
			continue
		}
		q.add(Message{Key: r.Key, Seq: r.Seq, Event: e.State, At: r.At, Attempt: 1, Incident: e.Incident}, durable)
	}
}

// place orders the verdicts of one thing.
type place struct {
	epoch, version int64
	decided        int64 // ms since 1970 UTC
	seq            int64 // of the last record of an incident that is forgotten
}

func (e *entry) place() place {
	return place{epoch: e.Epoch, version: e.Version, decided: max(e.OpenedAt, e.ResolvedAt)}
}

func (p place) after(q place) bool {
	return p.epoch > q.epoch || p.epoch == q.epoch && p.version > q.version
}

// news tells whether a verdict there may open what was judged before. A new
// epoch computes the past again; what it finds where the last one found it is
// known.
func (p place) news(was place) bool { return p.epoch == was.epoch || p.decided > was.decided }

// memory holds the last place of each thing, and lets go of the oldest things.
type memory struct {
	at    map[string]place
	order []string // a ring, oldest at next
	next  int
}

// note takes a place in. It gives the one before it, and tells whether it is
// beyond all before it, or, where two verdicts may have one place, level.
func (m *memory) note(what string, p place, level bool) (was place, newer bool) {
	was, known := m.at[what]
	switch {
	case !known:
		was = place{epoch: p.epoch}
		m.remember(what)
	case !p.after(was) && !(level && !was.after(p)):
		return was, false
	}
	m.at[what] = place{p.epoch, p.version, max(p.decided, was.decided), was.seq}
	return was, true
}

// count keeps the number of an incident's last record: one of the same key that
// opens again goes on from there.
func (m *memory) count(what string, seq int64) {
	if p, known := m.at[what]; known {
		p.seq = max(p.seq, seq)
		m.at[what] = p
	}
}

func (m *memory) remember(what string) {
	if len(m.order) < remembered {
		m.order = append(m.order, what)
		return
	}
	delete(m.at, m.order[m.next])
	m.order[m.next] = what
	m.next = (m.next + 1) % remembered
}

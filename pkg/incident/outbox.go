package incident

import (
	"fmt"
	"slices"
)

// Message is what one receiver is to be told.
type Message struct {
	Key     string
	Seq     int64  // of the record that caused it
	Event   string // Firing or Ended
	At      int64  // when it was caused, ms since 1970 UTC
	Attempt int    // which one, from 1
	// Incident is as it was when the message was caused.
	Incident Incident
}

// ID names the message: one that is sent again has the same.
func (m *Message) ID() string {
	return fmt.Sprintf("msg_%s_%s_%d", m.Key, m.Event, m.Incident.Version)
}

// Outcome is what became of an attempt.
type Outcome struct {
	Delivered bool
	// Final says that no further attempt can help; of one that was not
	// delivered.
	Final  bool
	Reason string
	// After is how long the receiver asked to be left alone, ms.
	After int64
}

// queue holds the messages owed to one receiver.
type queue struct {
	receiver Receiver
	of       map[string]*delivery // by key
	order    []*delivery          // by their oldest message; emptied ones are left out at times
	busy     map[string]bool      // keys that are being told
	waiting  int                  // messages
	failures int                  // since the last success
}

// delivery holds the messages of one key, the next first: a resolution never
// overtakes its opening.
type delivery struct{ messages []*owed }

type owed struct {
	Message
	durable bool
	next    int64 // not before, ms since 1970 UTC
}

// downAfter is how many failures in a row mean that the receiver is away, and
// not that it dislikes a message: when it is back all are tried at once.
const downAfter = 3

func (q *queue) add(m Message, durable bool) {
	d := q.of[m.Key]
	if d == nil {
		d = &delivery{}
		q.of[m.Key] = d
		q.order = append(q.order, d)
	}
	d.messages = append(d.messages, &owed{Message: m, durable: durable})
	q.waiting++
}

func (m *Machine) queue(receiver string) *queue {
	for _, q := range m.queues {
		if q.receiver.Name == receiver {
			return q
		}
	}
	return nil
}

// Acknowledged says that a record stands in the outbox: its messages may go.
func (m *Machine) Acknowledged(r *Record) {
	for _, q := range m.queues {
		if d := q.of[r.Key]; d != nil {
			for _, o := range d.messages {
				o.durable = o.durable || o.Seq == r.Seq
			}
		}
	}
}

// Take gives up to n messages for a receiver whose turn has come, the oldest
// first, at most one of a key. Each is to be followed by [Machine.Done].
func (m *Machine) Take(receiver string, now int64, n int) []Message {
	q := m.queue(receiver)
	if q == nil || q.waiting == 0 || n <= 0 {
		return nil
	}
	var out []Message
	kept := q.order[:0]
	for _, d := range q.order {
		if len(d.messages) == 0 {
			continue
		}
		kept = append(kept, d)
		o := d.messages[0]
		if len(out) == n || !o.durable || o.next > now || q.busy[o.Key] {
			continue
		}
		q.hold(o.Key)
		out = append(out, o.Message)
	}
	clear(q.order[len(kept):])
	q.order = kept
	return out
}

func (q *queue) hold(key string) {
	if q.busy == nil {
		q.busy = map[string]bool{}
	}
	q.busy[key] = true
}

// Next gives the instant at which a message that waits for another attempt may
// be taken; false when none waits.
func (m *Machine) Next(receiver string) (at int64, ok bool) {
	q := m.queue(receiver)
	if q == nil || q.waiting == 0 {
		return 0, false
	}
	for _, d := range q.order {
		if len(d.messages) == 0 || !d.messages[0].durable || q.busy[d.messages[0].Key] {
			continue
		}
		if next := d.messages[0].next; !ok || next < at {
			at, ok = next, true
		}
	}
	return at, ok
}

// Done takes in what became of a message that was taken. It gives the record
// to write.
func (m *Machine) Done(receiver string, msg *Message, o Outcome, now int64) *Record {
	q, e := m.queue(receiver), m.entries[msg.Key]
	if q == nil || e == nil {
		panic("incident: done with a message that was not taken")
	}
	delete(q.busy, msg.Key)
	r := &Record{
		Key: msg.Key, Seq: e.seq + 1, Event: Delivered, At: now, Receiver: receiver, Of: msg.Seq, Message: msg.Event, Attempt: msg.Attempt, Position: m.position,
	}
	if !o.Delivered {
		r.Event, r.Reason = Dropped, clip(o.Reason)
		if delay, again := q.receiver.delay(msg.Attempt); again && !o.Final {
			r.Event, r.Next = Failed, now+max(delay, o.After)
		}
	}
	m.apply(r, false)
	return r
}

// maxReason keeps a record small whatever a receiver answers.
const maxReason = 300

func clip(s string) string { return s[:min(len(s), maxReason)] }

func (r *Receiver) delay(attempt int) (ms int64, again bool) {
	switch {
	case attempt <= len(r.Delays):
		return r.Delays[attempt-1], true
	case r.Forever && len(r.Delays) > 0:
		return r.Delays[len(r.Delays)-1], true
	}
	return 0, false
}

// settle takes in what became of a message.
func (m *Machine) settle(r *Record) {
	q := m.queue(r.Receiver)
	if q == nil {
		return
	}
	d := q.of[r.Key]
	if d == nil || len(d.messages) == 0 || d.messages[0].Seq != r.Of {
		return
	}
	if r.Event == Failed {
		q.failures++
		d.messages[0].Attempt, d.messages[0].next = r.Attempt+1, r.Next
		return
	}
	d.messages = d.messages[1:]
	q.waiting--
	if len(d.messages) == 0 {
		delete(q.of, r.Key)
	}
	if r.Event == Delivered {
		if q.failures >= downAfter {
			for _, d := range q.of {
				d.messages[0].next = min(d.messages[0].next, r.At)
			}
		}
		q.failures = 0
	}
}

// Standing gives what a receiver without memory is to be told again: every
// incident that is open and told, and those lately resolved, but those of
// which a message is under way. They are held until [Machine.Free].
func (m *Machine) Standing(receiver string, now int64) []Message {
	q := m.queue(receiver)
	if q == nil {
		return nil
	}
	var out []Message
	for key, e := range m.entries {
		ended := e.State == Ended
		if !e.told || q.of[key] != nil || q.busy[key] || ended && now-e.loggedAt > keepFor || !slices.Contains(e.Receivers, receiver) {
			continue
		}
		q.hold(key)
		out = append(out, Message{Key: key, Seq: e.seq, Event: e.State, At: e.loggedAt, Attempt: 1, Incident: e.Incident})
	}
	slices.SortFunc(out, func(a, b Message) int { return compare(a.Key, b.Key) })
	return out
}

// Free lets go of what [Machine.Standing] gave.
func (m *Machine) Free(receiver string, told []Message) {
	if q := m.queue(receiver); q != nil {
		for i := range told {
			delete(q.busy, told[i].Key)
		}
	}
}

// Waiting is the number of messages owed to a receiver, and since when the
// oldest is, in ms since 1970 UTC; 0 when none is.
func (m *Machine) Waiting(receiver string) (n int, since int64) {
	q := m.queue(receiver)
	if q == nil {
		return 0, 0
	}
	for _, d := range q.order {
		if len(d.messages) > 0 {
			return q.waiting, d.messages[0].At
		}
	}
	return 0, 0
}

// Backlog is the number of messages owed to all receivers.
func (m *Machine) Backlog() int {
	n := 0
	for _, q := range m.queues {
		n += q.waiting
	}
	return n
}

// owes tells whether a message of the key is still to be delivered.
func (m *Machine) owes(key string) bool {
	for _, q := range m.queues {
		if q.of[key] != nil || q.busy[key] {
			return true
		}
	}
	return false
}

// toldOf are the receivers that have the message of an open incident.
func (m *Machine) toldOf(key string) []string {
	e := m.entries[key]
	if !e.told {
		return nil
	}
	var out []string
	for _, q := range m.queues {
		if q.of[key] == nil && slices.Contains(e.Receivers, q.receiver.Name) {
			out = append(out, q.receiver.Name)
		}
	}
	return out
}

// Package asterisk translates the queue_log of Asterisk into events of the
// catalogue.
//
// It does not know where the log is read, nor where events go. It reads no
// clock, starts no goroutine and performs no I/O.
//
// The rows are those of Asterisk's documentation (Operation/Logging/Queue-Logs)
// and of apps/app_queue.c, with those that distributions add.
package asterisk

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"strconv"
	"time"

	"github.com/nabz/nabz/pkg/source"
)

// Config is what a translator needs.
type Config struct {
	Instance string         // of the PBX, such as pbx1: part of the source and of every contact's id
	Zone     *time.Location // of times in the form of the database; nil: UTC
}

// Translator reads the rows of one log in their order. The same rows give the
// same events, whichever of them was the first that it read, as long as it saw
// every call from its first row. Rows that are equal to the letter are one.
type Translator struct {
	config Config
	calls  map[string]*call
	over   []*call          // those of calls that are over, in that order
	logins map[string]int64 // by agent: when, ms
	out    []source.Event
	line   line
	place  int64
	made   int // events of this row
}

// New makes a translator that has read nothing.
func New(c Config) *Translator {
	if c.Zone == nil {
		c.Zone = time.UTC
	}
	return &Translator{config: c, calls: map[string]*call{}, logins: map[string]int64{}}
}

// Source is the CloudEvents source of the events.
func (t *Translator) Source() string { return "asterisk/" + t.config.Instance }

// Types are the types of events that a log may give.
func Types() []string {
	return []string{
		"contact.created", "contact.queued", "contact.not_offered", "contact.offered", "contact.offer_ended", "contact.dequeued",
		"contact.answered", "contact.hold_started", "contact.hold_ended", "contact.transferred", "contact.ended",
		"contact.wrapup_started", "contact.wrapup_ended",
		"agent.login", "agent.logout", "agent.queue_joined", "agent.queue_left", "agent.paused", "agent.unpaused",
	}
}

// Resume is the least place from which the log must be read again by a
// translator that is to go on, and that is told of [Translator.Logins]: of the
// calls that are not long over the first row. A call that has been silent for a
// day has lost its end, and is not waited for. next is the place behind the
// newest row.
func (t *Translator) Resume(next int64) int64 {
	for _, c := range t.calls {
		if c.at >= t.line.at-maxAge {
			next = min(next, c.first)
		}
	}
	return next
}

// Logins are the agents who are logged in, with the time of it, ms: a shift may
// be older than any call.
func (t *Translator) Logins() map[string]int64 { return maps.Clone(t.logins) }

// Recall takes over the logins that a translator before this one knew. The rows
// from Resume on, read again, bring them up to date.
func (t *Translator) Recall(logins map[string]int64) {
	t.logins = map[string]int64{}
	maps.Copy(t.logins, logins)
}

// Row translates one row, which stands at a place of the log that grows from
// row to row. The events are valid until the next call. A row that is no row of
// a queue_log, or whose event is not known, gives an error and nothing else.
func (t *Translator) Row(place int64, text string) ([]source.Event, error) {
	l, err := parse(text, t.config.Zone)
	if err != nil {
		return nil, err
	}
	t.line, t.place, t.made, t.out = l, place, 0, t.out[:0]
	act, known := verbs[l.verb]
	if !known {
		return nil, fmt.Errorf("event %q is not known", l.verb)
	}
	switch {
	case act.call && l.call == "":
		return nil, fmt.Errorf("%s without a call", l.verb)
	case act.queue && l.queue == "":
		return nil, fmt.Errorf("%s without a queue", l.verb)
	case act.agent && l.agent == "":
		return nil, fmt.Errorf("%s without an agent", l.verb)
	}
	if act.do != nil {
		act.do(t, &t.line)
	}
	return t.out, nil
}

// emit adds an event of the row that is being read. Its id is made of the row's
// text, which row of its call within the second it is, and the event's place
// among those of the row.
func (t *Translator) emit(typ string, at int64, sequence int64, data ...source.Member) {
	h := sha256.Sum256(fmt.Appendf(nil, "%s\x00%d\x00%s", t.config.Instance, sequence, t.line.text))
	kept := make([]source.Member, 0, len(data))
	for _, m := range data {
		if m.JSON != `""` {
			kept = append(kept, m)
		}
	}
	t.out = append(t.out, source.Event{
		Type: typ, Source: t.Source(), ID: hex.EncodeToString(h[:12]) + "-" + strconv.Itoa(t.made),
		Time: at, Sequence: sequence, Data: kept,
	})
	t.made++
}

// contact emits an event of a call.
func (t *Translator) contact(c *call, typ string, at int64, data ...source.Member) {
	head := []source.Member{source.Text("contact_id", t.config.Instance+"/"+c.id), source.Text("channel", "voice")}
	t.emit("contact."+typ, at, c.rows, append(head, data...)...)
}

// ofAgent emits an event of an agent.
func (t *Translator) ofAgent(typ string, at int64, data ...source.Member) {
	head := []source.Member{source.Text("agent_id", t.line.agent)}
	t.emit("agent."+typ, at, 0, append(head, data...)...)
}

// Package kinds is the list of the kinds of entities that trackers fold. A
// tracker more is its package beside this one, its row in families.yaml, its
// SQL in clickhouse/proof/<kind>.sql and one entry here.
//
// It does not know how any of them folds. It starts no goroutine and performs
// no I/O.
package kinds

import (
	"github.com/nabz/nabz/pkg/fact"
	"github.com/nabz/nabz/pkg/track"
	"github.com/nabz/nabz/pkg/track/agent"
	"github.com/nabz/nabz/pkg/track/contact"
	"github.com/nabz/nabz/pkg/track/conversation"
)

// Kind is one kind of entity: the facts made of it, and who makes them.
type Kind struct {
	Name string
	// Semantics is raised by hand where the fold makes other facts of the same
	// events.
	Semantics int
	// Families are in a fixed order. Identity of the descriptors matters.
	Families []*fact.Family
	// Tracker makes the tracker of one task: it keeps memory to use again.
	Tracker func(Setting) track.Tracker
}

// Setting is what every tracker is made of.
type Setting struct {
	Timing track.Timing
	// Opener tells whether an event type opens a life.
	Opener func(eventType string) bool
}

// All makes the list, with families of its own: a program makes it once and
// hands it on.
func All() []Kind {
	return []Kind{contacts(), conversations(), agents()}
}

func contacts() Kind {
	f := contact.NewFamilies()
	return Kind{Name: contact.Kind, Semantics: contact.Semantics, Families: f.All(), Tracker: func(s Setting) track.Tracker {
		return contact.New(contact.Config{Families: f, Opener: s.Opener, LingerMs: s.Timing.Linger, MaxAgeMs: s.Timing.MaxAge})
	}}
}

func conversations() Kind {
	f := conversation.NewFamilies()
	return Kind{Name: conversation.Kind, Semantics: conversation.Semantics, Families: f.All(), Tracker: func(s Setting) track.Tracker {
		return conversation.New(conversation.Config{
			Families: f, Opener: s.Opener, Business: always,
			LingerMs: s.Timing.Linger, KeepMs: s.Timing.Keep, MaxAgeMs: s.Timing.MaxAge,
		})
	}}
}

func agents() Kind {
	f := agent.NewFamilies()
	return Kind{Name: agent.Kind, Semantics: agent.Semantics, Families: f.All(), Tracker: func(s Setting) track.Tracker {
		return agent.New(agent.Config{Families: f, HeartbeatMs: s.Timing.Heartbeat, MaxAgeMs: s.Timing.MaxAge, LingerMs: s.Timing.Linger})
	}}
}

// always are the hours of a desk that never closes.
func always(from, to int64) int64 { return to - from }

// Families are those of all kinds, in the order of the list.
func Families(all []Kind) []*fact.Family {
	var out []*fact.Family
	for _, k := range all {
		out = append(out, k.Families...)
	}
	return out
}

// Trackers makes what one task folds with. Tasks run beside each other and
// share none of it.
func Trackers(all []Kind, timings map[string]track.Timing, opener func(eventType string) bool) []track.Kind {
	var out []track.Kind
	for _, k := range all {
		timing := timings[k.Name]
		out = append(out, track.Kind{Name: k.Name, Timing: timing, Tracker: k.Tracker(Setting{timing, opener})})
	}
	return out
}

// Package kinds is the list of the kinds of entities that trackers fold. A
// tracker more is its package beside this one, its row in families.yaml, its
// SQL in clickhouse/proof/<kind>.sql and one entry here. A kind that is declared
// as data needs no entry.
//
// It does not know how any of them folds. It starts no goroutine and performs
// no I/O.
package kinds

import (
	"fmt"
	"slices"

	"github.com/nabz/nabz/pkg/calendar"
	"github.com/nabz/nabz/pkg/fact"
	"github.com/nabz/nabz/pkg/record"
	"github.com/nabz/nabz/pkg/track"
	"github.com/nabz/nabz/pkg/track/agent"
	"github.com/nabz/nabz/pkg/track/contact"
	"github.com/nabz/nabz/pkg/track/conversation"
	fold "github.com/nabz/nabz/pkg/track/record"
)

// Kind is one kind of entity: the facts made of it, and who makes them.
type Kind struct {
	Name string
	// Semantics is raised by hand where the fold makes other facts of the same
	// events.
	Semantics int
	// Record is how the kind is declared as data; nil: its facts have Go of their own.
	Record *record.Kind
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
	// Zone is whose calendar days facts are made by.
	Zone *calendar.Zone
	// Hours are the calendars, and whose they are.
	Hours *calendar.Set
}

// All makes the list, with families of its own: a program makes it once and
// hands it on. Behind the kinds that have Go of their own stand those that are
// declared.
func All(records []*record.Kind) []Kind {
	all := []Kind{contacts(), conversations(), agents()}
	for _, d := range records {
		all = append(all, declared(d))
	}
	return all
}

func declared(d *record.Kind) Kind {
	k := Kind{Name: d.Name, Semantics: fold.Semantics, Record: d}
	for _, f := range d.Families {
		k.Families = append(k.Families, f.Fact)
	}
	k.Tracker = func(s Setting) track.Tracker {
		return fold.New(fold.Config{
			Kind: d, Zone: s.Zone, LingerMs: s.Timing.Linger, HorizonMs: s.Timing.Horizon, KeepMs: s.Timing.Keep,
		})
	}
	return k
}

// Check holds the declared kinds against the table of timings.
func Check(all []Kind, timings map[string]track.Timing) error {
	for i, k := range all {
		t, ok := timings[k.Name]
		if !ok {
			return fmt.Errorf("families.yaml says nothing of kind %s", k.Name)
		}
		if slices.ContainsFunc(all[:i], func(other Kind) bool { return other.Name == k.Name }) {
			return fmt.Errorf("kind %s is there twice", k.Name)
		}
		if k.Record == nil {
			continue
		}
		for _, f := range k.Record.Families {
			if within, _ := f.Waits(); max(within, f.GapMs, f.LostAfterMs) > t.Keep {
				return fmt.Errorf("families.yaml keeps a %s for less than %s takes", k.Name, f.Fact.Name)
			}
		}
	}
	return nil
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
			Families: f, Opener: s.Opener, Business: s.Hours.Elapsed,
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
func Trackers(all []Kind, timings map[string]track.Timing, opener func(eventType string) bool, zone *calendar.Zone, hours *calendar.Set) []track.Kind {
	var out []track.Kind
	for _, k := range all {
		timing := timings[k.Name]
		out = append(out, track.Kind{Name: k.Name, Timing: timing, Tracker: k.Tracker(Setting{timing, opener, zone, hours})})
	}
	return out
}

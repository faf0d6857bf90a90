// Package record is how families of facts are declared as data: which events
// make a fact, what ends it, and where each of its columns comes from
// (docs/records.md).
//
// It does not know how facts are folded, nor how SQL makes them: both read the
// declaration and share nothing else. It reads no clock, starts no goroutine
// and performs no I/O.
package record

import (
	"fmt"
	"slices"
	"strings"

	"github.com/nabz/nabz/pkg/event"
	"github.com/nabz/nabz/pkg/fact"
)

// Mode is how events become facts.
type Mode uint8

const (
	// Each event is a fact.
	Each Mode = iota + 1
	// Life is one fact an item, from its first event on.
	Life
	// Gap is a fact for all events between which there is no longer silence.
	Gap
	// Day is a fact for all events of one local calendar day.
	Day
	// Stay is a fact for each time in which one word of the item stays the same.
	Stay
)

// The words of a state that no event says.
const (
	Open   = "open"
	Closed = "closed"
)

// Kind is one kind of entity with the families of its items.
type Kind struct {
	Name     string
	Doc      string
	Families []*Family
}

// Family is how the facts of one family come to be.
type Family struct {
	Fact  *fact.Family
	Mode  Mode
	Types []string // of the events that make facts
	Where []Cond   // what those events must say
	// GapMs is the longest silence within one fact of mode Gap, ms.
	GapMs int64
	// Per divides mode Gap: facts are of events that agree in the first of these
	// fields that they carry.
	Per []*event.Field
	// Of is the field whose word a Stay is about, and Ends the types that end it.
	Of   *event.Field
	Ends []string
	// LostAfterMs is after which time an open fact of mode Life is lost; 0: only
	// with its item, ms.
	LostAfterMs int64
	Columns     []Column // by index of Fact.Columns
}

// Source is where the value of a column comes from.
type Source uint8

const (
	Item          Source = iota + 1 // the item's id
	Opened                          // the time of the event that opened the fact
	DayNumber                       // its local day, counted from 1970-01-01
	Nth                             // which fact of the family of its item it is, from 1
	SincePrevious                   // from the opening of the one before
	UntilNext                       // to the opening of the next one, within a bound
	State                           // whether it may still change
	Ended                           // when a Stay ended
	Next                            // the word after a Stay
	Of                              // a field of the opening event
	Type                            // a word for the type of the opening event
	Carried                         // what the item last said in a field, up to the opening event
	Status                          // a word for the type of the last event that has one
	First                           // the first that its events say in a field
	Last                            // the last
	Sum                             // of a field over its events
	Count                           // of its events
	FirstAt                         // the time of its first event
	LastAt                          // the time of its last event
	Span                            // between two columns that are instants
	Minus                           // one column less another
)

// Cond is what an event must say in a field.
type Cond struct {
	Field  *event.Field
	Not    bool     // it must say none of the Values; nothing will do
	Values []string // nil: anything
}

// Holds tells whether an event says so.
func (c *Cond) Holds(e *event.Event) bool {
	text := e.Text(c.Field.Number)
	if c.Values == nil {
		return text != ""
	}
	for _, v := range c.Values {
		if v == text {
			return !c.Not
		}
	}
	return c.Not
}

// Column says where the values of one column come from.
type Column struct {
	Source   Source
	Field    *event.Field
	Types    []string // of the events that count, nil: all of the fact
	Where    []Cond   // what those events must say
	Negate   []string // types whose number is taken away
	Words    []Word   // of Type and Status
	From, To int      // the columns of Span (from, to) and Minus (from less to)
	WithinMs int64    // of UntilNext
}

// EventTypes are all types that the declaration names, by name. Events of other
// types are none of its items': they change nothing and prolong nothing.
func (k *Kind) EventTypes() []string {
	var out []string
	for _, f := range k.Families {
		out = append(append(out, f.Types...), f.Ends...)
		for i := range f.Columns {
			c := &f.Columns[i]
			types, _ := c.Texts()
			out = append(append(append(out, c.Types...), c.Negate...), types...)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Word is what a column says of an event type.
type Word struct{ Type, Text string }

// Open tells whether a state word says that a fact may still change.
func (f *Family) Open(word string) bool {
	for _, w := range f.Fact.Open {
		if w == word {
			return true
		}
	}
	return false
}

// Waits gives the bound of the family's UntilNext, ms.
func (f *Family) Waits() (withinMs int64, ok bool) {
	for i := range f.Columns {
		if f.Columns[i].Source == UntilNext {
			return f.Columns[i].WithinMs, true
		}
	}
	return 0, false
}

// NeedsZone tells whether facts depend on where days begin.
func (k *Kind) NeedsZone() bool {
	for _, f := range k.Families {
		if f.Mode == Day {
			return true
		}
		for i := range f.Columns {
			if f.Columns[i].Source == DayNumber {
				return true
			}
		}
	}
	return false
}

// Texts gives the types that a column has words for, and those words.
func (c *Column) Texts() (types, texts []string) {
	for _, w := range c.Words {
		types, texts = append(types, w.Type), append(texts, w.Text)
	}
	return types, texts
}

// Fingerprint stands for the whole declaration but its prose.
func (k *Kind) Fingerprint() string {
	var b strings.Builder
	for _, f := range k.Families {
		fmt.Fprintf(&b, "%s %d %q %v %d %v %v %q %d %q %q\n", f.Fact.Name, f.Mode, f.Types, conds(f.Where), f.GapMs, fieldNames(f.Per), fieldNames([]*event.Field{f.Of}), f.Ends, f.LostAfterMs, f.Fact.Open, f.Fact.Lost)
		for i := range f.Columns {
			c, d := &f.Columns[i], &f.Fact.Columns[i]
			fmt.Fprintf(&b, " %d %s %d %d %v %q %v %q %q %d %d %d\n", d.Number, d.Name, d.Type, c.Source, fieldNames([]*event.Field{c.Field}), c.Types, conds(c.Where), c.Negate, c.Words, c.From, c.To, c.WithinMs)
		}
	}
	return b.String()
}

func fieldNames(fields []*event.Field) (names []string) {
	for _, f := range fields {
		if f != nil {
			names = append(names, f.Name)
		}
	}
	return names
}

func conds(where []Cond) (out []string) {
	for _, c := range where {
		out = append(out, fmt.Sprintf("%s %v %q", c.Field.Name, c.Not, c.Values))
	}
	return out
}

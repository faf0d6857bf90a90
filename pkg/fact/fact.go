// Package fact describes the rows that trackers make of entities: the families,
// their columns, and one fact of a family.
//
// It does not know how a fact comes to be, nor which numbers are made of it.
// It reads no clock, starts no goroutine and performs no I/O.
package fact

import "github.com/nabz/nabz/pkg/event"

// Type is the kind of value that a column holds.
type Type uint8

const (
	// Text is a string; absent is the empty string.
	Text Type = iota + 1
	// Time is an instant in ms since 1970 UTC.
	Time
	// Duration is a span in ms, never negative.
	Duration
	// Count is a whole number.
	Count
	// Bool is 0 or 1.
	Bool
	// Decimal is a number in units of 1/[event.DecimalScale], such as an amount
	// of money in ten-thousandths of its currency.
	Decimal
)

// Column is one attribute of a family's facts.
type Column struct {
	Number int32 // on the wire, ≥ 1, never used again for another meaning
	Name   string
	Type   Type
	Values []string // the closed set of a Text column, or nil
	Doc    string   // what it is, with its unit
}

// Family is one kind of fact: its rows share a tracker, a table and panes.
type Family struct {
	Name    string // such as queue_segment
	View    string // for people, such as queue_segments
	Kind    string // of the items that make it
	Doc     string // one sentence: what one row is
	Columns []Column
	Dims    []string // the Text columns that panes are grouped by, in order
	Lost    string   // the Text column that says LostText where a fact was given up
	Open    []string // the values of that column while the fact may still change
	// Long says that facts stay open for days and more. Of a history, how many
	// are open is kept by the quarter of an hour alone: every minute of years is
	// more rows than there are events.
	Long bool
}

// LostText is what the Lost column says of a fact of which nothing was heard
// for the greatest open age: it is counted, and is in no sum and no level.
const LostText = "lost"

// MergedInto is the column of a family that says which other entity of its kind
// one turned out to be.
const MergedInto = "merged_into"

// Column gives the index of a column by name, or -1.
func (f *Family) Column(name string) int {
	for i := range f.Columns {
		if f.Columns[i].Name == name {
			return i
		}
	}
	return -1
}

// Value is one attribute of a fact. Set is false where it is not known (yet):
// such a value is NULL in tables and counts in no sum.
type Value struct {
	Int  int64
	Text string
	Set  bool
}

// Int makes a value that is known.
func Int(v int64) Value { return Value{Int: v, Set: true} }

// Str makes a known text value; the empty text is not known.
func Str(s string) Value { return Value{Text: s, Set: s != ""} }

// Fact is one row: a queue segment, an agent segment, a contact. The event
// that opened it names it, and that event's time never changes, so ID and
// OpenedAt are the fact's identity within its item; all else may change.
type Fact struct {
	Family   *Family
	ID       event.UID
	OpenedAt int64   // ms since 1970 UTC
	Values   []Value // by index of Family.Columns
}

// Equal tells whether a and b say the same of the same thing.
func Equal(a, b *Fact) bool {
	if a.Family != b.Family || a.ID != b.ID || a.OpenedAt != b.OpenedAt || len(a.Values) != len(b.Values) {
		return false
	}
	for i := range a.Values {
		if a.Values[i] != b.Values[i] {
			return false
		}
	}
	return true
}

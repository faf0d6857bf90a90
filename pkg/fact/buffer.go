package fact

import (
	"slices"

	"github.com/nabz/nabz/pkg/event"
)

// Buffer collects the facts of one fold and is used again for the next: a fold
// is the commonest thing a task does, and allocates nothing once warm.
type Buffer struct {
	Facts  []Fact
	values []Value
}

// Reset forgets all facts and keeps the memory.
func (b *Buffer) Reset() {
	b.Facts = b.Facts[:0]
	b.values = b.values[:0]
}

// Add appends a fact whose values are all unknown, for the caller to fill in
// before the next call.
func (b *Buffer) Add(f *Family, id event.UID, openedAt int64) []Value {
	from := len(b.values)
	b.values = slices.Grow(b.values, len(f.Columns))[:from+len(f.Columns)]
	clear(b.values[from:])
	b.Facts = append(b.Facts, Fact{Family: f, ID: id, OpenedAt: openedAt})
	// A grown array leaves the slices of earlier facts behind, whole and
	// unchanged, so only the newest is written through.
	v := b.values[from:len(b.values):len(b.values)]
	b.Facts[len(b.Facts)-1].Values = v
	return v
}

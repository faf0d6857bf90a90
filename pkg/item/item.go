// Package item is what a task keeps of one entity: the set of its events in
// their one order, whatever order they came in.
//
// It does not know what the events mean. It reads no clock, starts no
// goroutine and performs no I/O.
package item

import (
	"errors"
	"fmt"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/nabz/nabz/pkg/event"
)

// MaxEvents is the most events one item holds. The longest real contacts carry
// some dozen; a folding of 512 costs about 20 µs, so a runaway id cannot slow
// its partition.
const MaxEvents = 512

// Held is one event of an item.
type Held struct {
	event.Event
	Offset   int64  // of its record
	Replaced bool   // another event of the item replaces it
	form     string // what it was decoded from; empty: it has not been encoded yet
}

// Applies tells whether a fold is to take the event: it is neither replaced
// nor a mere withdrawal.
func (h *Held) Applies() bool { return !h.Replaced && !h.Withdrawn }

// Item is an entity's base, folded from events no longer held, and its held
// events in order.
type Item struct {
	Tenant string // whose it is; not encoded: whoever keeps it knows
	Entity string // its id within its kind; likewise
	Base   string // the tracker's own form; empty at first
	Events []Held
	Spare  int // how many events it may hold beyond MaxEvents; not encoded
}

// Result says what an insertion did.
type Result uint8

const (
	// Added is an event that is a new member.
	Added Result = iota + 1
	// Repeated is one that was a member already, with this content or a winning one.
	Repeated
	// Won is one that took the place of a member of its id.
	Won
	// Full is one for which there is no room: the item holds MaxEvents.
	Full
)

// Insert puts an event in its place. rank gives the rank of a type. Where the
// result is Won, loser is the offset of the record that lost.
func (it *Item) Insert(e *event.Event, offset int64, rank func(string) int) (res Result, loser int64) {
	for i := range it.Events {
		h := &it.Events[i]
		// Time is part of identity: what moves an event is a replacement.
		if h.UID != e.UID || h.Time != e.Time {
			continue
		}
		if !event.Wins(e, &h.Event) {
			return Repeated, 0
		}
		loser = h.Offset
		it.Events = slices.Delete(it.Events, i, i+1)
		it.place(e, offset, rank)
		return Won, loser
	}
	if len(it.Events) >= MaxEvents+it.Spare {
		return Full, 0
	}
	it.place(e, offset, rank)
	return Added, 0
}

func (it *Item) place(e *event.Event, offset int64, rank func(string) int) {
	r := rank(e.Type)
	i := len(it.Events)
	for i > 0 {
		h := &it.Events[i-1]
		if h.Time < e.Time || h.Time == e.Time && event.Compare(&h.Event, rank(h.Type), e, r) < 0 {
			break
		}
		i--
	}
	h := Held{Event: *e, Offset: offset}
	// The caller reads its next record into e. What an earlier item left behind
	// the events has room for the attributes, and belongs to nobody.
	var room []event.Attr
	if n := len(it.Events); n < cap(it.Events) {
		room = it.Events[:n+1][n].Attrs[:0]
	}
	h.Attrs = append(room, e.Attrs...)
	it.Events = slices.Insert(it.Events, i, h)
	it.mark()
}

// mark finds the events that others replace.
func (it *Item) mark() {
	for i := range it.Events {
		it.Events[i].Replaced = false
	}
	for i := range it.Events {
		by := &it.Events[i]
		if by.Replaces.IsZero() {
			continue
		}
		for j := range it.Events {
			if it.Events[j].UID == by.Replaces && it.Events[j].Time == by.ReplacesTime && j != i {
				it.Events[j].Replaced = true
			}
		}
	}
}

// Last is the newest time that any held event names: its own, or that of the
// event it replaces.
func (it *Item) Last() int64 {
	var last int64
	for i := range it.Events {
		last = max(last, it.Events[i].Time, it.Events[i].ReplacesTime)
	}
	return last
}

// Cut is how many leading events may be forgotten when all that happened up to
// and including t is settled: none of them may replace an event after t.
func (it *Item) Cut(t int64) int {
	n := 0
	for n < len(it.Events) && it.Events[n].Time <= t {
		if it.Events[n].ReplacesTime > t {
			return 0
		}
		n++
	}
	return n
}

// Below is how many leading events may be folded for good when events before t
// are refused from now on: no event among them replaces one behind them, or is
// replaced by one, so that none can be brought back or taken away later.
func (it *Item) Below(t int64) int {
	n := 0
	for n < len(it.Events) && it.Events[n].Time < t {
		n++
	}
	for again := true; again; {
		again = false
		for i := range it.Events {
			by := &it.Events[i]
			if by.Replaces.IsZero() {
				continue
			}
			first, last := i, i
			if j := it.find(by.Replaces, by.ReplacesTime); j >= 0 {
				first, last = min(i, j), max(i, j)
			} else if by.ReplacesTime >= t {
				last = len(it.Events) // it may still come
			}
			if first < n && last >= n {
				n, again = first, true
			}
		}
	}
	return n
}

func (it *Item) find(id event.UID, at int64) int {
	for i := range it.Events {
		if it.Events[i].UID == id && it.Events[i].Time == at {
			return i
		}
	}
	return -1
}

// ErrMalformed is what every error of [Item.Decode] is.
var ErrMalformed = errors.New("malformed item")

// Append encodes the item behind dst: the base, then each event, all with
// their lengths.
func (it *Item) Append(dst []byte) []byte {
	dst = protowire.AppendString(dst, it.Base)
	for i := range it.Events {
		dst = it.Events[i].append(dst)
	}
	return dst
}

// append encodes one event. One that was decoded is what it was: events are
// replaced, and never written over.
func (h *Held) append(dst []byte) []byte {
	if h.form != "" {
		return append(dst, h.form...)
	}
	dst = protowire.AppendVarint(dst, uint64(h.Offset))
	at := len(dst)
	dst = append(dst, 0, 0)
	dst = h.AppendHeld(dst)
	n := len(dst) - at - 2
	if n >= 1<<14 {
		body := string(dst[at+2:])
		return protowire.AppendString(dst[:at], body)
	}
	dst[at], dst[at+1] = byte(n)|0x80, byte(n>>7)
	return dst
}

// Decode reads what Append wrote. The strings of the events are parts of s;
// the memory of it.Events is used again.
func (it *Item) Decode(s string) error {
	it.Events = it.Events[:0]
	base, n := event.ReadText(s)
	if n < 0 {
		return fmt.Errorf("%w: base", ErrMalformed)
	}
	it.Base = base
	return it.more(s[n:])
}

// DecodeMore adds the events of what Append wrote of an item that goes on where
// this one ends; its base is left out.
func (it *Item) DecodeMore(s string) error {
	_, n := event.ReadText(s)
	if n < 0 {
		return fmt.Errorf("%w: base", ErrMalformed)
	}
	return it.more(s[n:])
}

func (it *Item) more(s string) error {
	for len(s) > 0 {
		offset, n := event.ReadVarint(s)
		if n < 0 {
			return fmt.Errorf("%w: offset of event %d", ErrMalformed, len(it.Events))
		}
		body, m := event.ReadText(s[n:])
		if m < 0 {
			return fmt.Errorf("%w: length of event %d", ErrMalformed, len(it.Events))
		}
		it.Events = slices.Grow(it.Events, 1)[:len(it.Events)+1]
		h := &it.Events[len(it.Events)-1]
		h.Offset, h.Replaced, h.form = int64(offset), false, s[:n+m]
		s = s[n+m:]
		if err := h.Event.Decode(body); err != nil {
			return fmt.Errorf("%w: event %d: %w", ErrMalformed, len(it.Events)-1, err)
		}
	}
	it.mark()
	return nil
}

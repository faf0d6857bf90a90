// Package event is the envelope of everything that happens: what an event is,
// how events of one entity are ordered, how one is written on Kafka, and which
// partition holds it.
//
// It does not know what an event means for a number. It reads no clock, starts
// no goroutine and performs no I/O.
package event

import (
	"cmp"
	"encoding/hex"
)

// UID identifies an event within its tenant and feed: a version 5 UUID over
// the source and the source's own id, so a retried delivery is the same event.
type UID [16]byte

// String gives the usual form of a UUID, 36 characters.
func (u UID) String() string {
	var b [36]byte
	hex.Encode(b[0:8], u[0:4])
	b[8] = '-'
	hex.Encode(b[9:13], u[4:6])
	b[13] = '-'
	hex.Encode(b[14:18], u[6:8])
	b[18] = '-'
	hex.Encode(b[19:23], u[8:10])
	b[23] = '-'
	hex.Encode(b[24:36], u[10:16])
	return string(b[:])
}

// IsZero tells whether u names no event.
func (u UID) IsZero() bool { return u == UID{} }

// Types of the records that move time or the computation itself. They concern no entity: the collector
// or the owner of a partition writes them to partitions by number.
const (
	// TypePulse moves the live clock of one partition to Time.
	TypePulse = "nabz.pulse"
	// TypeEpoch asks for the computation number Sequence, which begins from the
	// log's start in every partition that has not begun it.
	TypeEpoch = "nabz.epoch"
	// TypeFeedOpened begins or resumes a named feed; Time is the least event
	// time still to be sent.
	TypeFeedOpened = "feed.opened"
	// TypeFeedAdvanced moves the clock of a named feed; Time is the least
	// event time still to be sent.
	TypeFeedAdvanced = "feed.advanced"
	// TypeFeedClosed stops the clock of a named feed at Time for ever.
	TypeFeedClosed = "feed.closed"
)

// Never is a time that no clock reaches, ms since 1970 UTC.
const Never = int64(1)<<62 - 1

// Live is the name of the feed whose clock is the wall clock of the owners.
const Live = ""

// Event is one thing that happened, as one of the entities it concerns sees it.
type Event struct {
	Tenant string
	Feed   string // empty: live
	Type   string // of the catalogue, such as contact.queued
	Source string // CloudEvents source
	ID     string // CloudEvents id, unique within Source
	UID    UID    // of Source and ID

	Time       int64 // when it happened, ms since 1970 UTC
	ReceivedAt int64 // the collector's clock, ms since 1970 UTC
	Sequence   int64 // order among events of one time and rank, ≥ 0
	Revision   int64 // of two events of one UID the greater revision wins
	Hash       uint64

	Kind   string // of the entity this copy is for, such as contact
	Entity string // the entity's id within its kind

	Replaces     UID   // the event that this one withdraws, or zero
	ReplacesTime int64 // Time of the event that is replaced
	Withdrawn    bool  // this copy only withdraws: its entity is of the replaced event alone

	Session    int64 // the replay that sent it, 0 on the live feed
	Generation int64 // of the named feed, 0 on the live feed

	Attrs []Attr // ascending by number
}

// Attr is one attribute of an event's payload. Text holds strings; Int holds
// whole numbers, milliseconds and booleans (0 or 1).
type Attr struct {
	Number int32 // of the catalogue's field, FirstAttr or above
	IsText bool
	Int    int64
	Text   string
}

// Text gives the string attribute of that number, empty when absent.
func (e *Event) Text(number int32) string {
	for i := range e.Attrs {
		if e.Attrs[i].Number == number {
			return e.Attrs[i].Text
		}
	}
	return ""
}

// Int gives the whole-number attribute of that number and whether it is there.
func (e *Event) Int(number int32) (int64, bool) {
	for i := range e.Attrs {
		if e.Attrs[i].Number == number && !e.Attrs[i].IsText {
			return e.Attrs[i].Int, true
		}
	}
	return 0, false
}

// IsClock tells whether the event moves time, or the computation, instead of
// concerning an entity.
func (e *Event) IsClock() bool { return IsClockType(e.Type) }

// IsClockType tells whether records of that type move time.
func IsClockType(name string) bool {
	switch name {
	case TypePulse, TypeEpoch, TypeFeedOpened, TypeFeedAdvanced, TypeFeedClosed:
		return true
	}
	return false
}

// JudgedAt is the time by which an event is called late: its own, or that of
// the event it replaces where that is earlier.
func (e *Event) JudgedAt() int64 {
	if !e.Replaces.IsZero() && e.ReplacesTime < e.Time {
		return e.ReplacesTime
	}
	return e.Time
}

// Compare orders the events of one entity: by time, then the rank of the type,
// then the sequence, then the id. Facts of one second carry an order that no
// hashed id knows, hence the rank: a call that waited 0 s was queued before it
// was answered.
func Compare(a *Event, rankA int, b *Event, rankB int) int {
	if c := cmp.Compare(a.Time, b.Time); c != 0 {
		return c
	}
	if c := cmp.Compare(rankA, rankB); c != 0 {
		return c
	}
	if c := cmp.Compare(a.Sequence, b.Sequence); c != 0 {
		return c
	}
	return cmp.Compare(string(a.UID[:]), string(b.UID[:]))
}

// Wins tells whether a stands for its id against b: the greater revision, then
// the greater content hash. Equal contents are the same event.
func Wins(a, b *Event) bool {
	if a.Revision != b.Revision {
		return a.Revision > b.Revision
	}
	return a.Hash > b.Hash
}

// Package row is what tasks write: facts, panes, rejects and progress; what is
// made of panes and facts while they are new, readings and verdicts; and what
// collectors count, tallies; each an absolute upsert with a deterministic key
// and a version, and their form on Kafka.
//
// It does not know who writes or reads them. It reads no clock, starts no
// goroutine and performs no I/O.
package row

import "github.com/nabz/nabz/pkg/event"

// Row is a [Fact], a [Pane], a [Reject], a [Progress], a [Reading], a [Verdict]
// or a [Tally].
type Row interface{ row() }

// Place says which feed and which computation of it a row belongs to; it is
// part of every row's key.
type Place struct {
	Tenant     string
	Feed       string // empty: live
	Generation int64  // of a named feed, 0 on the live feed
	Epoch      int64  // of the definitions
	Partition  int32  // of events, where the row was computed
}

// Fact is the current state of one fact. Key: Place, Family, Kind, Item, ID.
type Fact struct {
	Place
	Family   string
	Kind     string
	Item     string
	ID       event.UID
	OpenedAt int64 // ms since 1970 UTC
	Version  int64 // offset of the last record that changed its content
	Deleted  bool  // it has ceased to exist
	Values   []Value
}

// Value is one column of a fact, by the column's number; absent is NULL.
type Value struct {
	Number int32
	IsText bool
	Int    int64
	Text   string
}

// Pane is what all facts of one family and one combination of dimensions add
// up to in one interval. Key: Place, Family, Grain, Bucket, Dims, Incarnation.
type Pane struct {
	Place
	Family      string
	Grain       int32    // length of the interval in seconds: 60 or 900
	Bucket      int64    // its start, ms since 1970 UTC
	Dims        []string // in the order of the family's dimensions
	Incarnation int64    // offset of the record that made it; incarnations add up
	Version     int64    // offset of the last record that changed its content
	ChangedAt   int64    // the feed's clock when that record came, ms since 1970 UTC
	Cells       []Cell   // absent is 0
}

// Cell is one number of a pane: a part of a measure, or one of its buckets.
type Cell struct {
	Part  uint32 // kpi.Part.ID, plus the bucket
	Value int64  // in the part's smallest unit
}

// The reasons for which a task refuses a record.
const (
	// BelowHorizon is an event older than the horizon of its family: late, or
	// a repeat of one already folded away; a view tells them apart.
	BelowHorizon = "below_horizon"
	// Repeat is an event that the item already holds with the same content,
	// or with a content that wins over this one.
	Repeat = "repeat"
	// Superseded is an event whose newer revision took its place.
	Superseded = "superseded"
	// Capped is an event above the most that one item may hold.
	Capped = "capped"
	// Orphan is an event of a life that never had an opener.
	Orphan = "orphan"
	// OtherReplay is an event of a replay that does not own its feed.
	OtherReplay = "other_replay"
	// FeedClosed is an event of a named feed that is not open.
	FeedClosed = "feed_closed"
	// Poison is a record on which the step of the machine failed.
	Poison = "poison"
	// Malformed is a record that is no event.
	Malformed = "malformed"
)

// Reject says that a record had no effect, and why. Key: Partition, Offset.
type Reject struct {
	Place
	Offset     int64 // of the record in events
	Reason     string
	Kind       string
	Entity     string
	Type       string
	UID        event.UID
	Hash       uint64
	Time       int64 // ms since 1970 UTC
	ReceivedAt int64 // ms since 1970 UTC
	Session    int64 // of the replay that sent it
	Version    int64 // offset of the record that caused the rejection
}

// Progress says how far one task has come with one feed. Key: Place without
// Epoch and Generation, the greater Position wins.
type Progress struct {
	Place
	Position int64  // offset of the next record: all before are in the rows
	Now      int64  // the feed's clock in this partition, ms since 1970 UTC
	State    string // open or closed; the live feed is always open
	Session  int64  // the replay that owns the feed
	// Definitions stands for those under which the epoch is computed.
	Definitions string
}

// The states of a feed.
const (
	Open   = "open"
	Closed = "closed"
)

func (*Fact) row()     {}
func (*Pane) row()     {}
func (*Reject) row()   {}
func (*Progress) row() {}

package incident

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/nabz/nabz/pkg/row"
)

// Record is one record of the outbox: what became of an incident, or of one of
// its messages. Records of one key stand in one partition, in the order in
// which they came about; those with an Incident hold it whole, and the last of
// them says what it is now.
type Record struct {
	Key   string `json:"key"`
	Seq   int64  `json:"seq"` // within the key, from 1
	Event string `json:"event"`
	At    int64  `json:"at"` // when it was written, ms since 1970 UTC

	Incident *Incident `json:"incident,omitempty"` // of opened, released, resolved and kept

	Receiver string `json:"receiver,omitempty"` // of delivered, failed and dropped
	Of       int64  `json:"of,omitempty"`       // Seq of the record whose message it was
	Message  string `json:"message,omitempty"`  // what it said: firing or resolved
	Attempt  int    `json:"attempt,omitempty"`  // which one, from 1
	Reason   string `json:"reason,omitempty"`   // why it failed or was dropped
	Next     int64  `json:"next,omitempty"`     // of failed: when it is tried again, ms since 1970 UTC

	// Told are, of kept, the receivers that have the message of the opening.
	Told []string `json:"told,omitempty"`
	// Position is the offset of the first verdict that is not in this record
	// and those before it.
	Position int64 `json:"position"`
}

// Events of records.
const (
	// Opened is a new incident; its message is owed to its receivers unless
	// it is suppressed.
	Opened = "opened"
	// Released is a suppressed incident that people are told of after all.
	Released = "released"
	// Resolved is the end of an incident, owed to those to whom its opening
	// was.
	Resolved = "resolved"
	// Kept repeats an open incident before the log forgets its opening.
	Kept = "kept"
	// Delivered, Failed and Dropped say what became of one message.
	Delivered = "delivered"
	// Failed is an attempt that will be followed by another.
	Failed = "failed"
	// Dropped is a message that is given up.
	Dropped = "dropped"
)

// Incident is one broken promise, from when people should know of it until it
// is over.
type Incident struct {
	Tenant    string            `json:"tenant"`
	Rule      string            `json:"rule"`           // the policy's name
	Kind      string            `json:"kind"`           // row.Deadline, row.Threshold or Overflow
	Item      string            `json:"item,omitempty"` // the contact; of a rule the values of its dimensions
	Labels    map[string]string `json:"labels"`         // such as queue and channel
	Severity  string            `json:"severity"`       // page or ticket
	State     string            `json:"state"`          // firing or resolved
	Cause     string            `json:"cause"`          // row.Breached or row.NoData
	Uncertain bool              `json:"uncertain,omitempty"`
	Summary   Words             `json:"summary"`

	Episode    int64    `json:"episode"`
	OpenedAt   int64    `json:"opened_at"`             // ms since 1970 UTC
	ResolvedAt int64    `json:"resolved_at,omitempty"` // ms since 1970 UTC, 0 while it is open
	Resolution string   `json:"resolution,omitempty"`
	DueAt      int64    `json:"due_at,omitempty"`    // of a deadline, ms since 1970 UTC
	Target     int64    `json:"target_ms,omitempty"` // of a deadline
	Value      *float64 `json:"value,omitempty"`     // of a rule: the KPI when it opened
	Bound      *float64 `json:"bound,omitempty"`     // of a rule: its threshold

	// Suppressed says why nobody is told, empty when people are.
	Suppressed string   `json:"suppressed,omitempty"`
	Receivers  []string `json:"receivers,omitempty"` // to whom its messages are owed

	Epoch   int64 `json:"epoch,omitempty"`
	Version int64 `json:"version"` // of the last verdict that made a record
}

// Words is a text in the languages of the wallboard.
type Words struct {
	EN string `json:"en"`
	FA string `json:"fa,omitempty"`
}

// States of incidents.
const (
	Firing = "firing"
	Ended  = "resolved"
)

// Severities, the worse first.
const (
	Page   = "page"
	Ticket = "ticket"
)

// Resolutions say how an incident ended.
const (
	// Over is a matter that came to its end, or a KPI that is well again.
	Over = "over"
	// Retracted is a breach that there never was, as is known now.
	Retracted = "retracted"
	// Escalated is an incident that a worse one took the place of.
	Escalated = "escalated"
)

// Reasons for which an incident is suppressed.
const (
	// Flapping is one of a rule and group of which people were told lately.
	Flapping = "flapping"
	// Late is one that is long past when it is found.
	Late = "late"
)

// Overflow is the kind of the one incident that stands for those above the cap
// of a tenant.
const Overflow = "overflow"

// Append adds the record's form on Kafka to b.
func (r *Record) Append(b []byte) ([]byte, error) {
	j, err := json.Marshal(r)
	if err != nil {
		return b, fmt.Errorf("encode incident record %s: %w", r.Key, err)
	}
	return append(b, j...), nil
}

// Decode reads a record's form on Kafka.
func Decode(b []byte) (*Record, error) {
	r := &Record{}
	if err := json.Unmarshal(b, r); err != nil {
		return nil, fmt.Errorf("decode incident record: %w", err)
	}
	if r.Key == "" || r.Seq < 1 {
		return nil, fmt.Errorf("decode incident record: no key or no seq in %q", b[:min(len(b), 200)])
	}
	switch r.Event {
	case Opened, Released, Resolved, Kept:
		if r.Incident == nil {
			return nil, fmt.Errorf("decode incident record %s: %s without an incident", r.Key, r.Event)
		}
	}
	return r, nil
}

// keyLength keeps keys short enough for the labels and ids of every receiver;
// 160 bits do not collide.
const keyLength = 32

// keyOf names an incident by what it is about: every execution gives it the
// same name.
func keyOf(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return base32.StdEncoding.EncodeToString(sum[:])[:keyLength]
}

// Key gives the key of the incident that a verdict opens.
func Key(v *row.Verdict) string {
	episode := strconv.FormatInt(v.Episode, 10)
	if v.Kind == row.Threshold {
		return keyOf(v.Tenant, v.Policy, v.Item, episode, v.Severity)
	}
	return keyOf(v.Tenant, v.Policy, v.Item, string(v.ID[:]), episode)
}

// thing names what a verdict speaks of, by which its incident is found again:
// of a deadline that one instance, of a rule its group whatever the episode.
func thing(v *row.Verdict) string {
	if v.Kind == row.Threshold {
		return v.Tenant + "\x00" + v.Policy + "\x00" + v.Item
	}
	return Key(v)
}

// Package deadletter looks into the topic of dead letters: what could not be
// taken, why, and how to send it again or let go of it.
//
// It does not know why something is refused, nor the key that opens what is
// sealed: whoever asks brings it.
package deadletter

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nabz/nabz/services/internal/kafka"
)

// sealedType is the content type of a letter that is encrypted as a whole.
const sealedType = "application/vnd.nabz.sealed"

// The stages that write dead letters.
const (
	StageCollector = "collector"
	StageLoader    = "loader"
)

// Letter is one dead letter.
type Letter struct {
	Partition int       `json:"partition"`
	Offset    int64     `json:"offset"`
	Time      time.Time `json:"time"` // of receipt
	Stage     string    `json:"stage"`
	Reason    string    `json:"reason"`
	Error     string    `json:"error,omitempty"`
	Tenant    string    `json:"tenant,omitempty"`
	Key       string    `json:"key,omitempty"`    // name of the API key that sent it
	Origin    string    `json:"origin,omitempty"` // topic/partition/offset of a record that could not be loaded
	Sealed    bool      `json:"sealed"`           // the event as it came is there, encrypted
	value     []byte
	sealed    []byte
}

func letterOf(r *kafka.Record) Letter {
	h := r.Headers
	l := Letter{
		Partition: r.Partition, Offset: r.Offset, Time: r.Timestamp.UTC(),
		Stage: h["dlq_stage"], Reason: h["dlq_reason"], Error: h["dlq_error"], Tenant: h["dlq_tenant"], Key: h["dlq_api_key"],
	}
	if h["dlq_orig_topic"] != "" {
		l.Origin = h["dlq_orig_topic"] + "/" + h["dlq_orig_partition"] + "/" + h["dlq_orig_offset"]
	}
	switch {
	case h["content-type"] == sealedType:
		l.sealed = r.Value
	default:
		l.value = r.Value
		if s, ok := h["dlq_sealed"]; ok {
			l.sealed = []byte(s)
		}
	}
	l.Sealed = l.sealed != nil
	return l
}

// Shown is the letter's content without what may be personal: the masked
// event, or nil where there is nothing but the sealed one. What the loader
// could not load is shown in base64 if it is no JSON.
func (l *Letter) Shown() any {
	switch {
	case l.value == nil:
		return nil
	case json.Valid(l.value):
		return json.RawMessage(l.value)
	}
	return l.value
}

// Opener decrypts what was sealed for a tenant.
type Opener func(tenant string, sealed []byte) ([]byte, error)

// ErrNothingSealed is the error of [Letter.Original] for a letter that does not
// hold the event as it came: one too large, or of the loader.
var ErrNothingSealed = errors.New("the letter does not hold the event as it came")

// Original gives the event as it came.
func (l *Letter) Original(open Opener) ([]byte, error) {
	if l.sealed == nil {
		return nil, ErrNothingSealed
	}
	raw, err := open(l.Tenant, l.sealed)
	if err != nil {
		return nil, fmt.Errorf("open dead letter %d/%d of tenant %s: %w", l.Partition, l.Offset, l.Tenant, err)
	}
	return raw, nil
}

// Filter picks letters. Empty fields pick all.
type Filter struct {
	Reason, Stage, Tenant string
	From, To              time.Time // of receipt
}

func (f *Filter) takes(l *Letter) bool {
	return (f.Reason == "" || f.Reason == l.Reason) && (f.Stage == "" || f.Stage == l.Stage) && (f.Tenant == "" || f.Tenant == l.Tenant) &&
		(f.From.IsZero() || !l.Time.Before(f.From)) && (f.To.IsZero() || l.Time.Before(f.To))
}

// Box is the topic of dead letters of a cluster.
type Box struct {
	Brokers []string
}

// Each calls f with every letter that is there now and that the filter takes,
// from one goroutine; order holds within a partition.
func (b Box) Each(ctx context.Context, filter Filter, f func(Letter) error) error {
	err := kafka.Tail{Brokers: b.Brokers, Topic: kafka.TopicDeadLetters, Last: -1}.Run(ctx, func(r kafka.Record) error {
		if l := letterOf(&r); filter.takes(&l) {
			return f(l)
		}
		return nil
	})
	if err == nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// One gives the letter at a place.
func (b Box) One(ctx context.Context, partition int, offset int64) (Letter, error) {
	r, err := kafka.One(ctx, b.Brokers, kafka.TopicDeadLetters, partition, offset)
	if err != nil {
		return Letter{}, err
	}
	return letterOf(&r), nil
}

// Group is the letters of one stage, reason and tenant.
type Group struct {
	Stage     string    `json:"stage"`
	Reason    string    `json:"reason"`
	Tenant    string    `json:"tenant,omitempty"`
	Count     int64     `json:"count"`
	Oldest    time.Time `json:"oldest"`
	Newest    time.Time `json:"newest"`
	Partition int       `json:"partition"` // of the newest
	Offset    int64     `json:"offset"`    // of the newest
	Example   string    `json:"example,omitempty"`
}

// Groups counts letters, the most frequent first.
func (b Box) Groups(ctx context.Context, filter Filter) ([]Group, error) {
	groups := map[[3]string]*Group{}
	err := b.Each(ctx, filter, func(l Letter) error {
		k := [3]string{l.Stage, l.Reason, l.Tenant}
		g := groups[k]
		if g == nil {
			g = &Group{Stage: l.Stage, Reason: l.Reason, Tenant: l.Tenant, Oldest: l.Time}
			groups[k] = g
		}
		g.Count++
		if l.Time.Before(g.Oldest) {
			g.Oldest = l.Time
		}
		if !l.Time.Before(g.Newest) {
			g.Newest, g.Partition, g.Offset, g.Example = l.Time, l.Partition, l.Offset, l.Error
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	out := make([]Group, 0, len(groups))
	for _, g := range groups {
		out = append(out, *g)
	}
	slices.SortFunc(out, func(a, b Group) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Stage, b.Stage), cmp.Compare(a.Reason, b.Reason), cmp.Compare(a.Tenant, b.Tenant))
	})
	return out, nil
}

// Again gives the event of a letter as it can be sent with a key of every
// tenant: as it came, its tenant named. ok is false for what no door takes:
// what is no JSON object, and what the letter does not hold.
func (l *Letter) Again(open Opener) (event []byte, ok bool, err error) {
	raw, err := l.Original(open)
	if errors.Is(err, ErrNothingSealed) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(raw, &members) != nil || len(members) == 0 {
		return nil, false, nil
	}
	if _, named := members["tenant"]; named || l.Tenant == "" {
		return raw, true, nil
	}
	// Inserted as text: what else there is stays as it came, to the byte.
	tenant, err := json.Marshal(l.Tenant)
	if err != nil {
		return nil, false, fmt.Errorf("name the tenant of a dead letter: %w", err)
	}
	at := bytes.IndexByte(raw, '{') + 1
	return slices.Concat(raw[:at], []byte(`"tenant":`), tenant, []byte(","), raw[at:]), true, nil
}

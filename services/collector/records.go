package collector

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/nabz/nabz/pkg/event"
)

// The headers that every record of an event has. Few, because a dozen cost
// several times the read of the record itself.
var (
	headerVersion = kgo.RecordHeader{Key: "ce_specversion", Value: []byte("1.0")}
	headerFormat  = kgo.RecordHeader{Key: "content-type", Value: []byte("application/protobuf")}
)

// arenaBytes is how much memory for encoded records is taken at once.
const arenaBytes = 64 << 10

// batch is the records of one request.
type batch struct {
	topic      string
	partitions int32
	at         time.Time
	records    []*kgo.Record
	slab       []kgo.Record
	headers    []kgo.RecordHeader
	arena      []byte
}

// room sees to it that n more bytes fit into the arena.
func (b *batch) room(n int) {
	if cap(b.arena)-len(b.arena) < n {
		b.arena = make([]byte, 0, max(arenaBytes, n))
	}
}

// since gives what was appended to the arena from a place on.
func (b *batch) since(from int) []byte { return b.arena[from:len(b.arena):len(b.arena)] }

func (b *batch) text(s string) []byte {
	b.room(len(s))
	from := len(b.arena)
	b.arena = append(b.arena, s...)
	return b.since(from)
}

func (b *batch) record() *kgo.Record {
	if len(b.slab) == 0 {
		b.slab = make([]kgo.Record, 64)
	}
	r := &b.slab[0]
	b.slab = b.slab[1:]
	b.records = append(b.records, r)
	return r
}

// envelope gives the headers of an event, shared by its copies.
func (b *batch) envelope(e *event.Event) []kgo.RecordHeader {
	const n = 5
	if len(b.headers) < n {
		b.headers = make([]kgo.RecordHeader, 64*n)
	}
	h := b.headers[:n:n]
	b.headers = b.headers[n:]
	h[0] = headerVersion
	h[1] = kgo.RecordHeader{Key: "ce_id", Value: b.text(e.ID)}
	h[2] = kgo.RecordHeader{Key: "ce_source", Value: b.text(e.Source)}
	h[3] = kgo.RecordHeader{Key: "ce_type", Value: b.text(e.Type)}
	h[4] = headerFormat
	return h
}

// copies adds one record for each entity that the event concerns.
func (b *batch) copies(d *decoder) {
	e := &d.ev
	headers := b.envelope(e)
	size := 160 + len(e.Tenant) + len(e.Feed) + len(e.Type) + len(e.Source) + len(e.ID)
	for i := range e.Attrs {
		size += len(e.Attrs[i].Text) + 12
	}
	for _, to := range d.entities {
		e.Kind, e.Entity, e.Withdrawn = to.kind, to.id, to.withdrawn
		r := b.record()
		b.room(size + 2*len(to.id) + 2*len(to.kind) + len(e.Tenant) + len(e.Feed))
		from := len(b.arena)
		b.arena = event.Key(b.arena, e.Tenant, e.Feed, to.kind, to.id)
		r.Key = b.since(from)
		from = len(b.arena)
		b.arena = e.Append(b.arena)
		r.Value = b.since(from)
		r.Topic, r.Partition = b.topic, event.Partition(r.Key, b.partitions)
		r.Headers, r.Timestamp = headers, b.at
	}
}

// everywhere adds the event to every partition and gives its records.
func (b *batch) everywhere(d *decoder) []*kgo.Record {
	from := len(b.records)
	headers := b.envelope(&d.ev)
	value := d.ev.Append(nil)
	for p := range b.partitions {
		r := b.record()
		r.Topic, r.Partition, r.Value, r.Headers, r.Timestamp = b.topic, p, value, headers, b.at
	}
	return b.records[from:]
}

// producer is the part of a Kafka client that the collector needs.
type producer interface {
	TryProduce(ctx context.Context, r *kgo.Record, promise func(*kgo.Record, error))
}

// waiting is one request's records on their way.
type waiting struct {
	left  atomic.Int64
	once  sync.Once
	err   error
	ended chan struct{}
}

// send hands all records to Kafka and waits until every one of them is
// acknowledged, or the context ends. After an error it is not known which of
// them are there; to send them again is harmless.
func send(ctx context.Context, p producer, records []*kgo.Record) error {
	if len(records) == 0 {
		return nil
	}
	w := &waiting{ended: make(chan struct{})}
	w.left.Store(int64(len(records)))
	promise := func(_ *kgo.Record, err error) {
		if err != nil {
			w.once.Do(func() { w.err = err; close(w.ended) })
		}
		if w.left.Add(-1) == 0 {
			w.once.Do(func() { close(w.ended) })
		}
	}
	for _, r := range records {
		p.TryProduce(ctx, r, promise)
	}
	select {
	case <-w.ended:
		return w.err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

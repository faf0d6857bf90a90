package kafka

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"golang.org/x/sync/errgroup"
)

// Record is one record as it stands in a topic.
type Record struct {
	Topic     string
	Partition int
	Offset    int64
	Timestamp time.Time
	Key       []byte
	Value     []byte
	Headers   map[string]string
}

// Tail is a plain reader of all partitions of one topic, in the order in which
// records arrive from the broker; order holds only within a partition. It
// belongs to no group and commits nothing.
type Tail struct {
	Brokers []string
	Topic   string
	Last    int64 // records of each partition to begin with, -1: all
	Follow  bool  // go on when the end is reached
}

const (
	// tailBuffer is how many records wait for a slow terminal.
	tailBuffer = 256
	// tailFetch bounds one fetch of a partition.
	tailFetch = 1 << 20
)

// Run calls each for every record, from one goroutine, until the context ends,
// the end is reached (unless Follow) or each fails. A context that ended is no
// error.
func (t Tail) Run(ctx context.Context, each func(Record) error) error {
	from, to, err := t.bounds(ctx)
	if err != nil {
		return err
	}
	records := make(chan Record, tailBuffer)
	readers, ctx := errgroup.WithContext(ctx)
	for p := range from {
		if t.Follow || from[p] < to[p] {
			readers.Go(func() error { return t.partition(ctx, p, from[p], to[p], records) })
		}
	}
	printed := make(chan error, 1)
	go func() { // ends when records is closed, below
		var err error
		for r := range records {
			if err == nil {
				err = each(r)
			}
		}
		printed <- err
	}()
	err = readers.Wait()
	close(records)
	err = errors.Join(err, <-printed)
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// bounds gives the first offset to read and the end of each partition, by
// number.
func (t Tail) bounds(ctx context.Context) (from, to map[int]int64, err error) {
	a := NewAdmin(t.Brokers)
	defer a.Close()
	there, err := a.partitions(ctx, nil)
	if err != nil {
		return nil, nil, err
	}
	n, ok := there[t.Topic]
	if !ok {
		return nil, nil, fmt.Errorf("tail topic %s: no such topic; there are %s", t.Topic, strings.Join(slices.Sorted(maps.Keys(there)), ", "))
	}
	ask := make([]kafkago.OffsetRequest, 0, 2*n)
	for p := range n {
		ask = append(ask, kafkago.FirstOffsetOf(p), kafkago.LastOffsetOf(p))
	}
	res, err := a.client.ListOffsets(ctx, &kafkago.ListOffsetsRequest{
		Topics: map[string][]kafkago.OffsetRequest{t.Topic: ask},
	})
	if err != nil {
		return nil, nil, fmt.Errorf("list offsets of topic %s: %w", t.Topic, err)
	}
	from, to = make(map[int]int64, n), make(map[int]int64, n)
	for _, p := range res.Topics[t.Topic] {
		if p.Error != nil {
			return nil, nil, fmt.Errorf("list offsets of topic %s partition %d: %w", t.Topic, p.Partition, p.Error)
		}
		to[p.Partition] = p.LastOffset
		from[p.Partition] = p.FirstOffset
		if t.Last >= 0 {
			from[p.Partition] = max(p.FirstOffset, p.LastOffset-t.Last)
		}
	}
	return from, to, nil
}

func (t Tail) partition(ctx context.Context, p int, from, to int64, out chan<- Record) error {
	r := kafkago.NewReader(kafkago.ReaderConfig{
		Brokers: t.Brokers, Topic: t.Topic, Partition: p,
		MinBytes: 1, MaxBytes: tailFetch, MaxWait: fetchWait,
	})
	defer r.Close()
	if err := r.SetOffset(from); err != nil {
		return fmt.Errorf("read topic %s partition %d at %d: %w", t.Topic, p, from, err)
	}
	for at := from; t.Follow || at < to; {
		m, err := r.ReadMessage(ctx)
		if err != nil {
			return fmt.Errorf("read topic %s partition %d at %d: %w", t.Topic, p, at, err)
		}
		at = m.Offset + 1
		rec := Record{Topic: m.Topic, Partition: m.Partition, Offset: m.Offset, Timestamp: m.Time, Key: m.Key, Value: m.Value}
		if len(m.Headers) > 0 {
			rec.Headers = make(map[string]string, len(m.Headers))
			for _, h := range m.Headers {
				rec.Headers[h.Key] = string(h.Value)
			}
		}
		select {
		case out <- rec:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

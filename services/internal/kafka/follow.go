package kafka

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"golang.org/x/sync/errgroup"
)

// Follower reads all partitions of some topics, from some time ago to their
// ends and then on. It belongs to no group and commits nothing; while the
// brokers are away it tries again for ever.
type Follower struct {
	Brokers []string
	Sources []Source
	// Take gets what one answer of a broker held, from one goroutine a
	// partition. It must not keep the slice.
	Take func(Batch)
	// Failed is told of every attempt that failed, from any goroutine.
	Failed func(topic string, err error)
}

// Source says how much of a topic's past is read first.
type Source struct {
	Topic string
	Back  time.Duration // records younger than that; 0: all
	Most  int64         // and so many of each partition at most; 0: no bound
}

// Batch is a piece of one partition, in order. One without records tells that
// there is nothing new.
type Batch struct {
	Topic     string
	Partition int
	Of        int // partitions of the topic
	Records   []Record
	Next      int64 // offset of the record after the batch
	End       int64 // offset of the record that will be written next
}

const (
	// followPause spaces the attempts while a broker is away: it is asked by
	// dozens of partitions at once, and back within a second.
	followPause = 500 * time.Millisecond
	// followAge is how old a client's knowledge of the leaders may be.
	followAge = 2 * time.Second
	// followTimeout ends a fetch that is not answered: fetchWait and as much
	// again as a slow broker needs for a megabyte.
	followTimeout = 10 * time.Second
)

// Run reads until ctx ends and gives nil.
func (f Follower) Run(ctx context.Context) error {
	a := &Admin{client: &kafkago.Client{
		Addr: kafkago.TCP(f.Brokers...), Timeout: followTimeout,
		Transport: &kafkago.Transport{DialTimeout: dialTimeout, MetadataTTL: followAge},
	}}
	defer a.Close()
	g, ctx := errgroup.WithContext(ctx)
	for _, s := range f.Sources {
		g.Go(func() error {
			n := f.partitions(ctx, a, s.Topic)
			for p := range n {
				g.Go(func() error {
					f.follow(ctx, a.client, s, p, n)
					return nil
				})
			}
			return nil
		})
	}
	return g.Wait()
}

// partitions waits until the topic is there; 0 when ctx ends before.
func (f Follower) partitions(ctx context.Context, a *Admin, topic string) int {
	for {
		there, err := a.partitions(ctx, nil)
		if n := there[topic]; err == nil && n > 0 {
			return n
		}
		if err == nil {
			err = errors.New("no such topic yet")
		}
		if !f.pause(ctx, topic, fmt.Errorf("seek topic %s: %w", topic, err)) {
			return 0
		}
	}
}

// pause tells of a failure and waits; false when ctx ended.
func (f Follower) pause(ctx context.Context, topic string, err error) bool {
	if ctx.Err() != nil {
		return false
	}
	f.Failed(topic, err)
	timer := time.NewTimer(followPause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// unknown is an offset that has to be asked for.
const unknown = -1

func (f Follower) follow(ctx context.Context, client *kafkago.Client, s Source, p, of int) {
	at := int64(unknown)
	var records []Record
	for ctx.Err() == nil {
		var err error
		if at == unknown {
			at, err = s.begin(ctx, client, p)
		}
		b := Batch{Topic: s.Topic, Partition: p, Of: of, Records: records[:0]}
		if err == nil {
			err = b.fetch(ctx, client, at)
		}
		if errors.Is(err, kafkago.OffsetOutOfRange) {
			// Retention was faster, or the log began anew.
			at = unknown
		}
		if len(b.Records) > 0 || err == nil {
			at, records = b.Next, b.Records
			f.Take(b)
		}
		if err != nil && !f.pause(ctx, s.Topic, fmt.Errorf("read topic %s partition %d at %d: %w", s.Topic, p, at, err)) {
			return
		}
	}
}

// begin gives the offset to begin with.
func (s Source) begin(ctx context.Context, client *kafkago.Client, p int) (int64, error) {
	from := kafkago.FirstOffsetOf(p)
	if s.Back > 0 {
		from = kafkago.TimeOffsetOf(p, time.Now().Add(-s.Back))
	}
	res, err := client.ListOffsets(ctx, &kafkago.ListOffsetsRequest{
		Topics: map[string][]kafkago.OffsetRequest{s.Topic: {from, kafkago.LastOffsetOf(p)}},
	})
	if err != nil {
		return unknown, fmt.Errorf("list offsets: %w", err)
	}
	for _, o := range res.Topics[s.Topic] {
		if o.Partition != p {
			continue
		}
		if o.Error != nil {
			return unknown, fmt.Errorf("list offsets: %w", o.Error)
		}
		start := o.LastOffset // no record is as young
		if s.Back == 0 {
			start = o.FirstOffset
		}
		for offset := range o.Offsets {
			if offset >= 0 {
				start = offset
			}
		}
		if s.Most > 0 {
			start = max(start, o.LastOffset-s.Most)
		}
		return start, nil
	}
	return unknown, errors.New("list offsets: no answer for the partition")
}

// fetch fills the batch with what there is from an offset on.
func (b *Batch) fetch(ctx context.Context, client *kafkago.Client, at int64) error {
	b.Next = at
	ctx, cancel := context.WithTimeout(ctx, followTimeout)
	defer cancel()
	res, err := client.Fetch(ctx, &kafkago.FetchRequest{
		Topic: b.Topic, Partition: b.Partition, Offset: at, MinBytes: 1, MaxBytes: tailFetch, MaxWait: fetchWait,
	})
	if err != nil {
		return fmt.Errorf("fetch: %w", err)
	}
	if res.Error != nil {
		return fmt.Errorf("fetch: %w", res.Error)
	}
	b.End = res.HighWatermark
	for {
		r, err := res.Records.ReadRecord()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read a batch: %w", err)
		}
		if r.Offset < at {
			continue // a batch may begin before the offset that was asked for
		}
		rec := Record{Topic: b.Topic, Partition: b.Partition, Offset: r.Offset, Timestamp: r.Time}
		if rec.Key, err = protocol.ReadAll(r.Key); err == nil {
			rec.Value, err = protocol.ReadAll(r.Value)
		}
		if err != nil {
			return fmt.Errorf("read a record: %w", err)
		}
		b.Records = append(b.Records, rec)
		b.Next = r.Offset + 1
	}
}

package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// The topics that are read and written here.
const (
	topicEvents   = "nabz.events.v1"
	topicFacts    = "nabz.facts.v1"
	topicPanes    = "nabz.panes.v1"
	topicVerdicts = "nabz.verdicts.v1"
	topicOut      = "peers.out"
)

// Filled is a log that lies in the broker.
type Filled struct {
	Events int // deliveries, clock records not
	Open   bool
	Bytes  int64
	Times  int64           // of the deliveries added up, ms
	Ends   map[int32]int64 // offset behind the last record of each partition
	Oracle *Oracle
	LastAt int64 // of the last clock record, ms since 1970 UTC
}

// client opens a client of the broker that writes where it is told.
func client(address string, more ...kgo.Opt) (*kgo.Client, error) {
	c, err := kgo.NewClient(append([]kgo.Opt{
		kgo.SeedBrokers(address), kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerBatchCompression(kgo.Lz4Compression()), kgo.ProducerLinger(5 * time.Millisecond),
		kgo.MaxBufferedRecords(200_000), kgo.FetchMaxBytes(32 << 20), kgo.FetchMaxPartitionBytes(8 << 20),
	}, more...)...)
	if err != nil {
		return nil, fmt.Errorf("open Kafka client: %w", err)
	}
	return c, nil
}

// fill writes a log into the topic of events, in the order in which it would
// have come, with a clock record in every partition for each second.
func fill(ctx context.Context, address string, s Shape) (*Filled, error) {
	c, err := client(address)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	f := &Filled{Ends: map[int32]int64{}, Oracle: NewOracle(), Open: s.Open}
	w, log := Writer{partitions: s.Partitions}, NewLog(s)
	var failed error
	write := func(p int32, at int64, value []byte) {
		f.Ends[p]++
		f.Bytes += int64(len(value))
		c.Produce(ctx, &kgo.Record{Topic: topicEvents, Partition: p, Value: value, Timestamp: time.UnixMilli(at)}, func(_ *kgo.Record, err error) {
			if err != nil && failed == nil {
				failed = err
			}
		})
	}
	f.LastAt = s.Begin
	pulse := func(until int64) {
		for ; f.LastAt+pulseEvery <= until; f.LastAt += pulseEvery {
			b := Pulse(f.LastAt + pulseEvery)
			for p := range s.Partitions {
				write(p, f.LastAt, b)
			}
		}
	}
	for d, ok := log.Next(); ok; d, ok = log.Next() {
		pulse(d.due)
		f.Oracle.Take(&d)
		value, p := w.Record(&d)
		write(p, d.due, value)
		f.Events++
		f.Times += d.call.time(d.stage)
	}
	// Every window of the log is over, for engines that wait for what is late too.
	pulse(f.LastAt + 10*60_000)
	if err := errors.Join(c.Flush(ctx), failed); err != nil {
		return nil, fmt.Errorf("fill %s: %w", topicEvents, err)
	}
	return f, nil
}

// remove deletes topics and waits until they are gone.
func remove(ctx context.Context, address string, topics ...string) error {
	c, err := client(address)
	if err != nil {
		return err
	}
	defer c.Close()
	admin := kadm.NewClient(c)
	return poll(ctx, time.Minute, func() (bool, error) {
		there, err := admin.ListTopics(ctx)
		if err != nil {
			return false, nil
		}
		gone := true
		for _, t := range topics {
			if there.Has(t) {
				gone = false
				_, _ = admin.DeleteTopic(ctx, t) // asked again until it is gone
			}
		}
		return gone, nil
	})
}

// make1 makes a topic, once one of that name is gone for good.
func make1(ctx context.Context, address, topic string, partitions int32) error {
	c, err := client(address)
	if err != nil {
		return err
	}
	defer c.Close()
	admin := kadm.NewClient(c)
	kind, size := "CreateTime", "1048588"
	return poll(ctx, time.Minute, func() (bool, error) {
		_, err := admin.CreateTopic(ctx, partitions, 1, map[string]*string{"message.timestamp.type": &kind, "max.message.bytes": &size}, topic)
		return err == nil || errors.Is(err, kerr.TopicAlreadyExists), nil
	})
}

// ends gives the offset behind the last record of each partition.
func ends(ctx context.Context, c *kgo.Client, topic string) (map[int32]int64, error) {
	listed, err := kadm.NewClient(c).ListCommittedOffsets(ctx, topic)
	if err == nil {
		err = listed.Error()
	}
	if err != nil {
		return nil, fmt.Errorf("list offsets of %s: %w", topic, err)
	}
	out := map[int32]int64{}
	listed.Each(func(o kadm.ListedOffset) { out[o.Partition] = o.Offset })
	return out, nil
}

// read hands every committed record of a topic to take, until the end that it
// has now.
func read(ctx context.Context, address, topic string, take func(*kgo.Record) error) error {
	c, err := client(address, kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords())
	if err != nil {
		return err
	}
	defer c.Close()
	left, err := ends(ctx, c, topic)
	if err != nil {
		return err
	}
	for p, end := range left {
		if end == 0 {
			delete(left, p)
		}
	}
	for len(left) > 0 {
		fetches := c.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return fmt.Errorf("read %s: %w", topic, err)
		}
		for r := range fetches.RecordsAll() {
			if r.Offset >= left[r.Partition]-1 {
				delete(left, r.Partition)
			}
			if r.Attrs.IsControl() {
				continue
			}
			if err := take(r); err != nil {
				return err
			}
		}
	}
	return nil
}

// done tells whether a group has committed every record up to the ends.
func done(ctx context.Context, admin *kadm.Client, group string, ends map[int32]int64) bool {
	committed, err := admin.FetchOffsets(ctx, group)
	if err != nil {
		return false
	}
	for p, end := range ends {
		if o, ok := committed.Lookup(topicEvents, p); !ok || o.At < end {
			return false
		}
	}
	return true
}

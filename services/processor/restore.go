package processor

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"

	"github.com/nabz/nabz/pkg/statelog"
	"github.com/nabz/nabz/pkg/track"
	"github.com/nabz/nabz/services/internal/kafka"
)

// claim appends this owner's claim to the state log of its partition; from
// then on no earlier owner's record counts. It gives the claim's offset.
func (t *task) claim(ctx context.Context) (int64, error) {
	r := &kgo.Record{
		Topic: kafka.TopicState, Partition: t.partition,
		Value: statelog.AppendClaim(nil, t.service.config.Instance),
	}
	if err := t.client.ProduceSync(ctx, r).FirstErr(); err != nil {
		return 0, fmt.Errorf("claim partition %d: %w", t.partition, err)
	}
	return r.Offset, nil
}

// restore makes the task as the last whole checkpoint before the claim left
// it, and gives the offset of the state log from which it was read.
func (t *task) restore(ctx context.Context, nonce int64) (*track.Task, int64, error) {
	began := time.Now()
	find := statelog.NewReader(nil)
	start, err := t.read(ctx, kgo.NewOffset().AtStart(), nonce, find)
	if err != nil {
		return nil, 0, err
	}
	config := t.service.catalog.Task(t.partition)
	last, ok := find.Last()
	if !ok {
		machine, err := track.Resume(config, nil, t.begin)
		return machine, start, err
	}
	build := newStateReader()
	if _, err := t.read(ctx, kgo.NewOffset().At(last.RestoreFrom), nonce, build.Reader); err != nil {
		return nil, 0, err
	}
	machine, err := track.Resume(config, &track.Kept{Entries: build.entries, Position: last.Position}, t.begin)
	if err != nil {
		return nil, 0, fmt.Errorf("restore partition %d from offset %d: %w", t.partition, last.RestoreFrom, err)
	}
	if machine.Begun() != "" {
		return machine, last.RestoreFrom, nil
	}
	t.log.Info("task restored", zap.Int64("claim", nonce), zap.Int64("position", last.Position),
		zap.Int("entries", len(build.entries)), zap.Duration("took", time.Since(began)))
	return machine, last.RestoreFrom, nil
}

// stateReader collects the entries of a state log.
type stateReader struct {
	*statelog.Reader
	entries map[string]string
}

func newStateReader() *stateReader {
	s := &stateReader{entries: map[string]string{}}
	s.Reader = statelog.NewReader(func(key, value []byte) {
		if value == nil {
			delete(s.entries, string(key))
			return
		}
		s.entries[string(key)] = string(value)
	})
	return s
}

// first keeps the number of an epoch that begins, before any record is stepped.
func (t *task) first(ctx context.Context) error {
	t.log.Info("computing anew from the log of events", zap.Int64("epoch", t.owner.Task().Epoch()), zap.String("why", t.owner.Task().Begun()))
	keep := func(b []byte) (int64, error) {
		r := &kgo.Record{Topic: kafka.TopicState, Partition: t.partition, Value: b}
		if err := t.client.ProduceSync(ctx, r).FirstErr(); err != nil {
			return 0, fmt.Errorf("keep the number of an epoch: %w", err)
		}
		return r.Offset, nil
	}
	for _, b := range t.owner.Deltas(0, t.write) {
		offset, err := keep(b)
		if err != nil {
			return err
		}
		t.owner.DeltaAcked(offset)
	}
	if b, ok := t.owner.Footer(); ok {
		if _, err := keep(b); err != nil {
			return err
		}
		t.owner.FooterAcked()
	}
	for !t.owner.Ready() {
		if err := t.take(t.client.PollFetches(ctx)); err != nil {
			return err
		}
		if err := context.Cause(ctx); err != nil {
			return err
		}
	}
	return nil
}

// read hands the records of the state log up to the claim at nonce to a
// reader, and gives the offset of the first.
func (t *task) read(ctx context.Context, from kgo.Offset, nonce int64, to *statelog.Reader) (int64, error) {
	conf := kafka.Config{Brokers: t.service.config.Kafka, ClientID: "processor-restore", Log: t.log}
	client, err := kgo.NewClient(append(kafka.ConsumerOptions(conf),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{kafka.TopicState: {t.partition: from}}))...)
	if err != nil {
		return 0, fmt.Errorf("open state log: %w", err)
	}
	defer client.Close()
	first := int64(-1)
	for {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return 0, fmt.Errorf("read state log of partition %d: %w", t.partition, err)
		}
		for r := range fetches.RecordsAll() {
			if first < 0 {
				first = r.Offset
			}
			if r.Offset >= nonce {
				return first, nil
			}
			if err := to.Read(r.Offset, r.Value); err != nil {
				return 0, fmt.Errorf("read state log of partition %d: %w", t.partition, err)
			}
		}
	}
}

// aheadError is of a state that has stepped records which the log of events
// does not hold: the topic was made anew, or its end was lost. To go on would
// skip new events in silence until their offsets pass the position.
type aheadError struct {
	partition     int32
	position, end int64
}

func (e *aheadError) Error() string {
	return fmt.Sprintf("the state of partition %d is at offset %d of %s, which ends at %d: the topic was made anew or lost its end. "+
		"Put the log back; or begin anew: stop every service, delete the topics nabz.* and the databases nabz and nabz_internal "+
		"(embedded: move the data directory away), then run nabz topics apply and nabz migrate",
		e.partition, e.position, kafka.TopicEvents, e.end)
}

// resume holds the position of a restored state against the log of events and
// gives the offset to read from: the position itself, or the log's start where
// retention has passed it.
func (t *task) resume(ctx context.Context, position int64) (int64, error) {
	start, err := t.bound(ctx, t.admin.ListStartOffsets)
	if err != nil {
		return 0, err
	}
	end, err := t.bound(ctx, t.admin.ListEndOffsets)
	if err != nil {
		return 0, err
	}
	if position > end {
		return 0, &aheadError{t.partition, position, end}
	}
	if position >= start {
		return position, nil
	}
	if position > 0 {
		t.service.metrics.missed.Add(float64(start - position))
		t.log.Error("events were deleted before they were processed, going on behind them: nabz verify shows which numbers miss them",
			zap.Int64("from", position), zap.Int64("to", start))
	}
	return start, nil
}

// bound asks for the first or the last offset of the task's partition of events.
func (t *task) bound(ctx context.Context, list func(context.Context, ...string) (kadm.ListedOffsets, error)) (int64, error) {
	listed, err := list(ctx, kafka.TopicEvents)
	if err != nil {
		return 0, fmt.Errorf("list offsets of %s: %w", kafka.TopicEvents, err)
	}
	o, ok := listed.Lookup(kafka.TopicEvents, t.partition)
	if !ok {
		return 0, fmt.Errorf("list offsets of %s: partition %d is not there", kafka.TopicEvents, t.partition)
	}
	if o.Err != nil {
		return 0, fmt.Errorf("list offsets of %s/%d: %w", kafka.TopicEvents, t.partition, o.Err)
	}
	return o.Offset, nil
}

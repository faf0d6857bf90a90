package processor

import (
	"context"
	"errors"
	"fmt"
	"time"

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
		t.log.Info("task begins from nothing", zap.Int64("claim", nonce))
		return track.NewTask(config), start, nil
	}
	entries := map[string]string{}
	build := statelog.NewReader(func(key, value []byte) {
		if value == nil {
			delete(entries, string(key))
			return
		}
		entries[string(key)] = string(value)
	})
	if _, err := t.read(ctx, kgo.NewOffset().At(last.RestoreFrom), nonce, build); err != nil {
		return nil, 0, err
	}
	machine, err := track.Restore(config, entries, last.Position)
	if other, changed := errors.AsType[*track.OtherDefinitionsError](err); changed {
		config.Epoch = other.Epoch + 1
		t.log.Info("definitions changed: computing anew from the log of events", zap.Int64("epoch", config.Epoch), zap.Error(err))
		return track.NewTask(config), last.RestoreFrom, nil
	}
	if err != nil {
		return nil, 0, fmt.Errorf("restore partition %d from offset %d: %w", t.partition, last.RestoreFrom, err)
	}
	t.log.Info("task restored", zap.Int64("claim", nonce), zap.Int64("position", last.Position),
		zap.Int("entries", len(entries)), zap.Duration("took", time.Since(began)))
	return machine, last.RestoreFrom, nil
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

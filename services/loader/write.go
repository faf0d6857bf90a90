package loader

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"github.com/nabz/nabz/services/internal/clickhouse"
	"github.com/nabz/nabz/services/internal/kafka"
)

// write brings one batch into ClickHouse. It tries for as long as it takes: rows
// are upserts, so a try whose answer was lost does no harm. It tells whether the
// batch is written.
func (s *Service) write(ctx context.Context, l *lane, b *batch) bool {
	began := time.Now()
	steps := []func(context.Context) error{
		func(ctx context.Context) error { return s.insert(ctx, b.blocks()) },
		func(ctx context.Context) error { return s.sendLetters(ctx, b) },
	}
	for _, step := range steps {
		if !s.persist(ctx, l, step) {
			return false
		}
	}
	s.metrics.written(b, time.Since(began), s.audit)
	l.owe(b)
	return true
}

// persist tries a step until it works or ctx ends.
func (s *Service) persist(ctx context.Context, l *lane, step func(context.Context) error) bool {
	for backoff := firstBackoff; ; backoff = min(2*backoff, maxBackoff) {
		err := step(ctx)
		s.setTrouble(l, err)
		if err == nil {
			return true
		}
		s.metrics.retries.Inc()
		if s.metrics.quiet.allow() {
			s.log.Warn("write, trying again", zap.Error(err))
		}
		select {
		case <-ctx.Done():
			return false
		case <-time.After(backoff):
		}
	}
}

func (s *Service) setTrouble(l *lane, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l.trouble = err
}

// insert writes blocks side by side, all of them or an error.
func (s *Service) insert(ctx context.Context, blocks []*clickhouse.Block) error {
	ctx, cancel := context.WithTimeout(ctx, insertTimeout)
	defer cancel()
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(writers)
	for _, block := range blocks {
		if block.Rows() > 0 {
			g.Go(func() error { return block.Insert(ctx, s.store) })
		}
	}
	return g.Wait()
}

// letter is a record that cannot become a row.
type letter struct {
	record *kgo.Record
	reason string
}

// sendLetters writes the dead letters of a batch, the records as they were.
func (s *Service) sendLetters(ctx context.Context, b *batch) error {
	if len(b.letters) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, letterTimeout)
	defer cancel()
	records := make([]*kgo.Record, len(b.letters))
	for i, l := range b.letters {
		header := func(key, value string) kgo.RecordHeader {
			return kgo.RecordHeader{Key: key, Value: []byte(value)}
		}
		records[i] = &kgo.Record{
			Topic: kafka.TopicDeadLetters, Key: l.record.Key, Value: l.record.Value, Timestamp: l.record.Timestamp,
			Headers: []kgo.RecordHeader{
				header("dlq_reason", l.reason), header("dlq_stage", "loader"),
				header("dlq_orig_topic", l.record.Topic),
				header("dlq_orig_partition", strconv.Itoa(int(l.record.Partition))),
				header("dlq_orig_offset", strconv.FormatInt(l.record.Offset, 10)),
			},
		}
	}
	if err := s.letters.ProduceSync(ctx, records...).FirstErr(); err != nil {
		return fmt.Errorf("write %d dead letters: %w", len(records), err)
	}
	if s.metrics.quiet.allow() {
		first := b.letters[0]
		s.log.Warn("records that are no rows went to the dead letters", zap.Int("records", len(records)), zap.String("reason", first.reason),
			zap.String("topic", first.record.Topic), zap.Int32("partition", first.record.Partition), zap.Int64("offset", first.record.Offset))
	}
	return nil
}

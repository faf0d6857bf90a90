package loader

import (
	"context"

	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"

	"github.com/nabz/nabz/services/internal/clickhouse"
)

// debt is what must be said of rows once they are in ClickHouse: the progress
// that speaks of them, then the offsets behind them.
type debt struct {
	last    map[progressKey]progress // the newest of each
	offsets map[string]map[int32]kgo.EpochOffset
}

func newDebt() debt {
	return debt{last: map[progressKey]progress{}, offsets: map[string]map[int32]kgo.EpochOffset{}}
}

// note keeps the newest progress of each kind: those before it say less.
func (d *debt) note(k progressKey, p progress) {
	if was, ok := d.last[k]; !ok || p.Position >= was.Position {
		d.last[k] = p
	}
}

// read notes the offset behind a record.
func (d *debt) read(topic string, partition int32, o kgo.EpochOffset) {
	of := d.offsets[topic]
	if of == nil {
		of = map[int32]kgo.EpochOffset{}
		d.offsets[topic] = of
	}
	of[partition] = o
}

// owe takes over what a batch that is written leaves to be said.
func (l *lane) owe(b *batch) {
	for k, p := range b.last {
		l.debt.note(k, p)
	}
	for topic, partitions := range b.offsets {
		for p, o := range partitions {
			l.debt.read(topic, p, o)
		}
	}
}

// tell writes the progress that is owed.
func (s *Service) tell(ctx context.Context, l *lane) bool {
	l.progress.block.Reset()
	for k, p := range l.debt.last {
		l.progress.add(k, &p.Progress)
	}
	insert := func(ctx context.Context) error { return s.insert(ctx, []*clickhouse.Block{l.progress.block}) }
	if !s.persist(ctx, l, insert) {
		return false
	}
	s.metrics.inserted(l.progress.block)
	clear(l.debt.last)
	return true
}

// commit commits the offsets that are owed. What is not committed when the
// loader dies is read and written again by whoever comes next.
func (s *Service) commit(ctx context.Context, l *lane) bool {
	if len(l.debt.offsets) == 0 {
		return true
	}
	sync := func(ctx context.Context) error { return clickhouse.Sync(ctx, s.store) }
	if s.config.LazySync && !s.persist(ctx, l, sync) {
		return false
	}
	work, done := context.WithTimeout(ctx, commitTimeout)
	defer done()
	var failed error
	s.client.CommitOffsetsSync(work, l.debt.offsets, func(_ *kgo.Client, _ *kgoCommitRequest, _ *kgoCommitResponse, err error) { failed = err })
	if failed != nil && s.metrics.quiet.allow() {
		s.log.Warn("commit offsets", zap.Error(failed))
	}
	clear(l.debt.offsets)
	return true
}

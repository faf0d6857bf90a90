package processor

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"

	"github.com/nabz/nabz/pkg/alert"
	"github.com/nabz/nabz/pkg/row"
	"github.com/nabz/nabz/services/internal/kafka"
)

// recall reads what this board's predecessor said last of its rules, so that
// episodes which are open go on as the same ones: what they are called, and when
// they began. A board says what is open again and again, so the time before its
// last word is enough, however long ago that was.
func (t *boardTask) recall(ctx context.Context, admin *kadm.Client, conf kafka.Config) error {
	if len(t.service.catalog.Alerts.Rules) == 0 {
		return nil
	}
	died, err := t.lastWord(ctx, admin, conf)
	if err != nil || died.IsZero() {
		return err
	}
	from, err := admin.ListOffsetsAfterMilli(ctx, died.UnixMilli()-alert.Tail, kafka.TopicVerdicts)
	if err == nil {
		err = from.Error()
	}
	if err != nil {
		return fmt.Errorf("list offsets of %s: %w", kafka.TopicVerdicts, err)
	}
	ends, err := admin.ListEndOffsets(ctx, kafka.TopicVerdicts)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		return fmt.Errorf("list offsets of %s: %w", kafka.TopicVerdicts, err)
	}
	at, until := map[int32]kgo.Offset{}, map[int32]int64{}
	ends.Each(func(end kadm.ListedOffset) {
		if o, ok := from.Lookup(end.Topic, end.Partition); ok && o.Offset >= 0 && o.Offset < end.Offset {
			at[end.Partition], until[end.Partition] = kgo.NewOffset().At(o.Offset), end.Offset
		}
	})
	n := 0
	err = t.each(ctx, conf, kafka.TopicVerdicts, at, until, func(r *kgo.Record) {
		decoded, err := row.Decode(r.Value)
		// Other boards follow groups of their own.
		if v, ok := decoded.(*row.Verdict); err == nil && ok && v.Kind == row.Threshold && v.Partition == t.partition {
			n++
			t.alerts.Recall(v)
		}
	})
	if err != nil {
		return err
	}
	t.log.Info("board recalls", zap.Time("predecessor", died), zap.Int("verdicts", n))
	// It stands in the log behind the gap before this board's first word does:
	// whoever comes after it finds it.
	t.alerts.Again(0, t.verdict)
	if err := t.client.Flush(ctx); err != nil {
		return fmt.Errorf("say again what is open: %w", err)
	}
	return nil
}

// lastWord is when a board of the partition wrote last; zero: none ever did.
func (t *boardTask) lastWord(ctx context.Context, admin *kadm.Client, conf kafka.Config) (last time.Time, err error) {
	to := t.partition % t.service.sizes.values
	starts, err := admin.ListStartOffsets(ctx, kafka.TopicValues)
	if err != nil {
		return last, fmt.Errorf("list offsets of %s: %w", kafka.TopicValues, err)
	}
	ends, err := admin.ListEndOffsets(ctx, kafka.TopicValues)
	if err != nil {
		return last, fmt.Errorf("list offsets of %s: %w", kafka.TopicValues, err)
	}
	start, _ := starts.Lookup(kafka.TopicValues, to)
	end, ok := ends.Lookup(kafka.TopicValues, to)
	if !ok || start.Err != nil || end.Err != nil || start.Offset >= end.Offset {
		return last, nil
	}
	err = t.each(ctx, conf, kafka.TopicValues, map[int32]kgo.Offset{to: kgo.NewOffset().At(end.Offset - 1)}, map[int32]int64{to: end.Offset},
		func(r *kgo.Record) { last = r.Timestamp })
	return last, err
}

// each takes the records of partitions of a topic, from offsets to before others.
func (t *boardTask) each(ctx context.Context, conf kafka.Config, topic string, from map[int32]kgo.Offset, until map[int32]int64, take func(*kgo.Record)) error {
	client, err := t.open(nil, conf)
	if err != nil {
		return err
	}
	defer client.Close()
	client.AddConsumePartitions(map[string]map[int32]kgo.Offset{topic: from})
	for len(until) > 0 && ctx.Err() == nil {
		f := client.PollRecords(ctx, pollRecords)
		if err := fetchError(f); err != nil {
			return err
		}
		for r := range f.RecordsAll() {
			if end, ok := until[r.Partition]; ok && r.Offset < end {
				take(r)
			}
			if r.Offset+1 >= until[r.Partition] {
				delete(until, r.Partition)
			}
		}
	}
	return nil
}

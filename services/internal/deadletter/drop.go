package deadletter

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/nabz/nabz/services/internal/kafka"
)

// Cut says which letters of a partition go: those before an offset.
type Cut struct {
	Partition int   `json:"partition"`
	From      int64 `json:"from"`   // the first that is there
	Before    int64 `json:"before"` // the first that stays
}

// Letters gives how many letters go, at most: a log may have gaps.
func (c Cut) Letters() int64 { return c.Before - c.From }

// Through plans to drop the letters of one partition up to and including one.
func (b Box) Through(ctx context.Context, partition int, offset int64) ([]Cut, error) {
	return b.plan(ctx, func(*kadm.Client) (map[int32]int64, error) {
		return map[int32]int64{int32(partition): offset + 1}, nil
	})
}

// Older plans to drop all letters that were received before an instant. A
// partition's letters go up to the first that stays.
func (b Box) Older(ctx context.Context, than time.Time) ([]Cut, error) {
	return b.plan(ctx, func(admin *kadm.Client) (map[int32]int64, error) {
		listed, err := admin.ListOffsetsAfterMilli(ctx, than.UnixMilli(), kafka.TopicDeadLetters)
		if err == nil {
			err = listed.Error()
		}
		if err != nil {
			return nil, fmt.Errorf("list dead letters by time: %w", err)
		}
		before := map[int32]int64{}
		for _, o := range listed[kafka.TopicDeadLetters] {
			before[o.Partition] = o.Offset
		}
		return before, nil
	})
}

func (b Box) admin() (*kadm.Client, error) {
	client, err := kgo.NewClient(kafka.Options(kafka.Config{Brokers: b.Brokers, ClientID: "dead-letters"})...)
	if err != nil {
		return nil, fmt.Errorf("open Kafka client: %w", err)
	}
	return kadm.NewClient(client), nil
}

func (b Box) plan(ctx context.Context, choose func(*kadm.Client) (map[int32]int64, error)) ([]Cut, error) {
	admin, err := b.admin()
	if err != nil {
		return nil, err
	}
	defer admin.Close()
	starts, err := admin.ListStartOffsets(ctx, kafka.TopicDeadLetters)
	if err == nil {
		err = starts.Error()
	}
	if err != nil {
		return nil, fmt.Errorf("list dead letters: %w", err)
	}
	ends, err := admin.ListEndOffsets(ctx, kafka.TopicDeadLetters)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		return nil, fmt.Errorf("list dead letters: %w", err)
	}
	before, err := choose(admin)
	if err != nil {
		return nil, err
	}
	var cuts []Cut
	for _, start := range starts.Offsets().Sorted() {
		to, chosen := before[start.Partition]
		end, _ := ends.Lookup(kafka.TopicDeadLetters, start.Partition)
		if to = min(to, end.Offset); chosen && to > start.At {
			cuts = append(cuts, Cut{Partition: int(start.Partition), From: start.At, Before: to})
		}
		delete(before, start.Partition)
	}
	for p := range before {
		return nil, fmt.Errorf("drop dead letters: no partition %d: %w", p, kafka.ErrNoRecord)
	}
	return cuts, nil
}

// Drop lets go of the letters of a plan, for good.
func (b Box) Drop(ctx context.Context, cuts []Cut) error {
	admin, err := b.admin()
	if err != nil {
		return err
	}
	defer admin.Close()
	var offsets kadm.Offsets
	for _, c := range cuts {
		offsets.AddOffset(kafka.TopicDeadLetters, int32(c.Partition), c.Before, -1)
	}
	res, err := admin.DeleteRecords(ctx, offsets)
	if err == nil {
		err = res.Error()
	}
	if err != nil {
		return fmt.Errorf("drop dead letters: %w", err)
	}
	return nil
}

package kafka

import (
	"context"
	"errors"
	"fmt"
)

// ErrNoRecord is the error of [One] for a record that is not there.
var ErrNoRecord = errors.New("no such record")

// One reads a single record.
func One(ctx context.Context, brokers []string, topic string, partition int, offset int64) (Record, error) {
	t := Tail{Brokers: brokers, Topic: topic, Last: -1}
	from, to, err := t.bounds(ctx)
	if err != nil {
		return Record{}, err
	}
	end, ok := to[partition]
	if !ok {
		return Record{}, fmt.Errorf("read %s: partition %d of %d: %w", topic, partition, len(to), ErrNoRecord)
	}
	if offset < from[partition] || offset >= end {
		return Record{}, fmt.Errorf("read %s: offset %d of partition %d, which has %d to %d: %w", topic, offset, partition, from[partition], end-1, ErrNoRecord)
	}
	found := make(chan Record, 1)
	if err := t.partition(ctx, partition, offset, offset+1, found); err != nil {
		return Record{}, err
	}
	r := <-found
	if r.Offset != offset {
		return Record{}, fmt.Errorf("read %s: offset %d of partition %d was deleted: %w", topic, offset, partition, ErrNoRecord)
	}
	return r, nil
}

package collector

import (
	"context"
	"crypto/rand"
	"errors"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"

	"github.com/nabz/nabz/pkg/event"
	"github.com/nabz/nabz/pkg/row"
	"github.com/nabz/nabz/services/internal/kafka"
)

const (
	// tellEvery is how often counts are written: a collector that is killed
	// leaves so much uncounted.
	tellEvery = time.Second
	// tellTimeout bounds the writing: counts are absolute, so the next time
	// does as well.
	tellTimeout = 5 * time.Second
	// forgetAfter is how long after its minute a count may still change: no
	// request lives longer than a minute.
	forgetAfter = 2 * time.Minute
	// maxCounts bounds the tenants that are counted one by one: with a key of
	// every tenant a sender could name any number of them.
	maxCounts = 4096
	// otherTenants are those beyond it, together.
	otherTenants = "__other__"
)

// tally counts what this collector took, by tenant and minute of receipt, and
// tells it behind the facts: an independent count of what must be found again.
type tally struct {
	collector string // this start of this process

	mu      sync.Mutex
	version int64
	counts  map[tallyKey]*row.Tally
	changed map[tallyKey]bool
}

type tallyKey struct {
	tenant string
	minute int64
}

func newTally() *tally {
	return &tally{collector: rand.Text(), counts: map[tallyKey]*row.Tally{}, changed: map[tallyKey]bool{}}
}

// took counts a request; acknowledged says whether Kafka has all its records.
func (t *tally) took(in *intake, acknowledged bool) {
	minute := in.at.UnixMilli() / 60_000 * 60_000
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := range in.results {
		r := &in.results[i]
		c := t.of(r.tenant, minute)
		switch {
		case r.problem != nil && !r.kept:
			// It was refused and answered only where the rest was kept, too.
			if acknowledged {
				c.Refused++
			}
		case !acknowledged:
			c.Unacknowledged += int64(r.records)
		case r.kept:
			c.DeadLetters++
		default:
			c.Events++
			c.Records += int64(r.records)
		}
	}
}

// of gives a count that is about to change.
func (t *tally) of(tenant string, minute int64) *row.Tally {
	k := tallyKey{tenant, minute}
	if t.counts[k] == nil && len(t.counts) >= maxCounts {
		k.tenant = otherTenants
	}
	c := t.counts[k]
	if c == nil {
		c = &row.Tally{Tenant: k.tenant, Collector: t.collector, Minute: minute}
		t.counts[k] = c
	}
	t.changed[k] = true
	return c
}

// take gives the counts that have changed, and forgets those that are over.
func (t *tally) take(now time.Time, partitions int32) (records []*kgo.Record, keys []tallyKey) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for k := range t.changed {
		t.version++
		c := t.counts[k]
		c.Version = t.version
		records = append(records, &kgo.Record{
			Topic: kafka.TopicFacts, Partition: event.Partition(event.Key(nil, k.tenant, "", "", ""), partitions), Value: row.Append(nil, c), Timestamp: now,
		})
		keys = append(keys, k)
	}
	clear(t.changed)
	over := now.Add(-forgetAfter - time.Minute).UnixMilli()
	for k := range t.counts {
		if k.minute < over {
			delete(t.counts, k)
		}
	}
	return records, keys
}

// again marks counts that could not be told.
func (t *tally) again(keys []tallyKey) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, k := range keys {
		if t.counts[k] != nil {
			t.changed[k] = true
		}
	}
}

// tellTallies writes the counts until ctx ends.
func (s *Service) tellTallies(ctx context.Context) error {
	tick := time.NewTicker(tellEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			s.tellTally(ctx)
		}
	}
}

func (s *Service) tellTally(ctx context.Context) {
	topics, ok := s.topics()
	if !ok {
		return
	}
	records, keys := s.tally.take(time.Now(), topics.events) // of facts there are as many
	if len(records) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, tellTimeout)
	defer cancel()
	if err := s.client.ProduceSync(ctx, records...).FirstErr(); err != nil {
		s.tally.again(keys)
		if !errors.Is(err, context.Canceled) {
			s.log.Debug("counts not written; the next ones hold them", zap.Error(err))
		}
	}
}

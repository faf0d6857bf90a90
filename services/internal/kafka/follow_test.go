package kafka_test

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/nabz/nabz/services/internal/kafka"
	"github.com/nabz/nabz/services/internal/testkit"
)

func TestFollow(t *testing.T) {
	t.Run("embedded", func(t *testing.T) { follow(t, testkit.Fake(t)) })
	t.Run("apache", func(t *testing.T) { follow(t, kit.Kafka(t).Brokers) })
}

// heard gathers what a follower takes.
type heard struct {
	mu    sync.Mutex
	of    map[string][]string // values by topic and partition
	ends  map[string]bool     // partitions that were read to their end
	more  chan struct{}
	fails int
}

func newHeard() *heard {
	return &heard{of: map[string][]string{}, ends: map[string]bool{}, more: make(chan struct{}, 1)}
}

func (h *heard) take(b kafka.Batch) {
	h.mu.Lock()
	defer h.mu.Unlock()
	name := fmt.Sprintf("%s/%d", b.Topic, b.Partition)
	for _, r := range b.Records {
		h.of[name] = append(h.of[name], string(r.Value))
	}
	if b.Next >= b.End {
		h.ends[name] = true
	}
	select {
	case h.more <- struct{}{}:
	default:
	}
}

func (h *heard) failed(string, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.fails++
}

// await waits until so many values were heard.
func (h *heard) await(t *testing.T, n int) map[string][]string {
	t.Helper()
	ctx := testkit.Context(t)
	for {
		h.mu.Lock()
		sum, values := 0, map[string][]string{}
		for name, of := range h.of {
			sum += len(of)
			values[name] = slices.Clone(of)
		}
		if sum >= n && len(h.ends) > 0 {
			h.mu.Unlock()
			return values
		}
		h.mu.Unlock()
		select {
		case <-h.more:
		case <-ctx.Done():
			t.Fatalf("heard %d values, want %d", sum, n)
		}
	}
}

func run(t *testing.T, f kafka.Follower) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- f.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

func produce(t *testing.T, brokers []string, records ...*kgo.Record) {
	t.Helper()
	client, err := kgo.NewClient(kafka.ProducerOptions(kafka.Config{Brokers: brokers, ClientID: "test"})...)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if err := client.ProduceSync(t.Context(), records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

// follow is what holds for every broker.
func follow(t *testing.T, brokers []string) {
	admin := kafka.NewAdmin(brokers)
	defer admin.Close()
	name := "follow." + strconv.FormatInt(time.Now().UnixNano(), 36)
	if err := admin.Ensure(t.Context(), []kafka.Topic{{Name: name, Partitions: 2}}, io.Discard); err != nil {
		t.Fatal(err)
	}
	// Old ones, and young ones in a compressed batch behind them.
	old := time.Now().Add(-time.Hour)
	var records []*kgo.Record
	for i := range 3 {
		records = append(records, &kgo.Record{Topic: name, Value: []byte("old" + strconv.Itoa(i)), Timestamp: old})
	}
	produce(t, brokers, records...)
	records = nil
	for i := range 500 {
		records = append(records, &kgo.Record{Topic: name, Value: []byte(strconv.Itoa(i)), Partition: int32(i % 2)})
	}
	produce(t, brokers, records...)
	for _, c := range []struct {
		name   string
		source kafka.Source
		want   int
		first  string
	}{
		{"all", kafka.Source{Topic: name}, 503, "old0"},
		{"young", kafka.Source{Topic: name, Back: 10 * time.Minute}, 500, "0"},
		{"few", kafka.Source{Topic: name, Back: 2 * time.Hour, Most: 10}, 20, "480"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHeard()
			run(t, kafka.Follower{Brokers: brokers, Sources: []kafka.Source{c.source}, Take: h.take, Failed: h.failed})
			got := h.await(t, c.want)[name+"/0"]
			if got[0] != c.first || got[len(got)-1] != "498" {
				t.Errorf("partition 0 has %d values from %s to %s, want from %s to 498", len(got), got[0], got[len(got)-1], c.first)
			}
		})
	}
	h := newHeard()
	run(t, kafka.Follower{Brokers: brokers, Sources: []kafka.Source{{Topic: name}}, Take: h.take, Failed: h.failed})
	h.await(t, 503)
	produce(t, brokers, &kgo.Record{Topic: name, Value: []byte("later")})
	for p, values := range h.await(t, 504) {
		seen := map[string]bool{}
		for _, v := range values {
			if seen[v] {
				t.Errorf("%s: %s twice", p, v)
			}
			seen[v] = true
		}
	}
}

// TestFollowThroughABreak: a broker that dies and comes back empty is read
// again.
func TestFollowThroughABreak(t *testing.T) {
	brokers, die, comeBack := testkit.FakeThatDies(t, kfake.SeedTopics(1, "t"))
	h := newHeard()
	run(t, kafka.Follower{Brokers: brokers, Sources: []kafka.Source{{Topic: "t"}}, Take: h.take, Failed: h.failed})
	produce(t, brokers, &kgo.Record{Topic: "t", Value: []byte("a")}, &kgo.Record{Topic: "t", Value: []byte("b")})
	h.await(t, 2)
	die()
	comeBack()
	produce(t, brokers, &kgo.Record{Topic: "t", Value: []byte("c")})
	got := h.await(t, 3)["t/0"]
	if got[2] != "c" {
		t.Errorf("heard %q", got)
	}
}

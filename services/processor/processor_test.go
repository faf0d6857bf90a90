package processor_test

import (
	"context"
	"io"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest"

	"github.com/nabz/nabz/pkg/row"
	"github.com/nabz/nabz/pkg/sim"
	"github.com/nabz/nabz/services/internal/catalog"
	"github.com/nabz/nabz/services/internal/kafka"
	"github.com/nabz/nabz/services/internal/testkit"
	"github.com/nabz/nabz/services/processor"
)

const partitions = 4

func cluster(t *testing.T) []string {
	t.Helper()
	c, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	a := kafka.NewAdmin(c.ListenAddrs())
	defer a.Close()
	if err := a.Ensure(t.Context(), kafka.Catalogue(kafka.Sizing{Partitions: partitions}), io.Discard); err != nil {
		t.Fatal(err)
	}
	return c.ListenAddrs()
}

// start runs a processor and gives the function that stops it.
func start(t *testing.T, brokers []string, name string, log *zap.Logger) (stop func()) {
	t.Helper()
	c := processor.Default()
	c.Kafka, c.Instance = brokers, name
	c.Pulse = time.Minute // the histories bring clocks of their own, of another year
	s, err := processor.New(c, log)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	return func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("processor %s: %v", name, err)
		}
	}
}

// TestHandOver lets processors come and go while a history arrives. What they
// wrote must be what one machine makes of the same logs in one go.
func TestHandOver(t *testing.T) {
	brokers := cluster(t)
	log := zaptest.NewLogger(t, zaptest.Level(zap.WarnLevel))
	producer, err := kgo.NewClient(kafka.ProducerOptions(kafka.Config{Brokers: brokers, ClientID: "test"})...)
	if err != nil {
		t.Fatal(err)
	}
	defer producer.Close()
	first := start(t, brokers, "first", log)
	send := func(from, to float64) {
		for p := range int32(partitions) {
			h := sim.History(uint64(p) + 40)
			for _, r := range h[int(from*float64(len(h))):int(to*float64(len(h)))] {
				producer.Produce(t.Context(), &kgo.Record{Topic: kafka.TopicEvents, Partition: p, Value: r.Bytes}, nil)
			}
		}
		if err := producer.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	send(0, .3)
	second := start(t, brokers, "second", log)
	send(.3, .6)
	first()
	send(.6, 1)
	third := start(t, brokers, "third", log)
	second()
	settle(t, brokers)
	third()
	verify(t, brokers)
}

// settle waits until the rows of every partition speak of everything that was
// sent, in every topic: what is written to one says nothing of another. Pulses
// go on, so it takes the end that it finds.
func settle(t *testing.T, brokers []string) {
	t.Helper()
	settleAt(t, brokers, 1)
}

// settleAt does so for histories that were sent several times.
func settleAt(t *testing.T, brokers []string, times int) {
	t.Helper()
	ctx := testkit.Context(t)
	for _, topic := range []string{kafka.TopicFacts, kafka.TopicPanes, kafka.TopicVerdicts} {
		// Every task tells its progress in its own partition of facts, and in
		// all of the others.
		left := map[[2]int32]int64{}
		for task := range int32(partitions) {
			for p := range int32(partitions) {
				if topic != kafka.TopicFacts || p == task {
					left[[2]int32{p, task}] = int64(times * len(sim.History(uint64(task)+40)))
				}
			}
		}
		rows(t, ctx, brokers, topic, func(r *kgo.Record, x row.Row) bool {
			p, ok := x.(*row.Progress)
			if ok && p.Feed == "" && p.Position >= left[[2]int32{r.Partition, p.Partition}] {
				delete(left, [2]int32{r.Partition, p.Partition})
			}
			return len(left) > 0
		})
	}
}

// rows reads a topic from its start while more says so.
func rows(t *testing.T, ctx context.Context, brokers []string, topic string, more func(*kgo.Record, row.Row) bool) {
	t.Helper()
	client, err := kgo.NewClient(append(kafka.ConsumerOptions(kafka.Config{Brokers: brokers, ClientID: "test"}), kgo.ConsumeTopics(topic))...)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for {
		f := client.PollFetches(ctx)
		if err := f.Err(); err != nil {
			t.Fatalf("read %s: %v", topic, err)
		}
		for r := range f.RecordsAll() {
			decoded, err := row.Decode(r.Value)
			if err != nil {
				t.Fatal(err)
			}
			if !more(r, decoded) {
				return
			}
		}
	}
}

func verify(t *testing.T, brokers []string) {
	t.Helper()
	c, err := catalog.Load()
	if err != nil {
		t.Fatal(err)
	}
	logs := everything(t, brokers, kafka.TopicEvents)
	got := map[int32]*sim.Store{}
	for _, topic := range []string{kafka.TopicFacts, kafka.TopicPanes, kafka.TopicVerdicts} {
		for _, values := range everything(t, brokers, topic) {
			for _, v := range values {
				r, err := row.Decode(v)
				if err != nil {
					t.Fatal(err)
				}
				if x, ok := r.(*row.Verdict); ok && x.Kind == row.Threshold {
					continue // of a board, which sees every partition
				}
				p := partitionOf(r)
				if got[p] == nil {
					got[p] = sim.NewStore()
				}
				got[p].Put(v)
			}
		}
	}
	for p := range int32(partitions) {
		want, err := sim.Clean(c.Task(p), logs[p])
		if err != nil {
			t.Fatal(err)
		}
		if got[p].Err != nil {
			t.Errorf("partition %d: %v", p, got[p].Err)
		}
		if err := sim.Same(got[p], want); err != nil {
			t.Errorf("partition %d: %v", p, err)
		}
		if len(want.Rows) < 50 {
			t.Errorf("partition %d: only %d rows", p, len(want.Rows))
		}
	}
}

func partitionOf(r row.Row) int32 {
	switch r := r.(type) {
	case *row.Fact:
		return r.Partition
	case *row.Pane:
		return r.Partition
	case *row.Reject:
		return r.Partition
	case *row.Progress:
		return r.Partition
	case *row.Verdict:
		return r.Partition
	}
	return -1
}

// everything reads what a topic holds, by partition.
func everything(t *testing.T, brokers []string, topic string) map[int32][][]byte {
	t.Helper()
	ends := map[int32]int64{}
	out := map[int32][][]byte{}
	for p, end := range endOffsets(t, brokers, topic) {
		if end > 0 {
			ends[p] = end
		}
	}
	client, err := kgo.NewClient(append(kafka.ConsumerOptions(kafka.Config{Brokers: brokers, ClientID: "test"}), kgo.ConsumeTopics(topic))...)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for len(ends) > 0 {
		f := client.PollFetches(t.Context())
		if err := f.Err(); err != nil {
			t.Fatal(err)
		}
		for r := range f.RecordsAll() {
			out[r.Partition] = append(out[r.Partition], r.Value)
			if r.Offset+1 >= ends[r.Partition] {
				delete(ends, r.Partition)
			}
		}
	}
	return out
}

package processor_test

import (
	"context"
	"fmt"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"

	"github.com/nabz/nabz/pkg/event"
	"github.com/nabz/nabz/pkg/row"
	"github.com/nabz/nabz/services/internal/catalog"
	"github.com/nabz/nabz/services/internal/kafka"
	"github.com/nabz/nabz/services/internal/testkit"
	"github.com/nabz/nabz/services/processor"
)

// waits begins the wait of n contacts whose deadlines pass one after another,
// apart ms from each other, the first of them in one second.
func waits(tb testing.TB, client *kgo.Client, n int, apart int64) {
	tb.Helper()
	c, err := catalog.Load()
	if err != nil {
		tb.Fatal(err)
	}
	target := c.Deadlines.Policies[0].Targets[0].Ms
	now := time.Now().UnixMilli()
	for i := range n {
		at := now - target + 1000 + int64(i)*apart
		e := event.Event{
			Tenant: "t1", Type: "contact.queued", Source: "pbx", ID: fmt.Sprint(i), Time: at, ReceivedAt: at, Kind: "contact",
			Entity: fmt.Sprintf("c%d", i), Attrs: []event.Attr{{Number: event.FieldQueueID, Text: "sales", IsText: true}},
		}
		copy(e.UID[:], fmt.Sprintf("%016d", i))
		e.Hash, _ = e.ContentHash(nil)
		client.Produce(context.Background(), &kgo.Record{Topic: kafka.TopicEvents, Partition: int32(i % partitions), Value: e.Append(nil)}, nil)
	}
	if err := client.Flush(context.Background()); err != nil {
		tb.Fatal(err)
	}
}

// told reads verdicts until n deadlines are settled, and gives by how much each
// was later than its deadline and the settle time when it was read.
func told(tb testing.TB, ctx context.Context, brokers []string, n int) []time.Duration {
	tb.Helper()
	client, err := kgo.NewClient(append(kafka.ConsumerOptions(kafka.Config{Brokers: brokers, ClientID: "test"}), kgo.ConsumeTopics(kafka.TopicVerdicts))...)
	if err != nil {
		tb.Fatal(err)
	}
	defer client.Close()
	var late []time.Duration
	for seen := map[string]bool{}; len(late) < n; {
		f := client.PollFetches(ctx)
		if err := f.Err(); err != nil {
			tb.Fatalf("%d of %d deadlines were told: %v", len(late), n, err)
		}
		read := time.Now()
		for r := range f.RecordsAll() {
			decoded, err := row.Decode(r.Value)
			if err != nil {
				tb.Fatal(err)
			}
			v, ok := decoded.(*row.Verdict)
			if !ok || v.State != row.Breached || v.Stage == row.Provisional || seen[v.Item] {
				continue
			}
			seen[v.Item] = true
			late = append(late, read.Sub(time.UnixMilli(v.DueAt+2000)))
			if v.Quiet || v.DecidedAt < v.DueAt+2000 {
				tb.Errorf("%+v, should be told, after two seconds", v)
			}
		}
	}
	return late
}

func deadlines(tb testing.TB, n int, apart int64) []time.Duration {
	tb.Helper()
	c, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		tb.Fatal(err)
	}
	defer c.Close()
	brokers := c.ListenAddrs()
	a := kafka.NewAdmin(brokers)
	defer a.Close()
	ctx, cancel := context.WithTimeout(context.Background(), testkit.Patience)
	defer cancel()
	if err := a.Ensure(ctx, kafka.Catalogue(kafka.Sizing{Partitions: partitions}), io.Discard); err != nil {
		tb.Fatal(err)
	}
	conf := processor.Default()
	conf.Kafka = brokers
	s, err := processor.New(conf, zap.NewNop())
	if err != nil {
		tb.Fatal(err)
	}
	work, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- s.Run(work) }()
	defer func() {
		stop()
		if err := <-done; err != nil {
			tb.Error(err)
		}
	}()
	client, err := kgo.NewClient(kafka.ProducerOptions(kafka.Config{Brokers: brokers, ClientID: "test"})...)
	if err != nil {
		tb.Fatal(err)
	}
	defer client.Close()
	waits(tb, client, n, apart)
	return told(tb, ctx, brokers, n)
}

// TestDeadlinesAreTold holds that silence alone tells of every deadline, once
// the settle time has passed.
func TestDeadlinesAreTold(t *testing.T) {
	if got := deadlines(t, 40, 10); slices.Min(got) < 0 {
		t.Errorf("told %v before it had settled", slices.Min(got))
	}
}

// BenchmarkDeadlines measures how long after deadline and settle time a verdict
// is read from Kafka, with a deadline every 20 ms. The first ten seconds are
// those of the processor's start.
func BenchmarkDeadlines(b *testing.B) {
	for b.Loop() {
		late := deadlines(b, 1500, 20)[500:]
		slices.Sort(late)
		b.ReportMetric(float64(late[len(late)/2].Microseconds())/1000, "p50-ms")
		b.ReportMetric(float64(late[len(late)*99/100].Microseconds())/1000, "p99-ms")
		b.ReportMetric(float64(late[len(late)-1].Microseconds())/1000, "max-ms")
	}
}

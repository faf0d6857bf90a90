package loader_test

import (
	"context"
	"syscall"
	"testing"
	"time"

	"github.com/nabz/nabz/services/internal/clickhouse"
	"github.com/nabz/nabz/services/internal/kafka"
	"github.com/nabz/nabz/services/internal/testkit"
	"github.com/nabz/nabz/services/loader"
)

// BenchmarkLoad loads a backlog of facts and events, half of each, from the
// embedded broker into the real engine: rows/s of wall time with the engine on
// the same cores, and rows per CPU-second of this process, which also runs the
// broker.
func BenchmarkLoad(b *testing.B) {
	const rows = 400_000
	e := kit.Engine(b)
	conn, err := clickhouse.Open(e.URL("nabz"))
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	for b.Loop() {
		b.StopTimer()
		brokers := testkit.Fake(b)
		w := backlog(b, brokers, conn, rows)
		s, err := loader.New(loader.Config{Kafka: brokers, ClickHouse: e.URL("nabz"), Listen: "127.0.0.1:0"}, nil)
		if err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		began, cpu := time.Now(), cpuTime(b)
		ctx, cancel := context.WithCancel(b.Context())
		ended := make(chan error, 1)
		go func() { ended <- s.Run(ctx) }()
		for {
			if offsets := w.committed(b); offsets == rows {
				break
			}
			<-time.After(10 * time.Millisecond)
		}
		b.ReportMetric(rows/time.Since(began).Seconds(), "rows/s")
		b.ReportMetric(rows/(cpuTime(b)-cpu).Seconds(), "rows/CPU-s")
		cancel()
		if err := <-ended; err != nil {
			b.Fatal(err)
		}
	}
}

func backlog(b *testing.B, brokers []string, conn clickhouse.Conn, rows int) *world {
	b.Helper()
	admin := kafka.NewAdmin(brokers)
	defer admin.Close()
	w := &world{brokers: brokers, conn: conn}
	if err := w.prepare(b.Context(), admin); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(w.client.Close)
	for n := range rows / 2 {
		w.client.Produce(b.Context(), record(kafka.TopicFacts, int32(n%partitions), w.fact("bench", n, int64(n), int64(n))), nil)
		w.client.Produce(b.Context(), record(kafka.TopicEvents, int32(n%partitions), eventOf("bench", n)), nil)
	}
	if err := w.client.Flush(b.Context()); err != nil {
		b.Fatal(err)
	}
	return w
}

func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

package loader_test

import (
	"context"
	"io"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/nabz/nabz/services/internal/embedded"
	"github.com/nabz/nabz/services/internal/kafka"
	"github.com/nabz/nabz/services/internal/testkit"
	"github.com/nabz/nabz/services/loader"
)

// TestAway holds ClickHouse back until far more rows wait than two batches
// take: the loader reads no further, stays small, says that it is not ready,
// and loses nothing.
func TestAway(t *testing.T) {
	e := kit.Engine(t)
	w := newWorld(t, testkit.Fake(t), e)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := ln.Addr().String()
	if err := ln.Close(); err != nil { // nobody answers there
		t.Fatal(err)
	}
	url := "clickhouse://" + embedded.UserServices + ":" + e.Config.Accounts.Services + "@" + addr + "/nabz"
	s, err := loader.New(loader.Config{Kafka: w.brokers, ClickHouse: url, Listen: "127.0.0.1:0"}, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	defer func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	before := heap()
	const rows = 600_000
	for n := range rows {
		w.client.Produce(ctx, record(kafka.TopicFacts, int32(n%partitions), w.fact("away", n, int64(n), int64(n))), nil)
	}
	if err := w.client.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	address := "http://" + s.Address(ctx).String()
	if code, body := get(t, address+"/readyz"); code != 503 {
		t.Errorf("readyz while ClickHouse is away: %d %s", code, body)
	}
	// The embedded broker of this process holds the compressed log too.
	if grown := heap() - before; grown > 400<<20 {
		t.Errorf("the heap has grown by %d MB", grown>>20)
	}
	if got := w.committed(t); got > 0 {
		t.Errorf("%d offsets are committed, and nothing is written", got)
	}
	forward(t, addr, e.Native)
	w.count(rows, "SELECT count() FROM nabz_internal.fact_queue_segment FINAL WHERE feed = 'away'")
	if code, body := get(t, address+"/readyz"); code != 200 || !strings.Contains(body, "ok") {
		t.Errorf("readyz afterwards: %d %s", code, body)
	}
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// forward carries connections to another address until the test ends.
func forward(t *testing.T, from, to string) {
	t.Helper()
	ln, err := net.Listen("tcp", from)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	go func() { // ends when the listener is closed
		for {
			in, err := ln.Accept()
			if err != nil {
				return
			}
			out, err := net.DialTimeout("tcp", to, time.Second)
			if err != nil {
				in.Close()
				continue
			}
			pipe := func(dst, src net.Conn) {
				_, _ = io.Copy(dst, src)
				_ = dst.(*net.TCPConn).CloseWrite()
			}
			go pipe(out, in)
			go pipe(in, out)
		}
	}()
}

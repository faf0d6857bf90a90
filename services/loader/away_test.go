package loader_test

import (
	"context"
	"io"
	"net"
	"runtime"
	"sync/atomic"
	"testing"

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
	addr, answer := away(t, e.Native)
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
	answer()
	w.count(rows, "SELECT count() FROM nabz_internal.fact_queue_segment FINAL WHERE feed = 'away'")
	w.ready(address)
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// away gives an address that hangs up, until it is told to answer: then it
// carries connections to another. The port is held all the while, so that
// nobody else can be given it.
func away(t *testing.T, to string) (addr string, answer func()) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	var answers atomic.Bool
	go func() { // ends when the listener is closed
		for {
			in, err := ln.Accept()
			if err != nil {
				return
			}
			if !answers.Load() {
				in.Close()
				continue
			}
			out, err := net.DialTimeout("tcp", to, testkit.Patience)
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
	return ln.Addr().String(), func() { answers.Store(true) }
}

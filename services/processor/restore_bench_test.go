package processor

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/nabz/nabz/pkg/event"
	"github.com/nabz/nabz/pkg/statelog"
	"github.com/nabz/nabz/pkg/track"
	"github.com/nabz/nabz/services/internal/catalog"
)

// BenchmarkRestore reads a state log with a million contacts that wait in a
// queue, and makes the task of it, as a successor does. What the broker takes to
// hand the records over is not in it.
func BenchmarkRestore(b *testing.B) {
	const items = 1_000_000
	c, err := catalog.Load()
	if err != nil {
		b.Fatal(err)
	}
	log, position, bytes := waiting(c.Task(0), items)
	var before, after runtime.MemStats
	b.ReportAllocs()
	var took time.Duration
	var held uint64
	for b.Loop() {
		runtime.GC()
		runtime.ReadMemStats(&before)
		began := time.Now()
		found := newStateReader()
		for offset, r := range log {
			if err := found.Read(int64(offset), r); err != nil {
				b.Fatal(err)
			}
		}
		t, err := track.Resume(c.Task(0), &track.Kept{Entries: found.entries, Position: position}, 0)
		if err != nil {
			b.Fatal(err)
		}
		took += time.Since(began)
		found = nil
		runtime.GC()
		runtime.ReadMemStats(&after)
		held = after.HeapAlloc - before.HeapAlloc
		if t.Items() != items {
			b.Fatalf("%d items, want %d", t.Items(), items)
		}
	}
	b.ReportMetric(took.Seconds()/float64(b.N), "s/restore")
	b.ReportMetric(float64(bytes)/items, "encoded-B/item")
	b.ReportMetric(float64(held)/items, "memory-B/item")
}

// waiting makes the state log of a task with n contacts in queues.
func waiting(c track.Config, n int) (log [][]byte, position, bytes int64) {
	const start = int64(1_700_000_000_000)
	t := track.NewTask(c)
	t.Step(0, (&event.Event{Type: event.TypePulse, Time: start}).Append(nil))
	for i := 1; i <= n; i++ {
		e := event.Event{
			Tenant: "t1", Type: "contact.queued", Source: "bench", Time: start + int64(i/1000), Kind: "contact", Entity: fmt.Sprintf("contact-%08d", i),
			Attrs: []event.Attr{
				{Number: event.FieldQueueID, Text: fmt.Sprint("queue-", i%20), IsText: true},
				{Number: event.FieldChannel, Text: "voice", IsText: true},
			},
		}
		copy(e.UID[:], fmt.Sprintf("%016d", i))
		e.Hash, _ = e.ContentHash(nil)
		t.Step(int64(i), e.Append(nil))
	}
	t.Flush(func(track.Effect) {})
	o := track.NewOwner(t, 0, 0)
	log = append([][]byte{statelog.AppendClaim(nil, "bench")}, o.Deltas(0, func(track.Effect) {})...)
	for i, r := range log[1:] {
		o.DeltaAcked(int64(i) + 1)
		bytes += int64(len(r))
	}
	footer, _ := o.Footer()
	return append(log, footer), t.Position(), bytes
}

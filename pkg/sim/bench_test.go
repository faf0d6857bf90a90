package sim

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/nabz/nabz/pkg/event"
	"github.com/nabz/nabz/pkg/track"
)

// lives makes the records of n contacts of four events each, a thousand of them
// open at a time, with a clock record every thousand events.
func lives(n int) [][]byte {
	var out [][]byte
	steps := []struct {
		typ   string
		after int64
		attrs []event.Attr
	}{
		{"contact.queued", 0, []event.Attr{text(event.FieldQueueID, "sales"), text(event.FieldChannel, "voice")}},
		{"contact.answered", 15_000, []event.Attr{text(event.FieldAgentID, "amy"), text(event.FieldQueueID, "sales")}},
		{"contact.ended", 180_000, []event.Attr{text(event.FieldBy, "customer")}},
		{"contact.wrapup_ended", 200_000, []event.Attr{text(event.FieldAgentID, "amy")}},
	}
	const open = 1000
	for from := 0; from < n; from += open {
		for _, s := range steps {
			for i := from; i < min(n, from+open); i++ {
				at := start + int64(i)*200
				e := event.Event{
					Tenant: "t1", Type: s.typ, Source: "bench", ID: fmt.Sprintf("%d-%s", i, s.typ), Time: at + s.after,
					ReceivedAt: at + s.after, Kind: "contact", Entity: fmt.Sprintf("contact-%08d", i), Attrs: s.attrs,
				}
				copy(e.UID[:], fmt.Sprintf("%08d%s", i, s.typ[8:]))
				e.Hash, _ = e.ContentHash(nil)
				out = append(out, e.Append(nil))
			}
			pulse := event.Event{Type: event.TypePulse, Time: start + int64(from)*200 + s.after}
			out = append(out, pulse.Append(nil))
		}
	}
	return out
}

func text(n int32, s string) event.Attr { return event.Attr{Number: n, Text: s, IsText: true} }

// BenchmarkLifecycles steps whole contacts, with facts, panes, flushes and
// checkpoints. One operation is one event.
func BenchmarkLifecycles(b *testing.B) {
	log := lives(50_000)
	b.ReportAllocs()
	for b.Loop() {
		t := track.NewTask(NewPlan(0).Config)
		rows := 0
		for i, r := range log {
			t.Step(int64(i), r)
			if i%10_000 == 0 {
				t.Flush(func(track.Effect) { rows++ })
				t.Checkpoint(100, func(key, value []byte) { rows++ })
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(log)), "ns/event")
	b.ReportMetric(float64(b.N*len(log))/b.Elapsed().Seconds(), "events/s")
}

// BenchmarkOpenItem measures what one open contact takes: encoded in the state
// log, and in memory with all that it needs.
func BenchmarkOpenItem(b *testing.B) {
	const n = 100_000
	var before, after runtime.MemStats
	for b.Loop() {
		var log [][]byte
		for i := range n {
			e := event.Event{
				Tenant: "t1", Type: "contact.queued", Source: "bench", Time: start + int64(i), Kind: "contact",
				Entity: fmt.Sprintf("contact-%08d", i), Attrs: []event.Attr{text(event.FieldQueueID, "sales"), text(event.FieldChannel, "voice")},
			}
			copy(e.UID[:], e.Entity)
			log = append(log, e.Append(nil))
		}
		runtime.GC()
		runtime.ReadMemStats(&before)
		t := track.NewTask(NewPlan(0).Config)
		for i, r := range log {
			t.Step(int64(i), r)
		}
		t.Flush(func(track.Effect) {})
		encoded := 0
		t.Checkpoint(0, func(key, value []byte) { encoded += len(key) + len(value) })
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(encoded)/n, "encoded-B/item")
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/n, "memory-B/item")
		runtime.KeepAlive(t)
	}
}

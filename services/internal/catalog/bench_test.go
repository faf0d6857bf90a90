package catalog_test

import (
	"fmt"
	"runtime"
	"slices"
	"syscall"
	"testing"

	"github.com/nabz/nabz/pkg/event"
	"github.com/nabz/nabz/pkg/kpi"
	"github.com/nabz/nabz/pkg/track"
	"github.com/nabz/nabz/services/internal/catalog"
)

const began = int64(1_772_409_600_000) // 2026-03-02, ms

func text(n int32, s string) event.Attr { return event.Attr{Number: n, Text: s, IsText: true} }

// calls makes the records of n contacts that 2,500 agents take from four queues,
// one after the other, each event once for everyone it concerns, with a clock
// record every second of theirs. Ten contacts begin in a second.
func calls(all *catalog.Catalog, n int) [][]byte {
	const each = 1000
	steps := []struct {
		typ   string
		after int64
	}{{"contact.queued", 0}, {"contact.answered", 15_000}, {"contact.ended", 180_000}, {"contact.wrapup_ended", 200_000}}
	var events []event.Event
	for i := range n {
		for _, s := range steps {
			at := began + int64(i)*100 + s.after
			e := event.Event{
				Tenant: "t", Type: s.typ, Source: "bench", ID: fmt.Sprintf("%d-%s", i, s.typ), Time: at, ReceivedAt: at, Kind: "contact", Entity: fmt.Sprintf("c%08d", i),
				Attrs: []event.Attr{
					text(event.FieldContactID, fmt.Sprintf("c%08d", i)), text(event.FieldCustomerID, fmt.Sprintf("k%06d", i%(n/2+1))),
					text(event.FieldAgentID, fmt.Sprintf("a%d", i%2500)), text(event.FieldQueueID, fmt.Sprintf("q%d", i%4)), text(event.FieldChannel, "voice"),
				},
			}
			if s.after == 0 {
				e.Attrs = slices.Delete(e.Attrs, 2, 3)
			}
			copy(e.UID[:], fmt.Sprintf("%08d%s", i, s.typ[8:]))
			e.Hash, _ = e.ContentHash(nil)
			events = append(events, e)
			typ, _ := all.Events.Type(s.typ)
			for _, c := range typ.Concerns[1:] {
				if id := e.Text(c.Field.Number); id != "" {
					copied := e
					copied.Kind, copied.Entity = c.Kind, id
					events = append(events, copied)
				}
			}
		}
	}
	slices.SortStableFunc(events, func(a, b event.Event) int { return int(a.Time - b.Time) })
	var out [][]byte
	clock := began
	for i := range events {
		if events[i].Time >= clock+each {
			clock = events[i].Time
			pulse := event.Event{Type: event.TypePulse, Time: clock, ReceivedAt: clock}
			out = append(out, pulse.Append(nil))
		}
		out = append(out, events[i].Append(nil))
	}
	return out
}

// BenchmarkKPIs steps whole contacts, with the copies of their agents and
// customers, facts, panes, flushes and checkpoints, while one, ten or all KPIs
// are on. One operation is a whole log; an event is a record, copies among them.
func BenchmarkKPIs(b *testing.B) {
	all, err := catalog.Load()
	if err != nil {
		b.Fatal(err)
	}
	log := calls(all, 20_000)
	live := slices.DeleteFunc(slices.Clone(all.KPIs.Definitions), func(d *kpi.Definition) bool { return !d.Live() })
	slices.SortStableFunc(live, func(x, y *kpi.Definition) int { // those of contacts first
		return map[bool]int{true: -1}[x.Of.Kind == "contact"] - map[bool]int{true: -1}[y.Of.Kind == "contact"]
	})
	for _, n := range []int{1, 10, len(all.KPIs.Definitions)} {
		b.Run(fmt.Sprintf("%d", n), func(b *testing.B) {
			some := *all.KPIs
			if n < len(live) {
				some.Definitions = live[:n]
			}
			set, err := some.Only()
			if err != nil {
				b.Fatal(err)
			}
			only := *all
			only.KPIs = set
			b.ReportAllocs()
			before := cpuSeconds()
			for b.Loop() {
				t := track.NewTask(only.Task(0))
				rows := 0
				for i, r := range log {
					t.Step(int64(i), r)
					if i%10_000 == 0 {
						t.Flush(func(track.Effect) { rows++ })
						t.Checkpoint(100, func(key, value []byte) { rows++ })
					}
				}
				runtime.KeepAlive(t)
			}
			b.ReportMetric(float64(b.N*len(log))/(cpuSeconds()-before), "events/CPU-s")
		})
	}
}

// cpuSeconds is what this process has used of all cores, garbage collection
// included.
func cpuSeconds() float64 {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}

// BenchmarkGroup measures what one more group of a family takes: a combination
// of dimensions, with its panes of one minute and one quarter of an hour, in
// memory and in the state log.
func BenchmarkGroup(b *testing.B) {
	const n = 5_000
	all, err := catalog.Load()
	if err != nil {
		b.Fatal(err)
	}
	var before, after runtime.MemStats
	for b.Loop() {
		t := track.NewTask(all.Task(0))
		var log [][]byte
		for i := range n {
			e := event.Event{
				Tenant: "t", Type: "contact.queued", Source: "bench", Time: began, ReceivedAt: began, Kind: "contact", Entity: fmt.Sprintf("c%08d", i),
				Attrs: []event.Attr{text(event.FieldQueueID, fmt.Sprintf("q%08d", i)), text(event.FieldChannel, "voice")},
			}
			copy(e.UID[:], e.Entity)
			log = append(log, e.Append(nil))
		}
		runtime.GC()
		runtime.ReadMemStats(&before)
		for i, r := range log {
			t.Step(int64(i), r)
		}
		t.Flush(func(track.Effect) {})
		encoded := 0
		t.Checkpoint(0, func(key, value []byte) { encoded += len(key) + len(value) })
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(encoded)/n, "encoded-B/group")
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/n, "memory-B/group")
		runtime.KeepAlive(t)
	}
}

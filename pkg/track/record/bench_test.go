package record_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/nabz/nabz/pkg/event"
	"github.com/nabz/nabz/pkg/record"
	"github.com/nabz/nabz/pkg/track"
	fold "github.com/nabz/nabz/pkg/track/record"
)

// BenchmarkCustomer is what one more event of a contact costs its customer.
func BenchmarkCustomer(b *testing.B) {
	c, err := event.ParseCatalogue(os.DirFS("../../../schemas/events"))
	if err != nil {
		b.Fatal(err)
	}
	data, err := os.ReadFile("../../../schemas/record/customer.yaml")
	if err != nil {
		b.Fatal(err)
	}
	k, err := record.Parse("customer.yaml", data, c)
	if err != nil {
		b.Fatal(err)
	}
	z, _ := zones(b)
	const day = 24 * 60 * minute
	cfg := track.Config{
		Epoch: 1, Rank: func(name string) int { typ, _ := c.Type(name); return typ.Rank },
		Kinds: []track.Kind{{Name: k.Name, Timing: track.Timing{Linger: 60 * minute, Horizon: 7 * day, Keep: 1825 * day, Panes: minute},
			Tracker: fold.New(fold.Config{Kind: k, Zone: z, LingerMs: 60 * minute, HorizonMs: 7 * day, KeepMs: 1825 * day})}},
	}
	types := []string{"contact.queued", "contact.offered", "contact.dequeued", "contact.answered", "contact.ended"}
	t := track.NewTask(cfg)
	var buf []byte
	at := int64(1_792_713_600_000)
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		contact := n / len(types)
		e := event.Event{Tenant: "t", Kind: "customer", Entity: fmt.Sprintf("c_%d", contact%5000), Type: types[n%len(types)], Time: at + int64(n)*10}
		copy(e.UID[:], fmt.Sprintf("%016d", n))
		e.Hash = uint64(n)
		e.Attrs = []event.Attr{{Number: 100, Text: fmt.Sprintf("k%d", contact), IsText: true}, {Number: 104, Text: "sales", IsText: true}, {Number: 106, Text: "voice", IsText: true}}
		buf = e.Append(buf[:0])
		t.Step(int64(n), buf)
		n++
		if n%2000 == 0 {
			p := event.Event{Type: event.TypePulse, Time: e.Time}
			t.Step(int64(n), p.Append(nil))
			t.Flush(func(track.Effect) {})
			n++
		}
	}
}

package row

import (
	"reflect"
	"testing"

	"github.com/nabz/nabz/pkg/event"
)

// FuzzDecode holds that Decode is total, and that what it reads it writes and
// reads again alike.
func FuzzDecode(f *testing.F) {
	place := Place{Tenant: "bank", Generation: 1, Epoch: 2, Partition: 3}
	f.Add(Append(nil, &Fact{Place: place, Family: "queue_segment", Item: "7", ID: event.UID{1}, Values: []Value{{Number: 1, Text: "x", IsText: true}, {Number: 2, Int: -4}}}))
	f.Add(Append(nil, &Pane{Place: place, Grain: 60, Dims: []string{"", "voice"}, Cells: []Cell{{Part: 7, Value: -1}}}))
	f.Add(Append(nil, &Reject{Place: place, Reason: Repeat, Hash: 1<<63 + 5}))
	f.Add(Append(nil, &Progress{Place: place, State: Open}))
	f.Add(Append(nil, &Reading{Place: place, KPI: "asa", Scope: []string{"queue"}, Dims: []string{""}, Windows: []Window{{Name: "5m", From: 7, Numbers: []Number{{"value", 0.5}, {"count", 0}}}}}))
	f.Add(Append(nil, &Verdict{Place: place, Policy: "wait", ID: event.UID{1}, Labels: []Label{{"queue", "x"}, {"", ""}}, Value: 0.5, Quiet: true}))
	f.Add(Append(nil, &Tally{Tenant: "bank", Collector: "x", Minute: 60_000, Records: 3, Version: 1}))
	f.Add([]byte{})
	f.Add([]byte{0x0a, 0x02, 0x4a, 0x05})
	f.Fuzz(func(t *testing.T, in []byte) {
		a, err := Decode(in)
		if err != nil {
			return
		}
		out := Append(nil, a)
		b, err := Decode(out)
		if err != nil {
			t.Fatalf("%v of %x, written of %x", err, out, in)
		}
		if !reflect.DeepEqual(a, b) {
			t.Fatalf("%+v became %+v", a, b)
		}
	})
}

func TestLongMessage(t *testing.T) {
	for _, n := range []int{1<<14 - 20, 1 << 14, 1 << 20} {
		want := &Fact{Family: string(make([]byte, n)), Version: 5, ID: event.UID{1}}
		got, err := Decode(Append([]byte(nil), want))
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("a family of %d bytes: %v", n, err)
		}
	}
}

func TestIsKept(t *testing.T) {
	windows := []Window{{Name: "1m", Numbers: []Number{{"value", 1}}}}
	kept := Append(nil, &Reading{KPI: "asa", Scope: []string{"queue"}, Dims: []string{"x"}, AsOf: 5, Kept: 60_000, Windows: windows})
	for want, records := range map[bool][][]byte{
		true: {kept},
		false: {
			Append(nil, &Reading{KPI: "asa", AsOf: 60_000, Windows: windows}), Append(nil, &Progress{Position: 12, Now: 12}),
			{}, {0xff}, kept[:8], kept[:1],
		},
	} {
		for _, r := range records {
			if IsKept(r) != want {
				t.Errorf("kept is %v of %x", !want, r)
			}
		}
	}
}

func TestRefusal(t *testing.T) {
	for want, b := range map[string][]byte{
		Repeat: Append(nil, &Reject{Place: Place{Tenant: "bank"}, Offset: 7, Reason: Repeat, Kind: "contact"}),
		"":     Append(nil, &Progress{State: Repeat, Position: 3}),
	} {
		if got := Refusal(b); got != want {
			t.Errorf("%q of %x, want %q", got, b, want)
		}
	}
	if got := Refusal(nil) + Refusal([]byte{0x1a, 0x05, 1}); got != "" {
		t.Errorf("%q of what is no row", got)
	}
}

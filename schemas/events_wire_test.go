package schemas_test

import (
	"context"
	"math"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/bufbuild/protocompile"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/nabz/nabz/pkg/event"
	"github.com/nabz/nabz/pkg/row"
)

// message compiles one of the committed .proto files.
func message(t testing.TB, file, name string) protoreflect.MessageDescriptor {
	t.Helper()
	c := protocompile.Compiler{Resolver: &protocompile.SourceResolver{ImportPaths: []string{"events"}}}
	files, err := c.Compile(context.Background(), file)
	if err != nil {
		t.Fatal(err)
	}
	return files[0].Messages().ByName(protoreflect.Name(name))
}

// words are values at which codecs go wrong.
var words = []string{"", "a", "contact.queued", "صف فروش", "x\x00y", "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"}

func word(r *rand.Rand) string { return words[r.IntN(len(words))] }

func number(r *rand.Rand) int64 {
	edge := []int64{0, 1, -1, 63, 64, 127, 128, 918_000_000_000, math.MaxInt64, math.MinInt64, event.MaxInt}
	return edge[r.IntN(len(edge))]
}

func uid(r *rand.Rand) (u event.UID) {
	if r.IntN(4) > 0 {
		for i := range u {
			u[i] = byte(r.Uint32())
		}
	}
	return u
}

func randomEvent(r *rand.Rand, c *event.Catalogue) event.Event {
	e := event.Event{
		Tenant: word(r), Feed: word(r), Type: word(r), Source: word(r), ID: word(r), UID: uid(r),
		Time: number(r), ReceivedAt: number(r), Sequence: number(r), Revision: number(r), Hash: r.Uint64() & -r.Uint64N(2),
		Kind: word(r), Entity: word(r), Replaces: uid(r), ReplacesTime: number(r), Withdrawn: r.IntN(2) == 0,
		Session: number(r), Generation: number(r),
	}
	for _, f := range c.Fields() {
		if f.Envelope || r.IntN(3) > 0 {
			continue
		}
		a := event.Attr{Number: f.Number}
		if f.Type == event.FieldString {
			a.IsText, a.Text = true, word(r)
		} else {
			a.Int = number(r)
		}
		e.Attrs = append(e.Attrs, a)
	}
	return e
}

// TestEventWire writes events by our codec and reads them by the Protobuf
// runtime, and the other way round.
func TestEventWire(t *testing.T) {
	c, desc := catalogue(t), message(t, "event.proto", "Event")
	r := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		want := randomEvent(r, c)
		b := want.Append(nil)
		m := dynamicpb.NewMessage(desc)
		if err := proto.Unmarshal(b, m); err != nil {
			t.Fatalf("%v of %+v", err, want)
		}
		if len(m.GetUnknown()) > 0 {
			t.Fatalf("event.proto does not know the bytes %x", m.GetUnknown())
		}
		equalEvent(t, m, &want)
		back, err := proto.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		var got event.Event
		if err := got.Decode(string(back)); err != nil {
			t.Fatal(err)
		}
		sortAttrs(&got)
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("got %+v\nwant %+v", got, want)
		}
	}
}

// sortAttrs puts attributes in order: the runtime marshals in any.
func sortAttrs(e *event.Event) {
	for i := range e.Attrs {
		for j := i; j > 0 && e.Attrs[j].Number < e.Attrs[j-1].Number; j-- {
			e.Attrs[j], e.Attrs[j-1] = e.Attrs[j-1], e.Attrs[j]
		}
	}
}

func equalEvent(t *testing.T, m protoreflect.Message, e *event.Event) {
	t.Helper()
	get := func(name string) any {
		f := m.Descriptor().Fields().ByName(protoreflect.Name(name))
		if f == nil {
			t.Fatalf("event.proto has no field %s", name)
		}
		return m.Get(f).Interface()
	}
	zero := func(u event.UID) []byte {
		if u.IsZero() {
			return nil
		}
		return u[:]
	}
	want := map[string]any{
		"tenant": e.Tenant, "feed": e.Feed, "type": e.Type, "source": e.Source, "id": e.ID, "time": e.Time,
		"received_at": e.ReceivedAt, "sequence": e.Sequence, "revision": e.Revision, "hash": e.Hash, "kind": e.Kind,
		"entity": e.Entity, "replaces_time": e.ReplacesTime, "withdrawn": e.Withdrawn, "session": e.Session, "generation": e.Generation,
	}
	for name, v := range want {
		if got := get(name); got != v {
			t.Errorf("%s: got %v, want %v", name, got, v)
		}
	}
	if got := string(get("uid").([]byte)); got != string(zero(e.UID)) {
		t.Errorf("uid: got %x", got)
	}
	if got := string(get("replaces").([]byte)); got != string(zero(e.Replaces)) {
		t.Errorf("replaces: got %x", got)
	}
	for _, a := range e.Attrs {
		f := m.Descriptor().Fields().ByNumber(protoreflect.FieldNumber(a.Number))
		if !m.Has(f) {
			t.Errorf("%s is not there", f.Name())
		} else if got := m.Get(f).Interface(); got != any(a.Text) && got != any(a.Int) {
			t.Errorf("%s: got %v, want %+v", f.Name(), got, a)
		}
	}
}

func randomRow(r *rand.Rand) row.Row {
	place := row.Place{Tenant: word(r), Feed: word(r), Generation: number(r), Epoch: number(r), Partition: int32(r.IntN(9))}
	switch r.IntN(7) {
	case 0:
		f := &row.Fact{Place: place, Family: word(r), Kind: word(r), Item: word(r), ID: uid(r), OpenedAt: number(r), Version: number(r), Deleted: r.IntN(2) == 0}
		for n := range int32(r.IntN(20)) {
			v := row.Value{Number: n + 1, Int: number(r)}
			if r.IntN(2) == 0 {
				v = row.Value{Number: n + 1, Text: word(r), IsText: true}
			}
			f.Values = append(f.Values, v)
		}
		return f
	case 1:
		p := &row.Pane{Place: place, Family: word(r), Grain: 60, Bucket: number(r), Incarnation: number(r), Version: number(r)}
		for range r.IntN(5) {
			p.Dims = append(p.Dims, word(r))
		}
		// Enough cells that the message needs a longer length than usual.
		for n := range r.IntN(3) * 1500 {
			p.Cells = append(p.Cells, row.Cell{Part: uint32(n) * 2654435761, Value: number(r)})
		}
		return p
	case 2:
		return &row.Reject{Place: place, Offset: number(r), Reason: row.Repeat, Kind: word(r), Entity: word(r), Type: word(r), UID: uid(r),
			Hash: r.Uint64(), Time: number(r), ReceivedAt: number(r), Session: number(r), Version: number(r)}
	case 3:
		x := &row.Reading{Place: place, KPI: word(r), AsOf: number(r), ChangedAt: number(r), Version: number(r), Kept: number(r)}
		for range r.IntN(3) {
			x.Scope, x.Dims = append(x.Scope, word(r)), append(x.Dims, word(r))
			x.Windows = append(x.Windows, row.Window{Name: word(r), From: number(r), Numbers: []row.Number{{Name: word(r), Value: r.Float64() - 0.5}}})
		}
		return x
	case 4:
		return &row.Verdict{Place: place, Policy: word(r), Kind: row.Deadline, Item: word(r), ID: uid(r), Episode: number(r),
			Labels: []row.Label{{Name: word(r), Value: word(r)}}, Severity: word(r), State: row.AtRisk, Stage: row.Settled,
			Quiet: r.IntN(2) == 0, Uncertain: r.IntN(2) == 0, DueAt: number(r), DecidedAt: number(r), Target: number(r),
			Value: r.Float64(), Bound: -r.Float64(), Version: number(r)}
	case 5:
		return &row.Tally{Tenant: word(r), Collector: word(r), Minute: number(r), Events: number(r), Records: number(r), DeadLetters: number(r),
			Refused: number(r), Unacknowledged: number(r), Version: number(r)}
	default:
		return &row.Progress{Place: place, Position: number(r), Now: number(r), State: row.Open, Session: number(r)}
	}
}

// TestRowWire reads what our codec wrote by the Protobuf runtime, and lets our
// codec read what the runtime writes of it.
func TestRowWire(t *testing.T) {
	desc := message(t, "row.proto", "Row")
	r := rand.New(rand.NewPCG(3, 4))
	for range 2000 {
		want := randomRow(r)
		m := dynamicpb.NewMessage(desc)
		if err := proto.Unmarshal(row.Append(nil, want), m); err != nil {
			t.Fatalf("%v of %+v", err, want)
		}
		inner := m.Get(m.WhichOneof(desc.Oneofs().ByName("row"))).Message()
		if _, isFact := want.(*row.Fact); !isFact && len(inner.GetUnknown()) > 0 {
			t.Fatalf("row.proto does not know the bytes %x", inner.GetUnknown())
		}
		tenant := inner.Get(inner.Descriptor().Fields().ByName("tenant")).String()
		version := inner.Descriptor().Fields().ByName("version")
		switch want := want.(type) {
		case *row.Fact:
			if tenant != want.Tenant || inner.Get(version).Int() != want.Version {
				t.Fatalf("got %v, want %+v", inner, want)
			}
		case *row.Pane:
			if tenant != want.Tenant || inner.Get(version).Int() != want.Version {
				t.Fatalf("got %v, want %+v", inner, want)
			}
		}
		back, err := proto.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		got, err := row.Decode(back)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("got %+v\nwant %+v", got, want)
		}
	}
}

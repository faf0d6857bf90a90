package proof_test

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/nabz/nabz/pkg/event"
	"github.com/nabz/nabz/pkg/record"
	"github.com/nabz/nabz/pkg/sim"
	"github.com/nabz/nabz/pkg/track"
	"github.com/nabz/nabz/services/internal/catalog"
)

// declared draws histories of a kind that is declared as data: what matters to
// its facts, the declaration says.
func declared(k *record.Kind) teller {
	t := teller{kind: k.Name}
	t.history = func(cat *catalog.Catalog, seed uint64) []sim.Record {
		spans := spansOf(k, cat.Timings[k.Name])
		span := spans[seed%uint64(len(spans))]
		records := sim.History(seed)
		stretch(records, max(1, span/1_200_000)) // those of sim take about an hour
		if seed%3 == 0 {
			timing := track.Timing{Linger: span, MaxAge: spans[seed/3%uint64(len(spans))]}
			records = hone(rand.New(rand.NewPCG(seed, 6)), timing, records)
		}
		return recording(cat, k, seed, records)
	}
	t.days = func(cat *catalog.Catalog, seed uint64) []sim.Record {
		records := sim.History(seed)
		stretch(records, []int64{1, 2, 20}[seed%3])
		return recording(cat, k, seed, records)
	}
	for _, f := range k.Families {
		facts := "SELECT count() FROM nabz_internal.fact_" + f.Fact.Name + " FINAL WHERE deleted = 0 AND "
		for i, c := range f.Columns {
			name := f.Fact.Columns[i].Name
			switch c.Source {
			case record.Nth:
				t.happened = append(t.happened, facts+name+" > 3")
			case record.Count, record.Span:
				t.happened = append(t.happened, facts+name+" > 0")
			case record.Minus, record.Sum:
				t.happened = append(t.happened, facts+name+" < 0")
			case record.UntilNext, record.SincePrevious:
				t.happened = append(t.happened, facts+name+" > 0", facts+name+" IS NULL")
			case record.Next, record.Carried, record.First, record.Last, record.Of:
				t.happened = append(t.happened, fmt.Sprintf("%sifNull(toString(%s), '') != ''", facts, name))
			default:
			}
		}
	}
	return t
}

// spansOf are the times that matter to the facts of a kind, ms.
func spansOf(k *record.Kind, timing track.Timing) []int64 {
	const day = 86_400_000
	spans := []int64{1_200_000, timing.Horizon, timing.Keep}
	for _, f := range k.Families {
		within, _ := f.Waits()
		for _, ms := range []int64{f.GapMs, within, f.LostAfterMs} {
			if ms > 0 {
				spans = append(spans, ms)
			}
		}
		if f.Mode == record.Day {
			spans = append(spans, day)
		}
	}
	return spans
}

// recording makes every event one of the kind, the same delivery twice the same
// event twice.
func recording(cat *catalog.Catalog, k *record.Kind, seed uint64, records []sim.Record) []sim.Record {
	types, fields := matters(cat, k)
	for i := range records {
		e := &records[i].Event
		if e.Type == "" {
			continue // what is no event stays none
		}
		if !e.IsClock() {
			rnd := rand.New(rand.NewPCG(seed^binary.BigEndian.Uint64(e.UID[:]), uint64(e.Revision)))
			e.Kind = k.Name
			if seed%2 == 0 {
				e.Entity = "r" + e.Entity[len(e.Entity)-1:] // fewer and longer
			}
			e.Type = types[rnd.IntN(len(types))]
			if rnd.IntN(20) == 0 {
				e.Type = "a.type_to_come"
			}
			e.Sequence = rnd.Int64N(3)
			e.Attrs = nil
			for _, f := range fields {
				if a, told := says(rnd, e, f.field, f.words); told {
					e.Attrs = append(e.Attrs, a)
				}
			}
			slices.SortFunc(e.Attrs, func(a, b event.Attr) int { return cmp.Compare(a.Number, b.Number) })
			e.Hash, _ = e.ContentHash(nil)
		}
		records[i].Bytes = e.Append(nil)
	}
	return records
}

// said is a field with some words that events may say in it.
type said struct {
	field *event.Field
	words []string
}

// matters gives the types that concern a kind, and every field that its
// declaration names.
func matters(cat *catalog.Catalog, k *record.Kind) (types []string, fields []said) {
	for _, t := range cat.Events.Types() {
		if slices.ContainsFunc(t.Concerns, func(c event.Concern) bool { return c.Kind == k.Name }) {
			types = append(types, t.Name)
		}
	}
	words := map[string][]string{}
	name := func(f *event.Field, more ...string) {
		if f != nil {
			words[f.Name] = append(words[f.Name], more...)
		}
	}
	where := func(conds []record.Cond) {
		for _, c := range conds {
			name(c.Field, c.Values...)
		}
	}
	for _, f := range k.Families {
		for range 3 {
			types = append(types, f.Types...) // what makes facts is the commonest
		}
		where(f.Where)
		name(f.Of)
		for _, p := range f.Per {
			name(p)
		}
		for _, c := range f.Columns {
			name(c.Field)
			where(c.Where)
		}
	}
	for _, f := range cat.Events.Fields() {
		if w, ok := words[f.Name]; ok {
			fields = append(fields, said{f, append(append(w, f.Values...), "", "", "w0", "w1", "w2")})
		}
	}
	return types, fields
}

// says draws what an event says in a field; often nothing.
func says(rnd *rand.Rand, e *event.Event, f *event.Field, words []string) (event.Attr, bool) {
	a := event.Attr{Number: f.Number}
	switch f.Type {
	case event.FieldString:
		a.Text, a.IsText = words[rnd.IntN(len(words))], true
		return a, a.Text != ""
	case event.FieldBool:
		a.Int = rnd.Int64N(2)
	case event.FieldTime:
		a.Int = e.Time + rnd.Int64N(10_000_000) - 5_000_000
	case event.FieldDuration:
		a.Int = rnd.Int64N(10_000_000)
	case event.FieldInt, event.FieldDecimal:
		a.Int = rnd.Int64N(11) - 5
	}
	return a, rnd.IntN(3) > 0
}

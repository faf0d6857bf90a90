package record_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/nabz/nabz/pkg/calendar"
	"github.com/nabz/nabz/pkg/event"
	"github.com/nabz/nabz/pkg/fact"
	"github.com/nabz/nabz/pkg/record"
	"github.com/nabz/nabz/pkg/row"
	"github.com/nabz/nabz/pkg/track"
)

// world is a task with all that it said: the rows as they stand, and what it
// refused.
type world struct {
	*house
	t       *testing.T
	cfg     track.Config
	task    *track.Task
	state   map[string]string
	rows    map[string]string
	refused map[int64]string
	taken   []event.Event
	now     int64
	largest int // of the entries of its state
}

// house is what all worlds of a test share.
type house struct {
	kind  *record.Kind
	zone  *calendar.Zone
	local *time.Location
	rank  func(string) int
}

func newHouse(t *testing.T) *house {
	k, c := tried(t)
	h := &house{kind: k}
	h.rank = func(name string) int {
		if typ, ok := c.Type(name); ok {
			return typ.Rank
		}
		return 1 << 20
	}
	h.zone, h.local = zones(t)
	return h
}

func (h *house) world(t *testing.T, paged bool) *world {
	w := &world{house: h, t: t, state: map[string]string{}, rows: map[string]string{}, refused: map[int64]string{}}
	w.cfg = task(h.kind, h.zone, h.rank, paged)
	w.task = track.NewTask(w.cfg)
	return w
}

// step takes a record and all that it leads to.
func (w *world) step(e *event.Event) {
	offset := int64(len(w.taken))
	w.taken = append(w.taken, *e)
	if e.IsClock() {
		w.now = max(w.now, e.Time)
	}
	w.task.Step(offset, e.Append(nil))
	w.task.Flush(func(x track.Effect) {
		r, err := row.Decode(x.Value)
		if err != nil {
			w.t.Fatal(err)
		}
		switch r := r.(type) {
		case *row.Reject:
			w.refused[r.Offset] = r.Reason
		case *row.Fact:
			w.fact(r)
		}
	})
}

func (w *world) fact(r *row.Fact) {
	key := fmt.Sprintf("%s %s %s %d", r.Family, r.Item, r.ID, r.OpenedAt)
	if r.Deleted {
		delete(w.rows, key)
		return
	}
	text := ""
	for _, f := range w.kind.Families {
		for _, c := range f.Fact.Columns {
			if f.Fact.Name != r.Family {
				continue
			}
			v := fact.Value{}
			for _, x := range r.Values {
				if x.Number == c.Number {
					v = fact.Value{Int: x.Int, Text: x.Text, Set: true}
				}
			}
			text += fmt.Sprintf(" %s=%v", c.Name, v)
		}
	}
	w.rows[key] = text
}

// restore dies and is restored from its checkpoint.
func (w *world) restore() {
	w.task.Checkpoint(3, func(key, value []byte) {
		if value == nil {
			delete(w.state, string(key))
			return
		}
		w.state[string(key)] = string(value)
	})
	w.largest = 0
	for _, v := range w.state {
		w.largest = max(w.largest, len(v))
	}
	var err error
	if w.task, err = track.Restore(w.cfg, w.state, w.task.Position()); err != nil {
		w.t.Fatal(err)
	}
}

// want is what the oracle makes of the records that were taken.
func (w *world) want() map[string]string {
	items := map[string][]event.Event{}
	for offset := range w.taken {
		e := &w.taken[offset]
		if w.refused[int64(offset)] == "" && !e.IsClock() {
			items[e.Entity] = append(items[e.Entity], *e)
		}
	}
	out := map[string]string{}
	for entity, events := range items {
		var stand []event.Event
		gone := map[string]bool{}
		for _, by := range events {
			gone[fmt.Sprint(by.Replaces, by.ReplacesTime)] = !by.Replaces.IsZero()
		}
		for _, e := range events {
			if !gone[fmt.Sprint(e.UID, e.Time)] && !e.Withdrawn && slices.Contains(w.kind.EventTypes(), e.Type) {
				stand = append(stand, e)
			}
		}
		slices.SortFunc(stand, func(a, b event.Event) int { return event.Compare(&a, w.rank(a.Type), &b, w.rank(b.Type)) })
		o := oracle{kind: w.kind, zone: w.local, entity: entity, now: w.now}
		o.rows(stand, out)
	}
	return out
}

func (w *world) check() {
	w.t.Helper()
	want := w.want()
	for k := range want {
		if w.rows[k] != want[k] {
			w.t.Errorf("%s is\n%s, want\n%s", k, w.rows[k], want[k])
		}
	}
	for k := range w.rows {
		if _, ok := want[k]; !ok {
			w.t.Errorf("%s should not be, is%s", k, w.rows[k])
		}
	}
}

var seeds = flag.Uint64("seeds", 150, "how many random histories to fold")

// TestSeeds takes records as a processor does, whatever order
// they come in, twice, late, revised, replaced, through restores: the rows are
// those that the declaration says of all accepted events at once.
func TestSeeds(t *testing.T) {
	h := newHouse(t)
	checked, refused := 0, 0
	for seed := range *seeds {
		rnd := rand.New(rand.NewPCG(seed, 7))
		w := h.world(t, seed%3 > 0)
		records := history(rnd, 40+rnd.IntN(300), seed%4 == 0)
		for i := range records {
			w.step(&records[i])
			if rnd.IntN(40) == 0 {
				w.restore()
			}
		}
		w.check()
		checked += len(w.rows)
		refused += len(w.refused)
		if t.Failed() {
			t.Fatalf("seed %d: go test ./pkg/track/record -run TestSeeds", seed+1)
		}
	}
	if *seeds >= 150 && (checked < 5_000 || refused < 500) {
		t.Errorf("%d rows and %d refusals: too few to say anything", checked, refused)
	}
}

// TestOrderDoesNotMatter takes the same events in another order, some of them
// twice.
func TestOrderDoesNotMatter(t *testing.T) {
	h := newHouse(t)
	for seed := range uint64(40) {
		rnd := rand.New(rand.NewPCG(seed, 8))
		var events []event.Event
		for _, e := range history(rnd, 60, true) {
			if !e.IsClock() {
				events = append(events, e)
			}
		}
		var first map[string]string
		for range 3 {
			w := h.world(t, rnd.IntN(2) == 0)
			for i := range events {
				w.step(&events[i])
			}
			w.step(&event.Event{Type: event.TypePulse, Time: events[0].Time + keep})
			if first == nil {
				first = w.want()
			}
			w.check()
			if len(w.rows) != len(first) {
				t.Fatalf("seed %d: %d rows in one order, %d in another", seed, len(first), len(w.rows))
			}
			events = append(events, events[rnd.IntN(len(events))])
			rnd.Shuffle(len(events), func(i, j int) { events[i], events[j] = events[j], events[i] })
		}
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

// TestManyEvents gives one item more events within the horizon than it holds in
// one piece, some of them late.
func TestManyEvents(t *testing.T) {
	h := newHouse(t)
	rnd := rand.New(rand.NewPCG(1, 9))
	w := h.world(t, true)
	at := int64(1_792_713_600_000)
	for i := range 3_000 {
		e := event.Event{Tenant: "t", Kind: "customer", Entity: "u1", Type: "order.paid", Time: at + int64(i)*horizon/3_000}
		if i%50 == 0 {
			e.Time = at + rnd.Int64N(e.Time-at+1)
		}
		copy(e.UID[:], fmt.Sprintf("%016d", i))
		says(rnd, &e)
		w.step(&e)
	}
	w.check()
	if len(w.refused) > 0 || len(w.rows) < 1_000 {
		t.Errorf("%d of 3000 were refused, %d rows stand", len(w.refused), len(w.rows))
	}
	if w.restore(); w.largest > 8_000 {
		t.Errorf("an entry of the state is %d bytes long", w.largest)
	}
}

// TestLedgersHaveRoom books more entries in one ledger than items of other kinds
// may have, some of them late.
func TestLedgersHaveRoom(t *testing.T) {
	h := newHouse(t)
	c := catalogue(t)
	var err error
	if h.kind, err = record.Parse("ledger.yaml", []byte(`{kind: ledger, doc: d, families: {entry: {view: v, doc: d, each: [finance.entry], columns: [
  {number: 1, name: amount, of: amount, doc: d}, {number: 2, name: nth, is: nth, doc: d}]}}}`), c); err != nil {
		t.Fatal(err)
	}
	w := h.world(t, true)
	const entries = 12_000
	start := int64(1_792_713_600_000)
	for i := range int64(entries) {
		e := event.Event{Tenant: "t", Kind: "ledger", Entity: "main", Type: "finance.entry", Time: start + i*horizon/entries, Attrs: []event.Attr{{Number: 225, Int: i}}}
		if i%1000 == 999 {
			e.Time = start + i
		}
		copy(e.UID[:], fmt.Sprintf("%016d", i))
		w.step(&e)
	}
	w.check()
	if len(w.refused) > 0 || len(w.rows) != entries {
		t.Errorf("%d were refused, %d rows stand", len(w.refused), len(w.rows))
	}
}

// TestItemsAreForgotten lets time pass: what is left of an item becomes compact
// behind the horizon, and nothing behind the time that it is kept.
func TestItemsAreForgotten(t *testing.T) {
	h := newHouse(t)
	for seed := range uint64(100) {
		rnd := rand.New(rand.NewPCG(seed, 10))
		w := h.world(t, seed%2 == 0)
		records := history(rnd, 100, false)
		for i := range records {
			w.step(&records[i])
		}
		last := int64(0)
		for i := range w.taken {
			last = max(last, w.taken[i].Time, w.taken[i].ReplacesTime)
		}
		if now := last + linger + horizon + 1; now > w.now {
			w.step(&event.Event{Type: event.TypePulse, Time: now})
			w.check()
		}
		if w.restore(); w.largest > 900 {
			t.Errorf("seed %d: %d bytes are left of an item behind the horizon", seed, w.largest)
		}
		w.step(&event.Event{Type: event.TypePulse, Time: last + keep + horizon + 1})
		w.check()
		if n := w.task.Items(); n != 0 {
			t.Errorf("seed %d: %d items are left behind the time that they are kept", seed, n)
		}
		if t.Failed() {
			return
		}
	}
}

package conversation

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/nabz/nabz/pkg/event"
	"github.com/nabz/nabz/pkg/fact"
	"github.com/nabz/nabz/pkg/item"
)

// drawn draws the events of one conversation in the order of their times, with
// gaps of every length that matters, right at it and right behind it, and some
// that replace, withdraw or revise others.
func drawn(t *testing.T, rnd *rand.Rand) []event.Event {
	t.Helper()
	pick := func(words ...string) string { return words[rnd.IntN(len(words))] }
	lines := []string{
		"created", "created status=pending agent=amy", "created actor=agent", "customer", "customer channel=email", "customer", "agent amy", "agent bob",
		"note amy", "note bob", "bot", "agent amy automated", "assigned amy", "assigned bob team=night", "assigned", "bot_handoff",
		"status open", "status open actor=agent", "status pending", "status on_hold", "status snoozed", "status solved", "status solved", "status closed",
		"reopened", "merged into=d", "merged into=c began=-100", "deleted", "tagged tag=spam", "tagged tag=spam removed", "status closed reason=spam",
		"priority_changed priority=high", "team_changed team=day", "type_changed type=complaint",
	}
	usual := []string{"customer", "agent amy", "status solved", "status open", "assigned bob"}
	var out []event.Event
	at := 0.0
	for n := range 3 + rnd.IntN(40) {
		line := pick(lines...)
		if rnd.IntN(2) == 0 {
			line = pick(usual...)
		}
		if n == 0 && rnd.IntN(8) > 0 {
			line = "created"
		}
		switch rnd.IntN(12) {
		case 0:
		case 1, 2, 3, 4, 5:
			at += float64(rnd.IntN(1000))
		case 6, 7, 8:
			at += float64(rnd.IntN(90_000))
		case 9:
			at += 7*86_400 + float64(rnd.IntN(3)-1)/1000
		case 10:
			at += float64(rnd.IntN(5 * 86_400))
		case 11:
			if rnd.IntN(6) == 0 {
				at += []float64{90, 358, 365}[rnd.IntN(3)]*86_400 + float64(rnd.IntN(3)-1)/1000
			}
		}
		e := words(t, n, fmt.Sprintf("%.3f %s", at, line))
		e.Hash = rnd.Uint64()
		if len(out) > 0 && rnd.IntN(15) == 0 {
			old := &out[max(0, len(out)-1-rnd.IntN(4))]
			e.Replaces, e.ReplacesTime, e.Withdrawn = old.UID, old.Time, rnd.IntN(2) == 0
		}
		out = append(out, e)
		if rnd.IntN(15) == 0 {
			e = words(t, n, fmt.Sprintf("%.3f %s", at, pick(lines...)))
			e.Revision = 1
			out = append(out, e)
		}
	}
	return out
}

func seedsOf(t *testing.T, f func(t *testing.T, rnd *rand.Rand)) {
	t.Helper()
	for seed := range uint64(2000) {
		f(t, rand.New(rand.NewPCG(seed, 5)))
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

// rows are facts by their identity, in words.
func rows(b *fact.Buffer, into map[string]string) map[string]string {
	for i := range b.Facts {
		f := &b.Facts[i]
		text := ""
		for j := range f.Values {
			text += " " + f.Family.Columns[j].Name + "=" + said(&f.Family.Columns[j], f.Values[j])
		}
		into[fmt.Sprintf("%s %s %d", f.Family.Name, f.ID, f.OpenedAt)] = text
	}
	return into
}

func compareRows(t *testing.T, got, want map[string]string) {
	t.Helper()
	for k := range want {
		if got[k] != want[k] {
			t.Errorf("%s is\n%s, want\n%s", k, got[k], want[k])
		}
	}
	for k := range got {
		if _, ok := want[k]; !ok {
			t.Errorf("%s should not be, is%s", k, got[k])
		}
	}
}

// TestOrderDoesNotMatter inserts events in any order, some of them twice.
func TestOrderDoesNotMatter(t *testing.T) {
	tracker := testTracker()
	seedsOf(t, func(t *testing.T, rnd *rand.Rand) {
		events := drawn(t, rnd)
		now := events[len(events)-1].Time + rnd.Int64N(400*day)
		var first map[string]string
		for range 3 {
			it := &item.Item{Entity: entity}
			for i := range events {
				it.Insert(&events[i], int64(i), testRank)
			}
			var b fact.Buffer
			tracker.Fold(it, now, &b)
			got := rows(&b, map[string]string{})
			if first == nil {
				first = got
			}
			compareRows(t, got, first)
			events = append(events, events[rnd.IntN(len(events))])
			rnd.Shuffle(len(events), func(i, j int) { events[i], events[j] = events[j], events[i] })
		}
	})
}

// world is one conversation as a task keeps it: an item that is written down
// and read back, its rows, and all that it ever took.
type world struct {
	tracker *Tracker
	blob    []byte
	rows    map[string]string
	all     item.Item
	orphans map[int64]bool
	now     int64
	settled int // how often events went into the base
	longest int // of the bases
}

// look folds, lets change happen and folds again, as a task does.
func (w *world) look(t *testing.T, now int64, change func(it *item.Item), settle bool) {
	t.Helper()
	it := item.Item{Entity: entity}
	if len(w.blob) > 0 {
		if err := it.Decode(string(w.blob)); err != nil {
			t.Fatal(err)
		}
	}
	var was, is fact.Buffer
	w.tracker.Fold(&it, w.now, &was)
	change(&it)
	w.now = now
	w.tracker.Fold(&it, now, &is)
	for k := range rows(&was, map[string]string{}) {
		delete(w.rows, k)
	}
	rows(&is, w.rows)
	if settle {
		n := w.tracker.Settled(&it, now, now-day, func(h *item.Held) { w.orphans[h.Offset] = true })
		it.Events = slices.Delete(it.Events, 0, n)
		w.settled += n
		w.longest = max(w.longest, len(it.Base))
	}
	w.blob = it.Append(nil)
}

// TestBaseHoldsWhatIsOlder takes events as they come, up to a day late, and
// folds what is older into the base at any time: the rows are those of all
// events at once.
func TestBaseHoldsWhatIsOlder(t *testing.T) {
	settled, dropped := 0, 0
	seedsOf(t, func(t *testing.T, rnd *rand.Rand) {
		w := &world{tracker: testTracker(), all: item.Item{Entity: entity}, rows: map[string]string{}, orphans: map[int64]bool{}}
		events := drawn(t, rnd)
		for i := range events {
			for j := i; j > 0 && rnd.IntN(3) == 0; j-- {
				events[j], events[j-1] = events[j-1], events[j]
			}
		}
		for i := range events {
			e := &events[i]
			if late := e.Time + rnd.Int64N(day); late > w.now {
				w.look(t, late, func(*item.Item) {}, rnd.IntN(2) == 0)
			}
			if e.JudgedAt() < w.now-day {
				continue
			}
			if rnd.IntN(8) == 0 {
				w.look(t, w.now, func(*item.Item) {}, true)
			}
			w.all.Insert(e, int64(i), testRank)
			w.look(t, w.now, func(it *item.Item) { it.Insert(e, int64(i), testRank) }, rnd.IntN(4) == 0)
		}
		for range 3 {
			w.look(t, w.now+rnd.Int64N(200*day), func(*item.Item) {}, true)
		}
		var b fact.Buffer
		w.tracker.Fold(&w.all, w.now, &b)
		compareRows(t, w.rows, rows(&b, map[string]string{}))
		settled += w.settled
		if len(w.blob) == 1 {
			dropped++
		}
		if w.longest > 2_000 {
			t.Errorf("a base is %d bytes long", w.longest)
		}
	})
	if settled < 20_000 || dropped < 300 {
		t.Errorf("%d events were folded into bases and %d items forgotten: too few to say anything", settled, dropped)
	}
}

// TestDue holds what a fold says of silence: before lostAt none changes a row,
// and a linger, a horizon and a moment after overAt nothing is left to keep but
// a trace.
func TestDue(t *testing.T) {
	tracker := testTracker()
	seedsOf(t, func(t *testing.T, rnd *rand.Rand) {
		events := drawn(t, rnd)
		it := &item.Item{Entity: entity}
		for i := range events {
			it.Insert(&events[i], int64(i), testRank)
		}
		now := events[len(events)-1].Time
		var b, later fact.Buffer
		lostAt, overAt := tracker.Fold(it, now, &b)
		before := rows(&b, map[string]string{})
		if lostAt < event.Never {
			tracker.Fold(it, max(lostAt-1, now), &later)
			if lostAt > now && !maps.Equal(before, rows(&later, map[string]string{})) {
				t.Error("it changed before it was lost")
			}
			later.Reset()
			if tracker.Fold(it, max(lostAt, now), &later); maps.Equal(before, rows(&later, map[string]string{})) {
				t.Error("silence changed nothing")
			}
			return
		}
		if n := tracker.Settled(it, 0, overAt+7*day+1, func(*item.Held) {}); n != len(it.Events) || len(it.Base) > 8 {
			t.Errorf("%d of %d events settled, a base of %d bytes left", n, len(it.Events), len(it.Base))
		}
		it.Events = it.Events[:0]
		if it.Base == "" {
			return
		}
		if lostAt, overAt = tracker.Fold(it, now, &later); lostAt != event.Never {
			t.Error("a trace is lost one day")
		}
		if tracker.Settled(it, 0, overAt+7*day+1, func(*item.Held) {}); it.Base != "" {
			t.Error("a trace is never forgotten")
		}
	})
}

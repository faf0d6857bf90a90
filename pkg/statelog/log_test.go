package statelog

import (
	"fmt"
	"maps"
	"testing"
)

// writer appends to a state log that is a slice.
type writer struct{ log [][]byte }

func (w *writer) claim() int64 {
	w.log = append(w.log, AppendClaim(nil, "test"))
	return int64(len(w.log) - 1)
}

// delta writes one record of a group that sets a key.
func (w *writer) delta(nonce, group int64, key, value string) {
	d := Deltas{Nonce: nonce, Group: group}
	d.Put([]byte(key), []byte(value))
	d.Close()
	w.log = append(w.log, d.Records...)
}

func (w *writer) footer(nonce, group, records, position, from int64) {
	w.log = append(w.log, AppendFooter(nil, Footer{Nonce: nonce, Group: group, Records: records, Position: position, RestoreFrom: from}))
}

// read gives what a reader makes of the log from an offset on.
func (w *writer) read(t *testing.T, from int) (map[string]string, int64) {
	t.Helper()
	got := map[string]string{}
	r := NewReader(func(k, v []byte) { got[string(k)] = string(v) })
	for i := from; i < len(w.log); i++ {
		if err := r.Read(int64(i), w.log[i]); err != nil {
			t.Fatal(err)
		}
	}
	last, ok := r.Last()
	if !ok {
		return got, -1
	}
	return got, last.Position
}

func TestReader(t *testing.T) {
	f := func(name string, write func(*writer) (from int), position int64, want map[string]string) {
		t.Helper()
		t.Run(name, func(t *testing.T) {
			t.Helper()
			w := &writer{}
			from := write(w)
			got, at := w.read(t, from)
			if at != position || !maps.Equal(got, want) {
				t.Errorf("got position %d, %v, want %d, %v", at, got, position, want)
			}
		})
	}
	f("a_whole_group", func(w *writer) int {
		n := w.claim()
		w.delta(n, 1, "a", "1")
		w.footer(n, 1, 1, 10, n)
		return 0
	}, 10, map[string]string{"a": "1"})
	f("without_its_footer_a_group_is_nothing", func(w *writer) int {
		n := w.claim()
		w.delta(n, 1, "a", "1")
		w.footer(n, 1, 1, 10, n)
		w.delta(n, 2, "a", "2")
		return 0
	}, 10, map[string]string{"a": "1"})
	f("a_zombie_counts_for_nothing", func(w *writer) int {
		old := w.claim()
		w.delta(old, 1, "a", "1")
		w.footer(old, 1, 1, 10, old)
		w.delta(old, 2, "a", "zombie")
		w.claim()
		w.footer(old, 2, 1, 20, old)
		return 0
	}, 10, map[string]string{"a": "1"})
	f("a_zombie_between_counts_for_nothing", func(w *writer) int {
		old := w.claim()
		n := w.claim()
		w.delta(n, 1, "a", "1")
		w.delta(old, 1, "a", "zombie")
		w.footer(n, 1, 1, 10, n)
		return 0
	}, 10, map[string]string{"a": "1"})
	f("a_beginning_that_was_cut_off", func(w *writer) int {
		n := w.claim()
		w.delta(n, 1, "a", "1")
		w.delta(n, 1, "b", "1")
		w.footer(n, 1, 2, 10, n)
		return 2 // the first record of the group is gone
	}, -1, map[string]string{})
	f("no_group_may_be_missing", func(w *writer) int {
		n := w.claim()
		w.delta(n, 1, "a", "1")
		w.footer(n, 1, 1, 10, n)
		w.delta(n, 3, "a", "3")
		w.footer(n, 3, 1, 30, n)
		return 0
	}, 10, map[string]string{"a": "1"})
	f("an_empty_group_moves_the_position", func(w *writer) int {
		n := w.claim()
		w.delta(n, 1, "a", "1")
		w.footer(n, 1, 1, 10, n)
		w.footer(n, 2, 0, 20, n)
		return 0
	}, 20, map[string]string{"a": "1"})
}

// named is an entry whose value is its name.
type named struct {
	name string
	node Node
}

func (e *named) StateKey(dst []byte) []byte   { return append(dst, e.name...) }
func (e *named) StateValue(dst []byte) []byte { return append(dst, e.name...) }

// TestKeeperSweep shows that every entry is written again in turn, and that
// the oldest group named still holds the newest value of some entry.
func TestKeeperSweep(t *testing.T) {
	k := &Keeper{}
	all := make([]*named, 10)
	newest := map[string]int64{}
	for i := range all {
		all[i] = &named{name: fmt.Sprint("e", i)}
		k.Touch(&all[i].node, all[i])
	}
	for round := range 40 {
		if round%7 == 0 {
			k.Touch(&all[3].node, all[3])
		}
		if round == 20 {
			k.Drop(&all[5].node)
		}
		var written []string
		group, oldest := k.Checkpoint(2, func(key, value []byte) {
			if value == nil {
				delete(newest, string(key))
				return
			}
			written = append(written, string(key))
		})
		for _, name := range written {
			newest[name] = group
		}
		least := group
		for _, g := range newest {
			least = min(least, g)
		}
		if oldest != least {
			t.Fatalf("round %d: oldest is %d, should be %d", round, oldest, least)
		}
		if round > 10 && group-least > 6 {
			t.Fatalf("round %d: an entry was not written for %d groups", round, group-least)
		}
	}
	if len(newest) != 9 || k.Len() != 9 {
		t.Errorf("%d entries written, %d kept, want 9", len(newest), k.Len())
	}
}

func FuzzReader(f *testing.F) {
	w := &writer{}
	n := w.claim()
	w.delta(n, 1, "a", "1")
	w.footer(n, 1, 1, 10, n)
	for _, b := range w.log {
		f.Add(b)
	}
	f.Fuzz(func(_ *testing.T, b []byte) {
		r := NewReader(func(_, _ []byte) {})
		_ = r.Read(0, b)
		_ = r.Read(1, AppendFooter(nil, Footer{Nonce: 0, Group: 1, Records: 1}))
	})
}

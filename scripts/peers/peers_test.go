package main

import (
	"bytes"
	"encoding/binary"
	"io/fs"
	"slices"
	"testing"

	"github.com/nabz/nabz/pkg/event"
	"github.com/nabz/nabz/schemas"
)

func testShape(seed uint64) Shape {
	return Shape{Seed: seed, Events: 20_000, Wrapup: true, Contacts: 50, Begin: 1_700_006_400_000, Partitions: 4}
}

// TestLog holds that a seed makes the same log, byte for byte, in the order of
// arrival, that every call is told to its end, and how many events repeat.
func TestLog(t *testing.T) {
	write := func(seed uint64) (records [][]byte, o *Oracle, repeats int) {
		o = NewOracle()
		l, w := NewLog(testShape(seed)), Writer{partitions: 4}
		last := int64(0)
		for d, ok := l.Next(); ok; d, ok = l.Next() {
			if d.due < last || d.due < d.call.time(d.stage) {
				t.Fatalf("an event of %d arrives at %d, behind one of %d", d.call.time(d.stage), d.due, last)
			}
			last = d.due
			o.Take(&d)
			value, _ := w.Record(&d)
			records = append(records, value)
			if d.again {
				repeats++
			}
		}
		return records, o, repeats
	}
	a, o, repeats := write(7)
	b, _, _ := write(7)
	if !slices.EqualFunc(a, b, bytes.Equal) {
		t.Error("one seed made two logs")
	}
	if c, _, _ := write(8); slices.EqualFunc(a, c, bytes.Equal) {
		t.Error("two seeds made one log")
	}
	if len(o.left) > 0 {
		t.Errorf("%d calls are not told to their end", len(o.left))
	}
	if share := float64(repeats) / float64(len(a)); share < 0.015 || share > 0.025 {
		t.Errorf("%.3f of the events repeat, want about %v", share, repeated)
	}
	if len(a) < 20_000 || len(a) > 20_010 {
		t.Errorf("%d events, want 20000", len(a))
	}
}

// TestOracle counts the log once more, from its records, with a map of what was
// seen.
func TestOracle(t *testing.T) {
	l, w, o := NewLog(testShape(3)), Writer{partitions: 4}, NewOracle()
	seen := map[event.UID]bool{}
	var all, once [cellNumbers]int64
	for d, ok := l.Next(); ok; d, ok = l.Next() {
		o.Take(&d)
		value, _ := w.Record(&d)
		var e event.Event
		if err := e.Decode(string(value)); err != nil {
			t.Fatal(err)
		}
		wait, waited := e.Int(fieldWait)
		talk, talked := e.Int(fieldTalk)
		var n [cellNumbers]int64
		switch {
		case e.Type == "contact.queued":
			n[cellOffered] = 1
		case e.Type == "contact.answered":
			n[cellAnswered], n[cellWaited] = 1, wait
			if wait <= 20_000 {
				n[cellInTime] = 1
			}
		case e.Type == "contact.ended" && talked:
			n[cellHandled], n[cellTalked] = 1, talk
		case e.Type == "contact.ended" && waited:
			n[cellAbandoned] = 1
		}
		for i := range n {
			all[i] += n[i]
			if !seen[e.UID] {
				once[i] += n[i]
			}
		}
		seen[e.UID] = true
	}
	sum := func(cells map[cellKey]*cell) (out [cellNumbers]int64) {
		for _, c := range cells {
			for i, v := range c.numbers {
				out[i] += v
			}
			waits := int64(0)
			for _, v := range c.waits {
				waits += v
			}
			if waits != c.numbers[cellAnswered] {
				t.Errorf("%d waits of %d answered", waits, c.numbers[cellAnswered])
			}
		}
		return out
	}
	if got := sum(o.Events); got != once {
		t.Errorf("events: %v, want %v", got, once)
	}
	if got := sum(o.Deliveries); got != all {
		t.Errorf("deliveries: %v, want %v", got, all)
	}
}

// TestDifferences finds what is missing, too much and wrong.
func TestDifferences(t *testing.T) {
	k := func(minute int64) cellKey { return cellKey{"q1", "voice", minute} }
	one, two := &cell{}, &cell{}
	one.numbers[cellOffered], two.numbers[cellOffered] = 1, 2
	want := map[cellKey]*cell{k(0): one, k(1): one}
	if n := differences(want, map[cellKey]*cell{k(0): one, k(1): one, k(2): {}}); n != 0 {
		t.Errorf("%d differences between what is equal", n)
	}
	if n := differences(want, map[cellKey]*cell{k(0): two, k(2): one}); n != 3 {
		t.Errorf("%d differences, want a wrong one, a missing one and one too many", n)
	}
}

// TestDecodeCell reads what the peers write.
func TestDecodeCell(t *testing.T) {
	var b []byte
	for i := range cellNumbers {
		b = binary.BigEndian.AppendUint64(b, uint64(i+1))
	}
	b = binary.BigEndian.AppendUint32(append(b, 63), 9)
	c, err := decodeCell(b)
	if err != nil || c.numbers != [cellNumbers]int64{1, 2, 3, 4, 5, 6, 7} || c.waits[63] != 9 {
		t.Errorf("%+v, %v", c, err)
	}
	for _, bad := range [][]byte{nil, b[:20], b[:len(b)-1], append(append([]byte(nil), b[:numbersLen]...), 64, 0, 0, 0, 1)} {
		if _, err := decodeCell(bad); err == nil {
			t.Errorf("%x was read", bad)
		}
	}
}

// TestDefinitions holds that the definitions of the workload, and those that
// come with nabz where all are on, have every number that is compared.
func TestDefinitions(t *testing.T) {
	all, err := families()
	if err != nil {
		t.Fatal(err)
	}
	own, err := fs.Sub(definitions, "definitions/same/kpi")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		tree fs.FS
		want []int
	}{
		"own":      {own, []int{cellOffered, cellAnswered, cellInTime, cellAbandoned, cellWaited, cellHandled, cellTalked}},
		"built in": {schemas.KPIs(), []int{cellOffered}},
	} {
		p, err := parts(c.tree, all)
		if err != nil {
			t.Fatal(err)
		}
		var have []int
		for _, n := range p.numbers {
			have = append(have, n)
		}
		for _, n := range c.want {
			if !slices.Contains(have, n) {
				t.Errorf("%s: no measure for number %d", name, n)
			}
		}
	}
}

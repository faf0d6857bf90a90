package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"
)

func fullPlan(seed uint64) options {
	return options{seed: seed, kills: 70, length: 8 * time.Minute, victims: strings.Join(victims(), ",")}
}

// TestSameSeedSameFire holds that load and faults follow from the seed.
func TestSameSeedSameFire(t *testing.T) {
	names := func(seed uint64) (out []string) {
		for _, f := range plan(fullPlan(seed)) {
			out = append(out, f.at.String()+" "+f.name)
		}
		return out
	}
	if !reflect.DeepEqual(names(7), names(7)) || reflect.DeepEqual(names(7), names(8)) {
		t.Error("the faults do not follow from the seed")
	}
	killed := map[string]int{}
	for _, f := range plan(fullPlan(7)) {
		if victim, ok := strings.CutPrefix(f.name, "kill "); ok {
			kind, _, _ := strings.Cut(victim, "-")
			killed[kind]++
		}
	}
	for _, v := range victims() {
		if killed[v] != 10 {
			t.Errorf("%s is killed %d times of 70, should be 10", v, killed[v])
		}
	}
	a, _ := course(7, 3, time.Minute, true)
	if b, _ := course(7, 3, time.Minute, true); !reflect.DeepEqual(a, b) {
		t.Error("a contact does not follow from the seed")
	}
	for n := range uint64(1000) {
		all, _ := course(7, n, 0, true)
		for i := 1; i < len(all); i++ {
			if all[i].after < all[i-1].after || order(all[i].typ) < 0 {
				t.Fatalf("contact %d: %s after %v behind %v", n, all[i].typ, all[i].after, all[i-1].after)
			}
		}
	}
}

// TestOracle holds the oracle to numbers worked out by hand.
func TestOracle(t *testing.T) {
	minute := int64(1_800_000_000_000)
	minute -= minute % 60_000
	var lines []string
	event := func(at int64, typ, contact string, n int, agent, more string) {
		lines = append(lines, fmt.Sprintf("%d\t%d\t%d\t%s\t%s.%d\ttenant-0\tpbx/0\t%s\tq\tvoice\t%s\t%s", minute+at, minute+at+5, minute+at, typ, contact, n, contact, agent, more))
	}
	event(0, "contact.queued", "a", 0, "", "")
	event(10_000, "contact.answered", "a", 1, "x", "")
	event(12_000, "contact.hold_started", "a", 2, "x", "")
	event(15_000, "contact.hold_ended", "a", 3, "x", "")
	event(20_000, "contact.ended", "a", 4, "x", "")
	event(21_000, "contact.wrapup_started", "a", 5, "x", "")
	event(25_000, "contact.wrapup_ended", "a", 6, "x", "")
	event(20_000, "contact.ended", "a", 4, "x", "") // again
	event(30_000, "contact.queued", "b", 0, "", "")
	event(95_000, "contact.ended", "b", 1, "", "") // gave up after 65 s
	event(40_000, "contact.queued", "c", 0, "", "")
	event(44_000, "contact.dequeued", "c", 1, "", "")
	path := filepath.Join(t.TempDir(), "journal.tsv")
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	truth, err := workOut(path)
	if err != nil {
		t.Fatal(err)
	}
	if truth.contacts != 3 || len(truth.events) != 11 || truth.repeats != 1 || len(truth.lost) != 0 {
		t.Errorf("%d contacts, %d events, %d repeats, %d lost", truth.contacts, len(truth.events), truth.repeats, len(truth.lost))
	}
	at := cell{tenant: "tenant-0", minute: minute / 1000, queue: "q", channel: "voice"}
	with := at
	with.more = "x"
	want := map[string][]float64{
		"offered": {3}, "answered": {1}, "abandoned": {2}, "short_abandoned": {1}, "answered_rate": {1.0 / 3, 1.0 / 3}, "abandonment_rate": {2.0 / 3, 2.0 / 3},
		"service_level": {1.0 / 3, 1.0 / 2, 1.0 / 2, 2.0 / 3}, "asa": {10}, "longest_wait": {65}, "abandonment_time": {34.5}, "sla_attainment": {1},
		"waiting": {(10_000.0 + 30_000 + 4_000) / 60_000}, "aht": {14, 7, 3, 4}, "hold_rate": {1}, "transfers": {0},
	}
	for _, k := range kpis() {
		here := at
		if len(k.dims) > 2 {
			here = with
		}
		got := k.cells(truth)[here]
		if len(got) != len(want[k.name]) {
			t.Errorf("%s is %v, should be %v", k.name, got, want[k.name])
			continue
		}
		for i := range got {
			if math.Abs(got[i]-want[k.name][i]) > 1e-12 {
				t.Errorf("%s %s is %v, should be %v", k.name, k.columns[i], got[i], want[k.name][i])
			}
		}
	}
	late := 0
	for _, w := range truth.waits {
		if w.to-w.from > target.Milliseconds() {
			late++
		}
	}
	if late != 1 {
		t.Errorf("%d waits are too long, should be 1", late)
	}
}

// TestLinks tears connections.
func TestLinks(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(c, c); c.Close() }()
		}
	}()
	l, err := newLink("test")
	if err != nil {
		t.Fatal(err)
	}
	l.to = ln.Addr().String()
	echo := func(n int) error {
		c, err := net.Dial("tcp", l.address())
		if err != nil {
			return err
		}
		defer c.Close()
		sent := bytes.Repeat([]byte("x"), n)
		if _, err := c.Write(sent); err != nil {
			return err
		}
		got := make([]byte, n)
		_, err = io.ReadFull(c, got)
		return err
	}
	if err := echo(10_000); err != nil {
		t.Errorf("through a sound link: %v", err)
	}
	l.budget.Store(5_000)
	if err := echo(10_000); err == nil {
		t.Error("a reset in the middle let everything pass")
	}
	l.refuse.Store(true)
	if err := echo(1); !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, io.EOF) {
		t.Errorf("a link that refuses: %v", err)
	}
	l.refuse.Store(false)
	if err := echo(10_000); err != nil {
		t.Errorf("through a link that is sound again: %v", err)
	}
}

// TestReport holds the document against the results that lie beside it.
func TestReport(t *testing.T) {
	const root = "../.."
	r, err := readResults(resultsFile(root))
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(root, "docs", "reliability.md"))
	if err != nil {
		t.Fatal(err)
	}
	if want := report(r); !bytes.Equal(got, want) {
		t.Error("docs/reliability.md is not what docs/reliability.json gives: go run ./scripts/reliability report")
	}
	asked := map[string]bool{}
	for _, g := range goals() {
		asked[g.id] = true
		if g.judge == nil || g.what == "" || g.rest == "" {
			t.Errorf("goal %s is not whole", g.id)
		}
	}
	for n := 1; n <= 21; n++ {
		if !asked[fmt.Sprintf("R%d", n)] {
			t.Errorf("goal R%d is missing", n)
		}
	}
}

package main

import (
	"strings"
	"testing"

	"github.com/nabz/nabz/pkg/fact"
	"github.com/nabz/nabz/pkg/row"
)

func twoCalls() *Bench {
	o := NewOracle()
	o.Calls["c1"] = &call{number: 1, at: 5_000, queue: 3, channel: 1, agent: 7, wait: 10, talk: 20, wrapup: 30, answered: true}
	o.Calls["c2"] = &call{number: 2, at: 6_000, queue: 4, agent: -1, wait: promise + 1}
	return &Bench{filled: &Filled{Oracle: o}}
}

// TestWrongCalls finds a call that is told wrong, is missing, or never was.
func TestWrongCalls(t *testing.T) {
	first, err := parseTold(strings.Split("q3|chat|a7|answered|5000|10|20|30", "|"))
	if err != nil {
		t.Fatal(err)
	}
	second := told{queue: "q4", channel: "voice", outcome: "abandoned", started: 6_000, wait: promise + 1}
	b := twoCalls()
	if n := wrongCalls(b, map[string]told{"c1": first, "c2": second}); n != 0 {
		t.Errorf("%d wrong of what is right", n)
	}
	probe := (&call{number: probeFirst + 9}).id()
	if n := wrongCalls(b, map[string]told{"c1": first, "c2": second, probe: first}); n != 0 {
		t.Errorf("%d wrong, though the only call too many is one that timed a run", n)
	}
	first.talk++
	if n := wrongCalls(b, map[string]told{"c1": first, (&call{number: 3}).id(): second}); n != 3 {
		t.Errorf("%d wrong, want one told wrong, one missing and one made up", n)
	}
	if _, err := parseTold([]string{"q3"}); err == nil {
		t.Error("half a call was read")
	}
}

// TestWrongBroken finds a promise told wrong, missing or made up.
func TestWrongBroken(t *testing.T) {
	b := twoCalls()
	for _, c := range []struct {
		got  map[string]int64
		want int
	}{
		{map[string]int64{"c2": 6_000 + promise}, 0},
		{map[string]int64{"c2": 6_001 + promise}, 1},
		{map[string]int64{}, 1},
		{map[string]int64{"c2": 6_000 + promise, "c1": 5_000 + promise}, 1},
	} {
		if n := wrongBroken(b, c.got); n != c.want {
			t.Errorf("%v: %d wrong, want %d", c.got, n, c.want)
		}
	}
}

// TestNamed reads values by the names of their columns.
func TestNamed(t *testing.T) {
	f := &fact.Family{Columns: []fact.Column{{Number: 4, Name: "wait"}, {Number: 9, Name: "agent"}}}
	v := named(f, &row.Fact{Values: []row.Value{{Number: 9, Text: "a1", IsText: true}, {Number: 4, Int: 12}}})
	if v["wait"].Int != 12 || v["agent"].Text != "a1" {
		t.Errorf("%v", v)
	}
}

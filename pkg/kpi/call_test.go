package kpi_test

import (
	"strings"
	"testing"

	"github.com/nabz/nabz/pkg/fact"
	"github.com/nabz/nabz/pkg/kpi"
)

// TestFunctions works functions of values out over panes: nine and three facts,
// eight of which have lengths of 10 ms and four of 50.
func TestFunctions(t *testing.T) {
	used := map[string]string{"count": "n + m + (mean(w) + max(none)) / $limit", "s": "(n + m) * $limit + mean(w) + max(none)"}
	f := func(unit, formula, want string) {
		t.Helper()
		d, sums := define(t, unit, "params: {limit: 2s}\nmeasures:\n  n: {count: {how: gone}}\n  m: {count: {how: here}}\n  w: {hist: {of: long}}\n  none: {max: {of: long, where: {how: gone}}}\n"+
			"value: {headline: '"+formula+"', used: '"+used[unit]+"'}\n")
		parts := func(name string) []kpi.Part { return d.Measure(name).Parts() }
		sums.Add(parts("n")[0].ID, 9, true)
		sums.Add(parts("m")[0].ID, 3, true)
		w := parts("w")
		sums.Add(w[kpi.HistCount].ID, 12, true)
		sums.Add(w[kpi.HistSum].ID, 280, true)
		sums.Add(w[kpi.HistBuckets].ID+uint32(kpi.Bucket(10)), 8, true)
		sums.Add(w[kpi.HistBuckets].ID+uint32(kpi.Bucket(50)), 4, true)
		got := "no value"
		for _, figure := range sums.Figures(nil, sums.Plan(d), 0, 60_000, 120_000) {
			if figure.Name == "value" {
				got = strings.TrimPrefix(told([]kpi.NamedFigure{figure}), "value ")
			}
		}
		if got != want {
			t.Errorf("%s: got %s, want %s", formula, got, want)
		}
	}
	f("count", "sqrt(n)", "3")
	f("count", "sqrt(m - n)", "no value")
	f("count", "abs(m - n)", "6")
	f("count", "power(m, 3)", "27")
	f("count", "min(n, m, 5)", "3")
	f("count", "max(0, m - n)", "0")
	f("count", "max(n, n / (m - m))", "no value")
	f("count", "coalesce(n / (m - m), m)", "3")
	f("count", "if(m >= 3, n, 0)", "9")
	f("count", "if(m > 3, n, 0)", "0")
	f("count", "if(m > 3, n)", "no value")
	f("count", "if(n / 0 > 3, n, 1)", "no value")
	f("count", "n * $limit / elapsed()", "0.3")
	f("s", "deviation(w)", "0.01885618083")
	f("s", "coalesce(max(none), 0)", "0")
	f("s", "sqrt(power(mean(w), 2))", "0.02333333333")
	f("s", "max(mean(w), max(w))", "0.05")
}

// TestFunctionsOfOtherUnits shows what functions may not be made of.
func TestFunctionsOfOtherUnits(t *testing.T) {
	f := func(unit, formula, want string) {
		t.Helper()
		_, err := kpi.Check("k/kpi.yaml", "k", []byte(head+"unit: "+unit+"\nmeasures: {w: {hist: {of: long}}, n: {count: {}}}\nvalue: {headline: '"+formula+"', used: n * mean(w)}\n"), []*fact.Family{stays()}, nil)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", formula, err, want)
		}
	}
	f("s", "sqrt(mean(w))", "adds things of different units")
	f("s", "max(mean(w), n)", "adds things of different units")
	f("s", "if(n > mean(w), mean(w))", "adds things of different units")
	f("s", "if(n, mean(w))", "if(…) compares: if(n >= 30, value, otherwise)")
	f("count", "power(mean(w), 2)", "the formula gives time^2·decimal^0, but the unit count is a plain number")
	f("count", "power(n, n)", "by a whole number from 2 to 6")
	f("count", "min(n)", "min(…) takes two values or more, not 1")
	f("count", "sqrt(n, n)", "sqrt(…) takes one value, not 2")
	f("count", "sqroot(n)", `no function "sqroot", did you mean "sqrt"?`)
	f("count", "max(n, 1", "a ) is missing")
	f("s", "elapsed(w)", "elapsed() takes nothing")
	f("s", "deviation(n)", `"n" is read by its name alone`)
}

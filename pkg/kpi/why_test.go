package kpi_test

import (
	"testing"

	"github.com/nabz/nabz/pkg/fact"
	"github.com/nabz/nabz/pkg/kpi"
)

func TestRefusal(t *testing.T) {
	f := &fact.Family{
		Name: "segment", Lost: "outcome",
		Columns: []fact.Column{
			{Name: "outcome", Type: fact.Text}, {Name: "began_at", Type: fact.Time}, {Name: "ended_at", Type: fact.Time}, {Name: "wait", Type: fact.Duration},
		},
	}
	answered := []kpi.Cond{{Column: 0, Rel: kpi.In, Texts: []string{"answered"}}, {Column: 3, Rel: kpi.Le, Int: 20_000}}
	count := &kpi.Measure{Family: f, Op: kpi.Count, At: 1, Where: answered}
	sum := &kpi.Measure{Family: f, Op: kpi.Sum, At: 1, Column: 3}
	level := &kpi.Measure{Family: f, Op: kpi.Level, From: 1, To: 2}
	no := fact.Value{}
	check := func(m *kpi.Measure, outcome string, began, ended, wait fact.Value, condition, instead string) {
		t.Helper()
		gotC, gotI, refused := m.Refusal(&fact.Fact{Family: f, Values: []fact.Value{fact.Str(outcome), began, ended, wait}}, 1000, 2000)
		if gotC != condition || gotI != instead || refused != (condition != "") {
			t.Errorf("%q, %q, %v; want %q, %q", gotC, gotI, refused, condition, instead)
		}
	}
	check(count, "answered", fact.Int(1000), no, fact.Int(20_000), "", "")
	check(count, "answered", fact.Int(1999), no, fact.Int(20_001), "wait ≤ 20000 ms", "20001 ms")
	check(count, "answered", fact.Int(1999), no, no, "wait ≤ 20000 ms", "unknown")
	check(count, "abandoned", fact.Int(1000), no, fact.Int(1), "outcome is answered", "abandoned")
	check(count, "answered", fact.Int(2000), no, fact.Int(1), "began_at is in the interval", "2000")
	check(count, "answered", fact.Int(999), no, fact.Int(1), "began_at is in the interval", "999")
	check(sum, "abandoned", fact.Int(1000), no, fact.Int(7), "", "")
	check(sum, "abandoned", fact.Int(1000), no, no, "wait is known", "unknown")
	check(level, "waiting", fact.Int(5), no, no, "", "")
	check(level, "answered", fact.Int(5), fact.Int(1001), no, "", "")
	check(level, "answered", fact.Int(5), fact.Int(1000), no, "ended_at is after the start of the interval", "1000")
	check(level, "waiting", fact.Int(2000), no, no, "began_at is before the end of the interval", "2000")
	check(level, fact.LostText, fact.Int(5), no, no, "outcome is not lost", fact.LostText)
	if got := count.Conditions(); len(got) != 2 || got[1] != "wait ≤ 20000 ms" {
		t.Errorf("conditions: %q", got)
	}
}

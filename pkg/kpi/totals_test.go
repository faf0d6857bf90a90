package kpi_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/nabz/nabz/pkg/fact"
	"github.com/nabz/nabz/pkg/kpi"
)

// stays is a family of facts to define numbers over.
func stays() *fact.Family {
	return &fact.Family{
		Name: "stay", View: "stays", Kind: "guest", Dims: []string{"room"}, Lost: "how", Open: []string{"here"},
		Columns: []fact.Column{
			{Number: 1, Name: "room", Type: fact.Text},
			{Number: 2, Name: "came", Type: fact.Time},
			{Number: 3, Name: "went", Type: fact.Time},
			{Number: 4, Name: "long", Type: fact.Duration},
			{Number: 5, Name: "how", Type: fact.Text, Values: []string{"here", "gone"}},
		},
	}
}

const head = `title: {en: x, fa: x}
help: x
formula: x
source: x
owner: x
level: operational
family: x
of: stay
at: came
by: [room]
`

func define(t *testing.T, unit, rest string) (*kpi.Definition, *kpi.Totals) {
	t.Helper()
	set, err := kpi.Load(fstest.MapFS{"k/kpi.yaml": {Data: []byte(head + "unit: " + unit + "\n" + rest)}}, []*fact.Family{stays()}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return set.Definitions[0], kpi.NewTotals(set.Measures("stay"))
}

// told writes figures in words.
func told(figures []kpi.NamedFigure) string {
	var out []string
	for _, f := range figures {
		out = append(out, fmt.Sprintf("%s %.10g", f.Name, f.Value))
	}
	return strings.Join(out, ", ")
}

func TestTotalsOfLevels(t *testing.T) {
	d, sums := define(t, "count", "measures: {here: {level: {from: came, to: went}}}\nvalue: {headline: level(here), mean: mean_level(here)}\n")
	old, _ := define(t, "s", "measures: {here: {level: {from: came, to: went}}}\nvalue: oldest(here)\n")
	p := d.Measures[0].Measure.Parts()
	f := func(part int, value int64, last bool) { sums.Add(p[part].ID, value, last) }
	f(kpi.LevelMs, 90_000, false)
	f(kpi.LevelEnd, 7, false) // the end of an earlier pane is not the end of the span
	f(kpi.LevelOldest, 1_000, false)
	f(kpi.LevelMs, 30_000, true)
	f(kpi.LevelEnd, 2, true)
	f(kpi.LevelOldest, 70_000, true)
	f(kpi.LevelOldest, 50_000, true)
	sums.Add(12345, 9, true) // of another family
	if got := told(sums.Figures(nil, sums.Plan(d), 0, 120_000, 120_000)); got != "value 2, count 2, mean 1" {
		t.Errorf("got %s", got)
	}
	// Half a minute of the last pane is still to come: 60 s of what is open.
	if got := told(sums.Figures(nil, sums.Plan(d), 0, 120_000, 150_000)); got != "value 2, count 2, mean 0.5" {
		t.Errorf("got %s", got)
	}
	// What a task that is ahead opened is no time yet.
	if got := told(sums.Figures(nil, sums.Plan(d), 0, 120_000, 220_000)); got != "value 2, count 2, mean 0" {
		t.Errorf("got %s", got)
	}
	if got := told(sums.Figures(nil, sums.Plan(old), 0, 120_000, 120_000)); got != "value 70, count 2, since 50000" {
		t.Errorf("got %s", got)
	}
	sums.Reset()
	if got := told(sums.Figures(nil, sums.Plan(old), 0, 120_000, 120_000)); got != "count 0" || !sums.Zero() {
		t.Errorf("of nothing got %s", got)
	}
}

func TestTotalsOfDistributions(t *testing.T) {
	d, sums := define(t, "s", `measures: {w: {hist: {of: long}}, most: {max: {of: long}}}
value: {headline: mean(w), p50: p50(w), p99: p99(w), max: max(w), exact: max(most)}
`)
	w, most := d.Measure("w").Parts(), d.Measure("most").Parts()
	halves := []*kpi.Totals{sums.Empty(), sums.Empty()}
	for i, ms := range []int64{0, 20_000, 20_000, 90_000} {
		half := halves[i%2]
		half.Add(w[kpi.HistCount].ID, 1, false)
		half.Add(w[kpi.HistSum].ID, ms, false)
		half.Add(w[kpi.HistBuckets].ID+uint32(kpi.Bucket(ms)), 1, false)
		half.Add(most[0].ID, ms+1, false)
	}
	if got := told(sums.Figures(nil, sums.Plan(d), 0, 60_000, 60_000)); got != "numerator 0, denominator 0, count 0" {
		t.Errorf("of nothing got %s", got)
	}
	sums.Merge(halves[0])
	sums.Merge(halves[1])
	// 20,000 ms lie in the bucket of [19968, 20480), 90,000 in that of [88064, 90112).
	want := "value 32.5, numerator 130, denominator 4, count 4, p50 20.2235, p99 89.0875, max 89.0875, exact 90"
	if got := told(sums.Figures(nil, sums.Plan(d), 0, 60_000, 60_000)); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestReplace lets rows change in place: totals stay what the rows add up to, or
// say that they do not know.
func TestReplace(t *testing.T) {
	d, sums := define(t, "s", `measures: {w: {hist: {of: long}}, most: {max: {of: long}}, here: {level: {from: came, to: went}}}
value: {headline: mean(w), p50: p50(w), exact: max(most), age: oldest(here), spent: time(here)}
`)
	var parts []uint32
	for _, m := range d.Measures {
		for _, p := range m.Measure.Parts() {
			for i := range min(p.Width, 3) {
				parts = append(parts, p.ID+i)
			}
		}
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	rows := make([][]int64, 4)
	for i := range rows {
		rows[i] = make([]int64, len(parts))
	}
	remade, unknown := sums.Empty(), 0
	for step := range 5_000 {
		row, at := rows[rnd.IntN(len(rows))], rnd.IntN(len(parts))
		now := rnd.Int64N(6) // 0 is none
		spot, ok := sums.Spot(parts[at])
		if !ok {
			t.Fatalf("no spot of part %d", at)
		}
		known := sums.Replace(spot, row[at], now)
		row[at] = now
		remade.Reset()
		for _, row := range rows {
			for i, v := range row {
				if v != 0 {
					remade.Add(parts[i], v, true)
				}
			}
		}
		if !known {
			unknown++
			sums.Reset()
			sums.Merge(remade)
		}
		if got, want := told(sums.Figures(nil, sums.Plan(d), 0, 100, 100)), told(remade.Figures(nil, sums.Plan(d), 0, 100, 100)); got != want {
			t.Fatalf("step %d, part %d is %d: got %s, want %s", step, at, now, got, want)
		}
	}
	if unknown == 0 || unknown > 500 {
		t.Errorf("%d of 5,000 changes are not known", unknown)
	}
}

// TestBuckets holds buckets to what they promise: they ascend, and their
// middles are off by no more than 1/64.
func TestBuckets(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 1))
	lengths := []int64{0, 1, 31, 32, 63, 64, 65, 127, 128, 1<<36 - 1}
	for range 20_000 {
		lengths = append(lengths, rnd.Int64N(1<<rnd.IntN(36)+1))
	}
	slices.Sort(lengths)
	last := uint16(0)
	for _, ms := range lengths {
		b := kpi.Bucket(ms)
		if b < last {
			t.Fatalf("%d ms is in bucket %d, a shorter one in %d", ms, b, last)
		}
		if last = b; math.Abs(kpi.Middle(b)-float64(ms)) > float64(ms)/64 {
			t.Fatalf("%d ms is told as %g", ms, kpi.Middle(b))
		}
	}
	if kpi.Bucket(1<<36) != kpi.Buckets-1 || kpi.Bucket(math.MaxInt64) != kpi.Buckets-1 || kpi.Bucket(-1) != 0 {
		t.Error("what is beyond the buckets is not in the first or last")
	}
	for b := uint16(1); b < kpi.Buckets; b++ {
		if kpi.Bucket(int64(kpi.Middle(b))) != b || kpi.Middle(b) <= kpi.Middle(b-1) {
			t.Fatalf("the middle of bucket %d is %g", b, kpi.Middle(b))
		}
	}
}

// TestMisreadMeasures shows that a figure that a measure does not have is told.
func TestMisreadMeasures(t *testing.T) {
	f := func(unit, rest, want string) {
		t.Helper()
		_, err := kpi.Check("k/kpi.yaml", "k", []byte(head+"unit: "+unit+"\n"+rest), []*fact.Family{stays()}, nil)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	f("count", "measures: {w: {hist: {of: long}}}\nvalue: w\n", `"w" is read by mean(…), max(…) or a percentile`)
	f("s", "measures: {w: {max: {of: long}}}\nvalue: mean(w)\n", `"w" is read by max(…)`)
	f("s", "measures: {w: {count: {}}}\nvalue: oldest(w)\n", `"w" is read by its name alone`)
	f("count", "measures: {w: {hist: {of: long}}}\nvalue: p90(w)\n", "the formula gives a span of time, but the unit count is a plain number")
	f("s", "measures: {w: {hist: {of: long}}}\nvalue: p100(w)\n", `no function "p100"`)
	f("s", "measures: {w: {hist: {of: came}}}\nvalue: p50(w)\n", `column "came" does not fit here; these do: long`)
	f("s", "measures: {p50: {hist: {of: long}}}\nvalue: mean(p50)\n", `"p50" is no name for a measure`)
}

package schemas_test

import (
	"fmt"
	"io/fs"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/nabz/nabz/pkg/event"
	"github.com/nabz/nabz/pkg/fact"
	"github.com/nabz/nabz/pkg/kpi"
	"github.com/nabz/nabz/pkg/record"
	"github.com/nabz/nabz/pkg/scenario"
	"github.com/nabz/nabz/pkg/track/kinds"
	"github.com/nabz/nabz/schemas"
)

func declared(t *testing.T) []*record.Kind {
	t.Helper()
	kinds, err := record.Load(schemas.Records(), catalogue(t))
	if err != nil {
		t.Fatal(err)
	}
	return kinds
}

// TestGoldenRecords keeps the table of all families as they are.
func TestGoldenRecords(t *testing.T) {
	golden(t, "../docs/families.md", record.Markdown(kinds.Families(kinds.All(nil)), declared(t)))
}

// TestRecordScenarios holds every declared family to facts that were worked out
// by hand: lines that begin with = are the facts of a family, all of them,
// each with some of its columns.
func TestRecordScenarios(t *testing.T) {
	h := newHouse(t)
	for _, k := range declared(t) {
		t.Run(k.Name, func(t *testing.T) {
			text, err := fs.ReadFile(schemas.Records(), k.Name+".txt")
			if err != nil {
				t.Fatalf("every declaration has a scenario: %v", err)
			}
			var history []string
			claims := map[string][]string{}
			for _, line := range strings.Split(string(text), "\n") {
				if claim, ok := strings.CutPrefix(line, "= "); ok {
					family, _, _ := strings.Cut(claim, " ")
					claims[family] = append(claims[family], claim)
					continue
				}
				history = append(history, line)
			}
			s, err := scenario.Parse(strings.Join(history, "\n"), h.model.Events)
			if err != nil {
				t.Fatal(err)
			}
			for seed := range uint64(5) {
				if seed > 0 {
					s.Events = mixed(rand.New(rand.NewPCG(seed, 1)), s.Events)
				}
				played, err := s.Play(h.task)
				if err != nil {
					t.Fatal(err)
				}
				for _, f := range k.Families {
					if len(claims[f.Fact.Name]) == 0 {
						t.Fatalf("the scenario says nothing of %s", f.Fact.Name)
					}
					hold(t, f.Fact.Name, played.Facts, claims[f.Fact.Name])
				}
			}
		})
	}
}

// mixed gives the events in another order, some twice, and then the clocks:
// what is older than the horizon when it comes would be refused.
func mixed(rnd *rand.Rand, events []event.Event) (out []event.Event) {
	var clocks []event.Event
	for _, e := range events {
		if e.IsClock() {
			clocks = append(clocks, e)
			continue
		}
		out = append(out, e)
		if rnd.IntN(3) == 0 {
			out = append(out, e)
		}
	}
	rnd.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return append(out, clocks...)
}

// hold compares the facts of a family with what was claimed of them.
func hold(t *testing.T, family string, facts []fact.Fact, claims []string) {
	t.Helper()
	var got []fact.Fact
	for _, f := range facts {
		if f.Family.Name == family {
			got = append(got, f)
		}
	}
	if len(got) != len(claims) {
		t.Fatalf("%d facts of %s, want %d", len(got), family, len(claims))
	}
	for _, claim := range claims {
		i := slices.IndexFunc(got, func(f fact.Fact) bool {
			words := " " + said(&f) + " "
			return !slices.ContainsFunc(strings.Fields(claim)[1:], func(w string) bool { return !strings.Contains(words, " "+spelt(t, &f, w)+" ") })
		})
		if i < 0 {
			t.Errorf("no fact is %s; there are", claim)
			for i := range got {
				t.Log(said(&got[i]))
			}
			return
		}
		got = slices.Delete(got, i, i+1)
	}
}

// said is a fact in words.
func said(f *fact.Fact) string {
	var words []string
	for i, c := range f.Family.Columns {
		v := f.Values[i]
		switch {
		case c.Type == fact.Text:
			words = append(words, c.Name+"="+v.Text)
		case !v.Set:
			words = append(words, c.Name+"=null")
		default:
			words = append(words, fmt.Sprintf("%s=%d", c.Name, v.Int))
		}
	}
	return strings.Join(words, " ")
}

// spelt gives a claim on a column as said has it.
func spelt(t *testing.T, f *fact.Fact, word string) string {
	t.Helper()
	name, value, _ := strings.Cut(word, "=")
	i := f.Family.Column(name)
	if i < 0 {
		t.Fatalf("%s has no column %q", f.Family.Name, name)
	}
	if value == "null" {
		return word
	}
	var n int64
	var err error
	switch f.Family.Columns[i].Type {
	case fact.Time:
		n, err = scenario.Clock(value)
	case fact.Duration:
		n, err = kpi.ParseSpan(value)
	case fact.Decimal:
		n, err = scenario.Decimal(value)
	case fact.Text, fact.Count, fact.Bool:
		return word
	}
	if err != nil {
		t.Fatalf("%s: %v", word, err)
	}
	return fmt.Sprintf("%s=%d", name, n)
}

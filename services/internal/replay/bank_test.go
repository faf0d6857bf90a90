package replay

import (
	"bufio"
	"os"
	"strings"
	"testing"

	"github.com/nabz/nabz/services/internal/testkit"
)

// TestBankFigures holds the built-in mapping to the figures that are published
// of the whole file.
func TestBankFigures(t *testing.T) {
	path, ok := testkit.BankCalls(t)
	if !ok {
		t.SkipNow()
	}
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	lines.Scan()
	plan, err := builtIn(t, "anonymous_bank").Bind(strings.Split(lines.Text(), "\t"))
	if err != nil {
		t.Fatal(err)
	}
	types := map[string]int{}
	var wait, talk int64
	within := 0
	for line := 2; lines.Scan(); line++ {
		events, bad := plan.Row(line, strings.Split(lines.Text(), "\t"))
		if bad != nil {
			t.Fatal(bad)
		}
		for _, e := range events {
			types[e.Type]++
		}
		if len(events) == 3 && events[1].Type == "contact.answered" {
			w := events[1].Time - events[0].Time
			wait += w
			talk += events[2].Time - events[1].Time
			if w <= 20_000 {
				within++
			}
		}
	}
	if types["contact.queued"] != 33066 || types["contact.answered"] != 27162 || types["contact.dequeued"] != 5904 || types["contact.ended"] != 33066 {
		t.Errorf("events by type: %v", types)
	}
	f := func(name string, got, want float64) {
		t.Helper()
		if d := got - want; d > 5e-7 || d < -5e-7 {
			t.Errorf("%s: got %f, want %f", name, got, want)
		}
	}
	f("mean wait", float64(wait)/27162/1000, 40.774317)
	f("mean service time", float64(talk)/27162/1000, 176.352993)
	f("within 20 s", float64(within)/33066, 0.4902014)
}

package catalog_test

import (
	"io/fs"
	"strings"
	"testing"

	"github.com/nabz/nabz/pkg/alert"
	"github.com/nabz/nabz/pkg/kpi"
	"github.com/nabz/nabz/pkg/sla"
	"github.com/nabz/nabz/pkg/warehouse"
	"github.com/nabz/nabz/schemas"
	"github.com/nabz/nabz/services/internal/catalog"
)

// seed adds the definitions of the binary to a corpus.
func seed(f *testing.F, tree fs.FS, file string) *catalog.Catalog {
	f.Helper()
	all, err := catalog.Load()
	if err != nil {
		f.Fatal(err)
	}
	names, err := fs.Glob(tree, "*/"+file)
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range names {
		text, err := fs.ReadFile(tree, name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	return all
}

// toldWell fails where a mistake is not told with its file and line.
func toldWell(t *testing.T, err error) {
	t.Helper()
	if !strings.Contains(err.Error(), "x.yaml:") {
		t.Fatalf("the error does not say where: %v", err)
	}
}

// FuzzKPI holds that no text makes the loader of definitions panic, that every
// mistake has its place, and that of what is accepted SQL and a page are made.
func FuzzKPI(f *testing.F) {
	all := seed(f, schemas.KPIs(), kpi.File)
	f.Fuzz(func(t *testing.T, text string) {
		d, err := kpi.Check("x.yaml", "fuzzed", []byte(text), all.Families(), all.KPIs)
		if err != nil {
			toldWell(t, err)
			return
		}
		d.Page("")
		m := all.Warehouse("UTC", 1)
		if q := (warehouse.Query{Definition: d, Grain: warehouse.Day}); m.Values(q) == "" || m.Naive(q) == "" {
			t.Fatal("no SQL")
		}
	})
}

// FuzzDeadline does likewise for deadlines, FuzzRule for rules.
func FuzzDeadline(f *testing.F) {
	all := seed(f, schemas.Deadlines(), "sla.yaml")
	f.Fuzz(func(t *testing.T, text string) {
		if _, err := sla.Parse("x.yaml", "fuzzed", []byte(text), all.Families(), all.Waits()); err != nil {
			toldWell(t, err)
		}
	})
}

func FuzzRule(f *testing.F) {
	all := seed(f, schemas.Alerts(), "alert.yaml")
	f.Fuzz(func(t *testing.T, text string) {
		if _, err := alert.Parse("x.yaml", "fuzzed", []byte(text), all.KPIs); err != nil {
			toldWell(t, err)
		}
	})
}

// FuzzFormula holds that no formula makes its reader panic.
func FuzzFormula(f *testing.F) {
	for _, s := range []string{"answered / offered", "max(1, a - b) * 60", "previous(revenue)", "kpi(asa) / $day", "1e309", "((((a))))"} {
		f.Add(s)
	}
	f.Fuzz(func(_ *testing.T, text string) {
		_, err := kpi.ParseFormula(text)
		_ = err // whether it is one is the loader's to say
	})
}

package schemas_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nabz/nabz/schemas"
)

// TestPages holds docs/kpi to the definitions: a page for each, and a list.
func TestPages(t *testing.T) {
	dir := filepath.Join("..", "docs", "kpi")
	h := newHouse(t)
	want := map[string]string{}
	var list strings.Builder
	list.WriteString("# The KPIs\n\nThese pages are written from the folders of `schemas/kpi` by `go test ./schemas -run Pages -update`.\n\n| KPI | what it says |\n|---|---|\n")
	for _, d := range h.set.Definitions {
		text, err := fs.ReadFile(schemas.KPIs(), d.Name+"/scenario.txt")
		if err != nil {
			t.Fatal(err)
		}
		want[d.Name+".md"] = d.Page(string(text))
		fmt.Fprintf(&list, "| [%s](%s.md) | %s |\n", d.Name, d.Name, d.Help)
	}
	want["README.md"] = list.String()
	if *update {
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		for name, text := range want {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if _, ok := want[f.Name()]; !ok {
			t.Errorf("docs/kpi/%s is of no KPI", f.Name())
		}
	}
	for name, text := range want {
		got, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || string(got) != text {
			t.Errorf("docs/kpi/%s is not what the definitions say (%v): go test ./schemas -run Pages -update", name, err)
		}
	}
}

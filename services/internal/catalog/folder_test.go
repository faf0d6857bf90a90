package catalog_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/nabz/nabz/pkg/kpi"
	"github.com/nabz/nabz/services/internal/catalog"
)

const ownKPI = `title: {en: Quick, fa: سریع}
help: How many were answered within seven seconds.
formula: answered within seven seconds
source: Our own
owner: operations
level: operational
family: service
unit: count
of: queue_segment
at: enqueued_at
by: [queue]
params: {limit: 7s}
measures:
  quick: {count: {outcome: answered, wait: {le: $limit}}}
value: quick
`

// write makes a file below dir, with the folders above it.
func write(t *testing.T, dir, file, text string) {
	t.Helper()
	path := filepath.Join(dir, file)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestOpen lays folders over the binary.
func TestOpen(t *testing.T) {
	built, err := catalog.Load()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write(t, dir, "kpi/quick/kpi.yaml", ownKPI)
	write(t, dir, "kpi/quick/scenario.txt", "ours")
	write(t, dir, "kpi/README.md", "not a KPI")
	write(t, dir, "README.md", "not one either")
	all, err := catalog.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(all.KPIs.Definitions) - len(built.KPIs.Definitions); n != 1 {
		t.Errorf("one KPI was added, and there are %d more", n)
	}
	if all.Place("quick") != filepath.Join(dir, "kpi", "quick") || all.Place("asa") != "" {
		t.Errorf("quick is of %q, asa of %q", all.Place("quick"), all.Place("asa"))
	}
	if h, err := all.History("quick"); string(h) != "ours" {
		t.Errorf("the scenario of quick: %q, %v", h, err)
	}
	if _, err := all.History("asa"); err != nil {
		t.Error(err)
	}
	if built.Fingerprint() == all.Fingerprint() {
		t.Error("a new measure leaves the definitions the same")
	}
	write(t, dir, "kpi/answered/kpi.yaml", strings.Replace(ownKPI, "seven seconds.", "seven seconds, in place of the binary's.", 1))
	if all, err = catalog.Open(dir); err != nil {
		t.Fatal(err)
	}
	d, ok := all.KPIs.Definition("answered")
	if n := len(all.KPIs.Definitions) - len(built.KPIs.Definitions); n != 1 || !ok || !strings.Contains(d.Help, "in place of") {
		t.Errorf("%d more, and answered says %q", n, d.Help)
	}
	if !slices.IsSortedFunc(all.KPIs.Definitions, func(a, b *kpi.Definition) int { return strings.Compare(a.Name, b.Name) }) {
		t.Error("the definitions are in no order")
	}
}

// TestOpenRefuses names every mistake by its place.
func TestOpenRefuses(t *testing.T) {
	f := func(name, want string, files map[string]string) {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for file, text := range files {
				write(t, dir, file, text)
			}
			_, err := catalog.Open(dir)
			if want = strings.ReplaceAll(want, "DIR", dir); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("got %v, want %s", err, want)
			}
		})
	}
	slip := strings.Replace(ownKPI, "outcome: answered", "outcom: answered", 1)
	f("column", `DIR/kpi/quick/kpi.yaml:14:19: `, map[string]string{"kpi/quick/kpi.yaml": slip})
	f("hint", `did you mean "outcome"?`, map[string]string{"kpi/quick/kpi.yaml": slip})
	f("two", `DIR/kpi/b/kpi.yaml:14:19: `, map[string]string{"kpi/a/kpi.yaml": slip, "kpi/b/kpi.yaml": slip})
	f("no_file", `quick/kpi.yaml`, map[string]string{"kpi/quick/kpi.yml": ownKPI})
	f("folder", `DIR/kpis: a folder of definitions holds kpi, sla, alert, calendar, did you mean "kpi"?`, map[string]string{"kpis/quick/kpi.yaml": ownKPI})
	f("nothing", `DIR holds no definitions`, map[string]string{"quick.yaml": ownKPI})
	f("policy", `DIR/sla/vip/sla.yaml:3:5: no family of facts "queue_segmnt"`, map[string]string{"sla/vip/sla.yaml": "title: {en: VIP, fa: ویژه}\nhelp: x\nof: queue_segmnt\nfrom: a\nto: b\ntargets: []\nseverity: page\n"})
	if _, err := catalog.Open(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("a folder that is not there is opened")
	}
}

package schemas_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/nabz/nabz/pkg/fact"
	"github.com/nabz/nabz/pkg/kpi"
	"github.com/nabz/nabz/pkg/strictyaml"
	"github.com/nabz/nabz/pkg/track/contact"
)

// metric is a term of the source documents.
type metric struct {
	row                     int64
	en, fa                  string
	sources                 []string
	kpis                    []string
	metadata, notYet, place string
}

// metrics are the terms of metrics.yaml.
type metrics struct {
	sources [][2]string
	rows    []metric
	beyond  []string
}

// terms is how many the source documents have.
const terms = 60

func readMetrics(t *testing.T) *metrics {
	t.Helper()
	data, err := os.ReadFile("metrics.yaml")
	if err != nil {
		t.Fatal(err)
	}
	r, root, err := strictyaml.Open("metrics.yaml", data)
	if err != nil {
		t.Fatal(err)
	}
	m := &metrics{}
	r.Map(root, strictyaml.Keys{
		"sources": func(n *yaml.Node) {
			r.Pairs(n, func(k, v *yaml.Node) { m.sources = append(m.sources, [2]string{k.Value, r.Text(v)}) })
		},
		"rows": func(n *yaml.Node) {
			r.Items(n, func(n *yaml.Node) {
				row := metric{place: fmt.Sprintf("metrics.yaml:%d", n.Line)}
				r.Map(n, strictyaml.Keys{
					"row": func(n *yaml.Node) { row.row = r.Int(n, 1, terms) },
					"en":  func(n *yaml.Node) { row.en = r.Text(n) }, "fa": func(n *yaml.Node) { row.fa = r.Text(n) },
					"in": func(n *yaml.Node) { row.sources = r.Texts(n) }, "kpis": func(n *yaml.Node) { row.kpis = r.Texts(n) },
					"metadata": func(n *yaml.Node) { row.metadata = r.Text(n) }, "not_yet": func(n *yaml.Node) { row.notYet = r.Text(n) },
				}, "row", "en", "fa", "in")
				m.rows = append(m.rows, row)
			})
		},
		"beyond": func(n *yaml.Node) { m.beyond = r.Texts(n) },
	}, "sources", "rows", "beyond")
	if err := r.Err(); err != nil {
		t.Fatal(err)
	}
	return m
}

// TestMetrics holds docs/metrics.md to metrics.yaml, and that to the KPIs: every
// term has an answer, and every KPI its place.
func TestMetrics(t *testing.T) {
	m := readMetrics(t)
	h := newHouse(t)
	for _, fault := range m.faults(h.set) {
		t.Error(fault)
	}
	file := filepath.Join("..", "docs", "metrics.md")
	want := m.page(h.set)
	if *update {
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile(file); err != nil || string(got) != want {
		t.Errorf("%s is not what metrics.yaml says (%v): go test ./schemas -run Metrics -update", file, err)
	}
}

// faults are the mistakes of the table against what is defined.
func (m *metrics) faults(set *kpi.Set) (out []string) {
	add := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	placed := map[string]bool{}
	for i, row := range m.rows {
		if row.row != int64(i+1) {
			add("%s: row %d where %d is expected", row.place, row.row, i+1)
		}
		if len(row.kpis) == 0 && row.metadata == "" && row.notYet == "" {
			add("%s: row %d has neither KPIs nor metadata nor a definition to come", row.place, row.row)
		}
		for _, s := range row.sources {
			if !slices.ContainsFunc(m.sources, func(known [2]string) bool { return known[0] == s }) {
				add("%s: no source %q", row.place, s)
			}
		}
		for _, name := range row.kpis {
			placed[name] = true
			if _, ok := set.Definition(name); !ok {
				add("%s: no KPI %q", row.place, name)
			}
		}
	}
	if len(m.rows) != terms {
		add("%d rows, should be %d", len(m.rows), terms)
	}
	for _, name := range m.beyond {
		if _, ok := set.Definition(name); !ok || placed[name] {
			add("metrics.yaml: %q of beyond is no KPI, or is in a row too", name)
		}
		placed[name] = true
	}
	for _, d := range set.Definitions {
		if !placed[d.Name] {
			add("metrics.yaml: KPI %s is in no row: put it into one, or into beyond", d.Name)
		}
	}
	return out
}

// TestMisplacedMetrics shows that a slip in the table is told.
func TestMisplacedMetrics(t *testing.T) {
	h := newHouse(t)
	f := func(slip func(*metrics), want string) {
		t.Helper()
		m := readMetrics(t)
		slip(m)
		if faults := m.faults(h.set); !slices.ContainsFunc(faults, func(s string) bool { return strings.Contains(s, want) }) {
			t.Errorf("got %q, want %q", faults, want)
		}
	}
	f(func(m *metrics) { m.rows[3].kpis = []string{"npss"} }, `no KPI "npss"`)
	f(func(m *metrics) { m.rows[3].kpis = nil }, "row 4 has neither")
	f(func(m *metrics) { m.rows[3].kpis = nil }, "KPI nps is in no row")
	f(func(m *metrics) { m.rows[3].sources = []string{"S9"} }, `no source "S9"`)
	f(func(m *metrics) { m.rows = m.rows[:59] }, "59 rows, should be 60")
	f(func(m *metrics) { m.rows[0].row = 2 }, "row 2 where 1 is expected")
	f(func(m *metrics) { m.beyond = append(m.beyond, "nps") }, `"nps" of beyond`)
}

// page is the table for people.
func (m *metrics) page(set *kpi.Set) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("# The sixty terms\n")
	line("What the source documents ask for, and the KPIs that measure it. This page is written from `schemas/metrics.yaml` by")
	line("`go test ./schemas -run Metrics -update`. A row without a KPI is no number, or says which definition will do it.\n")
	line("| source | subject |\n|---|---|")
	for _, s := range m.sources {
		line("| %s | %s |", s[0], s[1])
	}
	measured, partly, waiting := 0, 0, 0
	for _, row := range m.rows {
		switch {
		case len(row.kpis) > 0 && row.notYet != "":
			measured, partly = measured+1, partly+1
		case len(row.kpis) > 0:
			measured++
		case row.notYet != "":
			waiting++
		}
	}
	line("\n%d KPIs are defined. Of the %d terms %d have KPIs, of %d of these a part is still to come; %d are metadata or imports, %d wait for a definition.\n",
		len(set.Definitions), len(m.rows), measured, partly, len(m.rows)-measured-waiting, waiting)
	line("| # | term | in Persian | in | KPIs | else |\n|---|---|---|---|---|---|")
	for _, row := range m.rows {
		var rest []string
		if row.metadata != "" {
			rest = append(rest, row.metadata)
		}
		if row.notYet != "" {
			rest = append(rest, "not yet: "+row.notYet)
		}
		line("| %d | %s | %s | %s | %s | %s |", row.row, row.en, row.fa, strings.Join(row.sources, ", "), links(row.kpis), strings.Join(rest, "; "))
	}
	line("\n## Beyond the sixty\n\n%s", links(m.beyond))
	line("\n## Words that sources use\n")
	line("Some KPIs look for words that the sources choose themselves. A mapping gives them these; other words need a definition of one's own.\n")
	line("| facts | column | words | KPIs |\n|---|---|---|---|\n%s", strings.Join(freeWords(set), "\n"))
	return b.String()
}

// freeWords are the texts that definitions name of columns that may hold any;
// those of contacts are of the closed sets of the catalogue.
func freeWords(set *kpi.Set) (out []string) {
	named, users := map[string][]string{}, map[string][]string{}
	for _, d := range set.Definitions {
		for _, n := range d.Measures {
			for _, c := range slices.Concat(n.Measure.Where, n.Measure.Latest) {
				col := n.Measure.Family.Columns[c.Column]
				if col.Type != fact.Text || col.Values != nil || n.Measure.Family.Kind == contact.Kind {
					continue
				}
				place := n.Measure.Family.View + " | `" + col.Name + "`"
				for _, text := range c.Texts {
					if text != "" {
						named[place] = append(named[place], "`"+text+"`")
						users[place] = append(users[place], d.Name)
					}
				}
			}
		}
	}
	for place, texts := range named {
		slices.Sort(texts)
		slices.Sort(users[place])
		out = append(out, fmt.Sprintf("| %s | %s | %s |", place, strings.Join(slices.Compact(texts), ", "), links(slices.Compact(users[place]))))
	}
	slices.Sort(out)
	return out
}

func links(names []string) string {
	var out []string
	for _, name := range names {
		out = append(out, fmt.Sprintf("[%[1]s](kpi/%[1]s.md)", name))
	}
	return strings.Join(out, ", ")
}

package clickhouse_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/nabz/nabz/pkg/fact"
	"github.com/nabz/nabz/pkg/kpi"
	"github.com/nabz/nabz/schemas"
	"github.com/nabz/nabz/services/internal/catalog"
	"github.com/nabz/nabz/services/internal/clickhouse"
)

// manyKPIs is how many an installation may have without kpi_values costing
// more than a reader may spend.
const manyKPIs = 100

// TestManyKPIs asks the view of all KPIs of a model that has as many as anybody
// will, with half of the memory that a reader's account has: what planning
// takes grows with every definition.
func TestManyKPIs(t *testing.T) {
	c, err := catalog.Load()
	if err != nil {
		t.Fatal(err)
	}
	m := c.Warehouse("UTC", 1)
	if m.KPIs, err = kpi.Load(generated(t, c), c.Families(), c.Calendars); err != nil {
		t.Fatal(err)
	}
	conn, ctx := connect(t), t.Context()
	if err := clickhouse.Migrate(ctx, conn, clickhouse.Schema{Tables: m.Tables(), Views: m.Views()}, &bytes.Buffer{}); err != nil {
		t.Fatal(err)
	}
	if err := conn.Exec(ctx, "INSERT INTO nabz_internal.progress (topic, state, now) VALUES ('nabz.panes.v1', 'open', '2026-01-03 00:00:00')"); err != nil {
		t.Fatal(err)
	}
	for _, f := range c.Families() {
		if err := conn.Exec(ctx, fill(f, m.KPIs.Measures(f.Name))); err != nil {
			t.Fatal(err)
		}
	}
	const limits = " SETTINGS max_memory_usage = 500000000, max_execution_time = 0"
	names := strings.Fields(askHTTP(t, "SELECT DISTINCT kpi FROM nabz.kpi_values"+limits))
	for _, d := range m.KPIs.Definitions {
		if made := strings.HasPrefix(d.Name, "made_"); made && !slices.Contains(names, d.Name) {
			t.Errorf("%s has no values", d.Name)
		}
	}
	for _, name := range []string{"waiting", "wait_distribution", "made_10"} {
		for _, g := range []string{"", "_by_week"} {
			grain := strings.TrimPrefix(g, "_by_")
			if grain == "" {
				grain = "minute"
			}
			by := "SELECT count(), round(sum(value), 6), sum(numerator) FROM nabz."
			want := askHTTP(t, by+"kpi_"+name+g)
			got := askHTTP(t, fmt.Sprintf("%skpi_values WHERE kpi = '%s' AND grain = '%s' AND scope != '' %s", by, name, grain, limits))
			if got != want || strings.HasPrefix(want, "0") {
				t.Errorf("%s by %s: %s in kpi_values, %s in its view", name, grain, got, want)
			}
		}
	}
	asked(t, conn, limits)
}

// asked holds the view that has what is asked of facts, too, against the views of
// one such KPI and of a live one, for who names them.
func asked(t *testing.T, conn clickhouse.Conn, limits string) {
	t.Helper()
	if err := conn.Exec(t.Context(), "INSERT INTO nabz_internal.fact_customer_day (tenant, item, id, opened_at, segment, customer, first_at) SELECT 't', toString(number % 50), generateUUIDv4(), "+
		"toDateTime64('2025-10-01 00:00:00', 3, 'UTC') + number * 86400 / 5 AS opened, ['gold', 'new'][number % 2 + 1], toString(number % 50 + number % 3), opened FROM numbers(400)"); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"waiting", "crr"} {
		what := "SELECT count(), round(sum(value), 6), sum(numerator), min(time) FROM nabz."
		want := askHTTP(t, what+"kpi_"+name+"_by_month")
		got := askHTTP(t, fmt.Sprintf("%skpi_values_all WHERE kpi = '%s' AND grain = 'month' AND scope != '' %s", what, name, limits))
		if got != want || strings.HasPrefix(want, "0") {
			t.Errorf("%s: %s in kpi_values_all, %s in its view", name, got, want)
		}
	}
}

// generated are the definitions that there are, and others of every family, each
// with measures of its own.
func generated(t *testing.T, c *catalog.Catalog) fstest.MapFS {
	t.Helper()
	tree, live := fstest.MapFS{}, 0
	for _, d := range c.KPIs.Definitions {
		if d.Live() {
			live++
		}
		data, err := schemas.KPIs().Open(d.Name + "/" + kpi.File)
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if _, err := b.ReadFrom(data); err != nil {
			t.Fatal(err)
		}
		tree[d.Name+"/"+kpi.File] = &fstest.MapFile{Data: b.Bytes()}
	}
	families := c.Families()
	for i := range manyKPIs - live {
		f := families[i%len(families)]
		at, span, word := "", "", ""
		for _, col := range f.Columns {
			switch {
			case col.Type == fact.Time && at == "":
				at = col.Name
			case col.Type == fact.Duration && span == "":
				span = col.Name
			case col.Type == fact.Text && col.Values == nil:
				word = col.Name
			}
		}
		measures := fmt.Sprintf("  some: {count: {%[1]s: word%[2]d}}\n  all: {count: {%[1]s: {not: word%[2]d}}}\n", word, i)
		unit, value := "ratio", "some / all"
		if span != "" && i/len(families)%2 == 1 {
			measures = fmt.Sprintf("  some: {hist: {of: %s, where: {%s: {not: word%d}}}}\n", span, word, i)
			unit, value = "s", []string{"mean(some)", "p90(some)"}[i%2]
		}
		name := fmt.Sprintf("made_%d", i)
		tree[name+"/"+kpi.File] = &fstest.MapFile{Data: fmt.Appendf(nil, "title: {en: Made, fa: ساخته}\nhelp: It is made up.\nformula: some of all\nsource: this test\n"+
			"owner: operations\nlevel: operational\nfamily: service\nunit: %s\nof: %s\nat: %s\nby: [%s]\nmeasures:\n%svalue: %s\n",
			unit, f.Name, at, strings.Join(f.Dims[:1+i%len(f.Dims)], ", "), measures, value)}
	}
	return tree
}

// fill makes panes of two days.
func fill(f *fact.Family, measures []*kpi.Measure) string {
	columns, values := []string{"tenant", "grain", "bucket", f.Dims[0]}, []string{"'t'", "if(number < 500, 60, 900)",
		"toDateTime('2026-01-01 00:00:00', 'UTC') + if(number < 500, number * 60, (number % 192) * 900)", "concat('d', toString(intDiv(number, 192) % 5))"}
	for _, m := range measures {
		for _, p := range m.Parts() {
			value := "1 + number % 7"
			switch {
			case p.Column == "":
				continue
			case p.Width > 1:
				value = "map(toUInt16(100 + number % 50), toInt64(1))"
			}
			columns, values = append(columns, p.Column), append(values, value)
		}
	}
	return fmt.Sprintf("INSERT INTO nabz_internal.pane_%s (%s) SELECT %s FROM numbers(1460)", f.Name, strings.Join(columns, ", "), strings.Join(values, ", "))
}

package proof

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/nabz/nabz/pkg/kpi"
	"github.com/nabz/nabz/pkg/warehouse"
)

// cut is one way to look at a KPI: at a grain, by all its dimensions or by none.
type cut struct {
	grain warehouse.Grain
	whole bool
}

// cuts are those that between them read every pane and add them up: by all
// dimensions of both kinds of panes, and over days and dimensions. What is asked
// of facts alone has longer intervals.
func cuts(d *kpi.Definition, grain warehouse.Grain) []cut {
	switch {
	case grain != "":
		return []cut{{grain, false}, {grain, true}}
	case d.Live():
		return []cut{{warehouse.Minute, false}, {warehouse.QuarterHour, false}, {warehouse.Day, true}}
	}
	return []cut{{warehouse.Day, false}, {warehouse.Month, true}}
}

// Cells holds the values of a KPI against a naive count over facts, at a grain,
// or where none is named at those that between them read all that is stored.
func Cells(ctx context.Context, conn driver.Conn, m *warehouse.Model, d *kpi.Definition, f warehouse.Filter, grain warehouse.Grain) (Report, error) {
	r := Report{Name: "kpi " + d.Name}
	for _, c := range cuts(d, grain) {
		q := warehouse.Query{Definition: d, By: d.By, Grain: c.grain, Zone: m.Zone, WeekStart: m.WeekStart, Months: m.Months}
		if c.whole {
			q.By = nil
		}
		var cells, differences int64
		var examples []string
		if err := conn.QueryRow(ctx, m.Compare(f.Of(q))).Scan(&cells, &differences, &examples); err != nil {
			return r, fmt.Errorf("compare %s by %s: %w", d.Name, c.grain, err)
		}
		r.Compared += cells
		r.Different += differences
		for _, e := range examples {
			r.Examples = append(r.Examples, fmt.Sprintf("%s by %s: %s", d.Name, c.grain, e))
		}
	}
	return r, nil
}

// Filled is what a feed has: families with any fact or pane, and kinds with any
// event or such a family.
type Filled struct {
	families, kinds []string
}

// Fill asks what a feed has, so that nobody compares what is not there.
func Fill(ctx context.Context, conn driver.Conn, m *warehouse.Model, feed string) (f Filled, err error) {
	kinds := []string{fmt.Sprintf("(SELECT DISTINCT toString(kind) AS kind FROM %s.events WHERE feed = %s)", warehouse.Internal, warehouse.Quote(feed))}
	var families []string
	for _, family := range m.Families {
		for _, table := range []string{"fact_" + family.Name, "pane_" + family.Name} {
			from := fmt.Sprintf("%s.%s WHERE feed = %s LIMIT 1)", warehouse.Internal, table, warehouse.Quote(feed))
			families = append(families, fmt.Sprintf("(SELECT '%s' AS family FROM %s", family.Name, from))
			kinds = append(kinds, fmt.Sprintf("(SELECT '%s' AS kind FROM %s", family.Kind, from))
		}
	}
	sql := fmt.Sprintf("SELECT (SELECT groupUniqArray(family) FROM (%s)), (SELECT groupUniqArray(kind) FROM (%s))", strings.Join(families, " UNION ALL "), strings.Join(kinds, " UNION ALL "))
	if err := conn.QueryRow(ctx, sql).Scan(&f.families, &f.kinds); err != nil {
		return f, fmt.Errorf("ask what feed %q has: %w", feed, err)
	}
	return f, nil
}

// Kind tells whether there is anything of a kind of entity.
func (f Filled) Kind(name string) bool { return slices.Contains(f.kinds, name) }

// KPI tells whether there is anything that a definition counts.
func (f Filled) KPI(d *kpi.Definition) bool {
	return slices.ContainsFunc(d.Measures, func(n kpi.Named) bool { return slices.Contains(f.families, n.Measure.Family.Name) })
}

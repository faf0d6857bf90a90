package proof

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/nabz/nabz/pkg/fact"
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

// Filled are the families of which a feed has any fact or pane, or an event of
// their kind.
func Filled(ctx context.Context, conn driver.Conn, m *warehouse.Model, feed string) ([]*fact.Family, error) {
	var asked []string
	for _, f := range m.Families {
		for _, table := range []string{"fact_" + f.Name, "pane_" + f.Name} {
			asked = append(asked, fmt.Sprintf("(SELECT '%s' AS family FROM %s.%s WHERE feed = %s LIMIT 1)", f.Name, warehouse.Internal, table, warehouse.Quote(feed)))
		}
		asked = append(asked, fmt.Sprintf("(SELECT '%s' AS family FROM %s.events WHERE feed = %s AND kind = %s LIMIT 1)", f.Name, warehouse.Internal, warehouse.Quote(feed), warehouse.Quote(f.Kind)))
	}
	var names []string
	if err := conn.QueryRow(ctx, "SELECT groupUniqArray(family) FROM ("+strings.Join(asked, " UNION ALL ")+")").Scan(&names); err != nil {
		return nil, fmt.Errorf("ask which families feed %q has: %w", feed, err)
	}
	var out []*fact.Family
	for _, f := range m.Families {
		if slices.Contains(names, f.Name) {
			out = append(out, f)
		}
	}
	return out, nil
}

// Of tells whether a definition counts facts of any of some families.
func Of(d *kpi.Definition, families []*fact.Family) bool {
	return slices.ContainsFunc(d.Measures, func(n kpi.Named) bool { return slices.Contains(families, n.Measure.Family) })
}

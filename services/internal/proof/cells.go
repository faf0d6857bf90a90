package proof

import (
	"context"
	"fmt"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/nabz/nabz/pkg/kpi"
	"github.com/nabz/nabz/pkg/warehouse"
)

// Cells holds the values of a KPI against a naive count over facts, at the
// grains of both kinds of panes and by day.
func Cells(ctx context.Context, conn driver.Conn, m *warehouse.Model, d *kpi.Definition, f warehouse.Filter) (Report, error) {
	r := Report{Name: "kpi " + d.Name}
	for _, g := range []warehouse.Grain{warehouse.Minute, warehouse.QuarterHour, warehouse.Day} {
		for _, by := range [][]string{d.By, nil} {
			q := f.Of(warehouse.Query{Definition: d, By: by, Grain: g, Zone: m.Zone, WeekStart: m.WeekStart, Months: m.Months})
			var cells, differences int64
			var examples []string
			if err := conn.QueryRow(ctx, m.Compare(q)).Scan(&cells, &differences, &examples); err != nil {
				return r, fmt.Errorf("compare %s by %s: %w", d.Name, g, err)
			}
			r.Compared += cells
			r.Different += differences
			for _, e := range examples {
				r.Examples = append(r.Examples, fmt.Sprintf("%s by %s: %s", d.Name, g, e))
			}
		}
	}
	return r, nil
}

package epochs

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/nabz/nabz/pkg/kpi"
	"github.com/nabz/nabz/pkg/warehouse"
	"github.com/nabz/nabz/services/internal/catalog"
	"github.com/nabz/nabz/services/internal/values"
)

// Side is a KPI as one epoch has it.
type Side struct {
	Epoch      Epoch
	Definition *kpi.Definition
	// Kept says that the definition is the one of that epoch, and not, because
	// none was kept, the one that is in force now.
	Kept bool
}

// Cell is one cell of both.
type Cell struct {
	Time   string            `json:"time"`
	Tenant string            `json:"tenant"`
	Dims   map[string]string `json:"dimensions"`
	A      *float64          `json:"a"` // nil: no value, or no such cell
	B      *float64          `json:"b"`
}

// Differs tells whether the sides have other values. Sums of fractions may be
// added up in another order.
func (c *Cell) Differs() bool {
	if c.A == nil || c.B == nil {
		return c.A != c.B
	}
	const tolerance = 1e-9
	return math.Abs(*c.A-*c.B) > tolerance*max(1, math.Abs(*c.A), math.Abs(*c.B))
}

// Find reads the definition of a KPI under which an epoch was computed.
func Find(ctx context.Context, conn driver.Conn, all *catalog.Catalog, name string, e Epoch) (Side, error) {
	texts, err := Texts(ctx, conn, e.Definitions)
	if err != nil {
		return Side{}, err
	}
	text, kept := texts[name]
	if !kept {
		d, _ := all.KPIs.Definition(name)
		if d == nil || len(texts) > 0 {
			return Side{}, fmt.Errorf("epoch %d had no KPI %s", e.Epoch, name)
		}
		return Side{Epoch: e, Definition: d}, nil
	}
	d, err := kpi.Check(fmt.Sprintf("%s of epoch %d", kpi.File, e.Epoch), name, []byte(text), all.Families(), all.KPIs)
	if err != nil {
		return Side{}, fmt.Errorf("read the definition of epoch %d: %w", e.Epoch, err)
	}
	return Side{Epoch: e, Definition: d, Kept: true}, nil
}

// Alone is the set of all definitions with that of the side alone.
func (s *Side) Alone(all *kpi.Set) *kpi.Set {
	return &kpi.Set{Families: all.Families, Definitions: []*kpi.Definition{s.Definition}}
}

// Diff asks both sides for the same cells, in the order of their times.
func Diff(ctx context.Context, conn driver.Conn, model *warehouse.Model, r values.Request, a, b Side) ([]Cell, error) {
	cells := map[string]*Cell{}
	for i, side := range []Side{a, b} {
		own := *model
		own.KPIs = side.Alone(model.KPIs)
		query, err := values.Query(&own, r)
		if err != nil {
			return nil, err
		}
		err = values.Rows(ctx, conn, warehouse.AtEpoch(query, side.Epoch.Epoch), func(row values.Row) error {
			c, value := cellOf(row, r.By)
			key := fmt.Sprintf("%s\x00%s\x00%q", c.Time, c.Tenant, c.Dims)
			if cells[key] == nil {
				cells[key] = c
			}
			if i == 0 {
				cells[key].A = value
			} else {
				cells[key].B = value
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	var out []Cell
	for _, c := range cells {
		out = append(out, *c)
	}
	slices.SortFunc(out, func(x, y Cell) int {
		return strings.Compare(fmt.Sprintf("%s\x00%s\x00%q", x.Time, x.Tenant, x.Dims), fmt.Sprintf("%s\x00%s\x00%q", y.Time, y.Tenant, y.Dims))
	})
	return out, nil
}

func cellOf(row values.Row, by []string) (*Cell, *float64) {
	c := &Cell{Dims: map[string]string{}}
	var value *float64
	for i, name := range row.Columns {
		switch v := row.Values[i]; {
		case name == "time":
			c.Time = fmt.Sprint(v)
		case name == "tenant":
			c.Tenant = fmt.Sprint(v)
		case name == "value":
			if f, ok := v.(float64); ok {
				value = &f
			}
		case slices.Contains(by, name):
			c.Dims[name] = fmt.Sprint(v)
		}
	}
	return c, value
}

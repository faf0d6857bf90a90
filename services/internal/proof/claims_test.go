package proof_test

import (
	"cmp"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/nabz/nabz/pkg/kpi"
	"github.com/nabz/nabz/pkg/row"
	"github.com/nabz/nabz/pkg/scenario"
	"github.com/nabz/nabz/pkg/track"
	"github.com/nabz/nabz/pkg/warehouse"
	"github.com/nabz/nabz/schemas"
	"github.com/nabz/nabz/services/internal/catalog"
	"github.com/nabz/nabz/services/internal/values"
)

// TestClaims holds what ClickHouse says of the scenario of every KPI against
// the numbers that were worked out by hand, and against the naive count. Each
// scenario is a feed.
func TestClaims(t *testing.T) {
	conn, model := house(t, "UTC")
	cat, err := catalog.Load()
	if err != nil {
		t.Fatal(err)
	}
	x := newTables(t, cat, model)
	scenarios := map[string]*scenario.Scenario{}
	for _, d := range model.KPIs.Definitions {
		if *only != "" && *only != d.Of.Kind {
			continue
		}
		text, err := fs.ReadFile(schemas.KPIs(), d.Name+"/scenario.txt")
		if err != nil {
			t.Fatal(err)
		}
		s, err := scenario.Parse(string(text), cat.Events)
		if err != nil {
			t.Fatal(err)
		}
		scenarios[d.Name] = s
		x.enact(d.Name, s)
	}
	x.insert(conn)
	for _, d := range model.KPIs.Definitions {
		s := scenarios[d.Name]
		if s == nil {
			continue
		}
		t.Run(d.Name, func(t *testing.T) {
			t.Parallel()
			for _, claims := range alike(s.Claims) {
				said := answers(t, conn, model, d, s, claims)
				for _, c := range claims {
					got := said(&c)
					// Of counts nothing is 0 in memory, and no row in a table.
					nothing := math.IsNaN(got) && c.Value == 0
					if !nothing && (math.IsNaN(got) != math.IsNaN(c.Value) || math.Abs(got-c.Value) > 1e-6*math.Max(1, math.Abs(c.Value))) {
						t.Errorf("line %d: ClickHouse says %v, by hand it is %v", c.Line, got, c.Value)
					}
				}
			}
			grain := warehouse.Grain("")
			if d.Of.Long {
				grain = warehouse.QuarterHour // a history has no levels by the minute, and a scenario is played live
			}
			if r := cells(t, conn, model, d, d.Name, grain); r.Different != 0 || r.Compared == 0 {
				t.Errorf("%d cells compared, %d differ: %v", r.Compared, r.Different, r.Examples)
			}
		})
	}
}

// alike puts claims together that one query answers: of one grain and the same
// dimensions.
func alike(claims []scenario.Claim) [][]scenario.Claim {
	var out [][]scenario.Claim
	at := map[string]int{}
	for _, c := range claims {
		key := fmt.Sprint(c.Grain, slices.Sorted(maps.Keys(c.Where)))
		i, ok := at[key]
		if !ok {
			i = len(out)
			at[key], out = i, append(out, nil)
		}
		out[i] = append(out[i], c)
	}
	return out
}

// answers asks ClickHouse for what claims that are alike speak of: one that is
// alone by its conditions, several without any.
func answers(t *testing.T, conn driver.Conn, model *warehouse.Model, d *kpi.Definition, s *scenario.Scenario, claims []scenario.Claim) func(*scenario.Claim) float64 {
	t.Helper()
	c := &claims[0]
	f := warehouse.Filter{Feed: d.Name}
	if len(claims) == 1 {
		f.Equal = c.Where
		if f.FromMs = c.AtMs; c.AtMs != 0 {
			f.ToMs = c.Interval(s.Clock()).Until
		}
	}
	by := d.Kept(slices.Collect(maps.Keys(c.Where)))
	q := f.Of(warehouse.Query{Definition: d, By: by, Grain: warehouse.Grain(c.Grain), Zone: "UTC", WeekStart: 1})
	var rows []map[string]any
	err := values.Rows(t.Context(), conn, "SELECT * FROM (\n"+model.Values(q)+"\n)", func(r values.Row) error {
		row := map[string]any{}
		for i, name := range r.Columns {
			row[name] = r.Values[i]
		}
		rows = append(rows, row)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return func(c *scenario.Claim) float64 {
		got := math.NaN()
		for _, row := range rows {
			at, err := time.Parse(time.RFC3339, row["time"].(string))
			if err != nil {
				t.Fatal(err)
			}
			if c.AtMs != 0 && at.UnixMilli() != c.AtMs {
				continue
			}
			if v, ok := row[cmp.Or(c.Variant, "value")].(float64); ok && holds(row, c.Where) {
				got = v
			}
		}
		return got
	}
}

// holds tells whether a row is one that a claim speaks of.
func holds(row map[string]any, where map[string]string) bool {
	for dim, v := range where {
		if row[dim] != v {
			return false
		}
	}
	return true
}

// enact takes a scenario through a task and what comes of it into the tables.
func (x *tables) enact(feed string, s *scenario.Scenario) {
	x.t.Helper()
	task := track.NewTask(x.cat.Task(0))
	for i := range s.Events {
		task.Step(int64(i), s.Events[i].Append(nil))
	}
	place := row.Place{Tenant: "demo", Feed: feed, Epoch: 1}
	task.Flush(func(e track.Effect) {
		r, err := row.Decode(e.Value)
		if err != nil {
			x.t.Fatal(err)
		}
		switch r := r.(type) {
		case *row.Fact:
			r.Place = place
			x.effect(row.Append(nil, r))
		case *row.Pane:
			r.Place = place
			x.pane(row.Append(nil, r))
		}
	})
	p := row.Progress{Place: place, Position: int64(len(s.Events)), Now: s.Clock(), State: row.Open}
	x.pane(row.Append(nil, &p))
}

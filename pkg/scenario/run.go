package scenario

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/nabz/nabz/pkg/kpi"
	"github.com/nabz/nabz/pkg/row"
	"github.com/nabz/nabz/pkg/track"
)

// Rows steps the events of a scenario through a task, in the given order, and
// gives the newest panes.
func (s *Scenario) Rows(c track.Config) ([]*row.Pane, error) {
	t := track.NewTask(c)
	for i := range s.Events {
		t.Step(int64(i), s.Events[i].Append(nil))
	}
	var panes []*row.Pane
	var failed error
	t.Flush(func(e track.Effect) {
		r, err := row.Decode(e.Value)
		if err != nil {
			failed = err
		}
		if p, ok := r.(*row.Pane); ok {
			panes = append(panes, p)
		}
	})
	return panes, failed
}

// Check holds the claims about one definition against panes.
func (s *Scenario) Check(d *kpi.Definition, panes []*row.Pane) error {
	for _, c := range s.Claims {
		if c.KPI != d.Name {
			return fmt.Errorf("line %d: a claim about %s in the scenario of %s", c.Line, c.KPI, d.Name)
		}
		v, ok := d.Variant(c.Variant)
		if !ok {
			return fmt.Errorf("line %d: %s has no formula %q", c.Line, c.KPI, c.Variant)
		}
		got := math.NaN()
		for _, f := range s.figures(d, &c, panes) {
			if f.Name == cmp.Or(v.Name, "value") {
				got = f.Value
			}
		}
		if math.IsNaN(got) != math.IsNaN(c.Value) || math.Abs(got-c.Value) > 1e-6*math.Max(1, math.Abs(c.Value)) {
			return fmt.Errorf("line %d: %s %s is %v, should be %v", c.Line, c.KPI, c.Variant, got, c.Value)
		}
	}
	return nil
}

// Clock is where the scenario's clock stands at the end, ms.
func (s *Scenario) Clock() int64 {
	var now int64
	for i := range s.Events {
		if s.Events[i].IsClock() {
			now = max(now, s.Events[i].Time)
		}
	}
	return now
}

// figures adds the panes up that a claim asks for. All together have no mean
// level: nothing says how long they are.
func (s *Scenario) figures(d *kpi.Definition, c *Claim, panes []*row.Pane) []kpi.NamedFigure {
	grain := int32(900)
	if c.Grain == "minute" {
		grain = 60
	}
	length := int64(grain) * 1000
	from, asOf := s.Clock(), s.Clock()
	until := asOf/length*length + length
	if c.AtMs != 0 {
		from, asOf, until = c.AtMs, min(c.AtMs+length, asOf), c.AtMs+length
	}
	t := d.Totals()
	for _, p := range panes {
		if p.Family != d.Of.Name || p.Grain != grain || c.AtMs != 0 && p.Bucket != c.AtMs || !inside(d, c, p) {
			continue
		}
		last := c.AtMs != 0 || p.Bucket == asOf/length*length
		for _, cell := range p.Cells {
			t.Add(cell.Part, cell.Value, last)
		}
	}
	return t.Figures(nil, d, from, asOf, until)
}

func inside(d *kpi.Definition, c *Claim, p *row.Pane) bool {
	for dim, v := range c.Where {
		i := slices.Index(d.Of.Dims, dim)
		if i < 0 || p.Dims[i] != v {
			return false
		}
	}
	return true
}

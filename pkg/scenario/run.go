package scenario

import (
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
		got, ok := d.Value(v, s.numbers(d, &c, panes))
		if !ok {
			got = math.NaN()
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

// numbers adds the parts up that a claim asks for.
func (s *Scenario) numbers(d *kpi.Definition, c *Claim, panes []*row.Pane) func(kpi.Ref) (float64, bool) {
	grain := int32(900)
	if c.Grain == "minute" {
		grain = 60
	}
	length := int64(grain) * 1000
	now := s.Clock()
	return func(ref kpi.Ref) (float64, bool) {
		m := d.Measure(ref.Measure)
		parts := m.Parts()
		want := parts[0].ID
		if ref.At == kpi.AtEnd {
			want = parts[1].ID
		}
		var sum int64
		for _, p := range panes {
			if p.Family != d.Of.Name || p.Grain != grain || c.AtMs != 0 && p.Bucket != c.AtMs || !inside(d, c, p) {
				continue
			}
			if ref.At == kpi.AtEnd && c.AtMs == 0 && p.Bucket != now/length*length {
				continue
			}
			for _, cell := range p.Cells {
				if cell.Part == want {
					sum += cell.Value
				}
			}
		}
		if ref.At == kpi.Mean {
			span := min(c.AtMs+length, now) - c.AtMs
			return float64(sum) / float64(span), c.AtMs != 0 && span > 0
		}
		return float64(sum), true
	}
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

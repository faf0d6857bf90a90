package scenario

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/nabz/nabz/pkg/fact"
	"github.com/nabz/nabz/pkg/kpi"
	"github.com/nabz/nabz/pkg/row"
	"github.com/nabz/nabz/pkg/track"
)

// Played is what the events of a scenario come to.
type Played struct {
	Panes []*row.Pane
	Facts []fact.Fact
}

// Play steps the events of a scenario through a task, in the given order, and
// gives the newest rows.
func (s *Scenario) Play(c track.Config) (*Played, error) {
	t := track.NewTask(c)
	for i := range s.Events {
		t.Step(int64(i), s.Events[i].Append(nil))
	}
	families := map[string]*fact.Family{}
	for _, l := range c.Layouts {
		families[l.Family.Name] = l.Family
	}
	out := &Played{}
	var failed error
	t.Flush(func(e track.Effect) {
		r, err := row.Decode(e.Value)
		if err != nil {
			failed = err
		}
		switch r := r.(type) {
		case *row.Pane:
			out.Panes = append(out.Panes, r)
		case *row.Fact:
			if !r.Deleted {
				out.Facts = append(out.Facts, factOf(families[r.Family], r))
			}
		}
	})
	return out, failed
}

func factOf(f *fact.Family, r *row.Fact) fact.Fact {
	out := fact.Fact{Family: f, ID: r.ID, OpenedAt: r.OpenedAt, Values: make([]fact.Value, len(f.Columns))}
	for _, v := range r.Values {
		i := slices.IndexFunc(f.Columns, func(c fact.Column) bool { return c.Number == v.Number })
		out.Values[i] = fact.Value{Int: v.Int, Text: v.Text, Set: true}
	}
	return out
}

// Check holds the claims about one definition against what the stream makes of
// the events, and against the same counted over facts.
func (s *Scenario) Check(d *kpi.Definition, p *Played) error {
	for i := range s.Claims {
		c := &s.Claims[i]
		if c.KPI != d.Name {
			return fmt.Errorf("line %d: a claim about %s in the scenario of %s", c.Line, c.KPI, d.Name)
		}
		if _, ok := d.Variant(c.Variant); !ok {
			return fmt.Errorf("line %d: %s has no formula %q", c.Line, c.KPI, c.Variant)
		}
		for dim := range c.Where {
			if !slices.Contains(d.Dims(), dim) {
				return fmt.Errorf("line %d: %s has no dimension %q", c.Line, c.KPI, dim)
			}
		}
		if d.Live() {
			if err := c.check("adds up to", s.figures(d, c, p.Panes)); err != nil {
				return err
			}
		}
		// All together have no mean level: nothing says how long they are.
		if c.AtMs == 0 && slices.ContainsFunc(d.Measures, func(n kpi.Named) bool { return n.Measure.Op == kpi.Level }) {
			continue
		}
		if err := c.check("is, counted over facts,", d.OverFacts(p.Facts, c.Where, c.Interval(s.Clock()))); err != nil {
			return err
		}
	}
	return nil
}

func (c *Claim) check(how string, figures []kpi.NamedFigure) error {
	got := math.NaN()
	for _, f := range figures {
		if f.Name == cmp.Or(c.Variant, "value") {
			got = f.Value
		}
	}
	if math.IsNaN(got) != math.IsNaN(c.Value) || math.Abs(got-c.Value) > 1e-6*math.Max(1, math.Abs(c.Value)) {
		return fmt.Errorf("line %d: %s %s %s %v, should be %v", c.Line, c.KPI, c.Variant, how, got, c.Value)
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

// Lengths of panes, ms.
const (
	minuteMs  = 60_000
	quarterMs = 900_000
)

// figures adds the panes up that a claim asks for: of what is longer than a
// minute quarters of an hour, and minutes where the clock has not left them.
func (s *Scenario) figures(d *kpi.Definition, c *Claim, panes []*row.Pane) []kpi.NamedFigure {
	from, asOf, until := s.Clock(), s.Clock(), int64(math.MaxInt64)
	minutes, at := asOf/quarterMs*quarterMs, asOf // where minutes begin
	if c.Grain == "minute" {
		minutes = math.MinInt64
	}
	if c.AtMs != 0 {
		in := c.Interval(asOf)
		from, asOf, until = in.From, min(in.Until, asOf), in.Until
		if asOf == in.Until {
			at = asOf - 1
		}
	}
	length := int64(quarterMs)
	if at >= minutes {
		length = minuteMs
	}
	last := at / length * length
	t := d.Totals()
	for _, p := range panes {
		if p.Family != d.Of.Name || (p.Grain*1000 == minuteMs) != (p.Bucket >= minutes) || c.AtMs != 0 && (p.Bucket < from || p.Bucket >= until) || !inside(d, c, p) {
			continue
		}
		for _, cell := range p.Cells {
			t.Add(cell.Part, cell.Value, p.Bucket == last)
		}
	}
	return t.Figures(nil, t.Plan(d), from, asOf, last+length)
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

// The lengths of the grains that have one everywhere, ms.
var lengths = map[string]int64{"minute": minuteMs, "quarter_hour": quarterMs, "hour": 3_600_000, "day": 86_400_000, "week": 7 * 86_400_000}

// Interval is what a claim speaks of, when the clock stands at now. Days and
// months are those of UTC.
func (c *Claim) Interval(now int64) kpi.Interval {
	in := kpi.Interval{From: math.MinInt64, Until: math.MaxInt64, Before: math.MinInt64, Now: now}
	in.Day = func(ms int64) int64 { return ms / lengths["day"] }
	if c.AtMs == 0 {
		return in
	}
	if n := lengths[c.Grain]; n > 0 {
		in.From, in.Until, in.Before = c.AtMs, c.AtMs+n, c.AtMs-n
		return in
	}
	months := map[string]int{"month": 1, "quarter": 3, "year": 12}[c.Grain]
	at := time.UnixMilli(c.AtMs).UTC()
	in.From, in.Until, in.Before = c.AtMs, at.AddDate(0, months, 0).UnixMilli(), at.AddDate(0, -months, 0).UnixMilli()
	return in
}

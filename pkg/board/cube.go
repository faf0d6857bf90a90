package board

import (
	"slices"

	"github.com/nabz/nabz/pkg/fact"
	"github.com/nabz/nabz/pkg/kpi"
	"github.com/nabz/nabz/pkg/row"
)

// plan says what is made of a family's panes, for every tenant.
type plan struct {
	dims   int
	empty  *kpi.Totals
	sums   []*kpi.Totals // by window, of the cube that is looked at
	scopes []*scope
}

// scope is a choice of dimensions, with the KPIs that are read by it.
type scope struct {
	names []string
	at    []int // their indexes in the dimensions of the family
	defs  []shown
	timed bool // one of them changes with the clock alone
}

// shown is a definition that is read by a scope.
type shown struct {
	*kpi.Definition
	plan  *kpi.Plan
	timed bool // its numbers change with the clock alone
}

// newPlan finds the scopes of a family.
func newPlan(f *fact.Family, set *kpi.Set) *plan {
	p := &plan{dims: len(f.Dims), empty: kpi.NewTotals(set.Measures(f.Name))}
	for range len(Rollings()) + 1 {
		p.sums = append(p.sums, p.empty.Empty())
	}
	for _, d := range set.Definitions {
		if d.Of != f || !d.Live() {
			continue
		}
		for _, names := range d.Scopes() {
			p.add(f, names, d)
		}
	}
	return p
}

func (p *plan) add(f *fact.Family, names []string, d *kpi.Definition) {
	i := slices.IndexFunc(p.scopes, func(s *scope) bool { return slices.Equal(s.names, names) })
	if i < 0 {
		i = len(p.scopes)
		s := &scope{names: names}
		for _, n := range names {
			s.at = append(s.at, slices.Index(f.Dims, n))
		}
		p.scopes = append(p.scopes, s)
	}
	s := p.scopes[i]
	x := shown{d, p.empty.Plan(d), timed(d)}
	s.defs = append(s.defs, x)
	s.timed = s.timed || x.timed
}

// timed tells whether a definition's numbers change with the clock alone: means
// over time and ages do.
func timed(d *kpi.Definition) bool {
	return slices.ContainsFunc(d.Measures, func(n kpi.Named) bool { return n.Measure.Op == kpi.Level })
}

// cube is what the groups that have some dimensions in common add up to.
type cube struct {
	family  *family
	scope   *scope
	key     string
	dims    []string
	members []*group
	slots   [grains]map[int64]*slot
	changed [grains][]int64 // buckets whose slots have changed
	closed  []*kpi.Totals   // by window: all panes but the one that the clock stands in
	shown   []*row.Reading
	stale   bool // it is to be shown again: a slot has changed
	ticked  bool // or only the clock
	turned  bool // and so has what is closed
	owing   bool // what it showed when the clock left a minute is still to be kept
}

// slot is what one interval of a cube adds up to. Rows that change are put in by
// the difference, but where that cannot be told: then it is stale.
type slot struct {
	totals  *kpi.Totals
	members []*group // those that have, or had, rows of the interval
	changed bool     // since the cube was last looked at
	stale   bool
}

func newCube(f *family, s *scope, key string, dims []string) *cube {
	c := &cube{family: f, scope: s, key: key, dims: dims, shown: make([]*row.Reading, len(s.defs)), turned: true}
	for i := range c.slots {
		c.slots[i] = map[int64]*slot{}
	}
	for range len(Rollings()) + 1 {
		c.closed = append(c.closed, f.plan.empty.Empty())
	}
	return c
}

// totals gives what each window adds up to, until it is called again. minute is
// the start of the one in which the clock stands; what is open at the end of any
// other does not matter.
func (c *cube) totals(spans []span, minute int64) []*kpi.Totals {
	for g, buckets := range c.changed {
		for _, bucket := range buckets {
			if s := c.slots[g][bucket]; s != nil { // else it was let go of
				s.changed = false
				if s.stale {
					s.add(g, bucket)
				}
				c.turned = c.turned || g == byQuarter || bucket != minute
			}
		}
		c.changed[g] = buckets[:0]
	}
	if c.turned {
		c.turned = false
		c.close(spans, minute)
	}
	sums := c.family.plan.sums
	last := c.slots[byMinute][minute]
	for i := range spans {
		sums[i].Reset()
		sums[i].Merge(c.closed[i])
		if last != nil && spans[i].holds(byMinute, minute) {
			sums[i].Merge(last.totals)
		}
	}
	return sums
}

// add brings the members' rows of one interval together.
func (s *slot) add(grain int, bucket int64) {
	s.stale = false
	s.totals.Reset()
	for _, m := range s.members {
		for i := range m.rows[grain][bucket] {
			for _, cell := range m.rows[grain][bucket][i].cells {
				s.totals.AddAt(cell.spot, cell.value, true)
			}
		}
	}
}

// close adds up what lies in each window and is not the minute in which the
// clock stands. Rolling windows hold those before them.
func (c *cube) close(spans []span, minute int64) {
	for i := range spans {
		w := &spans[i]
		c.closed[i].Reset()
		var inner *span
		if i > 0 && w.name != Today {
			inner = &spans[i-1]
			c.closed[i].Merge(c.closed[i-1])
		}
		for grain, slots := range c.slots {
			for bucket, s := range slots {
				switch {
				case !w.holds(grain, bucket) || grain == byMinute && bucket == minute || inner != nil && inner.holds(grain, bucket):
				case grain == byMinute && bucket > minute:
					c.closed[i].Ahead(s.totals)
				default:
					c.closed[i].Extend(s.totals)
				}
			}
		}
	}
}

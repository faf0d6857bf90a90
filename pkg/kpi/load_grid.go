package kpi

import (
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/nabz/nabz/pkg/fact"
	"github.com/nabz/nabz/pkg/strictyaml"
)

// Axis gives the axis of a name, GridX or GridY.
func (g *Grid) Axis(name string) *Axis {
	if name == GridX {
		return &g.X
	}
	return &g.Y
}

// maxParts bounds the parts of an axis: no matrix that people read has more.
const maxParts = 100

// grid reads
//
//	grid:
//	  x: {of: purchase, at: bought_at, per: customer, sum: amount, into: 10}
//	  y: {of: customer_answer, at: answered_at, per: customer, mean: score, bounds: [7, 9]}
func (l *loading) grid(n *yaml.Node) {
	g := &Grid{}
	l.r.Map(n, strictyaml.Keys{
		"x": func(n *yaml.Node) { g.X = l.axis(n) },
		"y": func(n *yaml.Node) { g.Y = l.axis(n) },
	}, "x", "y")
	l.of, l.d.Grid = l.d.Of, g
	if x, y := g.X.Measure, g.Y.Measure; x != nil && y != nil && (x.Family != l.d.Of || len(x.Keys) != len(y.Keys)) {
		l.r.Errorf(n, "the x of a grid is of the definition's family, and both are per the same entity")
	}
}

func (l *loading) axis(n *yaml.Node) Axis {
	m := &Measure{Family: l.d.Of, At: l.d.At}
	a := Axis{Measure: m}
	if l.elsewhere(m, n); m.Family == nil {
		return a
	}
	bounds := func(*yaml.Node) {}
	number := func(op Op, mean bool) func(*yaml.Node) {
		return func(n *yaml.Node) {
			m.Op, a.Mean = op, mean
			m.Column = l.column(n, fact.Count, fact.Decimal, fact.Duration)
		}
	}
	l.r.Map(n, strictyaml.Keys{
		"of": func(*yaml.Node) {}, "at": func(*yaml.Node) {},
		"per":   l.keysOf(m),
		"where": func(n *yaml.Node) { m.Where = l.where(n) },
		"count": func(n *yaml.Node) { m.Op, m.Where = Count, l.where(n) },
		"sum":   number(Sum, false),
		"mean":  number(Sum, true),
		"into":  func(n *yaml.Node) { a.Into = l.r.Int(n, 2, maxParts) },
		"bounds": func(n *yaml.Node) {
			bounds = func(*yaml.Node) {
				l.r.Items(n, func(n *yaml.Node) { a.Bounds = append(a.Bounds, l.bound(m, n)) })
			}
		},
	}, "per")
	m.dated()
	bounds(n)
	switch {
	case m.Op == 0:
		l.r.Errorf(n, "an axis is one of count, sum and mean")
	case (a.Into > 0) == (len(a.Bounds) > 0) || len(a.Bounds) >= maxParts || !slices.IsSorted(a.Bounds):
		l.r.Errorf(n, "an axis is cut into parts of equal size, into: 10, or at ascending bounds: [7, 9]")
	}
	return a
}

// bound reads where a part begins, in the unit of what is added up.
func (l *loading) bound(m *Measure, n *yaml.Node) int64 {
	typ := fact.Count
	if m.Op == Sum {
		typ = m.Family.Columns[m.Column].Type
	}
	v, later := l.number(typ, n)
	if later != nil {
		l.r.Errorf(n, "the bounds of a grid do not change")
	}
	return v
}

func (l *loading) cell(m *Measure) func(*yaml.Node) {
	return func(n *yaml.Node) {
		m.Op = Cell
		if of := l.r.OneOf(n, "count", GridX, GridY); of != "count" {
			m.Axis = of
			if l.d.Grid != nil && l.d.Grid.Axis(of).Mean {
				l.r.Errorf(n, "means do not add up")
			}
		}
		if l.d.Grid != nil && l.d.Grid.X.Measure != nil {
			m.Keys = l.d.Grid.X.Measure.Keys
		}
	}
}

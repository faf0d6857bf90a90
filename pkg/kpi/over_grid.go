package kpi

import (
	"cmp"
	"fmt"
	"slices"
)

// placed is an entity in a grid: its number on one axis, and the part in which
// it lies.
type placed struct {
	key   string
	value float64
	part  string
}

// axis gives the number of each entity in the interval.
func (o *overFacts) axis(a *Axis) map[string]float64 {
	sums, counts := map[string]float64{}, map[string]float64{}
	for _, f := range o.taken(a.Measure, o.in.From, o.in.Until, true) {
		if k := o.key(a.Measure, f); k != "" {
			counts[k]++
			if a.Measure.Op == Sum {
				sums[k] += float64(f.Values[a.Measure.Column].Int)
			}
		}
	}
	switch {
	case a.Measure.Op == Count:
		return counts
	case a.Mean:
		for k := range sums {
			sums[k] /= counts[k]
		}
	}
	return sums
}

// inParts puts those who have a number on both axes in parts of one.
func inParts(a *Axis, mine, other map[string]float64) map[string]placed {
	var all []placed
	for k, v := range mine {
		if _, both := other[k]; both {
			all = append(all, placed{key: k, value: v})
		}
	}
	slices.SortFunc(all, func(a, b placed) int { return cmp.Or(cmp.Compare(a.value, b.value), cmp.Compare(a.key, b.key)) })
	out := map[string]placed{}
	for i, p := range all {
		part := int64(i)*a.Into/int64(len(all)) + 1
		if a.Into == 0 {
			part = 1
			for _, b := range a.Bounds {
				if p.value >= float64(b) {
					part++
				}
			}
		}
		p.part = fmt.Sprintf("%02d", part)
		out[p.key] = p
	}
	return out
}

func (o *overFacts) cell(m *Measure) (sum float64) {
	g := o.d.Grid
	x, y := o.axis(&g.X), o.axis(&g.Y)
	across, up := inParts(&g.X, x, y), inParts(&g.Y, y, x)
	for k, p := range across {
		if p.part != o.where[GridX] || up[k].part != o.where[GridY] {
			continue
		}
		switch m.Axis {
		case GridX:
			sum += x[k]
		case GridY:
			sum += y[k]
		default:
			sum++
		}
	}
	return sum
}

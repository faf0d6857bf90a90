// Package kpi is what a number means: definitions, the measures they are made
// of, and the formulas over them, read strictly from data.
//
// It does not know how measures are kept, stored or shown. It reads no clock,
// starts no goroutine and performs no I/O.
package kpi

import (
	"fmt"
	"slices"
	"time"

	"github.com/nabz/nabz/pkg/calendar"
	"github.com/nabz/nabz/pkg/event"
	"github.com/nabz/nabz/pkg/fact"
)

// Definition is one KPI.
type Definition struct {
	Name    string            // the name of its folder
	Title   map[string]string // by language: en and fa
	Help    string            // one sentence for people
	Formula string            // of the headline, in words
	Source  string            // where the formula comes from
	Owner   string            // who answers for it
	Level   string            // operational, customer, corporate or infrastructure
	Family  string            // of metrics, such as service or efficiency
	Kind    string            // opi, kpi or kri
	Parents []string          // KPIs that this one is drilled down from
	Tags    []string          // words to find it by, such as copc
	Unit    Unit
	Target  *Target
	Params  []Param

	Of       *fact.Family
	At       int      // index of the Time column whose interval a fact counts in
	By       []string // dimensions, a part of Of.Dims in that order
	Measures []Named
	Opens    []*Measure // facts that may still change, by family and instant
	Values   []Variant  // the first is the headline, whose name is empty
	Days     []Days     // of a cohort's members; the dimension DayName
	Grid     *Grid      // the dimensions GridX and GridY, or nil
	// AfterMs is how long after its end an interval has no value yet, ms: what
	// its facts are asked for is not known before.
	AfterMs int64
}

// DayName is the dimension of a definition that follows cohorts: the label of
// its Days.
const DayName = "day"

// Days are days of a cohort's member after its first, which is day 0.
type Days struct {
	Label    string // 7 is day 7, 1-7 any of seven days, 30+ day 30 or a later one
	From, To int64
}

// Grid sorts entities into cells by two numbers of each.
type Grid struct{ X, Y Axis }

// GridX and GridY are the dimensions of a definition with a grid: the number of
// the part, from 01.
const (
	GridX = "x"
	GridY = "y"
)

// Axis is one number of an entity in an interval, and where it is cut.
type Axis struct {
	Measure *Measure // what is added up or counted, of whom by its Keys
	Mean    bool     // the sum by the number of facts
	Into    int64    // parts with as many entities each, the least first; 0: by Bounds
	Bounds  []int64  // ascending: a part begins at each, in the smallest unit
}

// CurrencyName is the dimension by which amounts of money are always told
// apart.
const CurrencyName = "currency"

// Kept are the dimensions that an answer by some of them has, in the
// definition's order: amounts of several currencies do not add up, nor do days
// of a cohort.
func (d *Definition) Kept(by []string) []string {
	var out []string
	for _, dim := range d.Dims() {
		if slices.Contains(by, dim) || d.Virtual(dim) || dim == CurrencyName && d.monetary() {
			out = append(out, dim)
		}
	}
	return out
}

// monetary tells whether amounts of a currency are in the value.
func (d *Definition) monetary() bool {
	return d.Unit == UnitMoney || slices.ContainsFunc(d.Measures, func(n Named) bool {
		m := n.Measure
		return m.adds() && m.Family.Columns[m.Column].Type == fact.Decimal && slices.Contains(m.Family.Dims, CurrencyName)
	})
}

// Dims are all dimensions of the definition's values.
func (d *Definition) Dims() []string {
	switch {
	case len(d.Days) > 0:
		return append(slices.Clone(d.By), DayName)
	case d.Grid != nil:
		return append(slices.Clone(d.By), GridX, GridY)
	}
	return d.By
}

// Born is the measure of who a cohort is, or nil.
func (d *Definition) Born() *Measure {
	for _, n := range d.Measures {
		if n.Measure.Op == Born {
			return n.Measure
		}
	}
	return nil
}

// Virtual tells whether a dimension is none of facts: days of a cohort, or parts
// of a grid.
func (d *Definition) Virtual(dim string) bool {
	return dim == DayName && len(d.Days) > 0 || d.Grid != nil && (dim == GridX || dim == GridY)
}

// Live tells whether the definition is read by the second: all its numbers are
// in the panes of one family. The others are asked of ClickHouse alone.
func (d *Definition) Live() bool {
	if d.AfterMs > 0 || d.shifted() {
		return false
	}
	return !slices.ContainsFunc(d.Measures, func(n Named) bool { return !n.Measure.Op.Additive() || n.Measure.Family != d.Of })
}

// shifted tells whether a formula asks for the interval before.
func (d *Definition) shifted() bool {
	return slices.ContainsFunc(d.Measures, func(n Named) bool { return d.Previous(n.Name) })
}

// Previous tells whether a formula asks for what a measure was in the interval
// before.
func (d *Definition) Previous(measure string) bool {
	found := false
	for _, v := range d.Values {
		Walk(v.Expr, func(r Ref) { found = found || r.Previous && r.Measure == measure })
	}
	return found
}

// Target is what the owner wants of the value: at least or at most Bound.
type Target struct {
	AtLeast bool
	Bound   float64
}

// Param is a span that a definition names, ms, and what it is later on.
type Param struct {
	Name  string
	Ms    int64
	Later []Later // ascending
}

// Words say the span, and what it becomes.
func (p Param) Words() string {
	span := func(ms int64) string { return (time.Duration(ms) * time.Millisecond).String() }
	out := span(p.Ms)
	for _, l := range p.Later {
		out += fmt.Sprintf(", from %s on %s", time.UnixMilli(l.From).UTC().Format(time.RFC3339), span(l.Int))
	}
	return out
}

// Named is a measure under the name that a definition's formulas use.
type Named struct {
	Name    string
	Measure *Measure
}

// Variant is one formula of a definition, such as a vendor's way of counting.
type Variant struct {
	Name   string // empty: the headline
	Text   string // the formula as written
	Expr   Expr
	Source string
}

// Measure finds a measure of the definition by its name in the formulas.
func (d *Definition) Measure(name string) *Measure {
	for _, n := range d.Measures {
		if n.Name == name {
			return n.Measure
		}
	}
	return nil
}

// Scopes are the choices of dimensions that are shown live: none, each alone,
// and of two both. More of them together are about as many as there are facts,
// and no wall shows them; ranges of the past have any choice.
func (d *Definition) Scopes() [][]string {
	if !d.Live() {
		return nil
	}
	choices := [][]string{nil}
	for i := range d.By {
		choices = append(choices, d.By[i:i+1])
	}
	if len(d.By) == 2 {
		choices = append(choices, d.By)
	}
	var out [][]string
	for _, by := range choices {
		kept := d.Kept(by)
		if !slices.ContainsFunc(out, func(s []string) bool { return slices.Equal(s, kept) }) {
			out = append(out, kept)
		}
	}
	return out
}

// Shown tells whether a choice of dimensions, in the definition's order, is
// shown live.
func (d *Definition) Shown(by []string) bool {
	return slices.ContainsFunc(d.Scopes(), func(s []string) bool { return slices.Equal(s, by) })
}

// Unit is what a value is measured in.
type Unit string

const (
	// UnitCount is a number of things.
	UnitCount Unit = "count"
	// UnitRatio is a share, 0 to 1.
	UnitRatio Unit = "ratio"
	// UnitSeconds is a span of time.
	UnitSeconds Unit = "s"
	// UnitHours is a span of time told in hours.
	UnitHours Unit = "h"
	// UnitDays is a span of time told in days of 24 hours.
	UnitDays Unit = "d"
	// UnitMoney is an amount of a currency.
	UnitMoney Unit = "money"
	// UnitNumber is a decimal number.
	UnitNumber Unit = "number"
	// UnitPoints is a score on a scale of its own.
	UnitPoints Unit = "points"
)

// Units are all of them.
func Units() []string {
	return []string{string(UnitCount), string(UnitRatio), string(UnitSeconds), string(UnitHours), string(UnitDays), string(UnitMoney), string(UnitNumber), string(UnitPoints)}
}

// Scale is how many of the smallest units, in which facts count, one of the
// unit has.
func (u Unit) Scale() float64 {
	switch u {
	case UnitSeconds:
		return 1000
	case UnitHours:
		return 3_600_000
	case UnitDays:
		return 86_400_000
	case UnitMoney, UnitNumber:
		return event.DecimalScale
	case UnitCount, UnitRatio, UnitPoints:
	}
	return 1
}

// Words says what the unit is.
func (u Unit) Words() string {
	switch u {
	case UnitRatio:
		return "a share, 0 to 1"
	case UnitSeconds:
		return "seconds"
	case UnitHours:
		return "hours"
	case UnitDays:
		return "days"
	case UnitMoney:
		return "an amount of the currency"
	case UnitPoints:
		return "points"
	case UnitCount, UnitNumber:
	}
	return "a number"
}

// Set is everything that is defined, checked as a whole.
type Set struct {
	Families    []*fact.Family
	Definitions []*Definition
	measures    map[string][]*Measure // by family
	hours       *calendar.Set         // that conditions may name; nil: none
}

// Measures gives the measures of a family, each once, in the order of their
// names.
func (s *Set) Measures(family string) []*Measure { return s.measures[family] }

// Definition finds a definition by name.
func (s *Set) Definition(name string) (*Definition, bool) {
	for _, d := range s.Definitions {
		if d.Name == name {
			return d, true
		}
	}
	return nil, false
}

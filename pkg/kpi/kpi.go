// Package kpi is what a number means: definitions, the measures they are made
// of, and the formulas over them, read strictly from data.
//
// It does not know how measures are kept, stored or shown. It reads no clock,
// starts no goroutine and performs no I/O.
package kpi

import (
	"slices"

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
	Unit    Unit
	Target  *Target
	Params  []Param

	Of       *fact.Family
	At       int      // index of the Time column whose interval a fact counts in
	By       []string // dimensions, a part of Of.Dims in that order
	Measures []Named
	Open     *Measure  // facts that may still change, at the same instant
	Values   []Variant // the first is the headline, whose name is empty
}

// Target is what the owner wants of the value: at least or at most Bound.
type Target struct {
	AtLeast bool
	Bound   float64
}

// Param is a span that a definition names, ms.
type Param struct {
	Name string
	Ms   int64
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
	out := [][]string{nil}
	for i := range d.By {
		out = append(out, d.By[i:i+1])
	}
	if len(d.By) == 2 {
		out = append(out, d.By)
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
)

// Set is everything that is defined, checked as a whole.
type Set struct {
	Families    []*fact.Family
	Definitions []*Definition
	measures    map[string][]*Measure // by family
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

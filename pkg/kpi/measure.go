package kpi

import (
	"fmt"
	"slices"
	"strings"

	"github.com/nabz/nabz/pkg/fact"
)

// Op is what a measure does with the facts it takes.
type Op uint8

const (
	// Count counts facts.
	Count Op = iota + 1
	// Sum adds up a Duration or Count column.
	Sum
	// Level follows how many facts are open at once, from one time to another.
	Level
)

// Measure is one number that is kept for every pane of a family. Its identity
// is what it computes, not who asked for it: KPIs share measures.
type Measure struct {
	Name   string // made of what it computes; a column name
	Family *fact.Family
	Op     Op
	At     int // Count, Sum: index of the Time column whose interval it counts in
	Column int // Sum: index of the column
	From   int // Level: index of the Time column where a fact begins to count
	To     int // Level: index of the Time column where it ends; unknown is still open
	Where  []Cond
}

// Cond is one condition on a column; a measure takes the facts that meet all.
type Cond struct {
	Column int
	Rel    Rel
	Texts  []string // In, NotIn: any of, in alphabetical order
	Int    int64    // for the comparisons, ms or a whole number
}

// Rel is the relation of a condition.
type Rel uint8

const (
	// In holds for a Text column with one of the texts.
	In Rel = iota + 1
	// Le holds for a known value ≤ Int; Lt, Ge and Gt likewise.
	Le
	// Lt is <.
	Lt
	// Ge is ≥.
	Ge
	// Gt is >.
	Gt
	// Known holds for a value that is there.
	Known
	// NotIn holds for a Text column with none of the texts.
	NotIn
)

func (r Rel) word() string {
	return [...]string{In: "is", Le: "le", Lt: "lt", Ge: "ge", Gt: "gt", Known: "known", NotIn: "not"}[r]
}

// Part is one additive column of a measure. Rows of several partitions and
// incarnations of one pane add up.
type Part struct {
	ID     uint32 // FNV-1a of the family and the name: its identity on the wire
	Column string // in ClickHouse
	Doc    string
}

// Parts of a measure: one for Count and Sum; for Level the item-milliseconds
// inside the interval, and the number open at its end (or at the feed's clock
// while that stands inside the interval).
func (m *Measure) Parts() []Part {
	switch m.Op {
	case Level:
		return []Part{
			m.part("_ms", "item-milliseconds inside the interval"),
			m.part("_end", "open at the end of the interval, or at the clock inside it"),
		}
	case Sum:
		return []Part{m.part("", m.sumDoc())}
	default:
		return []Part{m.part("", "facts counted")}
	}
}

func (m *Measure) sumDoc() string {
	if m.Family.Columns[m.Column].Type == fact.Duration {
		return "sum of " + m.Family.Columns[m.Column].Name + ", ms"
	}
	return "sum of " + m.Family.Columns[m.Column].Name
}

func (m *Measure) part(suffix, doc string) Part {
	name := m.Name + suffix
	return Part{ID: fnv32(m.Family.Name + "." + name), Column: name, Doc: m.sentence() + ": " + doc}
}

// sentence says in words which facts the measure takes.
func (m *Measure) sentence() string {
	var conds []string
	for _, c := range m.Where {
		conds = append(conds, c.words(m.Family))
	}
	head := m.Family.Name
	if len(conds) > 0 {
		head += " where " + strings.Join(conds, " and ")
	}
	if m.Op == Level {
		return fmt.Sprintf("%s, open from %s to %s", head, m.Family.Columns[m.From].Name, m.Family.Columns[m.To].Name)
	}
	return head + ", at " + m.Family.Columns[m.At].Name
}

func (c Cond) words(f *fact.Family) string {
	col := f.Columns[c.Column]
	switch c.Rel {
	case In:
		return col.Name + " is " + strings.Join(c.Texts, " or ")
	case NotIn:
		return col.Name + " is not " + strings.Join(c.Texts, " or ")
	case Known:
		return col.Name + " is known"
	case Le, Lt, Ge, Gt:
	}
	unit := ""
	if col.Type == fact.Duration {
		unit = " ms"
	}
	return fmt.Sprintf("%s %s %d%s", col.Name, map[Rel]string{Le: "≤", Lt: "<", Ge: "≥", Gt: ">"}[c.Rel], c.Int, unit)
}

// name makes the canonical name of a measure: a word of lower-case letters,
// digits and underscores that says what it computes.
func (m *Measure) name() string {
	f := m.Family
	var b strings.Builder
	switch m.Op {
	case Count:
		b.WriteString("count")
	case Sum:
		b.WriteString("sum_" + f.Columns[m.Column].Name)
	case Level:
		b.WriteString("level_" + f.Columns[m.From].Name + "_to_" + f.Columns[m.To].Name)
	}
	for _, c := range m.Where {
		b.WriteString("__" + f.Columns[c.Column].Name)
		switch c.Rel {
		case In:
			b.WriteString("_" + strings.Join(c.Texts, "_or_"))
		case NotIn:
			b.WriteString("_not_" + strings.Join(c.Texts, "_or_"))
		case Known:
			b.WriteString("_known")
		default:
			fmt.Fprintf(&b, "_%s_%d", c.Rel.word(), c.Int)
		}
	}
	if m.Op != Level {
		b.WriteString("__at_" + f.Columns[m.At].Name)
	}
	return b.String()
}

// Takes tells whether a fact meets the measure's conditions.
func (m *Measure) Takes(f *fact.Fact) bool {
	for i := range m.Where {
		if !m.Where[i].holds(f) {
			return false
		}
	}
	return true
}

func (c *Cond) holds(f *fact.Fact) bool {
	v := &f.Values[c.Column]
	switch c.Rel {
	case In:
		return slices.Contains(c.Texts, v.Text)
	case NotIn:
		return !slices.Contains(c.Texts, v.Text)
	case Known:
		return v.Set
	case Le:
		return v.Set && v.Int <= c.Int
	case Lt:
		return v.Set && v.Int < c.Int
	case Ge:
		return v.Set && v.Int >= c.Int
	case Gt:
		return v.Set && v.Int > c.Int
	}
	return false
}

func fnv32(s string) uint32 {
	h := uint32(2166136261)
	for i := range len(s) {
		h = (h ^ uint32(s[i])) * 16777619
	}
	return h
}

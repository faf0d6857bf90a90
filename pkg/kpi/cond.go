package kpi

import (
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nabz/nabz/pkg/calendar"
	"github.com/nabz/nabz/pkg/fact"
)

// Cond is one condition on a column; a measure takes the facts that meet all.
type Cond struct {
	Column int
	Rel    Rel
	Texts  []string           // In, NotIn: any of, in alphabetical order
	Int    int64              // for the comparisons, ms or a whole number
	Later  []Later            // what the facts of later times are compared with instead, ascending
	When   int                // with Later: index of the Time column that says which of them it is
	Hours  *calendar.Calendar // InHours, OutOfHours: whose open time
	Since  int                // one more than the index of the Time column from which the instant is counted, ms; 0: it is compared by itself
}

// Later is what stands in a number's place from an instant on.
type Later struct {
	From int64 // ms since 1970 UTC
	Int  int64
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
	// InHours holds for an instant at which a calendar is open, as it was known
	// then; OutOfHours for any other.
	InHours
	// OutOfHours is the contrary.
	OutOfHours
)

func (r Rel) word() string {
	return [...]string{In: "is", Le: "le", Lt: "lt", Ge: "ge", Gt: "gt", Known: "known", NotIn: "not", InHours: "in_hours", OutOfHours: "out_of_hours"}[r]
}

func (c Cond) words(f *fact.Family) string {
	col := f.Columns[c.Column]
	name := col.Name
	if c.Since > 0 {
		name += " since " + f.Columns[c.Since-1].Name
	}
	switch c.Rel {
	case In:
		return name + " is " + strings.Join(c.Texts, " or ")
	case NotIn:
		return name + " is not " + strings.Join(c.Texts, " or ")
	case Known:
		return name + " is known"
	case InHours:
		return name + " is in the hours of " + c.Hours.Name
	case OutOfHours:
		return name + " is out of the hours of " + c.Hours.Name
	case Le, Lt, Ge, Gt:
	}
	number := func(v int64) string {
		switch {
		case c.Since > 0 || col.Type == fact.Duration:
			return fmt.Sprintf("%d ms", v)
		case col.Type == fact.Time:
			return time.UnixMilli(v).UTC().Format(time.RFC3339Nano)
		}
		return strconv.FormatInt(v, 10)
	}
	out := fmt.Sprintf("%s %s %s", name, map[Rel]string{Le: "≤", Lt: "<", Ge: "≥", Gt: ">"}[c.Rel], number(c.Int))
	for _, l := range c.Later {
		out += fmt.Sprintf(", %s from %s on", number(l.Int), time.UnixMilli(l.From).UTC().Format(time.RFC3339Nano))
	}
	return out
}

func (c Cond) name(f *fact.Family) string {
	name := "__" + f.Columns[c.Column].Name
	if c.Since > 0 {
		name += "_since_" + f.Columns[c.Since-1].Name
	}
	switch c.Rel {
	case In:
		return name + "_" + strings.Join(c.Texts, "_or_")
	case NotIn:
		return name + "_not_" + strings.Join(c.Texts, "_or_")
	case Known:
		return name + "_known"
	case InHours, OutOfHours:
		h := fnv.New32a() // other hours are another number
		fmt.Fprint(h, c.Hours.Editions(), c.Hours.Holidays())
		return fmt.Sprintf("%s_%s_%s_%08x", name, c.Rel.word(), c.Hours.Name, h.Sum32())
	}
	name = fmt.Sprintf("%s_%s_%d", name, c.Rel.word(), c.Int)
	for _, l := range c.Later {
		name += fmt.Sprintf("_from_%d_%d", l.From, l.Int)
	}
	return name
}

func meets(where []Cond, f *fact.Fact) bool {
	for i := range where {
		if !where[i].holds(f) {
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
	}
	n, known := v.Int, v.Set
	if c.Since > 0 {
		since := &f.Values[c.Since-1]
		n, known = n-since.Int, known && since.Set
	}
	if !known {
		return false
	}
	bound := c.Int
	for i := range c.Later {
		if at := &f.Values[c.When]; at.Set && at.Int >= c.Later[i].From {
			bound = c.Later[i].Int
		}
	}
	switch c.Rel {
	case Known:
		return true
	case InHours, OutOfHours:
		return c.Hours.AsOf(n).IsOpen(n) == (c.Rel == InHours)
	case Le:
		return n <= bound
	case Lt:
		return n < bound
	case Ge:
		return n >= bound
	case Gt:
		return n > bound
	}
	return false
}

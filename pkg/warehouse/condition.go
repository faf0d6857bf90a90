package warehouse

import (
	"fmt"
	"strings"

	"github.com/nabz/nabz/pkg/fact"
	"github.com/nabz/nabz/pkg/kpi"
)

// condition renders the conditions of a measure over a fact's columns.
func condition(f *fact.Family, where []kpi.Cond) string {
	out := []string{"1"}
	for _, c := range where {
		name := "f." + f.Columns[c.Column].Name
		var texts []string
		for _, t := range c.Texts {
			texts = append(texts, Quote(t))
		}
		number := number(f, c)
		switch c.Rel {
		case kpi.In:
			out = append(out, fmt.Sprintf("%s IN (%s)", name, strings.Join(texts, ", ")))
		case kpi.NotIn:
			out = append(out, fmt.Sprintf("%s NOT IN (%s)", name, strings.Join(texts, ", ")))
		case kpi.Known:
			out = append(out, fmt.Sprintf("isNotNull(%s)", number))
		case kpi.InHours, kpi.OutOfHours:
			open := map[kpi.Rel]int{kpi.InHours: 1}[c.Rel]
			out = append(out, fmt.Sprintf("isNotNull(%s) AND %s = %d", number, isOpen(c.Hours, fmt.Sprintf("assumeNotNull(%s)", number)), open))
		default:
			op := map[kpi.Rel]string{kpi.Le: "<=", kpi.Lt: "<", kpi.Ge: ">=", kpi.Gt: ">"}[c.Rel]
			out = append(out, fmt.Sprintf("coalesce(%s, 0) %s %s AND isNotNull(%[1]s)", number, op, bound(f, c)))
		}
	}
	return "(" + strings.Join(out, " AND ") + ")"
}

// number renders what a condition compares: a column, of an instant its ms, or
// the span to it from another instant.
func number(f *fact.Family, c kpi.Cond) string {
	ms := func(column int) string { return fmt.Sprintf("toUnixTimestamp64Milli(f.%s)", f.Columns[column].Name) }
	switch {
	case c.Since > 0:
		return fmt.Sprintf("(%s - %s)", ms(c.Column), ms(c.Since-1))
	case f.Columns[c.Column].Type == fact.Time && c.Rel != kpi.Known:
		return ms(c.Column)
	}
	return "f." + f.Columns[c.Column].Name
}

// bound renders what it is compared with, which may depend on when the fact was.
func bound(f *fact.Family, c kpi.Cond) string {
	if len(c.Later) == 0 {
		return fmt.Sprint(c.Int)
	}
	var b strings.Builder
	b.WriteString("multiIf(")
	for i := len(c.Later) - 1; i >= 0; i-- {
		fmt.Fprintf(&b, "toUnixTimestamp64Milli(f.%s) >= %d, %d, ", f.Columns[c.When].Name, c.Later[i].From, c.Later[i].Int)
	}
	fmt.Fprintf(&b, "%d)", c.Int)
	return b.String()
}

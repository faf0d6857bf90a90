package kpi

import (
	"fmt"
	"strings"
	"time"
)

// Page is the definition as a page for people, in Markdown: what it means, how
// it is counted and by whose rule, with its scenario as the example.
func (d *Definition) Page(scenario string) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("# %s", d.Title["en"])
	line("")
	line("<div dir=\"rtl\" lang=\"fa\">%s</div>", d.Title["fa"])
	line("")
	line("%s", d.Help)
	line("")
	line("| | |\n|---|---|")
	line("| name | `%s` |", d.Name)
	line("| formula | %s |", cell(d.Formula))
	line("| unit | %s |", d.Unit.Words())
	if d.Target != nil {
		line("| target | %s |", d.Target.words(d.Unit))
	}
	line("| counted from | %s, each in the interval of `%s` |", cell(strings.ToLower(d.Of.Doc[:1])+strings.TrimSuffix(d.Of.Doc[1:], ".")), d.Of.Columns[d.At].Name)
	line("| by | %s |", strings.Join(d.By, ", "))
	for _, p := range d.Params {
		line("| %s | %s |", p.Name, p.Words())
	}
	line("| source | %s |", cell(d.Source))
	line("| owner, level, family, kind | %s, %s, %s, %s |", d.Owner, d.Level, d.Family, strings.ToUpper(d.Kind))
	if len(d.Parents) > 0 {
		line("| drilled down from | %s |", strings.Join(d.Parents, ", "))
	}
	if len(d.Tags) > 0 {
		line("| tags | %s |", strings.Join(d.Tags, ", "))
	}
	line("")
	line("## How it is counted\n")
	line("| column | formula | source |\n|---|---|---|")
	for _, v := range d.Values {
		name := v.Name
		if name == "" {
			name = "value"
		}
		line("| `%s` | `%s` | %s |", name, v.Text, cell(v.Source))
	}
	line("\nWhat is divided by nothing has no value. The names in the formulas:\n")
	line("| name | what it is |\n|---|---|")
	for _, m := range d.Measures {
		words := m.Measure.opWords()
		if m.Measure.Op == Last {
			words += ", no value where there is none"
		}
		line("| `%s` | %s: %s |", m.Name, words, cell(m.Measure.sentence()))
	}
	line("\n## An example, with numbers worked out by hand\n")
	line("```\n%s\n```", strings.TrimSpace(scenario))
	line("\n## Where it is\n")
	line("`nabz get %[1]s --by %[2]s --grain hour`; in ClickHouse `nabz.kpi_%[1]s` by minute, `nabz.kpi_%[1]s_by_day`, `_by_week`, `_by_month`; on the gateway `/v1/kpis/%[1]s/values`.",
		d.Name, strings.Join(d.By, ","))
	return b.String()
}

// cell keeps a text inside one cell of a table.
func cell(s string) string { return strings.ReplaceAll(s, "|", "\\|") }

func (t *Target) words(u Unit) string {
	how := "at most"
	if t.AtLeast {
		how = "at least"
	}
	unit := ""
	if u == UnitSeconds {
		unit = " s"
	}
	return fmt.Sprintf("%s %g%s", how, t.Bound, unit)
}

func (m *Measure) opWords() string {
	switch m.Op {
	case Count:
		return "how many"
	case Sum:
		return "sum of " + m.Family.Columns[m.Column].Name
	case Level:
		return "how many at once"
	case Hist:
		return "distribution of " + m.Family.Columns[m.Column].Name
	case Max:
		return "greatest " + m.Family.Columns[m.Column].Name
	case Entities:
		return m.entityWords()
	case Last:
		return "sum of the last " + m.Family.Columns[m.Column].Name + " of each " + m.keyWords()
	case Born:
		return "how many " + m.keyWords() + " for the first time"
	case Back:
		if m.Hours {
			return "how many of the same " + m.keyWords() + " again, by days of 24 hours"
		}
		return "how many of the same " + m.keyWords() + " again, by days of the calendar"
	case During:
		begins := m.Family.Columns[m.From].Name
		if m.After > 0 {
			begins = (time.Duration(m.After) * time.Millisecond).String() + " after " + begins
		}
		return "time from " + begins + " to " + m.Family.Columns[m.To].Name
	case Among:
		what := "sum of " + m.Family.Columns[m.Column].Name
		if m.Counts {
			what = "how many"
		}
		return what + " of each " + m.keyWords() + m.In.words()
	case Again:
		return "how many are followed by another of the same " + m.keyWords() + " within " + (time.Duration(m.Within) * time.Millisecond).String()
	case Cell:
		if m.Axis != "" {
			return "the " + m.Axis + " of those in the cell, added up"
		}
		return "how many " + m.keyWords() + " are in the cell"
	}
	panic("kpi: unknown measure")
}

func (m *Measure) keyWords() string {
	var names []string
	for _, k := range m.Keys {
		names = append(names, m.Family.Columns[k].Name)
	}
	return strings.Join(names, " and ")
}

func (m *Measure) entityWords() string {
	s := "how many different " + m.keyWords()
	if m.AtLeast > 1 {
		s += fmt.Sprintf(" with %d facts or more", m.AtLeast)
	}
	for _, c := range m.Latest {
		s += ", the last of which has " + c.words(m.Family)
	}
	return s + m.In.words()
}

func (p Presence) words() string {
	return map[Presence]string{
		This: "", Before: ", in the interval before", Both: ", in this interval and the one before", New: ", for the first time ever",
		Returned: ", not in the interval before but earlier", Gone: ", in the interval before and not in this one",
	}[p]
}

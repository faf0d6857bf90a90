package warehouse

import (
	"fmt"
	"slices"
	"strings"

	"github.com/nabz/nabz/pkg/kpi"
)

// allView has the values of some KPIs in one shape. It finds the views of each
// by their names, so that those alone are planned that its reader asks for.
func (m *Model) allView(name, comment, grains, prefix string, dims []string) Statement {
	columns := append([]Column{
		{"kpi", "String", "", "Name of the KPI; a condition on it is what makes a query of this view cheap."},
		{"grain", "String", "", grains},
	}, m.longColumns(dims)...)
	// Feeds are few: the tables that joins make for many would be most of the
	// memory.
	return view(name, comment, columns,
		fmt.Sprintf("SELECT CAST(substring(_table, position(_table, '_') + 1), 'String') AS kpi, grain, scope, time, date, tenant, feed, %svalue, numerator, denominator, count, as_of, finality\nFROM merge(%s, '^%s')\nSETTINGS join_algorithm = 'hash'",
			cells(dims, ""), Quote(Internal), prefix))
}

// longView has the live KPIs, which a reader may ask for all at once. What a KPI
// that is no live one asks of facts is planned with far more.
func (m *Model) longView() Statement {
	return m.allView("kpi_values", "The values of all KPIs that are read by the second, in one shape. Those that ask all facts of an interval, such as cohorts, are in kpi_values_all.",
		"minute, day, week or month.", livePrefix, dimensions(m.live()))
}

// longestView has all KPIs, for who names those that are wanted.
func (m *Model) longestView() Statement {
	return m.allView("kpi_values_all", "The values of all KPIs in one shape, cohorts and what else is asked of all facts of an interval among them. Name those that you want, kpi = '…': each costs what its own views cost, and all of them together more than a reader may spend.",
		"minute, day, week or month; no minute of what is asked of all facts of an interval.", "("+livePrefix+"|"+askedPrefix+")", dimensions(m.KPIs.Definitions))
}

// livePrefix begins the names of the views of each live KPI, askedPrefix those of
// the others.
const (
	livePrefix  = "live_"
	askedPrefix = "asked_"
)

// live are the definitions that panes of one family answer.
func (m *Model) live() []*kpi.Definition {
	return slices.DeleteFunc(slices.Clone(m.KPIs.Definitions), func(d *kpi.Definition) bool { return !d.Live() })
}

// longColumns are those of rows of any KPI with some dimensions.
func (m *Model) longColumns(dims []string) []Column {
	columns := []Column{
		{"scope", "String", "", "The dimensions that the row keeps, separated by commas; empty: all together."},
		{"time", "DateTime('UTC')", "", "Start of the interval, UTC."},
		{"date", "Date", "", "Its day, in the zone " + m.Zone + "."},
		{"tenant", typeWord, "", "The tenant."},
		{"feed", typeWord, "", "The feed; empty is the live one."},
	}
	for _, d := range dims {
		columns = append(columns, Column{d, typeWord, "", "The " + d + ", where scope keeps it."})
	}
	return append(columns,
		Column{"value", "Nullable(Float64)", "", "The headline, in the KPI's unit."},
		Column{"numerator", "Nullable(Float64)", "", "What stands above the line of the formula."},
		Column{"denominator", "Nullable(Float64)", "", "What stands below the line of the formula."},
		Column{"count", "Nullable(Float64)", "", "How many facts the value is made of."},
		Column{"as_of", typeInstant, "", "Everything before this instant is in the value, UTC."},
		Column{"finality", "String", "", "open, closed or corrected."},
	)
}

// scopes are the choices of dimensions that the view of all KPIs has rows of:
// as few as can be, and all.
func scopes(d *kpi.Definition) [][]string {
	least := d.Kept(nil)
	if slices.Equal(least, d.Dims()) {
		return [][]string{least}
	}
	return [][]string{least, d.Dims()}
}

func scopeName(by []string) string { return Quote(strings.Join(by, ",")) }

// longViews are the rows of each KPI for the view of all.
func (m *Model) longViews() []Statement {
	var out []Statement
	for _, d := range m.KPIs.Definitions {
		if !d.Live() {
			out = append(out, m.askedView(d))
			continue
		}
		q := Query{Definition: d, By: append([]string{"grain", "scope"}, d.By...), Grain: several}
		columns := append([]Column{{"grain", "String", "", "minute, day, week or month."}}, m.longColumns(d.By)...)
		out = append(out, viewIn(Internal, livePrefix+d.Name, d.Help+" One row for each interval of each grain.", columns,
			fmt.Sprintf("SELECT v.grain AS grain, v.scope AS scope, toTimeZone(v.time, 'UTC') AS time, v.date AS date, v.tenant AS tenant, v.feed AS feed, %sv.value AS value, v.numerator AS numerator, v.denominator AS denominator, v.count AS count, v.as_of AS as_of, v.finality AS finality\nFROM (\n%s\n) AS v",
				cells(d.By, "v."), m.values(q, m.spans(d), false))))
	}
	return out
}

// askedView is that of a KPI that panes do not answer: each grain and choice of
// dimensions is a query of its own over the facts of the interval.
func (m *Model) askedView(d *kpi.Definition) Statement {
	var each []string
	for _, g := range viewGrains {
		if g.grain == Minute {
			continue
		}
		for _, by := range scopes(d) {
			var dims strings.Builder
			for _, dim := range d.Dims() {
				if slices.Contains(by, dim) {
					fmt.Fprintf(&dims, "toString(v.%[1]s) AS %[1]s, ", dim)
				} else {
					fmt.Fprintf(&dims, "'' AS %s, ", dim)
				}
			}
			q := Query{Definition: d, By: by, Grain: g.grain, Zone: m.Zone, WeekStart: m.WeekStart, Months: m.Months}
			each = append(each, fmt.Sprintf("SELECT %s AS grain, %s AS scope, toTimeZone(v.time, 'UTC') AS time, v.date AS date, v.tenant AS tenant, v.feed AS feed, %sv.value AS value, v.numerator AS numerator, v.denominator AS denominator, v.count AS count, v.as_of AS as_of, v.finality AS finality\nFROM (\n%s\n) AS v",
				Quote(string(g.grain)), scopeName(by), dims.String(), m.Values(q)))
		}
	}
	columns := append([]Column{{"grain", "String", "", "day, week or month."}}, m.longColumns(d.Dims())...)
	return viewIn(Internal, askedPrefix+d.Name, d.Help+" One row for each interval of each grain.", columns, strings.Join(each, "\nUNION ALL\n"))
}

// cells renders dimensions.
func cells(dims []string, prefix string) string {
	var b strings.Builder
	for _, d := range dims {
		fmt.Fprintf(&b, "toString(%s%s) AS %s, ", prefix, d, d)
	}
	return b.String()
}

// spans is a source in which each row of a definition's panes counts in every
// interval and scope. Minutes stand by themselves, so that whoever asks for
// another grain does not read them.
func (m *Model) spans(d *kpi.Definition) string {
	var long []Grain
	for _, g := range viewGrains {
		if g.grain != Minute {
			long = append(long, g.grain)
		}
	}
	return m.span(d, []Grain{Minute}) + "\nUNION ALL\n" + m.span(d, long)
}

func (m *Model) span(d *kpi.Definition, grains []Grain) string {
	var names, starts, ends, keeps []string
	for _, g := range grains {
		start, end := Query{Grain: g, Zone: m.Zone, WeekStart: m.WeekStart, Months: m.Months}.Interval()
		for _, by := range scopes(d) {
			names, starts, ends = append(names, Quote(string(g))), append(starts, start), append(ends, end)
			keeps = append(keeps, scopeName(by))
		}
	}
	grain, of := "grain", fmt.Sprintf("[%s] AS grain, ", strings.Join(names, ", "))
	if len(grains) == 1 {
		grain, of = Quote(string(grains[0]))+" AS grain", ""
	}
	pane := fmt.Sprint(grains[0].pane())
	var b strings.Builder
	fmt.Fprintf(&b, "SELECT src.tenant AS tenant, src.feed AS feed, src.bucket AS bucket, %s, scope, start, until, %s AS pane, %s AS last", grain, pane, lastPane("until", pane))
	for _, dim := range d.By {
		if slices.Contains(d.Kept(nil), dim) {
			fmt.Fprintf(&b, ", src.%[1]s AS %[1]s", dim)
		} else {
			fmt.Fprintf(&b, ", if(scope = %[2]s, src.%[1]s, '') AS %[1]s", dim, scopeName(d.By))
		}
	}
	for _, part := range parts(d) {
		fmt.Fprintf(&b, ", src.%[1]s AS %[1]s", part.alias)
	}
	fmt.Fprintf(&b, ", src.open_facts AS open_facts, src.changed_at AS changed_at, src.as_of AS as_of, src.closed AS closed\nFROM (\n%s\n) AS src\n", m.stored(Query{Definition: d, Grain: grains[0]}))
	fmt.Fprintf(&b, "ARRAY JOIN %s[%s] AS scope, [%s] AS start, [%s] AS until", of, strings.Join(keeps, ", "), strings.Join(starts, ", "), strings.Join(ends, ", "))
	return b.String()
}

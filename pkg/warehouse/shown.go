package warehouse

import (
	"fmt"
	"strings"
)

// ShownReadings is the table of what was shown.
const ShownReadings = "shown_reading"

func shownReadingTable() Table {
	return Table{
		Name: ShownReadings,
		Comment: "What stood on the walls at the end of each minute: one row for each KPI, choice of dimensions and window. It is never corrected; " +
			"of two boards that showed the same minute, the row of the one that had read more stands. Ordered as it is asked for, by KPI and window.",
		Columns: []Column{
			{"tenant", typeWord, "", "The tenant."},
			{"kpi", typeWord, "", "Name of the KPI."},
			{"window", typeWord, "", "1m, 5m, 15m, 30m, 60m or today."},
			{"minute", "DateTime('UTC')", codecTime, "Start of the minute at whose end it was shown, UTC."},
			{"scope", typeWord, "", "The dimensions that it keeps, separated by commas; empty: all together."},
			{"dims", "String", codecPlain, "Their values in that order, a JSON array."},
			{"from", typeInstant, codecTime, "Start of the window, UTC."},
			{"as_of", typeInstant, codecTime, "Everything before this instant was in it, UTC."},
			{"changed_at", typeInstant, codecTime, "as_of when its numbers had last changed, UTC."},
			{"epoch", "Int64", codecPlain, "Which computation, by its definitions."},
			{"partition", "Int32", codecPlain, "The partition of panes whose board showed it."},
			{"version", "Int64", codecTime, "Offset of the last pane that was in it."},
			{"numbers", "Map(LowCardinality(String), Float64)", codecPlain, "The figures by name, in the unit of the KPI: value, numerator, denominator, count and the variants. What divides by nothing is absent."},
		},
		Version:   "version",
		Partition: "toYYYYMM(minute)",
		Order:     []string{"tenant", "kpi", "window", "minute", "scope", "dims"},
	}
}

// shownDim is the value of a dimension in a row of the table, empty where the
// row does not keep it.
func shownDim(name string) string {
	return fmt.Sprintf("JSONExtractString(r.dims, indexOf(splitByChar(',', toString(r.scope)), %s))", Quote(name))
}

func shownNumber(name string) string {
	return fmt.Sprintf("if(mapContains(r.numbers, %[1]s), r.numbers[%[1]s], NULL)", Quote(name))
}

// kpiShownView is the record of what people saw, for them.
func (m *Model) kpiShownView() Statement {
	columns := []Column{
		{"time", "DateTime('UTC')", "", "The instant at which it was shown: the end of a minute, UTC."},
		{"date", "Date", "", "Its day, UTC."},
		{"tenant", typeWord, "", "The tenant."},
		{"kpi", typeWord, "", "Name of the KPI."},
		{"window", typeWord, "", "What it was shown of: the last 1m, 5m, 15m, 30m or 60m, or today."},
		{"scope", typeWord, "", "The dimensions that the row keeps, separated by commas; empty: all together."},
	}
	selects := []string{"addSeconds(r.minute, 60) AS time", "toDate(addSeconds(r.minute, 60)) AS date", "r.tenant AS tenant", "r.kpi AS kpi", "r.window AS window", "r.scope AS scope"}
	for _, d := range dimensions(m.live()) {
		columns = append(columns, Column{d, "String", "", "The " + d + ", where scope keeps it."})
		selects = append(selects, fmt.Sprintf("if(has(splitByChar(',', toString(r.scope)), %s), %s, '') AS %s", Quote(d), shownDim(d), d))
	}
	for _, n := range []struct{ name, doc string }{
		{"value", "The headline as it was shown, in the KPI's unit."},
		{"numerator", "What stood above the line of the formula."},
		{"denominator", "What stood below the line of the formula."},
		{"count", "How many facts the value was made of."},
	} {
		columns = append(columns, Column{n.name, "Nullable(Float64)", "", n.doc})
		selects = append(selects, shownNumber(n.name)+" AS "+n.name)
	}
	columns = append(columns,
		Column{"numbers", "Map(LowCardinality(String), Float64)", "", "All figures by name, the variants among them."},
		Column{"window_from", typeInstant, "", "Start of the window, UTC."},
		Column{"as_of", typeInstant, "", "Everything before this instant was in it, UTC."})
	selects = append(selects, "r.numbers AS numbers", "r.from AS window_from", "r.as_of AS as_of")
	return view("kpi_shown", "What stood on the walls at the end of each minute, as it was; what is true now of the same time is in the views of the KPIs.",
		columns, fmt.Sprintf("SELECT %s\nFROM %s.%s AS r FINAL", strings.Join(selects, ", "), Internal, ShownReadings))
}

package warehouse

import (
	"fmt"
	"strings"

	"github.com/nabz/nabz/pkg/kpi"
)

// Grain is the length of the intervals that values are asked for.
type Grain string

// The grains. Days, weeks and months are those of a zone.
const (
	Minute      Grain = "minute"
	QuarterHour Grain = "quarter_hour"
	Hour        Grain = "hour"
	Day         Grain = "day"
	Week        Grain = "week"
	Month       Grain = "month"
	All         Grain = "all" // one interval, as long as there are rows
)

// GrainNames are all grains, the shortest first.
func GrainNames() []string {
	return []string{string(Minute), string(QuarterHour), string(Hour), string(Day), string(Week), string(Month), string(All)}
}

// pane is the length of the panes that a grain is made of, s.
func (g Grain) pane() int {
	if g == Minute {
		return 60
	}
	return 900
}

// Query asks for the values of one definition.
type Query struct {
	Definition *kpi.Definition
	By         []string // dimensions that rows keep, a part of Definition.By
	Grain      Grain
	Zone       string   // IANA name; days, weeks and months are its own
	WeekStart  int      // 1 Monday to 7 Sunday
	Where      []string // conditions on tenant, feed, bucket and dimensions
	cells      bool     // show distributions too
	minutes    string   // of how many minutes' panes a row is, where not of its own alone
}

// Values is the query over panes. Its columns: time, date, tenant, feed, the
// dimensions, every measure, value, numerator, denominator, count, every
// variant, as_of and finality. What panes cannot tell for certain, extremes and
// when the oldest began, comes from facts.
func (m *Model) Values(q Query) string {
	return m.values(q, m.stored(q), false)
}

func (m *Model) stored(q Query) string {
	return strings.Join(append([]string{m.panes(q)}, m.fromFacts(q, fromFactsOnly)...), "\nUNION ALL\n")
}

// panes is a source: a subquery with the columns that values are made of:
// tenant, feed, bucket, dimensions, one column for each part, open_facts,
// changed_at, as_of, closed.
func (m *Model) panes(q Query) string {
	d := q.Definition
	var b strings.Builder
	b.WriteString("SELECT p.tenant AS tenant, p.feed AS feed, p.bucket AS bucket")
	for _, dim := range d.By {
		fmt.Fprintf(&b, ", p.%s AS %s", dim, dim)
	}
	for _, part := range parts(d) {
		expr := "p." + part.column
		if part.kind.ofFacts() {
			expr = part.kind.nothing()
		}
		fmt.Fprintf(&b, ", %s AS %s", expr, part.alias)
	}
	fmt.Fprintf(&b, ", p.%s AS open_facts, p.changed_at AS changed_at, s.as_of AS as_of, s.closed AS closed\n", d.Open.Parts()[0].Column)
	fmt.Fprintf(&b, "FROM %s.pane_%s AS p FINAL\n%s\nWHERE p.grain = %d",
		Internal, d.Of.Name, shownJoin("p"), q.Grain.pane())
	return b.String()
}

// shownJoin keeps the rows of the generation and epoch that are shown, with
// their clock.
func shownJoin(alias string) string {
	return fmt.Sprintf("INNER JOIN %s.shown AS s ON s.feed = %[2]s.feed AND s.generation = %[2]s.generation AND s.epoch = %[2]s.epoch AND s.tenant = if(%[2]s.feed = '', '', %[2]s.tenant)",
		Internal, alias)
}

// values adds the rows of a source up and works the formulas out; naive says
// that the source is of facts.
func (m *Model) values(q Query, source string, naive bool) string {
	d := q.Definition
	r := renderer{d, naive, q.minutes}
	var b strings.Builder
	b.WriteString("SELECT time, toDate(time) AS date, tenant, feed")
	for _, dim := range q.By {
		b.WriteString(", " + dim)
	}
	for _, p := range parts(d) {
		if p.kind != partHist || q.cells {
			b.WriteString(", " + p.alias)
		}
	}
	head := d.Values[0].Expr
	fmt.Fprintf(&b, ",\n  %s AS value", r.scaled(head))
	if num, den, ok := kpi.Ratio(head); ok {
		fmt.Fprintf(&b, ",\n  %s AS numerator, %s AS denominator", r.scaled(num), r.render(den))
	} else {
		fmt.Fprintf(&b, ",\n  %[1]s AS numerator, %[1]s AS denominator", nullNumber)
	}
	count := nullNumber
	if of, counts := d.CountOf(); counts {
		count = r.render(of)
	}
	fmt.Fprintf(&b, ", %s AS count", count)
	for _, v := range d.Values[1:] {
		fmt.Fprintf(&b, ",\n  %s AS %s", r.scaled(v.Expr), v.Name)
	}
	late := m.LatenessMs[d.Of.Kind]
	fmt.Fprintf(&b, ",\n  as_of, multiIf(open_facts > 0 OR (NOT closed AND as_of < addMilliseconds(toDateTime64(until, 3, 'UTC'), %[1]d)), 'open', "+
		"changed_at >= addMilliseconds(toDateTime64(until, 3, 'UTC'), %[1]d), 'corrected', 'closed') AS finality\n", late)
	fmt.Fprintf(&b, "FROM (\n%s\n)", m.grouped(q, source, naive))
	return b.String()
}

const nullNumber = "CAST(NULL, 'Nullable(Float64)')"

// grouped adds up by time and dimensions.
func (m *Model) grouped(q Query, source string, naive bool) string {
	d := q.Definition
	start, end := q.interval()
	var b strings.Builder
	fmt.Fprintf(&b, "SELECT %s AS time, %s AS until, tenant, feed", start, end)
	group := "tenant, feed"
	if q.Grain != All {
		group = "time, until, " + group
	}
	for _, dim := range q.By {
		b.WriteString(", " + dim)
		group += ", " + dim
	}
	var some []string
	for _, p := range parts(d) {
		fmt.Fprintf(&b, ", %s AS %s", p.joined(q, naive), p.alias)
		switch {
		case p.kind.ofFacts():
			some = append(some, "isNotNull("+p.alias+")")
		case p.kind == partHist:
			some = append(some, "notEmpty("+p.alias+"_lengths)")
		default:
			some = append(some, p.alias+" != 0")
		}
	}
	b.WriteString(", sum(src.open_facts) AS open_facts, max(src.changed_at) AS changed_at, any(src.as_of) AS as_of, any(src.closed) AS closed\n")
	fmt.Fprintf(&b, "FROM (\n%s\n) AS src\n", source)
	if len(q.Where) > 0 {
		fmt.Fprintf(&b, "WHERE %s\n", strings.Join(q.Where, " AND "))
	}
	fmt.Fprintf(&b, "GROUP BY %s\nHAVING %s", group, strings.Join(some, " OR "))
	return b.String()
}

// interval gives the expressions of the start and the end of the interval that
// a pane's bucket lies in.
func (q Query) interval() (start, end string) {
	zone := Quote(q.Zone)
	local := fmt.Sprintf("toTimeZone(src.bucket, %s)", zone)
	day := func(expr string) string { return fmt.Sprintf("toDateTime(%s, %s)", expr, zone) }
	switch q.Grain {
	case Minute:
		return local, fmt.Sprintf("addSeconds(%s, 60)", local)
	case QuarterHour:
		return local, fmt.Sprintf("addSeconds(%s, 900)", local)
	case Hour:
		start = fmt.Sprintf("toStartOfHour(%s)", local)
		return start, fmt.Sprintf("addHours(%s, 1)", start)
	case Day:
		date := fmt.Sprintf("toDate(%s)", local)
		return day(date), day(date + " + 1")
	case Week:
		date := fmt.Sprintf("toDate(%s)", local)
		first := fmt.Sprintf("(%s - modulo(toDayOfWeek(%s) + 7 - %d, 7))", date, date, q.weekStart())
		return day(first), day(first + " + 7")
	case Month:
		first := fmt.Sprintf("toStartOfMonth(%s)", local)
		return day(first), day(fmt.Sprintf("addMonths(%s, 1)", first))
	default: // All
	}
	return fmt.Sprintf("toTimeZone(min(src.bucket), %s)", zone), fmt.Sprintf("addSeconds(toTimeZone(max(src.bucket), %s), 900)", zone)
}

func (q Query) weekStart() int {
	if q.WeekStart < 1 || q.WeekStart > 7 {
		return 1
	}
	return q.WeekStart
}

// lastPane is the start of the last pane of the interval that the clock has
// reached.
func (q Query) lastPane() string {
	pane := q.Grain.pane()
	reached := fmt.Sprintf("toDateTime(intDiv(toUnixTimestamp(src.as_of), %[1]d) * %[1]d, 'UTC')", pane)
	if q.Grain == All {
		return reached
	}
	_, end := q.interval()
	return fmt.Sprintf("least(toTimeZone(addSeconds(%s, -%d), 'UTC'), greatest(%s, src.bucket))", end, pane, reached)
}

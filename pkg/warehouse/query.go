package warehouse

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/nabz/nabz/pkg/fact"
	"github.com/nabz/nabz/pkg/kpi"
)

// Grain is the length of the intervals that values are asked for.
type Grain string

// The grains. From days on they are those of a zone, from months on of a calendar.
const (
	Minute      Grain = "minute"
	QuarterHour Grain = "quarter_hour"
	Hour        Grain = "hour"
	Day         Grain = "day"
	Week        Grain = "week"
	Month       Grain = "month"
	Quarter     Grain = "quarter"
	Year        Grain = "year"
	All         Grain = "all" // one interval, as long as there are rows
	// several are intervals that the rows of the source name themselves: start,
	// until, pane (the length of panes, s) and last (the start of the last one).
	several Grain = "several"
)

// GrainNames are all grains, the shortest first.
func GrainNames() []string {
	return []string{string(Minute), string(QuarterHour), string(Hour), string(Day), string(Week), string(Month), string(Quarter), string(Year), string(All)}
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
	Months     Months   // of months, quarters and years
	Where      []string // conditions on tenant and feed
	Equal      []Equal  // of families that have the dimension, only what has the value
	Within     []string // conditions on the bucket
	Cells      []string // conditions on days of a cohort and parts of a grid
	cells      bool     // show distributions too
	minutes    string   // of how many minutes' panes a row is, where not of its own alone
}

// Equal asks for one value of a dimension.
type Equal struct{ Dim, Value string }

// among renders the conditions on the dimensions that a family has.
func (q Query) among(f *fact.Family, alias string) []string {
	var out []string
	for _, e := range q.Equal {
		if slices.Contains(f.Dims, e.Dim) {
			out = append(out, fmt.Sprintf("%s.%s = %s", alias, e.Dim, Quote(e.Value)))
		}
	}
	return out
}

// Values is the query over panes. Its columns: time, date, tenant, feed, the
// dimensions, every measure, value, numerator, denominator, count, every
// variant, as_of and finality. What panes cannot tell for certain, extremes and
// when the oldest began, comes from facts.
func (m *Model) Values(q Query) string {
	return m.values(q, m.stored(q), false)
}

// kept is the query with the dimensions that its answer has in any case.
func (q Query) kept() Query {
	if q.Grain == several {
		return q
	}
	q.By = q.Definition.Kept(q.By)
	return q
}

func (m *Model) stored(q Query) string {
	var sources []string
	for _, f := range paneFamilies(q.Definition) {
		sources = append(sources, m.panes(q, f))
	}
	return strings.Join(append(sources, m.fromFacts(q, fromFactsOnly, false)...), "\nUNION ALL\n")
}

// paneFamilies are the families of which a definition needs panes.
func paneFamilies(d *kpi.Definition) []*fact.Family {
	var out []*fact.Family
	for _, p := range own(d) {
		if f := p.measure.Family; !p.kind.ofFacts() && !slices.Contains(out, f) {
			out = append(out, f)
		}
	}
	return out
}

// panes is a source: a subquery with the columns that values are made of:
// tenant, feed, bucket, dimensions, one column for each part, open_facts,
// changed_at, as_of, closed.
func (m *Model) panes(q Query, f *fact.Family) string {
	d := q.Definition
	var b strings.Builder
	bucket := "p.bucket"
	if q.Grain.pane() != Minute.pane() {
		bucket = quarterOf(bucket)
	}
	fmt.Fprintf(&b, "SELECT p.tenant AS tenant, p.feed AS feed, %s AS bucket", bucket)
	dimensionsOf(&b, d, f, "p")
	for _, part := range own(d) {
		expr := q.ofPane(&part)
		if part.kind.ofFacts() || part.measure.Family != f {
			expr = part.kind.nothing()
		}
		fmt.Fprintf(&b, ", %s AS %s", expr, part.alias)
	}
	open := "toInt64(0)"
	for _, o := range d.Opens {
		if o.Family == f {
			open += " + p." + o.Parts()[0].Column
		}
	}
	fmt.Fprintf(&b, ", %s AS open_facts, p.changed_at AS changed_at, s.as_of AS as_of, s.closed AS closed\n", strings.TrimPrefix(open, "toInt64(0) + "))
	conds := append([]string{q.ofGrain()}, q.among(f, "p")...)
	fmt.Fprintf(&b, "FROM %s.pane_%s AS p FINAL\n%s\nWHERE %s", Internal, f.Name, shownJoin("p"), strings.Join(conds, " AND "))
	return b.String()
}

// The start of the quarter of an hour in which an instant lies, and of the minute
// in which the clock stands.
func quarterOf(at string) string {
	return fmt.Sprintf("toDateTime(intDiv(toUnixTimestamp(%s), 900) * 900, 'UTC')", at)
}

const minuteReached = "toDateTime(intDiv(toUnixTimestamp(s.as_of), 60) * 60, 'UTC')"

// ofGrain renders which panes a grain is made of. The quarter of an hour in
// which the clock of the live feed stands, whose generation is 0, and what lies ahead of it, has no rows
// yet, and is made of minutes; where they begin is asked for by itself too, for
// what a join brings helps no index.
func (q Query) ofGrain() string {
	if q.Grain.pane() == Minute.pane() {
		return "p.grain = 60"
	}
	begin := fmt.Sprintf("(SELECT %s FROM %s.shown AS s WHERE s.generation = 0)", quarterOf("min(s.as_of)"), Internal)
	return fmt.Sprintf("(p.grain = 900 OR p.grain = 60 AND p.generation = 0 AND p.bucket >= %s) AND (p.generation != 0 OR (p.grain = 60) = (p.bucket >= %s))",
		begin, quarterOf("s.as_of"))
}

// ofPane renders a part of a pane. Of the minutes that stand for a quarter of an
// hour, what is open counts as the quarter would have it: to its end where the
// clock stands in the minute, and not at all where that lies ahead.
func (q Query) ofPane(p *part) string {
	column := "p." + p.column
	if q.Grain.pane() == Minute.pane() {
		return column
	}
	switch p.kind {
	case partEnd:
		return fmt.Sprintf("if(p.grain = 900 OR p.bucket = %s, %s, 0)", minuteReached, column)
	case partMs:
		end := "p." + p.measure.Parts()[kpi.LevelEnd].Column
		return fmt.Sprintf("multiIf(p.grain = 900 OR p.bucket < %[1]s, %[2]s, p.bucket = %[1]s, %[2]s + %[3]s * (840 - toUnixTimestamp(p.bucket) %% 900) * 1000, 0)", minuteReached, column, end)
	default:
		return column
	}
}

// dimensionsOf renders the dimensions of a definition over rows of a family. One
// that it has not is empty.
func dimensionsOf(b *strings.Builder, d *kpi.Definition, f *fact.Family, alias string) {
	for _, dim := range d.Dims() {
		if slices.Contains(f.Dims, dim) {
			fmt.Fprintf(b, ", %s.%s AS %s", alias, dim, dim)
		} else {
			fmt.Fprintf(b, ", '' AS %s", dim)
		}
	}
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
	q = q.kept()
	d := q.Definition
	r := renderer{d, naive, q.minutes, q.Grain == All}
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
	fmt.Fprintf(&b, ",\n  %s AS value", q.ripe(r.scaled(head)))
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
		fmt.Fprintf(&b, ",\n  %s AS %s", q.ripe(r.scaled(v.Expr)), v.Name)
	}
	late := m.lateness(d)
	fmt.Fprintf(&b, ",\n  as_of, multiIf(open_facts > 0 OR (NOT closed AND as_of < addMilliseconds(toDateTime64(until, 3, 'UTC'), %[1]d)), 'open', "+
		"changed_at >= addMilliseconds(toDateTime64(until, 3, 'UTC'), %[1]d), 'corrected', 'closed') AS finality\n", late)
	fmt.Fprintf(&b, "FROM (\n%s\n)", q.shared(m.grouped(q, q.shifted(source), naive), naive))
	return b.String()
}

// lateness is that of the slowest of a definition's kinds, ms.
func (m *Model) lateness(d *kpi.Definition) int64 {
	late := m.LatenessMs[d.Of.Kind]
	for _, n := range d.Measures {
		late = max(late, m.LatenessMs[n.Measure.Family.Kind])
	}
	return late
}

// ripe renders that there is no value before its facts can be known.
func (q Query) ripe(value string) string {
	d := q.Definition
	switch {
	case d.AfterMs > 0:
		return fmt.Sprintf("if(as_of < addMilliseconds(toDateTime64(until, 3, 'UTC'), %d), NULL, %s)", d.AfterMs, value)
	case len(d.Days) > 0:
		return fmt.Sprintf("if(as_of < toDateTime64(%s, 3, 'UTC'), NULL, %s)", q.overAt("until"), value)
	}
	return value
}

// overAt renders when the days of a cell are over for whoever was born last in
// the interval.
func (q Query) overAt(until string) string {
	labels, days, hours := []string{}, []string{}, false
	for _, d := range q.Definition.Days {
		last := d.To
		if last == math.MaxInt32 {
			last = d.From
		}
		labels, days = append(labels, Quote(d.Label)), append(days, fmt.Sprint(last+1))
	}
	for _, n := range q.Definition.Measures {
		hours = hours || n.Measure.Hours
	}
	day := fmt.Sprintf("transform(toString(%s), [%s], [%s], 0)", kpi.DayName, strings.Join(labels, ", "), strings.Join(days, ", "))
	if hours {
		return fmt.Sprintf("addHours(%s, 24 * %s)", until, day)
	}
	return fmt.Sprintf("toDateTime(toDate(addSeconds(%s, -1)) + %s, %s)", until, day, Quote(q.Zone))
}

// shifted lets each row count in the interval after its own too, where a formula
// asks for the one before.
func (q Query) shifted(source string) string {
	d := q.Definition
	if len(own(d)) == len(parts(d)) {
		return source
	}
	_, end := q.Interval()
	turns := "[0, 1]"
	if q.Grain == All {
		turns, end = "[0]", "src.bucket"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "SELECT src.tenant AS tenant, src.feed AS feed, if(_turn = 1, toTimeZone(%s, 'UTC'), src.bucket) AS bucket", end)
	for _, dim := range d.Dims() {
		fmt.Fprintf(&b, ", src.%s AS %s", dim, dim)
	}
	for _, p := range parts(d) {
		name, here := "src."+p.alias, "0"
		if p.previous {
			name, here = "src."+strings.TrimPrefix(p.alias, "previous_"), "1"
		}
		fmt.Fprintf(&b, ", if(_turn = %s, %s, %s) AS %s", here, name, p.kind.nothing(), p.alias)
	}
	fmt.Fprintf(&b, ", if(_turn = 0, src.open_facts, 0) AS open_facts, src.changed_at AS changed_at, src.as_of AS as_of, src.closed AS closed\nFROM (\n%s\n) AS src\nARRAY JOIN %s AS _turn\nWHERE _turn = 0 OR %s <= src.as_of", source, turns, end)
	return b.String()
}

// shared lets measures of families that lack a dimension count in each of its
// values: the customers who are new, for each currency of what they cost.
func (q Query) shared(grouped string, naive bool) string {
	if q.Grain == several {
		return grouped // one family's alone
	}
	var selects, has []string
	some := false
	keys := []string{"tenant", "feed"}
	if q.Grain != All {
		keys = append(keys, "time", "until")
	}
	for _, p := range parts(q.Definition) {
		over := slices.Clone(keys)
		for _, dim := range q.By {
			if slices.Contains(p.measure.Family.Dims, dim) || q.Definition.Virtual(dim) {
				over = append(over, dim)
			}
		}
		if len(over) == len(keys)+len(q.By) {
			has, selects = append(has, p.said()), append(selects, p.columns(naive)...)
			continue
		}
		some = true
		selects = append(selects, fmt.Sprintf("sum(g.%[1]s) OVER (PARTITION BY %[2]s) AS %[1]s", p.alias, strings.Join(over, ", ")))
	}
	if !some {
		return grouped
	}
	keys = append([]string{"time", "until", "tenant", "feed"}, q.By...)
	return fmt.Sprintf("SELECT * FROM (\nSELECT %s, %s, open_facts, changed_at, as_of, closed FROM (\n%s\n) AS g\n) WHERE %s",
		strings.Join(keys, ", "), strings.Join(selects, ", "), grouped, strings.Join(has, " OR "))
}

const nullNumber = "CAST(NULL, 'Nullable(Float64)')"

// grouped adds up by time and dimensions.
func (m *Model) grouped(q Query, source string, naive bool) string {
	d := q.Definition
	start, end := q.Interval()
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
		some = append(some, p.said())
	}
	b.WriteString(", sum(src.open_facts) AS open_facts, max(src.changed_at) AS changed_at, any(src.as_of) AS as_of, any(src.closed) AS closed\n")
	fmt.Fprintf(&b, "FROM (\n%s\n) AS src\n", source)
	if conds := slices.Concat(q.Where, q.Within, q.Cells); len(conds) > 0 {
		fmt.Fprintf(&b, "WHERE %s\n", strings.Join(conds, " AND "))
	}
	fmt.Fprintf(&b, "GROUP BY %s\nHAVING %s", group, strings.Join(some, " OR "))
	return b.String()
}

// Interval gives the expressions of the start and the end of the interval that
// a pane's bucket lies in.
func (q Query) Interval() (start, end string) {
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
	case Month, Quarter, Year:
		first, next := q.Months.span(local, map[Grain]int{Month: 1, Quarter: 3, Year: 12}[q.Grain])
		return day(first), day(next)
	case several:
		return "src.start", "src.until"
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
	pane := fmt.Sprint(q.Grain.pane())
	switch q.Grain {
	case several:
		return "src.last"
	case All:
		return reached(pane)
	default:
	}
	_, end := q.Interval()
	return lastPane(end, pane)
}

func lastPane(end, pane string) string {
	return fmt.Sprintf("least(toTimeZone(addSeconds(%s, -%s), 'UTC'), greatest(%s, src.bucket))", end, pane, reached(pane))
}

func reached(pane string) string {
	return fmt.Sprintf("toDateTime(intDiv(toUnixTimestamp(src.as_of), %[1]s) * %[1]s, 'UTC')", pane)
}

// paneLength is that of the panes, s.
func (q Query) paneLength() string {
	if q.Grain == several {
		return "src.pane"
	}
	return fmt.Sprint(q.Grain.pane())
}

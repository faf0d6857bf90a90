package warehouse

import (
	"fmt"
	"strings"

	"github.com/nabz/nabz/pkg/fact"
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
}

// Values is the query over panes. Its columns: time, date, tenant, feed, the
// dimensions, every measure, value, numerator, denominator, count, every
// variant, as_of and finality.
func (m *Model) Values(q Query) string {
	return m.values(q, m.panes(q))
}

// source is a subquery with the columns that values are made of: tenant, feed,
// bucket, dimensions, one column for each part, open_facts, changed_at, as_of,
// closed.
func (m *Model) panes(q Query) string {
	d := q.Definition
	var b strings.Builder
	b.WriteString("SELECT p.tenant AS tenant, p.feed AS feed, p.bucket AS bucket")
	for _, dim := range d.By {
		fmt.Fprintf(&b, ", p.%s AS %s", dim, dim)
	}
	for _, part := range parts(d) {
		fmt.Fprintf(&b, ", p.%s AS %s", part.column, part.alias)
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

// part is one column of a measure under the name that a definition gives it.
type part struct {
	alias, column string
	measure       *kpi.Measure
	level         kpi.Figure
}

func parts(d *kpi.Definition) []part {
	var out []part
	for _, n := range d.Measures {
		p := n.Measure.Parts()
		if n.Measure.Op != kpi.Level {
			out = append(out, part{n.Name, p[0].Column, n.Measure, kpi.Whole})
			continue
		}
		out = append(out, part{n.Name + "_ms", p[0].Column, n.Measure, kpi.Mean}, part{n.Name + "_end", p[1].Column, n.Measure, kpi.AtEnd})
	}
	return out
}

// values adds the rows of a source up and works the formulas out.
func (m *Model) values(q Query, source string) string {
	d := q.Definition
	var b strings.Builder
	b.WriteString("SELECT time, toDate(time) AS date, tenant, feed")
	for _, dim := range q.By {
		b.WriteString(", " + dim)
	}
	for _, p := range parts(d) {
		b.WriteString(", " + p.alias)
	}
	head := d.Values[0].Expr
	fmt.Fprintf(&b, ",\n  %s AS value", scaled(d, head))
	if num, den, ok := kpi.Ratio(head); ok {
		fmt.Fprintf(&b, ",\n  %s AS numerator, %s AS denominator, %s AS count", scaled(d, num), render(d, den), render(d, den))
	} else {
		fmt.Fprintf(&b, ",\n  CAST(NULL, 'Nullable(Float64)') AS numerator, CAST(NULL, 'Nullable(Float64)') AS denominator, value AS count")
	}
	for _, v := range d.Values[1:] {
		fmt.Fprintf(&b, ",\n  %s AS %s", scaled(d, v.Expr), v.Name)
	}
	late := m.LatenessMs[d.Of.Kind]
	fmt.Fprintf(&b, ",\n  as_of, multiIf(open_facts > 0 OR (NOT closed AND as_of < addMilliseconds(toDateTime64(until, 3, 'UTC'), %[1]d)), 'open', "+
		"changed_at >= addMilliseconds(toDateTime64(until, 3, 'UTC'), %[1]d), 'corrected', 'closed') AS finality\n", late)
	fmt.Fprintf(&b, "FROM (\n%s\n)", m.grouped(q, source))
	return b.String()
}

// grouped adds up by time and dimensions.
func (m *Model) grouped(q Query, source string) string {
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
		expr := "sum(src." + p.alias + ")"
		if p.level == kpi.AtEnd {
			// Of a longer interval the end is the end of its last pane that
			// the clock has reached.
			expr = fmt.Sprintf("sumIf(src.%s, src.bucket = %s)", p.alias, q.lastPane())
		}
		fmt.Fprintf(&b, ", %s AS %s", expr, p.alias)
		some = append(some, p.alias+" != 0")
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

// scaled renders a formula in the unit of its definition. A quotient is of whole
// milliseconds, so that it is rounded once: the nearest number to the true one.
func scaled(d *kpi.Definition, e kpi.Expr) string {
	if d.Unit != kpi.UnitSeconds {
		return render(d, e)
	}
	if q, ok := e.(kpi.Binary); ok && q.Op == '/' {
		return fmt.Sprintf("(%s / nullIf(%s * 1000, 0))", render(d, q.Left), render(d, q.Right))
	}
	return render(d, e) + " / 1000"
}

// render makes SQL of a formula. What is divided by zero is NULL.
func render(d *kpi.Definition, e kpi.Expr) string {
	switch e := e.(type) {
	case kpi.Number:
		return fmt.Sprintf("toFloat64(%g)", e.Value)
	case kpi.Ref:
		switch e.At {
		case kpi.AtEnd:
			return fmt.Sprintf("toNullable(toFloat64(%s_end))", e.Measure)
		case kpi.Mean:
			return fmt.Sprintf("(%s_ms / nullIf(greatest(0, dateDiff('millisecond', toDateTime64(time, 3, 'UTC'), least(toDateTime64(until, 3, 'UTC'), as_of))), 0))", e.Measure)
		case kpi.Whole:
		}
		return fmt.Sprintf("toNullable(toFloat64(%s))", e.Measure)
	case kpi.Binary:
		if e.Op == '/' {
			return fmt.Sprintf("(%s / nullIf(%s, 0))", render(d, e.Left), render(d, e.Right))
		}
		return fmt.Sprintf("(%s %c %s)", render(d, e.Left), e.Op, render(d, e.Right))
	}
	panic("warehouse: unknown expression")
}

// Naive is the same query over facts: each part is a count or a sum with the
// definition's own conditions, without panes, versions or increments.
func (m *Model) Naive(q Query) string {
	return m.values(q, m.naive(q))
}

func (m *Model) naive(q Query) string {
	out := []string{m.naiveFlat(q)}
	for _, p := range parts(q.Definition) {
		if p.level == kpi.Mean {
			out = append(out, m.naiveLevel(q, p))
		}
	}
	return strings.Join(out, "\nUNION ALL\n")
}

// naiveFlat counts and sums at the definition's instant.
func (m *Model) naiveFlat(q Query) string {
	d := q.Definition
	at := "f." + d.Of.Columns[d.At].Name
	var b strings.Builder
	b.WriteString(naiveHead(q, fmt.Sprintf("toUnixTimestamp(%s)", at)))
	for _, p := range parts(d) {
		cond := condition(d.Of, p.measure.Where)
		switch p.measure.Op {
		case kpi.Count:
			fmt.Fprintf(&b, ", toInt64(%s) AS %s", cond, p.alias)
		case kpi.Sum:
			fmt.Fprintf(&b, ", if(%s, coalesce(f.%s, 0), 0) AS %s", cond, d.Of.Columns[p.measure.Column].Name, p.alias)
		default:
			fmt.Fprintf(&b, ", toInt64(0) AS %s", p.alias)
		}
	}
	fmt.Fprintf(&b, ", toInt64(%s) AS open_facts", condition(d.Of, d.Open.Where))
	b.WriteString(m.naiveTail(d, ""))
	fmt.Fprintf(&b, " AND isNotNull(%s)", at)
	return b.String()
}

// naiveLevel walks every fact through the intervals that it is open in.
func (m *Model) naiveLevel(q Query, level part) string {
	d, g := q.Definition, int64(q.Grain.pane())*1000
	from := fmt.Sprintf("toUnixTimestamp64Milli(assumeNotNull(f.%s))", d.Of.Columns[level.measure.From].Name)
	to := fmt.Sprintf("f.%s", d.Of.Columns[level.measure.To].Name)
	now := "toUnixTimestamp64Milli(c.now)"
	until := fmt.Sprintf("if(isNull(%s), greatest(%s, %s), toUnixTimestamp64Milli(assumeNotNull(%s)))", to, from, now, to)
	ends := fmt.Sprintf("if(isNull(%s), intDiv(%s, %d) * %d + %d, toUnixTimestamp64Milli(assumeNotNull(%s)))", to, now, g, g, g, to)
	var b strings.Builder
	b.WriteString(naiveHead(q, "intDiv(slot, 1000)"))
	for _, p := range parts(d) {
		switch {
		case p.measure == level.measure && p.level == kpi.Mean:
			fmt.Fprintf(&b, ", greatest(0, least(%s, slot + %d) - greatest(%s, slot)) AS %s", until, g, from, p.alias)
		case p.measure == level.measure && p.level == kpi.AtEnd:
			fmt.Fprintf(&b, ", toInt64(%s < slot + %d AND slot + %d <= %s) AS %s", from, g, g, ends, p.alias)
		default:
			fmt.Fprintf(&b, ", toInt64(0) AS %s", p.alias)
		}
	}
	b.WriteString(", toInt64(0) AS open_facts")
	slots := fmt.Sprintf("\nARRAY JOIN range(intDiv(%s, %d) * %d, greatest(%s, %s) + 1, %d) AS slot", from, g, g, until, ends, g)
	b.WriteString(m.naiveTail(d, slots))
	fmt.Fprintf(&b, " AND isNotNull(f.%s) AND f.%s != %s AND %s", d.Of.Columns[level.measure.From].Name,
		d.Of.Lost, Quote(fact.LostText), condition(d.Of, level.measure.Where))
	return b.String()
}

func naiveHead(q Query, seconds string) string {
	s := fmt.Sprintf("SELECT f.tenant AS tenant, f.feed AS feed, toDateTime(intDiv(%s, %d) * %d, 'UTC') AS bucket",
		seconds, q.Grain.pane(), q.Grain.pane())
	for _, dim := range q.Definition.By {
		s += fmt.Sprintf(", f.%s AS %s", dim, dim)
	}
	return s
}

func (m *Model) naiveTail(d *kpi.Definition, arrays string) string {
	return fmt.Sprintf(`, toDateTime64(0, 3, 'UTC') AS changed_at, f.as_of AS as_of, f.closed AS closed
FROM (
SELECT f.*, s.as_of AS as_of, s.closed AS closed FROM %[1]s.fact_%[2]s AS f FINAL
%[3]s
WHERE f.deleted = 0
) AS f
INNER JOIN (SELECT tenant, feed, generation, epoch, partition, max(now) AS now FROM %[1]s.progress FINAL WHERE topic = 'nabz.panes.v1' GROUP BY tenant, feed, generation, epoch, partition) AS c
ON c.feed = f.feed AND c.generation = f.generation AND c.epoch = f.epoch AND c.partition = f.partition AND c.tenant = if(f.feed = '', '', f.tenant)%[4]s
WHERE 1`, Internal, d.Of.Name, shownJoin("f"), arrays)
}

// condition renders the conditions of a measure over a fact's columns.
func condition(f *fact.Family, where []kpi.Cond) string {
	out := []string{"1"}
	for _, c := range where {
		name := "f." + f.Columns[c.Column].Name
		var texts []string
		for _, t := range c.Texts {
			texts = append(texts, Quote(t))
		}
		switch c.Rel {
		case kpi.In:
			out = append(out, fmt.Sprintf("%s IN (%s)", name, strings.Join(texts, ", ")))
		case kpi.NotIn:
			out = append(out, fmt.Sprintf("%s NOT IN (%s)", name, strings.Join(texts, ", ")))
		case kpi.Known:
			out = append(out, fmt.Sprintf("isNotNull(%s)", name))
		default:
			op := map[kpi.Rel]string{kpi.Le: "<=", kpi.Lt: "<", kpi.Ge: ">=", kpi.Gt: ">"}[c.Rel]
			out = append(out, fmt.Sprintf("coalesce(%s, 0) %s %d AND isNotNull(%s)", name, op, c.Int, name))
		}
	}
	return "(" + strings.Join(out, " AND ") + ")"
}

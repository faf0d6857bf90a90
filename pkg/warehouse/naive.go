package warehouse

import (
	"fmt"
	"slices"
	"strings"

	"github.com/nabz/nabz/pkg/fact"
	"github.com/nabz/nabz/pkg/kpi"
)

// Naive is the same query over facts: each part is a count or a sum with the
// definition's own conditions, without panes, versions or increments.
func (m *Model) Naive(q Query) string {
	return m.values(q, strings.Join(m.fromFacts(q, allParts, true), "\nUNION ALL\n"), true)
}

func allParts(partKind) bool { return true }

func fromFactsOnly(k partKind) bool { return k.ofFacts() }

// fromFacts are sources over facts that say something of the parts asked for:
// one for all that counts at an instant of a family, one for each level, and one
// for each that is made of the facts of a whole interval.
func (m *Model) fromFacts(q Query, which func(partKind) bool, naive bool) []string {
	d := q.Definition
	var flat []instant
	var out []string
	seen := map[*kpi.Measure]bool{}
	for _, o := range d.Opens {
		if at := (instant{o.Family, o.At}); which(partCount) && !slices.Contains(flat, at) {
			flat = append(flat, at)
		}
	}
	for _, p := range own(d) {
		at := instant{p.measure.Family, p.measure.At}
		switch {
		case !which(p.kind):
		case p.kind.whole() && naive:
			out = append(out, m.wholeNaively(q, p))
		case p.kind.whole():
			out = append(out, m.whole(q, p))
		case p.measure.Op == kpi.Level:
			if !seen[p.measure] {
				out = append(out, m.level(q, p.measure, which))
			}
			seen[p.measure] = true
		case !slices.Contains(flat, at):
			flat = append(flat, at)
		}
	}
	for _, at := range flat {
		out = append(out, m.flat(q, at, which))
	}
	return out
}

// instant is that of a family's facts at which they count.
type instant struct {
	family *fact.Family
	column int
}

// flat counts and sums at an instant.
func (m *Model) flat(q Query, when instant, which func(partKind) bool) string {
	d, f := q.Definition, when.family
	at := "f." + f.Columns[when.column].Name
	var b strings.Builder
	// A sum of none of what might be NULL is NULL.
	b.WriteString(naiveHead(q, f, fmt.Sprintf("toUnixTimestamp(assumeNotNull(%s))", at)))
	for _, p := range own(d) {
		expr, here := p.kind.nothing(), p.measure.Family == f && p.measure.At == when.column && p.measure.Op != kpi.Level
		taken := ""
		if here {
			taken = p.taken()
		}
		switch {
		case !which(p.kind) || !here && p.kind != partHist:
		case !here:
			fmt.Fprintf(&b, ", CAST([], 'Array(Int64)') AS %s_values", p.alias)
		case p.kind == partCount:
			expr = fmt.Sprintf("toInt64(%s)", taken)
		case p.kind == partSum:
			expr = fmt.Sprintf("if(%s, coalesce(%s, 0), 0)", taken, p.of())
		case p.kind == partGreatest:
			expr = fmt.Sprintf("if(%s, toInt64(%s), NULL)", taken, p.of())
		case p.kind == partHist:
			v := fmt.Sprintf("assumeNotNull(%s)", p.of())
			fmt.Fprintf(&b, ", if(%s, [%s], CAST([], 'Array(Int64)')) AS %s_values", taken, v, p.alias)
			expr = fmt.Sprintf("if(%s, map(%s, toInt64(1)), %s)", taken, bucketNaively(v), expr)
		}
		fmt.Fprintf(&b, ", %s AS %s", expr, p.alias)
	}
	open := "toInt64(0)"
	for _, o := range d.Opens {
		if which(partCount) && o.Family == f && o.At == when.column {
			open = fmt.Sprintf("toInt64(%s)", condition(f, o.Where))
		}
	}
	fmt.Fprintf(&b, ", %s AS open_facts", open)
	b.WriteString(m.naiveTail(q, f, ""))
	fmt.Fprintf(&b, " AND isNotNull(%s)", at)
	return b.String()
}

// level walks every fact through the intervals that it is open in.
func (m *Model) level(q Query, level *kpi.Measure, which func(partKind) bool) string {
	f, g := level.Family, int64(q.Grain.pane())*1000
	began := "f." + f.Columns[level.From].Name
	from := fmt.Sprintf("toUnixTimestamp64Milli(assumeNotNull(%s))", began)
	to := fmt.Sprintf("f.%s", f.Columns[level.To].Name)
	// What is open counts to the end of the interval in which the clock stands.
	ends := fmt.Sprintf("if(isNull(%s), intDiv(toUnixTimestamp64Milli(c.now), %d) * %d + %d, toUnixTimestamp64Milli(assumeNotNull(%s)))", to, g, g, g, to)
	last, reached := ends, ""
	if q.Grain.pane() != Minute.pane() {
		// On the live feed it counts in the quarter of an hour in which the clock
		// of all stands if it is open at the end of that minute, and in none behind.
		const quarter = "intDiv(toUnixTimestamp64Milli(f.as_of), 900000) * 900000"
		const minute = "(intDiv(toUnixTimestamp64Milli(f.as_of), 60000) * 60000 + 60000)"
		ends = fmt.Sprintf("if(f.generation = 0 AND slot = %s AND %s >= %s, slot + %d, %s)", quarter, ends, minute, g, ends)
		reached = fmt.Sprintf(" AND (f.generation != 0 OR slot <= %s AND %s < %s)", quarter, from, minute)
	}
	atEnd := fmt.Sprintf("%s < slot + %d AND slot + %d <= %s", from, g, g, ends)
	var b strings.Builder
	b.WriteString(naiveHead(q, f, "intDiv(slot, 1000)"))
	for _, p := range own(q.Definition) {
		expr := p.kind.nothing()
		switch {
		case p.measure != level || !which(p.kind):
		case p.kind == partMs:
			expr = fmt.Sprintf("greatest(0, least(%s, slot + %d) - greatest(%s, slot))", ends, g, from)
		case p.kind == partEnd:
			expr = fmt.Sprintf("toInt64(%s)", atEnd)
		case p.kind == partOldest:
			expr = fmt.Sprintf("if(%s, %s, NULL)", atEnd, began)
		}
		if p.kind == partHist && which(partHist) {
			fmt.Fprintf(&b, ", CAST([], 'Array(Int64)') AS %s_values", p.alias)
		}
		fmt.Fprintf(&b, ", %s AS %s", expr, p.alias)
	}
	b.WriteString(", toInt64(0) AS open_facts")
	slots := fmt.Sprintf("\nARRAY JOIN range(intDiv(%s, %d) * %d, greatest(%s, %s) + 1, %d) AS slot", from, g, g, from, last, g)
	b.WriteString(m.naiveTail(q, f, slots))
	fmt.Fprintf(&b, " AND isNotNull(%s) AND %s%s", began, condition(f, level.Where), reached)
	if f.Long && q.Grain.pane() == Minute.pane() {
		b.WriteString(" AND f.feed = ''") // of histories it is not kept
	}
	if f.Lost != "" {
		fmt.Fprintf(&b, " AND f.%s != %s", f.Lost, Quote(fact.LostText))
	}
	return b.String()
}

func naiveHead(q Query, f *fact.Family, seconds string) string {
	s := fmt.Sprintf("SELECT f.tenant AS tenant, f.feed AS feed, toDateTime(intDiv(%s, %d) * %d, 'UTC') AS bucket",
		seconds, q.Grain.pane(), q.Grain.pane())
	var b strings.Builder
	dimensionsOf(&b, q.Definition, f, "f")
	return s + b.String()
}

func (m *Model) naiveTail(q Query, f *fact.Family, arrays string) string {
	return fmt.Sprintf(`, toDateTime64(0, 3, 'UTC') AS changed_at, f.as_of AS as_of, f.closed AS closed
FROM (
SELECT f.*, s.as_of AS as_of, s.closed AS closed FROM %[1]s.fact_%[2]s AS f FINAL
%[3]s
WHERE f.deleted = 0
) AS f
INNER JOIN (SELECT tenant, feed, generation, epoch, partition, max(now) AS now FROM %[1]s.progress FINAL WHERE topic = 'nabz.panes.v1' GROUP BY tenant, feed, generation, epoch, partition) AS c
ON c.feed = f.feed AND c.generation = f.generation AND c.epoch = f.epoch AND c.partition = f.partition AND c.tenant = if(f.feed = '', '', f.tenant)%[4]s
WHERE %[5]s`, Internal, f.Name, shownJoin("f"), arrays, strings.Join(append([]string{"1"}, q.among(f, "f")...), " AND "))
}

package warehouse

import (
	"fmt"
	"strings"

	"github.com/nabz/nabz/pkg/fact"
	"github.com/nabz/nabz/pkg/kpi"
)

// Naive is the same query over facts: each part is a count or a sum with the
// definition's own conditions, without panes, versions or increments.
func (m *Model) Naive(q Query) string {
	return m.values(q, strings.Join(m.fromFacts(q, allParts), "\nUNION ALL\n"), true)
}

func allParts(partKind) bool { return true }

func fromFactsOnly(k partKind) bool { return k.ofFacts() }

// fromFacts are sources over facts that say something of the parts asked for:
// one for all that counts at the definition's instant, and one for each level.
func (m *Model) fromFacts(q Query, which func(partKind) bool) []string {
	var out []string
	levels := map[*kpi.Measure]bool{}
	flat := which(partSum)
	for _, p := range parts(q.Definition) {
		switch {
		case !which(p.kind):
		case p.measure.Op != kpi.Level:
			flat = true
		default:
			levels[p.measure] = true
		}
	}
	if flat {
		out = append(out, m.flat(q, which))
	}
	for _, n := range q.Definition.Measures {
		if levels[n.Measure] {
			out = append(out, m.level(q, n.Measure, which))
		}
	}
	return out
}

// flat counts and sums at the definition's instant.
func (m *Model) flat(q Query, which func(partKind) bool) string {
	d := q.Definition
	at := "f." + d.Of.Columns[d.At].Name
	var b strings.Builder
	// A sum of none of what might be NULL is NULL.
	b.WriteString(naiveHead(q, fmt.Sprintf("toUnixTimestamp(assumeNotNull(%s))", at)))
	for _, p := range parts(d) {
		expr, taken := p.kind.nothing(), p.taken(d.Of)
		switch {
		case !which(p.kind):
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
	if which(partCount) {
		open = fmt.Sprintf("toInt64(%s)", condition(d.Of, d.Open.Where))
	}
	fmt.Fprintf(&b, ", %s AS open_facts", open)
	b.WriteString(m.naiveTail(d, ""))
	fmt.Fprintf(&b, " AND isNotNull(%s)", at)
	return b.String()
}

// level walks every fact through the intervals that it is open in.
func (m *Model) level(q Query, level *kpi.Measure, which func(partKind) bool) string {
	d, g := q.Definition, int64(q.Grain.pane())*1000
	began := "f." + d.Of.Columns[level.From].Name
	from := fmt.Sprintf("toUnixTimestamp64Milli(assumeNotNull(%s))", began)
	to := fmt.Sprintf("f.%s", d.Of.Columns[level.To].Name)
	// What is open counts to the end of the interval in which the clock stands.
	ends := fmt.Sprintf("if(isNull(%s), intDiv(toUnixTimestamp64Milli(c.now), %d) * %d + %d, toUnixTimestamp64Milli(assumeNotNull(%s)))", to, g, g, g, to)
	atEnd := fmt.Sprintf("%s < slot + %d AND slot + %d <= %s", from, g, g, ends)
	var b strings.Builder
	b.WriteString(naiveHead(q, "intDiv(slot, 1000)"))
	for _, p := range parts(d) {
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
	slots := fmt.Sprintf("\nARRAY JOIN range(intDiv(%s, %d) * %d, greatest(%s, %s) + 1, %d) AS slot", from, g, g, from, ends, g)
	b.WriteString(m.naiveTail(d, slots))
	fmt.Fprintf(&b, " AND isNotNull(%s) AND f.%s != %s AND %s", began, d.Of.Lost, Quote(fact.LostText), condition(d.Of, level.Where))
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

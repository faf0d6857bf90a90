package warehouse

import (
	"fmt"
	"strings"

	"github.com/nabz/nabz/pkg/fact"
	"github.com/nabz/nabz/pkg/kpi"
)

// during gives the time of each fact in each interval: by panes of intervals
// that are shorter than a day, by days of the zone of all others.
func (m *Model) during(q Query, e *kpi.Measure) string {
	zone := Quote(q.Zone)
	if q.short() {
		g := int64(q.Grain.pane()) * 1000
		slots := fmt.Sprintf("range(intDiv(begun, %[1]d) * %[1]d, greatest(begun, ended) + 1, %[1]d)", g)
		return m.lying(q, e, slots, "toDateTime(intDiv(slot, 1000), 'UTC')", fmt.Sprintf("least(ended, slot + %d) - greatest(begun, slot)", g))
	}
	day := func(ms string) string {
		return fmt.Sprintf("toInt64(toDate(toTimeZone(fromUnixTimestamp64Milli(%s, 'UTC'), %s)))", ms, zone)
	}
	start := func(slot string) string { return fmt.Sprintf("toDateTime(toDate(%s), %s)", slot, zone) }
	ms := func(slot string) string { return fmt.Sprintf("1000 * toInt64(toUnixTimestamp(%s))", start(slot)) }
	return m.lying(q, e, fmt.Sprintf("range(%s, %s + 1)", day("begun"), day("greatest(begun, ended)")), fmt.Sprintf("toTimeZone(%s, 'UTC')", start("slot")),
		fmt.Sprintf("least(ended, %s) - greatest(begun, %s)", ms("slot + 1"), ms("slot")))
}

// duringNaively walks every fact through its minutes or quarters of an hour.
func (m *Model) duringNaively(q Query, e *kpi.Measure) string {
	g := int64(q.Grain.pane()) * 1000
	bucket := "toDateTime(intDiv(slot, 1000), 'UTC')"
	if !q.short() {
		bucket = fmt.Sprintf("toTimeZone(toDateTime(toDate(toTimeZone(%s, %[2]s)), %[2]s), 'UTC')", bucket, Quote(q.Zone))
	}
	slots := fmt.Sprintf("arrayMap(n -> n * %[1]d, range(intDiv(begun, %[1]d), intDiv(greatest(begun, ended), %[1]d) + 1))", g)
	return m.lying(q, e, slots, bucket, fmt.Sprintf("least(ended, slot + %d) - greatest(begun, slot)", g))
}

// short tells whether the grain is of no zone's days.
func (q Query) short() bool { return q.Grain == Minute || q.Grain == QuarterHour || q.Grain == Hour }

// lying gives rows of a measure: tenant, feed, bucket, dimensions, n, as_of,
// closed. Facts have begun and ended, ms, of what is open now.
func (m *Model) lying(q Query, e *kpi.Measure, slots, bucket, ms string) string {
	f := e.Family
	from, to := "f."+f.Columns[e.From].Name, "f."+f.Columns[e.To].Name
	conds := []string{"f.deleted = 0", fmt.Sprintf("isNotNull(%s)", from), condition(f, e.Where)}
	if f.Lost != "" {
		conds = append(conds, fmt.Sprintf("f.%s != %s", f.Lost, Quote(fact.LostText)))
	}
	conds = append(conds, q.among(f, "f")...)
	for _, c := range q.Where {
		conds = append(conds, strings.Replace(c, "src.", "f.", 1))
	}
	var b strings.Builder
	b.WriteString("SELECT f.tenant AS tenant, f.feed AS feed")
	dimensionsOf(&b, q.Definition, f, "f")
	fmt.Fprintf(&b, ", toUnixTimestamp64Milli(assumeNotNull(%s)) + %d AS begun, toUnixTimestamp64Milli(least(s.as_of, ifNull(%s, s.as_of))) AS ended, s.as_of AS as_of, s.closed AS closed\nFROM %s.fact_%s AS f FINAL\n%s\nWHERE %s",
		from, e.After, to, Internal, f.Name, shownJoin("f"), strings.Join(conds, " AND "))
	return fmt.Sprintf("SELECT tenant, feed, %s AS bucket%s, greatest(0, %s) AS n, as_of, closed FROM (\n%s\n) ARRAY JOIN %s AS slot", bucket, q.list(""), ms, b.String(), slots)
}

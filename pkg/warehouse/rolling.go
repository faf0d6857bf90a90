package warehouse

import (
	"fmt"
	"strings"

	"github.com/nabz/nabz/pkg/kpi"
)

// Shown asks what was shown of a KPI at the ends of minutes, and what is true
// of the same spans now.
type Shown struct {
	Definition *kpi.Definition
	Variant    string   // empty: the headline
	By         []string // one of the definition's scopes
	Window     string   // 1m, 5m, 15m, 30m, 60m or today
	Minutes    int64    // its length; 0: since the start of the day
	Zone       string   // of that day
	Filter     Filter   // From and To are of the ends
}

// AsShown is the query. Its columns: time, the end of a minute; tenant; the
// dimensions; shown and as_of, as it was then; value, what is true now of the
// window that ended at that time; difference, shown less value.
func (m *Model) AsShown(s Shown) string {
	number := s.Variant
	if number == "" {
		number = "value"
	}
	on, columns, order := "t.time = addSeconds(r.time, -60) AND t.tenant = r.tenant", "", "time, tenant"
	conds := []string{"kpi = " + Quote(s.Definition.Name), "window = " + Quote(s.Window), "scope = " + Quote(strings.Join(s.By, ","))}
	for _, dim := range s.By {
		on += fmt.Sprintf(" AND t.%[1]s = r.%[1]s", dim)
		columns += fmt.Sprintf(", r.%[1]s AS %[1]s", dim)
		order += ", " + dim
		if v, ok := s.Filter.Equal[dim]; ok {
			conds = append(conds, fmt.Sprintf("%s = %s", dim, Quote(v)))
		}
	}
	if s.Filter.Tenant != "" {
		conds = append(conds, "tenant = "+Quote(s.Filter.Tenant))
	}
	if s.Filter.FromMs != 0 {
		conds = append(conds, fmt.Sprintf("time >= toDateTime(%d, 'UTC')", s.Filter.FromMs/1000))
	}
	if s.Filter.ToMs != 0 {
		conds = append(conds, fmt.Sprintf("time < toDateTime(%d, 'UTC')", s.Filter.ToMs/1000))
	}
	return fmt.Sprintf(`SELECT toTimeZone(r.time, %[1]s) AS time, r.tenant AS tenant%[2]s, r.shown AS shown, r.as_of AS as_of, t.%[3]s AS value, r.shown - t.%[3]s AS difference
FROM (
SELECT *, if(mapContains(numbers, %[4]s), numbers[%[4]s], NULL) AS shown FROM %[5]s.kpi_shown WHERE %[6]s
) AS r
LEFT JOIN (
%[7]s
) AS t ON %[8]s
ORDER BY %[9]s`, Quote(s.Zone), columns, number, Quote(number), Public, strings.Join(conds, " AND "), m.rolling(s), on, order)
}

// rolling is the values of the window that ends with each minute.
func (m *Model) rolling(s Shown) string {
	f := s.Filter
	f.FromMs, f.ToMs = 0, 0
	q := f.Of(Query{Definition: s.Definition, By: s.By, Grain: Minute, Zone: s.Zone, minutes: fmt.Sprint(s.Minutes)})
	if s.Minutes == 0 {
		q.minutes = fmt.Sprintf("(intDiv(toUnixTimestamp(time) - toUnixTimestamp(toDateTime(toDate(time), %s)), 60) + 1)", Quote(s.Zone))
	}
	return m.values(q, m.spread(s, m.stored(q)), false)
}

// spread lets each row of a source count in every minute whose window it lies
// in. What is open at the end counts in its own alone.
func (m *Model) spread(s Shown, source string) string {
	bucket := "toUnixTimestamp(s.bucket)"
	until := fmt.Sprintf("%s + %d", bucket, s.Minutes*60)
	if s.Minutes == 0 {
		day := fmt.Sprintf("toDate(toTimeZone(s.bucket, %s))", Quote(s.Zone))
		until = fmt.Sprintf("toUnixTimestamp(toDateTime(%s + 1, %s))", day, Quote(s.Zone))
	}
	from := bucket
	if s.Filter.FromMs != 0 {
		from = fmt.Sprintf("greatest(%s, %d)", bucket, floorMinute(s.Filter.FromMs-1)/1000)
	}
	if s.Filter.ToMs != 0 {
		until = fmt.Sprintf("least(%s, %d)", until, s.Filter.ToMs/1000)
	}
	var b strings.Builder
	b.WriteString("SELECT s.tenant AS tenant, s.feed AS feed, toDateTime(slot, 'UTC') AS bucket")
	for _, dim := range s.Definition.By {
		fmt.Fprintf(&b, ", s.%[1]s AS %[1]s", dim)
	}
	for _, p := range parts(s.Definition) {
		expr := "s." + p.alias
		switch p.kind {
		case partEnd, partOldest:
			expr = fmt.Sprintf("if(slot = %s, %s, %s)", bucket, expr, p.kind.nothing())
		case partMs, partSum, partCount, partHist, partGreatest:
		}
		fmt.Fprintf(&b, ", %s AS %s", expr, p.alias)
	}
	b.WriteString(", s.open_facts AS open_facts, s.changed_at AS changed_at, s.as_of AS as_of, s.closed AS closed\n")
	fmt.Fprintf(&b, "FROM (\n%s\n) AS s\nARRAY JOIN range(toUInt32(%s), toUInt32(greatest(%s, %s)), 60) AS slot", source, from, from, until)
	return b.String()
}

func floorMinute(ms int64) int64 { return ms - ms%60_000 }

package warehouse

import (
	"fmt"
	"strings"
)

// Compare is the query that holds the values over panes against those over
// facts, cell by cell. Its one row: cells, differences, and up to ten examples
// as text.
func (m *Model) Compare(q Query) string {
	d, q := q.Definition, q.kept()
	q.cells = true
	keys := append([]string{"tenant", "feed", "time"}, q.By...)
	var cells []string
	for _, p := range parts(d) {
		cells = append(cells, fmt.Sprintf("ifNull(toString(%s), 'NULL')", p.alias))
	}
	cells = append(cells, "ifNull(toString(value), 'NULL')")
	for _, v := range d.Values[1:] {
		cells = append(cells, fmt.Sprintf("ifNull(toString(%s), 'NULL')", v.Name))
	}
	columns := strings.Join(keys, ", ") + ", [" + strings.Join(cells, ", ") + "] AS cell"
	return fmt.Sprintf(`SELECT toInt64(count()) AS cells, toInt64(countIf(stored != proved)) AS differences,
  groupArrayIf(10)(example, stored != proved) AS examples
FROM (
SELECT %[1]s, groupArrayIf(cell, side = 'stored') AS stored, groupArrayIf(cell, side = 'proved') AS proved,
  concat(%[2]s, ' has ', toString(stored), ', should have ', toString(proved)) AS example
FROM (
SELECT 'stored' AS side, %[3]s FROM (
%[4]s
)
UNION ALL
SELECT 'proved' AS side, %[3]s FROM (
%[5]s
)
) GROUP BY %[1]s
)`, strings.Join(keys, ", "), keyText(keys), columns, m.Values(q), m.Naive(q))
}

func keyText(keys []string) string {
	var out []string
	for _, k := range keys {
		out = append(out, "toString("+k+")")
	}
	return strings.Join(out, ", '/', ")
}

// Filter are the conditions of a query on one feed, within a span of time.
type Filter struct {
	Tenant   string // empty: all
	Feed     string
	FromMs   int64 // 0: no bound
	ToMs     int64 // 0: no bound
	Equal    map[string]string
	Complete bool // only intervals that the clock has passed
}

// Of narrows a query to what the filter lets through.
func (f Filter) Of(q Query) Query {
	q.Where, q.Within, q.Cells = []string{"src.feed = " + Quote(f.Feed)}, f.within(q.Grain), nil
	if f.Tenant != "" {
		q.Where = append(q.Where, "src.tenant = "+Quote(f.Tenant))
	}
	q.Equal = nil
	for _, dim := range q.Definition.Dims() {
		v, ok := f.Equal[dim]
		switch {
		case !ok:
		case q.Definition.Virtual(dim):
			q.Cells = append(q.Cells, fmt.Sprintf("src.%s = %s", dim, Quote(v)))
		default:
			q.Equal = append(q.Equal, Equal{dim, v})
		}
	}
	return q
}

// within renders the filter's span of time, for values of a grain.
func (f Filter) within(g Grain) []string {
	var out []string
	if f.FromMs != 0 {
		out = append(out, fmt.Sprintf("src.bucket >= toDateTime(%d, 'UTC')", f.FromMs/1000))
	}
	if f.ToMs != 0 {
		out = append(out, fmt.Sprintf("src.bucket < toDateTime(%d, 'UTC')", f.ToMs/1000))
	}
	if f.Complete {
		out = append(out, fmt.Sprintf("addSeconds(src.bucket, %d) <= src.as_of", g.pane()))
	}
	return out
}

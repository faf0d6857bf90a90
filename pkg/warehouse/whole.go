package warehouse

import (
	"fmt"
	"strings"

	"github.com/nabz/nabz/pkg/kpi"
)

// whole is a source of a part that does not add up: who was there in a whole
// interval, however often. Each interval and group gives one row, in the first
// pane of the interval.
func (m *Model) whole(q Query, p part) string {
	q = q.kept().forFacts()
	var sql string
	switch p.measure.Op {
	case kpi.Last:
		sql = q.entities(m.entityFacts(q, p.measure), "1", "sum(latest)")
	case kpi.Born:
		sql = q.born(m, p.measure)
	case kpi.Back:
		sql = q.back(m, p.measure)
	case kpi.Cell:
		sql = m.cellsOf(q, p.measure)
	case kpi.During:
		sql = m.during(q, p.measure)
	case kpi.Among:
		sql = q.sumAmong(m.entityFacts(q, p.measure), p.measure.In)
	case kpi.Again:
		sql = q.again(m.entityFacts(q, p.measure), p.measure)
	default: // kpi.Entities
		if p.measure.In == kpi.This {
			sql = q.entities(m.entityFacts(q, p.measure), fmt.Sprintf("times >= %d AND fits = 1", p.measure.AtLeast), "count()")
		} else {
			sql = q.present(m.entityFacts(q, p.measure), p.measure.In)
		}
	}
	return q.wholeRows(p, sql)
}

// forFacts is the query as facts are asked: where a formula needs the interval
// before, its facts lie outside of the span that is asked for.
func (q Query) forFacts() Query {
	if q.Grain != All && len(own(q.Definition)) != len(parts(q.Definition)) {
		q.Within = nil
	}
	return q
}

// wholeRows gives the rows of a part, tenant, feed, bucket, those dimensions that
// are kept, n and as_of, the columns of a source.
func (q Query) wholeRows(p part, sql string) string {
	d := q.Definition
	var b strings.Builder
	b.WriteString("SELECT w.tenant AS tenant, w.feed AS feed, w.bucket AS bucket")
	for _, dim := range d.Dims() {
		fmt.Fprintf(&b, ", %s AS %s", q.cell(dim, "w."), dim)
	}
	for _, o := range own(d) {
		expr := o.kind.nothing()
		if o.alias == p.alias {
			expr = "toInt64(w.n)"
			if o.kind == partLast {
				expr = "toNullable(toInt64(w.n))"
			}
		}
		if o.kind == partHist {
			fmt.Fprintf(&b, ", CAST([], 'Array(Int64)') AS %s_values", o.alias)
		}
		fmt.Fprintf(&b, ", %s AS %s", expr, o.alias)
	}
	fmt.Fprintf(&b, ", toInt64(0) AS open_facts, toDateTime64(0, 3, 'UTC') AS changed_at, w.as_of AS as_of, w.closed AS closed\nFROM (\n%s\n) AS w", sql)
	return b.String()
}

// cell renders a dimension that is kept, or nothing.
func (q Query) cell(dim, prefix string) string {
	for _, k := range q.By {
		if k == dim {
			return prefix + dim
		}
	}
	return "''"
}

// list renders the dimensions that are kept, each with a comma before it.
func (q Query) list(prefix string, but ...string) string {
	var b strings.Builder
	for _, dim := range q.By {
		if len(but) == 0 || dim != but[0] {
			fmt.Fprintf(&b, ", %s%s", prefix, dim)
			if prefix != "" {
				fmt.Fprintf(&b, " AS %s", dim)
			}
		}
	}
	return b.String()
}

// entityFacts are the facts that a measure takes, as src: tenant, feed, bucket,
// dimensions, key, at, id, fits (whether it says what the latest must say),
// amount, as_of, closed.
func (m *Model) entityFacts(q Query, e *kpi.Measure) string {
	f := e.Family
	at := "f." + f.Columns[e.At].Name
	var keys, known []string
	merges := ""
	for _, k := range e.Keys {
		name := "toString(f." + f.Columns[k].Name + ")"
		known = append(known, name+" != ''")
		if mf := m.merging(f.Columns[k].Name); mf != nil && merges == "" {
			merges = fmt.Sprintf("\nLEFT JOIN %s AS i ON i.tenant = f.tenant AND i.feed = f.feed AND i.entity = %s", identities(mf), name)
			name = fmt.Sprintf("if(i.root != '', i.root, %s)", name)
		}
		keys = append(keys, name)
	}
	amount := "toInt64(0)"
	if e.Op == kpi.Among && e.Counts {
		amount = "toInt64(1)"
	} else if e.Op == kpi.Last || e.Op == kpi.Sum || e.Op == kpi.Among {
		amount = "toInt64(f." + f.Columns[e.Column].Name + ")"
		known = append(known, "isNotNull("+amount+")")
	}
	var b strings.Builder
	fmt.Fprintf(&b, "SELECT f.tenant AS tenant, f.feed AS feed, toDateTime(intDiv(toUnixTimestamp(assumeNotNull(%s)), %[2]d) * %[2]d, 'UTC') AS bucket", at, q.Grain.pane())
	dimensionsOf(&b, q.Definition, f, "f")
	fmt.Fprintf(&b, ", concat(%s) AS key, assumeNotNull(%s) AS at, f.id AS id, toUInt8(%s) AS fits, assumeNotNull(%s) AS amount, s.as_of AS as_of, s.closed AS closed\n",
		strings.Join(keys, `, '\0', `), at, condition(f, e.Latest), amount)
	for _, c := range q.Where {
		known = append(known, strings.Replace(c, "src.", "f.", 1))
	}
	if e.Op != kpi.Born && e.Op != kpi.Back && e.Op != kpi.Again { // these look at what lies elsewhere, too
		known = append(known, q.among(f, "f")...)
	}
	fmt.Fprintf(&b, "FROM %s.fact_%s AS f FINAL\n%s%s\nWHERE f.deleted = 0 AND isNotNull(%s) AND %s AND %s",
		Internal, f.Name, shownJoin("f"), merges, at, condition(f, e.Where), strings.Join(known, " AND "))
	return b.String()
}

// where renders the query's conditions, where there are any.
func where(conds ...[]string) string {
	var all []string
	for _, c := range conds {
		all = append(all, c...)
	}
	if len(all) == 0 {
		return ""
	}
	return "\nWHERE " + strings.Join(all, " AND ")
}

// slot renders the start of the interval of a row of src, in UTC, and the group
// that it makes. All is one interval, from the first pane on.
func (q Query) slot() (expr, group string) {
	if q.Grain == All {
		return "min(src.bucket)", ""
	}
	start, _ := q.Interval()
	return fmt.Sprintf("toTimeZone(%s, 'UTC')", start), ", slot"
}

// entities counts over what each entity is in each interval: times, fits and
// latest.
func (q Query) entities(facts, having, count string) string {
	slot, group := q.slot()
	inner := fmt.Sprintf("SELECT tenant, feed%s, key, %s AS slot, max(src.bucket) AS newest, count() AS times, argMax(src.fits, (src.at, src.id)) AS fits, argMax(src.amount, (src.at, src.id)) AS latest, any(src.as_of) AS as_of, any(src.closed) AS closed\nFROM (\n%s\n) AS src%s\nGROUP BY tenant, feed%s, key%s",
		q.list("src."), slot, facts, where(q.Where, q.Within), q.list(""), group)
	if q.Grain != All {
		return fmt.Sprintf("SELECT tenant, feed%[1]s, slot AS bucket, %[2]s AS n, any(as_of) AS as_of, any(closed) AS closed FROM (\n%[3]s\n) WHERE %[4]s GROUP BY tenant, feed%[1]s, slot", q.list(""), count, inner, having)
	}
	return q.ends(fmt.Sprintf("SELECT tenant, feed%[1]s, min(slot) AS oldest, max(newest) AS newest, %[2]s AS n, any(as_of) AS as_of, any(closed) AS closed FROM (\n%[3]s\n) WHERE %[4]s GROUP BY tenant, feed%[1]s", q.list(""), count, inner, having))
}

// ends gives a row at the first pane of all, and one that says nothing at the
// last.
func (q Query) ends(sql string) string {
	return fmt.Sprintf("SELECT tenant, feed%s, if(first = 1, oldest, newest) AS bucket, if(first = 1, n, 0) AS n, as_of, closed FROM (\n%s\n) ARRAY JOIN [1, 0] AS first", q.list(""), sql)
}

// present counts those that are there, or were in the interval before.
func (q Query) present(facts string, in kpi.Presence) string {
	if q.Grain == All {
		// There is none before; new are those whose first fact lies within.
		n := "0"
		if in == kpi.New {
			n = "count()"
		}
		return q.ends(fmt.Sprintf("SELECT tenant, feed%[1]s, min(bucket) AS oldest, max(bucket) AS newest, %[2]s AS n, any(as_of) AS as_of, any(closed) AS closed FROM (\nSELECT tenant, feed%[1]s, key, min(src.bucket) AS bucket, any(src.as_of) AS as_of, any(src.closed) AS closed FROM (\n%[3]s\n) AS src%[4]s GROUP BY tenant, feed%[1]s, key\n) AS src%[5]s\nGROUP BY tenant, feed%[1]s",
			q.list(""), n, facts, where(q.Where), where(q.Within)))
	}
	start, end := q.Interval()
	count := map[kpi.Presence]string{
		kpi.Before: "was", kpi.Both: "here AND was", kpi.New: "here AND slot = debut", kpi.Returned: "here AND NOT was AND slot > debut", kpi.Gone: "was AND NOT here",
	}[in]
	active := fmt.Sprintf("SELECT tenant, feed%[1]s, key, toTimeZone(%[2]s, 'UTC') AS beginning, toTimeZone(%[3]s, 'UTC') AS ending, any(src.as_of) AS as_of, any(src.closed) AS closed FROM (\n%[4]s\n) AS src%[5]s\nGROUP BY tenant, feed%[6]s, key, beginning, ending",
		q.list("src."), start, end, facts, where(q.Where), q.list(""))
	each := fmt.Sprintf("SELECT tenant, feed%[1]s, key, if(_turn = 1, a.ending, a.beginning) AS slot, max(_turn = 0) AS here, max(_turn = 1) AS was, min(slot) OVER (PARTITION BY tenant, feed%[1]s, key) AS debut, any(a.as_of) AS as_of, any(a.closed) AS closed FROM (\n%[2]s\n) AS a ARRAY JOIN [0, 1] AS _turn\nWHERE _turn = 0 OR a.ending <= a.as_of\nGROUP BY tenant, feed%[1]s, key, slot",
		q.list(""), active)
	return fmt.Sprintf("SELECT tenant, feed%[1]s, slot AS bucket, countIf(%[2]s) AS n, any(as_of) AS as_of, any(closed) AS closed FROM (\n%[3]s\n) GROUP BY tenant, feed%[1]s, slot", q.list(""), count, each)
}

// bornRows are the entities with their first fact: tenant, feed, bucket,
// dimensions, key, at.
func (q Query) bornRows(m *Model, e *kpi.Measure) string {
	dims := ""
	for _, dim := range q.Definition.By {
		dims += fmt.Sprintf(", argMin(o.%[1]s, (o.at, o.id)) AS %[1]s", dim)
	}
	return fmt.Sprintf("SELECT o.tenant AS tenant, o.feed AS feed, o.key AS key, argMin(o.bucket, (o.at, o.id)) AS bucket%s, min(o.at) AS at, any(o.as_of) AS as_of, any(o.closed) AS closed FROM (\n%s\n) AS o GROUP BY tenant, feed, key",
		dims, m.entityFacts(q, e))
}

// spans renders the days of the definition as an array of tuples.
func (q Query) spans() string {
	var out []string
	for _, d := range q.Definition.Days {
		out = append(out, fmt.Sprintf("(%s, toInt64(%d), toInt64(%d))", Quote(d.Label), d.From, d.To))
	}
	return "[" + strings.Join(out, ", ") + "]"
}

func (q Query) born(m *Model, e *kpi.Measure) string {
	slot, group := q.slot()
	return fmt.Sprintf("SELECT tenant, feed%[1]s, span.1 AS day, %[2]s AS slot, count() AS n, any(src.as_of) AS as_of, any(src.closed) AS closed, slot AS bucket FROM (\n%[3]s\n) AS src ARRAY JOIN %[4]s AS span%[5]s\nGROUP BY tenant, feed%[6]s, day%[7]s",
		q.list("src.", kpi.DayName), slot, q.bornRows(m, e), q.spans(), where(q.Where, q.among(e.Family, "src"), q.Within), q.list("", kpi.DayName), group)
}

// nth renders on which of its days a fact lies, told by its time and that of
// the entity's first.
func (q Query) nth(e *kpi.Measure, at, first string) string {
	if e.Hours {
		return fmt.Sprintf("intDiv(intDiv(toUnixTimestamp(%s), 3600) - intDiv(toUnixTimestamp(%s), 3600), 24)", at, first)
	}
	zone := Quote(q.Zone)
	return fmt.Sprintf("toInt64(toDate(toTimeZone(%s, %s))) - toInt64(toDate(toTimeZone(%s, %s)))", at, zone, first, zone)
}

func (q Query) back(m *Model, e *kpi.Measure) string {
	slot, group := q.slot()
	born := q.Definition.Born()
	joined := fmt.Sprintf("SELECT b.*, days FROM (\n%s\n) AS b INNER JOIN (\nSELECT a.tenant AS tenant, a.feed AS feed, a.key AS key, groupUniqArray(%s) AS days FROM (\n%s\n) AS a INNER JOIN (\n%s\n) AS c ON c.tenant = a.tenant AND c.feed = a.feed AND c.key = a.key GROUP BY tenant, feed, key\n) AS d ON d.tenant = b.tenant AND d.feed = b.feed AND d.key = b.key",
		q.bornRows(m, born), q.nth(e, "a.at", "c.at"), m.entityFacts(q, e), q.bornRows(m, born))
	return fmt.Sprintf("SELECT tenant, feed%[1]s, span.1 AS day, %[2]s AS slot, countIf(arrayExists(x -> x >= span.2 AND x <= span.3, src.days)) AS n, any(src.as_of) AS as_of, any(src.closed) AS closed, slot AS bucket FROM (\n%[3]s\n) AS src ARRAY JOIN %[4]s AS span%[5]s\nGROUP BY tenant, feed%[6]s, day%[7]s",
		q.list("src.", kpi.DayName), slot, joined, q.spans(), where(q.Where, q.among(born.Family, "src"), q.Within), q.list("", kpi.DayName), group)
}

// wholeNaively is the same source another way: by the place of each fact among
// those of its entity, and by asking in which sets somebody is.
func (m *Model) wholeNaively(q Query, p part) string {
	q = q.kept().forFacts()
	e := p.measure
	var sql string
	switch {
	case e.Op == kpi.Last:
		sql = q.ranked(m.entityFacts(q, e), "sumIf(amount, nth = 1)")
	case e.Op == kpi.Cell:
		sql = m.cellsNaively(q, e)
	case e.Op == kpi.During:
		sql = m.duringNaively(q, e)
	case e.Op == kpi.Among && q.Grain == All:
		sql = q.sumAmong(m.entityFacts(q, e), e.In)
	case e.Op == kpi.Among:
		sql = q.sumAmongNaively(m.entityFacts(q, e), e.In)
	case e.Op == kpi.Again:
		sql = q.againNaively(m.entityFacts(q, e), e)
	case e.Op == kpi.Born, e.Op == kpi.Back:
		sql = q.followed(m, e)
	case e.In == kpi.This:
		sql = q.ranked(m.entityFacts(q, e), fmt.Sprintf("countIf(nth = 1 AND times >= %d AND fits = 1)", e.AtLeast))
	case q.Grain == All:
		sql = q.present(m.entityFacts(q, e), e.In)
	default:
		sql = q.presentNaively(m.entityFacts(q, e), e.In)
	}
	return q.wholeRows(p, sql)
}

// ranked counts over the facts of an interval, each with its place among those
// of its entity, the last first, and how many there are.
func (q Query) ranked(facts, count string) string {
	slot, group := "src.bucket", ""
	if q.Grain != All {
		slot, group = q.slot()
	}
	among := fmt.Sprintf("OVER (PARTITION BY src.tenant, src.feed%s, src.key%s", q.names("src."), group)
	inner := fmt.Sprintf("SELECT src.tenant AS tenant, src.feed AS feed%s, %s AS slot, src.fits AS fits, src.amount AS amount, row_number() %[3]s ORDER BY src.at DESC, src.id DESC) AS nth, count() %[3]s) AS times, src.as_of AS as_of, src.closed AS closed FROM (\n%[4]s\n) AS src%[5]s",
		q.list("src."), slot, among, facts, where(q.Where, q.Within))
	if q.Grain == All {
		return q.ends(fmt.Sprintf("SELECT tenant, feed%[1]s, min(slot) AS oldest, max(slot) AS newest, %[2]s AS n, any(as_of) AS as_of, any(closed) AS closed FROM (\n%[3]s\n) GROUP BY tenant, feed%[1]s", q.list(""), count, inner))
	}
	return fmt.Sprintf("SELECT tenant, feed%[1]s, slot AS bucket, %[2]s AS n, any(as_of) AS as_of, any(closed) AS closed FROM (\n%[3]s\n) GROUP BY tenant, feed%[1]s, slot", q.list(""), count, inner)
}

// names renders the dimensions that are kept, bare.
func (q Query) names(prefix string) string {
	var b strings.Builder
	for _, dim := range q.By {
		fmt.Fprintf(&b, ", %s%s", prefix, dim)
	}
	return b.String()
}

// presentNaively asks of everyone who was there in an interval or in the one
// before, in which of these sets it is.
func (q Query) presentNaively(facts string, in kpi.Presence) string {
	start, end := q.Interval()
	each := fmt.Sprintf("SELECT DISTINCT src.tenant AS tenant, src.feed AS feed%s, src.key AS key, toTimeZone(%s, 'UTC') AS beginning, toTimeZone(%s, 'UTC') AS ending, src.as_of AS as_of, src.closed AS closed FROM (\n%s\n) AS src%s",
		q.list("src."), start, end, facts, where(q.Where))
	who := "tenant, feed" + q.list("") + ", key"
	rows := fmt.Sprintf("SELECT DISTINCT %s, arrayJoin(if(ending <= as_of, [beginning, ending], [beginning])) AS slot, as_of, closed FROM (\n%s\n)", who, each)
	now := fmt.Sprintf("(%[1]s, slot) IN (SELECT %[1]s, beginning FROM (\n%[2]s\n))", who, each)
	was := fmt.Sprintf("(%[1]s, slot) IN (SELECT %[1]s, ending FROM (\n%[2]s\n) WHERE ending <= as_of)", who, each)
	debut := fmt.Sprintf("(%[1]s, slot) IN (SELECT %[1]s, min(beginning) FROM (\n%[2]s\n) GROUP BY %[1]s)", who, each)
	cond := map[kpi.Presence]string{
		kpi.Before: was, kpi.Both: now + " AND " + was, kpi.New: debut,
		kpi.Returned: now + " AND NOT " + was + " AND NOT " + debut, kpi.Gone: was + " AND NOT " + now,
	}[in]
	return fmt.Sprintf("SELECT tenant, feed%[1]s, slot AS bucket, countIf(%[2]s) AS n, any(as_of) AS as_of, any(closed) AS closed FROM (\n%[3]s\n) GROUP BY tenant, feed%[1]s, slot", q.list(""), cond, rows)
}

// followed counts the members of cohorts fact by fact.
func (q Query) followed(m *Model, e *kpi.Measure) string {
	slot, group := q.slot()
	born := q.Definition.Born()
	firsts := fmt.Sprintf("SELECT * FROM (\n%s\n) ORDER BY at, id LIMIT 1 BY tenant, feed, key", m.entityFacts(q, born))
	if e.Op == kpi.Back {
		nth := fmt.Sprintf("dateDiff('day', toTimeZone(src.at, %[1]s), toTimeZone(later.at, %[1]s))", Quote(q.Zone))
		if e.Hours {
			nth = "intDiv(dateDiff('hour', toStartOfHour(src.at), toStartOfHour(later.at)), 24)"
		}
		return fmt.Sprintf("SELECT src.tenant AS tenant, src.feed AS feed%[1]s, arrayJoin(arrayFilter(l -> l.2 <= %[2]s AND %[2]s <= l.3, %[3]s)).1 AS day, %[4]s AS slot, uniqExact(src.key) AS n, any(src.as_of) AS as_of, any(src.closed) AS closed, slot AS bucket FROM (\n%[5]s\n) AS src\nINNER JOIN (\nSELECT DISTINCT tenant, feed, key, at FROM (\n%[6]s\n)\n) AS later ON later.tenant = src.tenant AND later.feed = src.feed AND later.key = src.key%[7]s\nGROUP BY tenant, feed%[8]s, day%[9]s",
			q.list("src.", kpi.DayName), nth, q.spans(), slot, firsts, m.entityFacts(q, e), where(q.Where, q.among(born.Family, "src"), q.Within), q.list("", kpi.DayName), group)
	}
	var labels []string
	for _, d := range q.Definition.Days {
		labels = append(labels, Quote(d.Label))
	}
	return fmt.Sprintf("SELECT src.tenant AS tenant, src.feed AS feed%[1]s, span AS day, %[2]s AS slot, count() AS n, any(src.as_of) AS as_of, any(src.closed) AS closed, slot AS bucket FROM (\n%[3]s\n) AS src\nCROSS JOIN (SELECT arrayJoin([%[4]s]) AS span) AS spans%[5]s\nGROUP BY tenant, feed%[6]s, day%[7]s",
		q.list("src.", kpi.DayName), slot, firsts, strings.Join(labels, ", "), where(q.Where, q.among(born.Family, "src"), q.Within), q.list("", kpi.DayName), group)
}

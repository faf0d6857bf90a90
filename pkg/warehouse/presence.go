package warehouse

import (
	"fmt"
	"strings"

	"github.com/nabz/nabz/pkg/kpi"
)

// sumAmong adds the facts up of those who are present in a way: of who is in the
// interval before alone, what was then.
func (q Query) sumAmong(facts string, in kpi.Presence) string {
	if q.Grain == All {
		// There is none before; new are those whose first fact lies within.
		n := "0"
		if in == kpi.New {
			n = "sum(amount)"
		}
		within := strings.Join(append([]string{"1"}, q.Within...), " AND ")
		return q.ends(fmt.Sprintf("SELECT tenant, feed%[1]s, min(bucket) AS oldest, max(newest) AS newest, %[2]s AS n, any(as_of) AS as_of, any(closed) AS closed FROM (\nSELECT tenant, feed%[1]s, key, min(src.bucket) AS bucket, maxIf(src.bucket, %[6]s) AS newest, sumIf(src.amount, %[6]s) AS amount, any(src.as_of) AS as_of, any(src.closed) AS closed FROM (\n%[3]s\n) AS src%[4]s GROUP BY tenant, feed%[1]s, key\n) AS src%[5]s\nGROUP BY tenant, feed%[1]s",
			q.list(""), n, facts, where(q.Where), where(q.Within), within))
	}
	start, end := q.Interval()
	sum := map[kpi.Presence]string{
		kpi.Before: "sum(past)", kpi.Both: "sumIf(mine, here AND was)", kpi.New: "sumIf(mine, here AND slot = debut)",
		kpi.Returned: "sumIf(mine, here AND NOT was AND slot > debut)", kpi.Gone: "sumIf(past, was AND NOT here)",
	}[in]
	active := fmt.Sprintf("SELECT tenant, feed%[1]s, key, toTimeZone(%[2]s, 'UTC') AS beginning, toTimeZone(%[3]s, 'UTC') AS ending, sum(src.amount) AS amount, any(src.as_of) AS as_of, any(src.closed) AS closed FROM (\n%[4]s\n) AS src%[5]s\nGROUP BY tenant, feed%[6]s, key, beginning, ending",
		q.list("src."), start, end, facts, where(q.Where), q.list(""))
	each := fmt.Sprintf("SELECT tenant, feed%[1]s, key, if(_turn = 1, a.ending, a.beginning) AS slot, max(_turn = 0) AS here, max(_turn = 1) AS was, sumIf(a.amount, _turn = 0) AS mine, sumIf(a.amount, _turn = 1) AS past, min(slot) OVER (PARTITION BY tenant, feed%[1]s, key) AS debut, any(a.as_of) AS as_of, any(a.closed) AS closed FROM (\n%[2]s\n) AS a ARRAY JOIN [0, 1] AS _turn\nWHERE _turn = 0 OR a.ending <= a.as_of\nGROUP BY tenant, feed%[1]s, key, slot",
		q.list(""), active)
	return fmt.Sprintf("SELECT tenant, feed%[1]s, slot AS bucket, %[2]s AS n, any(as_of) AS as_of, any(closed) AS closed FROM (\n%[3]s\n) GROUP BY tenant, feed%[1]s, slot", q.list(""), sum, each)
}

// sumAmongNaively asks of each fact in which sets whoever it is of is.
func (q Query) sumAmongNaively(facts string, in kpi.Presence) string {
	start, end := q.Interval()
	each := fmt.Sprintf("SELECT src.tenant AS tenant, src.feed AS feed%s, src.key AS key, src.amount AS amount, toTimeZone(%s, 'UTC') AS beginning, toTimeZone(%s, 'UTC') AS ending, src.as_of AS as_of, src.closed AS closed FROM (\n%s\n) AS src%s",
		q.list("src."), start, end, facts, where(q.Where))
	who := "tenant, feed" + q.list("") + ", key"
	now := fmt.Sprintf("(%[1]s, slot) IN (SELECT %[1]s, beginning FROM (\n%[2]s\n))", who, each)
	was := fmt.Sprintf("(%[1]s, slot) IN (SELECT %[1]s, ending FROM (\n%[2]s\n))", who, each)
	debut := fmt.Sprintf("(%[1]s, slot) IN (SELECT %[1]s, min(beginning) FROM (\n%[2]s\n) GROUP BY %[1]s)", who, each)
	slot, cond := "beginning", map[kpi.Presence]string{
		kpi.Before: "1", kpi.Both: was, kpi.New: debut, kpi.Returned: "NOT " + was + " AND NOT " + debut, kpi.Gone: "NOT " + now,
	}[in]
	if in == kpi.Before || in == kpi.Gone {
		slot, cond = "ending", cond+" AND slot <= told"
	}
	return fmt.Sprintf("SELECT tenant, feed%[1]s, slot AS bucket, sumIf(amount, %[2]s) AS n, any(told) AS as_of, any(closed) AS closed FROM (\nSELECT %[3]s, amount, %[4]s AS slot, as_of AS told, closed FROM (\n%[5]s\n)\n) GROUP BY tenant, feed%[1]s, slot",
		q.list(""), cond, who, slot, each)
}

// again gives each fact with whether another of the same entity follows it soon
// enough.
func (q Query) again(facts string, e *kpi.Measure) string {
	marked := fmt.Sprintf("SELECT *, leadInFrame(at) OVER (PARTITION BY tenant, feed, key ORDER BY at, id ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS next FROM (\n%s\n)", facts)
	return fmt.Sprintf("SELECT src.tenant AS tenant, src.feed AS feed%s, src.bucket AS bucket, toInt64(src.next >= src.at AND dateDiff('millisecond', src.at, src.next) <= %d) AS n, src.as_of AS as_of, src.closed AS closed FROM (\n%s\n) AS src%s",
		q.list("src."), e.Within, marked, where(q.Where, q.among(e.Family, "src")))
}

// againNaively looks for the other among all facts of the entity.
func (q Query) againNaively(facts string, e *kpi.Measure) string {
	all := fmt.Sprintf("SELECT tenant, feed, key, groupArray((toUnixTimestamp64Milli(at), id)) AS ones FROM (\n%s\n) GROUP BY tenant, feed, key", facts)
	ms := "toUnixTimestamp64Milli(src.at)"
	return fmt.Sprintf("SELECT src.tenant AS tenant, src.feed AS feed%s, src.bucket AS bucket, toInt64(arrayExists(o -> o > (%[2]s, src.id) AND o.1 - %[2]s <= %[3]d, b.ones)) AS n, src.as_of AS as_of, src.closed AS closed FROM (\n%[4]s\n) AS src INNER JOIN (\n%[5]s\n) AS b ON b.tenant = src.tenant AND b.feed = src.feed AND b.key = src.key%[6]s",
		q.list("src."), ms, e.Within, facts, all, where(q.Where, q.among(e.Family, "src")))
}

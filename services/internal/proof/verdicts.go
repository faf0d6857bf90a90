package proof

import (
	"context"
	"fmt"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/nabz/nabz/pkg/fact"
	"github.com/nabz/nabz/pkg/sla"
	"github.com/nabz/nabz/pkg/warehouse"
)

// Verdicts holds how deadlines ended against the facts: what is over was met or
// was late, by its own columns, and what goes on is neither. What was said in
// between, and whom, is not looked at. Rows behind the progress of either topic
// do not count yet.
func Verdicts(ctx context.Context, conn driver.Conn, s Scope) (Report, error) {
	r := Report{Name: "deadlines"}
	for _, p := range s.Catalog.Deadlines.Policies {
		var compared, different int64
		var examples []string
		args := append(s.args(p.Of.Kind), clickhouse.Named("policy", p.Name))
		if err := conn.QueryRow(ctx, compareVerdicts(p), args...).Scan(&compared, &different, &examples); err != nil {
			return r, fmt.Errorf("compare the deadlines of %s with facts: %w", p.Name, err)
		}
		r.Compared += compared
		r.Different += different
		r.Examples = append(r.Examples, examples[:min(len(examples), maxExamples-len(r.Examples))]...)
	}
	return r, nil
}

// compareVerdicts is the query that holds the verdicts of one policy against
// facts. Its one row: deadlines, differences, and the first of them as text.
func compareVerdicts(p *sla.Policy) string {
	lost := "0"
	if p.Of.Lost != "" {
		lost = fmt.Sprintf("%s = '%s'", p.Of.Lost, fact.LostText)
	}
	return fmt.Sprintf(`WITH reached AS (
  SELECT tenant AS of, partition AS task, min(position) AS until FROM (
    SELECT tenant, partition, topic, topic_partition, max(position) AS position FROM nabz_internal.progress
    WHERE feed = {feed:String} AND generation = {generation:Int64} AND epoch = {epoch:Int64} AND topic IN ('nabz.facts.v1', 'nabz.verdicts.v1')
    GROUP BY tenant, partition, topic, topic_partition
  ) GROUP BY tenant, partition
)
SELECT toInt64(count()), toInt64(countIf(differs)),
  arrayMap(e -> e.2, groupArraySortedIf(%[1]d)((opened_at, concat('deadline ', {policy:String}, ' of ', tenant, '/', item, ' ', toString(id), ' of ',
    toString(opened_at), ': is ', if(stored = '', 'not there', stored), ', should be ', if(proved = '', 'not there', proved))), differs))
FROM (
  SELECT tenant, partition, item, id, opened_at, maxIf(said, side = 'stored') AS stored, maxIf(said, side = 'proved') AS proved, max(version) AS newest,
    if(proved = 'open', stored NOT IN ('', 'open'), stored != proved) AS differs
  FROM (
    SELECT 'stored' AS side, tenant, partition, item, id, began_at AS opened_at, version,
      multiIf(state IN ('at_risk', 'breached'), 'open', state = 'withdrawn', '', concat(toString(state), ' due ', toString(due_at))) AS said
    FROM nabz_internal.verdict FINAL
    WHERE kind = 'deadline' AND policy = {policy:String} AND feed = {feed:String} AND generation = {generation:Int64} AND epoch = {epoch:Int64}
      AND ({tenant:String} = '' OR tenant = {tenant:String})
    UNION ALL
    SELECT 'proved' AS side, tenant, partition, item, id, opened_at, version,
      ifNull(multiIf(due IS NULL, '', %[2]s IS NULL AND NOT (%[3]s), 'open',
        concat(if(%[2]s <= due, 'met', 'met_late'), ' due ', toString(due))), '') AS said
    FROM (
      SELECT *, %[4]s AS due FROM nabz_internal.fact_%[5]s FINAL
      WHERE deleted = 0 AND feed = {feed:String} AND generation = {generation:Int64} AND epoch = {epoch:Int64}
        AND ({tenant:String} = '' OR tenant = {tenant:String})
    )
  )
  WHERE toUnixTimestamp64Milli(opened_at) >= {from:Int64} AND toUnixTimestamp64Milli(opened_at) < {to:Int64}
  GROUP BY tenant, partition, item, id, opened_at
  HAVING stored != '' OR proved NOT IN ('', 'open')
) AS x
LEFT JOIN reached AS g ON g.of = if({feed:String} = '', '', x.tenant) AND g.task = x.partition
WHERE x.newest < g.until`, maxExamples, p.Of.Columns[p.To].Name, lost, due(p), p.Of.Name)
}

// due is the deadline of a fact, NULL where it has none.
func due(p *sla.Policy) string {
	var b strings.Builder
	fmt.Fprintf(&b, "multiIf(NOT (%s), NULL", conditions(p, p.Where))
	for _, t := range p.Targets {
		fmt.Fprintf(&b, ", %s, addMilliseconds(%s, %d)", conditions(p, t.Match), p.Of.Columns[p.From].Name, t.Ms)
	}
	return b.String() + ", NULL)"
}

func conditions(p *sla.Policy, all []sla.Match) string {
	if len(all) == 0 {
		return "1"
	}
	var parts []string
	for _, m := range all {
		var texts []string
		for _, t := range m.Texts {
			texts = append(texts, warehouse.Quote(t))
		}
		not := ""
		if m.Not {
			not = "NOT "
		}
		parts = append(parts, fmt.Sprintf("%s %sIN (%s)", p.Of.Columns[m.Column].Name, not, strings.Join(texts, ", ")))
	}
	return strings.Join(parts, " AND ")
}

package warehouse

import (
	"fmt"
	"strings"
)

// rowTopics are the topics whose rows are computed: what an epoch has loaded of
// each is told behind its rows.
const rowTopics = "'nabz.facts.v1', 'nabz.panes.v1', 'nabz.verdicts.v1'"

// epochsView says of each feed which epochs there are and how far each has
// come. One is whole when, in every partition of every topic, the rows of its
// tasks are loaded up to where any older epoch stood: until then it misses what
// an older one has. A feed that the log does not hold any more never becomes
// whole in a newer epoch.
func epochsView() Statement {
	return viewIn(Internal, "epochs", "The computations of each feed, and how far each has come.", []Column{
		{"tenant", typeWord, "", "The tenant; empty for the live feed, which all share."},
		{"feed", typeWord, "", "The feed; empty is the live one."},
		{"generation", "Int64", "", "Which filling of a named feed; 0 on the live feed."},
		{"epoch", "Int64", "", "The number of the computation."},
		{"as_of", typeInstant, "", "Everything before this instant is in its rows, UTC."},
		{"closed", "UInt8", "", "1: the feed's clock stands still."},
		{"definitions", typeWord, "", "What stands for its definitions."},
		{"reached", "Int64", "", "Of the records that the newest older epoch has, how many are in its rows too, counted by offsets."},
		{"needed", "Int64", "", "How many of them there are."},
		{"whole", "UInt8", "", "1: it has all that any older epoch has."},
	}, fmt.Sprintf(`SELECT tenant, feed, generation, epoch, as_of, closed, definitions, reached, needed,
  behind = 0 AND parts >= max(parts) OVER (PARTITION BY tenant, feed, generation ORDER BY epoch ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS whole
FROM (
  SELECT tenant, feed, generation, epoch, minIf(now, topic = 'nabz.panes.v1') AS as_of, minIf(state = 'closed', topic = 'nabz.panes.v1') AS closed,
    argMax(definitions, position) AS definitions, sumIf(least(at, stood), topic = 'nabz.facts.v1') AS reached, sumIf(stood, topic = 'nabz.facts.v1') AS needed,
    countIf(at < stood) AS behind, count() AS parts, uniqExactIf(partition, topic = 'nabz.panes.v1') AS started
  FROM (
    SELECT tenant, feed, generation, epoch, topic, partition, position, now, state, definitions,
      max(position) OVER (PARTITION BY epoch, topic, topic_partition, partition) AS at,
      max(position) OVER (PARTITION BY tenant, feed, generation, topic, topic_partition, partition ORDER BY epoch ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS stood
    FROM %[1]s.progress FINAL WHERE topic IN (%[2]s)
  ) GROUP BY tenant, feed, generation, epoch
  HAVING started > 0
)`, Internal, rowTopics))
}

// shownView says of each feed which generation people see: the newest that was
// filled to its end, or the newest while none was; of it the newest epoch that
// is whole, so that one which is being computed, or has failed, is never shown
// half; and up to when all its partitions have come.
func shownView() Statement {
	return Statement{Internal + ".shown", fmt.Sprintf(`CREATE OR REPLACE VIEW %[1]s.shown AS
SELECT tenant, feed, argMax(g, (whole, ended, g, e)) AS generation, argMax(e, (whole, ended, g, e)) AS epoch,
  argMax(least_now, (whole, ended, g, e)) AS as_of, argMax(ended, (whole, ended, g, e)) AS closed
FROM (SELECT tenant, feed, generation AS g, epoch AS e, as_of AS least_now, closed AS ended, whole FROM %[1]s.epochs)
GROUP BY tenant, feed`, Internal)}
}

// AtEpoch turns a query of what is shown into one of an epoch, of the
// generations that are shown.
func AtEpoch(sql string, epoch int64) string {
	kept := fmt.Sprintf("(SELECT tenant, feed, generation, epoch, as_of, closed FROM %[1]s.epochs WHERE epoch = %[2]d AND (tenant, feed, generation) IN (SELECT tenant, feed, generation FROM %[1]s.shown)) AS s",
		Internal, epoch)
	return strings.ReplaceAll(sql, Internal+".shown AS s", kept)
}

func definitionsTable() Table {
	return Table{
		Name:    "definitions",
		Comment: "The text of each definition under which anything was computed, so that old epochs can be read.",
		Columns: []Column{
			{"definitions", typeWord, "", "What stands for all definitions together, as progress has it."},
			{"kpi", typeWord, "", "Name of the KPI."},
			{"text", "String", codecPlain, "Its kpi.yaml."},
			{"at", typeInstant, "", "When it was noted, UTC; the newest stands."},
		},
		Version: "at",
		Order:   []string{"definitions", "kpi"},
	}
}

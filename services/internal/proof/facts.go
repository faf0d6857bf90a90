package proof

import (
	"context"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/nabz/nabz/pkg/calendar"
	"github.com/nabz/nabz/pkg/fact"
	"github.com/nabz/nabz/pkg/track/kinds"
	"github.com/nabz/nabz/pkg/warehouse"
	"github.com/nabz/nabz/schemas"
	"github.com/nabz/nabz/services/internal/catalog"
)

// Scope is what a comparison of facts covers.
type Scope struct {
	Catalog    *catalog.Catalog
	Tenant     string // empty: all
	Feed       string // empty: live
	Generation int64  // of a named feed; 0 on the live feed
	Epoch      int64
	From, To   time.Time // of the events that opened the facts, To excluded; zero: no bound
}

// sliceEvents is about how many events one query folds: its memory grows with
// them, to about 1 GB for so many.
const sliceEvents = 200_000

// maxQuery bounds the text of a query, bytes: calendars may have tens of thousands
// of days that differ.
const maxQuery = 8 << 20

// queryMemory is the most memory one query takes, bytes: twice what a slice
// needs.
const queryMemory = 2_000_000_000

// Facts holds the facts of one kind of entity, of all its families, against
// those that <kind>.sql, or the SQL of its
// declaration, makes of raw events. Rows are compared as sets, with
// all their columns but the version. Rejects and progress are taken as given:
// records behind the progress do not count yet.
func Facts(ctx context.Context, conn driver.Conn, k kinds.Kind, s Scope) (Report, error) {
	r := Report{Name: "facts of " + k.Name + "s"}
	fold, err := foldOf(k, s.Catalog.Calendars)
	if err != nil {
		return r, err
	}
	ctx = clickhouse.Context(ctx, clickhouse.WithSettings(clickhouse.Settings{
		"max_memory_usage": queryMemory,
		"max_query_size":   maxQuery,
		// In one block the steps of all items are taken together.
		"group_by_two_level_threshold": 0, "group_by_two_level_threshold_bytes": 0,
	}))
	slices, err := s.slices(ctx, conn, k.Name)
	if err != nil {
		return r, err
	}
	for _, f := range k.Families {
		query := compareFacts(f, fold)
		for slice := range slices {
			var compared, different int64
			var examples []string
			args := append(s.args(k.Name), clickhouse.Named("family", f.Name),
				clickhouse.Named("slices", slices), clickhouse.Named("slice", slice))
			if err := conn.QueryRow(ctx, query, args...).Scan(&compared, &different, &examples); err != nil {
				return r, fmt.Errorf("compare %s with events, slice %d of %d: %w", f.View, slice+1, slices, err)
			}
			r.Compared += compared
			r.Different += different
			r.Examples = append(r.Examples, examples[:min(len(examples), maxExamples-len(r.Examples))]...)
		}
	}
	return r, nil
}

// foldOf is the SQL that makes facts of the raw events of a kind.
func foldOf(k kinds.Kind, hours *calendar.Set) (string, error) {
	var own string
	if k.Record != nil {
		own = warehouse.RecordFacts(k.Record)
	} else {
		text, err := fs.ReadFile(schemas.Proofs(), k.Name+".sql")
		if err != nil {
			return "", fmt.Errorf("read the proof of kind %s: %w", k.Name, err)
		}
		own = strings.ReplaceAll(string(text), "\n{{business}} AS", "\n"+warehouse.OpenTime(hours)+" AS")
	}
	const common = "members.sql"
	members, err := fs.ReadFile(schemas.Proofs(), common)
	if err != nil {
		return "", fmt.Errorf("read what proofs begin with: %w", err)
	}
	return strings.Replace(own, "{{"+common+"}}", strings.TrimSpace(string(members)), 1), nil
}

// maxExamples is how many differences a report tells.
const maxExamples = 10

// slices is into how many queries the items are divided.
func (s *Scope) slices(ctx context.Context, conn driver.Conn, kind string) (uint64, error) {
	const query = `SELECT count() FROM nabz_internal.events WHERE kind = {kind:String}
		AND feed = {feed:String} AND generation = {generation:Int64} AND ({tenant:String} = '' OR tenant = {tenant:String})`
	var events uint64
	if err := conn.QueryRow(ctx, query, s.args(kind)...).Scan(&events); err != nil {
		return 0, fmt.Errorf("count the events of feed %q: %w", s.Feed, err)
	}
	return events/sliceEvents + 1, nil
}

// args are the parameters of all queries about a kind of entity.
func (s *Scope) args(kind string) []any {
	var types, openers []string
	var ranks []int64
	for _, t := range s.Catalog.Events.Types() {
		types = append(types, t.Name)
		ranks = append(ranks, int64(t.Rank))
		if t.Opener {
			openers = append(openers, t.Name)
		}
	}
	timing := s.Catalog.Timings[kind]
	from, to := int64(0), int64(1)<<53
	if !s.From.IsZero() {
		from = s.From.UnixMilli()
	}
	if !s.To.IsZero() {
		to = s.To.UnixMilli()
	}
	return []any{
		clickhouse.Named("kind", kind), clickhouse.Named("tenant", s.Tenant), clickhouse.Named("feed", s.Feed),
		clickhouse.Named("generation", s.Generation), clickhouse.Named("epoch", s.Epoch),
		clickhouse.Named("from", from), clickhouse.Named("to", to),
		clickhouse.Named("linger", timing.Linger), clickhouse.Named("keep", timing.Keep), clickhouse.Named("max_age", timing.MaxAge), clickhouse.Named("heartbeat", timing.Heartbeat), clickhouse.Named("zone", s.Catalog.Zone()),
		clickhouse.Named("types", types), clickhouse.Named("ranks", ranks), clickhouse.Named("openers", openers),
	}
}

// compareFacts is the query that holds a family's table against the facts that
// fold gives. Its one row: facts, differences, and the first of them as text.
func compareFacts(f *fact.Family, fold string) string {
	names, cells := []string{"'partition'"}, []string{"toString(partition)"}
	for _, c := range f.Columns {
		names = append(names, warehouse.Quote(c.Name))
		cells = append(cells, fmt.Sprintf("ifNull(toString(%s), 'NULL')", c.Name))
	}
	return fmt.Sprintf(`SELECT toInt64(count()), toInt64(countIf(differs)),
  arrayMap(e -> e.2, groupArraySortedIf(%[1]d)((opened_at, example), differs))
FROM (
SELECT opened_at, groupArrayIf(cells, side = 'stored') AS stored, groupArrayIf(cells, side = 'proved') AS proved,
  length(stored) != 1 OR stored != proved AS differs,
  [%[2]s] AS names,
  if(NOT differs, '', concat('%[3]s ', tenant, '/', item, ' ', toString(id), ' of ', toString(opened_at), ': ', multiIf(
    length(stored) + length(proved) > 2, concat('is there as ', toString(stored), ', should be ', toString(proved)),
    length(proved) = 0, concat('should not be, is there with ', arrayStringConcat(arrayMap((n, c) -> concat(n, ' ', c), names, stored[1]), ', ')),
    length(stored) = 0, concat('is missing, should have ', arrayStringConcat(arrayMap((n, c) -> concat(n, ' ', c), names, proved[1]), ', ')),
    arrayStringConcat(arrayFilter(d -> d != '', arrayMap((n, s, p) -> if(s = p, '', concat(n, ' is ', s, ', should be ', p)),
      names, stored[1], proved[1])), '; ')))) AS example
FROM (
SELECT 'stored' AS side, tenant, item, id, opened_at, [%[4]s] AS cells
FROM nabz_internal.fact_%[3]s FINAL
WHERE deleted = 0 AND feed = {feed:String} AND generation = {generation:Int64} AND epoch = {epoch:Int64}
  AND ({tenant:String} = '' OR tenant = {tenant:String}) AND cityHash64(item) %% {slices:UInt64} = {slice:UInt64}
UNION ALL
SELECT 'proved' AS side, tenant, item, id, opened_at, [%[4]s] AS cells
FROM (
%[5]s)
)
WHERE toUnixTimestamp64Milli(opened_at) >= {from:Int64} AND toUnixTimestamp64Milli(opened_at) < {to:Int64}
GROUP BY tenant, item, id, opened_at
)`, maxExamples, strings.Join(names, ", "), f.Name, strings.Join(cells, ", "), fold)
}

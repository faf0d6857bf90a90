package replay

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/nabz/nabz/pkg/event"
)

// DefaultTenant is whom events belong to that name none.
const DefaultTenant = "default"

// Place is how the events of one replay are found.
type Place struct {
	Tenant     string
	Feed       string // empty: live
	Generation int64
	Session    int64
	Source     string    // of its events
	Since      time.Time // when it began
}

// State says how far the events of a replay are.
type State struct {
	Loaded  bool // all are queryable
	Refused bool // the feed belongs to another replay
}

// Counts says what became of the events of a replay, each counted once, and how
// many records they are: an event that was sent twice is two.
type Counts struct{ Accepted, Repeats, Late, Other, Records int64 }

// Outcome knows what became of events.
type Outcome interface {
	// Generation gives the greatest known generation of a feed, 0 for none.
	Generation(ctx context.Context, p Place) (int64, error)
	// Loaded tells whether the rows of all records up to those offsets, one
	// by partition, are queryable.
	Loaded(ctx context.Context, p Place, offsets []int64) (State, error)
	// LiveSince tells the same of all records of the live feed that were sent
	// before an instant.
	LiveSince(ctx context.Context, at time.Time) (State, error)
	// Count counts the events of those types.
	Count(ctx context.Context, p Place, types map[string]bool) (Counts, error)
}

// Topics of which progress is asked for.
const (
	topicEvents   = "nabz.events.v1"
	topicFacts    = "nabz.facts.v1"
	topicPanes    = "nabz.panes.v1"
	topicVerdicts = "nabz.verdicts.v1"
)

// Store is the outcome as ClickHouse has it.
type Store struct {
	Conn      driver.Conn
	Catalogue *event.Catalogue
}

// Generation gives the greatest known generation of a feed.
func (s *Store) Generation(ctx context.Context, p Place) (int64, error) {
	var g int64
	err := s.Conn.QueryRow(ctx, "SELECT max(generation) FROM nabz_internal.progress WHERE tenant = ? AND feed = ?", p.Tenant, p.Feed).Scan(&g)
	if err != nil {
		return 0, fmt.Errorf("ask for the generation of feed %q: %w", p.Feed, err)
	}
	return g, nil
}

// Loaded asks the progress of all topics.
func (s *Store) Loaded(ctx context.Context, p Place, offsets []int64) (State, error) {
	var refused uint64
	err := s.Conn.QueryRow(ctx, "SELECT count() FROM nabz_internal.rejects FINAL WHERE tenant = ? AND feed = ? AND session = ? AND reason = 'other_replay'", p.Tenant, p.Feed, p.Session).Scan(&refused)
	if err != nil {
		return State{}, fmt.Errorf("ask whether feed %q is another's: %w", p.Feed, err)
	}
	if refused > 0 {
		return State{Refused: true}, nil
	}
	shared, err := s.sharedPartitions(ctx)
	if err != nil {
		return State{}, err
	}
	rows, err := s.Conn.Query(ctx, `SELECT topic, partition, min(reached), count() FROM (
  SELECT topic, topic_partition, partition, max(position) AS reached FROM nabz_internal.progress
  WHERE tenant = ? AND feed = ? AND generation = ? GROUP BY topic, topic_partition, partition
) GROUP BY topic, partition`, p.Tenant, p.Feed, p.Generation)
	if err != nil {
		return State{}, fmt.Errorf("ask for the progress of feed %q: %w", p.Feed, err)
	}
	defer rows.Close()
	reached := map[string]int{}
	for rows.Next() {
		var topic string
		var partition int32
		var position int64
		var n uint64
		if err := rows.Scan(&topic, &partition, &position, &n); err != nil {
			return State{}, fmt.Errorf("read the progress of feed %q: %w", p.Feed, err)
		}
		if int(partition) < len(offsets) && position > offsets[partition] && n >= shared[topic] {
			reached[topic]++
		}
	}
	if err := rows.Err(); err != nil {
		return State{}, fmt.Errorf("read the progress of feed %q: %w", p.Feed, err)
	}
	n := len(offsets)
	return State{Loaded: n > 0 && reached[topicEvents] >= n && reached[topicFacts] >= n && reached[topicPanes] >= n && reached[topicVerdicts] >= n}, nil
}

// permanent tells whether ClickHouse refused a question that it will refuse
// again: by its grammar, by a name, or by whom it comes from.
func permanent(err error) bool {
	e, ok := errors.AsType[*clickhouse.Exception](err)
	return ok && slices.Contains([]int32{36, 43, 46, 47, 53, 62, 386, 497, 516}, e.Code)
}

// sharedPartitions gives how many partitions of panes and of verdicts report
// progress: every one does, of every task.
func (s *Store) sharedPartitions(ctx context.Context) (map[string]uint64, error) {
	out := map[string]uint64{}
	for _, topic := range []string{topicPanes, topicVerdicts} {
		var n uint64
		err := s.Conn.QueryRow(ctx, "SELECT uniqExact(topic_partition) FROM nabz_internal.progress WHERE topic = ?", topic).Scan(&n)
		if err != nil {
			return nil, fmt.Errorf("ask for the partitions of %s: %w", topic, err)
		}
		out[topic] = n
	}
	return out, nil
}

// LiveSince asks whether a pulse that is later is loaded in every partition.
// Pulses are written each second, behind what came before them.
func (s *Store) LiveSince(ctx context.Context, at time.Time) (State, error) {
	var topics uint64
	var now time.Time
	err := s.Conn.QueryRow(ctx, `SELECT uniqExact(topic), min(at) FROM (
  SELECT topic, partition, topic_partition, max(now) AS at FROM nabz_internal.progress
  WHERE feed = '' AND topic IN (?, ?, ?, ?) GROUP BY topic, partition, topic_partition
)`, topicEvents, topicFacts, topicPanes, topicVerdicts).Scan(&topics, &now)
	if err != nil {
		return State{}, fmt.Errorf("ask for the progress of the live feed: %w", err)
	}
	// A broker's owner may be half a second off, and still pulses.
	return State{Loaded: topics >= 4 && now.After(at.Add(time.Second))}, nil
}

// Count counts each event by its primary copy: accepted if any of its
// deliveries was.
func (s *Store) Count(ctx context.Context, p Place, types map[string]bool) (Counts, error) {
	scope, args := "session = ?", []any{p.Session}
	if p.Feed == "" {
		scope, args = "received_at >= ? AND source = ?", []any{p.Since.Add(-time.Second), p.Source}
	}
	var primary []string
	for name := range types {
		if t, ok := s.Catalogue.Type(name); ok && len(t.Concerns) > 0 {
			primary = append(primary, "('"+t.Name+"', '"+t.Concerns[0].Kind+"')")
		}
	}
	query := `SELECT toInt64(countIf(accepted)), toInt64(countIf(NOT accepted AND repeated)), toInt64(countIf(NOT accepted AND NOT repeated AND late)), toInt64(countIf(NOT accepted AND NOT repeated AND NOT late)), toInt64(sum(records))
FROM (
  SELECT e.uid, max(r.reason = '') AS accepted, max(r.reason IN ('repeat', 'superseded')) AS repeated, max(r.reason = 'late') AS late, count() AS records
  FROM (
    SELECT uid, partition, offset FROM nabz_internal.events FINAL
    WHERE tenant = ? AND feed = ? AND ` + scope + ` AND (type, kind) IN (` + strings.Join(primary, ", ") + `)
  ) AS e
  LEFT JOIN (
    SELECT partition, offset, any(reason) AS reason FROM nabz.rejected_events WHERE tenant = ? AND feed = ? GROUP BY partition, offset
  ) AS r ON r.partition = e.partition AND r.offset = e.offset
  GROUP BY e.uid
)
`
	args = append(append([]any{p.Tenant, p.Feed}, args...), p.Tenant, p.Feed)
	var c Counts
	if err := s.Conn.QueryRow(ctx, query, args...).Scan(&c.Accepted, &c.Repeats, &c.Late, &c.Other, &c.Records); err != nil {
		return Counts{}, fmt.Errorf("count the events of feed %q: %w", p.Feed, err)
	}
	return c, nil
}

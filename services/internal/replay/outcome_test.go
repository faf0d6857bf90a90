package replay

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/nabz/nabz/pkg/warehouse"
	"github.com/nabz/nabz/services/internal/catalog"
	"github.com/nabz/nabz/services/internal/clickhouse"
	"github.com/nabz/nabz/services/internal/testkit"
)

var kit testkit.Kit

func TestMain(m *testing.M) { os.Exit(kit.Run(m)) }

// store connects to the real engine, with its tables and views made anew.
func store(t *testing.T) (*Store, func(sql string)) {
	t.Helper()
	c, err := catalog.Load()
	if err != nil {
		t.Fatal(err)
	}
	conn, err := clickhouse.Open(kit.Engine(t).URL("default"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	exec := func(sql string) {
		t.Helper()
		if err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatalf("%v\n%s", err, sql)
		}
	}
	for _, db := range []string{warehouse.Internal, warehouse.Public} {
		exec("DROP DATABASE IF EXISTS " + db)
		exec("CREATE DATABASE " + db)
	}
	model := c.Warehouse("UTC", 1)
	for _, table := range model.Tables() {
		exec(table.Create().SQL)
	}
	for _, v := range model.Views() {
		exec(v.SQL)
	}
	catalogue := schemasCatalogue(t)
	return &Store{Conn: conn, Catalogue: catalogue}, exec
}

// TestStoreCounts tells accepted, repeated and late events apart in the real
// engine, each once though an event has copies and deliveries.
func TestStoreCounts(t *testing.T) {
	s, exec := store(t)
	event := func(feed string, session, offset int, id int, kind string) {
		exec(fmt.Sprintf(`INSERT INTO nabz_internal.events (tenant, feed, generation, session, kind, entity, type, source, id, uid, time, received_at, hash, partition, offset)
VALUES ('default', '%s', 1, %d, '%s', 'e', 'contact.answered', 's', '%d', toUUID('00000000-0000-0000-0000-%012d'), '1999-02-01 00:00:00', now(), 7, 0, %d)`, feed, session, kind, id, id, offset))
	}
	reject := func(feed string, session, offset, id int, reason string) {
		exec(fmt.Sprintf(`INSERT INTO nabz_internal.rejects (tenant, feed, generation, partition, offset, reason, kind, entity, type, uid, hash, time, session, version)
VALUES ('default', '%s', 1, 0, %d, '%s', 'contact', 'e', 'contact.answered', toUUID('00000000-0000-0000-0000-%012d'), 7, '1999-02-01 00:00:00', %d, %d)`, feed, offset, reason, id, session, offset))
	}
	for _, feed := range []string{"f", ""} {
		session := 5
		if feed == "" {
			session = 0
		}
		event(feed, session, 0, 1, "contact") // accepted, in two copies, sent twice
		event(feed, session, 1, 1, "agent")
		event(feed, session, 2, 1, "contact")
		reject(feed, session, 2, 1, "repeat")
		event(feed, session, 3, 2, "contact") // late
		reject(feed, session, 3, 2, "below_horizon")
		event(feed, session, 4, 3, "contact") // refused
		reject(feed, session, 4, 3, "other_replay")
		p := Place{Tenant: "default", Feed: feed, Generation: 1, Session: int64(session), Source: "s", Since: time.Now().Add(-time.Minute)}
		got, err := s.Count(t.Context(), p, map[string]bool{"contact.answered": true})
		if want := (Counts{Accepted: 1, Late: 1, Other: 1, Records: 4}); err != nil || got != want {
			t.Errorf("feed %q: got %+v, %v, want %+v", feed, got, err, want)
		}
	}
	p := Place{Tenant: "default", Feed: "f", Generation: 1, Session: 5, Source: "s"}
	if state, err := s.Loaded(t.Context(), p, []int64{9}); err != nil || !state.Refused {
		t.Errorf("with a record refused as another replay's: %+v, %v", state, err)
	}
	// The same file again: all repeats.
	event("f", 6, 10, 1, "contact")
	reject("f", 6, 10, 1, "below_horizon")
	p.Session = 6
	if got, err := s.Count(t.Context(), p, map[string]bool{"contact.answered": true}); err != nil || got != (Counts{Repeats: 1, Records: 1}) {
		t.Errorf("again: got %+v, %v", got, err)
	}
}

// TestStoreWaitsForEveryTopic holds that nothing is called queryable before all
// topics of all partitions have come past it.
func TestStoreWaitsForEveryTopic(t *testing.T) {
	s, exec := store(t)
	p := Place{Tenant: "default", Feed: "f", Generation: 3, Session: 5, Source: "s"}
	progress := func(topic string, topicPartition, partition, position int) {
		exec(fmt.Sprintf(`INSERT INTO nabz_internal.progress (topic, topic_partition, tenant, feed, generation, partition, position, now, state, session)
VALUES ('%s', %d, 'default', 'f', 3, %d, %d, now(), 'closed', 5)`, topic, topicPartition, partition, position))
	}
	loaded := func(want bool) {
		t.Helper()
		if state, err := s.Loaded(t.Context(), p, []int64{9, 4}); err != nil || state.Loaded != want {
			t.Errorf("got %+v, %v, want %v", state, err, want)
		}
	}
	loaded(false)
	for partition, position := range []int{10, 5} {
		progress(topicEvents, partition, partition, position)
		progress(topicFacts, partition, partition, position)
		progress(topicPanes, 0, partition, position)
	}
	loaded(false) // verdicts are under way
	progress(topicVerdicts, 0, 0, 10)
	progress(topicVerdicts, 0, 1, 5)
	loaded(true)
	progress(topicPanes, 1, 0, 10) // a second partition of panes: task 1 has not come there
	loaded(false)
	progress(topicPanes, 1, 1, 4)
	loaded(false)
	progress(topicPanes, 1, 1, 5)
	loaded(true)
	if g, err := s.Generation(t.Context(), p); err != nil || g != 3 {
		t.Errorf("generation %d, %v, want 3", g, err)
	}
	if g, err := s.Generation(t.Context(), Place{Tenant: "default", Feed: "other"}); err != nil || g != 0 {
		t.Errorf("generation of no feed %d, %v, want 0", g, err)
	}
}

// TestPermanentErrorsEnd holds that a question which ClickHouse will always
// refuse is not asked for ever.
func TestPermanentErrorsEnd(t *testing.T) {
	s, exec := store(t)
	exec("DROP DATABASE " + warehouse.Public)
	exec("CREATE DATABASE " + warehouse.Public)
	exec("CREATE VIEW " + warehouse.Public + ".rejected_events AS SELECT 1 AS x")
	_, err := s.Count(t.Context(), Place{Tenant: "default", Feed: "f"}, map[string]bool{"contact.answered": true})
	if !permanent(err) || !strings.Contains(err.Error(), "count the events") {
		t.Errorf("got %v, permanent: %v", err, permanent(err))
	}
}

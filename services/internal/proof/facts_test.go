package proof_test

import (
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"golang.org/x/sync/errgroup"

	"github.com/nabz/nabz/pkg/fact"
	"github.com/nabz/nabz/pkg/track/kinds"
	"github.com/nabz/nabz/services/internal/catalog"
	"github.com/nabz/nabz/services/internal/proof"
)

var seeds = flag.Int("seeds", 120, "how many random histories to prove")

var only = flag.String("kind", "", "the kind of entity whose histories to draw and prove; empty: all")

// few histories are enough where it is the comparison that is tried.
const few = 5

// told loads random histories, of one kind or of all, and gives what a proof
// needs to read them.
func told(t *testing.T, histories int, kind string) (driver.Conn, proof.Scope) {
	t.Helper()
	conn, model := shelves(t, "UTC")
	cat, err := catalog.Load()
	if err != nil {
		t.Fatal(err)
	}
	// Facts by day are those of a zone whose clocks change.
	if err := cat.SetZone("America/New_York"); err != nil {
		t.Fatal(err)
	}
	cat.Calendars = hours(t)
	x := newTables(t, cat, model)
	if kind != "" {
		cat.Kinds = slices.DeleteFunc(cat.Kinds, func(k kinds.Kind) bool { return k.Name != kind })
	}
	tell(t, cat, histories, false, x.play)
	x.insert(conn)
	return conn, proof.Scope{Catalog: cat, Epoch: catalog.Epoch}
}

// prove holds the facts of every kind against the SQL, two kinds at a time.
func prove(t *testing.T, conn driver.Conn, s proof.Scope) proof.Report {
	t.Helper()
	reports := make([]proof.Report, len(s.Catalog.Kinds))
	var group errgroup.Group
	group.SetLimit(2)
	for i, k := range s.Catalog.Kinds {
		if *only != "" && *only != k.Name {
			continue
		}
		group.Go(func() (err error) {
			reports[i], err = proof.Facts(t.Context(), conn, k, s)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	var all proof.Report
	for _, r := range reports {
		all.Compared += r.Compared
		all.Different += r.Different
		all.Examples = append(all.Examples, r.Examples...)
	}
	return all
}

func count(t *testing.T, conn driver.Conn, query string) (n uint64) {
	t.Helper()
	if err := conn.QueryRow(t.Context(), query).Scan(&n); err != nil {
		t.Fatalf("%v\n%s", err, query)
	}
	return n
}

// TestFactsOfHistories holds the facts of random histories against the SQL,
// one partition for each. The seed of a difference is its partition modulo
// apart.
func TestFactsOfHistories(t *testing.T) {
	conn, s := told(t, *seeds, "")
	f := func(name, feed string, generation int64) {
		t.Helper()
		t.Run(name, func(t *testing.T) {
			s.Feed, s.Generation = feed, generation
			r := prove(t, conn, s)
			var stored int64
			for _, family := range s.Catalog.Families() {
				stored += int64(count(t, conn, fmt.Sprintf(
					"SELECT count() FROM nabz_internal.fact_%s FINAL WHERE deleted = 0 AND feed = '%s' AND generation = %d",
					family.Name, feed, generation)))
			}
			if stored == 0 || r.Compared != stored || r.Different != 0 {
				t.Errorf("%d compared of %d, %d differ:\n%s", r.Compared, stored, r.Different, strings.Join(r.Examples, "\n"))
			}
		})
	}
	f("live", "", 0)
	f("replayed", "old", 1)
	f("replaced", "old", 2)
	everythingHappened(t, conn, s.Catalog)
}

// everythingHappened looks whether the histories held all that the SQL must
// get right.
func everythingHappened(t *testing.T, conn driver.Conn, cat *catalog.Catalog) {
	t.Helper()
	some := func(query string) {
		t.Helper()
		if count(t, conn, query) == 0 {
			t.Errorf("the histories hold none of these: %s", query)
		}
	}
	for _, f := range cat.Families() {
		if *only != "" && *only != f.Kind {
			continue
		}
		table := "nabz_internal.fact_" + f.Name
		if f.Lost != "" {
			for _, word := range f.Columns[f.Column(f.Lost)].Values {
				some(fmt.Sprintf("SELECT count() FROM %s FINAL WHERE deleted = 0 AND %s = '%s'", table, f.Lost, word))
			}
		}
		some("SELECT count() FROM " + table + " FINAL WHERE deleted = 1")
	}
	for _, reason := range []string{"below_horizon", "repeat", "superseded", "orphan", "other_replay"} {
		if reason == "orphan" && *only != "" && *only != "contact" && *only != "conversation" {
			continue // of others, what finds nothing there means nothing
		}
		some("SELECT count() FROM nabz_internal.rejects FINAL WHERE reason = '" + reason + "'")
	}
	some("SELECT count() FROM nabz_internal.events WHERE withdrawn")
	for _, k := range tellers(cat) {
		if *only != "" && *only != k.kind {
			continue
		}
		for _, query := range k.happened {
			some(query)
		}
	}
}

// TestFactsFindFaults damages stored facts in several ways: each shows, in
// words, and nothing else does.
func TestFactsFindFaults(t *testing.T) {
	conn, s := told(t, few, "contact")
	if r := prove(t, conn, s); r.Compared == 0 || r.Different != 0 {
		t.Fatalf("%d differ before any fault:\n%s", r.Different, strings.Join(r.Examples, "\n"))
	}
	var said []string
	f := func(table, replace, where, says string) {
		t.Helper()
		exec(t, conn, fmt.Sprintf(`INSERT INTO nabz_internal.fact_%[1]s
			SELECT * REPLACE (%[2]s, f.version + 1000000 AS version) FROM nabz_internal.fact_%[1]s AS f FINAL
			WHERE f.deleted = 0 AND f.feed = '' AND f.version < 1000000 AND %[3]s ORDER BY f.opened_at, f.id LIMIT 1`, table, replace, where))
		said = append(said, says)
	}
	f("queue_segment", "424242 AS wait", "f.wait > 0", "wait is 424242, should be ")
	f("queue_segment", "'abandoned' AS outcome", "f.outcome = 'answered'", "outcome is abandoned, should be answered")
	f("agent_segment", "1 AS deleted", "1", "is missing, should have partition 0, agent a")
	f("agent_segment", "NULL AS talk", "f.talk IS NOT NULL", "talk is NULL, should be ")
	f("agent_segment", "0 AS hold", "f.hold IS NULL", "hold is 0, should be NULL")
	f("contact", "generateUUIDv4() AS id", "1", "should not be, is there with partition 0, queue ")
	f("contact", "f.partition + 1 AS partition", "1", "partition is ")
	r := prove(t, conn, s)
	all := strings.Join(r.Examples, "\n")
	if r.Different != int64(len(said)) {
		t.Errorf("%d differ after %d faults:\n%s", r.Different, len(said), all)
	}
	for _, text := range said {
		if !strings.Contains(all, text) {
			t.Errorf("no difference says %q:\n%s", text, all)
		}
	}
}

// TestFactsCompareEveryColumn damages each column of each family in a row of
// its own.
func TestFactsCompareEveryColumn(t *testing.T) {
	conn, s := told(t, 4*few, "") // a conversation has more columns than there are in few histories
	want := int64(0)
	for _, f := range s.Catalog.Families() {
		for i, c := range f.Columns {
			value := fmt.Sprintf("ifNull(%[1]s, 0) + 1 AS %[1]s", c.Name)
			switch c.Type {
			case fact.Text:
				value = fmt.Sprintf("concat(%[1]s, '!') AS %[1]s", c.Name)
			case fact.Time:
				value = fmt.Sprintf("ifNull(%[1]s, opened_at) + 1 AS %[1]s", c.Name)
			case fact.Duration, fact.Count, fact.Bool:
			}
			exec(t, conn, fmt.Sprintf(`INSERT INTO nabz_internal.fact_%[1]s
				SELECT * REPLACE (%[2]s, version + 1000000 AS version) FROM nabz_internal.fact_%[1]s FINAL
				WHERE deleted = 0 AND feed = '' ORDER BY opened_at, id LIMIT 1 OFFSET %[3]d`, f.Name, value, i))
			want++
		}
		var rows uint64
		if err := conn.QueryRow(t.Context(), fmt.Sprintf("SELECT count() FROM nabz_internal.fact_%s FINAL WHERE deleted = 0 AND feed = ''", f.Name)).Scan(&rows); err != nil {
			t.Fatal(err)
		}
		if rows < uint64(len(f.Columns)) {
			t.Fatalf("%s has %d rows for %d columns: tell more histories", f.Name, rows, len(f.Columns))
		}
	}
	if r := prove(t, conn, s); r.Different != want {
		t.Errorf("%d differ, want %d, one for each column", r.Different, want)
	}
}

func TestFactsOfScope(t *testing.T) {
	conn, s := told(t, few, "contact")
	exec(t, conn, "INSERT INTO nabz_internal.fact_contact SELECT * REPLACE (1 AS deleted, f.version + 1000000 AS version) "+
		"FROM nabz_internal.fact_contact AS f FINAL WHERE f.deleted = 0 AND f.feed = '' ORDER BY f.opened_at DESC LIMIT 1")
	var last time.Time
	if err := conn.QueryRow(t.Context(), "SELECT max(opened_at) FROM nabz_internal.fact_contact WHERE version >= 1000000").Scan(&last); err != nil {
		t.Fatal(err)
	}
	f := func(name string, change func(*proof.Scope), compared bool, different int64) {
		t.Helper()
		t.Run(name, func(t *testing.T) {
			of := s
			change(&of)
			if r := prove(t, conn, of); r.Compared > 0 != compared || r.Different != different {
				t.Errorf("%d compared, %d differ, want %d", r.Compared, r.Different, different)
			}
		})
	}
	f("tenant", func(s *proof.Scope) { s.Tenant = "t1" }, true, 1)
	f("odd_tenant", func(s *proof.Scope) { s.Tenant = `it's no\tenant` }, false, 0)
	f("odd_feed", func(s *proof.Scope) { s.Feed = `'; DROP` }, false, 0)
	f("to", func(s *proof.Scope) { s.To = last }, true, 0)
	f("from", func(s *proof.Scope) { s.From = last }, true, 1)
}

package clickhouse_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/nabz/nabz/pkg/warehouse"
	"github.com/nabz/nabz/services/internal/catalog"
	"github.com/nabz/nabz/services/internal/clickhouse"
	"github.com/nabz/nabz/services/internal/testkit"
)

var kit testkit.Kit

func TestMain(m *testing.M) { os.Exit(kit.Run(m)) }

func connect(t *testing.T) clickhouse.Conn {
	t.Helper()
	conn, err := clickhouse.Open(kit.Engine(t).URL("nabz"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func schema(t *testing.T) clickhouse.Schema {
	t.Helper()
	c, err := catalog.Load()
	if err != nil {
		t.Fatal(err)
	}
	m := c.Warehouse("UTC", 1)
	return clickhouse.Schema{Tables: m.Tables(), Views: m.Views()}
}

func TestMigrate(t *testing.T) {
	conn, s, ctx := connect(t), schema(t), t.Context()
	plan, err := clickhouse.Plan(ctx, conn, s)
	if err != nil || len(plan) < len(s.Tables)+len(s.Views) {
		t.Fatalf("the first plan has %d statements, %v", len(plan), err)
	}
	var out bytes.Buffer
	if err := clickhouse.Migrate(ctx, conn, s, &out); err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(out.String(), ";\n\n"); got != len(plan) {
		t.Errorf("%d statements ran, %d were planned", got, len(plan))
	}
	again := func(want string) []warehouse.Statement {
		t.Helper()
		plan, err := clickhouse.Plan(ctx, conn, s)
		if err != nil {
			t.Fatal(err)
		}
		var lines []string
		for _, st := range plan {
			lines = append(lines, st.SQL)
		}
		if got := strings.Join(lines, "\n"); !strings.Contains(got, want) || (want == "") != (got == "") {
			t.Errorf("the next plan is %q, want %q in it", got, want)
		}
		return plan
	}
	again("")
	// A new column is added, a changed comment set, a lost view made again.
	first := &s.Tables[0]
	first.Columns = append(first.Columns, warehouse.Column{Name: "added", Type: "Int64", Comment: "It's new."})
	again("ADD COLUMN IF NOT EXISTS added Int64")
	first.Columns[0].Comment += " Changed."
	again("COMMENT COLUMN")
	if err := conn.Exec(ctx, "DROP VIEW nabz.queue_segments"); err != nil {
		t.Fatal(err)
	}
	again("CREATE OR REPLACE VIEW nabz.queue_segments")
	if err := clickhouse.Migrate(ctx, conn, s, &out); err != nil {
		t.Fatal(err)
	}
	again("")
	// The view of a KPI that is not defined any more is dropped, no other.
	own := warehouse.Statement{Name: "nabz.kpi_own", SQL: "CREATE OR REPLACE VIEW nabz.kpi_own AS SELECT 1 AS value"}
	with := clickhouse.Schema{Tables: s.Tables, Views: append([]warehouse.Statement{own}, s.Views...)}
	if err := clickhouse.Migrate(ctx, conn, with, &out); err != nil {
		t.Fatal(err)
	}
	if plan := again("DROP VIEW IF EXISTS nabz.kpi_own"); len(plan) != 1 {
		t.Errorf("the plan is %v, want one statement", plan)
	}
	if err := clickhouse.Migrate(ctx, conn, s, &out); err != nil {
		t.Fatal(err)
	}
	again("")
	// Another type is refused, and nothing is done.
	first.Columns[0].Type = "Int64"
	if _, err := clickhouse.Plan(ctx, conn, s); !errors.Is(err, clickhouse.ErrIncompatible) {
		t.Errorf("another type: %v, want ErrIncompatible", err)
	}
}

func TestEverythingIsExplained(t *testing.T) {
	conn, s, ctx := connect(t), schema(t), t.Context()
	if err := clickhouse.Migrate(ctx, conn, s, &bytes.Buffer{}); err != nil {
		t.Fatal(err)
	}
	for _, query := range []string{
		"SELECT count() FROM system.columns WHERE database IN ('nabz', 'nabz_internal') AND comment = '' AND table NOT IN ('shown')",
		"SELECT count() FROM system.tables WHERE database IN ('nabz', 'nabz_internal') AND comment = '' AND name NOT IN ('shown')",
	} {
		var n uint64
		if err := conn.QueryRow(ctx, query).Scan(&n); err != nil || n != 0 {
			t.Errorf("%s: %d, %v", query, n, err)
		}
	}
}

// TestInsertsReachTheDisk says of tables that their inserts wait for the disk,
// then that they do not, and again; who does not say leaves them so.
func TestInsertsReachTheDisk(t *testing.T) {
	conn, s, ctx := connect(t), schema(t), t.Context()
	value := 1
	for _, inserts := range []clickhouse.Inserts{"", clickhouse.Lazy, clickhouse.Kept, clickhouse.Synced} {
		s.Inserts = inserts
		if err := clickhouse.Migrate(ctx, conn, s, &bytes.Buffer{}); err != nil {
			t.Fatal(err)
		}
		switch inserts {
		case clickhouse.Lazy:
			value = 0
		case clickhouse.Synced:
			value = 1
		case clickhouse.Kept:
		}
		var n uint64
		err := conn.QueryRow(ctx, fmt.Sprintf("SELECT count() FROM system.tables WHERE database = 'nabz_internal' AND engine = 'ReplacingMergeTree' "+
			"AND engine_full LIKE '%%fsync_after_insert = %[1]d%%' AND engine_full LIKE '%%fsync_part_directory = %[1]d%%'", value)).Scan(&n)
		if err != nil || int(n) != len(s.Tables) {
			t.Errorf("%q: %d tables are so, want %d: %v", inserts, n, len(s.Tables), err)
		}
		if err := clickhouse.Sync(ctx, conn); err != nil {
			t.Error(err)
		}
	}
}

func TestOpenHidesPasswords(t *testing.T) {
	for _, url := range []string{"clickhouse://nabz:hunter2@host:port/db", "http://%zz:hunter2@h/", "clickhouse://u:hunter2@h:9000/d?dial_timeout=hunter2"} {
		if _, err := clickhouse.Open(url); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", url, err)
		}
	}
}

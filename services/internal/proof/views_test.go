package proof_test

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/nabz/nabz/pkg/warehouse"
	"github.com/nabz/nabz/services/internal/catalog"
	"github.com/nabz/nabz/services/internal/testkit"
)

var kit testkit.Kit

func TestMain(m *testing.M) { os.Exit(kit.Run(m)) }

// house connects to the shared engine with every table made anew, and the views
// that queries of values read; those for people take long to make.
func house(t *testing.T, zone string) (driver.Conn, *warehouse.Model) {
	t.Helper()
	conn, model := shelves(t, zone)
	for _, v := range model.Views() {
		if strings.HasPrefix(v.Name, warehouse.Internal+".") && !strings.HasPrefix(v.Name, warehouse.Internal+".live_") && !strings.HasPrefix(v.Name, warehouse.Internal+".asked_") {
			exec(t, conn, v.SQL)
		}
	}
	return conn, model
}

// shelves are the tables alone: facts are proved without a view.
func shelves(t *testing.T, zone string) (driver.Conn, *warehouse.Model) {
	t.Helper()
	c, err := catalog.Load()
	if err != nil {
		t.Fatal(err)
	}
	model := c.Warehouse(zone, 1)
	conn := open(t)
	for _, db := range []string{warehouse.Internal, warehouse.Public} {
		exec(t, conn, "DROP DATABASE IF EXISTS "+db)
		exec(t, conn, "CREATE DATABASE "+db)
	}
	for _, table := range model.Tables() {
		exec(t, conn, table.Create().SQL)
	}
	return conn, model
}

func open(t *testing.T) driver.Conn {
	t.Helper()
	options, err := clickhouse.ParseDSN(kit.Engine(t).URL("default"))
	if err != nil {
		t.Fatal(err)
	}
	options.Settings = clickhouse.Settings{
		"max_partitions_per_insert_block": 0, // stretched histories span many years
		"max_threads":                     1, // small tables: threads would take longer to make than to run
	}
	conn, err := clickhouse.Open(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func exec(t *testing.T, conn driver.Conn, sql string) {
	t.Helper()
	if err := conn.Exec(context.Background(), sql); err != nil {
		t.Fatalf("%v\n%s", err, sql)
	}
}

// TestStatementsHold makes every view, those that others read twice, reads each,
// and looks for columns that say nothing.
func TestStatementsHold(t *testing.T) {
	conn, model := house(t, "Asia/Tehran")
	for _, v := range model.Views() {
		exec(t, conn, v.SQL)
		some := ""
		if v.Name == warehouse.Public+".kpi_values_all" { // all of them at once are more than anybody waits for
			some = " WHERE kpi IN ('crr', 'cac', 'offered')"
		}
		rows, err := conn.Query(t.Context(), "SELECT * FROM "+v.Name+some+" LIMIT 1")
		if err != nil {
			t.Fatalf("%s: %v\n%s", v.Name, err, v.SQL)
		}
		rows.Close()
	}
	var silent []string
	rows, err := conn.Query(t.Context(), `SELECT database || '.' || table || '.' || name FROM system.columns
		WHERE database IN ('nabz', 'nabz_internal') AND comment = '' AND table != 'shown'`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		silent = append(silent, name)
	}
	if len(silent) > 0 {
		t.Errorf("columns without a comment: %s", strings.Join(silent, ", "))
	}
}

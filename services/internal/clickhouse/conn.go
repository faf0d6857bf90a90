// Package clickhouse is the shell around the ClickHouse driver: connections,
// the migration of tables and views, and blocks of columns to insert.
//
// It does not know what tables there are or what a row means: package
// warehouse describes them.
package clickhouse

import (
	"context"
	"fmt"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// Limits of a connection.
const (
	// maxConns bounds what one process has open: a loader inserts into a few
	// tables at once.
	maxConns = 8
	// dialTimeout lets a dead server be found soon, so that a retry begins.
	dialTimeout = 5 * time.Second
	// readTimeout is how long an answer may be silent: merges may hold an
	// insert up for seconds, and a busy server a query of verify for minutes.
	// Who cannot wait so long says so by the context.
	readTimeout = 10 * time.Minute
	// connLife ends connections so that a cluster's load spreads again.
	connLife = 10 * time.Minute
)

// Conn is a pool of connections on the native protocol.
type Conn = driver.Conn

// Open makes a pool for clickhouse://USER:PASS@HOST:PORT/DB. It connects only
// when it is used. The database of the URL is left out: every statement names
// its own, and a log-in fails where the database is not made yet.
func Open(url string) (Conn, error) {
	o, err := clickhouse.ParseDSN(url)
	if err != nil {
		// The driver's error may hold the URL, and that a password.
		return nil, fmt.Errorf("read the ClickHouse URL: clickhouse://USER:PASS@HOST:PORT/DB is expected")
	}
	o.Auth.Database = ""
	o.DialTimeout = dialTimeout
	o.ReadTimeout = readTimeout
	o.MaxOpenConns, o.MaxIdleConns = maxConns, maxConns
	o.ConnMaxLifetime = connLife
	o.Compression = &clickhouse.Compression{Method: clickhouse.CompressionLZ4}
	conn, err := clickhouse.Open(o)
	if err != nil {
		return nil, fmt.Errorf("open ClickHouse at %v: %w", o.Addr, err)
	}
	return conn, nil
}

// durable makes an insert return when its rows are in a part of the table:
// neither queued nor half done.
func durable(ctx context.Context) context.Context {
	return clickhouse.Context(ctx, clickhouse.WithSettings(clickhouse.Settings{
		"async_insert":       0,
		"insert_deduplicate": 0, // equal rows collapse by their key
	}))
}

// Sync returns when what was inserted before is on the server's disk. It asks
// for the whole machine, so it is for a server that shares it with few others;
// no other node is asked.
func Sync(ctx context.Context, conn Conn) error {
	if err := conn.Exec(ctx, "SYSTEM SYNC FILE CACHE"); err != nil {
		return fmt.Errorf("sync the files of ClickHouse: %w", err)
	}
	return nil
}

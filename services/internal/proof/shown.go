package proof

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// Feed is what is shown of a feed.
type Feed struct {
	Generation int64
	Epoch      int64
	Closed     bool // its clock stands still
}

// Shown finds what is shown of a feed; the live one is all tenants'.
func Shown(ctx context.Context, conn driver.Conn, tenant, feed string) (Feed, error) {
	var f Feed
	var closed uint8
	err := conn.QueryRow(ctx, `SELECT generation, epoch, closed FROM nabz_internal.shown
WHERE feed = ? AND (feed = '' OR ? = '' OR tenant = ?) ORDER BY tenant LIMIT 1`, feed, tenant, tenant).Scan(&f.Generation, &f.Epoch, &closed)
	if errors.Is(err, sql.ErrNoRows) {
		return f, fmt.Errorf("find feed %q: nothing of it is loaded", feed)
	}
	if err != nil {
		return f, fmt.Errorf("find feed %q: %w", feed, err)
	}
	f.Closed = closed != 0
	return f, nil
}

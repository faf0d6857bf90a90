package proof

import (
	"context"
	"fmt"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/nabz/nabz/pkg/warehouse"
)

// settleCopies is how old the newest event of an open feed is that is looked
// at: the copies of one event are loaded by way of several partitions.
const settleCopies = "received_at < now64(3) - INTERVAL 10 SECOND"

// Copies holds the copies of every event against the entities that it
// concerns. A sender that died before it was answered may have left a part of
// them; when it sends the event again, the rest comes.
func Copies(ctx context.Context, conn driver.Conn, m *warehouse.Model, f warehouse.Filter) (Report, error) {
	r := Report{Name: "copies of events"}
	where := []string{"feed = " + warehouse.Quote(f.Feed)}
	if f.Complete {
		where = append(where, settleCopies)
	}
	if f.Tenant != "" {
		where = append(where, "tenant = "+warehouse.Quote(f.Tenant))
	}
	if f.FromMs != 0 {
		where = append(where, fmt.Sprintf("time >= fromUnixTimestamp64Milli(%d)", f.FromMs))
	}
	if f.ToMs != 0 {
		where = append(where, fmt.Sprintf("time < fromUnixTimestamp64Milli(%d)", f.ToMs))
	}
	if err := conn.QueryRow(ctx, m.Copies(where)).Scan(&r.Compared, &r.Different, &r.Examples); err != nil {
		return r, fmt.Errorf("compare the copies of events: %w", err)
	}
	return r, nil
}

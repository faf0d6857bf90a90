package doctor

import (
	"context"
	"fmt"
	"time"

	"github.com/nabz/nabz/pkg/warehouse"
	"github.com/nabz/nabz/services/internal/clickhouse"
)

const startClickHouse = "start ClickHouse, or mend --clickhouse: account, host, port, and what stands between"

// clickhouse looks at the server, its tables and views, its clock, zones and
// disks, and at how old the numbers are.
func (c *Config) clickhouse(ctx context.Context) []Finding {
	conn, err := clickhouse.Open(c.ClickHouse)
	if err != nil {
		return []Finding{fail("clickhouse", startClickHouse, "%v", err)}
	}
	defer conn.Close()
	var version, tehran string
	var now time.Time
	began := time.Now()
	err = conn.QueryRow(ctx, "SELECT version(), now64(6, 'UTC'), toString(toDateTime('2023-07-01 00:00:00', 'UTC'), 'Asia/Tehran')").Scan(&version, &now, &tehran)
	if err != nil {
		return []Finding{fail("clickhouse", startClickHouse, "%v", cause(ctx, err))}
	}
	took := time.Since(began)
	found := []Finding{ok("clickhouse", "version %s, answered in %d ms", version, took.Milliseconds()), c.schema(ctx, conn)}
	found = append(found, skew("clock of ClickHouse", now, began, took))
	if tehran != "2023-07-01 03:30:00" {
		found = append(found, fail("zones of ClickHouse", "update its zone data", "summer time of Tehran ended in 2022, and it says %s for midnight UTC", tehran))
	}
	found = append(found, disks(ctx, conn)...)
	if found[1].Level == Fail {
		return found
	}
	return append(found, c.numbers(ctx, conn), conservation(ctx, conn))
}

// conservation asks whether all that collectors acknowledged within the last
// day is there.
func conservation(ctx context.Context, conn clickhouse.Conn) Finding {
	const check = "conservation"
	var minutes, short, uncounted uint64
	var missing int64
	err := conn.QueryRow(ctx, "SELECT count(), countIf(state = 'short'), countIf(state = 'uncounted'), -sumIf(difference, state = 'short') FROM "+
		warehouse.Public+".conservation WHERE state != 'open' AND time >= now() - 86400").Scan(&minutes, &short, &uncounted, &missing)
	switch {
	case err != nil:
		return fail(check, startClickHouse, "%v", cause(ctx, err))
	case short > 0:
		return fail(check, "SELECT * FROM nabz.conservation WHERE state = 'short': see whether the loader is behind, and whether Kafka let go of records before they were read",
			"%d records were acknowledged and are not there, in %d of %d minutes", missing, short, minutes)
	case uncounted > 0:
		return warn(check, "nothing, if a collector was killed then: its last second is not counted, and all of it is there",
			"in %d of %d minutes more is there than was counted", uncounted, minutes)
	}
	return ok(check, "all that came in within a day is there: %d minutes of receipt", minutes)
}

// skew compares another clock with this machine's, as it was in the middle of
// the question.
func skew(check string, theirs, asked time.Time, took time.Duration) Finding {
	off := theirs.Sub(asked.Add(took / 2)).Abs()
	if off > maxSkew+took/2 {
		return fail(check, "set both clocks by NTP", "%d ms from this machine's", off.Milliseconds())
	}
	return ok(check, "%d ms from this machine's, to within %d ms", off.Milliseconds(), took.Milliseconds())
}

func (c *Config) schema(ctx context.Context, conn clickhouse.Conn) Finding {
	const migrate = "nabz migrate"
	plan, err := clickhouse.Plan(ctx, conn, c.Schema)
	if err != nil {
		return fail("schema", migrate, "%v", cause(ctx, err))
	}
	if len(plan) == 0 {
		return ok("schema", "%d tables and %d views, up to date", len(c.Schema.Tables), len(c.Schema.Views))
	}
	views := map[string]bool{}
	for _, v := range c.Schema.Views {
		views[v.Name] = true
	}
	for _, st := range plan {
		if !views[st.Name] {
			return fail("schema", migrate, "%d statements are to run, such as for %s", len(plan), st.Name)
		}
	}
	return warn("schema", migrate+", with the zone and the first day of the week that were chosen", "%d views are not those of this version, such as %s", len(plan), plan[0].Name)
}

func disks(ctx context.Context, conn clickhouse.Conn) []Finding {
	const check = "disks of ClickHouse"
	rows, err := conn.Query(ctx, "SELECT name, free_space, total_space FROM system.disks WHERE total_space > 0")
	if err != nil {
		return []Finding{warn(check, "let the account read system.disks", "%v", cause(ctx, err))}
	}
	defer rows.Close()
	var found []Finding
	for rows.Next() {
		var name string
		var free, total uint64
		if err := rows.Scan(&name, &free, &total); err != nil {
			return append(found, warn(check, startClickHouse, "%v", err))
		}
		found = append(found, space(fmt.Sprintf("disk %s of ClickHouse", name), free, total))
	}
	if err := rows.Err(); err != nil {
		found = append(found, warn(check, startClickHouse, "%v", cause(ctx, err)))
	}
	return found
}

func space(check string, free, total uint64) Finding {
	share := float64(free) / float64(max(total, 1))
	says := fmt.Sprintf("%.1f GB free of %.1f GB", float64(free)/1e9, float64(total)/1e9)
	switch {
	case share < noSpace:
		return fail(check, "make room now: writes will stop", "%s", says)
	case share < littleSpace:
		return warn(check, "make room, or take a larger disk", "%s", says)
	}
	return ok(check, "%s", says)
}

// numbers tells how old the live feed's numbers are.
func (c *Config) numbers(ctx context.Context, conn clickhouse.Conn) Finding {
	const check = "numbers"
	var n uint64
	var asOf time.Time
	err := conn.QueryRow(ctx, "SELECT count(), max(as_of) FROM "+warehouse.Internal+".shown WHERE feed = ''").Scan(&n, &asOf)
	if err != nil {
		return fail(check, startClickHouse, "%v", cause(ctx, err))
	}
	if n == 0 {
		return warn(check, "start processors and loaders", "the live feed has no numbers yet")
	}
	age := time.Since(asOf)
	const look = "see which of the lags above grows: processors make numbers, loaders bring them here"
	switch {
	case age > staleNumbers:
		return fail(check, look, "those of the live feed are %s old", age.Round(time.Second))
	case age > oldNumbers:
		return warn(check, look, "those of the live feed are %s old", age.Round(time.Second))
	}
	return ok(check, "those of the live feed are %s old", age.Round(time.Millisecond))
}

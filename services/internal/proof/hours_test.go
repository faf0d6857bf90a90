package proof_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/nabz/nabz/pkg/calendar"
	"github.com/nabz/nabz/pkg/warehouse"
	"github.com/nabz/nabz/schemas"
)

// hours are calendars with users: of a team, of a tenant, of both, and changes
// of calendar at an instant.
func hours(t *testing.T) *calendar.Set {
	t.Helper()
	set, err := calendar.Load(schemas.Calendars(), schemas.Zones())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range set.Calendars {
		switch c.Name {
		case "iran_support":
			c.Users = []calendar.User{{Team: "t1", From: -1 << 63}, {Tenant: "t1", From: liveStart + 3_600_000}}
		case "europe_example":
			c.Users = []calendar.User{{Team: "t1", From: liveStart + 86_400_000}, {Team: "t1", Tenant: "t2", From: -1 << 63}}
		}
	}
	return set
}

// TestHours holds the open time that ClickHouse works out against package
// calendar, for spans of all lengths, many of them around changes of clocks.
func TestHours(t *testing.T) {
	conn, set := open(t), hours(t)
	rnd := rand.New(rand.NewPCG(3, 3))
	type span struct {
		tenant, team string
		from, to     int64
	}
	pick := func(words ...string) string { return words[rnd.IntN(len(words))] }
	changes := []string{"2022-03-21T20:30:00Z", "2022-09-21T19:30:00Z", "2026-03-29T01:00:00Z", "2026-10-25T01:00:00Z", "2026-04-01T00:00:00Z", "2026-06-10T05:30:00Z", "2026-12-24T10:00:00Z"}
	var spans []span
	var cells []string
	for i := range 4000 {
		from := 1_560_000_000_000 + rnd.Int64N(12*365*86_400_000)
		if i%2 == 0 {
			at, err := time.Parse(time.RFC3339, changes[rnd.IntN(len(changes))])
			if err != nil {
				t.Fatal(err)
			}
			from = at.UnixMilli() + rnd.Int64N(4*86_400_000) - 3*86_400_000
		}
		if i%3 == 0 {
			from = from / 1_800_000 * 1_800_000
		}
		s := span{pick("t1", "t2"), pick("", "t1", "t2"), from, from + rnd.Int64N(1<<(10+rnd.IntN(24)))}
		spans = append(spans, s)
		cells = append(cells, fmt.Sprintf("('%s','%s',%d,%d)", s.tenant, s.team, s.from, s.to))
	}
	sql := fmt.Sprintf("WITH %s AS business SELECT groupArray(v) FROM (SELECT business(s.1, s.2, s.3, s.4) AS v FROM (SELECT arrayJoin(CAST([%s], 'Array(Tuple(String, String, Int64, Int64))')) AS s))",
		warehouse.OpenTime(set), strings.Join(cells, ","))
	var got []int64
	if err := conn.QueryRow(t.Context(), sql).Scan(&got); err != nil {
		t.Fatalf("%v\n%.3000s", err, sql)
	}
	closed := 0
	for i, s := range spans {
		want := set.Elapsed(s.tenant, s.team, s.from, s.to)
		if want != s.to-s.from {
			closed++
		}
		if got[i] != want {
			t.Errorf("tenant %s, team %q from %s to %s: ClickHouse says %d, should be %d", s.tenant, s.team,
				time.UnixMilli(s.from).UTC(), time.UnixMilli(s.to).UTC(), got[i], want)
		}
	}
	if closed < len(spans)/3 {
		t.Errorf("only %d of %d spans have time in which nobody works", closed, len(spans))
	}
}

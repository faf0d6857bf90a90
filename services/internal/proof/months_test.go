package proof_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/nabz/nabz/pkg/calendar"
	"github.com/nabz/nabz/pkg/warehouse"
	"github.com/nabz/nabz/services/internal/values"
)

// TestMonths holds the intervals that ClickHouse puts days in against package
// calendar, for every day that its dates have.
func TestMonths(t *testing.T) {
	conn := open(t)
	for _, m := range []warehouse.Months{warehouse.Gregorian, warehouse.Persian} {
		for g, months := range map[warehouse.Grain]int{warehouse.Month: 1, warehouse.Quarter: 3, warehouse.Year: 12} {
			q := warehouse.Query{Grain: g, Zone: "Asia/Tehran", Months: m}
			start, end := q.Interval()
			sql := fmt.Sprintf("SELECT toInt64(n) AS n, toInt64(toDate(%s)) AS a, toInt64(toDate(%s)) AS b FROM (SELECT number AS n, toDateTime64(toDate(toUInt16(n)), 0, 'UTC') + 43200 AS bucket FROM numbers(400, 48000)) AS src", start, end)
			days := 0
			err := values.Rows(t.Context(), conn, sql, func(r values.Row) error {
				n, a, b := r.Values[0].(int64), r.Values[1].(int64), r.Values[2].(int64)
				date, first := calendar.Gregorian(n), calendar.GregorianDay
				if m == warehouse.Persian {
					date, first = calendar.Jalali(n), calendar.JalaliDay
				}
				date.Month, date.Day = (date.Month-1)/months*months+1, 1
				from, _ := first(date)
				if date.Month += months; date.Month > 12 {
					date.Month, date.Year = 1, date.Year+1
				}
				until, _ := first(date)
				if days++; a != from || b != until {
					t.Fatalf("%s %s of %s: from %d to %d, want %d to %d", m, g, time.Unix(n*86_400, 0).UTC().Format(time.DateOnly), a, b, from, until)
				}
				return nil
			})
			if err != nil || days != 48_000 {
				t.Fatalf("%d days, %v", days, err)
			}
		}
	}
}

package explain

import (
	"errors"
	"testing"
	"time"
	_ "time/tzdata" // zones on machines that have none
)

func TestInterval(t *testing.T) {
	months := ""
	f := func(grain, window, zone, at, from, to string, weekStart int) {
		t.Helper()
		loc, err := time.LoadLocation(zone)
		if err != nil {
			t.Fatal(err)
		}
		instant, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		a, b, err := interval(&CellRequest{At: instant, Grain: grain, Window: window, WeekStart: weekStart, Months: months}, loc)
		if err != nil {
			t.Fatal(err)
		}
		text := func(ms int64) string { return time.UnixMilli(ms).In(loc).Format(time.RFC3339) }
		if text(a) != from || text(b) != to {
			t.Errorf("%s%s at %s: %s to %s, want %s to %s", grain, window, at, text(a), text(b), from, to)
		}
	}
	const tehran = "Asia/Tehran"
	f("", "", "UTC", "2026-03-02T10:15:59Z", "2026-03-02T10:15:00Z", "2026-03-02T10:16:00Z", 1)
	f("quarter_hour", "", tehran, "2026-03-02T10:15:59Z", "2026-03-02T13:45:00+03:30", "2026-03-02T14:00:00+03:30", 1)
	f("hour", "", tehran, "2026-03-02T10:15:59Z", "2026-03-02T13:00:00+03:30", "2026-03-02T14:00:00+03:30", 1)
	f("day", "", tehran, "2026-03-02T20:30:00Z", "2026-03-03T00:00:00+03:30", "2026-03-04T00:00:00+03:30", 1)
	f("week", "", tehran, "2026-03-06T12:00:00Z", "2026-02-28T00:00:00+03:30", "2026-03-07T00:00:00+03:30", 6)
	f("week", "", "UTC", "2026-03-01T12:00:00Z", "2026-02-23T00:00:00Z", "2026-03-02T00:00:00Z", 1)
	f("week", "", "UTC", "2026-03-01T12:00:00Z", "2026-03-01T00:00:00Z", "2026-03-08T00:00:00Z", 7)
	f("month", "", "UTC", "2026-02-11T12:00:00Z", "2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z", 1)
	f("quarter", "", "UTC", "2026-02-11T12:00:00Z", "2026-01-01T00:00:00Z", "2026-04-01T00:00:00Z", 1)
	f("quarter", "", tehran, "2026-12-31T20:29:00Z", "2026-10-01T00:00:00+03:30", "2027-01-01T00:00:00+03:30", 1)
	f("year", "", "UTC", "2026-08-31T12:00:00Z", "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z", 1)
	f("day", "", "Europe/Berlin", "2026-03-29T12:00:00Z", "2026-03-29T00:00:00+01:00", "2026-03-30T00:00:00+02:00", 1)
	f("", "5m", "UTC", "2026-03-02T10:15:59Z", "2026-03-02T10:11:00Z", "2026-03-02T10:16:00Z", 1)
	f("minute", "60m", "UTC", "1969-12-31T23:59:59Z", "1969-12-31T23:00:00Z", "1970-01-01T00:00:00Z", 1)
	months = "persian" // 1404 and 1408 have ordinary and leap ends
	f("month", "", tehran, "2026-03-02T10:15:59Z", "2026-02-20T00:00:00+03:30", "2026-03-21T00:00:00+03:30", 1)
	f("month", "", tehran, "2026-03-20T20:30:00Z", "2026-03-21T00:00:00+03:30", "2026-04-21T00:00:00+03:30", 1)
	f("quarter", "", tehran, "2026-11-23T12:00:00Z", "2026-09-23T00:00:00+03:30", "2026-12-22T00:00:00+03:30", 1)
	f("year", "", tehran, "2030-01-01T12:00:00Z", "2029-03-20T00:00:00+03:30", "2030-03-21T00:00:00+03:30", 1)
	for _, r := range []CellRequest{{Grain: "decade"}, {Window: "2m"}, {Window: "5m", Grain: "day"}} {
		var mistake *RequestError
		if _, _, err := interval(&r, time.UTC); !errors.As(err, &mistake) {
			t.Errorf("%+v: %v", r, err)
		}
	}
}

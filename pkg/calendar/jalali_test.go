package calendar

import (
	"testing"
	"time"
)

// TestDatesThereAndBack walks along every day of all Jalali years that are
// converted, many of them before 1970.
func TestDatesThereAndBack(t *testing.T) {
	from, ok := JalaliDay(Date{firstJalali, 1, 1})
	to, ok2 := JalaliDay(Date{lastJalali, 12, 29})
	if !ok || !ok2 || to-from < 154_000 {
		t.Fatalf("the years are day %d to %d", from, to)
	}
	prev := Jalali(from - 1)
	for n := from; n <= to; n++ {
		d := Jalali(n)
		follows := d == Date{prev.Year, prev.Month, prev.Day + 1} || d == Date{prev.Year, prev.Month + 1, 1} || d == Date{prev.Year + 1, 1, 1}
		if back, ok := JalaliDay(d); !ok || back != n || !follows {
			t.Fatalf("day %d is %v after %v, which is day %d (%v)", n, d, prev, back, ok)
		}
		g := Gregorian(n)
		if back, ok := GregorianDay(g); !ok || back != n {
			t.Fatalf("day %d is %v, which is day %d (%v)", n, g, back, ok)
		}
		if got, want := weekday(n), time.Unix(n*86400, 0).UTC().Weekday(); got != want {
			t.Fatalf("day %d is a %v, want %v", n, got, want)
		}
		prev = d
	}
}

// TestKnownDates are dates that everybody can look up.
func TestKnownDates(t *testing.T) {
	f := func(name string, g, j Date) {
		t.Helper()
		t.Run(name, func(t *testing.T) {
			n, ok := GregorianDay(g)
			if got := Jalali(n); !ok || got != j {
				t.Errorf("%v is %v, want %v", g, got, j)
			}
		})
	}
	f("epoch", Date{1970, 1, 1}, Date{1348, 10, 11})
	f("century", Date{1921, 3, 21}, Date{1300, 1, 1})
	f("revolution", Date{1979, 2, 11}, Date{1357, 11, 22})
	f("leap_1399", Date{2021, 3, 20}, Date{1399, 12, 30})
	f("leap_1403", Date{2025, 3, 20}, Date{1403, 12, 30})
	f("leap_1408", Date{2030, 3, 20}, Date{1408, 12, 30})
	f("year_1405", Date{2026, 3, 21}, Date{1405, 1, 1})
	for _, d := range []Date{{1404, 12, 30}, {1403, 7, 31}, {1403, 13, 1}, {1403, 0, 1}, {1403, 1, 0}, {1209, 1, 1}, {1635, 1, 1}} {
		if _, ok := JalaliDay(d); ok {
			t.Errorf("%v is taken for a day", d)
		}
	}
}

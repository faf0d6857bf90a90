package calendar

import (
	"strings"
	"testing"
	"testing/fstest"
)

const whole = `doc: A desk.
zone: Asia/Tehran
week_start: sat
hours:
  sat-wed: [08:00-12:00, 13:30-18:00]
  thu: 22:00-06:00
changes:
  - {from: 1404-01-01, known: 2025-02-01T09:00+03:30, hours: {daily: 08:00-16:00}}
holidays:
  - {name: Nowruz, date: 1403-01-01, to: 1403-01-04, yearly: true, until: 1440-01-01}
  - {name: Extra, date: ۱۴۰۴-۰۱-۱۵, hours: 08:00-12:00, known: 2025-04-03T20:00:00Z}
`

// TestBrokenCalendars shows that a slip is told with its place and the word
// that was meant.
func TestBrokenCalendars(t *testing.T) {
	tree := zones(t)
	f := func(name, old, slip, want string) {
		t.Helper()
		t.Run(name, func(t *testing.T) {
			text := strings.Replace(whole, old, slip, 1)
			if text == whole && old != slip {
				t.Fatalf("%q is not in the calendar", old)
			}
			_, err := Parse("x.yaml", "x", []byte(text), tree)
			got := ""
			if err != nil {
				got = err.Error()
			}
			if want == "" && got != "" || !strings.Contains(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
	f("whole", "", "", "")
	f("key", "zone:", "zon:", `x.yaml:2:1: unknown key "zon", did you mean "zone"?`)
	f("missing", "doc: A desk.\n", "", `x.yaml:1:1: key "doc" is missing`)
	f("zone", "Asia/Tehran", "Asia/Teheran", `x.yaml:2:7: no zone "Asia/Teheran", did you mean "Asia/Tehran"?`)
	f("zone_folder", "Asia/Tehran", "Asia", `x.yaml:2:7: no zone "Asia"`)
	f("zone_outside", "Asia/Tehran", "../calendar/x", `x.yaml:2:7: no zone "../calendar/x"`)
	f("week_start", "week_start: sat", "week_start: saturday", `x.yaml:3:13: "saturday" is not one of sun, mon`)
	f("weekday", "sat-wed:", "sat-wde:", `x.yaml:5:3: "wde" is not one of sun, mon, tue, wed, thu, fri, sat, did you mean "wed"?`)
	f("twice", "thu:", "tue-thu:", "x.yaml:6:3: tue is there twice")
	f("order", "13:30-18:00", "11:30-18:00", "x.yaml:5:26: 11:30-18:00 begins before the one before it ends")
	f("after_night", "22:00-06:00", "[22:00-06:00, 07:00-08:00]", "07:00-08:00 begins before the one before it ends")
	f("hour", "22:00-06:00", "22:00-24:01", `x.yaml:6:8: "22:00-24:01" is no period`)
	f("short", "22:00-06:00", "22-06", `"22-06" is no period: write 08:00-17:00`)
	f("shut", "22:00-06:00", "clsoed", `"clsoed" is no period: write 08:00-17:00, 22:00-06:00, 00:00-24:00 or closed`)
	f("length", "22:00-06:00", "08:00-08:00", "08:00-08:00 has no length: a whole day is 00:00-24:00")
	f("usual", "22:00-06:00", "usual", `"usual" is no period`)
	f("late_open", "22:00-06:00", "24:00-06:00", "is no period")
	f("closed", "22:00-06:00", "closed", "")
	f("whole_day", "22:00-06:00", "00:00-24:00", "")
	f("date", "1403-01-01", "1403/01/01", `x.yaml:10:26: "1403/01/01" is no date: write 2026-03-21 or, Jalali, 1405-01-01`)
	f("no_leap", "date: 1403-01-01, to: 1403-01-04", "date: 1404-12-30", "there is no day 1404-12-30")
	f("leap", "date: 1403-01-01, to: 1403-01-04", "date: 1403-12-30", "")
	f("february", "date: 1403-01-01, to: 1403-01-04", "date: 2024-02-29", "")
	f("no_february", "date: 1403-01-01, to: 1403-01-04", "date: 2023-02-29", "there is no day 2023-02-29")
	f("far", "until: 1440-01-01", "until: 2150-01-01", "2150-01-01 does not lie within 1970 and 2099")
	f("old", "date: 1403-01-01, to: 1403-01-04", "date: 1348-01-01", "1348-01-01 does not lie within 1970 and 2099")
	f("backwards", "to: 1403-01-04", "to: 1402-01-04", "x.yaml:10:5: Nowruz ends before it begins, or more than 366 days after")
	f("until", ", yearly: true", "", "`until` ends what is yearly")
	f("known", "2025-02-01T09:00+03:30", "2025-02-01 09:00", `x.yaml:8:31: "2025-02-01 09:00" is no instant: write 2026-03-21T09:00+03:30`)
	f("change", ", hours: {daily: 08:00-16:00}", "", "x.yaml:8:5: a change has hours, a zone or a week_start")
	f("change_from", "from: 1404-01-01, ", "", `x.yaml:8:5: key "from" is missing`)
	f("holiday_name", "name: Nowruz, ", "", `x.yaml:10:5: key "name" is missing`)
	f("bool", "yearly: true", "yearly: yes", "x.yaml:10:62: true or false is expected")
}

// TestLimits holds the bounds of a file.
func TestLimits(t *testing.T) {
	tree := zones(t)
	f := func(name, text, want string) {
		t.Helper()
		t.Run(name, func(t *testing.T) {
			if _, err := Parse("x.yaml", "x", []byte("doc: x\nzone: UTC\nhours: {daily: closed}\n"+text), tree); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("got %v, want %q", err, want)
			}
		})
	}
	repeat := func(s string, n int) string { return "holidays:\n" + strings.Repeat("  - "+s+"\n", n) }
	f("holidays", repeat("{name: x, date: 2026-01-01}", maxHolidays+1), "more than 2000 holidays")
	f("days", repeat("{name: x, date: 1970-01-02, to: 1970-12-30, yearly: true}", 1), "more than 30000 days of holidays")
	f("changes", "changes:\n"+strings.Repeat("  - {from: 2026-01-01, zone: UTC}\n", maxChanges+1), "more than 64 changes")
	f("periods", "holidays: [{name: x, date: 2026-01-01, hours: ["+
		"00:00-00:01, 01:00-01:01, 02:00-02:01, 03:00-03:01, 04:00-04:01, 05:00-05:01, 06:00-06:01, 07:00-07:01, 08:00-08:01, 09:00-09:01, 10:00-10:01, 11:00-11:01, 12:00-12:01]}]",
		"more than 12 periods of a day")
	var b strings.Builder
	b.WriteString("holidays:\n")
	for i := range int64(maxEditions) {
		b.WriteString("  - {name: x, date: 2026-01-01, known: " + dateText(20_000+i, false) + "T00:00Z}\n")
	}
	f("editions", b.String(), "201 instants of `known`, more than 200")
}

// TestNothingOpen is a calendar that never opens, and one that never closes.
func TestNothingOpen(t *testing.T) {
	set, err := Load(fstest.MapFS{
		"never.yaml":  {Data: []byte("doc: x\nzone: UTC\nhours: {daily: closed}\n")},
		"always.yaml": {Data: []byte("doc: x\nzone: UTC\nhours: {daily: 00:00-24:00}\n")},
	}, zones(t))
	if err != nil {
		t.Fatal(err)
	}
	never, ok := set.Get("never")
	always, ok2 := set.Get("always")
	if _, ok3 := set.Get("nevre"); !ok || !ok2 || ok3 {
		t.Fatal("calendars are found by their names alone")
	}
	n, a := never.AsOf(0), always.AsOf(0)
	if _, ok := n.NextOpen(5); ok {
		t.Error("what never opens has a next opening")
	}
	if _, ok := n.Add(5, 1); ok {
		t.Error("what never opens has a due time")
	}
	if _, ok := a.NextClose(5); ok {
		t.Error("what never closes has a next closing")
	}
	if got := a.Elapsed(0, horizon); got != horizon {
		t.Errorf("always open for %d of %d ms", got, horizon)
	}
	if got, ok := a.Add(12_345, 98_765_432_100); !ok || got != 98_765_444_445 {
		t.Errorf("got %d, %v", got, ok)
	}
}

// FuzzParse reads anything. What is read holds the laws.
func FuzzParse(f *testing.F) {
	tree := zones(f)
	f.Add(whole)
	f.Add("doc: x\nzone: UTC\nhours: {daily: 00:00-24:00}\n")
	f.Add("doc: x\nzone: UTC\nhours: {fri-thu: [22:00-06:00]}\nholidays: [{name: a, date: 1403-12-30, yearly: true}]\n")
	f.Fuzz(func(t *testing.T, in string) {
		c, err := Parse("x.yaml", "x", []byte(in), tree)
		if err != nil {
			return
		}
		tt := c.editions[len(c.editions)-1]
		const at, span = 1_700_000_000_000, 12_345_678
		if u, ok := tt.Add(at, span); ok && tt.Elapsed(at, u) != span {
			t.Errorf("Elapsed(Add(%d)) = %d", span, tt.Elapsed(at, u))
		}
		borders(t, tt, at)
	})
}

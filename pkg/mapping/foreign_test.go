package mapping

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// foreign is a mapping of a log whose settings a test gives.
func foreign(t *testing.T, settings string) *Mapping {
	t.Helper()
	m, err := Parse("x.yaml", []byte(`mapping: x
source: s
format: csv
`+settings+`
identity: [call]
times:
  start: {date: day, date_format: "YYYY-MM-DD", clock: began, clock_format: "HH:mm:ss"}
  left: {base: start, plus: {column: wait, unit: s}}
  told: {date: day, date_format: "YYYY-MM-DD", clock: until, clock_format: "HH:mm:ss", after: start}
data: {contact_id: call, queue_id: صف}
events:
  - {type: contact.queued, at: start}
  - {type: contact.answered, at: left}
  - {type: contact.ended, at: told, when: {time: told, known: true}}
`), catalogue(t), time.LoadLocation)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

var foreignHeader = []string{"call", "day", "began", "wait", "until", "صف"}

// TestClocksSetBackAndForward: of an hour that is there twice it is the first,
// in the west as in the east; a clock that follows it may be in the second; an
// hour that is not there is told.
func TestClocksSetBackAndForward(t *testing.T) {
	const gap = "there is no such time of day in the zone: the clocks were set forward over it"
	f := func(zone, day, began, until, want string) {
		t.Helper()
		plan, err := foreign(t, "zone: "+zone).Bind(foreignHeader)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if events, bad := plan.Row(2, []string{"1", day, began, "0", until, "q"}); bad != nil {
			got = bad.Text
		} else {
			got = time.UnixMilli(events[0].Time).UTC().Format("02 15:04 ") + time.UnixMilli(events[2].Time).UTC().Format("02 15:04")
		}
		if got != want {
			t.Errorf("%s %s %s to %s: %s, want %s", zone, day, began, until, got, want)
		}
	}
	f("America/New_York", "2026-11-01", "00:59:00", "01:10:00", "01 04:59 01 05:10")
	f("America/New_York", "2026-11-01", "01:50:00", "01:10:00", "01 05:50 01 06:10")
	f("America/New_York", "2026-11-01", "01:50:00", "02:10:00", "01 05:50 01 07:10")
	f("America/New_York", "2026-03-08", "01:59:00", "03:01:00", "08 06:59 08 07:01")
	f("America/New_York", "2026-03-08", "02:30:00", "03:01:00", gap)
	f("Europe/Berlin", "2026-10-25", "02:10:00", "02:30:00", "25 00:10 25 00:30")
	f("Europe/Berlin", "2026-10-25", "02:50:00", "02:10:00", "25 00:50 25 01:10")
	f("Europe/Berlin", "2026-10-25", "01:59:59", "03:00:00", "24 23:59 25 02:00")
	f("Europe/Berlin", "2026-03-29", "02:00:00", "03:00:00", gap)
	f("Asia/Tehran", "2022-09-21", "23:30:00", "23:10:00", "21 19:00 21 19:40")
	f("Asia/Tehran", "2022-09-21", "23:30:00", "23:29:00", "21 19:00 21 18:59")
	f("Asia/Tehran", "2022-09-21", "23:30:00", "00:10:00", "21 19:00 21 20:40")
	f("Australia/Lord_Howe", "2026-04-05", "01:45:00", "01:50:00", "04 14:45 04 14:50")
	f("Asia/Tehran", "2026-11-22", "23:59:00", "00:01:00", "22 20:29 22 20:31")
}

// TestNumbersOfOtherCountries: with a sign for decimals the others part
// thousands; without one, what could be either is refused.
func TestNumbersOfOtherCountries(t *testing.T) {
	f := func(decimal, in string, want string) {
		t.Helper()
		m := &Mapping{decimal: decimal}
		got := "none"
		if ms, ok := m.duration(in, 1000); ok {
			got = fmt.Sprint(ms)
		}
		if got != want {
			t.Errorf("%q with %q: %s, want %s", in, decimal, got, want)
		}
	}
	f(",", "12,5", "12500")
	f(",", "12,125", "12125")
	f(",", "1.234", "1234000")
	f(",", "1.234,50", "1234500")
	f(",", "1\u00a0234,5", "1234500")
	f(",", "1\u202f234", "1234000")
	f(",", "-3,5", "-3500")
	f(",", "12.5", "none")
	f(",", "1.2345", "none")
	f(",", "1,234,5", "none")
	f(",", "", "none")
	f(",", "0:02,5", "2500")
	f(",", "1,5 min", "90000")
	f(".", "1,234.5", "1234500")
	f(".", "1'234.5", "1234500")
	f(".", "12,5", "none")
	f("", "12,5", "12500")
	f("", "12.5", "12500")
	f("", "1,234", "none")
	f("", "1.234,50", "none")
}

// TestNamesOfColumns: letters are the same in names as in values, names that
// are there twice are told, and so is a header in another encoding.
func TestNamesOfColumns(t *testing.T) {
	header := func(names ...string) error {
		m := foreign(t, "normalize: [letters]")
		_, err := m.Bind(append([]string{"call", "day", "began", "wait", "until"}, names...))
		return err
	}
	if err := header(" صف "); err != nil {
		t.Error(err)
	}
	for _, c := range []struct{ in, has string }{
		{"صف\xe4", "not valid in the encoding utf-8: name the right one under encoding"},
		{"queue", `x.yaml:10:36: no column "صف" in the file`},
	} {
		if err := header(c.in); err == nil || !strings.Contains(err.Error(), c.has) {
			t.Errorf("%q: %v, want %s", c.in, err, c.has)
		}
	}
	if err := header("صف", "صف"); err == nil || !strings.Contains(err.Error(), `two columns "صف"`) {
		t.Errorf("a name that is there twice: %v", err)
	}
	m := foreign(t, "normalize: [letters, digits]\nabsent: [\"ك۰\"]")
	if got := m.absent; got[0] != "ک0" {
		t.Errorf("absent is %q", got)
	}
}

// TestRowsThatDoNotFit: a word too many says that columns are not what they
// seem, a delimiter at the end says nothing.
func TestRowsThatDoNotFit(t *testing.T) {
	plan, err := foreign(t, "zone: UTC").Bind(foreignHeader)
	if err != nil {
		t.Fatal(err)
	}
	f := func(want string, values ...string) {
		t.Helper()
		got := ""
		if _, bad := plan.Row(3, values); bad != nil {
			got = bad.Error()
		}
		if got != want {
			t.Errorf("%q: %s, want %s", values, got, want)
		}
	}
	f("", "1", "2026-11-22", "10:00:00", "5", "10:01:00", "q")
	f("", "1", "2026-11-22", "10:00:00", "5", "10:01:00", "q", "", " ")
	f("line 3: the row has 7 columns, the header 6", "1", "2026-11-22", "10:00:00", "5", "10:01:00", "q", "x")
	f("line 3: the row has 2 columns, the header 6; is there a quote that does not close?", "1", "2026-11-22,10\n2,x")
	f("line 3, column began: the time is not of the years 1971 to 2105; is its format another?", "1", "1970-06-01", "10:00:00", "5", "10:01:00", "q")
	f("line 3, column began: the time is not of the years 1971 to 2105; is its format another?", "1", "2105-12-31", "23:59:59", "5", "", "q")
	f("line 3, column صف: not valid in the encoding", "1", "2026-11-22", "10:00:00", "5", "10:01:00", "\xff")
}

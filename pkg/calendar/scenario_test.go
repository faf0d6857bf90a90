package calendar

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

var grains = []string{"hour", "day", "week", "month", "quarter", "year", "jalali_month", "jalali_quarter", "jalali_year"}

// TestScenarios holds calendars to what was worked out by hand: those that are
// part of the binary, and those of numbers that others have published.
func TestScenarios(t *testing.T) {
	tree, claims := zones(t), 0
	for _, dir := range []string{"../../schemas/calendar", "testdata/worked"} {
		set, err := Load(os.DirFS(dir), tree)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range set.Calendars {
			t.Run(c.Name, func(t *testing.T) {
				text, err := os.ReadFile(filepath.Join(dir, c.Name+".txt"))
				if err != nil {
					t.Fatalf("every calendar has a scenario: %v", err)
				}
				tt := c.AsOf(math.MaxInt64)
				for i, line := range strings.Split(string(text), "\n") {
					words := strings.Fields(line)
					if len(words) == 0 || words[0] == "#" {
						continue
					}
					if words[0] == "as_of" {
						tt = c.AsOf(at(t, words[1]))
						continue
					}
					claims++
					if got := claim(t, tt, words); got != "" {
						t.Errorf("line %d: %s: got %s", i+1, line, got)
					}
				}
			})
		}
	}
	if claims < 75 {
		t.Errorf("only %d claims", claims)
	}
}

// claim gives what a line should say, or nothing where it is right.
func claim(t *testing.T, tt *Timetable, w []string) string {
	t.Helper()
	text := func(ms int64, ok bool) string {
		if !ok {
			return "never"
		}
		return time.UnixMilli(ms).UTC().Format(time.RFC3339Nano)
	}
	is := func(ms int64, ok bool, want string) string {
		if ok && ms == at(t, want) {
			return ""
		}
		return text(ms, ok)
	}
	both := func(from, to int64, want []string) string {
		if is(from, true, want[0]) == "" && is(to, true, want[1]) == "" {
			return ""
		}
		return text(from, true) + " " + text(to, true)
	}
	when := 1
	if w[0] == "bucket" {
		when = 2
	}
	first := at(t, w[when])
	switch w[0] {
	case "open":
		if got := tt.IsOpen(first); got != (w[2] == "yes") || w[2] != "yes" && w[2] != "no" {
			return "the contrary"
		}
		return ""
	case "elapsed":
		if got := tt.Elapsed(first, at(t, w[2])); got != length(t, w[3]) {
			return (time.Duration(got) * time.Millisecond).String()
		}
		return ""
	case "add":
		got, ok := tt.Add(first, length(t, w[2]))
		return is(got, ok, w[3])
	case "next_open":
		got, ok := tt.NextOpen(first)
		return is(got, ok, w[2])
	case "next_close":
		got, ok := tt.NextClose(first)
		return is(got, ok, w[2])
	case "day":
		d := tt.Day(first)
		if name := strings.Join(w[4:], " "); name != d.Holiday {
			return "holiday " + d.Holiday
		}
		return both(d.From, d.To, w[2:])
	case "bucket":
		from, to := tt.Bucket(first, Grain(slices.Index(grains, w[1])))
		return both(from, to, w[3:])
	}
	t.Fatalf("no claim %q", w[0])
	return ""
}

func at(t *testing.T, s string) int64 {
	t.Helper()
	v, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		t.Fatal(err)
	}
	return v.UnixMilli()
}

func length(t *testing.T, s string) int64 {
	t.Helper()
	d, err := time.ParseDuration(s)
	if err != nil {
		t.Fatal(err)
	}
	return d.Milliseconds()
}

// Package calendar is business time: when a desk is open, how much open time
// lies between two instants, and when a span of open time has passed.
//
// A [Calendar] is what a file says, a [Timetable] is what was known of it at
// one instant: a holiday that is announced late counts from its announcement
// on, and whoever decides at an event takes the timetable of the event's own
// time. Both are immutable. All instants are ms since 1970-01-01 UTC.
//
// A period begins when the clock on the wall first shows its opening time, or
// jumps past it, and ends when the clock first shows its closing time, or jumps
// past it. So a shift is one stretch of real time: seven hours or nine in a
// night in which clocks change, and no desk that has closed opens again because
// clocks are set back. A shift that runs past midnight belongs to the day on
// which it begins.
//
// It does not know what is measured in open time, where files
// and zones come from, or what time it is. It reads no clock, starts no
// goroutine and performs no I/O.
package calendar

import (
	"math"
	"slices"
	"time"
)

// The horizon of all timetables: outside it a desk is closed. It ends in
// February 2100, past any promise that is made today.
const (
	chunkBits = 31 // a chunk is 2^31 ms, 24.9 days: its inner times fit into 32 bits
	chunkSize = int64(1) << chunkBits
	chunks    = 1912
	horizon   = chunks * chunkSize
)

// Calendar is what a file says, over everything that was ever known.
type Calendar struct {
	Name string
	Doc  string
	// Users are whose hours these are.
	Users []User

	versions []version // as in the file; the first holds from ever on
	holidays map[int64][]*holiday
	editions []*Timetable // ascending by known; the first is known from ever on
}

// Set is all calendars, ascending by name.
type Set struct {
	Calendars []*Calendar
}

// Get finds a calendar by its name.
func (s *Set) Get(name string) (*Calendar, bool) {
	for _, c := range s.Calendars {
		if c.Name == name {
			return c, true
		}
	}
	return nil, false
}

// version is the rule of ordinary days, from a day on.
type version struct {
	from      int64 // the first day that it holds for
	known     int64
	zone      *Zone        // nil: as before
	weekStart time.Weekday // -1: as before
	hours     bool         // whether week is its own
	week      [7][]period  // by weekday
}

// period is a stretch of a day, ms since its midnight. It may end on the next
// day, after 24 hours.
type period struct{ open, close int64 }

// holiday is a day that differs from the rule.
type holiday struct {
	name    string
	known   int64
	usual   bool // the day is as any other: what was announced is withdrawn
	periods []period
}

// ever is before all days and instants.
const ever = math.MinInt64

// AsOf gives the timetable as it was known at an instant.
func (c *Calendar) AsOf(t int64) *Timetable {
	n := search(len(c.editions), func(i int) bool { return c.editions[i].known > t })
	return c.editions[max(n-1, 0)]
}

// Timetable is the open time that was known at one instant, for all times from
// 1970 to 2099.
type Timetable struct {
	calendar *Calendar
	known    int64
	versions []version // ascending by from; the first holds from ever on
	starts   []int64   // the instant at which each version begins
	spans    [][]span  // by chunk, ascending, with gaps between them
	sums     []int64   // open time before each chunk, ms; at the end that of the horizon
	until    []int64   // when what is open as a chunk begins ends; its beginning where it is closed
}

// span is a stretch of open time in a chunk.
type span struct {
	open, close uint32 // ms since the chunk's beginning
	before      uint32 // open ms of the chunk before it
}

// Known is the instant since which the timetable was known, and the least
// int64 for what was known from the beginning.
func (t *Timetable) Known() int64 { return t.known }

// IsOpen tells whether the desk is open at an instant. It is open at the
// instant at which it opens and closed at the one at which it closes.
func (t *Timetable) IsOpen(at int64) bool {
	_, ok := t.span(at)
	return ok
}

// span finds the stretch that an instant lies in.
func (t *Timetable) span(at int64) (span, bool) {
	if at < 0 || at >= horizon {
		return span{}, false
	}
	spans, inner := t.spans[at>>chunkBits], uint32(at&(chunkSize-1))
	i := search(len(spans), func(i int) bool { return spans[i].open > inner })
	if i == 0 || spans[i-1].close <= inner {
		return span{}, false
	}
	return spans[i-1], true
}

// NextOpen gives the first instant, not before at, at which the desk is open.
// It gives false when it never opens again.
func (t *Timetable) NextOpen(at int64) (int64, bool) {
	passed := t.passed(at)
	if passed == t.sums[chunks] {
		return 0, false
	}
	return t.last(passed), true
}

// NextClose gives the first instant, not before at, at which the desk is
// closed. It gives false when it never closes again.
func (t *Timetable) NextClose(at int64) (int64, bool) {
	s, ok := t.span(at)
	if !ok {
		return at, true
	}
	chunk := at >> chunkBits
	end := chunk<<chunkBits + int64(s.close)
	if int64(s.close) == chunkSize {
		end = t.until[chunk+1]
	}
	return end, end < horizon
}

// Elapsed gives the open time from a to b, ms. It is negative when b lies
// before a: the open time between them with a minus, so that
// Elapsed(a, b) + Elapsed(b, c) = Elapsed(a, c) for any three instants.
func (t *Timetable) Elapsed(a, b int64) int64 { return t.passed(b) - t.passed(a) }

// Add gives the instant at which open ms have passed since at: the first at
// which they have, so that a promise of a whole day is due when the desk
// closes, not when it opens again. Of 0 it gives at itself. A negative span
// goes back, to the last instant from which it passes until at. For all of
// them Elapsed(at, Add(at, open)) = open. It gives false when the horizon holds
// less open time.
func (t *Timetable) Add(at, open int64) (int64, bool) {
	passed := t.passed(at)
	switch {
	case open == 0:
		return at, true
	case open > 0 && open <= t.sums[chunks]-passed:
		return t.first(passed + open), true
	case open < 0 && open >= -passed:
		return t.last(passed + open), true
	}
	return 0, false
}

// passed gives the open time of the horizon before an instant, ms.
func (t *Timetable) passed(at int64) int64 {
	if at <= 0 {
		return 0
	}
	if at >= horizon {
		return t.sums[chunks]
	}
	chunk := at >> chunkBits
	spans, inner := t.spans[chunk], uint32(at&(chunkSize-1))
	i := search(len(spans), func(i int) bool { return spans[i].open > inner })
	if i == 0 {
		return t.sums[chunk]
	}
	s := spans[i-1]
	return t.sums[chunk] + int64(s.before+min(inner, s.close)-s.open)
}

// first gives the first instant before which that much open time has passed,
// 0 < passed ≤ that of the horizon.
func (t *Timetable) first(passed int64) int64 {
	chunk := search(chunks, func(i int) bool { return t.sums[i+1] >= passed })
	spans, rest := t.spans[chunk], uint32(passed-t.sums[chunk])
	i := search(len(spans), func(i int) bool { return spans[i].before >= rest })
	s := spans[i-1]
	return int64(chunk)<<chunkBits + int64(s.open+rest-s.before)
}

// last gives the last instant before which no more open time than that has
// passed, 0 ≤ passed < that of the horizon: the desk is open at it.
func (t *Timetable) last(passed int64) int64 {
	chunk := search(chunks, func(i int) bool { return t.sums[i+1] > passed })
	spans, rest := t.spans[chunk], uint32(passed-t.sums[chunk])
	i := search(len(spans), func(i int) bool { return spans[i].before > rest })
	s := spans[i-1]
	return int64(chunk)<<chunkBits + int64(s.open+rest-s.before)
}

// search gives the least i in [0, n) of which f is true, or n: f is false up to
// some i and true from it on.
func search(n int, f func(int) bool) int {
	from, to := 0, n
	for from < to {
		i := int(uint(from+to) >> 1)
		if f(i) {
			to = i
		} else {
			from = i + 1
		}
	}
	return from
}

// rule finds the periods that begin on a day, and the holiday that makes them
// differ from the ordinary, if any.
func (t *Timetable) rule(v *version, day int64) ([]period, *holiday) {
	all := t.calendar.holidays[day]
	for i := range slices.Backward(all) {
		if h := all[i]; h.known <= t.known {
			if h.usual {
				break
			}
			return h.periods, h
		}
	}
	return v.week[weekday(day)], nil
}

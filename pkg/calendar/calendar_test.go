package calendar

import (
	"math/rand/v2"
	"reflect"
	"testing"
	"time"
)

// TestEverySecond counts two weeks of drawn calendars second by second.
func TestEverySecond(t *testing.T) {
	const n = 14 * 86400
	calendars := 28 // two of each zone
	if testing.Short() {
		calendars = 10
	}
	drawn(t, calendars, false, func(rnd *rand.Rand, m *model, c *Calendar, around int64) {
		from := (around - 7) * 86400
		known := m.known(rnd)
		seconds := m.seconds(location(t, m.zone), from, n, known)
		tt := c.AsOf(known)
		passed := make([]int64, n+1)
		for i, open := range seconds {
			passed[i+1] = passed[i]
			if open {
				passed[i+1]++
			}
			if got := tt.IsOpen((from + int64(i)) * 1000); got != open {
				t.Errorf("IsOpen(%v) as of %v: got %v, counted %v", time.Unix(from+int64(i), 0).UTC(), known, got, open)
				return
			}
		}
		for range 300 {
			a, b := rnd.IntN(n+1), rnd.IntN(n+1)
			at, to := (from+int64(a))*1000, (from+int64(b))*1000
			if got := tt.Elapsed(at, to); got != 1000*(passed[b]-passed[a]) {
				t.Errorf("Elapsed(%d, %d): got %d, counted %d s", at, to, got, passed[b]-passed[a])
			}
			due(t, tt, from, passed, a, rnd.Int64N(100_000))
			next(t, tt, from, seconds, a%n)
		}
	})
}

// due compares Add with a walk along the counted seconds.
func due(t *testing.T, tt *Timetable, from int64, passed []int64, a int, span int64) {
	t.Helper()
	at := (from + int64(a)) * 1000
	i := a
	for i < len(passed) && passed[i]-passed[a] < span {
		i++
	}
	if got, ok := tt.Add(at, span*1000); i < len(passed) && (!ok || got != (from+int64(i))*1000) {
		t.Errorf("Add(%d, %d s): got %d, counted %d", at, span, got, (from+int64(i))*1000)
	}
	for i = a; i >= 0 && passed[a]-passed[i] < span; {
		i--
	}
	if got, ok := tt.Add(at, -span*1000); i >= 0 && (!ok || got != (from+int64(i))*1000) {
		t.Errorf("Add(%d, -%d s): got %d, counted %d", at, span, got, (from+int64(i))*1000)
	}
}

// next compares NextOpen and NextClose with a walk.
func next(t *testing.T, tt *Timetable, from int64, seconds []bool, a int) {
	t.Helper()
	at := (from + int64(a)) * 1000
	walk := func(open bool, got int64, ok bool) {
		t.Helper()
		for i := a; i < len(seconds); i++ {
			if seconds[i] == open {
				if want := (from + int64(i)) * 1000; !ok || got != want {
					t.Errorf("next(open %v) from %d: got %d, %v, counted %d", open, at, got, ok, want)
				}
				return
			}
		}
	}
	got, ok := tt.NextOpen(at)
	walk(true, got, ok)
	got, ok = tt.NextClose(at)
	walk(false, got, ok)
}

// TestLaws holds what is true of any calendar, over the whole horizon and
// beyond it.
func TestLaws(t *testing.T) {
	drawn(t, 40, true, func(rnd *rand.Rand, m *model, c *Calendar, around int64) {
		tt := c.AsOf(m.known(rnd))
		for range 500 {
			a, b, d := instant(rnd), instant(rnd), instant(rnd)
			if tt.Elapsed(a, b)+tt.Elapsed(b, d) != tt.Elapsed(a, d) || tt.Elapsed(a, b) != -tt.Elapsed(b, a) {
				t.Errorf("Elapsed does not add up over %d, %d, %d", a, b, d)
			}
			lo, hi := min(a, b), max(a, b)
			if e := tt.Elapsed(lo, hi); e < 0 || e > hi-lo {
				t.Errorf("Elapsed(%d, %d) = %d", lo, hi, e)
			}
			span := rnd.Int64N(400*day) - 200*day
			u, ok := tt.Add(a, span)
			if ok && (tt.Elapsed(a, u) != span || (u > a) != (span > 0) && span != 0) {
				t.Errorf("Elapsed(%d, Add(%d, %d)) = %d", a, a, span, tt.Elapsed(a, u))
			}
			if more, ok2 := tt.Add(a, span+1); ok && ok2 && more <= u {
				t.Errorf("Add(%d, %d) = %d, but one ms more gives %d", a, span, u, more)
			}
			if u > a && ok && tt.Elapsed(a, u-1) == span {
				t.Errorf("Add(%d, %d) = %d is not the first", a, span, u)
			}
			if span < 0 && ok && !tt.IsOpen(u) {
				t.Errorf("Add(%d, %d) = %d is not the last", a, span, u)
			}
			borders(t, tt, a)
		}
	})
}

// borders holds NextOpen and NextClose against IsOpen and Elapsed.
func borders(t *testing.T, tt *Timetable, a int64) {
	t.Helper()
	if u, ok := tt.NextOpen(a); ok && (u < a || !tt.IsOpen(u) || tt.Elapsed(a, u) != 0 || tt.IsOpen(a) && u != a) {
		t.Errorf("NextOpen(%d) = %d", a, u)
	}
	if u, ok := tt.NextClose(a); ok && (u < a || tt.IsOpen(u) || tt.Elapsed(a, u) != u-a) {
		t.Errorf("NextClose(%d) = %d", a, u)
	}
}

// instant draws one of the horizon, or a little beside it, or the border of a
// chunk.
func instant(rnd *rand.Rand) int64 {
	switch rnd.IntN(10) {
	case 0:
		return rnd.Int64N(chunks)<<chunkBits + rnd.Int64N(3) - 1
	case 1:
		return []int64{-5 * day, -1, 0, 1, horizon - 1, horizon, horizon + 9*day}[rnd.IntN(7)]
	}
	return rnd.Int64N(horizon)
}

// TestEverySpan walks along all stretches of a calendar: their ends are due
// when what is before them has passed, also where a chunk ends.
func TestEverySpan(t *testing.T) {
	drawn(t, 12, true, func(_ *rand.Rand, m *model, c *Calendar, _ int64) {
		tt := c.AsOf(ever)
		total, passed := tt.Elapsed(0, horizon), int64(0)
		for at, ok := tt.NextOpen(0); ok; at, ok = tt.NextOpen(at) {
			if u, ok := tt.Add(horizon, passed-total); !ok || passed < total && u != at {
				t.Fatalf("%d ms before the end is %d (%v), want %d", total-passed, u, ok, at)
			}
			end, closes := tt.NextClose(at)
			if !closes {
				end = horizon
			}
			passed += end - at
			if u, ok := tt.Add(0, passed); !ok || u != end {
				t.Fatalf("%d ms have passed at %d (%v), want %d", passed, u, ok, end)
			}
			at = end
		}
		if _, ok := tt.Add(0, total+1); ok || passed != total {
			t.Errorf("counted %d ms of %d, and there is more: %v", passed, total, ok)
		}
	})
}

// TestEditionsShareOnlyWhatIsEqual works every chunk of every edition out anew.
func TestEditionsShareOnlyWhatIsEqual(t *testing.T) {
	editions := 0
	drawn(t, 30, true, func(_ *rand.Rand, _ *model, c *Calendar, _ int64) {
		for _, tt := range c.editions {
			editions++
			for i := range int64(chunks) {
				if want := tt.chunk(i); !reflect.DeepEqual(tt.spans[i], want) && len(want)+len(tt.spans[i]) > 0 {
					t.Fatalf("chunk %d as of %d: got %v, want %v", i, tt.known, tt.spans[i], want)
				}
			}
		}
	})
	if editions < 60 {
		t.Errorf("only %d editions", editions)
	}
}

// TestAsOf finds the edition in force, and the first for all that is earlier.
func TestAsOf(t *testing.T) {
	drawn(t, 30, true, func(_ *rand.Rand, m *model, c *Calendar, _ int64) {
		for _, at := range m.knowns {
			if got := c.AsOf(at).Known(); got != at {
				t.Errorf("AsOf(%d) is the edition of %d", at, got)
			}
		}
		if got := c.AsOf(ever).Known(); got != ever {
			t.Errorf("AsOf(ever) is the edition of %d", got)
		}
	})
}

// TestBucketsPartition walks along the buckets of each grain: each instant lies
// in one, and they follow each other without a gap.
func TestBucketsPartition(t *testing.T) {
	drawn(t, 28, true, func(rnd *rand.Rand, m *model, c *Calendar, around int64) {
		tt := c.AsOf(m.known(rnd))
		for g := Hour; g <= JalaliYear; g++ {
			from, to := tt.Bucket((around-2)*day, g)
			for range 100 {
				if from >= to {
					t.Fatalf("grain %d: bucket %d to %d", g, from, to)
				}
				for _, at := range []int64{from, from + rnd.Int64N(to-from), to - 1} {
					if f, u := tt.Bucket(at, g); f != from || u != to {
						t.Fatalf("grain %d: %d lies in %d to %d, want %d to %d", g, at, f, u, from, to)
					}
				}
				f, u := tt.Bucket(to, g)
				if f != to {
					t.Fatalf("grain %d: the bucket after %d begins at %d", g, to, f)
				}
				if from, to = f, u; to > horizon {
					break
				}
			}
		}
	})
}

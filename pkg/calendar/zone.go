package calendar

import (
	"fmt"
	"math"
	"time"
)

// Zone is the history and the future of the clocks of a region, 1969 to 2101;
// outside, the nearest offset holds.
//
// Its wall clock never goes back: where clocks are set back it is taken to
// stand still until they have caught up. So each local time has one first
// instant, and each instant one local day.
type Zone struct {
	Name  string
	at    []int64 // when each offset begins
	off   []int64 // ms east of UTC
	reach []int64 // the local time that the wall clock has come to, exclusively, as each offset ends
}

// margin is how far a zone is known beyond the horizon: more than the longest
// period and any offset.
const margin = 32 * day

// day is one of 24 hours, ms.
const day = int64(86_400_000)

// NewZone reads a zone from its compiled form (TZif, RFC 9636), of which the
// caller answers for the version.
func NewZone(name string, data []byte) (*Zone, error) {
	loc, err := time.LoadLocationFromTZData(name, data)
	if err != nil {
		return nil, fmt.Errorf("read zone %s: %w", name, err)
	}
	z := &Zone{Name: name}
	for t := time.UnixMilli(-margin).In(loc); ; {
		_, seconds := t.Zone()
		off := int64(seconds) * 1000
		if n := len(z.off); n == 0 {
			z.at, z.off = append(z.at, ever), append(z.off, off)
		} else if z.off[n-1] != off {
			z.at, z.off = append(z.at, t.UnixMilli()), append(z.off, off)
		}
		_, end := t.ZoneBounds()
		if end.IsZero() || end.UnixMilli() > horizon+margin {
			break
		}
		// The bounds that package time works out of a rule for all years end
		// on 31 December in a leap year, also for an instant of that day.
		if !end.After(t) {
			end = t.Add(24 * time.Hour)
		}
		t = end
	}
	reach := int64(ever)
	for i := range z.at[1:] {
		reach = max(reach, z.at[i+1]+z.off[i])
		z.reach = append(z.reach, reach)
	}
	z.reach = append(z.reach, math.MaxInt64)
	return z, nil
}

// piece finds the offset in force at an instant.
func (z *Zone) piece(t int64) int {
	return search(len(z.at), func(i int) bool { return z.at[i] > t }) - 1
}

// Offset is how far local time is ahead of UTC at an instant, ms.
func (z *Zone) Offset(t int64) int64 { return z.off[z.piece(t)] }

// wall gives the local time at an instant, ms since 1970-01-01 00:00 by the
// clock on the wall. Where clocks are set back, it stands still.
func (z *Zone) wall(t int64) int64 {
	i := z.piece(t)
	w := t + z.off[i]
	if i > 0 {
		w = max(w, z.reach[i-1]-1)
	}
	return w
}

// instant gives the first instant at which the wall clock shows a local time or
// has jumped past it.
func (z *Zone) instant(wall int64) int64 {
	i := search(len(z.reach), func(i int) bool { return z.reach[i] > wall })
	return max(z.at[i], wall-z.off[i])
}

package calendar

import (
	"maps"
	"slices"
)

// Edition is what a calendar says of ordinary days, as it was known from an
// instant on: for whoever works open time out in another way.
type Edition struct {
	Known    int64 // ms since 1970 UTC; of the first the least int64
	Versions []Version
}

// Version is the rule of ordinary days, from a day on.
type Version struct {
	From int64 // days since 1970-01-01; of the first far before all days
	Zone string
	Week [7][]Period // from Sunday on
}

// Period is a stretch of a day, ms since its midnight by the clock on the wall;
// it may end on the next day.
type Period struct{ Open, Close int64 }

// Holiday is a day that differs from the rule since it is known. Of several for
// one day the last that is known stands.
type Holiday struct {
	Day, Known int64
	Usual      bool // it is as any other after all
	Periods    []Period
}

// Editions are what was known when, ascending.
func (c *Calendar) Editions() []Edition {
	var out []Edition
	for _, t := range c.editions {
		e := Edition{Known: t.known}
		for _, v := range t.versions {
			x := Version{From: max(v.from, -1<<31), Zone: v.zone.Name}
			for i, day := range v.week {
				x.Week[i] = periods(day)
			}
			e.Versions = append(e.Versions, x)
		}
		out = append(out, e)
	}
	return out
}

// Holidays are those of all years, by day and then in the order in which they
// became known.
func (c *Calendar) Holidays() []Holiday {
	var out []Holiday
	for _, day := range slices.Sorted(maps.Keys(c.holidays)) {
		for _, h := range c.holidays[day] {
			out = append(out, Holiday{Day: day, Known: h.known, Usual: h.usual, Periods: periods(h.periods)})
		}
	}
	return out
}

func periods(in []period) []Period {
	var out []Period
	for _, p := range in {
		out = append(out, Period{Open: p.open, Close: p.close})
	}
	return out
}

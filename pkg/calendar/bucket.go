package calendar

import "time"

// Grain is a length of buckets by which numbers are shown.
type Grain int

// The grains. Hours and days follow the wall clock: the hour that clocks repeat
// is one of two hours, a day in which they change has 23 or 25.
const (
	Hour Grain = iota
	Day
	Week
	Month
	Quarter
	Year
	JalaliMonth
	JalaliQuarter
	JalaliYear
)

// Bucket gives the bucket of a grain that an instant lies in: from ≤ t < to.
// The buckets of one grain follow each other without a gap.
func (z *Zone) Bucket(t int64, g Grain, weekStart time.Weekday) (from, to int64) {
	w := z.wall(t)
	if g == Hour {
		const hour = 3_600_000
		w = floor(w, hour) * hour
		return z.instant(w), z.instant(w + hour)
	}
	first, next := days(floor(w, day), g, weekStart)
	return z.instant(first * day), z.instant(next * day)
}

// days gives the first day of a bucket and that of the next.
func days(d int64, g Grain, weekStart time.Weekday) (first, next int64) {
	switch g {
	case Hour, Day:
		return d, d + 1
	case Week:
		first = d - int64(weekday(d)-weekStart+7)%7
		return first, first + 7
	case Month, Quarter, Year:
		return months(Gregorian(d), width(g), GregorianDay)
	case JalaliMonth, JalaliQuarter, JalaliYear:
		return months(Jalali(d), width(g), JalaliDay)
	}
	panic("calendar: unknown grain")
}

func width(g Grain) int {
	switch g {
	case Month, JalaliMonth:
		return 1
	case Quarter, JalaliQuarter:
		return 3
	case Hour, Day, Week, Year, JalaliYear:
	}
	return 12
}

func months(d Date, n int, number func(Date) (int64, bool)) (first, next int64) {
	from := Date{d.Year, d.Month - (d.Month-1)%n, 1}
	to := Date{from.Year, from.Month + n, 1}
	if to.Month > 12 {
		to.Year, to.Month = to.Year+1, to.Month-12
	}
	first, _ = number(from)
	next, _ = number(to)
	return first, next
}

// Bucket gives the bucket that an instant lies in, by the zone and the week in
// force at it: from ≤ at < to. Where a calendar moves to another zone or
// another first day of the week, the bucket before ends there.
func (t *Timetable) Bucket(at int64, g Grain) (from, to int64) {
	i := t.version(at)
	v := &t.versions[i]
	from, to = v.zone.Bucket(at, g, v.weekStart)
	differs := func(o *version) bool {
		return o.zone.Name != v.zone.Name || g == Week && o.weekStart != v.weekStart
	}
	for j := i; j > 0; j-- {
		if differs(&t.versions[j-1]) {
			from = max(from, t.starts[j])
			break
		}
	}
	for j := i + 1; j < len(t.versions); j++ {
		if differs(&t.versions[j]) {
			to = min(to, t.starts[j])
			break
		}
	}
	return from, to
}

// DayOf is what a calendar says of one local day.
type DayOf struct {
	From, To  int64 // its first instant, and that of the next day
	Gregorian Date
	Jalali    Date
	Holiday   string // the name of the holiday that it is, or empty
}

// Day says what is known of the local day that an instant lies in, so that a
// due time can be explained.
func (t *Timetable) Day(at int64) DayOf {
	i := t.version(at)
	v := &t.versions[i]
	n := floor(v.zone.wall(at), day)
	if i+1 < len(t.versions) {
		n = min(n, t.versions[i+1].from-1)
	}
	d := DayOf{Gregorian: Gregorian(n), Jalali: Jalali(n)}
	d.From, d.To = t.Bucket(at, Day)
	if _, h := t.rule(v, n); h != nil {
		d.Holiday = h.name
	}
	return d
}

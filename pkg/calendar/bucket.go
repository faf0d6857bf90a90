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
		return Months(d, width(g), false)
	case JalaliMonth, JalaliQuarter, JalaliYear:
		return Months(d, width(g), true)
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

// Months gives the first day of the months, as many as are given and begin
// where years do, in which a day since 1970-01-01 lies, and the day after them.
func Months(day int64, n int, jalali bool) (first, next int64) {
	if jalali {
		return months(Jalali(day), n, JalaliDay)
	}
	return months(Gregorian(day), n, GregorianDay)
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

// Bucket gives the bucket that an instant lies in: from ≤ at < to. Each day is
// that of the zone in force on it. Where the first day of the week changes, the
// week before ends there.
func (t *Timetable) Bucket(at int64, g Grain) (from, to int64) {
	i, n := t.day(at)
	v := &t.versions[i]
	if g == Hour {
		from, to = v.zone.Bucket(at, g, v.weekStart)
		if i+1 < len(t.starts) {
			to = min(to, t.starts[i+1])
		}
		return from, to
	}
	first, next := days(n, g, v.weekStart)
	if g == Week {
		for j := i; j > 0; j-- {
			if t.versions[j-1].weekStart != v.weekStart {
				first = max(first, t.versions[j].from)
				break
			}
		}
		for j := i + 1; j < len(t.versions); j++ {
			if t.versions[j].weekStart != v.weekStart {
				next = min(next, t.versions[j].from)
				break
			}
		}
	}
	return t.start(first), t.start(next)
}

// day finds the version in force at an instant, and the local day. The last day
// of a zone that is left goes on until the first of the next zone begins.
func (t *Timetable) day(at int64) (version int, n int64) {
	version = max(search(len(t.starts), func(i int) bool { return t.starts[i] > at })-1, 0)
	n = floor(t.versions[version].zone.wall(at), day)
	if version+1 < len(t.versions) {
		n = min(n, t.versions[version+1].from-1)
	}
	return version, n
}

// start gives the first instant of a day.
func (t *Timetable) start(n int64) int64 {
	i := search(len(t.versions), func(i int) bool { return t.versions[i].from > n }) - 1
	return t.versions[i].zone.instant(n * day)
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
	i, n := t.day(at)
	d := DayOf{Gregorian: Gregorian(n), Jalali: Jalali(n)}
	d.From, d.To = t.start(n), t.start(n+1)
	if _, h := t.rule(&t.versions[i], n); h != nil {
		d.Holiday = h.name
	}
	return d
}

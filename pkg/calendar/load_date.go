package calendar

import (
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/nabz/nabz/pkg/strictyaml"
)

// latestJalali is the greatest year that is read as Jalali: no Jalali year of
// the horizon is greater, no Gregorian one less.
const latestJalali = 1700

// date reads a day, Gregorian or Jalali by its year, and tells how it was
// written.
func (l *loading) date(n *yaml.Node) (int64, Date) {
	text := digits(l.r.Text(n))
	d, ok := ymd(text)
	number := GregorianDay
	if d.Year < latestJalali {
		number = JalaliDay
	}
	v, is := number(d)
	switch {
	case !ok:
		l.r.Errorf(n, "%s is no date: write 2026-03-21 or, Jalali, 1405-01-01", strictyaml.Kind(n))
	case !is:
		l.r.Errorf(n, "there is no day %s", text)
	case v < 0 || v >= horizon/day:
		l.r.Errorf(n, "%s does not lie within 1970 and 2099", text)
	}
	return v, d
}

// ymd reads YYYY-MM-DD.
func ymd(s string) (Date, bool) {
	if len(s) != 10 || s[4] != '-' || s[7] != '-' {
		return Date{}, false
	}
	y, ok := number(s[:4])
	m, ok2 := number(s[5:7])
	d, ok3 := number(s[8:])
	return Date{y, m, d}, ok && ok2 && ok3
}

func number(s string) (v int, ok bool) {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		v = 10*v + int(s[i]-'0')
	}
	return v, true
}

// digits writes Persian and Arabic digits as the common ones.
func digits(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= '۰' && r <= '۹':
			return r - '۰' + '0'
		case r >= '٠' && r <= '٩':
			return r - '٠' + '0'
		}
		return r
	}, s)
}

// instant reads a time with its offset.
func (l *loading) instant(n *yaml.Node) int64 {
	s := l.r.Text(n)
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04Z07:00"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UnixMilli()
		}
	}
	l.r.Errorf(n, "%s is no instant: write 2026-03-21T09:00+03:30", strictyaml.Kind(n))
	return 0
}

// entry is a holiday as it is written.
type entry struct {
	holiday
	first, last, until int64
	date               Date
	yearly             bool
}

func (l *loading) holiday(n *yaml.Node) {
	e := entry{holiday: holiday{known: ever}, last: -1, until: horizon/day - 1}
	l.r.Map(n, strictyaml.Keys{
		"name":   func(n *yaml.Node) { e.name = l.r.Text(n) },
		"date":   func(n *yaml.Node) { e.first, e.date = l.date(n) },
		"to":     func(n *yaml.Node) { e.last, _ = l.date(n) },
		"hours":  func(n *yaml.Node) { e.periods, e.usual = l.periods(n, true) },
		"yearly": func(n *yaml.Node) { e.yearly = l.r.Bool(n) },
		"until":  func(n *yaml.Node) { e.until, _ = l.date(n) },
		"known":  func(n *yaml.Node) { e.known = l.instant(n) },
	}, "name", "date")
	if e.last < 0 {
		e.last = e.first
	}
	l.entries++
	switch {
	case l.r.Err() != nil:
		return
	case e.last < e.first || e.last-e.first >= maxRange:
		l.r.Errorf(n, "%s ends before it begins, or more than %d days after", e.name, maxRange)
		return
	case !e.yearly && e.until != horizon/day-1:
		l.r.Errorf(n, "`until` ends what is yearly; days in a row end with `to`")
		return
	case l.entries > maxHolidays:
		l.r.Errorf(n, "more than %d holidays", maxHolidays)
		return
	}
	l.spread(n, &e)
}

// spread puts a holiday on each of its days, in every year if it is yearly. A
// year without that day, such as one without a 30 Esfand, is left out.
func (l *loading) spread(n *yaml.Node, e *entry) {
	number, total := GregorianDay, 0
	if e.date.Year < latestJalali {
		number = JalaliDay
	}
	for year := e.date.Year; ; year++ {
		first, ok := number(Date{year, e.date.Month, e.date.Day})
		if ok {
			if first > e.until {
				break
			}
			for d := first; d <= first+e.last-e.first; d++ {
				l.c.holidays[d] = append(l.c.holidays[d], &e.holiday)
				total++
			}
		}
		if !e.yearly || total > maxDays {
			break
		}
	}
	if l.spreads += total; l.spreads > maxDays {
		l.r.Errorf(n, "more than %d days of holidays", maxDays)
	}
}

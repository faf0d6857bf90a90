package calendar

import "time"

// Date is a day of a year and month, in the Gregorian or the Jalali calendar.
type Date struct{ Year, Month, Day int }

// The Jalali years that are converted. In them leap years follow a cycle of 33
// years, which gives what the equinox at Tehran gives: K. M. Borkowski, "The
// Persian calendar for 3000 years", Earth, Moon, and Planets 74 (1996),
// 223–230, whose table has no break of the cycle from 1210 to 1634.
const (
	firstJalali = 1210
	lastJalali  = 1634
)

// farvardin1349 is 1 Farvardin 1349, 1970-03-21, as a day since 1970-01-01.
const farvardin1349 = 79

// jalaliYear gives the days from 1 Farvardin 1349 to that of a year: of the 33
// years of a cycle, 8 are leap.
func jalaliYear(year int) int64 {
	count := func(y int64) int64 { return 365*(y-1) + floor(8*y+21, 33) }
	return count(int64(year)) - count(1349)
}

// jalaliMonth gives the days of a year before a month: six of 31 days, five of
// 30, and the last.
func jalaliMonth(month int) int64 {
	if month <= 7 {
		return 31 * int64(month-1)
	}
	return 30*int64(month-1) + 6
}

// JalaliDay gives the day since 1970-01-01 of a Jalali date, and false where
// there is no such day or its year is not within 1210 and 1634.
func JalaliDay(d Date) (int64, bool) {
	if d.Month < 1 || d.Month > 12 || d.Day < 1 {
		return 0, false
	}
	n := farvardin1349 + jalaliYear(d.Year) + jalaliMonth(d.Month)
	next := farvardin1349 + jalaliYear(d.Year) + jalaliMonth(d.Month+1)
	if d.Month == 12 {
		next = farvardin1349 + jalaliYear(d.Year+1)
	}
	return n + int64(d.Day-1), int64(d.Day) <= next-n && d.Year >= firstJalali && d.Year <= lastJalali
}

// Jalali gives the Jalali date of a day since 1970-01-01.
func Jalali(day int64) Date {
	n := day - farvardin1349 - jalaliYear(1)
	year := int(1 + floor(33*n+3, 12053))
	inner := n + jalaliYear(1) - jalaliYear(year)
	month := int((inner-6)/30) + 1
	if inner < 6*31 {
		month = int(inner/31) + 1
	}
	return Date{year, month, int(inner-jalaliMonth(month)) + 1}
}

// GregorianDay gives the day since 1970-01-01 of a Gregorian date, and false
// where there is no such day.
func GregorianDay(d Date) (int64, bool) {
	t := time.Date(d.Year, time.Month(d.Month), d.Day, 0, 0, 0, 0, time.UTC)
	return floor(t.Unix(), 86400), t.Year() == d.Year && int(t.Month()) == d.Month && t.Day() == d.Day
}

// Gregorian gives the Gregorian date of a day since 1970-01-01.
func Gregorian(day int64) Date {
	y, m, d := time.Unix(day*86400, 0).UTC().Date()
	return Date{y, int(m), d}
}

// weekday of a day since 1970-01-01, which was a Thursday.
func weekday(day int64) time.Weekday { return time.Weekday(day + 4 - 7*floor(day+4, 7)) }

// floor divides and rounds down, b > 0.
func floor(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

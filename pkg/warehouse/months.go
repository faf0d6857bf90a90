package warehouse

import "fmt"

// Months says whose months, quarters and years there are.
type Months string

// The calendars. Nothing said is Gregorian.
const (
	Gregorian Months = "gregorian"
	Persian   Months = "persian" // the Jalali calendar of Iran
)

// MonthNames are all of them.
func MonthNames() []string { return []string{string(Gregorian), string(Persian)} }

// span renders the first day of the months, as many as are given, in which a
// local time lies, and the day after them. They begin where years do.
func (m Months) span(local string, months int) (first, next string) {
	if m == Persian {
		k := persianMonth(fmt.Sprintf("toInt64(toDate(%s))", local))
		if months > 1 {
			k = fmt.Sprintf("intDiv(%s, %d) * %d", k, months, months)
		}
		return persianDay(k), persianDay(fmt.Sprintf("(%s + %d)", k, months))
	}
	first = map[int]string{1: "toStartOfMonth(%s)", 3: "toStartOfQuarter(%s)", 12: "toStartOfYear(%s)"}[months]
	first = fmt.Sprintf(first, local)
	return first, fmt.Sprintf("addMonths(%s, %d)", first, months)
}

// Of the 33 years of a cycle 8 are leap, which holds from 1210 to 1634: see
// package calendar, which counts the same way and is tested against another
// library. Days are counted from 1 Farvardin of the year 1, which is day
// -492268 since 1970-01-01.
const farvardin = 492_268

// persianMonth renders twelve times the year and the month, from 0, of a day
// since 1970-01-01.
func persianMonth(day string) string {
	n := fmt.Sprintf("(%s + %d)", day, farvardin)
	year := fmt.Sprintf("(intDiv(33 * %s + 3, 12053) + 1)", n)
	inner := fmt.Sprintf("(%s - %s)", n, persianYear(year))
	return fmt.Sprintf("(12 * %s + if(%[2]s < 186, intDiv(%[2]s, 31), intDiv(%[2]s - 6, 30)))", year, inner)
}

// persianYear renders the days before a year.
func persianYear(year string) string {
	return fmt.Sprintf("(365 * (%[1]s - 1) + intDiv(8 * %[1]s + 21, 33))", year)
}

// persianDay renders the first day of a month that persianMonth numbers.
func persianDay(k string) string {
	month := fmt.Sprintf("modulo(%s, 12)", k)
	return fmt.Sprintf("toDate(%s + if(%[2]s <= 6, 31 * %[2]s, 30 * %[2]s + 6) - %[3]d)", persianYear(fmt.Sprintf("intDiv(%s, 12)", k)), month, farvardin)
}

package collector

import (
	"math"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/nabz/nabz/pkg/event"
)

// parseTime reads RFC 3339 of the years 1971 to 2105, as the pattern in the
// schemas says: capital T and Z, up to nine decimals, no leap second.
// Milliseconds, cut.
func parseTime(s string) (int64, bool) {
	if len(s) < 20 || s[4] != '-' || s[7] != '-' || s[10] != 'T' || s[13] != ':' || s[16] != ':' {
		return 0, false
	}
	year, ok0 := digits(s[0:4])
	month, ok1 := digits(s[5:7])
	day, ok2 := digits(s[8:10])
	hour, ok3 := digits(s[11:13])
	minute, ok4 := digits(s[14:16])
	second, ok5 := digits(s[17:19])
	if !(ok0 && ok1 && ok2 && ok3 && ok4 && ok5) || year < 1971 || year > 2105 || month < 1 || month > 12 ||
		day < 1 || day > daysIn(year, month) || hour > 23 || minute > 59 || second > 59 {
		return 0, false
	}
	rest, ms := s[19:], 0
	if rest[0] == '.' {
		n := 1
		for n < len(rest) && rest[n] >= '0' && rest[n] <= '9' {
			if n <= 3 {
				ms = ms*10 + int(rest[n]-'0')
			}
			n++
		}
		if n == 1 || n > 10 {
			return 0, false
		}
		for i := n; i <= 3; i++ {
			ms *= 10
		}
		rest = rest[n:]
	}
	offset, ok := parseOffset(rest)
	if !ok {
		return 0, false
	}
	at := time.Date(year, time.Month(month), day, hour, minute, second, 0, time.UTC)
	return (at.Unix()-int64(offset))*1000 + int64(ms), true
}

// parseOffset reads Z or ±hh:mm as seconds.
func parseOffset(s string) (int, bool) {
	if s == "Z" {
		return 0, true
	}
	if len(s) != 6 || s[3] != ':' || s[0] != '+' && s[0] != '-' {
		return 0, false
	}
	h, ok0 := digits(s[1:3])
	m, ok1 := digits(s[4:6])
	if !ok0 || !ok1 || h > 23 || m > 59 {
		return 0, false
	}
	if s[0] == '-' {
		return -(h*3600 + m*60), true
	}
	return h*3600 + m*60, true
}

func digits(s string) (int, bool) {
	n := 0
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		n = n*10 + int(s[i]-'0')
	}
	return n, true
}

func daysIn(year, month int) int {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}

// whole is what parseWhole finds.
type whole uint8

const (
	isWhole    whole = iota
	isFraction       // a number that is not whole
	isTooLarge       // beyond ±event.MaxInt
)

// parseWhole reads a valid JSON number as a whole number, exactly: 1.0 and 1e2
// are whole, as JSON Schema has it.
func parseWhole(s string) (int64, whole) {
	rest, negative := strings.CutPrefix(s, "-")
	mantissa, exp, hasExp := strings.Cut(rest, "e")
	if !hasExp {
		mantissa, exp, _ = strings.Cut(rest, "E")
	}
	power := 0
	if exp != "" {
		power = parsePower(exp)
	}
	before, after, _ := strings.Cut(mantissa, ".")
	figures := strings.TrimLeft(before+after, "0")
	power -= len(after)
	if trimmed := strings.TrimRight(figures, "0"); len(trimmed) < len(figures) {
		power += len(figures) - len(trimmed)
		figures = trimmed
	}
	switch {
	case figures == "":
		return 0, isWhole
	case power < 0:
		return 0, isFraction
	case len(figures)+power > 16:
		return 0, isTooLarge
	}
	var v int64
	for i := range len(figures) {
		v = v*10 + int64(figures[i]-'0')
	}
	v *= int64(math.Pow10(power))
	if v > event.MaxInt {
		return 0, isTooLarge
	}
	if negative {
		v = -v
	}
	return v, isWhole
}

// parsePower reads an exponent, held within bounds beyond which it makes no
// difference: no event has so many figures.
func parsePower(s string) int {
	const bound = 1 << 24
	negative := s[0] == '-'
	n := 0
	for _, c := range strings.TrimLeft(s, "+-") {
		n = min(n*10+int(c-'0'), bound)
	}
	if negative {
		return -n
	}
	return n
}

// parseDecimal reads a decimal of up to fourteen figures before and four behind
// the point, in ten-thousandths.
func parseDecimal(s string) (int64, bool) {
	rest, negative := strings.CutPrefix(s, "-")
	before, after, point := strings.Cut(rest, ".")
	if before == "" || len(before) > 14 || len(before) > 1 && before[0] == '0' || point && after == "" || len(after) > 4 {
		return 0, false
	}
	v, ok0 := digits(before)
	f, ok1 := digits(after)
	if !ok0 || !ok1 {
		return 0, false
	}
	for range 4 - len(after) {
		f *= 10
	}
	n := int64(v)*event.DecimalScale + int64(f)
	if negative {
		n = -n
	}
	return n, true
}

// cleanText tells whether s has no control characters; lines allows line breaks
// and tabs.
func cleanText(s string, lines bool) bool {
	for i := range len(s) {
		if c := s[i]; (c < 0x20 || c == 0x7f) && !(lines && (c == '\n' || c == '\r' || c == '\t')) {
			return false
		}
	}
	return true
}

// within tells whether s has at most n characters.
func within(s string, n int) bool { return len(s) <= n || utf8.RuneCountInString(s) <= n }

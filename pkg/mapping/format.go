package mapping

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// moment is what a format reads.
type moment struct {
	year, month, day     int
	hour, minute, second int
	ms                   int
	half                 int8 // of a clock of twelve hours: 1 before noon, 2 after
	twelve               bool
	jalali               bool
	epoch                int64 // ms since 1970 UTC
	isEpoch              bool
	offset               int // seconds east of UTC
	hasOffset            bool
}

// timeFormat is a pattern cut into its parts, or one of the named formats.
type timeFormat struct {
	named string // iso, epoch_s, epoch_ms, epoch_us
	parts []part
}

// part is a letter group of a pattern, or a literal.
type part struct {
	letters string
	literal string
	width   int // of figures that are followed by figures; 0: one or two
}

// groups are the letters of patterns, longest first.
var groups = []string{"YYYY", "JYYYY", "MMMM", "MMM", "ddd", "YY", "MM", "DD", "HH", "hh", "mm", "ss", ".fff", "M", "D", "H", "h", "a", "Z"}

var months = []string{"january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december"}

func (p *parser) formats(n *yaml.Node) []timeFormat {
	if n.Kind == yaml.SequenceNode {
		var out []timeFormat
		p.Items(n, func(n *yaml.Node) { out = append(out, p.format(n)) })
		return out
	}
	return []timeFormat{p.format(n)}
}

func (p *parser) format(n *yaml.Node) timeFormat {
	s := p.Text(n)
	switch s {
	case "iso", "epoch_s", "epoch_ms", "epoch_us":
		return timeFormat{named: s}
	}
	f := timeFormat{}
	for rest := s; rest != ""; {
		group := ""
		for _, g := range groups {
			if strings.HasPrefix(rest, g) && len(g) > len(group) {
				group = g
			}
		}
		if group != "" {
			f.parts = append(f.parts, part{letters: group})
			rest = rest[len(group):]
			continue
		}
		if c := rest[0]; c >= 'a' && c <= 'z' && c != 'T' || c >= 'A' && c <= 'Z' && c != 'T' {
			p.Errorf(n, "%q is no part of a format: iso, epoch_s, epoch_ms, epoch_us, or a pattern of YYYY JYYYY YY MMMM MMM MM M DD D ddd HH H hh h a mm ss .fff Z", rest)
			return timeFormat{named: "iso"} // so that nothing else is said of it
		}
		f.parts = append(f.parts, part{literal: rest[:1]})
		rest = rest[1:]
	}
	// Figures that touch figures have a fixed width.
	for i := 1; i < len(f.parts); i++ {
		if a, b := &f.parts[i-1], &f.parts[i]; a.figures() && b.figures() {
			a.width, b.width = a.most(), b.most()
		}
	}
	if len(f.parts) == 0 {
		p.Errorf(n, "an empty format")
	}
	if f.has("hh", "h") && !f.has("a") {
		p.Errorf(n, "hh is a clock of twelve hours, which needs a for AM or PM; one of twenty-four is HH")
	}
	return f
}

func (f *timeFormat) has(letters ...string) bool {
	return slices.ContainsFunc(f.parts, func(p part) bool { return slices.Contains(letters, p.letters) })
}

func hasClock(formats []timeFormat) bool {
	return has(formats, func(l string) bool { return l == "HH" || l == "H" || l == "hh" || l == "h" })
}

func hasDate(formats []timeFormat) bool {
	return has(formats, func(l string) bool { return l == "DD" || l == "D" })
}

func has(formats []timeFormat, is func(letters string) bool) bool {
	for _, f := range formats {
		found := f.named != ""
		for _, part := range f.parts {
			found = found || part.letters != "" && is(part.letters)
		}
		if !found {
			return false
		}
	}
	return true
}

// parseAny reads s by the first format that fits, into m.
func parseAny(formats []timeFormat, s string, m *moment) bool {
	for i := range formats {
		attempt := *m
		if formats[i].parse(s, &attempt) {
			*m = attempt
			return true
		}
	}
	return false
}

// isoFormats are what iso reads: RFC 3339 and its looser kin, with a space for
// the T, without an offset or without seconds.
var isoFormats = func() []timeFormat {
	var out []timeFormat
	for _, sep := range []string{"T", " "} {
		for _, clock := range [][]part{{{letters: "HH"}, {literal: ":"}, {letters: "mm"}, {literal: ":"}, {letters: "ss"}, {letters: ".fff"}}, {{letters: "HH"}, {literal: ":"}, {letters: "mm"}}} {
			for _, zone := range [][]part{{{letters: "Z"}}, {}} {
				parts := []part{{letters: "YYYY"}, {literal: "-"}, {letters: "MM"}, {literal: "-"}, {letters: "DD"}, {literal: sep}}
				out = append(out, timeFormat{parts: append(append(parts, clock...), zone...)})
			}
		}
	}
	return out
}()

func (f *timeFormat) parse(s string, m *moment) bool {
	switch f.named {
	case "iso":
		return parseAny(isoFormats, s, m)
	case "epoch_us":
		v, err := strconv.ParseInt(s, 10, 64)
		m.epoch, m.isEpoch = v/1000, true
		return err == nil
	case "epoch_s", "epoch_ms":
		v, ok := parseDecimal(s) // in ten-thousandths
		if m.epoch, m.isEpoch = v/10_000, true; f.named == "epoch_s" {
			m.epoch = v / 10
		}
		return ok
	}
	for i := range f.parts {
		var ok bool
		if s, ok = f.parts[i].parse(s, m); !ok {
			return false
		}
	}
	return s == ""
}

// parse reads one part from the front of s and gives the rest.
func (p *part) parse(s string, m *moment) (string, bool) {
	if p.letters == "" {
		return strings.CutPrefix(s, p.literal)
	}
	switch p.letters {
	case ".fff":
		return m.fraction(s)
	case "a":
		return m.halfDay(s)
	case "Z":
		return m.zone(s)
	case "MMM", "MMMM":
		return m.monthName(s, p.letters == "MMMM")
	case "ddd":
		// The day of the week follows from the date.
		rest := strings.TrimLeft(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
		return rest, len(rest) < len(s)
	}
	most := p.most()
	n, v := 0, 0
	for n < most && n < len(s) && s[n] >= '0' && s[n] <= '9' {
		v = v*10 + int(s[n]-'0')
		n++
	}
	if n == 0 || p.width > 0 && n != p.width || most == 4 && n != 4 || p.letters == "YY" && n != 2 {
		return s, false
	}
	m.set(p.letters, v)
	return s[n:], true
}

// figures tells whether the part is a number.
func (p *part) figures() bool {
	switch p.letters {
	case "", ".fff", "a", "Z", "MMM", "MMMM", "ddd":
		return false
	}
	return true
}

// most is how many figures a number may have.
func (p *part) most() int { return max(2, len(strings.TrimPrefix(p.letters, "J"))) }

func (m *moment) set(letters string, v int) {
	switch letters {
	case "YYYY":
		m.year = v
	case "JYYYY":
		m.year, m.jalali = v, true
	case "YY":
		// Call logs of two-digit years are of 1970 to 2069.
		if m.year = 2000 + v; v >= 70 {
			m.year = 1900 + v
		}
	case "MM", "M":
		m.month = v
	case "DD", "D":
		m.day = v
	case "HH", "H":
		m.hour = v
	case "hh", "h":
		m.hour, m.twelve = v, true
	case "mm":
		m.minute = v
	case "ss":
		m.second = v
	}
}

// monthName reads the name of a month, or its first three letters.
func (m *moment) monthName(s string, whole bool) (string, bool) {
	for i, name := range months {
		if !whole {
			name = name[:3]
		}
		if len(s) >= len(name) && strings.EqualFold(s[:len(name)], name) {
			m.month = i + 1
			return s[len(name):], true
		}
	}
	return s, false
}

// fraction reads decimals of the second, or nothing.
func (m *moment) fraction(s string) (string, bool) {
	if s == "" || s[0] != '.' && s[0] != ',' {
		return s, true
	}
	n, scale := 1, 100
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		m.ms += int(s[n]-'0') * scale
		scale /= 10
		n++
	}
	return s[n:], n > 1
}

// halfDays are the words for before and after noon, longest first.
var halfDays = []struct {
	word string
	half int8
}{{"a.m.", 1}, {"p.m.", 2}, {"am", 1}, {"pm", 2}, {"ق.ظ", 1}, {"ب.ظ", 2}}

func (m *moment) halfDay(s string) (string, bool) {
	for _, h := range halfDays {
		if len(s) >= len(h.word) && strings.EqualFold(s[:len(h.word)], h.word) {
			m.half = h.half
			return s[len(h.word):], true
		}
	}
	return s, false
}

// zone reads Z, UTC, GMT, ±hh, ±hhmm or ±hh:mm.
func (m *moment) zone(s string) (string, bool) {
	s = strings.TrimPrefix(s, " ")
	for _, name := range []string{"Z", "UTC", "GMT"} {
		if rest, ok := strings.CutPrefix(s, name); ok {
			m.hasOffset = true
			return rest, true
		}
	}
	if len(s) < 3 || s[0] != '+' && s[0] != '-' {
		return s, false
	}
	figures := strings.Replace(s[1:], ":", "", 1)
	if len(figures) == 2 {
		figures += "00"
	}
	if len(figures) != 4 || strings.Trim(figures, "0123456789") != "" {
		return s, false
	}
	h, mi := int(figures[0]-'0')*10+int(figures[1]-'0'), int(figures[2]-'0')*10+int(figures[3]-'0')
	m.offset, m.hasOffset = h*3600+mi*60, true
	if s[0] == '-' {
		m.offset = -m.offset
	}
	return "", h <= 23 && mi <= 59
}

// valid tells whether the day and the time of day exist, and settles a clock of
// twelve hours and a Jalali date.
func (m *moment) valid() bool {
	if m.isEpoch {
		return true
	}
	if m.twelve {
		if m.hour < 1 || m.hour > 12 || m.half == 0 {
			return false
		}
		if m.hour %= 12; m.half == 2 {
			m.hour += 12
		}
	}
	if m.jalali {
		var ok bool
		if m.year, m.month, m.day, ok = gregorian(m.year, m.month, m.day); !ok {
			return false
		}
		m.jalali = false
	}
	t := time.Date(m.year, time.Month(m.month), m.day, 0, 0, 0, 0, time.UTC)
	return m.hour <= 23 && m.minute <= 59 && m.second <= 59 && t.Year() == m.year && int(t.Month()) == m.month && t.Day() == m.day
}

// in gives the instant in ms since 1970 UTC, some days later. Where clocks are
// set back an hour is there twice: second is the later one, otherwise the same.
// Where they are set forward an hour is not there at all.
func (m *moment) in(zone *time.Location, days int) (first, second int64, ok bool) {
	if m.isEpoch {
		return m.epoch, m.epoch, true
	}
	wall := time.Date(m.year, time.Month(m.month), m.day+days, m.hour, m.minute, m.second, 0, time.UTC).Unix()
	ms := func(offset int64) int64 { return (wall-offset)*1000 + int64(m.ms) }
	if m.hasOffset {
		return ms(int64(m.offset)), ms(int64(m.offset)), true
	}
	const day = 24 * 60 * 60
	before, after := offsetAt(zone, wall-day), offsetAt(zone, wall+day)
	was, is := offsetAt(zone, wall-before) == before, offsetAt(zone, wall-after) == after
	switch {
	case was && is:
		return ms(before), ms(after), true
	case was:
		return ms(before), ms(before), true
	}
	return ms(after), ms(after), is
}

// offsetAt gives the seconds that a zone was east of UTC at an instant.
func offsetAt(zone *time.Location, at int64) int64 {
	_, offset := time.Unix(at, 0).In(zone).Zone()
	return int64(offset)
}

// gregorian turns a date of the Jalali calendar into the Gregorian one, by the
// 33-year cycle that is exact for the years 1206 to 1498.
func gregorian(year, month, day int) (y, m, d int, ok bool) {
	leap := jalaliLeap(year) == 1
	last := 31
	switch {
	case month > 6 && month < 12:
		last = 30
	case month == 12 && leap:
		last = 30
	case month == 12:
		last = 29
	}
	if year < 1206 || year > 1498 || month < 1 || month > 12 || day < 1 || day > last {
		return 0, 0, 0, false
	}
	days := 0
	for y := 1348; y < year; y++ {
		days += 365 + jalaliLeap(y)
	}
	for y := year; y < 1348; y++ {
		days -= 365 + jalaliLeap(y)
	}
	days += (month-1)*31 - max(0, month-7) + day - 1
	// 1 Farvardin 1348 was 21 March 1969.
	t := time.Date(1969, time.March, 21+days, 0, 0, 0, 0, time.UTC)
	return t.Year(), int(t.Month()), t.Day(), true
}

// jalaliLeap gives 1 for a year of 366 days: the years 1, 5, 9, 13, 17, 22, 26
// and 30 of each cycle of 33.
func jalaliLeap(year int) int {
	switch year % 33 {
	case 1, 5, 9, 13, 17, 22, 26, 30:
		return 1
	}
	return 0
}

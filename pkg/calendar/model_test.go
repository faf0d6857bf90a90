package calendar

import (
	"fmt"
	"io/fs"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// model is a calendar as a test means it. It is written as YAML for the loader,
// and counted second by second on its own: by the offsets of package time and
// the sentence "a clock that stands still when clocks are set back shows an
// open time".
type model struct {
	zone     string
	rules    []rule // the first holds from ever on
	holidays []dayOff
	knowns   []int64
	// moves says that each change brings another zone and another first day
	// of the week. Seconds cannot be counted then.
	moves bool
}

// minutes of a day; the second may be after 24 hours.
type minutes [2]int

type rule struct {
	from, known int64
	week        [7][]minutes
}

type dayOff struct {
	first, last, known int64
	usual              bool
	periods            []minutes
}

var modelZones = []string{
	"Asia/Tehran", "Asia/Tehran", "Europe/Berlin", "America/New_York", "America/St_Johns", "Australia/Lord_Howe",
	"Pacific/Apia", "America/Sao_Paulo", "Africa/Cairo", "Africa/Casablanca", "America/Havana", "Asia/Beirut", "Asia/Kathmandu", "UTC",
}

// newModel draws a calendar whose holidays and changes lie around a day.
func newModel(rnd *rand.Rand, around int64) *model {
	m := &model{zone: modelZones[rnd.IntN(len(modelZones))]}
	m.rules = append(m.rules, rule{from: math.MinInt64, known: math.MinInt64, week: newWeek(rnd)})
	for range rnd.IntN(3) {
		r := rule{from: around + rnd.Int64N(20) - 10, known: newKnown(rnd, around), week: newWeek(rnd)}
		if last := m.rules[len(m.rules)-1].from; last > math.MinInt64 && rnd.IntN(2) == 0 {
			r.from = last
		}
		m.rules = append(m.rules, r)
	}
	for range rnd.IntN(8) {
		h := dayOff{first: around + rnd.Int64N(24) - 12, known: newKnown(rnd, around)}
		h.last = h.first + rnd.Int64N(3)
		switch rnd.IntN(4) {
		case 0:
			h.usual = true
		case 1:
			h.periods = newPeriods(rnd)
		}
		m.holidays = append(m.holidays, h)
	}
	for _, r := range m.rules {
		m.knowns = append(m.knowns, r.known)
	}
	for _, h := range m.holidays {
		m.knowns = append(m.knowns, h.known)
	}
	return m
}

func newKnown(rnd *rand.Rand, around int64) int64 {
	if rnd.IntN(2) == 0 {
		return math.MinInt64
	}
	return (around+rnd.Int64N(24)-12)*day + rnd.Int64N(1440)*60_000
}

func newWeek(rnd *rand.Rand) (week [7][]minutes) {
	for i := range week {
		switch rnd.IntN(6) {
		case 0:
		case 1:
			week[i] = []minutes{{0, 1440}}
		default:
			week[i] = newPeriods(rnd)
		}
	}
	return week
}

// newPeriods draws up to three periods, of which the last may run into the next
// day; many begin or end where clocks change.
func newPeriods(rnd *rand.Rand) (out []minutes) {
	at := 0
	for range 1 + rnd.IntN(3) {
		open := at + rnd.IntN(300)
		if rnd.IntN(3) == 0 {
			open = max(at, []int{0, 60, 90, 120, 150, 180, 1380, 1410}[rnd.IntN(8)])
		}
		end := open + 1 + rnd.IntN(500)
		if rnd.IntN(4) == 0 {
			end = open + 1 + rnd.IntN(1439)
		}
		if open >= 1440 || end-open >= 1440 {
			break
		}
		out = append(out, minutes{open, end})
		if at = end; at >= 1440 {
			break
		}
	}
	return out
}

func (m *model) yaml() string {
	var b strings.Builder
	fmt.Fprintf(&b, "doc: drawn\nzone: %s\nhours: %s\n", m.zone, weekText(m.rules[0].week))
	for i, r := range m.rules[1:] {
		if i == 0 {
			b.WriteString("changes:\n")
		}
		move := ""
		if m.moves {
			move = fmt.Sprintf(", zone: %s, week_start: %s", modelZones[uint64(r.from)%uint64(len(modelZones))], weekdays[uint64(r.from)%7])
		}
		fmt.Fprintf(&b, "  - {from: %s, hours: %s%s%s}\n", dateText(r.from, i%2 == 0), weekText(r.week), move, knownText(r.known))
	}
	for i, h := range m.holidays {
		if i == 0 {
			b.WriteString("holidays:\n")
		}
		hours := periodsText(h.periods)
		if h.usual {
			hours = "usual"
		}
		fmt.Fprintf(&b, "  - {name: h%d, date: %s, to: %s, hours: %s%s}\n", i, dateText(h.first, i%2 == 1), dateText(h.last, i%3 == 1), hours, knownText(h.known))
	}
	return b.String()
}

func weekText(week [7][]minutes) string {
	var parts []string
	for i, periods := range week {
		parts = append(parts, weekdays[i]+": "+periodsText(periods))
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

func periodsText(periods []minutes) string {
	if len(periods) == 0 {
		return "closed"
	}
	var parts []string
	for _, p := range periods {
		end := p[1]
		if end > 1440 {
			end -= 1440
		}
		parts = append(parts, fmt.Sprintf("%02d:%02d-%02d:%02d", p[0]/60, p[0]%60, end/60, end%60))
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

func dateText(n int64, jalali bool) string {
	d := Gregorian(n)
	if jalali {
		d = Jalali(n)
	}
	return fmt.Sprintf("%04d-%02d-%02d", d.Year, d.Month, d.Day)
}

func knownText(at int64) string {
	if at == math.MinInt64 {
		return ""
	}
	return ", known: " + time.UnixMilli(at).UTC().Format(time.RFC3339)
}

// periods of a local day, as known at an instant.
func (m *model) periods(n, known int64) []minutes {
	at, chosen := int64(math.MinInt64), -1
	for i, h := range m.holidays {
		if h.first <= n && n <= h.last && h.known <= known && h.known >= at {
			at, chosen = h.known, i
		}
	}
	if chosen >= 0 && !m.holidays[chosen].usual {
		return m.holidays[chosen].periods
	}
	r := m.rules[0]
	for _, o := range m.rules[1:] {
		later := o.from > r.from || o.from == r.from && o.known >= r.known
		if o.known <= known && o.from <= n && later {
			r = o
		}
	}
	return r.week[((n+4)%7+7)%7]
}

// open tells whether the desk is open at a local minute.
func (m *model) open(minute, known int64) bool {
	n := floor(minute, 1440)
	in := int(minute - n*1440)
	for back := range 2 {
		for _, p := range m.periods(n-int64(back), known) {
			if at := in + 1440*back; p[0] <= at && at < p[1] {
				return true
			}
		}
	}
	return false
}

// seconds gives whether the desk is open in each second from an instant on.
func (m *model) seconds(loc *time.Location, from int64, n int, known int64) []bool {
	out := make([]bool, 0, n)
	wall, minute, open := int64(math.MinInt64), int64(math.MinInt64), false
	const before = 3 * 86400 // so that a clock that stands still is known
	for s := from - before; s < from+int64(n); s++ {
		_, off := time.Unix(s, 0).In(loc).Zone()
		wall = max(wall, s+int64(off))
		if now := floor(wall, 60); now != minute {
			minute, open = now, m.open(now, known)
		}
		if s >= from {
			out = append(out, open)
		}
	}
	return out
}

// parse gives the model to the loader.
func (m *model) parse(t testing.TB, zones fs.FS) *Calendar {
	t.Helper()
	c, err := Parse("drawn.yaml", "drawn", []byte(m.yaml()), zones)
	if err != nil {
		t.Fatalf("%v\n%s", err, m.yaml())
	}
	return c
}

// known draws an instant at which the calendar is looked at.
func (m *model) known(rnd *rand.Rand) int64 {
	if rnd.IntN(3) == 0 {
		return math.MaxInt64
	}
	k := m.knowns[rnd.IntN(len(m.knowns))]
	if k > math.MinInt64 && rnd.IntN(4) == 0 {
		k--
	}
	return k
}

// transition draws a day on which the clocks of a zone change, or any.
func transition(rnd *rand.Rand, z *Zone) int64 {
	if len(z.at) > 1 && rnd.IntN(4) > 0 {
		if n := floor(z.at[1+rnd.IntN(len(z.at)-1)], day); n > 30 && n < horizon/day-60 {
			return n
		}
	}
	return 100 + rnd.Int64N(horizon/day-200)
}

// drawn gives n calendars, which may move between zones, each with the day around which things happen.
func drawn(t *testing.T, n int, moves bool, f func(rnd *rand.Rand, m *model, c *Calendar, around int64)) {
	t.Helper()
	tree := zones(t)
	for seed := range uint64(n) {
		rnd := rand.New(rand.NewPCG(seed, 5))
		name := modelZones[seed%uint64(len(modelZones))]
		around := transition(rnd, zone(t, name))
		m := newModel(rnd, around)
		m.zone, m.moves = name, moves
		f(rnd, m, m.parse(t, tree), around)
		if t.Failed() {
			t.Fatalf("seed %d, around %s:\n%s", seed, dateText(around, false), m.yaml())
		}
	}
}

func location(t *testing.T, name string) *time.Location {
	t.Helper()
	data, err := fs.ReadFile(zones(t), name)
	if err != nil {
		t.Fatal(err)
	}
	loc, err := time.LoadLocationFromTZData(name, data)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

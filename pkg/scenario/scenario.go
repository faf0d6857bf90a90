// Package scenario reads the small histories that stand beside definitions:
// who did what when, and what the numbers then are. A scenario is a KPI's test
// and its manual page.
//
// It does not know how events become numbers. It reads no clock, starts no
// goroutine and performs no I/O.
package scenario

import (
	"cmp"
	"crypto/sha1"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nabz/nabz/pkg/event"
)

// Day is the day that the clock times of scenarios are of, 2026-03-02, a
// Monday, at midnight UTC, ms.
const Day = int64(1_772_409_600_000)

// Scenario is one history with its claims.
type Scenario struct {
	Prose  []string
	Events []event.Event // in the order of the file; a clock is a pulse
	Claims []Claim
	Said   []string // what is to be said of deadlines, as Said has it
}

// Claim is a number that somebody has worked out by hand.
type Claim struct {
	Line    int
	KPI     string
	Variant string            // empty: the headline
	Where   map[string]string // dimensions
	AtMs    int64             // start of the interval, or 0: all together
	Grain   string            // minute, quarter_hour, hour, day, week, month, quarter, year or all
	Value   float64           // NaN: null
}

// Parse reads a scenario. Lines are, apart from prose that begins with #:
//
//	09:00:05 c1 contact.queued queue_id=sales    an event of contact c1
//	09:00:05 c*64 contact.queued queue_id=sales  one each of c.1 to c.64
//	09:10:00 clock                               the time is 09:10
//	service_level.genesys{queue=sales} = 0.7111  a claim; null for no value
//	2026-03-05T10:00 c1 contact.queued …         an event of another day
//	offered at 09:00 by minute = 3               a claim on one interval
//	offered at 2026-03-05 by day = 3             or on a longer one
//	> 09:01:02 c1 queue_wait breached settled due 09:01:00
func Parse(text string, catalogue *event.Catalogue) (*Scenario, error) {
	s := &Scenario{}
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		var err error
		switch {
		case line == "":
		case strings.HasPrefix(line, "#"):
			s.Prose = append(s.Prose, strings.TrimSpace(line[1:]))
		case line[0] == '>':
			s.Said = append(s.Said, strings.Join(strings.Fields(line[1:]), " "))
		case line[0] >= '0' && line[0] <= '9':
			err = s.event(line, catalogue)
		default:
			err = s.claim(line, i+1)
		}
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", i+1, err)
		}
	}
	return s, nil
}

func (s *Scenario) event(line string, catalogue *event.Catalogue) error {
	words := strings.Fields(line)
	at, err := Clock(words[0])
	if err != nil {
		return err
	}
	if len(words) == 2 && words[1] == "clock" {
		s.Events = append(s.Events, event.Event{Type: event.TypePulse, Time: at, ReceivedAt: at})
		return nil
	}
	if len(words) < 3 {
		return fmt.Errorf("%q: time, who and type are expected", line)
	}
	typ, ok := catalogue.Type(words[2])
	if !ok {
		return fmt.Errorf("no event type %q", words[2])
	}
	e := event.Event{Tenant: "demo", Type: typ.Name, Source: "scenario", Time: at, ReceivedAt: at, Kind: typ.Concerns[0].Kind}
	for _, w := range words[3:] {
		if err := attr(&e, w, typ); err != nil {
			return err
		}
	}
	slices.SortFunc(e.Attrs, func(a, b event.Attr) int { return cmp.Compare(a.Number, b.Number) })
	name, times, many := strings.Cut(words[1], "*")
	n := 1
	if many {
		if n, err = strconv.Atoi(times); err != nil || n < 1 || n > 10_000 {
			return fmt.Errorf("%q: a number of contacts is expected behind *", words[1])
		}
	}
	for i := range n {
		c := e
		c.Entity = name
		if many {
			c.Entity = fmt.Sprintf("%s.%d", name, i+1)
		}
		c.ID = fmt.Sprintf("%s-%d", c.Entity, len(s.Events))
		sum := sha1.Sum([]byte(c.ID))
		copy(c.UID[:], sum[:])
		c.Hash, _ = c.ContentHash(nil)
		s.Events = append(s.Events, c)
		s.copies(c, typ)
	}
	return nil
}

// copies adds an event for the others that it concerns, who are told of whom it
// speaks.
func (s *Scenario) copies(e event.Event, typ *event.Type) {
	first := typ.Concerns[0].Field.Number
	if e.Text(first) == "" {
		e.Attrs = append(slices.Clone(e.Attrs), event.Attr{Number: first, Text: e.Entity, IsText: true})
		slices.SortFunc(e.Attrs, func(a, b event.Attr) int { return cmp.Compare(a.Number, b.Number) })
	}
	for _, other := range typ.Concerns[1:] {
		if id := e.Text(other.Field.Number); id != "" {
			e.Kind, e.Entity = other.Kind, id
			s.Events = append(s.Events, e)
		}
	}
}

func attr(e *event.Event, word string, typ *event.Type) error {
	name, value, ok := strings.Cut(word, "=")
	use, known := typ.Use(name)
	if !ok || !known {
		return fmt.Errorf("%s has no attribute %q", typ.Name, word)
	}
	a := event.Attr{Number: use.Field.Number}
	var err error
	switch use.Field.Type {
	case event.FieldString:
		a.Text, a.IsText = value, true
	case event.FieldBool:
		var on bool
		if on, err = strconv.ParseBool(value); on {
			a.Int = 1
		}
	case event.FieldTime:
		a.Int, err = Clock(value)
	case event.FieldDecimal:
		a.Int, err = Decimal(value)
	default:
		a.Int, err = strconv.ParseInt(value, 10, 64)
	}
	if err != nil {
		return fmt.Errorf("%s: %q is no %s", name, value, use.Field.Type)
	}
	e.Attrs = append(e.Attrs, a)
	return nil
}

// Decimal reads a number with up to four places, in units of the last.
func Decimal(s string) (int64, error) {
	whole, places, _ := strings.Cut(s, ".")
	if len(places) > 4 {
		return 0, fmt.Errorf("%q has more than four places", s)
	}
	return strconv.ParseInt(whole+places+strings.Repeat("0", 4-len(places)), 10, 64)
}

// Clock reads hh:mm, hh:mm:ss or hh:mm:ss.mmm of the scenario's day, or of
// another one, 2026-03-05T10:00; a date alone is its midnight. All are UTC.
func Clock(s string) (int64, error) {
	day := Day
	if date, rest, dated := strings.Cut(s, "T"); dated || len(s) == len(time.DateOnly) && s[4] == '-' {
		t, err := time.Parse(time.DateOnly, date)
		if err != nil {
			return 0, fmt.Errorf("%q is no date", date)
		}
		if day = t.UnixMilli(); !dated {
			return day, nil
		}
		s = rest
	}
	parts := strings.Split(s, ":")
	if len(parts) < 2 || len(parts) > 3 {
		return 0, fmt.Errorf("%q is no time of day", s)
	}
	ms := day
	for i, unit := range []float64{3_600_000, 60_000, 1_000} {
		if i >= len(parts) {
			break
		}
		v, err := strconv.ParseFloat(parts[i], 64)
		if err != nil || v < 0 {
			return 0, fmt.Errorf("%q is no time of day", s)
		}
		ms += int64(math.Round(v * unit))
	}
	return ms, nil
}

func (s *Scenario) claim(line string, number int) error {
	what, value, ok := strings.Cut(line, "=")
	if strings.Contains(what, "{") {
		head, rest, _ := strings.Cut(line, "}")
		what, value, ok = strings.Cut(rest, "=")
		what = head + "}" + what
	}
	if !ok {
		return fmt.Errorf("%q is neither an event nor a claim", line)
	}
	c := Claim{Line: number, Grain: "all", Where: map[string]string{}, Value: math.NaN()}
	if v := strings.TrimSpace(value); v != "null" {
		f, err := strconv.ParseFloat(v, 64)
		if err != nil {
			return fmt.Errorf("%q is no number", v)
		}
		c.Value = f
	}
	words := strings.Fields(what)
	if len(words) == 5 && words[1] == "at" && words[3] == "by" {
		at, err := Clock(words[2])
		if err != nil {
			return err
		}
		if c.AtMs, c.Grain = at, words[4]; !slices.Contains([]string{"minute", "quarter_hour", "hour", "day", "week", "month", "quarter", "year"}, c.Grain) {
			return fmt.Errorf("no grain %q", c.Grain)
		}
	} else if len(words) != 1 {
		return fmt.Errorf("%q: a claim is a name, or a name at hh:mm by a grain", what)
	}
	name, where, _ := strings.Cut(words[0], "{")
	for _, pair := range strings.Split(strings.TrimSuffix(where, "}"), ",") {
		if dim, v, ok := strings.Cut(pair, "="); ok {
			c.Where[dim] = v
		}
	}
	c.KPI, c.Variant, _ = strings.Cut(name, ".")
	s.Claims = append(s.Claims, c)
	return nil
}

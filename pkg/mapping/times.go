package mapping

import (
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/nabz/nabz/pkg/strictyaml"
)

// timeExpr is an instant made of a row. Exactly one of its forms is there.
type timeExpr struct {
	column int // of a whole instant, or of a clock beside date; -1: none
	format []timeFormat
	zone   *time.Location

	date       int // column of the date that belongs to a clock; -1: none
	dateFormat []timeFormat
	after      int // index of a time that this one follows; -1: none
	absent     []string

	base  int // index of a time to add to; -1: none
	plus  *durationExpr
	minus *durationExpr

	choose []choice
}

// choice is one branch: the first whose condition holds is taken.
type choice struct {
	when *condition
	time int
}

// rollover is how much earlier than the time it follows a clock must be to
// belong to the next day: less is taken for two clocks that disagree.
const rollover = 12 * time.Hour

// disagreement is how much two clocks of a log may differ: what is earlier by
// more, in an hour that is there twice, belongs to the second.
const disagreement = 5 * time.Minute

// time reads one named time.
func (p *parser) time(k, n *yaml.Node) {
	t := &timeExpr{column: -1, date: -1, after: -1, base: -1, zone: p.m.zone}
	formats := func(to *[]timeFormat) func(*yaml.Node) {
		return func(n *yaml.Node) { *to = p.formats(n) }
	}
	var both *yaml.Node
	p.Map(n, strictyaml.Keys{
		"column":       func(n *yaml.Node) { t.column = p.column(n) },
		"format":       formats(&t.format),
		"zone":         func(n *yaml.Node) { t.zone = p.zone(n) },
		"absent":       func(n *yaml.Node) { t.absent = p.cleaned(p.Texts(n)) },
		"date":         func(n *yaml.Node) { t.date = p.column(n) },
		"date_format":  formats(&t.dateFormat),
		"clock":        func(n *yaml.Node) { both = n; t.column = p.column(n) },
		"clock_format": formats(&t.format),
		"after":        func(n *yaml.Node) { t.after = p.refer(n) },
		"base":         func(n *yaml.Node) { t.base = p.refer(n) },
		"plus":         func(n *yaml.Node) { t.plus = p.duration(n) },
		"minus":        func(n *yaml.Node) { t.minus = p.duration(n) },
		"choose":       func(n *yaml.Node) { p.Items(n, func(n *yaml.Node) { t.choose = append(t.choose, p.choice(n)) }) },
	})
	p.checkTime(n, t, both != nil)
	p.names = append(p.names, k.Value)
	p.m.times = append(p.m.times, t)
}

func (p *parser) checkTime(n *yaml.Node, t *timeExpr, clock bool) {
	switch {
	case t.choose != nil:
		if t.column >= 0 || t.base >= 0 {
			p.Errorf(n, "choose stands alone")
		}
	case t.base >= 0:
		if t.column >= 0 || (t.plus == nil) == (t.minus == nil) {
			p.Errorf(n, "base stands with plus or with minus, one of them")
		}
	case t.column < 0:
		p.Errorf(n, "one of column, date and clock, base, choose is expected")
	case clock != (t.date >= 0):
		p.Errorf(n, "date and clock belong together")
	case len(t.format) == 0 || clock && len(t.dateFormat) == 0:
		p.Errorf(n, "a format is missing: format with column, date_format and clock_format with date and clock")
	case clock && (!hasClock(t.format) || !hasDate(t.dateFormat)):
		p.Errorf(n, "date_format holds no date, or clock_format no clock")
	case !clock && !(hasDate(t.format) && hasClock(t.format)):
		p.Errorf(n, "the format holds no date, or no clock")
	case t.after >= 0 && !clock:
		p.Errorf(n, "after belongs to date and clock")
	}
}

func (p *parser) choice(n *yaml.Node) choice {
	c := choice{}
	p.Map(n, strictyaml.Keys{
		"when": func(n *yaml.Node) { c.when = p.condition(n) },
		"time": func(n *yaml.Node) { c.time = p.refer(n) },
	}, "time")
	return c
}

// eval gives the instant in ms since 1970 UTC, or that there is none.
func (t *timeExpr) eval(r *row) (int64, bool) {
	switch {
	case t.choose != nil:
		for _, c := range t.choose {
			if c.when.holds(r) {
				return r.time(c.time)
			}
		}
		return 0, false
	case t.base >= 0:
		return t.added(r)
	}
	s, ok := r.present(t.column, t.absent)
	if !ok {
		return 0, false
	}
	var at moment
	if !parseAny(t.format, s, &at) {
		r.fail(t.column, "the time is not of the format")
		return 0, false
	}
	if t.date >= 0 {
		day, ok := r.present(t.date, nil)
		if !ok {
			return 0, false
		}
		if !parseAny(t.dateFormat, day, &at) {
			r.fail(t.date, "the date is not of the format")
			return 0, false
		}
	}
	if !at.valid() {
		r.fail(t.column, "there is no such day or time of day")
		return 0, false
	}
	return t.placed(r, &at)
}

func (t *timeExpr) added(r *row) (int64, bool) {
	at, ok := r.time(t.base)
	if !ok {
		return 0, false
	}
	d, sign := t.plus, int64(1)
	if d == nil {
		d, sign = t.minus, -1
	}
	ms, ok := d.eval(r)
	return at + sign*ms, ok
}

// placed puts a moment into its zone, and on the next day where it follows
// another time over midnight. Of an hour that is there twice it is the first,
// unless that were clearly before the time that it follows.
func (t *timeExpr) placed(r *row, at *moment) (int64, bool) {
	first, second, there := at.in(t.zone, 0)
	if t.after >= 0 {
		ref, ok := r.time(t.after)
		if ok && first < ref-rollover.Milliseconds() {
			first, second, there = at.in(t.zone, 1)
		}
		if ok && first < ref-disagreement.Milliseconds() {
			first = second
		}
	}
	if !there {
		r.fail(t.column, "there is no such time of day in the zone: the clocks were set forward over it")
	}
	return first, there
}

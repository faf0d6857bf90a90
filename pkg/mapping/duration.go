package mapping

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/nabz/nabz/pkg/event"
	"github.com/nabz/nabz/pkg/strictyaml"
)

// durationExpr is a span made of a row: a column, a constant, or what lies
// between two times.
type durationExpr struct {
	column   int // -1: none
	unit     int64
	absent   []string
	fallback *int64 // ms, where the column is absent
	constant *int64 // ms
	from, to int    // indexes of times; -1: none
}

// units are the lengths of one, in ms.
var units = map[string]int64{"ms": 1, "s": 1000, "min": 60_000, "h": 3_600_000}

func (p *parser) duration(n *yaml.Node) *durationExpr {
	d := &durationExpr{column: -1, from: -1, to: -1}
	seconds := func(to **int64) func(*yaml.Node) {
		return func(n *yaml.Node) {
			v, ok := parseDecimal(n.Value)
			if n.Kind != yaml.ScalarNode || !ok {
				p.Errorf(n, "a number of seconds is expected, not %s", strictyaml.Kind(n))
			}
			*to = new(v * 1000 / event.DecimalScale)
		}
	}
	p.Map(n, strictyaml.Keys{
		"column":  func(n *yaml.Node) { d.column = p.column(n) },
		"unit":    func(n *yaml.Node) { d.unit = units[p.OneOf(n, "ms", "s", "min", "h")] },
		"absent":  func(n *yaml.Node) { d.absent = p.cleaned(p.Texts(n)) },
		"or":      seconds(&d.fallback),
		"seconds": seconds(&d.constant),
		"from":    func(n *yaml.Node) { d.from = p.refer(n) },
		"to":      func(n *yaml.Node) { d.to = p.refer(n) },
	})
	switch {
	case d.column >= 0 && d.constant == nil && d.from < 0 && d.to < 0:
		if d.unit == 0 {
			p.Errorf(n, `key "unit" is missing: ms, s, min or h, of plain numbers`)
		}
	case d.column < 0 && d.constant != nil && d.from < 0 && d.to < 0:
	case d.column < 0 && d.constant == nil && d.from >= 0 && d.to >= 0:
	default:
		p.Errorf(n, "one of column with unit, seconds, or from and to is expected")
	}
	return d
}

// eval gives the span in ms, or that there is none.
func (d *durationExpr) eval(r *row) (int64, bool) {
	switch {
	case d.constant != nil:
		return *d.constant, true
	case d.from >= 0:
		from, ok0 := r.time(d.from)
		to, ok1 := r.time(d.to)
		return to - from, ok0 && ok1
	}
	s, ok := r.present(d.column, d.absent)
	if !ok {
		if d.fallback != nil {
			return *d.fallback, true
		}
		return 0, false
	}
	ms, ok := r.plan.m.duration(s, d.unit)
	switch {
	case !ok:
		r.fail(d.column, "no duration: a number, mm:ss, h:mm:ss or 1h 2m 3s is expected")
	case ms < 0:
		// More often a sign for "none" than a span.
		r.fail(d.column, "a negative duration; if it stands for none, name it under absent")
	}
	return ms, ok
}

// duration reads a plain number of units, or mm:ss, or h:mm:ss, with decimals
// of the last, or 1h 2m 3s, or PT1H2M3S. It may be negative.
func (m *Mapping) duration(s string, unit int64) (int64, bool) {
	if ms, ok := m.spelled(s); ok {
		return ms, true
	}
	rest, negative := strings.CutPrefix(s, "-")
	parts := strings.Split(rest, ":")
	last, ok := m.number(parts[len(parts)-1])
	if !ok || last < 0 {
		return 0, false
	}
	var ms int64
	switch {
	case len(parts) == 1:
		if last > (1<<62)/unit {
			return 0, false
		}
		ms = last * unit / event.DecimalScale
	case len(parts) <= 3 && last < 60*event.DecimalScale:
		var minutes int64
		for i, part := range parts[:len(parts)-1] {
			v, ok := parseDecimal(part)
			if !ok || v < 0 || v%event.DecimalScale != 0 || v > 1e6*event.DecimalScale || i > 0 && v >= 60*event.DecimalScale {
				return 0, false
			}
			minutes = minutes*60 + v/event.DecimalScale
		}
		ms = minutes*60_000 + last*1000/event.DecimalScale
	default:
		return 0, false
	}
	if negative {
		ms = -ms
	}
	return ms, true
}

// spelled reads numbers with letters: 1h 2m 3s, 2min 31sec, PT2M31S.
func (m *Mapping) spelled(s string) (int64, bool) {
	s = strings.TrimPrefix(strings.ToLower(s), "pt")
	if s == "" {
		return 0, false
	}
	var ms int64
	for s != "" {
		n := strings.IndexFunc(s, func(r rune) bool { return r != '.' && r != ',' && (r < '0' || r > '9') })
		if n <= 0 {
			return 0, false
		}
		v, ok := m.number(s[:n])
		s = strings.TrimLeft(s[n:], " ")
		end := strings.IndexFunc(s, func(r rune) bool { return r < 'a' || r > 'z' })
		if end < 0 {
			end = len(s)
		}
		length := spelledUnits[s[:end]]
		if !ok || length == 0 || v > 1e6*event.DecimalScale {
			return 0, false
		}
		ms += v * length / event.DecimalScale
		s = strings.TrimLeft(s[end:], " ")
	}
	return ms, true
}

// spelledUnits are the words for units, in ms.
var spelledUnits = map[string]int64{
	"ms": 1, "s": 1000, "sec": 1000, "secs": 1000, "second": 1000, "seconds": 1000,
	"m": 60_000, "min": 60_000, "mins": 60_000, "minute": 60_000, "minutes": 60_000,
	"h": 3_600_000, "hr": 3_600_000, "hour": 3_600_000, "hours": 3_600_000, "d": 86_400_000,
}

// parseDecimal reads a number with up to fourteen figures before the point, in
// ten-thousandths; further decimals are cut. A comma may stand for the point,
// except where it could as well part thousands: 1,234 is refused.
func parseDecimal(s string) (int64, bool) {
	rest, negative := strings.CutPrefix(s, "-")
	if whole, thousand, comma := strings.Cut(rest, ","); comma && len(thousand) == 3 && whole != "" && whole[0] != '0' {
		return 0, false
	}
	before, after, _ := strings.Cut(strings.Replace(rest, ",", ".", 1), ".")
	if before == "" && after == "" || len(before) > 14 || strings.Trim(before+after, "0123456789") != "" {
		return 0, false
	}
	var v int64
	for _, c := range before {
		v = v*10 + int64(c-'0')
	}
	after = (after + "0000")[:4]
	for _, c := range after {
		v = v*10 + int64(c-'0')
	}
	if negative {
		v = -v
	}
	return v, true
}

// number reads a number as the mapping says that they are written: with one
// sign for decimals, the others may part thousands.
func (m *Mapping) number(s string) (int64, bool) {
	if m.decimal == "" {
		return parseDecimal(s)
	}
	rest, negative := strings.CutPrefix(s, "-")
	whole, decimals, _ := strings.Cut(rest, m.decimal)
	groups := strings.FieldsFunc(whole, func(c rune) bool { return strings.ContainsRune(".,' \u00a0\u202f’", c) })
	if strings.Trim(decimals, "0123456789") != "" || len(groups) > 1 && !thousands(groups) {
		return 0, false
	}
	v, ok := parseDecimal(strings.Join(groups, "") + "." + decimals)
	if negative {
		v = -v
	}
	return v, ok
}

func thousands(groups []string) bool {
	for i, g := range groups {
		if len(g) != 3 && (i > 0 || len(g) > 3) {
			return false
		}
	}
	return true
}

func (r *row) present(column int, absent []string) (string, bool) {
	s, ok := r.value(column)
	return s, ok && !slices.Contains(absent, s)
}

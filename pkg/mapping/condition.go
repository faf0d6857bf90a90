package mapping

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/nabz/nabz/pkg/strictyaml"
)

// condition is a predicate over a row, of a small closed set.
type condition struct {
	all, any []*condition
	not      *condition

	column     int // -1: none
	in         []string
	empty      *bool
	starts     string
	ignoreCase bool
	least      *int64 // in ten-thousandths, inclusive
	most       *int64
	above      *int64 // exclusive
	below      *int64

	time  int // -1: none
	known bool
}

func (p *parser) condition(n *yaml.Node) *condition {
	c := &condition{column: -1, time: -1}
	list := func(to *[]*condition) func(*yaml.Node) {
		return func(n *yaml.Node) { p.Items(n, func(n *yaml.Node) { *to = append(*to, p.condition(n)) }) }
	}
	tests := 0
	test := func(f func(*yaml.Node)) func(*yaml.Node) {
		return func(n *yaml.Node) { tests++; f(n) }
	}
	number := func(to **int64) func(*yaml.Node) {
		return test(func(n *yaml.Node) {
			v, ok := parseDecimal(n.Value)
			if n.Kind != yaml.ScalarNode || !ok {
				p.Errorf(n, "a number is expected, not %s", strictyaml.Kind(n))
			}
			*to = &v
		})
	}
	p.Map(n, strictyaml.Keys{
		"all":         list(&c.all),
		"any":         list(&c.any),
		"not":         func(n *yaml.Node) { c.not = p.condition(n) },
		"column":      func(n *yaml.Node) { c.column = p.column(n) },
		"is":          test(func(n *yaml.Node) { c.in = []string{p.m.clean(p.Text(n))} }),
		"in":          test(func(n *yaml.Node) { c.in = p.cleaned(p.Texts(n)) }),
		"starts":      test(func(n *yaml.Node) { c.starts = p.m.clean(p.plain(n)) }),
		"empty":       test(func(n *yaml.Node) { c.empty = new(p.Bool(n)) }),
		"at_least":    number(&c.least),
		"at_most":     number(&c.most),
		"more_than":   number(&c.above),
		"less_than":   number(&c.below),
		"ignore_case": func(n *yaml.Node) { c.ignoreCase = p.Bool(n) },
		"time":        func(n *yaml.Node) { c.time = p.refer(n) },
		"known":       func(n *yaml.Node) { c.known = p.Bool(n) },
	})
	forms := 0
	for _, there := range []bool{c.all != nil, c.any != nil, c.not != nil, c.column >= 0, c.time >= 0} {
		if there {
			forms++
		}
	}
	if forms != 1 {
		p.Errorf(n, "exactly one of all, any, not, column, time is expected")
	}
	if (c.column >= 0) != (tests > 0) {
		p.Errorf(n, "a column needs a test, and a test a column: is, in, starts, empty, at_least, at_most, more_than, less_than")
	}
	return c
}

func (p *parser) cleaned(words []string) []string {
	for i := range words {
		words[i] = p.m.clean(words[i])
	}
	return words
}

// holds tells whether the condition is true of a row. A number test of a
// column that holds none is false.
func (c *condition) holds(r *row) bool {
	switch {
	case c == nil:
		return true
	case c.all != nil:
		return !slices.ContainsFunc(c.all, func(c *condition) bool { return !c.holds(r) })
	case c.any != nil:
		return slices.ContainsFunc(c.any, func(c *condition) bool { return c.holds(r) })
	case c.not != nil:
		return !c.not.holds(r)
	case c.time >= 0:
		_, known := r.time(c.time)
		return known == c.known
	}
	return c.test(r)
}

func (c *condition) test(r *row) bool {
	raw, there := r.raw(c.column), false
	if s, ok := r.value(c.column); ok {
		raw, there = s, true
	}
	if c.empty != nil && *c.empty == there {
		return false
	}
	if c.ignoreCase {
		raw = strings.ToLower(raw)
	}
	if c.in != nil && !slices.ContainsFunc(c.in, func(w string) bool {
		return w == raw || c.ignoreCase && strings.ToLower(w) == raw
	}) {
		return false
	}
	if c.starts != "" {
		prefix := c.starts
		if c.ignoreCase {
			prefix = strings.ToLower(prefix)
		}
		if !strings.HasPrefix(raw, prefix) {
			return false
		}
	}
	return c.compare(r.plan.m, raw)
}

func (c *condition) compare(m *Mapping, s string) bool {
	if c.least == nil && c.most == nil && c.above == nil && c.below == nil {
		return true
	}
	v, ok := m.number(s)
	return ok && (c.least == nil || v >= *c.least) && (c.most == nil || v <= *c.most) &&
		(c.above == nil || v > *c.above) && (c.below == nil || v < *c.below)
}

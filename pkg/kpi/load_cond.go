package kpi

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/nabz/nabz/pkg/calendar"
	"github.com/nabz/nabz/pkg/fact"
	"github.com/nabz/nabz/pkg/strictyaml"
)

// where reads conditions: a word or a list of words for a text, {not: …} for
// any other, {eq: span}, {le: …}, {lt: …}, {ge: …}, {gt: …} for numbers and
// instants, {since: column, le: …} for the span between two instants, {in_hours:
// calendar} and {out_of_hours: calendar} for instants.
func (l *loading) where(n *yaml.Node) []Cond {
	var out []Cond
	l.r.Pairs(n, func(k, v *yaml.Node) {
		i := l.column(k, fact.Text, fact.Time, fact.Duration, fact.Count, fact.Bool, fact.Decimal)
		col := &l.of.Columns[i]
		switch {
		case v.Kind == yaml.MappingNode:
			out = append(out, l.compare(i, v)...)
		case col.Type != fact.Text:
			l.r.Errorf(v, "column %q holds numbers: %s", col.Name, comparisons)
		default:
			out = append(out, Cond{Column: i, Rel: In, Texts: l.texts(col, v)})
		}
	})
	slices.SortStableFunc(out, func(a, b Cond) int { return cmp.Or(a.Column-b.Column, int(a.Rel)-int(b.Rel)) })
	return out
}

func (l *loading) texts(col *fact.Column, n *yaml.Node) []string {
	nodes := []*yaml.Node{n}
	if n.Kind == yaml.SequenceNode {
		nodes = n.Content
	}
	var out []string
	for _, n := range nodes {
		s := l.r.Text(n)
		if col.Values != nil && !slices.Contains(col.Values, s) {
			l.r.Errorf(n, "%s is never %q%s", col.Name, s, strictyaml.Hint(s, col.Values))
		}
		out = append(out, s)
	}
	if len(out) == 0 {
		l.r.Errorf(n, "a value is expected")
	}
	slices.Sort(out)
	return out
}

// compare reads the comparisons of one column, all of which must hold.
func (l *loading) compare(i int, n *yaml.Node) (out []Cond) {
	col := &l.of.Columns[i]
	typ, since := col.Type, 0
	number := func(rels ...Rel) func(*yaml.Node) {
		return func(n *yaml.Node) {
			if typ == fact.Text {
				l.r.Errorf(n, "column %q holds texts: name them", col.Name)
				return
			}
			for _, rel := range rels {
				c := Cond{Column: i, Rel: rel, Since: since}
				c.Int, c.Later = l.number(typ, n)
				out = append(out, c)
			}
		}
	}
	hours := func(rel Rel) func(*yaml.Node) {
		return func(n *yaml.Node) {
			if c := l.calendar(n); c != nil && typ == fact.Time {
				out = append(out, Cond{Column: i, Rel: rel, Hours: c})
			} else if c != nil {
				l.r.Errorf(n, "column %q is no instant: hours are those of the clock", col.Name)
			}
		}
	}
	if v := valueOf(n, "since"); v != nil && typ == fact.Time {
		typ, since = fact.Duration, l.column(v, fact.Time)+1
	}
	l.r.Map(n, strictyaml.Keys{
		"le": number(Le), "lt": number(Lt), "ge": number(Ge), "gt": number(Gt), "eq": number(Ge, Le),
		"since": func(n *yaml.Node) {
			if since == 0 {
				l.r.Errorf(n, "column %q is no instant: since is the span between two", col.Name)
			}
		},
		"in_hours": hours(InHours), "out_of_hours": hours(OutOfHours),
		"not": func(n *yaml.Node) {
			if col.Type != fact.Text {
				l.r.Errorf(n, "column %q holds numbers: %s", col.Name, comparisons)
				return
			}
			out = append(out, Cond{Column: i, Rel: NotIn, Texts: l.texts(col, n)})
		},
		"known": func(n *yaml.Node) {
			c := Cond{Column: i, Rel: Known, Since: since}
			if col.Type == fact.Text { // one that is not known is empty
				c.Rel, c.Texts = NotIn, []string{""}
			}
			if !l.r.Bool(n) {
				l.r.Errorf(n, "only known: true is a condition")
			}
			out = append(out, c)
		},
	})
	if len(out) == 0 {
		l.r.Errorf(n, "a comparison is expected")
	}
	return out
}

// calendar finds one by its name.
func (l *loading) calendar(n *yaml.Node) *calendar.Calendar {
	var names []string
	if l.lib.hours != nil {
		if c, ok := l.lib.hours.Get(n.Value); ok {
			return c
		}
		for _, c := range l.lib.hours.Calendars {
			names = append(names, c.Name)
		}
	}
	l.r.Errorf(n, "no calendar %q%s", n.Value, strictyaml.Hint(n.Value, names))
	return nil
}

// valueOf finds what a mapping says of a key; nil: nothing.
func valueOf(n *yaml.Node, key string) *yaml.Node {
	for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

const comparisons = "compare it with {eq: …}, {le: …}, {lt: …}, {ge: …} or {gt: …}"

// number reads what a value of a type is compared with: a span, an instant, a
// flag, a number, or the parameter $name, which may change.
func (l *loading) number(typ fact.Type, n *yaml.Node) (int64, []Later) {
	if name, ok := strings.CutPrefix(n.Value, "$"); ok {
		var names []string
		for _, p := range l.d.Params {
			if p.Name == name {
				l.used["$"+name] = true
				return p.Ms, p.Later
			}
			names = append(names, "$"+p.Name)
		}
		l.r.Errorf(n, "no parameter %q%s", n.Value, strictyaml.Hint(n.Value, names))
		return 0, nil
	}
	switch typ {
	case fact.Decimal:
		return l.decimal(n), nil
	case fact.Duration:
		ms, err := ParseSpan(n.Value)
		if err != nil {
			l.r.Errorf(n, "%v", err)
		}
		return ms, nil
	case fact.Time:
		return l.instant(n), nil
	case fact.Bool:
		if n.Value == "true" || n.Value == "false" {
			return map[string]int64{"true": 1}[n.Value], nil
		}
	case fact.Text, fact.Count:
	}
	v, err := strconv.ParseInt(n.Value, 10, 64)
	if err != nil {
		l.r.Errorf(n, "a whole number is expected, not %s", strictyaml.Kind(n))
	}
	return v, nil
}

// instant reads an instant with its offset, ms since 1970 UTC.
func (l *loading) instant(n *yaml.Node) int64 {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04Z07:00"} {
		if t, err := time.Parse(layout, n.Value); err == nil {
			return t.UnixMilli()
		}
	}
	l.r.Errorf(n, "%q is no instant: write 2026-03-21T00:00+03:30", n.Value)
	return 0
}

// params reads spans by name: one, or a list of what it was at first and what it
// is from an instant on, {from: instant, is: span}.
func (l *loading) params(n *yaml.Node) {
	l.r.Pairs(n, func(k, v *yaml.Node) {
		if !word(k.Value) {
			l.r.Errorf(k, "%q is no name: lower-case letters, digits and _", k.Value)
		}
		p := Param{Name: k.Value}
		first := v
		if v.Kind == yaml.SequenceNode && len(v.Content) > 0 {
			first = v.Content[0]
			for _, n := range v.Content[1:] {
				p.Later = append(p.Later, l.later(n, p.Later))
			}
		}
		p.Ms = l.spanOf(first)
		l.d.Params = append(l.d.Params, p)
		l.at["$"+k.Value] = k
	})
}

func (l *loading) later(n *yaml.Node, before []Later) (out Later) {
	l.r.Map(n, strictyaml.Keys{
		"from": func(n *yaml.Node) { out.From = l.instant(n) },
		"is":   func(n *yaml.Node) { out.Int = l.spanOf(n) },
	}, "from", "is")
	if k := len(before); k > 0 && out.From <= before[k-1].From {
		l.r.Errorf(n, "what a parameter becomes stands in the order of time")
	}
	return out
}

func (l *loading) spanOf(n *yaml.Node) int64 {
	ms, err := ParseSpan(n.Value)
	if err != nil {
		l.r.Errorf(n, "%v", err)
	}
	return ms
}

// dated lets conditions that change know by which instant: that in whose
// interval a fact counts, of a level that from which it does.
func (m *Measure) dated() {
	for _, where := range [][]Cond{m.Where, m.Latest} {
		for i := range where {
			switch {
			case len(where[i].Later) == 0:
			case m.Op == Level, m.Op == During:
				where[i].When = m.From
			default:
				where[i].When = m.At
			}
		}
	}
}

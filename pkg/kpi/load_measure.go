package kpi

import (
	"errors"
	"fmt"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/nabz/nabz/pkg/fact"
	"github.com/nabz/nabz/pkg/strictyaml"
)

// measure reads one of the forms, each with of and at where it is of another
// family or instant than the definition:
//
//	name: {count: {column: condition, …}}
//	name: {sum: {of: column, where: {column: condition, …}}}
//	name: {level: {from: column, to: column, where: {…}}}
//	name: {during: {from: column, after: span, to: column, where: {…}}}
//	name: {hist: {of: column, where: {…}}}
//	name: {max: {of: column, where: {…}}}
//	name: {entities: {of: [column, …], where: {…}, in: new, at_least: 2, latest: {…}}}
//	name: {last: {of: column, per: [column, …], where: {…}}}
//	name: {among: {of: [column, …], in: both, sum: column, where: {…}}}
//	name: {again: {of: [column, …], within: span, where: {…}}}
//	name: {born: {of: [column, …], where: {…}}}
//	name: {back: {of: [column, …], where: {…}, days: hours}}
func (l *loading) measure(k, n *yaml.Node) {
	if _, taken := function(k.Value); taken || !word(k.Value) {
		l.r.Errorf(k, "%q is no name for a measure: lower-case letters, digits and _", k.Value)
	}
	m := &Measure{Family: l.d.Of, At: l.d.At, AtLeast: 1}
	keys := l.elsewhere(m, n)
	if m.Family == nil {
		return
	}
	defer func() { l.of = l.d.Of }()
	forms := strictyaml.Keys{
		"of": func(*yaml.Node) {}, "at": func(*yaml.Node) {},
		"entities": l.entities(m), "cell": l.cell(m), "last": l.last(m), "among": l.among(m), "again": l.again(m), "born": l.cohort(m, Born), "back": l.cohort(m, Back),
		"count": func(n *yaml.Node) { m.Op = Count; m.Where = l.where(n) },
		"sum":   l.over(m, Sum, fact.Duration, fact.Count, fact.Bool, fact.Decimal),
		"hist":  l.over(m, Hist, fact.Duration),
		"max":   l.over(m, Max, fact.Duration, fact.Count, fact.Decimal),
		"level": l.open(m, Level), "during": l.open(m, During),
	}
	l.r.Map(n, forms)
	if n.Kind == yaml.MappingNode && len(n.Content) != 2*keys+2 {
		l.r.Errorf(n, "a measure is one of count, sum, level, hist, max, during, entities, last, among, again, born, back and cell")
		return
	}
	m.dated()
	m.Name = m.name()
	l.at[k.Value] = k
	l.d.Measures = append(l.d.Measures, Named{Name: k.Value, Measure: m})
}

// open reads a measure of what is open from one instant to another.
func (l *loading) open(m *Measure, op Op) func(*yaml.Node) {
	return func(n *yaml.Node) {
		m.Op, m.At = op, 0
		keys := strictyaml.Keys{
			"from":  func(n *yaml.Node) { m.From = l.column(n, fact.Time) },
			"to":    func(n *yaml.Node) { m.To = l.column(n, fact.Time) },
			"where": func(n *yaml.Node) { m.Where = l.where(n) },
		}
		if op == During {
			keys["after"] = func(n *yaml.Node) { m.After = l.spanOf(n) }
		}
		l.r.Map(n, keys, "from", "to")
	}
}

// over reads a measure of a column of one of the types.
func (l *loading) over(m *Measure, op Op, types ...fact.Type) func(*yaml.Node) {
	return func(n *yaml.Node) {
		m.Op = op
		l.r.Map(n, strictyaml.Keys{
			"of":    func(n *yaml.Node) { m.Column = l.column(n, types...) },
			"where": func(n *yaml.Node) { m.Where = l.where(n) },
		}, "of")
	}
}

// reserved are the names of columns that every KPI has.
var reserved = []string{"value", "numerator", "denominator", "count", "time", "date", "tenant", "feed", "since", "as_of", "finality"}

// values reads one formula, or several by name, headline first.
func (l *loading) values(n *yaml.Node) {
	if n.Kind != yaml.MappingNode {
		l.variant("", n)
		return
	}
	l.r.Pairs(n, func(k, v *yaml.Node) {
		name := k.Value
		if name == "headline" {
			name = ""
		} else if !word(name) || slices.Contains(reserved, name) {
			l.r.Errorf(k, "%q is no name for a formula", name)
		} else if l.d.Measure(name) != nil && l.d.Measure(name).Op != Level {
			l.r.Errorf(k, "%q is the name of a measure already, and both are columns", name)
		}
		l.variant(name, v)
	})
	if len(l.d.Values) == 0 || l.d.Values[0].Name != "" {
		l.r.Errorf(n, "the first formula is the headline")
	}
}

func (l *loading) variant(name string, n *yaml.Node) {
	v := Variant{Name: name, Source: l.d.Source}
	text := n
	if n.Kind == yaml.MappingNode {
		l.r.Map(n, strictyaml.Keys{
			"formula": func(n *yaml.Node) { text = n },
			"source":  func(n *yaml.Node) { v.Source = l.r.Text(n) },
		}, "formula")
		if text == n {
			return
		}
	}
	v.Text = l.r.Text(text)
	e, err := ParseFormula(v.Text)
	if err != nil {
		var fe *FormulaError
		if errors.As(err, &fe) {
			at := *text
			at.Column += fe.Column - 1
			l.r.Errorf(&at, "formula: %s", fe.Text)
		}
		return
	}
	if e = l.others(text, e); e == nil {
		return
	}
	v.Expr = e
	Walk(e, func(ref Ref) { l.ref(text, ref) })
	l.dimension(text, e)
	l.d.Values = append(l.d.Values, v)
}

func (l *loading) ref(n *yaml.Node, ref Ref) {
	if ref.At == Passed {
		return
	}
	m := l.d.Measure(ref.Measure)
	if m == nil {
		var names []string
		for _, m := range l.d.Measures {
			names = append(names, m.Name)
		}
		l.r.Errorf(n, "no measure %q%s", ref.Measure, strictyaml.Hint(ref.Measure, names))
		return
	}
	l.used[ref.Measure] = true
	if !ref.At.fits(m.Op) {
		l.r.Errorf(n, "%q is read by %s", ref.Measure, map[Op]string{
			Count: "its name alone", Sum: "its name alone", Level: "level(…), mean_level(…) or oldest(…)",
			Hist: "mean(…), max(…) or a percentile such as p90(…)", Max: "max(…)",
		}[m.Op])
	}
	if ref.Previous && (!ref.At.fits(m.Op) || m.Op == Born || m.Op == Back) {
		l.r.Errorf(n, "previous(…) is of a count, a sum, entities or a last")
	}
}

// dimension checks that the formula gives what the unit says: a time for s, a
// plain number otherwise.
func (l *loading) dimension(n *yaml.Node, e Expr) {
	got, ok := l.d.power(e)
	want := power{}
	switch l.d.Unit {
	case UnitSeconds, UnitHours, UnitDays:
		want.time = 1
	case UnitMoney, UnitNumber:
		want.decimal = 1
	case UnitCount, UnitRatio, UnitPoints:
	}
	switch {
	case !ok:
		l.r.Errorf(n, "the formula adds things of different units, such as a time to a number")
	case got != want:
		l.r.Errorf(n, "the formula gives %s, but the unit %s is %s", got, l.d.Unit, want)
	}
}

// power is the power of times and of decimals, such as amounts of money, in a
// value.
type power struct{ time, decimal int }

func (p power) String() string {
	switch p {
	case power{}:
		return "a plain number"
	case power{time: 1}:
		return "a span of time"
	case power{decimal: 1}:
		return "an amount or a decimal"
	}
	return fmt.Sprintf("time^%d·decimal^%d", p.time, p.decimal)
}

// power is that of the value of a formula.
func (d *Definition) power(e Expr) (p power, ok bool) {
	switch e := e.(type) {
	case Number:
		return e.of, true
	case Ref:
		m := d.Measure(e.Measure)
		switch e.At {
		case Spent, Oldest, Added, Quantile, Deviation, Passed:
			return power{time: 1}, true
		case Whole, Greatest:
			if m != nil && m.Op == Cell && m.Axis != "" {
				m = d.Grid.Axis(m.Axis).Measure
			}
			if m != nil && m.Op == During {
				return power{time: 1}, true
			}
			if m == nil || !m.adds() {
				return power{}, true
			}
			switch m.Family.Columns[m.Column].Type {
			case fact.Duration:
				return power{time: 1}, true
			case fact.Decimal:
				return power{decimal: 1}, true
			case fact.Text, fact.Time, fact.Count, fact.Bool:
			}
		case AtEnd, Mean, Counted, Other:
		}
	case Binary:
		a, okA := d.power(e.Left)
		b, okB := d.power(e.Right)
		switch e.Op {
		case '*':
			return power{a.time + b.time, a.decimal + b.decimal}, okA && okB
		case '/':
			return power{a.time - b.time, a.decimal - b.decimal}, okA && okB
		}
		p, same := d.alike([]Expr{e.Left, e.Right})
		return p, okA && okB && same
	case Call:
		return d.callPower(e)
	}
	return power{}, true
}

// adds tells whether the measure is of a column's unit.
func (m *Measure) adds() bool {
	return m.Op == Sum || m.Op == Max || m.Op == Hist || m.Op == Last || m.Op == Among && !m.Counts
}

// unused complains of what nothing names: most often a slip.
func (l *loading) unused() {
	for _, p := range l.d.Params {
		if !l.used["$"+p.Name] {
			l.r.Errorf(l.at["$"+p.Name], "parameter %q is not used", p.Name)
		}
	}
	for _, m := range l.d.Measures {
		if !l.used[m.Name] {
			l.r.Errorf(l.at[m.Name], "measure %q is not used", m.Name)
		}
	}
}

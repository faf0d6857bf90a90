package kpi

// NamedFigure is one figure of a definition, in its unit.
type NamedFigure struct {
	Name  string
	Value float64
}

// Plan is how the figures of a definition are worked out of totals: its
// formulas, with the places of their numbers found.
type Plan struct {
	formulas []formula
	since    int // where the oldest instant is kept that an age is told of, or -1
}

// formula is one figure of a plan.
type formula struct {
	name string
	expr *node
}

// node is an operation on two others, a number where op is 0, a figure where op
// is '#', a function where it is 'f', and no value where it is '?'.
type node struct {
	op          byte
	left, right *node
	number      float64
	figure      Figure
	percent     int
	slot, hist  int
	ofHist      bool
	call        *Call
	args        []*node
}

// Plan prepares a definition for [Totals.Figures] of these totals, or others of
// the same measures.
func (t *Totals) Plan(d *Definition) *Plan {
	p := &Plan{since: -1}
	add := func(name string, e Expr) { p.formulas = append(p.formulas, formula{name, t.compile(d, e)}) }
	head := d.Values[0].Expr
	add("value", d.scaled(head))
	if num, den, divides := Ratio(head); divides {
		add("numerator", d.scaled(num))
		add("denominator", den)
	}
	if of, counts := d.CountOf(); counts {
		add("count", of)
	}
	for _, v := range d.Values[1:] {
		add(v.Name, d.scaled(v.Expr))
	}
	if name, aged := d.Aged(); aged {
		p.since = t.index.measures[d.Measure(name).Name].slot + LevelOldest
	}
	return p
}

func (t *Totals) compile(d *Definition, e Expr) *node {
	switch e := e.(type) {
	case Number:
		return &node{number: e.Value}
	case Binary:
		return &node{op: e.Op, left: t.compile(d, e.Left), right: t.compile(d, e.Right)}
	case Call:
		n := &node{op: 'f', call: &e}
		for _, a := range e.Args {
			n.args = append(n.args, t.compile(d, a))
		}
		return n
	case None:
		return &node{op: '?'}
	case Ref:
		if e.At == Passed {
			return &node{op: '#', figure: Passed}
		}
		m := d.Measure(e.Measure)
		at := t.index.measures[m.Name]
		return &node{op: '#', figure: e.At, percent: e.Percent, slot: at.slot, hist: at.hist, ofHist: m.Op == Hist}
	}
	panic("kpi: unknown expression")
}

// Figures appends what a definition makes of the totals over the span from
// from to asOf, whose last pane ends at until, all ms since 1970 UTC, and gives
// the result: value, the headline;
// numerator and denominator, where it divides; count, of the facts that it is
// made of; every variant under its name; and since, where it is the age of
// what has been open longest: the instant from which that age is told, ms since
// 1970 UTC. What has no value is left out.
func (t *Totals) Figures(dst []NamedFigure, p *Plan, from, asOf, until int64) []NamedFigure {
	w := when{span: asOf - from, asOf: asOf, rest: max(0, until-asOf)}
	for i := range p.formulas {
		f := &p.formulas[i]
		if value, ok := t.eval(f.expr, &w); ok {
			dst = append(dst, NamedFigure{f.name, value})
		}
	}
	if p.since >= 0 && t.values[p.since] != 0 {
		dst = append(dst, NamedFigure{"since", float64(t.values[p.since])})
	}
	return dst
}

// when is the span of figures: its length, its end, and how much is left of
// its last pane, ms.
type when struct{ span, asOf, rest int64 }

// eval works a formula out, as [Eval] does.
func (t *Totals) eval(n *node, w *when) (float64, bool) {
	switch n.op {
	case 0:
		return n.number, true
	case '#':
		return t.figure(n, w)
	case 'f':
		return n.call.apply(func(i int) (float64, bool) { return t.eval(n.args[i], w) })
	case '?':
		return 0, false
	}
	a, okA := t.eval(n.left, w)
	b, okB := t.eval(n.right, w)
	if !okA || !okB {
		return 0, false
	}
	return operate(n.op, a, b)
}

// figure is a number of a measure, in its smallest unit.
func (t *Totals) figure(n *node, w *when) (float64, bool) {
	number := func(part int) (float64, bool) { return float64(t.values[n.slot+part]), true }
	switch n.figure {
	case Whole:
		return number(0)
	case AtEnd:
		return number(LevelEnd)
	case Mean, Spent:
		// What is open counts to the end of the pane: the rest is still to come.
		ms := max(0, t.values[n.slot+LevelMs]-t.values[n.slot+LevelEnd]*w.rest)
		if n.figure == Spent {
			return float64(ms), true
		}
		return float64(ms) / float64(max(w.span, 1)), w.span > 0
	case Oldest:
		since := t.values[n.slot+LevelOldest]
		return float64(max(0, w.asOf-since)), since != 0
	case Counted:
		return number(HistCount)
	case Added:
		return number(HistSum)
	case Quantile:
		return quantile(t.hists[n.hist], n.percent)
	case Deviation:
		return deviation(t.hists[n.hist])
	case Passed:
		return float64(w.span), w.span > 0
	case Greatest:
		if n.ofHist {
			return greatest(t.hists[n.hist])
		}
		most := t.values[n.slot]
		return float64(most - 1), most != 0
	}
	panic("kpi: unknown figure")
}

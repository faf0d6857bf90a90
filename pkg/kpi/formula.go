package kpi

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/nabz/nabz/pkg/event"
	"github.com/nabz/nabz/pkg/strictyaml"
)

// Expr is a [Number], a [Ref], a [Binary], a [Call] or [None].
type Expr interface{ expr() }

// Number is a constant, in the smallest unit of what it is: a span in ms.
type Number struct {
	Value float64
	of    power
}

// Named span $name: loading puts the number in its place.
type spanRef struct{ name string }

// Ref is a figure of a measure over the facts asked for.
type Ref struct {
	Measure  string // the name in the definition; of Other the name of another one
	At       Figure
	Percent  int  // of a Quantile, 1 to 99
	Previous bool // of the interval before
}

// Figure says which number of a measure is meant.
type Figure uint8

const (
	// Whole is what a Count or a Sum adds up to.
	Whole Figure = iota
	// AtEnd is, of a Level, how many are open at the end of the last interval.
	AtEnd
	// Mean is, of a Level, how many are open on average: item-time over time.
	Mean
	// Spent is, of a Level, the item-time: how long all that is open was open
	// within the span, ms.
	Spent
	// Oldest is, of a Level, the age of what has been open longest, ms.
	Oldest
	// Counted is how many facts a Hist holds.
	Counted
	// Added is the sum of their lengths, ms.
	Added
	// Quantile is, of a Hist, the length that Percent of the facts do not
	// exceed: that of the nearest rank, told as the middle of its bucket.
	Quantile
	// Greatest is the greatest value: of a Max exactly, of a Hist as the middle
	// of its bucket.
	Greatest
	// Deviation is, of a Hist, the standard deviation of all lengths, each told
	// as the middle of its bucket.
	Deviation
	// Passed is of no measure: how long the interval is, of the current one how
	// much of it has passed, ms.
	Passed
	// Other is the value of another definition; loading puts its formula in the
	// place.
	Other
)

// fits tells whether a kind of measure has a figure.
func (f Figure) fits(op Op) bool {
	switch f {
	case Whole:
		return op == Count || op == Sum || !op.Additive()
	case AtEnd, Mean, Spent, Oldest:
		return op == Level
	case Counted, Added, Quantile, Deviation:
		return op == Hist
	case Greatest:
		return op == Hist || op == Max
	}
	return false
}

// Binary is an operation on two expressions; / by zero is unknown.
type Binary struct {
	Op          byte // + - * /
	Left, Right Expr
}

func (Number) expr()  {}
func (spanRef) expr() {}
func (Ref) expr()     {}
func (Binary) expr()  {}

// ParseFormula reads a formula: names of measures, numbers, + - * /,
// parentheses, of levels level(name), mean_level(name) and oldest(name), of
// distributions mean(name), max(name) and p50(name) or another percentile, of
// counts and sums previous(name), number(name) for a decimal without its unit,
// kpi(name) for the value of another KPI, elapsed() for the length of the
// interval, $name for a span, and of values sqrt, abs, power, min, max, coalesce
// and if.
// Errors give the column, from 1, in the formula.
func ParseFormula(s string) (Expr, error) {
	p := &parser{s: s}
	e, err := p.sum()
	if err != nil {
		return nil, err
	}
	p.space()
	if p.at < len(p.s) {
		return nil, p.fail("unexpected %q", p.s[p.at:])
	}
	return e, nil
}

// FormulaError is a mistake in a formula.
type FormulaError struct {
	Column int // from 1
	Text   string
}

func (e *FormulaError) Error() string {
	return fmt.Sprintf("formula, character %d: %s", e.Column, e.Text)
}

// maxDepth bounds nesting; people write two or three levels.
const maxDepth = 32

type parser struct {
	s     string
	at    int
	depth int
}

func (p *parser) fail(format string, args ...any) error {
	return &FormulaError{Column: p.at + 1, Text: fmt.Sprintf(format, args...)}
}

func (p *parser) space() {
	for p.at < len(p.s) && strings.IndexByte(" \t\n", p.s[p.at]) >= 0 {
		p.at++
	}
}

func (p *parser) peek() byte {
	p.space()
	if p.at < len(p.s) {
		return p.s[p.at]
	}
	return 0
}

func (p *parser) sum() (Expr, error)     { return p.chain("+-", p.product) }
func (p *parser) product() (Expr, error) { return p.chain("*/", p.factor) }

func (p *parser) chain(ops string, next func() (Expr, error)) (Expr, error) {
	left, err := next()
	if err != nil {
		return nil, err
	}
	for {
		c := p.peek()
		if c == 0 || strings.IndexByte(ops, c) < 0 {
			return left, nil
		}
		p.at++
		right, err := next()
		if err != nil {
			return nil, err
		}
		left = Binary{Op: c, Left: left, Right: right}
	}
}

func (p *parser) factor() (Expr, error) {
	if p.depth++; p.depth > maxDepth {
		return nil, p.fail("nested deeper than %d", maxDepth)
	}
	defer func() { p.depth-- }()
	c := p.peek()
	switch {
	case c == '(':
		p.at++
		e, err := p.sum()
		if err != nil {
			return nil, err
		}
		if p.peek() != ')' {
			return nil, p.fail("a ) is missing")
		}
		p.at++
		return e, nil
	case c >= '0' && c <= '9':
		return p.number()
	case isLetter(c):
		return p.ref()
	case c == '$':
		p.at++
		return spanRef{p.word()}, nil
	case c == 0:
		return nil, p.fail("it ends where a measure or a number belongs")
	}
	return nil, p.fail("%q where a measure or a number belongs", string(c))
}

func (p *parser) number() (Expr, error) {
	from := p.at
	for p.at < len(p.s) && (p.s[p.at] >= '0' && p.s[p.at] <= '9' || p.s[p.at] == '.') {
		p.at++
	}
	v, err := strconv.ParseFloat(p.s[from:p.at], 64)
	if err != nil {
		p.at = from
		return nil, p.fail("%q is no number", p.s[from:])
	}
	return Number{Value: v}, nil
}

func (p *parser) ref() (Expr, error) {
	name := p.word()
	if p.peek() != '(' {
		return Ref{Measure: name}, nil
	}
	ref, known := function(name)
	if !known && !isCall(name) {
		return nil, p.fail("no function %q%s; there are %s and p1 to p99", name, strictyaml.Hint(name, functions()), strings.Join(functions(), ", "))
	}
	p.at++
	if isCall(name) && (!known || !p.single()) {
		return p.call(name)
	}
	p.space()
	ref.Measure = p.word()
	if ref.At == Passed {
		if ref.Measure != "" || p.peek() != ')' {
			return nil, p.fail("elapsed() takes nothing")
		}
		p.at++
		return ref, nil
	}
	if ref.At == Other && p.peek() == '.' {
		p.at++
		ref.Measure += "." + p.word()
	}
	if ref.Measure == "" || p.peek() != ')' {
		return nil, p.fail("%s(…) takes the name of one measure", name)
	}
	p.at++
	if name == "number" {
		return Binary{Op: '/', Left: ref, Right: Number{Value: event.DecimalScale, of: power{decimal: 1}}}, nil
	}
	if name == "mean" {
		count := ref
		count.At = Counted
		return Binary{Op: '/', Left: ref, Right: count}, nil
	}
	return ref, nil
}

// single tells whether a name and nothing else stands behind the (.
func (p *parser) single() bool {
	ahead := *p
	ahead.space()
	return ahead.word() != "" && ahead.peek() == ')'
}

// figures are the functions of one measure, and of none.
var figures = map[string]Ref{
	"level": {At: AtEnd}, "mean_level": {At: Mean}, "time": {At: Spent}, "oldest": {At: Oldest}, "mean": {At: Added}, "max": {At: Greatest},
	"deviation": {At: Deviation}, "elapsed": {At: Passed}, "previous": {Previous: true}, "number": {}, "kpi": {At: Other},
}

// functions are the names of all, but of percentiles.
func functions() []string {
	names := slices.Collect(maps.Keys(figures))
	for _, c := range calls {
		names = append(names, c.name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// function is the reference that a function's name stands for.
func function(name string) (Ref, bool) {
	if ref, ok := figures[name]; ok {
		return ref, true
	}
	percent, err := strconv.Atoi(strings.TrimPrefix(name, "p"))
	return Ref{At: Quantile, Percent: percent}, err == nil && name == "p"+strconv.Itoa(percent) && percent >= 1 && percent <= 99
}

func (p *parser) word() string {
	from := p.at
	for p.at < len(p.s) && (isLetter(p.s[p.at]) || p.s[p.at] >= '0' && p.s[p.at] <= '9') {
		p.at++
	}
	return p.s[from:p.at]
}

func isLetter(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_'
}

// Walk calls f with every reference to a measure.
func Walk(e Expr, f func(Ref)) {
	switch e := e.(type) {
	case Ref:
		f(e)
	case Binary:
		Walk(e.Left, f)
		Walk(e.Right, f)
	case Call:
		for _, a := range e.Args {
			Walk(a, f)
		}
	}
}

// Ratio splits a formula that divides into what is above and what is below.
func Ratio(e Expr) (num, den Expr, ok bool) {
	if b, is := e.(Binary); is && b.Op == '/' {
		return b.Left, b.Right, true
	}
	return nil, nil, false
}

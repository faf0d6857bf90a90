package kpi

import (
	"math"
	"slices"
	"strings"
)

// Call is a function of values: what one is made of has no value, it has none
// either, but for Coalesce.
type Call struct {
	Func Func
	Args []Expr // of When: what is compared, with what, then and else
	Rel  Rel    // of When: Le, Lt, Ge or Gt
}

func (Call) expr() {}

// Func is which function.
type Func uint8

const (
	// Sqrt is the root of what is not negative.
	Sqrt Func = iota + 1
	// Abs is the distance from 0.
	Abs
	// Power is a whole power, 2 to maxPower.
	Power
	// Least is the least of two or more.
	Least
	// Most is the greatest of two or more.
	Most
	// Coalesce is the first that has a value.
	Coalesce
	// When is its third where the first compares so with the second, and its
	// fourth else.
	When
)

type callForm struct {
	name        string
	fn          Func
	least, most int
}

// calls are the functions by name, with the least and the most of what they
// take.
var calls = []callForm{
	{"sqrt", Sqrt, 1, 1},
	{"abs", Abs, 1, 1},
	{"power", Power, 2, 2},
	{"min", Least, 2, maxArgs},
	{"max", Most, 2, maxArgs},
	{"coalesce", Coalesce, 2, maxArgs},
	{"if", When, 2, 3},
}

// maxArgs is how many values a function takes: more than a sentence compares.
// maxPower keeps powers within what a float holds exactly of usual counts.
const (
	maxArgs  = 8
	maxPower = 6
)

// None is where no value is meant: what an if without a third gives.
type None struct{}

func (None) expr() {}

// call reads what stands behind the ( of a function of values.
func (p *parser) call(name string) (Expr, error) {
	i := slices.IndexFunc(calls, func(c callForm) bool { return c.name == name })
	out, n := Call{Func: calls[i].fn}, 0
	for {
		e, err := p.sum()
		if err != nil {
			return nil, err
		}
		out.Args = append(out.Args, e)
		if out.Func == When && n == 0 {
			if out.Rel = p.relation(); out.Rel == 0 {
				return nil, p.fail("if(…) compares: if(n >= 30, value, otherwise), with <, <=, > or >=")
			}
			if e, err = p.sum(); err != nil {
				return nil, err
			}
			out.Args = append(out.Args, e)
		}
		n++
		if p.peek() != ',' {
			break
		}
		p.at++
	}
	switch {
	case n < calls[i].least || n > calls[i].most:
		return nil, p.fail("%s(…) takes %s, not %d", name, takes(calls[i].least, calls[i].most), n)
	case p.peek() != ')':
		return nil, p.fail("a ) is missing behind %s(…", name)
	}
	p.at++
	if out.Func == When && n == 2 {
		out.Args = append(out.Args, None{})
	}
	if by, whole := out.Args[len(out.Args)-1].(Number); out.Func == Power && (!whole || by.Value != math.Trunc(by.Value) || by.Value < 2 || by.Value > maxPower) {
		return nil, p.fail("power(…) is by a whole number from 2 to %d", maxPower)
	}
	return out, nil
}

func takes(least, most int) string {
	words := []string{"", "one value", "two values", "three values"}
	switch {
	case least == most:
		return words[least]
	case most == maxArgs:
		return words[least] + " or more"
	}
	return words[least] + " or " + words[most]
}

// isCall tells whether a name is that of a function of values.
func isCall(name string) bool {
	return slices.ContainsFunc(calls, func(c callForm) bool { return c.name == name })
}

func (p *parser) relation() Rel {
	p.space()
	for _, r := range []struct {
		word string
		rel  Rel
	}{{"<=", Le}, {">=", Ge}, {"<", Lt}, {">", Gt}} {
		if strings.HasPrefix(p.s[p.at:], r.word) {
			p.at += len(r.word)
			return r.rel
		}
	}
	return 0
}

// apply works a function out of what its arguments are.
func (c *Call) apply(arg func(int) (float64, bool)) (float64, bool) {
	switch c.Func {
	case Coalesce:
		for i := range c.Args {
			if v, ok := arg(i); ok {
				return v, true
			}
		}
		return 0, false
	case When:
		a, okA := arg(0)
		b, okB := arg(1)
		switch {
		case !okA || !okB:
			return 0, false
		case c.Rel == Le && a <= b, c.Rel == Lt && a < b, c.Rel == Ge && a >= b, c.Rel == Gt && a > b:
			return arg(2)
		}
		return arg(3)
	}
	out, ok := arg(0)
	first := out
	for i := 1; ok && i < len(c.Args); i++ {
		var v float64
		v, ok = arg(i)
		switch c.Func {
		case Least:
			out = min(out, v)
		case Most:
			out = max(out, v)
		case Power:
			for range int(v) - 1 {
				out *= first
			}
		}
	}
	switch c.Func {
	case Sqrt:
		return math.Sqrt(max(out, 0)), ok && out >= 0
	case Abs:
		return math.Abs(out), ok
	}
	return out, ok
}

// mapped is an expression with f of each that it is made of. nil of any is nil.
func mapped(e Expr, f func(Expr) Expr) Expr {
	switch e := e.(type) {
	case Binary:
		if e.Left, e.Right = f(e.Left), f(e.Right); e.Left == nil || e.Right == nil {
			return nil
		}
		return e
	case Call:
		args := make([]Expr, len(e.Args))
		for i, a := range e.Args {
			if args[i] = f(a); args[i] == nil {
				return nil
			}
		}
		e.Args = args
		return e
	}
	return e
}

// callPower is that of the value of a function.
func (d *Definition) callPower(c Call) (power, bool) {
	first, ok := d.power(c.Args[0])
	switch c.Func {
	case Sqrt:
		return power{first.time / 2, first.decimal / 2}, ok && first.time%2 == 0 && first.decimal%2 == 0
	case Abs:
		return first, ok
	case Power:
		by := int(c.Args[1].(Number).Value)
		return power{first.time * by, first.decimal * by}, ok
	case When:
		if _, same := d.alike(c.Args[:2]); !same {
			return first, false
		}
		return d.alike(c.Args[2:])
	}
	return d.alike(c.Args)
}

// alike is the power that several have in common: 0 is one of anything.
func (d *Definition) alike(of []Expr) (p power, ok bool) {
	found := false
	for _, e := range of {
		if n, is := e.(Number); is && n.Value == 0 || e == (None{}) {
			continue
		}
		its, fine := d.power(e)
		if !fine || found && its != p {
			return p, false
		}
		p, found = its, true
	}
	return p, true
}

package kpi

// Eval works a formula out; part gives the number of each reference, in the
// smallest unit. ok is false where something is divided by zero, or where part
// knows no number.
func Eval(e Expr, part func(Ref) (float64, bool)) (value float64, ok bool) {
	switch e := e.(type) {
	case Number:
		return e.Value, true
	case Ref:
		return part(e)
	case Binary:
		a, okA := Eval(e.Left, part)
		b, okB := Eval(e.Right, part)
		if !okA || !okB {
			return 0, false
		}
		return operate(e.Op, a, b)
	case Call:
		return e.apply(func(i int) (float64, bool) { return Eval(e.Args[i], part) })
	case None:
		return 0, false
	}
	panic("kpi: unknown expression")
}

func operate(op byte, a, b float64) (float64, bool) {
	switch op {
	case '+':
		return a + b, true
	case '-':
		return a - b, true
	case '*':
		return a * b, true
	}
	if b == 0 {
		return 0, false
	}
	return a / b, true
}

// Value works a formula out in the definition's unit.
func (d *Definition) Value(e Expr, part func(Ref) (float64, bool)) (value float64, ok bool) {
	return Eval(d.scaled(e), part)
}

// scaled turns a formula of smallest units into one of the definition's. A
// quotient is of whole milliseconds or ten-thousandths, so that it is rounded
// once, as in SQL.
func (d *Definition) scaled(e Expr) Expr {
	scale := d.Unit.Scale()
	if scale == 1 {
		return e
	}
	if q, is := e.(Binary); is && q.Op == '/' {
		return Binary{Op: '/', Left: q.Left, Right: Binary{Op: '*', Left: q.Right, Right: Number{Value: scale}}}
	}
	return Binary{Op: '/', Left: e, Right: Number{Value: scale}}
}

// Variant finds a formula by its name; the empty name is the headline.
func (d *Definition) Variant(name string) (*Variant, bool) {
	for i := range d.Values {
		if d.Values[i].Name == name {
			return &d.Values[i], true
		}
	}
	return nil, false
}

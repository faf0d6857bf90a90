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
		switch e.Op {
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
	panic("kpi: unknown expression")
}

// Value works a formula out in the definition's unit. A quotient is of whole
// milliseconds or ten-thousandths, so that it is rounded once, as in SQL.
func (d *Definition) Value(e Expr, part func(Ref) (float64, bool)) (value float64, ok bool) {
	scale := d.Unit.Scale()
	if scale == 1 {
		return Eval(e, part)
	}
	if q, is := e.(Binary); is && q.Op == '/' {
		return Eval(Binary{Op: '/', Left: q.Left, Right: Binary{Op: '*', Left: q.Right, Right: Number{Value: scale}}}, part)
	}
	value, ok = Eval(e, part)
	return value / scale, ok
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

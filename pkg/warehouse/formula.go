package warehouse

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/nabz/nabz/pkg/kpi"
)

// renderer makes SQL of formulas.
type renderer struct {
	d       *kpi.Definition
	naive   bool
	minutes string // of Query
	all     bool   // the interval is all time
}

// scaled renders a formula in the unit of its definition. A quotient is of whole
// milliseconds, so that it is rounded once: the nearest number to the true one.
func (r renderer) scaled(e kpi.Expr) string {
	scale := r.d.Unit.Scale()
	if scale == 1 {
		return r.render(e)
	}
	if q, ok := e.(kpi.Binary); ok && q.Op == '/' {
		return fmt.Sprintf("(%s / nullIf(%s * %g, 0))", r.render(q.Left), r.render(q.Right), scale)
	}
	return fmt.Sprintf("%s / %g", r.render(e), scale)
}

// render makes SQL of a formula. What is divided by zero is NULL.
func (r renderer) render(e kpi.Expr) string {
	switch e := e.(type) {
	case kpi.Number:
		return "toFloat64(" + strconv.FormatFloat(e.Value, 'g', -1, 64) + ")"
	case kpi.Ref:
		return r.ref(e)
	case kpi.Binary:
		if e.Op == '/' {
			return fmt.Sprintf("(%s / nullIf(%s, 0))", r.render(e.Left), r.render(e.Right))
		}
		return fmt.Sprintf("(%s %c %s)", r.render(e.Left), e.Op, r.render(e.Right))
	case kpi.Call:
		return r.call(e)
	case kpi.None:
		return nullNumber
	}
	panic("warehouse: unknown expression")
}

// call makes SQL of a function of values.
func (r renderer) call(c kpi.Call) string {
	var args []string
	for _, a := range c.Args {
		args = append(args, r.render(a))
	}
	list := strings.Join(args, ", ")
	switch c.Func {
	case kpi.Sqrt:
		return fmt.Sprintf("arrayMap(v -> if(v < 0, NULL, sqrt(v)), [%s])[1]", list)
	case kpi.Abs:
		return fmt.Sprintf("abs(%s)", list)
	case kpi.Power:
		return fmt.Sprintf("pow(%s)", list)
	case kpi.Least:
		return fmt.Sprintf("arrayMap(v -> if(has(v, NULL), NULL, arraySort(v)[1]), [[%s]])[1]", list)
	case kpi.Most:
		return fmt.Sprintf("arrayMap(v -> if(has(v, NULL), NULL, arraySort(v)[-1]), [[%s]])[1]", list)
	case kpi.Coalesce:
		return fmt.Sprintf("coalesce(%s)", list)
	case kpi.When:
		is := fmt.Sprintf("%s %s %s", args[0], map[kpi.Rel]string{kpi.Le: "<=", kpi.Lt: "<", kpi.Ge: ">=", kpi.Gt: ">"}[c.Rel], args[1])
		return fmt.Sprintf("multiIf(isNull(%[1]s), NULL, %[1]s, %s, %s)", is, args[2], args[3])
	}
	panic("warehouse: unknown function")
}

// span renders how much of the interval has passed, ms.
func (r renderer) span() string {
	span := fmt.Sprintf("greatest(0, dateDiff('millisecond', toDateTime64(time, 3, 'UTC'), %s))", passed)
	if r.minutes != "" {
		span += " * " + r.minutes
	}
	return span
}

// passed renders the end of the interval, of the current one now.
const passed = "least(toDateTime64(until, 3, 'UTC'), as_of)"

func (r renderer) ref(e kpi.Ref) string {
	switch e.At {
	case kpi.AtEnd:
		return fmt.Sprintf("toNullable(toFloat64(%s_end))", e.Measure)
	case kpi.Mean:
		return fmt.Sprintf("(%s_ms / nullIf(%s, 0))", e.Measure, r.span())
	case kpi.Passed:
		return fmt.Sprintf("nullIf(toFloat64(%s), 0)", r.span())
	case kpi.Spent:
		return fmt.Sprintf("toNullable(toFloat64(%s_ms))", e.Measure)
	case kpi.Oldest:
		return fmt.Sprintf("if(isNull(%[1]s_oldest), NULL, toFloat64(greatest(0, dateDiff('millisecond', assumeNotNull(%[1]s_oldest), %[2]s))))", e.Measure, passed)
	case kpi.Counted:
		return fmt.Sprintf("toNullable(toFloat64(%s_count))", e.Measure)
	case kpi.Added:
		return fmt.Sprintf("toNullable(toFloat64(%s_sum))", e.Measure)
	case kpi.Quantile:
		if r.naive {
			return fmt.Sprintf("if(notEmpty(%[1]s_hist_lengths), toFloat64(%[1]s_hist_lengths[intDiv(%[2]d * length(%[1]s_hist_lengths) + 99, 100)]), NULL)", e.Measure, e.Percent)
		}
		return fmt.Sprintf("if(notEmpty(%[1]s_hist_lengths), toFloat64(arrayFirst((l, c) -> c >= intDiv(%[2]d * %[1]s_hist_ranks[-1] + 99, 100), %[1]s_hist_lengths, %[1]s_hist_ranks)), NULL)", e.Measure, e.Percent)
	case kpi.Deviation:
		return r.deviation(e.Measure)
	case kpi.Greatest:
		if r.d.Measure(e.Measure).Op == kpi.Hist {
			return fmt.Sprintf("if(notEmpty(%[1]s_hist_lengths), toFloat64(%[1]s_hist_lengths[-1]), NULL)", e.Measure)
		}
		return fmt.Sprintf("toFloat64(%s)", e.Measure)
	case kpi.Whole, kpi.Other:
	}
	switch {
	case e.Previous && r.all:
		return nullNumber // all together have nothing before them
	case e.Previous:
		return fmt.Sprintf("toNullable(toFloat64(previous_%s))", e.Measure)
	}
	return fmt.Sprintf("toNullable(toFloat64(%s))", e.Measure)
}

// deviation is that of a distribution: of twice the lengths, which are whole, so
// that both ways to count come to the same number.
func (r renderer) deviation(measure string) string {
	lengths, counts := measure+"_hist_lengths", fmt.Sprintf("mapValues(%s_hist)", measure)
	if r.naive {
		counts = fmt.Sprintf("arrayMap(l -> toInt64(1), %s)", lengths)
	}
	sum := func(of string) string {
		return fmt.Sprintf("arrayReduce('sum', arrayMap((l, c) -> %s, %s, %s))", of, lengths, counts)
	}
	return fmt.Sprintf("if(notEmpty(%s), arrayMap((n, s, q) -> sqrt(toFloat64(n * q - s * s)) / (2 * toFloat64(n)), [%s], [%s], [%s])[1], NULL)", lengths,
		sum("toInt256(c)"), sum("toInt256(c) * toInt256(2 * l)"), sum("toInt256(c) * toInt256(2 * l) * toInt256(2 * l)"))
}

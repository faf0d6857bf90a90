package explain

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/nabz/nabz/pkg/event"
	"github.com/nabz/nabz/pkg/fact"
	"github.com/nabz/nabz/pkg/kpi"
	"github.com/nabz/nabz/pkg/warehouse"
)

// row is a fact as it is read.
type row struct {
	tenant, item, id string
	partition        int32
	version          int64
	fact             fact.Fact
}

// factsSQL asks for the facts of a family that are shown. Whatever columns a
// family has, a row is read the same way: its texts, its numbers and which of
// them are known.
func factsSQL(f *fact.Family, where []string, limit int) string {
	var texts, ints, known []string
	for _, c := range f.Columns {
		name := "f." + c.Name
		text, number, is := "''", "toInt64(0)", "isNotNull("+name+")"
		switch c.Type {
		case fact.Text:
			text, is = "toString("+name+")", name+" != ''"
		case fact.Time:
			number = "ifNull(toUnixTimestamp64Milli(" + name + "), 0)"
		default:
			number = "toInt64(ifNull(" + name + ", 0))"
		}
		texts, ints, known = append(texts, text), append(ints, number), append(known, "toUInt8("+is+")")
	}
	return fmt.Sprintf(`SELECT toString(f.tenant), f.item, toString(f.id), f.partition, f.version, toUnixTimestamp64Milli(f.opened_at), [%s], [%s], [%s]
FROM %s.fact_%s AS f FINAL
INNER JOIN %[4]s.shown AS s ON s.feed = f.feed AND s.generation = f.generation AND s.epoch = f.epoch AND s.tenant = if(f.feed = '', '', f.tenant)
WHERE f.deleted = 0 AND %[6]s
ORDER BY f.opened_at, f.item, f.id
LIMIT %[7]d`, strings.Join(texts, ", "), strings.Join(ints, ", "), strings.Join(known, ", "),
		warehouse.Internal, f.Name, strings.Join(where, " AND "), limit)
}

// facts calls each with every fact that a query gives.
func (e *Explainer) facts(ctx context.Context, f *fact.Family, where []string, limit int, each func(*row) error) error {
	rows, err := e.Conn.Query(ctx, factsSQL(f, where, limit))
	if err != nil {
		return fmt.Errorf("ask for facts of %s: %w", f.Name, err)
	}
	defer rows.Close()
	for rows.Next() {
		r := row{fact: fact.Fact{Family: f}}
		var texts []string
		var ints []int64
		var known []uint8
		if err := rows.Scan(&r.tenant, &r.item, &r.id, &r.partition, &r.version, &r.fact.OpenedAt, &texts, &ints, &known); err != nil {
			return fmt.Errorf("read a fact of %s: %w", f.Name, err)
		}
		r.fact.Values = make([]fact.Value, len(f.Columns))
		for i := range r.fact.Values {
			r.fact.Values[i] = fact.Value{Text: texts[i], Int: ints[i], Set: known[i] != 0}
		}
		if err := each(&r); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("read facts of %s: %w", f.Name, err)
	}
	return nil
}

// within renders that a fact of a family may have to do with an interval: it
// lies in it at an instant at which the family counts, or is open in it for one
// of its levels.
func within(q *query, f *fact.Family) string {
	if q.filter.FromMs == 0 {
		return "1"
	}
	instant := func(ms int64) string { return fmt.Sprintf("fromUnixTimestamp64Milli(toInt64(%d), 'UTC')", ms) }
	from, to := instant(q.filter.FromMs), instant(q.filter.ToMs)
	var some []string
	add := func(cond string) {
		if !slices.Contains(some, cond) {
			some = append(some, cond)
		}
	}
	if d := q.Definition; d.Of == f {
		add(fmt.Sprintf("(f.%[1]s >= %[2]s AND f.%[1]s < %[3]s)", f.Columns[d.At].Name, from, to))
	}
	for _, n := range q.Definition.Measures {
		m := n.Measure
		switch {
		case m.Family != f:
		case m.Op == kpi.Level, m.Op == kpi.During:
			begun, ended := "f."+f.Columns[m.From].Name, "f."+f.Columns[m.To].Name
			add(fmt.Sprintf("(%[1]s < %[2]s AND (isNull(%[3]s) OR %[3]s > %[4]s))", begun, to, ended, from))
		default:
			add(fmt.Sprintf("(f.%[1]s >= %[2]s AND f.%[1]s < %[3]s)", f.Columns[m.At].Name, from, to))
		}
	}
	return "(" + strings.Join(some, " OR ") + ")"
}

// families are those of the measures, the definition's own first.
func families(d *kpi.Definition) []*fact.Family {
	out := []*fact.Family{d.Of}
	for _, n := range d.Measures {
		if !slices.Contains(out, n.Measure.Family) {
			out = append(out, n.Measure.Family)
		}
	}
	return out
}

// count asks every measure of the definition about every fact of the cell, and
// keeps the first of them.
func (e *Explainer) count(ctx context.Context, c *Cell, q *query, list int) error {
	refused := make([]map[string]int64, len(c.Measures))
	for _, f := range families(q.Definition) {
		where := []string{within(q, f), "f.feed = " + warehouse.Quote(q.filter.Feed)}
		if q.filter.Tenant != "" {
			where = append(where, "f.tenant = "+warehouse.Quote(q.filter.Tenant))
		}
		for _, dim := range f.Dims {
			if v, ok := q.filter.Equal[dim]; ok {
				where = append(where, "f."+dim+" = "+warehouse.Quote(v))
			}
		}
		if err := e.countOf(ctx, c, q, f, where, refused, list); err != nil {
			return err
		}
	}
	for i, conditions := range refused {
		for text, n := range conditions {
			c.Measures[i].Conditions = append(c.Measures[i].Conditions, Refused{text, n})
		}
		slices.SortFunc(c.Measures[i].Conditions, func(a, b Refused) int {
			return cmp.Or(cmp.Compare(b.Facts, a.Facts), cmp.Compare(a.Condition, b.Condition))
		})
	}
	return nil
}

// countOf asks the measures of one family.
func (e *Explainer) countOf(ctx context.Context, c *Cell, q *query, f *fact.Family, where []string, refused []map[string]int64, list int) error {
	from, to := q.filter.FromMs, q.filter.ToMs
	if to == 0 {
		from, to = math.MinInt64, math.MaxInt64
	}
	return e.facts(ctx, f, where, maxFacts+1, func(r *row) error {
		if c.Total++; c.Total > maxFacts {
			return wrong("grain", "more than %d facts are in the cell: ask for a shorter one, or for one of its parts", maxFacts)
		}
		verdicts := []Verdict{}
		for i := range c.Measures {
			m := &c.Measures[i]
			if m.measure.Family != f {
				continue
			}
			v := Verdict{Measure: m.Name}
			var no bool
			if v.Condition, v.Instead, no = m.measure.Refusal(&r.fact, from, to); no {
				m.Refused++
				if refused[i] == nil {
					refused[i] = map[string]int64{}
				}
				refused[i][v.Condition]++
			} else {
				v.Counted = true
				m.Counted++
			}
			verdicts = append(verdicts, v)
		}
		if len(c.Facts) < list {
			c.Facts = append(c.Facts, r.shown(verdicts))
		}
		return nil
	})
}

// shown is a fact as people and programs see it.
func (r *row) shown(verdicts []Verdict) Fact {
	f := r.fact.Family
	columns := make(map[string]any, len(f.Columns))
	for i, c := range f.Columns {
		v := &r.fact.Values[i]
		switch {
		case !v.Set:
			columns[c.Name] = nil
		case c.Type == fact.Text:
			columns[c.Name] = v.Text
		case c.Type == fact.Time:
			columns[c.Name] = time.UnixMilli(v.Int).UTC()
		case c.Type == fact.Duration:
			columns[c.Name] = float64(v.Int) / 1000
		case c.Type == fact.Bool:
			columns[c.Name] = v.Int != 0
		case c.Type == fact.Decimal:
			columns[c.Name] = float64(v.Int) / event.DecimalScale
		default:
			columns[c.Name] = v.Int
		}
	}
	return Fact{
		Tenant: r.tenant, Family: f.Name, Item: f.Kind + "/" + r.item, ID: r.id, OpenedAt: time.UnixMilli(r.fact.OpenedAt).UTC(),
		Partition: r.partition, Version: r.version, Columns: columns, Measures: verdicts,
	}
}

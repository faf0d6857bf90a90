package warehouse

import (
	"fmt"
	"strings"

	"github.com/nabz/nabz/pkg/event"
	"github.com/nabz/nabz/pkg/fact"
	"github.com/nabz/nabz/pkg/record"
)

// RecordFacts is the SQL that makes facts of the raw events of a declared kind,
// with sets and windows alone: what the proofs written by hand are for the
// other kinds. It begins with members.sql, which stands where {{members.sql}}
// does, and takes the same parameters, and zone.
func RecordFacts(k *record.Kind) string {
	var b strings.Builder
	b.WriteString(`WITH
{{members.sql}},

-- In their order; behind a silence that is longer than the item is kept it
-- begins anew.
told AS (
  SELECT *, sum(fresh) OVER (PARTITION BY tenant, partition, entity ORDER BY k) AS era,
    greatest(now, max(t) OVER (PARTITION BY tenant, partition, entity)) AS seen
  FROM (
    SELECT *, row_number() OVER w AS k, toUInt64(t - lagInFrame(t, 1, t) OVER w > {keep:Int64}) AS fresh
    FROM members
    WHERE ` + oneOf("type", k.EventTypes()) + `
    WINDOW w AS (PARTITION BY tenant, partition, entity ORDER BY t, rank, sequence, uid ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)
  )
),
`)
	carried := carriedColumns(k)
	b.WriteString("\nknown AS (\n  SELECT *, max(t) OVER item AS item_last")
	for i, c := range carried {
		fmt.Fprintf(&b, ",\n    argMaxIf(%s, k, %s) OVER past AS carried_%d, countIf(%s) OVER past AS carries_%d",
			says(c.Field), counts(c, c.Field), i, counts(c, c.Field), i)
	}
	b.WriteString("\n  FROM told\n  WINDOW item AS (PARTITION BY tenant, partition, entity, era)")
	b.WriteString(", past AS (PARTITION BY tenant, partition, entity, era ORDER BY k ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)\n)")
	for _, f := range k.Families {
		s := recordSQL{f: f, carried: carried}
		fmt.Fprintf(&b, ",\n\n-- %s\n%s_parts AS (\n%s\n),\n\n", f.Fact.Name, f.Fact.Name, s.parts())
		fmt.Fprintf(&b, "%s_facts AS (\n%s\n),\n\n%s AS (\n%s\n)", f.Fact.Name, s.facts(), f.Fact.Name, s.rows())
	}
	b.WriteString("\n\nSELECT * FROM {family:Identifier}\n")
	return b.String()
}

// carriedColumns are all columns with what an item last said.
func carriedColumns(k *record.Kind) []*record.Column {
	var out []*record.Column
	for _, f := range k.Families {
		for i := range f.Columns {
			if f.Columns[i].Source == record.Carried {
				out = append(out, &f.Columns[i])
			}
		}
	}
	return out
}

// recordSQL makes the SQL of one family.
type recordSQL struct {
	f       *record.Family
	carried []*record.Column
}

const ofItem = "tenant, partition, entity, era"

// parts gives each event of the family's facts with the fact that it is of: key
// and g.
func (s *recordSQL) parts() string {
	f := s.f
	makes := oneOf("type", f.Types) + conditions(f.Where)
	from := "  SELECT *, %s AS key, %s AS g FROM known WHERE " + makes
	switch f.Mode {
	case record.Each:
		return fmt.Sprintf(from, "''", "k")
	case record.Day:
		return fmt.Sprintf(from, "''", dayOf("t"))
	case record.Life:
		return "  SELECT *, '' AS key, 0 AS g FROM (\n    SELECT *, minIf(k, " + makes + ") OVER (PARTITION BY " + ofItem + ") AS first_k FROM known\n" +
			"  )\n  WHERE first_k != 0 AND k >= first_k"
	case record.Gap:
		return fmt.Sprintf(`  SELECT *, sum(begins) OVER (PARTITION BY %[1]s, key ORDER BY k) AS g FROM (
    SELECT *, toUInt64(row_number() OVER w = 1 OR t - lagInFrame(t, 1, t) OVER w > %[2]d) AS begins
    FROM (SELECT *, %[3]s AS key FROM known WHERE %[4]s)
    WINDOW w AS (PARTITION BY %[1]s, key ORDER BY k ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)
  )`, ofItem, f.GapMs, divide(f.Per), makes)
	case record.Stay:
	}
	ends := "0"
	if len(f.Ends) > 0 {
		ends = oneOf("type", f.Ends)
	}
	// A word that changes begins a stay, the end of all (a zero byte) one that
	// is none. Events that say neither are of the stay that goes on.
	return fmt.Sprintf(`  SELECT *, argMaxIf(word, k, begins) OVER (PARTITION BY %[1]s, g) AS key,
    minIf(t, begins) OVER later AS ended_t, argMinIf(word, k, begins) OVER later AS next_word, countIf(begins) OVER later AS others
  FROM (
    SELECT * REPLACE (if(begins, word, '') AS word), sum(begins) OVER (PARTITION BY %[1]s ORDER BY k) AS g FROM (
      SELECT *, word != '' AND word != before AS begins FROM (
        SELECT *, ifNull(anyLast(nullIf(word, '')) OVER (PARTITION BY %[1]s ORDER BY k ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), '\0') AS before
        FROM (SELECT *, multiIf(%[2]s, '\0', %[3]s, texts[%[4]s], '') AS word FROM known)
      )
    )
  )
  WINDOW later AS (PARTITION BY %[1]s ORDER BY g RANGE BETWEEN 1 FOLLOWING AND 1 FOLLOWING)`, ofItem, ends, makes, Quote(f.Of.Name))
}

// facts adds up the events of each fact.
func (s *recordSQL) facts() string {
	f := s.f
	var b strings.Builder
	b.WriteString("  SELECT " + ofItem + ", entity AS _item, key, g, min(k) AS first_k, argMin(uid, k) AS _fact_uid, min(t) AS _o, max(t) AS _last_t, " +
		"any(seen) AS _seen_t, any(item_last) AS _item_t, argMin(type, k) AS _first_type")
	if f.Mode == record.Stay {
		b.WriteString(", any(ended_t) AS _ended, any(next_word) AS _next, any(others) AS _ends")
	}
	for i := range f.Columns {
		c := &f.Columns[i]
		if v := s.sum(c, i); v != "" {
			fmt.Fprintf(&b, ",\n    %s AS _v%d", v, i)
		}
	}
	fmt.Fprintf(&b, "\n  FROM %s_parts\n", f.Fact.Name)
	if f.Mode == record.Stay {
		b.WriteString("  WHERE key NOT IN ('', '\\0')\n")
	}
	b.WriteString("  GROUP BY " + ofItem + ", key, g")
	return b.String()
}

// sum is what the events of a fact say of a column; empty where it follows from
// others.
func (s *recordSQL) sum(c *record.Column, index int) string {
	if c.Field == nil && c.Source != record.Count && c.Source != record.FirstAt && c.Source != record.LastAt && c.Source != record.Status {
		return ""
	}
	when := counts(c, nil)
	switch c.Source {
	case record.Count:
		return "toInt64(countIf(" + when + "))"
	case record.FirstAt:
		return "minOrNullIf(t, " + when + ")"
	case record.LastAt:
		return "maxOrNullIf(t, " + when + ")"
	case record.Status:
		types, texts := c.Texts()
		return fmt.Sprintf("argMaxIf(transform(type, %s, %s, ''), k, %s)", list(types), list(texts), oneOf("type", types))
	case record.Sum:
		return fmt.Sprintf("toInt64(sumIf(%s, %s))", s.signed(c), counts(c, c.Field))
	case record.Of:
		v := fmt.Sprintf("argMin(%s, k)", s.signed(c))
		return known(c.Field, v, "argMin("+told(c.Field)+", k)")
	case record.First:
		return known(c.Field, fmt.Sprintf("argMinIf(%s, k, %s)", says(c.Field), counts(c, c.Field)), "countIf("+counts(c, c.Field)+") > 0")
	case record.Last:
		return known(c.Field, fmt.Sprintf("argMaxIf(%s, k, %s)", says(c.Field), counts(c, c.Field)), "countIf("+counts(c, c.Field)+") > 0")
	case record.Carried:
		for i := range s.carried {
			if s.carried[i] == c {
				return known(c.Field, fmt.Sprintf("argMin(carried_%d, k)", i), fmt.Sprintf("argMin(carries_%d, k) > 0", i))
			}
		}
	default:
	}
	panic(fmt.Sprintf("warehouse: column %d of %s has no source", index, s.f.Fact.Name))
}

func (s *recordSQL) signed(c *record.Column) string {
	if len(c.Negate) == 0 {
		return says(c.Field)
	}
	return fmt.Sprintf("if(%s, -1, 1) * %s", oneOf("type", c.Negate), says(c.Field))
}

// rows gives the facts as they stand in the family's table.
func (s *recordSQL) rows() string {
	f := s.f
	var b strings.Builder
	b.WriteString("  SELECT tenant, {feed:String} AS feed, {generation:Int64} AS generation, {epoch:Int64} AS epoch, partition, _item AS item,\n" +
		"    toUUID(_fact_uid) AS id, fromUnixTimestamp64Milli(_o, 'UTC') AS opened_at")
	for i := range f.Columns {
		v := s.value(i)
		if f.Fact.Columns[i].Type == fact.Time {
			v = "fromUnixTimestamp64Milli(" + v + ", 'UTC')"
		}
		fmt.Fprintf(&b, ",\n    %s AS %s", v, f.Fact.Columns[i].Name)
	}
	fmt.Fprintf(&b, `
  FROM (
    SELECT *, row_number() OVER w AS _nth_of, lagInFrame(toNullable(_o), 1, NULL) OVER w AS _o_before, leadInFrame(toNullable(_o), 1, NULL) OVER w AS _o_after,
      _seen_t - _item_t > {keep:Int64} AS _gone
    FROM %s_facts
    WINDOW w AS (PARTITION BY %s ORDER BY first_k ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)
  )`, f.Fact.Name, ofItem)
	return b.String()
}

// value is a column of the row; an instant in ms.
func (s *recordSQL) value(i int) string {
	f := s.f
	c := &f.Columns[i]
	switch c.Source {
	case record.Item:
		return "_item"
	case record.Opened:
		return "toNullable(_o)"
	case record.DayNumber:
		return "toInt64(" + dayOf("_o") + ")"
	case record.Nth:
		return "toInt64(_nth_of)"
	case record.SincePrevious:
		return "_o - _o_before"
	case record.UntilNext:
		return fmt.Sprintf("if(_o_after - _o <= %d, _o_after - _o, NULL)", c.WithinMs)
	case record.Type:
		types, texts := c.Texts()
		return fmt.Sprintf("transform(_first_type, %s, %s, '')", list(types), list(texts))
	case record.Ended:
		return "if(_ends = 0, NULL, _ended)"
	case record.Next:
		return "if(_ends = 0 OR _next = '\\0', '', _next)"
	case record.State:
		return s.state()
	case record.Status:
		if len(f.Fact.Open) == 0 {
			return fmt.Sprintf("_v%d", i)
		}
		lost := "_gone"
		if f.LostAfterMs > 0 {
			lost = fmt.Sprintf("(_gone OR _seen_t - _o >= %d)", f.LostAfterMs)
		}
		return fmt.Sprintf("if(%s AND %s, %s, _v%d)", oneOf(fmt.Sprintf("_v%d", i), f.Fact.Open), lost, Quote(fact.LostText), i)
	case record.Span:
		from, to := s.value(c.From), s.value(c.To)
		return fmt.Sprintf("if(%[2]s >= %[1]s, %[2]s - %[1]s, NULL)", from, to)
	case record.Minus:
		return s.value(c.From) + " - " + s.value(c.To)
	default:
		return fmt.Sprintf("_v%d", i)
	}
}

// state says whether the fact may still change.
func (s *recordSQL) state() string {
	waits := "0"
	if within, ok := s.f.Waits(); ok {
		waits = fmt.Sprintf("(_o_after IS NULL OR _o_after - _o > %[1]d) AND _seen_t - _o <= %[1]d", within)
	}
	switch s.f.Mode {
	case record.Gap:
		waits = fmt.Sprintf("%s OR _seen_t - _last_t <= %d", waits, s.f.GapMs)
	case record.Stay:
		return fmt.Sprintf("multiIf(_ends = 0 AND _gone, 'lost', NOT _gone AND (_ends = 0 OR %s), 'open', 'closed')", waits)
	case record.Each, record.Life, record.Day:
	}
	return "if(NOT _gone AND (" + waits + "), 'open', 'closed')"
}

func list(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = Quote(w)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

func oneOf(what string, words []string) string { return "has(" + list(words) + ", " + what + ")" }

func conditions(where []record.Cond) string {
	var b strings.Builder
	for i := range where {
		c := &where[i]
		text := "texts[" + Quote(c.Field.Name) + "]"
		switch {
		case c.Values == nil:
			b.WriteString(" AND " + text + " != ''")
		case c.Not:
			b.WriteString(" AND NOT " + oneOf(text, c.Values))
		default:
			b.WriteString(" AND " + oneOf(text, c.Values))
		}
	}
	return b.String()
}

// counts tells whether an event counts for a column, and says something in the
// field.
func counts(c *record.Column, f *event.Field) string {
	s := "1"
	if c.Types != nil {
		s = oneOf("type", c.Types)
	}
	s += conditions(c.Where)
	if f != nil {
		s += " AND " + told(f)
	}
	return s
}

func says(f *event.Field) string {
	if f.Type == event.FieldString {
		return "texts[" + Quote(f.Name) + "]"
	}
	return "ints[" + Quote(f.Name) + "]"
}

func told(f *event.Field) string {
	if f.Type == event.FieldString {
		return says(f) + " != ''"
	}
	return "mapContains(ints, " + Quote(f.Name) + ")"
}

// known gives a value, or NULL for a number that is not known.
func known(f *event.Field, value, has string) string {
	if f.Type == event.FieldString {
		return value
	}
	return fmt.Sprintf("if(%s, toNullable(%s), NULL)", has, value)
}

func dayOf(t string) string {
	return "toInt64(toRelativeDayNum(fromUnixTimestamp64Milli(" + t + ", 'UTC'), {zone:String}))"
}

func divide(per []*event.Field) string {
	s := "''"
	for i := len(per) - 1; i >= 0; i-- {
		text := "texts[" + Quote(per[i].Name) + "]"
		s = fmt.Sprintf("if(%s != '', %s, %s)", text, text, s)
	}
	return s
}

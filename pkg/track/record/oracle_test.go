package record_test

import (
	"fmt"
	"slices"
	"time"

	"github.com/nabz/nabz/pkg/event"
	"github.com/nabz/nabz/pkg/fact"
	"github.com/nabz/nabz/pkg/record"
)

// oracle says what the facts of one item are, from all its events at once and
// from the declaration word by word: it knows no groups, no base and no pages.
type oracle struct {
	kind   *record.Kind
	zone   *time.Location
	entity string
	now    int64
}

// one is a fact: its events, and how it ended.
type one struct {
	events []*event.Event
	index  int // of the first among those of the life
	ended  int64
	next   string
	over   bool
}

// rows gives the facts of events in their order, of which none is replaced.
func (o *oracle) rows(events []event.Event, into map[string]string) {
	seen := o.now
	if len(events) > 0 {
		seen = max(seen, events[len(events)-1].Time)
	}
	for len(events) > 0 {
		n := 1
		for n < len(events) && events[n].Time-events[n-1].Time <= keep {
			n++
		}
		for _, f := range o.kind.Families {
			o.family(f, events[:n], seen, into)
		}
		events = events[n:]
	}
}

func (o *oracle) family(f *record.Family, events []event.Event, seen int64, into map[string]string) {
	facts := o.divide(f, events)
	slices.SortStableFunc(facts, func(a, b *one) int { return a.index - b.index })
	last := events[len(events)-1].Time
	for i, x := range facts {
		row := map[string]fact.Value{}
		var after *one
		if i+1 < len(facts) {
			after = facts[i+1]
		}
		text := ""
		for j := range f.Columns {
			c := &f.Columns[j]
			name := f.Fact.Columns[j].Name
			row[name] = o.value(f, c, x, events, row)
			switch c.Source {
			case record.Nth:
				row[name] = fact.Int(int64(i + 1))
			case record.SincePrevious:
				if i > 0 {
					row[name] = fact.Int(x.events[0].Time - facts[i-1].events[0].Time)
				}
			case record.UntilNext:
				if after != nil && after.events[0].Time-x.events[0].Time <= within {
					row[name] = fact.Int(after.events[0].Time - x.events[0].Time)
				}
			case record.State:
				row[name] = fact.Str(o.state(f, x, after, seen, last))
			case record.Status:
				if slices.Contains(f.Fact.Open, row[name].Text) && (seen-last > keep || seen-x.events[0].Time >= lost) {
					row[name] = fact.Str("lost")
				}
			default:
			}
			text += fmt.Sprintf(" %s=%v", name, row[name])
		}
		into[fmt.Sprintf("%s %s %s %d", f.Fact.Name, o.entity, x.events[0].UID, x.events[0].Time)] = text
	}
}

func (o *oracle) state(f *record.Family, x, after *one, seen, last int64) string {
	from, to := x.events[0].Time, x.events[len(x.events)-1].Time
	waits := (after == nil || after.events[0].Time-from > within) && seen-from <= within
	switch {
	case seen-last > keep && f.Mode == record.Stay && !x.over:
		return "lost"
	case seen-last > keep:
		return "closed"
	case waits, f.Mode == record.Gap && seen-to <= gap, f.Mode == record.Stay && !x.over:
		return "open"
	}
	return "closed"
}

// divide gives each fact its events.
func (o *oracle) divide(f *record.Family, events []event.Event) (facts []*one) {
	makes := func(e *event.Event) bool {
		if !slices.Contains(f.Types, e.Type) {
			return false
		}
		return !slices.ContainsFunc(f.Where, func(c record.Cond) bool { return !c.Holds(e) })
	}
	word := ""
	for i := range events {
		e := &events[i]
		fresh := func() { facts = append(facts, &one{events: []*event.Event{e}, index: i}) }
		var newest *one
		for _, x := range facts {
			if f.Mode != record.Gap || keyOf(x.events[0]) == keyOf(e) {
				newest = x
			}
		}
		switch f.Mode {
		case record.Each:
			if makes(e) {
				fresh()
			}
		case record.Life:
			if newest != nil {
				newest.events = append(newest.events, e)
			} else if makes(e) {
				fresh()
			}
		case record.Gap, record.Day:
			same := newest != nil && f.Mode == record.Gap && e.Time-newest.events[len(newest.events)-1].Time <= gap ||
				newest != nil && f.Mode == record.Day && o.day(newest.events[0].Time) == o.day(e.Time)
			switch {
			case !makes(e):
			case same:
				newest.events = append(newest.events, e)
			default:
				fresh()
			}
		case record.Stay:
			says := ""
			if makes(e) {
				says = e.Text(123)
			}
			ends := e.Type == "order.cancelled"
			if newest != nil && !newest.over && (ends || says != "" && says != word) {
				newest.over, newest.ended, newest.next = true, e.Time, says
			}
			switch {
			case ends:
				word = ""
			case says != "" && says != word:
				word = says
				fresh()
			case newest != nil && !newest.over:
				newest.events = append(newest.events, e)
			}
		}
	}
	return facts
}

func keyOf(e *event.Event) string {
	if v := e.Text(275); v != "" {
		return v
	}
	return e.Text(276)
}

func (o *oracle) day(at int64) int64 {
	y, m, d := time.UnixMilli(at).In(o.zone).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / 86_400
}

// value is what the events of a fact say of a column.
func (o *oracle) value(f *record.Family, c *record.Column, x *one, events []event.Event, row map[string]fact.Value) (v fact.Value) {
	first := x.events[0]
	says := func(e *event.Event) fact.Value {
		if c.Field.Type == event.FieldString {
			return fact.Str(e.Text(c.Field.Number))
		}
		n, ok := e.Int(c.Field.Number)
		if slices.Contains(c.Negate, e.Type) {
			n = -n
		}
		return fact.Value{Int: n, Set: ok}
	}
	counts := func(e *event.Event) bool {
		return (c.Types == nil || slices.Contains(c.Types, e.Type)) && !slices.ContainsFunc(c.Where, func(w record.Cond) bool { return !w.Holds(e) })
	}
	column := func(i int) fact.Value { return row[f.Fact.Columns[i].Name] }
	switch c.Source {
	case record.Item:
		return fact.Str(o.entity)
	case record.Opened:
		return fact.Int(first.Time)
	case record.DayNumber:
		return fact.Int(o.day(first.Time))
	case record.Of:
		return says(first)
	case record.Ended:
		return fact.Value{Int: x.ended, Set: x.over}
	case record.Next:
		return fact.Str(x.next)
	case record.Carried:
		for i := range events[:x.index+1] {
			if e := &events[i]; counts(e) && says(e).Set {
				v = says(e)
			}
		}
		return v
	case record.Span, record.Minus:
		a, b := column(c.From), column(c.To)
		switch {
		case !a.Set || !b.Set || c.Source == record.Span && b.Int < a.Int:
			return v
		case c.Source == record.Span:
			return fact.Int(b.Int - a.Int)
		}
		return fact.Int(a.Int - b.Int)
	case record.Sum, record.Count:
		v.Set = true
	default:
	}
	for _, w := range c.Words {
		for _, e := range x.events {
			if c.Source == record.Type && e == first && w.Type == e.Type {
				v = fact.Str(w.Text)
			}
		}
	}
	for _, e := range x.events {
		switch {
		case !counts(e):
		case c.Source == record.Sum:
			v.Int += says(e).Int
		case c.Source == record.Count:
			v.Int++
		case c.Source == record.FirstAt && !v.Set, c.Source == record.LastAt:
			v = fact.Int(e.Time)
		case c.Source == record.First && !v.Set, c.Source == record.Last && says(e).Set:
			v = says(e)
		case c.Source == record.Status:
			for _, w := range c.Words {
				if w.Type == e.Type {
					v = fact.Str(w.Text)
				}
			}
		}
	}
	return v
}

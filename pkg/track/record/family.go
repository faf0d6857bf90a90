package record

import (
	"slices"

	"github.com/nabz/nabz/pkg/calendar"
	"github.com/nabz/nabz/pkg/event"
	"github.com/nabz/nabz/pkg/fact"
	"github.com/nabz/nabz/pkg/record"
)

// family is what goes on of one family of an item.
type family struct {
	*record.Family
	withinMs int64 // how long a fact waits for the next one
	waits    bool
	carries  []int // by column: the index of Tracker.carried

	made     int64 // how many facts there have been
	previous int64 // when the newest was opened
	groups   []group
}

// group is one fact that may still change: by further events of its own, or
// for it waits for the next fact.
type group struct {
	id     event.UID
	opened int64
	last   int64        // time of its newest event
	until  int64        // of mode day: when the day ends
	key    string       // of mode gap: the word by which facts are divided; of stay: the word
	over   bool         // of mode stay: it has ended
	waits  bool         // the next fact is still to come
	values []fact.Value // by column, but for what follows from others
}

// joins tells whether an event at an instant may belong to the fact.
func (f *family) joins(g *group, at int64) bool {
	switch f.Mode {
	case record.Life:
		return true
	case record.Gap:
		return at-g.last <= f.GapMs
	case record.Day:
		return at < g.until
	case record.Stay:
		return !g.over
	case record.Each:
	}
	return false
}

// awaits tells whether the next fact may come at or after an instant within the
// bound.
func (f *family) awaits(g *group, at int64) bool { return g.waits && at-g.opened <= f.withinMs }

// pass gives an event to the fact that it belongs to, or begins one with it.
func (t *Tracker) pass(f *family, p *familyPlan, e *event.Event) {
	makes := p.makes && holds(f.Where, e)
	switch f.Mode {
	case record.Each:
		if makes {
			t.open(f, p, e, "")
		}
	case record.Life:
		if len(f.groups) == 0 {
			if !makes {
				return
			}
			t.open(f, p, e, "")
		}
		add(f, p, &f.groups[0], e)
	case record.Gap, record.Day:
		if !makes {
			return
		}
		key := divided(f.Per, e)
		g := f.find(key, e.Time)
		if g == nil {
			g = t.open(f, p, e, key)
		}
		add(f, p, g, e)
	case record.Stay:
		t.stay(f, p, e, makes)
	}
}

// stay ends what is no longer so, and begins what is so from now on.
func (t *Tracker) stay(f *family, p *familyPlan, e *event.Event, makes bool) {
	word := ""
	if makes {
		word = e.Text(f.Of.Number)
	}
	g := f.find("", e.Time)
	switch {
	case p.ends && g != nil:
		f.leave(g, e.Time, "")
		return
	case p.ends:
		return
	case word != "" && (g == nil || g.key != word):
		if g != nil {
			f.leave(g, e.Time, word)
		}
		g = t.open(f, p, e, word)
	}
	if g != nil {
		add(f, p, g, e)
	}
}

func (f *family) leave(g *group, at int64, next string) {
	g.over = true
	for i := range f.Columns {
		switch f.Columns[i].Source {
		case record.Ended:
			g.values[i] = fact.Int(at)
		case record.Next:
			g.values[i] = fact.Str(next)
		default:
		}
	}
}

// find gives the fact that an event belongs to.
func (f *family) find(key string, at int64) *group {
	for i := range f.groups {
		g := &f.groups[i]
		if f.joins(g, at) && (f.Mode != record.Gap || g.key == key) {
			return g
		}
	}
	return nil
}

// divided is the word of the first of these fields that an event carries.
func divided(per []*event.Field, e *event.Event) string {
	for _, f := range per {
		if text := e.Text(f.Number); text != "" {
			return text
		}
	}
	return ""
}

// open begins a fact with an event.
func (t *Tracker) open(f *family, p *familyPlan, e *event.Event, key string) *group {
	f.answer(e.Time)
	since := fact.Value{}
	if f.made > 0 {
		since = fact.Int(e.Time - f.previous)
	}
	f.made++
	f.previous = e.Time
	f.groups = slices.Grow(f.groups, 1)[:len(f.groups)+1]
	g := &f.groups[len(f.groups)-1]
	*g = group{id: e.UID, opened: e.Time, last: e.Time, key: key, waits: f.waits, values: blank(g.values, len(f.Columns))}
	if f.Mode == record.Day {
		_, g.until = t.cfg.Zone.Bucket(e.Time, calendar.Day, 0)
	}
	for i := range f.Columns {
		c := &f.Columns[i]
		switch v := &g.values[i]; c.Source {
		case record.Item:
			*v = fact.Str(t.entity)
		case record.Opened:
			*v = fact.Int(e.Time)
		case record.DayNumber:
			*v = fact.Int(dayNumber(t.cfg.Zone, e.Time))
		case record.Nth:
			*v = fact.Int(f.made)
		case record.SincePrevious:
			*v = since
		case record.Of:
			*v = signed(c, e)
		case record.Type:
			*v = fact.Str(wordOf(c, e.Type))
		case record.Carried:
			*v = t.carried[f.carries[i]].value
		case record.Sum, record.Count:
			*v = fact.Int(0)
		default: // by further events, or of other columns
		}
	}
	return g
}

// answer tells the facts that wait for the next one that it is here.
func (f *family) answer(at int64) {
	for i := range f.groups {
		g := &f.groups[i]
		if !f.awaits(g, at) {
			continue
		}
		g.waits = false
		for j := range f.Columns {
			if f.Columns[j].Source == record.UntilNext {
				g.values[j] = fact.Int(at - g.opened)
			}
		}
	}
}

// add takes an event into the columns of its fact.
func add(f *family, p *familyPlan, g *group, e *event.Event) {
	g.last = e.Time
	for _, i := range p.adds {
		c := &f.Columns[i]
		if !holds(c.Where, e) {
			continue
		}
		v := &g.values[i]
		switch c.Source {
		case record.Count:
			v.Int++
		case record.FirstAt:
			if !v.Set {
				*v = fact.Int(e.Time)
			}
		case record.LastAt:
			*v = fact.Int(e.Time)
		case record.Status:
			*v = fact.Str(wordOf(c, e.Type))
		case record.Sum:
			v.Int += signed(c, e).Int
		case record.First, record.Last:
			if said := value(c.Field, e); said.Set && (c.Source == record.Last || !v.Set) {
				*v = said
			}
		default:
		}
	}
}

// signed is what an event says in a column's field, less than nothing where its
// type takes away.
func signed(c *record.Column, e *event.Event) fact.Value {
	v := value(c.Field, e)
	if slices.Contains(c.Negate, e.Type) {
		v.Int = -v.Int
	}
	return v
}

// dayNumber counts local days from 1970-01-01.
func dayNumber(z *calendar.Zone, at int64) int64 {
	const day = 86_400_000
	from, _ := z.Bucket(at, calendar.Day, 0)
	local := from + z.Offset(from)
	return (local - ((local%day)+day)%day) / day
}

func blank(v []fact.Value, n int) []fact.Value {
	v = slices.Grow(v[:0], n)[:n]
	clear(v)
	return v
}

// tell gives the row of a fact as it stands at an instant; over says that its
// item was silent for longer than it is kept.
func (t *Tracker) tell(f *family, g *group, at int64, over bool) {
	if t.out == nil {
		return
	}
	v := t.out.Add(f.Fact, g.id, g.opened)
	copy(v, g.values)
	for i := range f.Columns {
		c := &f.Columns[i]
		switch c.Source {
		case record.State:
			v[i] = fact.Str(f.state(g, at, over))
		case record.Status:
			if f.Family.Open(v[i].Text) && (over || f.LostAfterMs > 0 && at-g.opened >= f.LostAfterMs) {
				v[i] = fact.Str(fact.LostText)
			}
		case record.Span:
			if from, to := v[c.From], v[c.To]; from.Set && to.Set && to.Int >= from.Int {
				v[i] = fact.Int(to.Int - from.Int)
			}
		case record.Minus:
			if a, b := v[c.From], v[c.To]; a.Set && b.Set {
				v[i] = fact.Int(a.Int - b.Int)
			}
		default:
		}
	}
}

// state is the word for whether a fact may still change.
func (f *family) state(g *group, at int64, over bool) string {
	switch {
	case f.Mode == record.Stay && !g.over && over:
		return fact.LostText
	case over || !f.awaits(g, at) && (f.Mode != record.Gap && f.Mode != record.Stay || !f.joins(g, at)):
		return record.Closed
	}
	return record.Open
}

// changesAt is when silence alone changes the row of a fact, or never.
func (t *Tracker) changesAt(f *family, g *group, seen int64) int64 {
	if f.Fact.Lost == "" {
		return event.Never
	}
	at := int64(0)
	if f.awaits(g, seen) {
		at = g.opened + f.withinMs + 1
	}
	switch {
	case f.Mode == record.Gap && f.joins(g, seen):
		at = max(at, g.last+f.GapMs+1)
	case f.Mode == record.Stay && !g.over:
		at = t.last + t.cfg.KeepMs + 1
	case f.Mode == record.Life && f.Family.Open(g.values[f.Fact.Column(f.Fact.Lost)].Text):
		switch due := g.opened + f.LostAfterMs; {
		case f.LostAfterMs == 0:
			at = t.last + t.cfg.KeepMs + 1
		case due > seen:
			at = min(due, t.last+t.cfg.KeepMs+1)
		}
	}
	if at == 0 {
		return event.Never
	}
	return at
}

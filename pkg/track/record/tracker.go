// Package record folds the events of one item into facts of the families that
// are declared as data (docs/records.md): it is the one tracker of every kind
// of entity that needs no Go of its own.
//
// It does not know of clocks, panes, partitions or other items, nor what any
// family means. It starts no goroutine and performs no I/O.
package record

import (
	"slices"

	"github.com/nabz/nabz/pkg/calendar"
	"github.com/nabz/nabz/pkg/event"
	"github.com/nabz/nabz/pkg/fact"
	"github.com/nabz/nabz/pkg/item"
	"github.com/nabz/nabz/pkg/record"
)

// Semantics is raised by hand where the fold makes other facts of the same
// events: state that was made before is not gone on with.
const Semantics = 1

// Config is what a tracker of a declared kind needs. All fields are required.
type Config struct {
	Kind *record.Kind
	// Zone is whose days those of mode day are.
	Zone *calendar.Zone
	// LingerMs and HorizonMs are those of the kind's timing, ms.
	LingerMs, HorizonMs int64
	// KeepMs is the longest silence within an item, ms: behind a longer one it
	// begins anew, and what is open by then is lost. At least every gap and
	// bound of the kind.
	KeepMs int64
}

// Tracker folds items of one kind. It keeps nothing of any item between calls
// but memory to use again, so one tracker serves one task.
type Tracker struct {
	cfg      Config
	plans    map[string]*plan // by type of event; one that is named nowhere has none
	families []family
	carried  []carried
	out      *fact.Buffer
	entity   string
	begun    bool
	last     int64 // time of the newest event that applies
}

// carried is what the item last said in a field.
type carried struct {
	column *record.Column
	value  fact.Value
}

// New makes a tracker.
func New(c Config) *Tracker {
	t := &Tracker{cfg: c}
	for _, f := range c.Kind.Families {
		x := family{Family: f, carries: make([]int, len(f.Columns))}
		x.withinMs, x.waits = f.Waits()
		for i := range f.Columns {
			if f.Columns[i].Source == record.Carried {
				x.carries[i] = len(t.carried)
				t.carried = append(t.carried, carried{column: &f.Columns[i]})
			}
		}
		t.families = append(t.families, x)
	}
	t.plan()
	return t
}

// Fold gives the facts of an item when its feed's clock stands at now: those
// that may still change, and those that ended in the events that it holds.
// lostAt is the instant at which silence alone changes one of them.
func (t *Tracker) Fold(it *item.Item, now int64, out *fact.Buffer) (lostAt, overAt int64) {
	t.play(it, it.Events, out)
	if !t.begun {
		return event.Never, it.Last()
	}
	// An event proves that its time has come, whatever the clock says.
	seen := max(now, t.last)
	over := seen-t.last > t.cfg.KeepMs
	lostAt = event.Never
	for i := range t.families {
		f := &t.families[i]
		for j := range f.groups {
			t.tell(f, &f.groups[j], seen, over)
			if !over {
				lostAt = min(lostAt, t.changesAt(f, &f.groups[j], seen))
			}
		}
	}
	if len(it.Events) > 0 {
		overAt = max(it.Last(), t.last)
	} else {
		overAt = t.last + t.cfg.KeepMs - t.cfg.LingerMs
	}
	if lostAt < event.Never {
		// The base is due before, however long something stays open.
		return min(lostAt, overAt+t.cfg.LingerMs+t.cfg.HorizonMs+1), event.Never
	}
	return event.Never, overAt
}

// Takes tells whether the declaration names a type of event: events of others
// need not be held.
func (t *Tracker) Takes(eventType string) bool { return t.plans[eventType] != nil }

// The most pages of an item: of most kinds some 3,000 events within the horizon,
// of those whose every event is a fact, such as entries of a ledger booked over
// a year, some 100,000. Only an entry that is booked as late as can be unfolds
// so many.
const (
	maxPages = 512
	manyEach = 16_384
)

// MaxPages is the most pages of one item beside the last.
func (t *Tracker) MaxPages() int {
	for i := range t.families {
		if t.families[i].Mode != record.Each {
			return maxPages
		}
	}
	return manyEach
}

// Base is what goes on behind an item's first n events: with it in the place of
// them the rest folds to the same, but for the facts that ended in them.
func (t *Tracker) Base(it *item.Item, n int) string {
	t.play(it, it.Events[:n], nil)
	return t.encode()
}

// Settled folds what no later event can touch into the base, lets go of the
// facts that no later event can change, and tells how many leading events that
// are. An item that has been silent for longer than it is kept is forgotten. No
// event of a record is an orphan: what begins no fact means nothing.
func (t *Tracker) Settled(it *item.Item, _, bound int64, _ func(*item.Held)) int {
	n := it.Below(bound)
	if n < len(it.Events) {
		bound = min(bound, it.Events[n].Time)
	}
	t.play(it, it.Events[:n], nil)
	if bound-t.last > t.cfg.KeepMs {
		t.begun = false
	}
	for i := range t.families {
		t.retire(&t.families[i], bound)
	}
	it.Base = t.encode()
	return n
}

func (t *Tracker) play(it *item.Item, events []item.Held, out *fact.Buffer) {
	t.out, t.entity = out, it.Entity
	t.reset()
	t.decode(it.Base)
	for i := range events {
		if p := t.plans[events[i].Type]; p != nil && events[i].Applies() {
			t.take(&events[i].Event, p)
		}
	}
}

func (t *Tracker) reset() {
	t.begun, t.last = false, 0
	for i := range t.carried {
		t.carried[i].value = fact.Value{}
	}
	for i := range t.families {
		f := &t.families[i]
		f.made, f.previous, f.groups = 0, 0, f.groups[:0]
	}
}

// take folds the next event.
func (t *Tracker) take(e *event.Event, p *plan) {
	if t.begun && e.Time-t.last > t.cfg.KeepMs {
		t.end()
	}
	t.begun, t.last = true, e.Time
	for i := range t.carried {
		c := &t.carried[i]
		if p.carries[i] && holds(c.column.Where, e) {
			if v := value(c.column.Field, e); v.Set {
				c.value = v
			}
		}
	}
	for i := range t.families {
		f := &t.families[i]
		t.retire(f, e.Time)
		t.pass(f, &p.families[i], e)
	}
}

// end ends all that goes on: the item was silent for longer than it is kept.
func (t *Tracker) end() {
	for i := range t.families {
		f := &t.families[i]
		for j := range f.groups {
			t.tell(f, &f.groups[j], event.Never, true)
		}
	}
	t.reset()
}

// retire tells the facts that nothing at or after an instant can change, and
// lets go of them.
func (t *Tracker) retire(f *family, at int64) {
	kept := 0
	for i := range f.groups {
		g := &f.groups[i]
		if f.joins(g, at) || f.awaits(g, at) {
			f.groups[kept], f.groups[i] = f.groups[i], f.groups[kept]
			kept++
			continue
		}
		t.tell(f, g, at, false)
	}
	f.groups = f.groups[:kept]
}

func holds(where []record.Cond, e *event.Event) bool {
	for i := range where {
		if !where[i].Holds(e) {
			return false
		}
	}
	return true
}

// value is what an event says in a field.
func value(f *event.Field, e *event.Event) fact.Value {
	if f.Type == event.FieldString {
		return fact.Str(e.Text(f.Number))
	}
	v, ok := e.Int(f.Number)
	return fact.Value{Int: v, Set: ok}
}

// plan is what events of one type are to the families.
type plan struct {
	carries  []bool // by index of Tracker.carried
	families []familyPlan
}

type familyPlan struct {
	makes bool  // they make facts
	ends  bool  // they end a stay
	adds  []int // the columns that they may change
}

// plan prepares every type that the declaration names.
func (t *Tracker) plan() {
	t.plans = map[string]*plan{}
	for _, name := range t.cfg.Kind.EventTypes() {
		t.plans[name] = t.planOf(name)
	}
}

func (t *Tracker) planOf(name string) *plan {
	p := &plan{}
	named := func(types []string) bool { return types == nil || slices.Contains(types, name) }
	for i := range t.carried {
		p.carries = append(p.carries, named(t.carried[i].column.Types))
	}
	for i := range t.families {
		f := t.families[i].Family
		x := familyPlan{makes: slices.Contains(f.Types, name), ends: slices.Contains(f.Ends, name)}
		for j := range f.Columns {
			c := &f.Columns[j]
			switch c.Source {
			case record.First, record.Last, record.Sum, record.Count, record.FirstAt, record.LastAt:
				if named(c.Types) {
					x.adds = append(x.adds, j)
				}
			case record.Status:
				if wordOf(c, name) != "" {
					x.adds = append(x.adds, j)
				}
			default:
			}
		}
		p.families = append(p.families, x)
	}
	return p
}

func wordOf(c *record.Column, eventType string) string {
	for i := range c.Words {
		if c.Words[i].Type == eventType {
			return c.Words[i].Text
		}
	}
	return ""
}

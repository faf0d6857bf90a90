package track

import (
	"github.com/nabz/nabz/pkg/event"
	"github.com/nabz/nabz/pkg/fact"
	"github.com/nabz/nabz/pkg/pane"
	"github.com/nabz/nabz/pkg/row"
)

// plan is what a step is about to do. Nothing of it shows before commit, so a
// step that fails in between leaves no trace.
type plan struct {
	facts   []factChange
	rows    []plannedFact
	rejects []row.Reject
	moves   []move
	woken   []*itemState

	verdicts []plannedVerdict
}

// factChange is a fact that a step makes, changes or withdraws.
type factChange struct {
	item *itemState
	fact *fact.Fact
	gone bool
}

type plannedFact struct {
	key factKey
	row []byte
}

// move is the new state of one item.
type move struct {
	item *itemState
	blob string
	wake int64
	drop bool
	// The first kept pages stay, the others give way to these.
	kept  int
	pages []*page
	// stays says that nothing of the item changes but when it is looked at.
	stays bool
}

// factKey is the identity of a fact's row within a task.
type factKey struct {
	item     *itemState
	family   *fact.Family
	id       event.UID
	openedAt int64
}

// pending is what the next flush writes: the newest row of each fact that
// changed, and the rejects, in the order in which they came to be.
type pending struct {
	paper paper
	facts []waiting
	// rejects are never overwritten: a record is refused once.
	rejects [][]byte
	routed  []routed // rows of panes
	lasts   [][]byte // progress of generations that have ended

	judged   map[verdictKey]int
	verdicts []routed // the newest row of each deadline that changed
	alarm    bool     // people wait for one of them
}

// waiting is a fact's row that is still to be written.
type waiting struct {
	plannedFact
	before int32 // place of the item's row that was made before, or -1
}

// maxBehind is how far back an older row of the same fact is looked for: an item
// that changes more of its facts between two flushes has some of them written
// twice, the older first.
const maxBehind = 16

type routed struct {
	row   []byte
	route string
}

// paper is memory for encoded rows. Those who get a row keep it, so a sheet is
// never written over; a new one is taken when the old is full.
type paper struct {
	sheet []byte
	used  int // bytes written since the last flush
}

const (
	// sheetBytes is the size of a sheet: some five hundred rows, so that rows
	// hardly cost an allocation, and one row that stays does not hold much else.
	sheetBytes = 64 << 10
	// rowBytes is what is left at least for a row: nearly all are shorter, and
	// a longer one moves to a sheet of its own.
	rowBytes = 2 << 10
)

// write encodes a row.
func (p *paper) write(r row.Row) []byte {
	if cap(p.sheet)-len(p.sheet) < rowBytes {
		p.sheet = make([]byte, 0, sheetBytes)
	}
	from := len(p.sheet)
	all := row.Append(p.sheet, r)
	one := all[from:len(all):len(all)]
	p.used += len(one)
	if cap(all) == cap(p.sheet) {
		p.sheet = all
	}
	return one
}

// keepFacts encodes the rows of the planned fact changes.
func (p *plan) keepFacts(t *Task, f *feed, offset int64) {
	for i := range p.facts {
		c := &p.facts[i]
		r := row.Fact{
			Place: t.place(f), Family: c.fact.Family.Name, Kind: c.item.kind.Name, Item: c.item.entity(),
			ID: c.fact.ID, OpenedAt: c.fact.OpenedAt, Version: offset, Deleted: c.gone,
		}
		r.Tenant = c.item.tenant()
		if !c.gone {
			r.Values = values(t.valuesBuf[:0], c.fact)
			t.valuesBuf = r.Values
		}
		key := factKey{c.item, c.fact.Family, c.fact.ID, c.fact.OpenedAt}
		p.rows = append(p.rows, plannedFact{key, t.pending.paper.write(&r)})
	}
	p.facts = p.facts[:0]
}

func values(dst []row.Value, f *fact.Fact) []row.Value {
	for i := range f.Values {
		v := &f.Values[i]
		if v.Set {
			col := &f.Family.Columns[i]
			dst = append(dst, row.Value{Number: col.Number, Int: v.Int, Text: v.Text, IsText: col.Type == fact.Text})
		}
	}
	return dst
}

// commit carries out the plan of the record at offset.
func (t *Task) commit(f *feed, offset int64) {
	p := &t.plan
	p.keepFacts(t, f, offset)
	f.panes.Commit(offset)
	for i := range p.rows {
		t.pending.fact(&p.rows[i])
	}
	for i := range p.verdicts {
		t.pending.verdict(&p.verdicts[i])
	}
	for i := range p.rejects {
		t.pending.reject(&p.rejects[i])
	}
	for i := range p.moves {
		t.carry(f, &p.moves[i])
	}
	p.reset()
}

func (t *Task) carry(f *feed, m *move) {
	st := m.item
	if m.drop {
		f.wakes.remove(st)
		delete(f.items, st.key)
		t.drop(st)
		return
	}
	if !m.stays {
		if st.blob == "" {
			f.items[st.key] = st
		}
		st.blob = m.blob
		t.rebind(f, m)
		t.keep.Touch(&st.node, st)
	}
	// A wake that is due later than the heap has it is found out when the
	// heap wakes the item: most items get several events, few wait for all.
	if st.index < 0 || m.wake < st.wake {
		f.wakes.set(st, m.wake)
	}
}

// discard undoes what a failed step had begun.
func (t *Task) discard() {
	for _, f := range t.order {
		f.panes.Discard()
	}
	for _, st := range t.plan.woken {
		if st.index < 0 {
			st.feed.wakes.set(st, st.wake)
		}
	}
	t.plan.reset()
}

func (p *plan) reset() {
	clear(p.facts)
	clear(p.moves)
	clear(p.woken)
	clear(p.rows)
	clear(p.verdicts)
	p.verdicts = p.verdicts[:0]
	p.facts, p.rows = p.facts[:0], p.rows[:0]
	p.rejects, p.moves, p.woken = p.rejects[:0], p.moves[:0], p.woken[:0]
}

func (t *Task) rejectRow(version, offset int64, reason string, f *feed, e *event.Event) row.Reject {
	r := row.Reject{
		Offset: offset, Reason: reason, Version: version,
		Kind: e.Kind, Entity: e.Entity, Type: e.Type, UID: e.UID, Hash: e.Hash,
		Time: e.Time, ReceivedAt: e.ReceivedAt, Session: e.Session,
	}
	r.Place = row.Place{Tenant: e.Tenant, Feed: e.Feed, Partition: t.cfg.Partition, Generation: e.Generation}
	if f != nil {
		r.Feed, r.Generation = f.name, f.generation
	}
	return r
}

// reject refuses the record being stepped.
func (t *Task) reject(offset int64, reason string, f *feed) {
	r := t.rejectRow(offset, offset, reason, f, &t.in)
	if f != nil {
		f.touched = true
	}
	t.pending.reject(&r)
}

func (p *pending) fact(f *plannedFact) {
	st := f.key.item
	newest := int32(-1)
	if int(st.row) < len(p.facts) && p.facts[st.row].key.item == st {
		newest = st.row
	}
	for i, n := newest, 0; i >= 0 && n < maxBehind; i, n = p.facts[i].before, n+1 {
		if p.facts[i].key == f.key {
			p.facts[i].row = f.row
			return
		}
	}
	st.row = int32(len(p.facts))
	p.facts = append(p.facts, waiting{*f, newest})
}

// panes takes the rows of all panes that changed.
func (p *pending) panes(s *pane.Set) {
	s.Rows(func(r *row.Pane, route string) {
		p.routed = append(p.routed, routed{p.paper.write(r), route})
	})
}

// last takes the last progress of a generation.
func (p *pending) last(r *row.Progress) {
	p.lasts = append(p.lasts, p.paper.write(r))
}

func (p *pending) reject(r *row.Reject) {
	p.rejects = append(p.rejects, p.paper.write(r))
}

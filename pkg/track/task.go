// Package track is the machine of one partition: it folds events into items,
// items into facts and facts into panes, and says which rows and which state
// that makes. All it knows of time it reads in its records.
//
// It does not know of Kafka, ClickHouse, other partitions or the wall clock.
// It reads no clock, starts no goroutine and performs no I/O.
package track

import (
	"slices"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/nabz/nabz/pkg/event"
	"github.com/nabz/nabz/pkg/fact"
	"github.com/nabz/nabz/pkg/item"
	"github.com/nabz/nabz/pkg/pane"
	"github.com/nabz/nabz/pkg/row"
	"github.com/nabz/nabz/pkg/sla"
	"github.com/nabz/nabz/pkg/statelog"
)

// Tracker folds the items of one kind.
type Tracker interface {
	// Fold gives the item's facts when the clock stands at now. While
	// something is open, lostAt is when silence alone will change them and
	// overAt is [event.Never]; else lostAt is [event.Never] and overAt the newest instant
	// that the item knows.
	Fold(it *item.Item, now int64, out *fact.Buffer) (lostAt, overAt int64)
	// Settled tells how many leading events no later event can touch, and
	// calls orphan with those of them that showed no fact.
	Settled(it *item.Item, now, bound int64, orphan func(*item.Held)) int
}

// Chooser is a tracker to which only some types of events mean anything.
type Chooser interface {
	Tracker
	// Takes tells whether events of a type mean anything. Where they do not, one
	// that neither replaces nor revises another is not held.
	Takes(eventType string) bool
}

// Timing is how long things of one kind are waited for, ms.
type Timing struct {
	Settle   int64 // after an instant is due, before people are told
	Lateness int64 // after its end, before an interval is called closed
	Linger   int64 // after its close, in which an item still takes events
	Horizon  int64 // behind the clock, before which events are refused
	MaxAge   int64 // an item open for longer is lost
	// Heartbeat is how long one whose source sends heartbeats may be silent; 0:
	// as long as any.
	Heartbeat int64
	Panes     int64 // after its end, in which an interval stays in memory
	Keep      int64 // after its close, in which an item is known; 0: as Linger
}

// due is when the clock must look at an item next: when silence makes it lost,
// or when all of it is settled.
func (t Timing) due(lostAt, overAt int64) int64 {
	if lostAt < event.Never {
		return lostAt
	}
	return overAt + t.Linger + t.Horizon + 1
}

// Kind is one kind of entity.
type Kind struct {
	Name    string
	Tracker Tracker
	Timing  Timing
}

// Config is what a task needs. All fields but Kinds are required to be the
// same for every owner of the partition within an epoch.
type Config struct {
	Partition int32
	// Epoch is the number of the computation, ≥ 1: a part of every row's key.
	// A restored task goes on in the epoch of its state.
	Epoch int64
	// Definitions stands for everything that rows depend on besides events.
	// State that was made under others is not gone on with.
	Definitions string
	Kinds       []Kind
	Layouts     []*pane.Layout
	// Policies are the deadlines on facts; nil: none.
	Policies *sla.Set
	// Rank gives the rank of an event type among events of one instant.
	Rank func(eventType string) int
}

// Task is the machine of one partition of events.
//
//	Invariants, held by package sim:
//	 I1 The same records give the same state and the same rows.
//	 I2 Only clock records move time; Flush and Checkpoint only ask for
//	    what is due anyway.
//	 I3 A row is absolute and its version is the offset of the last record
//	    that changed its content: equal key and version, equal content.
//	 I4 Restoring a checkpoint and replaying from its position equals never
//	    having stopped.
//	 I5 A record has its whole effect or none.
type Task struct {
	cfg      Config
	kinds    map[string]*Kind
	feeds    map[feedKey]*feed
	order    []*feed // by their first record
	keep     *statelog.Keeper
	position int64 // offset of the next record
	asked    int64 // the newest epoch that a record asked for
	begun    string
	policies map[*fact.Family][]*sla.Policy
	sources  sources

	in        event.Event
	item      item.Item
	kept      int   // how many pages in front of item are as they were
	source    int64 // id of the source of that item's newest event, 0 on a named feed
	labels    []row.Label
	was, is   fact.Buffer
	keyBuf    []byte
	valBuf    []byte
	valuesBuf []row.Value

	plan    plan
	pending pending
	origin  origin
}

// NewTask makes the task of a partition with nothing in it.
func NewTask(c Config) *Task {
	t := &Task{cfg: c, kinds: map[string]*Kind{}, feeds: map[feedKey]*feed{}, keep: &statelog.Keeper{}}
	t.pending.judged = map[verdictKey]int{}
	t.sources = sources{by: map[sourceKey]*source{}, ids: map[int64]*source{}}
	t.policies = map[*fact.Family][]*sla.Policy{}
	for _, l := range c.Layouts {
		t.policies[l.Family] = c.Policies.Of(l.Family)
	}
	for i := range c.Kinds {
		t.kinds[c.Kinds[i].Name] = &c.Kinds[i]
	}
	t.origin = origin{epoch: c.Epoch, definitions: c.Definitions}
	t.keep.Touch(&t.origin.node, &t.origin)
	return t
}

// Position is the offset of the next record to step.
func (t *Task) Position() int64 { return t.position }

// Epoch is the number of the computation.
func (t *Task) Epoch() int64 { return t.cfg.Epoch }

// Asked tells whether a record has asked for a newer computation than this, and
// which. The owner then begins that one, with a new task, from the log's start.
func (t *Task) Asked() (epoch int64, newer bool) { return t.asked, t.asked > t.cfg.Epoch }

// Items is how many items the task holds.
func (t *Task) Items() int {
	n := 0
	for _, f := range t.feeds {
		n += len(f.items)
	}
	return n
}

// Step takes the record at an offset, which is not below Position. A record
// that cannot be read, or on which the step fails, has no effect but a reject.
func (t *Task) Step(offset int64, value []byte) {
	defer func() {
		// Go allows no panic to pass here: a pure step fails alike on every
		// replay, and one bad record must not stop its partition.
		if recover() != nil {
			t.discard()
			t.reject(offset, row.Poison, nil)
		}
		t.position = offset + 1
	}()
	if err := t.in.Decode(string(value)); err != nil {
		t.in = event.Event{Attrs: t.in.Attrs[:0]}
		t.reject(offset, row.Malformed, nil)
		return
	}
	if t.in.IsClock() {
		t.stepClock(offset, &t.in)
		return
	}
	t.stepEvent(offset, &t.in)
	if t.in.Feed == event.Live {
		t.heard(&t.in, offset)
	}
}

func (t *Task) stepEvent(offset int64, e *event.Event) {
	f, refusal := t.feedOf(e)
	if refusal != "" {
		t.reject(offset, refusal, f)
		return
	}
	f.touched = true
	k := t.kinds[e.Kind]
	if k == nil {
		return // no tracker folds this kind: the raw event is all there is
	}
	if c, ok := k.Tracker.(Chooser); ok && e.Replaces.IsZero() && e.Revision == 0 && !c.Takes(e.Type) {
		return
	}
	if e.JudgedAt() < f.now-k.Timing.Horizon {
		t.reject(offset, row.BelowHorizon, f)
		return
	}
	st := f.find(t, e)
	if err := t.loadFrom(st, e.JudgedAt()); err != nil {
		panic(err)
	}
	if t.kept >= pagesOf(k) {
		t.reject(offset, row.Capped, f)
		return
	}
	t.was.Reset()
	k.Tracker.Fold(&t.item, f.now, &t.was)
	res, loser := t.item.Insert(e, offset, t.cfg.Rank)
	switch res {
	case item.Repeated:
		t.reject(offset, row.Repeat, f)
		return
	case item.Full:
		t.reject(offset, row.Capped, f)
		return
	case item.Added, item.Won:
	}
	t.is.Reset()
	lostAt, overAt := k.Tracker.Fold(&t.item, f.now, &t.is)
	c := cause{offset: offset, before: f.now, now: f.now, evidence: true, feed: f, item: st, tenant: e.Tenant}
	if f.name == event.Live {
		c.silent = t.silence(t.source, f.now)
		if t.source = offset + 1; t.sourceOf(e) != nil {
			t.source = t.sourceOf(e).id
		}
	}
	t.diff(&c)
	if res == item.Won {
		t.plan.rejects = append(t.plan.rejects, t.rejectRow(offset, loser, row.Superseded, f, e))
	}
	if _, paged := k.Tracker.(Pager); !paged && len(t.item.Events) >= settleFrom {
		t.settle(offset, f, k, st, f.now)
	}
	wake := min(k.Timing.due(lostAt, overAt), t.promised(t.is.Facts, f.now))
	pages := t.turn(k, st, offset)
	m := t.move(st, wake)
	m.pages = pages
	t.plan.moves = append(t.plan.moves, m)
	t.commit(f, offset)
}

// settleFrom is how many events an item may hold before each further one tries
// to forget those of lives long over; clocks do it for the others.
const settleFrom = 32

// load decodes the state of an item, which may be new.
func (t *Task) load(st *itemState) error {
	t.item.Tenant, t.item.Entity = st.tenant(), st.entity()
	if st.blob == "" {
		t.item.Base, t.item.Events, t.source = "", t.item.Events[:0], 0
		return nil
	}
	source, n := event.ReadVarint(st.blob)
	if n < 0 {
		return item.ErrMalformed
	}
	t.source = int64(source)
	return t.item.Decode(st.blob[n:])
}

// settle forgets leading events that nothing can touch any more.
func (t *Task) settle(offset int64, f *feed, k *Kind, st *itemState, now int64) {
	n := k.Tracker.Settled(&t.item, now, now-k.Timing.Horizon, func(h *item.Held) {
		r := t.rejectRow(offset, h.Offset, row.Orphan, f, &h.Event)
		r.Kind, r.Entity, r.Tenant = k.Name, st.entity(), st.tenant()
		t.plan.rejects = append(t.plan.rejects, r)
	})
	if n > 0 {
		// Delete clears what it leaves behind: two places that shared the
		// memory of one event's attributes would be decoded over each other.
		t.item.Events = slices.Delete(t.item.Events, 0, n)
	}
}

// move plans the new state of an item from t.item.
func (t *Task) move(st *itemState, wake int64) move {
	m := move{item: st, wake: wake, kept: t.kept}
	if len(t.item.Events) == 0 && t.item.Base == "" {
		m.drop = true
		return m
	}
	t.valBuf = protowire.AppendVarint(t.valBuf[:0], uint64(t.source))
	t.valBuf = t.item.Append(t.valBuf)
	m.blob = string(t.valBuf)
	return m
}

// diff plans what the difference between two sets of facts does to rows, panes
// and deadlines.
func (t *Task) diff(c *cause) {
	f, st, tenant := c.feed, c.item, c.tenant
	for i := range t.is.Facts {
		is := &t.is.Facts[i]
		was := match(t.was.Facts, is, i)
		if was != nil && fact.Equal(was, is) {
			if c.now != c.before {
				t.judge(c, was, is)
			}
			continue
		}
		t.judge(c, was, is)
		f.panes.Change(tenant, was, is)
		t.plan.facts = append(t.plan.facts, factChange{st, is, false})
	}
	for i := range t.was.Facts {
		was := &t.was.Facts[i]
		if match(t.is.Facts, was, i) == nil {
			t.judge(c, was, nil)
			f.panes.Change(tenant, was, nil)
			t.plan.facts = append(t.plan.facts, factChange{st, was, true})
		}
	}
}

// match finds the fact of the same identity; it mostly stands where it stood.
func match(facts []fact.Fact, want *fact.Fact, guess int) *fact.Fact {
	same := func(f *fact.Fact) bool {
		return f.Family == want.Family && f.ID == want.ID && f.OpenedAt == want.OpenedAt
	}
	if guess < len(facts) && same(&facts[guess]) {
		return &facts[guess]
	}
	for i := range facts {
		if same(&facts[i]) {
			return &facts[i]
		}
	}
	return nil
}

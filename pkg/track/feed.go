package track

import (
	"strings"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/nabz/nabz/pkg/event"
	"github.com/nabz/nabz/pkg/pane"
	"github.com/nabz/nabz/pkg/row"
	"github.com/nabz/nabz/pkg/statelog"
)

// ReplayerLeaseMs is how long a replay owns its feed after its newest record,
// by the collector's clock, ms. A replay advances its feed every few seconds,
// so a silence of this length means that it died.
const ReplayerLeaseMs = 30_000

// MaxFeeds is the most feeds that a task holds. A closed feed keeps its last
// day, some hundred bytes a contact, so that a second replay of it is known for
// what it is: this bounds what names made up at will can cost.
const MaxFeeds = 1_000

type feedKey struct{ tenant, name string }

// feed is one clock and all that it governs. The live feed has no tenant: its
// clock is the partition's.
type feed struct {
	feedKey
	now        int64
	generation int64
	session    int64
	seen       int64 // received_at of the owner's newest record
	open       bool

	items   map[string]*itemState
	wakes   wakeHeap
	panes   *pane.Set
	touched bool // since the last progress
	node    statelog.Node
}

// itemState is one item at rest.
type itemState struct {
	key   string // tenant, kind and entity
	blob  string
	pages []*page // of a kind that is paged: all but the last, in order
	feed  *feed
	kind  *Kind
	wake  int64 // when the clock is to look at it, as the heap has it
	index int   // in the heap, or -1
	row   int32 // place of its newest row among those that wait, if that is its
	node  statelog.Node
}

func (st *itemState) tenant() string {
	s, _ := event.ReadText(st.key)
	return s
}

func (st *itemState) entity() string {
	_, n := event.ReadText(st.key)
	_, m := event.ReadText(st.key[n:])
	return st.key[n+m:]
}

func appendItemKey(dst []byte, tenant, kind, entity string) []byte {
	dst = protowire.AppendString(dst, tenant)
	dst = protowire.AppendString(dst, kind)
	return append(dst, entity...)
}

// find gives the state of an event's item, new if there was none; a new one is
// only kept once a step commits it.
func (f *feed) find(t *Task, e *event.Event) *itemState {
	t.keyBuf = appendItemKey(t.keyBuf[:0], e.Tenant, e.Kind, e.Entity)
	if st := f.items[string(t.keyBuf)]; st != nil {
		return st
	}
	return &itemState{key: string(t.keyBuf), feed: f, kind: t.kinds[e.Kind], index: -1}
}

func (t *Task) newFeed(k feedKey) *feed {
	// Words of a record would hold on to the whole of it.
	f := &feed{feedKey: feedKey{strings.Clone(k.tenant), strings.Clone(k.name)}, items: map[string]*itemState{}}
	f.panes = t.newPanes(f)
	return f
}

func (t *Task) newPanes(f *feed) *pane.Set {
	keep := map[string]int64{}
	for i := range t.cfg.Kinds {
		keep[t.cfg.Kinds[i].Name] = t.cfg.Kinds[i].Timing.Panes
	}
	return pane.NewSet(pane.Config{
		Place: t.place(f), Layouts: t.cfg.Layouts, KeepMs: keep,
		Keeper: t.keep, Prefix: string(f.prefix(nil, statePanes)), Now: f.now,
	})
}

func (t *Task) place(f *feed) row.Place {
	return row.Place{
		Tenant: f.tenant, Feed: f.name, Generation: f.generation,
		Epoch: t.cfg.Epoch, Partition: t.cfg.Partition,
	}
}

// feedOf finds the feed that an event belongs to, or the reason to refuse it.
func (t *Task) feedOf(e *event.Event) (f *feed, refusal string) {
	if e.Feed == event.Live {
		return t.live(), ""
	}
	f = t.feeds[feedKey{e.Tenant, e.Feed}]
	switch {
	case f == nil || !f.open && f.session == e.Session:
		return f, row.FeedClosed
	case !f.open || f.session != e.Session || f.generation != e.Generation:
		return f, row.OtherReplay
	}
	t.see(f, e)
	return f, ""
}

// see keeps the newest sign of life of a feed's replay.
func (t *Task) see(f *feed, e *event.Event) {
	f.seen = max(f.seen, e.ReceivedAt)
	t.keep.Touch(&f.node, f)
}

func (t *Task) live() *feed {
	f := t.feeds[feedKey{}]
	if f == nil {
		f = t.addFeed(feedKey{})
		f.open = true
		t.keep.Touch(&f.node, f)
	}
	return f
}

func (t *Task) addFeed(k feedKey) *feed {
	f := t.newFeed(k)
	t.feeds[f.feedKey] = f
	t.order = append(t.order, f)
	return f
}

// stepClock takes a record that moves time.
func (t *Task) stepClock(offset int64, e *event.Event) {
	if e.Type == event.TypePulse {
		f := t.live()
		t.advance(f, e.Time, offset)
		return
	}
	if e.Type == event.TypeEpoch {
		t.asked = max(t.asked, e.Sequence)
		return
	}
	f := t.feeds[feedKey{e.Tenant, e.Feed}]
	if e.Type == event.TypeFeedOpened {
		t.open(f, offset, e)
		return
	}
	if f == nil || !f.open || f.session != e.Session || f.generation != e.Generation {
		t.reject(offset, row.OtherReplay, f)
		return
	}
	t.see(f, e)
	t.advance(f, e.Time, offset)
	if e.Type == event.TypeFeedClosed {
		f.open = false
	}
	t.keep.Touch(&f.node, f)
}

// open gives a feed to a replay, unless another owns it that is alive. A newer
// generation begins from nothing.
func (t *Task) open(f *feed, offset int64, e *event.Event) {
	if f != nil && f.open && f.session != e.Session && e.ReceivedAt-f.seen < ReplayerLeaseMs ||
		f != nil && e.Generation < f.generation {
		t.reject(offset, row.OtherReplay, f)
		return
	}
	if f == nil && len(t.feeds) >= MaxFeeds {
		t.reject(offset, row.Capped, nil)
		return
	}
	if f == nil {
		f = t.addFeed(feedKey{e.Tenant, e.Feed})
		f.generation, f.now = e.Generation, e.Time
		f.panes = t.newPanes(f)
	}
	if e.Generation > f.generation {
		t.restart(f, e, offset)
	}
	f.open, f.session, f.seen = true, e.Session, e.ReceivedAt
	t.advance(f, e.Time, offset)
	t.keep.Touch(&f.node, f)
}

// restart begins a newer generation of a feed: all items and panes of the old
// one are forgotten, once the last of it is on its way.
func (t *Task) restart(f *feed, e *event.Event, offset int64) {
	for _, st := range f.items {
		t.drop(st)
	}
	t.pending.panes(f.panes)
	last := t.progress(f)
	last.Position = offset
	t.pending.last(last)
	f.items, f.wakes = map[string]*itemState{}, nil
	f.panes.Drop()
	f.generation, f.now = e.Generation, e.Time
	f.panes = t.newPanes(f)
}

// advance moves the clock of a feed: what is open grows, what was awaited too
// long is lost, what is settled is forgotten, panes that ended long ago are
// sealed. The clock never goes back.
func (t *Task) advance(f *feed, now, offset int64) {
	f.touched = true
	if now <= f.now {
		return
	}
	f.panes.Advance(now)
	// Before the first clock of all, events could not tell how late they came.
	c := cause{offset: offset, before: f.now, now: now, evidence: f.now == 0, feed: f}
	for len(f.wakes) > 0 && f.wakes[0].wake <= now {
		c.item = f.wakes.pop()
		t.plan.woken = append(t.plan.woken, c.item)
		t.wake(&c)
	}
	f.now = now
	t.keep.Touch(&f.node, f)
	t.commit(f, offset)
	f.panes.Evict()
}

// wake looks at an item whose time has come.
func (t *Task) wake(c *cause) {
	f, st, now := c.feed, c.item, c.now
	if err := t.loadFrom(st, event.Never); err != nil {
		panic(err)
	}
	k := st.kind
	t.was.Reset()
	due := k.Timing.due(k.Tracker.Fold(&t.item, f.now, &t.was))
	c.tenant = st.tenant()
	if f.name == event.Live {
		c.silent = t.silence(t.source, now)
	}
	if due > now {
		// Deadlines may pass, or events have put it off since it was scheduled.
		// The facts are what they were: nothing may happen to them before it
		// is due, for a restored task schedules afresh.
		for i := range t.was.Facts {
			t.judge(c, &t.was.Facts[i], &t.was.Facts[i])
		}
		t.plan.moves = append(t.plan.moves, move{item: st, wake: min(due, t.promised(t.was.Facts, now)), stays: true})
		return
	}
	t.is.Reset()
	lostAt, overAt := k.Tracker.Fold(&t.item, now, &t.is)
	t.diff(c)
	// Each waking item's facts are written down before the next reuses them.
	t.plan.keepFacts(t, f, c.offset)
	t.settle(c.offset, f, k, st, now)
	m := t.move(st, min(k.Timing.due(lostAt, overAt), t.promised(t.is.Facts, now)))
	m.wake = max(m.wake, now+1)
	t.plan.moves = append(t.plan.moves, m)
}

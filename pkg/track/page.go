package track

import (
	"fmt"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/nabz/nabz/pkg/event"
	"github.com/nabz/nabz/pkg/item"
	"github.com/nabz/nabz/pkg/statelog"
)

// Pager is a tracker of items that gather thousands of events within the
// horizon. Such an item is kept in pages, each a base and the events behind it,
// and an event unfolds only the pages from its own on: mostly the last.
type Pager interface {
	Tracker
	// Base is what goes on behind an item's first n events: with it in the
	// place of them the rest folds to the same, but for the facts that ended
	// in them.
	Base(it *item.Item, n int) string
}

// Roomy is a tracker whose items may have more pages than others: its events
// come in order but for a few, so that all are hardly ever unfolded.
type Roomy interface {
	Pager
	// MaxPages is the most pages of one item beside the last, at least 1.
	MaxPages() int
}

// pagesOf is the most pages that an item of a kind may have.
func pagesOf(k *Kind) int {
	if r, ok := k.Tracker.(Roomy); ok {
		return r.MaxPages()
	}
	return maxPages
}

const (
	// pageEvents is about how many events a page has; the last one has up to
	// twice as many, so that what comes a little late needs no other.
	pageEvents = 6
	// maxPages is the most pages of one item beside the last: some 3,000 events
	// within the horizon, three times what a busy agent has. To unfold all of
	// them costs about a millisecond, so a runaway id cannot slow its partition.
	maxPages = 512
)

// page is a part of an item: what happened before until, and not before the
// page in front of it.
type page struct {
	item  *itemState
	id    [2]int64 // the offset of the record that made it, and which of its pages
	until int64
	blob  string
	node  statelog.Node
}

// StateKey is of [statelog.Entry].
func (p *page) StateKey(dst []byte) []byte {
	dst = protowire.AppendString(p.item.feed.prefix(dst, statePage), p.item.key)
	return protowire.AppendVarint(protowire.AppendVarint(dst, uint64(p.id[0])), uint64(p.id[1]))
}

// StateValue is of [statelog.Entry].
func (p *page) StateValue(dst []byte) []byte {
	return append(protowire.AppendVarint(dst, protowire.EncodeZigZag(p.until)), p.blob...)
}

// loadFrom decodes an item from the page on in which an event of that time
// stands.
func (t *Task) loadFrom(st *itemState, at int64) error {
	t.kept, t.item.Spare = len(st.pages), 0
	if err := t.load(st); err != nil {
		return err
	}
	for t.kept > 0 && at < st.pages[t.kept-1].until {
		t.kept--
	}
	if t.kept == len(st.pages) {
		return nil
	}
	if err := t.item.Decode(st.pages[t.kept].blob); err != nil {
		return err
	}
	for _, p := range st.pages[t.kept+1:] {
		if err := t.item.DecodeMore(p.blob); err != nil {
			return err
		}
	}
	t.item.Spare = len(t.item.Events)
	_, n := event.ReadVarint(st.blob)
	return t.item.DecodeMore(st.blob[n:])
}

// turn cuts t.item into pages behind those that are kept, and leaves the last
// of them in it.
func (t *Task) turn(k *Kind, st *itemState, offset int64) (pages []*page) {
	tracker, ok := k.Tracker.(Pager)
	if !ok {
		return nil
	}
	for len(t.item.Events) > 2*pageEvents {
		n := 0
		for i := pageEvents; n == 0 && i < len(t.item.Events); i++ {
			n = t.cut(t.item.Events[i].Time)
		}
		if n == 0 {
			return pages // all of one instant, or each replaces another
		}
		head := item.Item{Tenant: t.item.Tenant, Base: t.item.Base, Events: t.item.Events[:n]}
		p := &page{item: st, id: [2]int64{offset, int64(len(pages))}, until: t.item.Events[n].Time}
		t.valBuf = head.Append(t.valBuf[:0])
		p.blob = string(t.valBuf)
		t.item.Base = tracker.Base(&t.item, n)
		t.item.Events = slices.Delete(t.item.Events, 0, n)
		pages = append(pages, p)
	}
	return pages
}

// cut is how many leading events of t.item may be a page when none of them is at
// at or later. What holds at an instant need not hold at an earlier one, to
// which two events that belong together have moved the cut: an event that one
// of the page replaces may still come in between.
func (t *Task) cut(at int64) int {
	for {
		n := t.item.Below(at)
		if n == 0 || t.item.Events[n].Time == at {
			return n
		}
		at = t.item.Events[n].Time
	}
}

// rebind gives an item its new pages, and lets go of those before which every
// event is refused.
func (t *Task) rebind(f *feed, m *move) {
	st := m.item
	for _, p := range st.pages[m.kept:] {
		t.keep.Drop(&p.node)
	}
	st.pages = append(st.pages[:m.kept], m.pages...)
	for _, p := range m.pages {
		t.keep.Touch(&p.node, p)
	}
	n := 0
	for n < len(st.pages) && st.pages[n].until <= f.now-st.kind.Timing.Horizon {
		t.keep.Drop(&st.pages[n].node)
		n++
	}
	st.pages = slices.Delete(st.pages, 0, n)
}

// drop forgets an item with its pages.
func (t *Task) drop(st *itemState) {
	t.keep.Drop(&st.node)
	for _, p := range st.pages {
		t.keep.Drop(&p.node)
	}
}

// restorePage takes in a page of an item that is there.
func (t *Task) restorePage(f *feed, own, value string) error {
	key, n := event.ReadText(own)
	if n < 0 || f.items[key] == nil {
		return fmt.Errorf("%w: page %q is of no item", ErrState, own)
	}
	p := &page{item: f.items[key]}
	own = own[n:]
	for i := range p.id {
		v, n := event.ReadVarint(own)
		if n < 0 {
			return fmt.Errorf("%w: page of item %q has no id", ErrState, key)
		}
		p.id[i], own = int64(v), own[n:]
	}
	until, n := event.ReadVarint(value)
	if n < 0 {
		return fmt.Errorf("%w: page of item %q has no end", ErrState, key)
	}
	p.until, p.blob = protowire.DecodeZigZag(until), value[n:]
	at, _ := slices.BinarySearchFunc(p.item.pages, p.until, func(x *page, until int64) int { return int(x.until - until) })
	p.item.pages = slices.Insert(p.item.pages, at, p)
	t.keep.Adopt(&p.node, p)
	return nil
}

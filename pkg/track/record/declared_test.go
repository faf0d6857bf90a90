package record_test

import (
	"archive/zip"
	"cmp"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/nabz/nabz/pkg/calendar"
	"github.com/nabz/nabz/pkg/event"
	"github.com/nabz/nabz/pkg/record"
	"github.com/nabz/nabz/pkg/track"
	fold "github.com/nabz/nabz/pkg/track/record"
)

// Times of the kind that is tried, ms.
const (
	minute  = int64(60_000)
	gap     = 30 * minute
	within  = 2 * 60 * minute
	lost    = 3 * 60 * minute
	horizon = 60 * minute
	linger  = 10 * minute
	keep    = 6 * 60 * minute
)

// everything declares a family of each mode, with every source of a column.
const everything = `
kind: customer
doc: d
families:
  each_one:
    view: v
    doc: d
    each: [order.paid, order.refunded]
    where: {currency: any}
    columns:
      - {number: 1, name: who, is: item, doc: d}
      - {number: 2, name: at, is: opened, doc: d}
      - {number: 3, name: amount, of: amount, negate: [order.refunded], doc: d}
      - {number: 4, name: what, type: {order.paid: paid}, doc: d}
      - {number: 5, name: segment, carried: segment, types: [customer.updated, order.paid], doc: d}
      - {number: 6, name: cost, carried: cost, where: {category: [a]}, doc: d}
      - {number: 7, name: nth, is: nth, doc: d}
      - {number: 8, name: since, is: since_previous, doc: d}
      - {number: 9, name: until, until_next: 2h, doc: d}
      - {number: 10, name: state, is: state, doc: d}
      - {number: 11, name: paid_less_cost, minus: [amount, cost], doc: d}
      - {number: 12, name: first_order, carried: first_order, doc: d}
  one_life:
    view: v
    doc: d
    life: [order.created, order.paid]
    where: {category: {not: [b]}}
    open: [new, paid]
    lost_after: 3h
    columns:
      - {number: 1, name: status, status: {order.created: new, order.paid: paid, order.cancelled: off}, doc: d}
      - {number: 2, name: first, first: segment, doc: d}
      - {number: 3, name: last, last: segment, where: {category: any}, doc: d}
      - {number: 4, name: sum, sum: amount, types: [order.paid, order.refunded], negate: [order.refunded], doc: d}
      - {number: 5, name: count, count: any, doc: d}
      - {number: 6, name: paid_at, first_at: [order.paid], doc: d}
      - {number: 7, name: back_at, last_at: [order.refunded], doc: d}
      - {number: 8, name: took, span: [paid_at, back_at], doc: d}
      - {number: 9, name: opening, of: segment, doc: d}
      - {number: 10, name: quantity, last: quantity, types: [order.created], doc: d}
  visit:
    view: v
    doc: d
    gap: {after: 30m, types: [web.page_view, web.goal_reached], per: [visit_id, page]}
    columns:
      - {number: 1, name: state, is: state, doc: d}
      - {number: 2, name: pages, count: [web.page_view], doc: d}
      - {number: 3, name: ended, last_at: any, doc: d}
      - {number: 4, name: until, until_next: 2h, doc: d}
      - {number: 5, name: nth, is: nth, doc: d}
  active:
    view: v
    doc: d
    day: [web.page_view, order.paid]
    columns:
      - {number: 1, name: day, is: day, doc: d}
      - {number: 2, name: pages, count: [web.page_view], doc: d}
      - {number: 3, name: paid, sum: amount, types: [order.paid], doc: d}
      - {number: 4, name: since, is: since_previous, doc: d}
  place:
    view: v
    doc: d
    stay: {of: segment, types: [customer.updated, order.created], ends: [order.cancelled]}
    where: {category: {not: [b]}}
    columns:
      - {number: 1, name: state, is: state, doc: d}
      - {number: 2, name: segment, of: segment, doc: d}
      - {number: 3, name: next, is: next, doc: d}
      - {number: 4, name: left, is: ended, doc: d}
      - {number: 5, name: came, is: opened, doc: d}
      - {number: 6, name: stayed, span: [came, left], doc: d}
      - {number: 7, name: paid, sum: amount, types: [order.paid], doc: d}
      - {number: 8, name: nth, is: nth, doc: d}
      - {number: 9, name: until, until_next: 2h, doc: d}
`

func catalogue(t *testing.T) *event.Catalogue {
	t.Helper()
	c, err := event.ParseCatalogue(os.DirFS("../../../schemas/events"))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// tried gives the kind that is tried.
func tried(t *testing.T) (*record.Kind, *event.Catalogue) {
	t.Helper()
	c := catalogue(t)
	k, err := record.Parse("customer.yaml", []byte(everything), c)
	if err != nil {
		t.Fatal(err)
	}
	return k, c
}

// zones gives one zone twice, as the fold and as package time know it: one whose
// clocks are set back in the time of the histories.
func zones(t testing.TB) (*calendar.Zone, *time.Location) {
	t.Helper()
	const name = "Europe/Berlin"
	all, err := zip.OpenReader("../../../schemas/calendar/zoneinfo.zip")
	if err != nil {
		t.Fatal(err)
	}
	defer all.Close()
	data, err := fs.ReadFile(all, name)
	if err != nil {
		t.Fatal(err)
	}
	z, err := calendar.NewZone(name, data)
	if err != nil {
		t.Fatal(err)
	}
	local, err := time.LoadLocationFromTZData(name, data)
	if err != nil {
		t.Fatal(err)
	}
	return z, local
}

// task folds the kind as a processor does; unpaged, each item is in one piece.
func task(k *record.Kind, z *calendar.Zone, rank func(string) int, paged bool) track.Config {
	var tracker track.Tracker = fold.New(fold.Config{Kind: k, Zone: z, LingerMs: linger, HorizonMs: horizon, KeepMs: keep})
	if !paged {
		tracker = struct{ track.Tracker }{tracker}
	}
	return track.Config{
		Epoch: 1, Rank: rank,
		Kinds: []track.Kind{{Name: k.Name, Tracker: tracker, Timing: track.Timing{Linger: linger, Horizon: horizon, MaxAge: keep, Keep: keep, Panes: minute}}},
	}
}

// history draws the records of two customers, pulses among them: gaps of every
// length that matters, right at it and right behind it; some events late, sent
// twice, revised, replaced or withdrawn.
func history(rnd *rand.Rand, n int, busy bool) []event.Event {
	types := []string{"order.created", "order.paid", "order.paid", "order.refunded", "order.cancelled", "customer.updated", "customer.updated",
		"web.page_view", "web.page_view", "web.goal_reached", "contact.ended"}
	var out, sent []event.Event
	now := int64(1_792_713_600_000) // 2026-10-23
	for i := range n {
		switch rnd.IntN(10) {
		case 0:
			if !busy {
				now += []int64{gap, gap, gap, within, lost, keep, 24 * 60 * minute}[rnd.IntN(7)] + rnd.Int64N(3) - 1
			}
		case 1, 2:
		case 3, 4:
			now += rnd.Int64N(20 * minute)
		default:
			now += rnd.Int64N(minute)
		}
		if rnd.IntN(6) == 0 {
			out = append(out, event.Event{Type: event.TypePulse, Time: now})
			continue
		}
		e := event.Event{Tenant: "t", Kind: "customer", Entity: []string{"u1", "u2"}[rnd.IntN(2)], Time: now, Sequence: rnd.Int64N(2), Type: types[rnd.IntN(len(types))]}
		copy(e.UID[:], fmt.Sprintf("%08x%08x", rnd.Uint32(), i))
		if rnd.IntN(5) == 0 {
			e.Time -= rnd.Int64N(1 + rnd.Int64N(horizon+2))
		}
		if len(sent) > 0 && rnd.IntN(7) == 0 {
			old := sent[max(0, len(sent)-1-rnd.IntN(20))]
			switch rnd.IntN(3) {
			case 0:
				e = old // again, or as another revision
				e.Revision += rnd.Int64N(2)
			case 1:
				e.Entity, e.Replaces, e.ReplacesTime = old.Entity, old.UID, old.Time
			case 2:
				e.Entity, e.Replaces, e.ReplacesTime, e.Withdrawn = old.Entity, old.UID, old.Time, true
			}
		}
		says(rnd, &e)
		out = append(out, e)
		sent = append(sent, e)
	}
	if rnd.IntN(3) == 0 {
		return out // the clock is behind the last events
	}
	return append(out, event.Event{Type: event.TypePulse, Time: now + []int64{0, gap, within, lost, keep, horizon, 3 * keep}[rnd.IntN(7)] + rnd.Int64N(3)})
}

func says(rnd *rand.Rand, e *event.Event) {
	e.Attrs = nil
	for _, f := range []struct {
		number int32
		words  []string
	}{
		{123, []string{"", "s1", "s2"}}, {226, []string{"", "IRR", "IRR"}}, {231, []string{"", "", "a", "b"}},
		{275, []string{"", "", "", "v1"}}, {276, []string{"", "", "/"}},
	} {
		if word := f.words[rnd.IntN(len(f.words))]; word != "" {
			e.Attrs = append(e.Attrs, event.Attr{Number: f.number, Text: word, IsText: true})
		}
	}
	for _, number := range []int32{225, 232, 236, 237} {
		if rnd.IntN(3) > 0 {
			e.Attrs = append(e.Attrs, event.Attr{Number: number, Int: rnd.Int64N(9) - 4})
		}
	}
	slices.SortFunc(e.Attrs, func(a, b event.Attr) int { return cmp.Compare(a.Number, b.Number) })
	e.Hash, _ = e.ContentHash(nil)
}

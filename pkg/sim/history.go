package sim

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/nabz/nabz/pkg/event"
	"github.com/nabz/nabz/pkg/track"
)

// start is when histories begin, ms: a day like any other, far from zero.
const start = int64(1_700_000_000_000)

// history draws the log of one partition. Which kinds of trouble it holds is
// drawn first, a third of them switched off in each seed: histories then differ
// in kind and not only in luck.
type history struct {
	rnd     *rand.Rand
	trouble map[string]bool
	next    int
	out     []delivery
}

// delivery is an event with the instant at which it reaches the log.
type delivery struct {
	at int64
	e  event.Event
}

// troubles of histories and of executions.
var troubles = [...]string{
	"duplicates", "disorder", "late", "revisions", "replacements", "missing", "same instant",
	"quiet", "reused ids", "feeds", "second replay", "other replay", "generations",
	"crashes", "zombies", "maybe applied", "returning state", "poison",
}

// History draws the records of one partition of events from a seed.
func History(seed uint64) []Record {
	rnd := rand.New(rand.NewPCG(seed, 1))
	return newHistory(rnd, draw(rnd), nil)
}

func draw(rnd *rand.Rand) map[string]bool {
	t := map[string]bool{}
	for _, name := range troubles {
		t[name] = rnd.IntN(3) > 0
	}
	return t
}

// newHistory makes the records of one partition over about half an hour: of
// contacts, and of what more draws.
func newHistory(rnd *rand.Rand, trouble map[string]bool, more *rand.Rand) []Record {
	h := &history{rnd: rnd, trouble: trouble}
	contacts := 5 + rnd.IntN(40)
	span := int64(10+rnd.IntN(40)) * 60_000
	busy := trouble["reused ids"] && rnd.IntN(3) == 0
	for i := range contacts {
		id := fmt.Sprintf("c%d", i)
		if busy {
			id = "c" // one item that grows long
		}
		if trouble["reused ids"] && rnd.IntN(4) == 0 {
			id = fmt.Sprintf("c%d", rnd.IntN(5))
		}
		h.deliver(h.contact("t1", event.Live, id, start+rnd.Int64N(span)))
	}
	h.pulses(span)
	if trouble["feeds"] {
		h.feeds(span)
	}
	if more != nil {
		h.rnd = more
		h.others(span)
		h.epochs(span)
	}
	slices.SortStableFunc(h.out, func(a, b delivery) int { return cmp.Compare(a.at, b.at) })
	var log []Record
	for i := range h.out {
		e := h.out[i].e
		e.ReceivedAt = h.out[i].at
		if !e.IsClock() {
			e.Hash, _ = e.ContentHash(nil)
		}
		b := e.Append(nil)
		if e.Type == "" {
			b = []byte{0xff, 0xff} // no event at all
		}
		log = append(log, Record{Event: e, Bytes: b})
	}
	return log
}

func (h *history) uid() event.UID {
	h.next++
	var u event.UID
	binary.BigEndian.PutUint64(u[:], h.rnd.Uint64())
	binary.BigEndian.PutUint64(u[8:], uint64(h.next))
	return u
}

// contact draws the life of one contact, with steps missing where the trouble
// says so.
func (h *history) contact(tenant, feed, id string, at int64) []event.Event {
	var events []event.Event
	agent, queue := 0, fmt.Sprintf("q%d", h.rnd.IntN(3))
	add := func(typ string, attrs ...event.Attr) {
		slices.SortFunc(attrs, func(a, b event.Attr) int { return cmp.Compare(a.Number, b.Number) })
		u := h.uid()
		events = append(events, event.Event{
			Tenant: tenant, Feed: feed, Type: typ, Source: fmt.Sprintf("sim%d", id[len(id)-1]%3), ID: u.String(), UID: u, Time: at,
			Sequence: int64(h.rnd.IntN(2)), Kind: "contact", Entity: id, Attrs: attrs,
		})
	}
	wait := func(most int64) {
		if h.trouble["same instant"] && h.rnd.IntN(4) == 0 {
			return
		}
		at += h.rnd.Int64N(most)
	}
	text := func(n int32, s string) event.Attr { return event.Attr{Number: n, Text: s, IsText: true} }
	if h.rnd.IntN(3) == 0 {
		add("contact.created", text(event.FieldChannel, "voice"), text(event.FieldDirection, "inbound"))
		wait(20_000)
	}
	for range 1 + h.rnd.IntN(3) {
		add("contact.queued", text(event.FieldQueueID, queue), text(event.FieldChannel, "voice"))
		if h.rnd.IntN(8) > 0 {
			wait(60_000)
		} else {
			at += target // to the millisecond
		}
		if h.rnd.IntN(4) == 0 {
			h.leave(add, text, queue)
			break
		}
		who := fmt.Sprintf("a%d", agent)
		agent++
		add("contact.answered", text(event.FieldAgentID, who), text(event.FieldQueueID, queue))
		wait(90_000)
		if h.rnd.IntN(3) == 0 {
			add("contact.hold_started", text(event.FieldAgentID, who))
			wait(20_000)
			add("contact.hold_ended", text(event.FieldAgentID, who))
			wait(20_000)
		}
		if h.rnd.IntN(3) == 0 {
			add("contact.transferred", text(event.FieldAgentID, who), text(event.FieldMode, "queue"))
			queue = fmt.Sprintf("q%d", h.rnd.IntN(3))
			continue
		}
		add("contact.ended", text(event.FieldBy, []string{"customer", "agent", "system", ""}[h.rnd.IntN(4)]))
		wait(10_000)
		if h.rnd.IntN(2) == 0 {
			add("contact.wrapup_started", text(event.FieldAgentID, who))
			wait(30_000)
			add("contact.wrapup_ended", text(event.FieldAgentID, who))
		}
		break
	}
	if h.trouble["missing"] {
		events = slices.DeleteFunc(events, func(event.Event) bool { return h.rnd.IntN(8) == 0 })
	}
	return events
}

func (h *history) leave(add func(string, ...event.Attr), text func(int32, string) event.Attr, queue string) {
	switch h.rnd.IntN(4) {
	case 0:
		add("contact.ended", text(event.FieldBy, "customer"))
	case 1:
		add("contact.callback_scheduled", text(event.FieldQueueID, queue))
	case 2:
		add("contact.not_offered", text(event.FieldQueueID, queue), text(event.FieldOutcome, "full"))
	default:
		add("contact.dequeued", text(event.FieldQueueID, queue), text(event.FieldOutcome, "abandoned"))
	}
}

// deliver puts events on their way: most at once, some late, twice, revised or
// replaced.
func (h *history) deliver(events []event.Event) {
	for _, e := range events {
		h.send(e, e.Time+h.delay())
		if h.trouble["duplicates"] && h.rnd.IntN(6) == 0 {
			for range 1 + h.rnd.IntN(2) {
				h.send(e, e.Time+h.delay())
			}
		}
		if h.trouble["revisions"] && h.rnd.IntN(12) == 0 {
			h.send(h.revised(e), e.Time+h.delay())
		}
		if h.trouble["replacements"] && h.rnd.IntN(12) == 0 {
			h.replace(e)
		}
	}
	if h.trouble["poison"] && h.rnd.IntN(10) == 0 {
		h.out = append(h.out, delivery{at: firstTime(events)})
	}
}

func firstTime(events []event.Event) int64 {
	if len(events) == 0 {
		return start
	}
	return events[0].Time
}

func (h *history) send(e event.Event, at int64) {
	h.out = append(h.out, delivery{at, e})
}

func (h *history) revised(e event.Event) event.Event {
	e.Revision = int64(h.rnd.IntN(3))
	e.Attrs = slices.Clone(e.Attrs)
	for i := range e.Attrs {
		if e.Attrs[i].Number == event.FieldQueueID {
			e.Attrs[i].Text = "q9"
		}
	}
	return e
}

// replace corrects the time of an event, and now and then whom it concerns: then
// the old entity gets a withdrawal of its own.
func (h *history) replace(e event.Event) {
	n := e
	n.UID = h.uid()
	n.ID = n.UID.String()
	n.Replaces, n.ReplacesTime = e.UID, e.Time
	n.Time += h.rnd.Int64N(40_000) - 20_000
	at := max(e.Time, n.Time) + h.delay()
	if h.rnd.IntN(4) == 0 {
		at = e.Time + horizon + h.rnd.Int64N(30_000) // where only one of both times is late
	}
	if h.rnd.IntN(3) == 0 {
		w := n
		w.Withdrawn = true
		h.send(w, at)
		n.Entity += "x"
	}
	h.send(n, at)
}

func (h *history) delay() int64 {
	switch {
	case h.trouble["late"] && h.rnd.IntN(30) == 0:
		return h.rnd.Int64N(3 * horizon)
	case h.trouble["late"] && h.rnd.IntN(20) == 0:
		return horizon - h.rnd.Int64N(linger+20_000) // just in time
	case h.trouble["disorder"] && h.rnd.IntN(5) == 0:
		return h.rnd.Int64N(horizon / 2)
	}
	return h.rnd.Int64N(2_000)
}

// pulses are the clock records of the live feed: of owners whose clocks differ
// a little, with silences in between.
func (h *history) pulses(span int64) {
	for at := start; at < start+span+3*horizon; {
		h.send(event.Event{Type: event.TypePulse, Time: at + h.rnd.Int64N(600) - 300}, at)
		step := 1_000 + h.rnd.Int64N(20_000)
		if h.trouble["quiet"] && h.rnd.IntN(12) == 0 {
			step += h.rnd.Int64N(horizon)
		}
		at += step
	}
}

// feeds replays a file of long ago, while the live feed goes on.
func (h *history) feeds(span int64) {
	const past = start - 1_000*86_400_000
	var file []event.Event
	for i := range 3 + h.rnd.IntN(12) {
		file = append(file, h.contact("t1", "old", fmt.Sprintf("f%d", i), past+h.rnd.Int64N(span))...)
	}
	if len(file) == 0 {
		return
	}
	at := start + h.rnd.Int64N(span)
	at = h.replay(file, at, 101, 1, true)
	if h.trouble["second replay"] {
		at = h.replay(file, at+h.rnd.Int64N(2*track.ReplayerLeaseMs), 102, 1, h.rnd.IntN(4) > 0)
	}
	if h.trouble["other replay"] {
		h.replay(file, at-h.rnd.Int64N(2*track.ReplayerLeaseMs), 103, 1, true)
	}
	if h.trouble["generations"] {
		h.replay(file, at+h.rnd.Int64N(4*track.ReplayerLeaseMs), 104, 2, h.rnd.IntN(4) > 0)
	}
}

// replay sends a file in an order of its own: the clock is the least time still
// to be sent.
func (h *history) replay(file []event.Event, at, session, generation int64, whole bool) int64 {
	file = slices.Clone(file)
	if h.trouble["disorder"] {
		h.rnd.Shuffle(len(file), func(i, j int) { file[i], file[j] = file[j], file[i] })
	}
	least := make([]int64, len(file)+1)
	least[len(file)] = 1 << 62
	newest := int64(0)
	for i := len(file) - 1; i >= 0; i-- {
		least[i] = min(least[i+1], file[i].Time)
		newest = max(newest, file[i].Time)
	}
	clock := func(typ string, t int64) {
		h.send(event.Event{Tenant: "t1", Feed: "old", Type: typ, Time: t, Session: session, Generation: generation}, at)
	}
	clock(event.TypeFeedOpened, least[0])
	for i := range file {
		at += h.rnd.Int64N(500)
		e := file[i]
		e.Session, e.Generation = session, generation
		h.send(e, at)
		if h.trouble["duplicates"] && h.rnd.IntN(8) == 0 {
			h.send(e, at)
		}
		if h.rnd.IntN(4) == 0 && i+1 < len(file) {
			clock(event.TypeFeedAdvanced, least[i+1])
		}
		if !whole && h.rnd.IntN(len(file)) == 0 {
			return at
		}
	}
	at++
	clock(event.TypeFeedClosed, newest)
	return at
}

package main

import (
	"math"
	"slices"
	"time"
)

// The oracle reads the journal alone and works out in the plainest way what
// the numbers must be: no windows, no state, no versions.

// wait is one stay of a contact in a queue.
type wait struct {
	tenant, contact, queue, channel string
	from, to                        int64 // ms since 1970 UTC; to 0: it stands there still
	outcome                         string
	queued, left                    *acked // the events that say so
}

// part of an agent in a contact.
type handling struct {
	tenant, agent, queue, channel string
	from, to                      int64
	holds, held, wrapup           int64
	over                          bool // and the work after it, too
	passed                        bool
	heldSince, wrapSince          int64
}

// truth is everything that the journal says.
type truth struct {
	events   map[string]*acked // by tenant and id
	repeats  int               // events that were acknowledged more than once
	lost     map[string]bool   // acknowledged, and behind every horizon
	waits    []*wait
	handled  []*handling
	contacts int
}

// horizon is what events of contacts may be older than the clock.
const horizon = 24 * time.Hour

// order of the events of one millisecond.
func order(typ string) int {
	return slices.Index([]string{
		"contact.created", "contact.queued", "contact.dequeued", "contact.answered", "contact.hold_started", "contact.hold_ended",
		"contact.transferred", "contact.ended", "contact.wrapup_started", "contact.wrapup_ended",
	}, typ)
}

func workOut(path string) (*truth, error) {
	all, repeats, err := readJournal(path)
	if err != nil {
		return nil, err
	}
	t := &truth{events: all, repeats: repeats, lost: map[string]bool{}}
	of := map[string][]*acked{}
	for key, e := range all {
		if e.time < e.sent-horizon.Milliseconds() {
			t.lost[key] = true
			continue
		}
		contact := e.tenant + " " + e.contact
		of[contact] = append(of[contact], e)
	}
	t.contacts = len(of)
	for _, events := range of {
		slices.SortFunc(events, func(a, b *acked) int {
			if a.time != b.time {
				return int(a.time - b.time)
			}
			return order(a.typ) - order(b.typ)
		})
		t.contact(events)
	}
	return t, nil
}

// contact walks through one contact's events in the order of their times.
func (t *truth) contact(events []*acked) {
	var w *wait
	var h *handling
	leave := func(e *acked, outcome string) {
		if w != nil && w.to == 0 {
			w.to, w.outcome, w.left = e.time, outcome, e
		}
	}
	part := func(e *acked) {
		if h == nil || h.to != 0 {
			return
		}
		if h.heldSince != 0 {
			h.held += e.time - h.heldSince
			h.heldSince = 0
		}
		h.to, h.over = e.time, true
	}
	for _, e := range events {
		switch e.typ {
		case "contact.queued":
			w = &wait{tenant: e.tenant, contact: e.contact, queue: e.queue, channel: e.channel, from: e.time, queued: e, outcome: "waiting"}
			t.waits = append(t.waits, w)
		case "contact.dequeued":
			leave(e, "abandoned")
		case "contact.answered":
			leave(e, "answered")
			h = &handling{tenant: e.tenant, agent: e.agent, queue: e.queue, channel: e.channel, from: e.time}
			t.handled = append(t.handled, h)
		case "contact.hold_started":
			h.holds++
			h.heldSince = e.time
		case "contact.hold_ended":
			h.held += e.time - h.heldSince
			h.heldSince = 0
		case "contact.transferred":
			part(e)
			h.passed = true
		case "contact.ended":
			if e.agent == "" {
				leave(e, "abandoned")
			}
			part(e)
		case "contact.wrapup_started":
			h.wrapSince, h.over = e.time, false
		case "contact.wrapup_ended":
			h.wrapup, h.over = e.time-h.wrapSince, true
		}
	}
}

// cell is where a number stands: tenant, minute in s since 1970 UTC, and the
// dimensions.
type cell struct {
	tenant        string
	minute        int64
	queue         string
	channel, more string // more: the agent, where a KPI has one
}

// kpi is a number that the oracle knows, with the columns of its view.
type kpi struct {
	name    string
	dims    []string
	columns []string
	// cells gives the values of every cell, in the order of columns; NaN is no
	// value.
	cells func(*truth) map[cell][]float64
}

func minuteOf(ms int64) int64 { return ms / 60_000 * 60 }

// tally is what the waits of a cell add up to.
type tally struct {
	offered, answered, abandoned, short            float64
	in, below, abandonedIn, abandonedAbove, waited float64
	abandonedFor, longest                          float64
}

func ratio(a, b float64) float64 {
	if b == 0 {
		return math.NaN()
	}
	return a / b
}

func tallies(t *truth) map[cell]*tally {
	out := map[cell]*tally{}
	for _, w := range t.waits {
		c := cell{tenant: w.tenant, minute: minuteOf(w.from), queue: w.queue, channel: w.channel}
		x := out[c]
		if x == nil {
			x = &tally{longest: math.NaN()}
			out[c] = x
		}
		x.offered++
		if w.to == 0 {
			continue
		}
		ms := float64(w.to - w.from)
		if !(x.longest >= ms) {
			x.longest = ms
		}
		switch w.outcome {
		case "answered":
			x.answered++
			x.waited += ms
			x.in += one(ms <= 20_000)
			x.below += one(ms < 20_000)
		case "abandoned":
			x.abandoned++
			x.abandonedFor += ms
			x.short += one(ms <= 5_000)
			x.abandonedIn += one(ms <= 20_000)
			x.abandonedAbove += one(ms > 20_000)
		}
	}
	return out
}

func one(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}

// ofWaits is a KPI over the tallies of waits.
func ofWaits(name string, columns []string, values func(*tally) []float64) kpi {
	return kpi{name: name, dims: []string{"queue", "channel"}, columns: columns, cells: func(t *truth) map[cell][]float64 {
		out := map[cell][]float64{}
		for c, x := range tallies(t) {
			out[c] = values(x)
		}
		return out
	}}
}

// part of an agent: what they add up to.
type work struct{ handled, talked, held, wrapped, holds, all, passed float64 }

func works(t *truth) map[cell]*work {
	out := map[cell]*work{}
	for _, h := range t.handled {
		if h.to == 0 {
			continue
		}
		c := cell{tenant: h.tenant, minute: minuteOf(h.to), queue: h.queue, channel: h.channel, more: h.agent}
		x := out[c]
		if x == nil {
			x = &work{}
			out[c] = x
		}
		x.all++
		x.holds += one(h.holds > 0)
		x.passed += one(h.passed)
		if h.over {
			x.handled++
			x.talked += float64(h.to - h.from - h.held)
			x.held += float64(h.held)
			x.wrapped += float64(h.wrapup)
		}
	}
	return out
}

func ofWork(name string, columns []string, values func(*work) []float64) kpi {
	return kpi{name: name, dims: []string{"queue", "channel", "agent"}, columns: columns, cells: func(t *truth) map[cell][]float64 {
		out := map[cell][]float64{}
		for c, x := range works(t) {
			out[c] = values(x)
		}
		return out
	}}
}

// kpis are the numbers that the oracle works out.
func kpis() []kpi {
	v := []string{"value"}
	return []kpi{
		ofWaits("offered", v, func(x *tally) []float64 { return []float64{x.offered} }),
		ofWaits("answered", v, func(x *tally) []float64 { return []float64{x.answered} }),
		ofWaits("abandoned", v, func(x *tally) []float64 { return []float64{x.abandoned} }),
		ofWaits("short_abandoned", v, func(x *tally) []float64 { return []float64{x.short} }),
		ofWaits("answered_rate", []string{"value", "genesys"}, func(x *tally) []float64 {
			return []float64{ratio(x.answered, x.answered+x.abandoned), ratio(x.answered, x.offered)}
		}),
		ofWaits("abandonment_rate", []string{"value", "amazon_connect"}, func(x *tally) []float64 {
			return []float64{ratio(x.abandoned, x.answered+x.abandoned), ratio(x.abandoned, x.offered)}
		}),
		ofWaits("service_level", []string{"value", "genesys", "xcally", "asterisk_sl2"}, func(x *tally) []float64 {
			return []float64{
				ratio(x.in, x.offered), ratio(x.in, x.answered+x.abandoned-x.short), ratio(x.below, x.answered+x.abandonedAbove),
				ratio(x.in+x.abandonedIn, x.answered+x.abandoned),
			}
		}),
		ofWaits("asa", v, func(x *tally) []float64 { return []float64{ratio(x.waited/1000, x.answered)} }),
		ofWaits("longest_wait", v, func(x *tally) []float64 { return []float64{x.longest / 1000} }),
		ofWaits("abandonment_time", []string{"mean"}, func(x *tally) []float64 { return []float64{ratio(x.abandonedFor/1000, x.abandoned)} }),
		attainment(), meanWaiting(),
		ofWork("aht", []string{"value", "talk", "hold", "wrapup"}, func(x *work) []float64 {
			n := x.handled * 1000
			return []float64{ratio(x.talked+x.held+x.wrapped, n), ratio(x.talked, n), ratio(x.held, n), ratio(x.wrapped, n)}
		}),
		ofWork("hold_rate", v, func(x *work) []float64 { return []float64{ratio(x.holds, x.all)} }),
		ofWork("transfers", v, func(x *work) []float64 { return []float64{x.passed} }),
	}
}

// attainment counts waits where they end.
func attainment() kpi {
	return kpi{name: "sla_attainment", dims: []string{"queue", "channel"}, columns: []string{"value"}, cells: func(t *truth) map[cell][]float64 {
		met, ended := map[cell]float64{}, map[cell]float64{}
		for _, w := range t.waits {
			if w.to == 0 {
				continue
			}
			c := cell{tenant: w.tenant, minute: minuteOf(w.to), queue: w.queue, channel: w.channel}
			ended[c]++
			met[c] += one(w.to-w.from <= target.Milliseconds())
		}
		out := map[cell][]float64{}
		for c, n := range ended {
			out[c] = []float64{ratio(met[c], n)}
		}
		return out
	}}
}

// meanWaiting spreads every wait over the minutes that it lasted.
func meanWaiting() kpi {
	return kpi{name: "waiting", dims: []string{"queue", "channel"}, columns: []string{"mean"}, cells: func(t *truth) map[cell][]float64 {
		ms := map[cell]int64{}
		for _, w := range t.waits {
			if w.to == 0 {
				continue
			}
			for m := minuteOf(w.from); m*1000 < w.to; m += 60 {
				c := cell{tenant: w.tenant, minute: m, queue: w.queue, channel: w.channel}
				ms[c] += min(w.to, (m+60)*1000) - max(w.from, m*1000)
			}
		}
		out := map[cell][]float64{}
		for c, n := range ms {
			out[c] = []float64{float64(n) / 60_000}
		}
		return out
	}}
}

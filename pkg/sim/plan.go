// Package sim runs the machine of a partition through histories and accidents
// drawn from a seed, and adds up the same history with an oracle that knows
// nothing of windows, state or crashes.
//
// It does not know of real logs or engines. It reads no clock, starts no
// goroutine and performs no I/O; all its randomness comes from the seed.
package sim

import (
	"strconv"

	"github.com/nabz/nabz/pkg/event"
	"github.com/nabz/nabz/pkg/fact"
	"github.com/nabz/nabz/pkg/kpi"
	"github.com/nabz/nabz/pkg/pane"
	"github.com/nabz/nabz/pkg/sla"
	"github.com/nabz/nabz/pkg/track"
	"github.com/nabz/nabz/pkg/track/contact"
)

// Times are short, so that an hour of history holds many closes, horizons and
// evictions. ms.
const (
	linger   = 60_000
	horizon  = 600_000
	maxAge   = 300_000
	paneKeep = 120_000
)

// Plan is a task with what the oracle must know of it.
type Plan struct {
	Config   track.Config
	Families contact.Families
	Measures []*kpi.Measure
}

// ranks of the types that histories hold; the catalogue's, or any other order:
// machine and oracle only have to agree.
func rank(eventType string) int {
	switch eventType {
	case "contact.created":
		return 10
	case "contact.not_offered":
		return 15
	case "contact.queued":
		return 20
	case "contact.dequeued":
		return 40
	case "contact.answered":
		return 50
	case "contact.hold_started":
		return 60
	case "contact.hold_ended":
		return 61
	case "contact.transferred":
		return 70
	case "contact.callback_scheduled":
		return 75
	case "contact.ended":
		return 80
	case "contact.wrapup_started":
		return 90
	case "contact.wrapup_ended":
		return 91
	}
	return otherRank(eventType)
}

func opener(eventType string) bool {
	switch eventType {
	case "contact.created", "contact.queued", "contact.answered", "contact.not_offered", "contact.callback_scheduled":
		return true
	}
	return false
}

// NewPlan makes the plan of a partition. Every simulated task has its own:
// tasks share no memory.
func NewPlan(partition int32) Plan { return newPlan(partition, 0) }

// newPlan makes it under one of several definitions, which differ in what is
// answered in time.
func newPlan(partition int32, definitions int) Plan {
	f := contact.NewFamilies()
	p := Plan{Families: f, Measures: measures(f, inTime+int64(definitions)*5_000)}
	by := map[*fact.Family][]*kpi.Measure{}
	for _, m := range p.Measures {
		by[m.Family] = append(by[m.Family], m)
	}
	var layouts []*pane.Layout
	for _, fam := range f.All() {
		layouts = append(layouts, pane.NewLayout(fam, by[fam]))
	}
	p.Config = track.Config{
		Partition: partition, Epoch: 1, Definitions: strconv.Itoa(definitions), Layouts: layouts, Rank: rank,
		Policies: policies(f),
		Kinds: []track.Kind{{
			Name:    contact.Kind,
			Tracker: contact.New(contact.Config{Families: f, Opener: opener, LingerMs: linger, MaxAgeMs: maxAge}),
			Timing:  track.Timing{Linger: linger, Horizon: horizon, MaxAge: maxAge, Panes: paneKeep},
		}},
	}
	return p
}

// Deadlines are as short as the waits of histories, so that each is met, late
// and silent in every seed. ms.
const (
	target    = 20_000
	targetQ1  = 45_000
	settle    = 2_000
	lateness  = 60_000
	silent    = 20_000
	firstWarn = 0.5
	inTime    = 20_000
)

func policies(f contact.Families) *sla.Set {
	queue := func(not bool, names ...string) sla.Match {
		return sla.Match{Column: contact.QueueQueue, Texts: names, Not: not}
	}
	return &sla.Set{Policies: []*sla.Policy{{
		Name: "wait", Of: f.Queue, From: contact.QueueEnqueuedAt, To: contact.QueueLeftAt,
		Where:   []sla.Match{queue(true, "q2"), {Column: contact.QueueOutcome, Texts: []string{"full"}, Not: true}},
		Targets: []sla.Target{{Match: []sla.Match{queue(false, "q1")}, Ms: targetQ1}, {Ms: target}},
		Warn:    []float64{firstWarn, 0.8}, SettleMs: settle, LatenessMs: lateness, SilentMs: silent, Severity: "page",
	}}}
}

func measures(f contact.Families, inTime int64) []*kpi.Measure {
	in := func(col int, texts ...string) kpi.Cond { return kpi.Cond{Column: col, Rel: kpi.In, Texts: texts} }
	return []*kpi.Measure{
		{Name: "offered", Family: f.Queue, Op: kpi.Count, At: contact.QueueEnqueuedAt},
		{Name: "answered", Family: f.Queue, Op: kpi.Count, At: contact.QueueEnqueuedAt, Where: []kpi.Cond{in(contact.QueueOutcome, contact.Answered)}},
		{Name: "in_time", Family: f.Queue, Op: kpi.Count, At: contact.QueueEnqueuedAt, Where: []kpi.Cond{
			in(contact.QueueOutcome, contact.Answered), {Column: contact.QueueWait, Rel: kpi.Le, Int: inTime},
		}},
		{Name: "lost", Family: f.Queue, Op: kpi.Count, At: contact.QueueEnqueuedAt, Where: []kpi.Cond{in(contact.QueueOutcome, contact.Lost)}},
		{Name: "left", Family: f.Queue, Op: kpi.Sum, Column: contact.QueueWait, At: contact.QueueLeftAt},
		{Name: "waits", Family: f.Queue, Op: kpi.Hist, Column: contact.QueueWait, At: contact.QueueEnqueuedAt, Where: []kpi.Cond{in(contact.QueueOutcome, contact.Answered)}},
		{Name: "longest", Family: f.Queue, Op: kpi.Max, Column: contact.QueueWait, At: contact.QueueEnqueuedAt},
		{Name: "waiting", Family: f.Queue, Op: kpi.Level, From: contact.QueueEnqueuedAt, To: contact.QueueLeftAt},
		{Name: "talk", Family: f.Agent, Op: kpi.Sum, Column: contact.AgentTalk, At: contact.AgentEndedAt},
		{Name: "wrapup", Family: f.Agent, Op: kpi.Sum, Column: contact.AgentWrapup, At: contact.AgentStartedAt},
		{Name: "busy", Family: f.Agent, Op: kpi.Level, From: contact.AgentStartedAt, To: contact.AgentEndedAt},
		{Name: "contacts", Family: f.Contact, Op: kpi.Count, At: contact.ContactStartedAt},
		{Name: "transfers", Family: f.Contact, Op: kpi.Sum, Column: contact.ContactTransfers, At: contact.ContactStartedAt},
	}
}

// Record is one record of a partition of events; its offset is its index.
type Record struct {
	Event event.Event
	Bytes []byte
}

package sim

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/nabz/nabz/pkg/event"
	"github.com/nabz/nabz/pkg/fact"
	"github.com/nabz/nabz/pkg/kpi"
	"github.com/nabz/nabz/pkg/pane"
	"github.com/nabz/nabz/pkg/record"
	"github.com/nabz/nabz/pkg/track"
	"github.com/nabz/nabz/pkg/track/agent"
	"github.com/nabz/nabz/pkg/track/conversation"
	fold "github.com/nabz/nabz/pkg/track/record"
)

// The kinds beside contacts are here for what accidents may do to them: their
// items have pages and bases, and outlive their events. The oracle does not tell
// their facts; the laws of each fold do.

// otherTypes are events of each kind, those that change much more often.
var otherTypes = map[string][]string{
	agent.Kind: {
		"agent.login", "agent.state_changed", "agent.paused", "agent.unpaused", "agent.heartbeat", "agent.queue_joined", "agent.queue_left",
		"agent.logout", "contact.answered", "contact.answered", "contact.ended", "contact.ended", "contact.wrapup_started", "contact.wrapup_ended",
	},
	conversation.Kind: {
		"conversation.created", "conversation.created", "message.created", "message.created", "message.created", "message.created",
		"conversation.assigned", "conversation.status_changed", "conversation.status_changed", "conversation.reopened", "conversation.tagged",
		"conversation.bot_handoff", "conversation.team_changed",
	},
	declaredKind: {"order.created", "order.paid", "order.paid", "order.refunded", "customer.updated", "web.page_view", "web.page_view"},
}

const declaredKind = "customer"

var otherWords = map[int32][]string{
	event.FieldQueueID: {"", "q1", "q2"}, event.FieldContactID: {"c1", "c2", "c3"}, event.FieldState: {"", "available", "x"},
	event.FieldReason: {"", "r", "spam"}, event.FieldTeamID: {"", "", "", "a", "b"}, event.FieldAgentID: {"", "amy", "bob"},
	event.FieldActor: {"customer", "customer", "agent", "bot"}, event.FieldStatus: {"open", "pending", "solved", "solved", "closed"},
	event.FieldTag: {"spam", "x"}, event.FieldVisibility: {"", "", "internal"},
}

// otherRank orders what is not of contacts: by its name.
func otherRank(eventType string) int { return 100 + int(eventType[len(eventType)-1]) }

// others draws events of a few items of each other kind. Each item gets many,
// so that it is kept in several pages.
func (h *history) others(span int64) {
	for _, kind := range []string{agent.Kind, conversation.Kind, declaredKind} {
		if h.rnd.IntN(2) == 0 {
			continue
		}
		var sent []event.Event
		from := start + h.rnd.Int64N(span)
		for range 30 + h.rnd.IntN(60) {
			e := h.other(kind, from+h.rnd.Int64N(horizon))
			if len(sent) > 0 && h.rnd.IntN(10) == 0 {
				old := sent[h.rnd.IntN(len(sent))]
				e.Entity, e.Replaces, e.ReplacesTime, e.Withdrawn = old.Entity, old.UID, old.Time, h.rnd.IntN(2) == 0
			}
			sent = append(sent, e)
		}
		h.deliver(sent)
	}
}

func (h *history) other(kind string, at int64) event.Event {
	u := h.uid()
	types := otherTypes[kind]
	e := event.Event{
		Tenant: "t1", Type: types[h.rnd.IntN(len(types))], Source: "other", ID: u.String(), UID: u, Time: at, Kind: kind,
		Entity: fmt.Sprint(kind, h.rnd.IntN(2)),
	}
	for number, words := range otherWords {
		e.Attrs = append(e.Attrs, event.Attr{Number: number, Text: words[at%int64(len(words))], IsText: true})
	}
	slices.SortFunc(e.Attrs, func(a, b event.Attr) int { return cmp.Compare(a.Number, b.Number) })
	return e
}

// epochs asks now and then for a computation, which there may be already.
func (h *history) epochs(span int64) {
	if h.rnd.IntN(2) == 0 {
		return
	}
	for range 1 + h.rnd.IntN(3) {
		at := start + h.rnd.Int64N(span+horizon)
		h.send(event.Event{Type: event.TypeEpoch, Time: at, Sequence: int64(1 + h.rnd.IntN(8))}, at)
	}
}

// add has the task fold the other kinds too.
func (p *Plan) add(declared *record.Kind) {
	timing := track.Timing{Linger: linger, Horizon: horizon, MaxAge: maxAge, Panes: paneKeep, Heartbeat: 120_000, Keep: 2 * maxAge}
	kind := func(name string, t track.Tracker, families []*fact.Family) {
		p.Config.Kinds = append(p.Config.Kinds, track.Kind{Name: name, Tracker: t, Timing: timing})
		for _, f := range families {
			p.Config.Layouts = append(p.Config.Layouts, pane.NewLayout(f, otherMeasures(f)))
		}
	}
	agents, conversations := agent.NewFamilies(), conversation.NewFamilies()
	kind(agent.Kind, agent.New(agent.Config{
		Families: agents, HeartbeatMs: timing.Heartbeat, MaxAgeMs: timing.MaxAge, LingerMs: timing.Linger,
	}), agents.All())
	kind(conversation.Kind, conversation.New(conversation.Config{
		Families: conversations, Opener: func(typ string) bool { return typ == "conversation.created" },
		Business: func(_, _ string, from, to int64) int64 { return to - from },
		LingerMs: timing.Linger, KeepMs: timing.Keep, MaxAgeMs: timing.MaxAge,
	}), conversations.All())
	if declared == nil {
		return
	}
	var families []*fact.Family
	for _, f := range declared.Families {
		families = append(families, f.Fact)
	}
	kind(declared.Name, fold.New(fold.Config{Kind: declared, LingerMs: timing.Linger, HorizonMs: timing.Horizon, KeepMs: timing.Keep}), families)
}

// otherMeasures counts facts, and follows what is open where a family says
// when it ended.
func otherMeasures(f *fact.Family) []*kpi.Measure {
	from, to := -1, -1
	for i, c := range f.Columns {
		switch {
		case c.Type == fact.Time && from < 0:
			from = i
		case c.Name == "ended_at":
			to = i
		}
	}
	if from < 0 {
		return nil
	}
	out := []*kpi.Measure{{Name: "n", Family: f, Op: kpi.Count, At: from}}
	if to >= 0 {
		out = append(out, &kpi.Measure{Name: "open", Family: f, Op: kpi.Level, From: from, To: to})
	}
	return out
}

package proof_test

import (
	"cmp"
	"encoding/binary"
	"math/rand/v2"
	"slices"

	"github.com/nabz/nabz/pkg/event"
	"github.com/nabz/nabz/pkg/sim"
	"github.com/nabz/nabz/services/internal/catalog"
)

// shifted are queries that count what histories of agents must hold some of.
func shifted() []string {
	const states = "SELECT count() FROM nabz_internal.fact_agent_state FINAL WHERE deleted = 0 AND "
	const pauses = "SELECT count() FROM nabz_internal.fact_agent_pause FINAL WHERE deleted = 0 AND "
	const spans = "SELECT count() FROM nabz_internal.fact_login_span FINAL WHERE deleted = 0 AND "
	var out []string
	for _, activity := range []string{"contact", "wrapup", "paused", "available", "unavailable"} {
		out = append(out, states+"duration > 0 AND team != '' AND activity = '"+activity+"'")
	}
	for _, began := range []string{"login", "queue_joined", "inferred"} {
		out = append(out, spans+"duration > 0 AND team != '' AND began = '"+began+"'")
	}
	return append(out, pauses+"queue = '' AND reason != '' AND duration > 0", pauses+"queue != '' AND duration > 0",
		states+"activity = 'paused' AND reason != ''", states+"activity = 'unavailable' AND reason != ''")
}

// agents draws the records of a partition: the accidents are those of contacts,
// from seconds to days, and each event is one of an agent.
func agents(cat *catalog.Catalog, seed uint64) []sim.Record {
	records := sim.History(seed)
	stretch(records, []int64{1, 20, 60, 300, 1000}[seed%5])
	return shifting(cat, seed, records)
}

// agentsOfDays are as agents, and no longer than some days: of one who is there
// there is a number in every minute.
func agentsOfDays(cat *catalog.Catalog, seed uint64) []sim.Record {
	records := sim.History(seed)
	stretch(records, []int64{1, 20, 60}[seed%3])
	return shifting(cat, seed, records)
}

func shifting(cat *catalog.Catalog, seed uint64, records []sim.Record) []sim.Record {
	if seed%3 == 0 {
		timing := cat.Timings["agent"]
		timing.Linger = timing.Heartbeat
		records = hone(rand.New(rand.NewPCG(seed, 5)), timing, records)
	}
	for i := range records {
		e := &records[i].Event
		if e.Type == "" {
			continue // what is no event stays none
		}
		if !e.IsClock() {
			// The same delivery twice is the same event twice.
			e.Kind = "agent"
			shift(rand.New(rand.NewPCG(seed^binary.BigEndian.Uint64(e.UID[:]), uint64(e.Revision))), e)
			e.Hash, _ = e.ContentHash(nil)
		}
		records[i].Bytes = e.Append(nil)
	}
	return records
}

// shift makes an event another one: of any type that concerns an agent, with
// any word that matters.
func shift(rnd *rand.Rand, e *event.Event) {
	pick := func(words ...string) string { return words[rnd.IntN(len(words))] }
	e.Type = pick("agent.login", "agent.login", "agent.queue_joined", "agent.queue_joined", "agent.state_changed", "agent.state_changed", "agent.state_changed",
		"agent.paused", "agent.paused", "agent.paused", "agent.unpaused", "agent.capacity_changed", "agent.heartbeat", "agent.heartbeat",
		"agent.queue_left", "agent.logout", "contact.offered", "contact.answered", "contact.answered", "contact.answered", "contact.hold_started",
		"contact.hold_ended", "contact.transferred", "contact.ended", "contact.ended", "contact.wrapup_started", "contact.wrapup_ended",
		"survey.responded", "a.type_to_come")
	e.Sequence = rnd.Int64N(3)
	e.Attrs = nil
	for _, field := range []struct {
		number int32
		words  []string
	}{
		{event.FieldQueueID, []string{"", "q0", "q1", "q2"}},
		{event.FieldContactID, []string{"", "c0", "c1", "c2", "c3"}},
		{event.FieldTeamID, []string{"", "", "", "t0", "t1"}},
		{event.FieldState, []string{"", "available", "available", "lunch", "busy"}},
		{event.FieldReason, []string{"", "r0", "r1"}},
	} {
		if word := pick(field.words...); word != "" {
			e.Attrs = append(e.Attrs, event.Attr{Number: field.number, Text: word, IsText: true})
		}
	}
	if n := rnd.IntN(6); n < 2 {
		e.Attrs = append(e.Attrs, event.Attr{Number: event.FieldAvailable, Int: int64(n)})
	}
	slices.SortFunc(e.Attrs, func(a, b event.Attr) int { return cmp.Compare(a.Number, b.Number) })
}

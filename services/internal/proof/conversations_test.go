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

// conversed are queries that count what histories of conversations must hold
// some of.
func conversed() []string {
	const facts = "SELECT count() FROM nabz_internal.fact_conversation FINAL WHERE deleted = 0 AND "
	const waits = "SELECT count() FROM nabz_internal.fact_reply FINAL WHERE deleted = 0 AND "
	return []string{
		facts + "outcome = 'merged'", facts + "outcome = 'deleted'", facts + "outcome = 'spam'", facts + "outcome = 'solved'",
		facts + "outcome = 'closed' AND full_resolution > 0", facts + "frt > 0 AND frt_assigned > 0 AND frt_assigned < frt", facts + "frt_clamped = 1",
		facts + "reopens > 1 AND requester_wait > agent_work AND agent_work > 0", facts + "started_at < opened_at", facts + "handoffs > 1",
		facts + "frt_started_at > started_at AND first_reply_at IS NULL AND frt_ended_at IS NOT NULL",
		facts + "frt_business < frt AND frt_business > 0", facts + "requester_wait_business < requester_wait AND team = 't1'",
		facts + "unassigned_business < unassigned AND team = ''", facts + "full_resolution_business = full_resolution AND full_resolution > 0",
		facts + "frt_assigned_business < frt_assigned", facts + "first_resolution_business < first_resolution", waits + "wait_business < wait AND wait_business > 0",
		"SELECT count() FROM (SELECT item FROM nabz_internal.fact_conversation FINAL WHERE deleted = 0 GROUP BY partition, feed, item HAVING count() > 2)",
		waits + "nth > 3 AND kind = 'next'", waits + "kind = 'first' AND nth > 1", waits + "sender != assignee AND assignee != ''",
	}
}

// conversations draws the records of a partition: the accidents are those of
// contacts, over minutes to a year, and each event is one of a conversation.
func conversations(cat *catalog.Catalog, seed uint64) []sim.Record {
	records := sim.History(seed)
	stretch(records, []int64{1, 60, 300, 1000, 10_000}[seed%5])
	if seed%3 == 0 {
		records = hone(rand.New(rand.NewPCG(seed, 3)), cat.Timings["conversation"], records)
	}
	return conversing(cat, seed, records)
}

// conversationsOfDays are as conversations, and no longer than some hours: for
// what is open there is a number in every minute.
func conversationsOfDays(cat *catalog.Catalog, seed uint64) []sim.Record {
	records := sim.History(seed)
	stretch(records, []int64{1, 2, 8}[seed%3])
	return conversing(cat, seed, records)
}

func conversing(cat *catalog.Catalog, seed uint64, records []sim.Record) []sim.Record {
	first := map[string]bool{}
	for i := range records {
		e := &records[i].Event
		if e.Type == "" {
			continue // what is no event stays none
		}
		if !e.IsClock() {
			if seed%2 == 0 {
				e.Entity = "t" + e.Entity[len(e.Entity)-1:] // fewer and longer
			}
			// The same delivery twice is the same event twice.
			rnd := rand.New(rand.NewPCG(seed^binary.BigEndian.Uint64(e.UID[:]), uint64(e.Revision)))
			opens := !first[e.Feed+"/"+e.Entity]
			first[e.Feed+"/"+e.Entity] = true
			e.Kind = "conversation"
			converse(cat, rnd, e, opens)
			e.Hash, _ = e.ContentHash(nil)
		}
		records[i].Bytes = e.Append(nil)
	}
	return records
}

// converse makes an event another one: of any type that concerns a
// conversation, with any word that matters.
func converse(cat *catalog.Catalog, rnd *rand.Rand, e *event.Event, opens bool) {
	pick := func(words ...string) string { return words[rnd.IntN(len(words))] }
	usual := []string{"message.created", "message.created", "message.created", "conversation.status_changed", "conversation.status_changed"}
	e.Type = pick(append(usual, usual...)...)
	if rnd.IntN(3) == 0 {
		e.Type = pick("conversation.assigned", "conversation.created", "conversation.reopened",
			"conversation.bot_handoff", "conversation.team_changed", "conversation.priority_changed", "conversation.type_changed",
			"conversation.tagged", "conversation.merged", "conversation.deleted", "survey.responded", "metric_clock.paused", "a.type_to_come")
	}
	if rare := e.Type == "conversation.merged" || e.Type == "conversation.deleted"; rare && rnd.IntN(3) > 0 {
		e.Type = "message.created"
	}
	if opens && rnd.IntN(3) > 0 {
		e.Type = "conversation.created"
	}
	attrs := map[string]string{
		"agent_id": pick("", "a0", "a1", "a2"), "customer_id": pick("", "u1", "u2"), "channel": pick("", "", "chat", "email"), "team_id": pick("", "", "", "t0", "t1"),
		"priority": pick("", "", "", "low", "high"), "ticket_type": pick("", "", "question", "complaint"), "actor": pick("", "customer", "agent"),
	}
	ints := map[string]int64{}
	switch e.Type {
	case "message.created":
		attrs["actor"] = pick("customer", "customer", "agent", "agent", "bot", "automation")
		attrs["visibility"] = pick("", "", "public", "public", "internal")
		if rnd.IntN(6) == 0 {
			ints["automated"] = rnd.Int64N(2)
		}
	case "conversation.created":
		attrs["status"] = pick("", "", "", "new", "pending", "solved")
		attrs["direction"] = pick("", "", "", "inbound", "outbound")
		attrs["initiation"] = pick("", "", "", "inbound", "outbound")
	case "conversation.status_changed":
		attrs["status"] = pick("new", "open", "open", "pending", "on_hold", "snoozed", "solved", "solved", "solved", "closed", "", "hmm")
		attrs["reason"] = pick("", "", "", "", "", "", "", "", "", "", "", "", "rule", "spam")
	case "conversation.deleted":
		attrs["reason"] = pick("", "", "spam")
	case "conversation.tagged":
		attrs["tag"] = pick("spam", "vip")
		if rnd.IntN(2) == 0 {
			ints["added"] = rnd.Int64N(2)
		}
	case "conversation.merged":
		attrs["into_conversation_id"] = pick(e.Entity, "another")
		if rnd.IntN(2) == 0 {
			ints["merged_began_at"] = e.Time - rnd.Int64N(100_000_000)
		}
	}
	e.Sequence = rnd.Int64N(3)
	e.Attrs = nil
	for name, word := range attrs {
		if f, ok := cat.Events.Field(name); ok && word != "" {
			e.Attrs = append(e.Attrs, event.Attr{Number: f.Number, Text: word, IsText: true})
		}
	}
	for name, n := range ints {
		if f, ok := cat.Events.Field(name); ok {
			e.Attrs = append(e.Attrs, event.Attr{Number: f.Number, Int: n})
		}
	}
	slices.SortFunc(e.Attrs, func(a, b event.Attr) int { return cmp.Compare(a.Number, b.Number) })
}

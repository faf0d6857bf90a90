package track_test

import (
	"bytes"
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/nabz/nabz/pkg/event"
	"github.com/nabz/nabz/pkg/kpi"
	"github.com/nabz/nabz/pkg/pane"
	"github.com/nabz/nabz/pkg/track"
	"github.com/nabz/nabz/pkg/track/agent"
)

// plain hides that a tracker can be paged.
type plain struct{ track.Tracker }

const horizon = 2_000_000 // ms

// agents makes the task of agents; unpaged, they keep all in one piece.
func agents(paged bool) track.Config {
	f := agent.NewFamilies()
	var tracker track.Tracker = agent.New(agent.Config{Families: f, HeartbeatMs: 300_000, MaxAgeMs: 900_000, LingerMs: 60_000})
	if !paged {
		tracker = plain{tracker}
	}
	c := track.Config{
		Epoch: 1, Rank: func(string) int { return 0 },
		Kinds: []track.Kind{{Name: agent.Kind, Tracker: tracker, Timing: track.Timing{Linger: 60_000, Horizon: horizon, MaxAge: 900_000, Panes: 120_000}}},
	}
	for _, x := range f.All() {
		from, to := x.Column("started_at"), x.Column("ended_at")
		c.Layouts = append(c.Layouts, pane.NewLayout(x, []*kpi.Measure{
			{Name: "open", Family: x, Op: kpi.Level, From: from, To: to},
			{Name: "spent", Family: x, Op: kpi.Sum, Column: x.Column("duration"), At: to},
		}))
	}
	return c
}

// shift draws the records of three agents, now and then late, again, revised,
// or replaced by an event at another time.
func shift(rnd *rand.Rand, n int) (out [][]byte) {
	pick := func(words ...string) string { return words[rnd.IntN(len(words))] }
	var sent []event.Event
	now := int64(1_700_000_000_000)
	for i := range n {
		now += rnd.Int64N(20_000)
		if rnd.IntN(60) == 0 {
			now += rnd.Int64N(2_000_000)
		}
		if rnd.IntN(5) == 0 {
			out = append(out, (&event.Event{Type: event.TypePulse, Time: now}).Append(nil))
			continue
		}
		e := event.Event{
			Tenant: "t", Kind: agent.Kind, Entity: pick("amy", "bob", "cyd"), Time: now - now%1000, Sequence: rnd.Int64N(2),
			Type: pick("agent.login", "agent.state_changed", "agent.paused", "agent.unpaused", "agent.heartbeat", "agent.queue_joined", "agent.queue_left",
				"agent.logout", "contact.answered", "contact.answered", "contact.ended", "contact.ended", "contact.wrapup_started", "contact.wrapup_ended"),
		}
		copy(e.UID[:], fmt.Sprintf("%016d", i))
		for number, words := range map[int32][]string{
			event.FieldQueueID: {"", "q1", "q2"}, event.FieldContactID: {"c1", "c2", "c3"}, event.FieldState: {"", "available", "x"},
			event.FieldReason: {"", "r"}, event.FieldTeamID: {"", "", "", "a", "b"},
		} {
			e.Attrs = append(e.Attrs, event.Attr{Number: number, Text: pick(words...), IsText: true})
		}
		slices.SortFunc(e.Attrs, func(a, b event.Attr) int { return cmp.Compare(a.Number, b.Number) })
		if rnd.IntN(6) == 0 {
			e.Time -= rnd.Int64N(1+rnd.Int64N(horizon)) / 1000 * 1000
		}
		if len(sent) > 0 && rnd.IntN(8) == 0 {
			old := sent[max(0, len(sent)-1-rnd.IntN(60))]
			switch rnd.IntN(3) {
			case 0:
				e = old
			case 1:
				e.UID, e.Time, e.Entity, e.Revision = old.UID, old.Time, old.Entity, 1
			case 2:
				e.Entity, e.Replaces, e.ReplacesTime, e.Withdrawn = old.Entity, old.UID, old.Time, rnd.IntN(2) == 0
			}
		}
		sent = append(sent, e)
		e.Hash, _ = e.ContentHash(nil)
		out = append(out, e.Append(nil))
	}
	return out
}

// written are the rows of one flush, in one order.
func written(task *track.Task) (rows [][]byte) {
	task.Flush(func(e track.Effect) { rows = append(rows, slices.Clone(e.Value)) })
	slices.SortFunc(rows, bytes.Compare)
	return rows
}

// TestPages holds a task whose items are kept in pages, and which is restored
// from its state now and then, to one that keeps all in one piece: every record
// gives the same rows.
func TestPages(t *testing.T) {
	pages := 0
	for seed := range uint64(20) {
		rnd := rand.New(rand.NewPCG(seed, 3))
		whole, task := track.NewTask(agents(false)), track.NewTask(agents(true))
		state := map[string]string{}
		put := func(key, value []byte) {
			if value == nil {
				delete(state, string(key))
			} else {
				state[string(key)] = string(value)
			}
		}
		for i, r := range shift(rnd, 900) {
			whole.Step(int64(i), r)
			task.Step(int64(i), r)
			want, got := written(whole), written(task)
			if !slices.EqualFunc(want, got, bytes.Equal) {
				t.Fatalf("seed %d, record %d: %d rows, want %d, or others", seed, i, len(got), len(want))
			}
			if rnd.IntN(40) == 0 {
				task.Checkpoint(rnd.IntN(3), put)
			}
			if rnd.IntN(80) == 0 {
				task.Checkpoint(0, put)
				if len(state) != task.Entries() {
					t.Fatalf("seed %d, record %d: %d entries in the log, %d in memory", seed, i, len(state), task.Entries())
				}
				again, err := track.Restore(agents(true), state, task.Position())
				if err != nil {
					t.Fatal(err)
				}
				task = again
				for key := range state {
					if key[0] == 'K' {
						pages++
					}
				}
			}
		}
	}
	if pages < 100 {
		t.Errorf("only %d pages were restored in all", pages)
	}
}

// BenchmarkShift is one more event, in order, of an agent with 2,000 of them
// within the horizon.
func BenchmarkShift(b *testing.B) {
	c := agents(true)
	c.Kinds[0].Timing.Horizon = 86_400_000
	task := track.NewTask(c)
	e := event.Event{Tenant: "t", Kind: agent.Kind, Entity: "amy", Time: 1_700_000_000_000, Type: "agent.login"}
	e.Attrs = []event.Attr{{Number: event.FieldContactID, Text: "c1", IsText: true}}
	step := func(i int) {
		e.Time += 43_200
		copy(e.UID[:], fmt.Sprintf("%016d", i))
		task.Step(int64(2*i), (&event.Event{Type: event.TypePulse, Time: e.Time}).Append(nil))
		e.Hash = uint64(i)
		task.Step(int64(2*i+1), e.Append(nil))
		e.Type = [...]string{"contact.answered", "contact.ended"}[i%2]
		if i%1000 == 0 {
			task.Flush(func(track.Effect) {})
		}
	}
	for i := range 2_000 {
		step(i)
	}
	for i := 2_000; b.Loop(); i++ {
		step(i)
	}
}

package agent

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/nabz/nabz/pkg/event"
	"github.com/nabz/nabz/pkg/fact"
	"github.com/nabz/nabz/pkg/item"
)

const base = int64(1_700_000_000_000)

// Beats may be 300 s apart, all else an hour.
func testTracker() *Tracker {
	return New(Config{Families: NewFamilies(), HeartbeatMs: 300_000, MaxAgeMs: 3_600_000, LingerMs: 600_000})
}

var ranks = []string{
	"agent.login", "agent.queue_joined", "agent.state_changed", "agent.paused", "agent.unpaused", "agent.capacity_changed",
	"agent.heartbeat", "contact.offered", "contact.answered", "contact.hold_started", "contact.hold_ended",
	"contact.transferred", "contact.ended", "agent.queue_left", "agent.logout", "contact.wrapup_started", "contact.wrapup_ended", "survey.responded",
}

func rank(typ string) int { return slices.Index(ranks, typ) }

var numbers = map[string]int32{
	"queue": event.FieldQueueID, "team": event.FieldTeamID, "state": event.FieldState, "reason": event.FieldReason,
	"available": event.FieldAvailable, "c": event.FieldContactID,
}

// happening reads an event such as `10 state_changed state=break`: seconds,
// type, attributes.
func happening(t *testing.T, i int, text string) event.Event {
	t.Helper()
	words := strings.Fields(text)
	at, err := strconv.ParseFloat(words[0], 64)
	if err != nil {
		t.Fatal(err)
	}
	typ := words[1]
	if !strings.Contains(typ, ".") {
		typ = "agent." + typ
	}
	if rank(typ) < 0 {
		t.Fatalf("no type %s", typ)
	}
	e := event.Event{Type: typ, Time: base + int64(at*1000)}
	copy(e.UID[:], fmt.Sprintf("%016d", i))
	for _, w := range words[2:] {
		name, v, _ := strings.Cut(w, "=")
		a := event.Attr{Number: numbers[name], Text: v, IsText: true}
		if name == "available" {
			a = event.Attr{Number: numbers[name], Int: int64(len(v) - 2)} // no, yes
		}
		e.Attrs = append(e.Attrs, a)
	}
	slices.SortFunc(e.Attrs, func(a, b event.Attr) int { return cmp.Compare(a.Number, b.Number) })
	return e
}

// told writes facts in words: seconds from the beginning of the story.
func told(facts []fact.Fact) []string {
	var out []string
	for i := range facts {
		f := &facts[i]
		words := []string{map[string]string{"login_span": "span", "agent_state": "", "agent_pause": "pause"}[f.Family.Name]}
		span := ""
		for c, col := range f.Family.Columns {
			v := f.Values[c]
			switch {
			case col.Name == "started_at":
				span = strconv.FormatFloat(float64(v.Int-base)/1000, 'f', -1, 64) + "-"
			case col.Name == "ended_at" && v.Set:
				span += strconv.FormatFloat(float64(v.Int-base)/1000, 'f', -1, 64)
			case col.Type == fact.Text && col.Name != "agent" && v.Text != "":
				words = append(words, v.Text)
			}
		}
		out = append(out, fmt.Sprintf("%014d", f.OpenedAt)+"|"+strings.TrimSpace(strings.Join(append(words, span), " ")))
	}
	slices.Sort(out)
	for i := range out {
		_, out[i], _ = strings.Cut(out[i], "|")
	}
	return out
}

func TestStories(t *testing.T) {
	f := func(name string, now float64, text, want string) {
		t.Helper()
		t.Run(name, func(t *testing.T) {
			t.Helper()
			it := &item.Item{Entity: "amy"}
			for i, line := range strings.Split(text, ";") {
				e := happening(t, i, line)
				it.Insert(&e, int64(i), rank)
			}
			var b fact.Buffer
			testTracker().Fold(it, base+int64(now*1000), &b)
			if got := strings.Join(told(b.Facts), "; "); got != want {
				t.Errorf("\n got %s\nwant %s", got, want)
			}
		})
	}
	f("a_shift", 999, "0 login team=a; 10 state_changed state=Available available=yes; 100 state_changed state=Lunch reason=r; 160 logout",
		"a available changed 0-10; span a login logout 0-160; a Available available changed 10-100; a Lunch unavailable r logout 100-160")
	f("goes_on", 50, "0 login state=available; 10 paused reason=tea",
		"available available changed 0-10; span login open 0-; available paused tea open 10-; pause tea open 10-")
	f("three_chats_at_once_are_one_time", 999, "0 login; 10 contact.answered c=x; 20 contact.answered c=y; 25 contact.answered c=z; 30 contact.ended c=y; 40 contact.ended c=x; 55 contact.ended c=z; 60 logout",
		"available changed 0-10; span login logout 0-60; contact changed 10-55; available logout 55-60")
	f("work_after_one_while_another_goes_on", 999, "0 login; 10 contact.answered c=x; 20 contact.answered c=y; 30 contact.ended c=x; 30 contact.wrapup_started c=x; 40 contact.ended c=y; 50 contact.wrapup_ended c=x; 60 logout",
		"available changed 0-10; span login logout 0-60; contact changed 10-40; wrapup changed 40-50; available logout 50-60")
	f("who_logged_in_stays_without_queues", 999, "0 login; 5 queue_joined queue=s; 10 queue_left queue=s; 20 logout",
		"available logout 0-20; span login logout 0-20")
	f("a_contact_comes_back_during_the_work_after_it", 999, "0 login; 10 contact.answered c=x; 20 contact.ended c=x; 20 contact.wrapup_started c=x; 30 contact.answered c=x; 40 contact.wrapup_ended c=x; 50 contact.ended c=x; 60 logout",
		"available changed 0-10; span login logout 0-60; contact changed 10-20; available changed 20-20; wrapup changed 20-30; contact changed 30-50; available logout 50-60")
	f("held_is_busy", 999, "0 login; 10 contact.answered c=x; 20 contact.hold_started c=x; 30 contact.hold_ended c=x; 40 contact.transferred c=x; 60 logout",
		"available changed 0-10; span login logout 0-60; contact changed 10-40; available logout 40-60")
	// Asterisk: a member of two queues is out of reach when both are paused.
	f("paused_in_one_of_two_queues", 999, "0 queue_joined queue=s; 0 queue_joined queue=t; 10 paused queue=s; 20 paused queue=t; 30 unpaused queue=s; 40 queue_left queue=s; 50 queue_left queue=t",
		"available changed 0-20; span queue_joined queue_left 0-50; pause s unpaused 10-30; pause t queue_left 20-50; paused changed 20-30; available changed 30-40; paused queue_left 40-50")
	f("paused_everywhere_and_lifted_in_one", 999, "0 queue_joined queue=s; 5 paused; 5 paused queue=s; 9 unpaused queue=s; 20 logout",
		"available changed 0-5; span queue_joined logout 0-20; pause s unpaused 5-9; pause unpaused 5-9; paused changed 5-9; available logout 9-20")
	f("another_reason_is_another_pause", 999, "0 login; 10 paused reason=tea; 15 paused reason=tea; 20 paused reason=talk; 30 unpaused; 40 logout",
		"available changed 0-10; span login logout 0-40; pause tea changed 10-20; paused tea changed 10-20; pause talk unpaused 20-30; paused talk changed 20-30; available logout 30-40")
	f("the_log_begins_in_the_middle", 999, "0 heartbeat state=x; 5 contact.ended c=x; 10 contact.answered c=y; 20 contact.ended c=y; 30 state_changed state=x; 40 logout",
		"contact changed 10-20; span inferred logout 10-40; available changed 20-30; x unavailable logout 30-40")
	f("logged_in_twice", 999, "0 login team=a; 10 login; 30 logout; 40 logout",
		"a available logout 0-30; span a login login 0-10; span a login logout 10-30")
	f("no_log_out", 3699, "0 login; 100 contact.answered c=x", "available changed 0-100; span login open 0-; contact open 100-")
	f("lost_by_silence", 3700, "0 login; 100 contact.answered c=x", "available changed 0-100; span login silence 0-100; contact silence 100-100")
	f("lost_by_evidence", 3000, "0 login; 100 heartbeat; 400.001 state_changed state=x", "available silence 0-100; span login silence 0-100; span inferred open 400.001-; x unavailable open 400.001-")
	f("in_the_nick_of_time", 3000, "0 login; 100 heartbeat; 400 logout", "available logout 0-400; span login logout 0-400")
	f("a_beat_tells_a_state_that_was_missed", 300, "0 login state=available; 100 heartbeat state=available; 200 heartbeat state=break available=no",
		"available available changed 0-200; span login open 0-; break unavailable open 200-")
	f("what_others_do_is_no_sign_of_life", 9999, "0 login; 3000 contact.offered c=x; 3500 survey.responded", "available silence 0-0; span login silence 0-0")
	f("beats_after_the_log_out", 999, "0 login; 10 logout; 130 heartbeat; 250 heartbeat", "available logout 0-10; span login logout 0-10")
	f("a_source_says_that_it_is_available", 99, "0 state_changed state=Bereit available=yes", "Bereit available open 0-; span inferred open 0-")
}

// draw makes the events of a random agent.
func draw(t *testing.T, rnd *rand.Rand, n int) []event.Event {
	t.Helper()
	pick := func(words ...string) string { return words[rnd.IntN(len(words))] }
	var out []event.Event
	at := 0
	for i := range n {
		at += rnd.IntN(rnd.IntN(120)*rnd.IntN(2) + 1)
		if rnd.IntN(40) == 0 {
			at += rnd.IntN(5000)
		}
		typ := pick(append(ranks, "contact.answered", "contact.ended", "contact.ended", "agent.paused", "agent.unpaused", "agent.heartbeat")...)
		if typ == "agent.logout" && rnd.IntN(2) == 0 {
			typ = "contact.answered"
		}
		e := happening(t, i, fmt.Sprintf("%d %s state=%s reason=%s queue=%s c=%s available=%s",
			at, typ, pick("", "available", "x", "y"), pick("", "r1", "r2"), pick("", "q1", "q2", "q3"), pick("c1", "c2", "c3"), pick("no", "yes")))
		if rnd.IntN(3) > 0 { // most name neither a team nor whether it is available
			e.Attrs = slices.DeleteFunc(e.Attrs, func(a event.Attr) bool { return a.Number == event.FieldAvailable })
		} else {
			e.Attrs = append([]event.Attr{{Number: event.FieldTeamID, Text: pick("a", "b"), IsText: true}}, e.Attrs...)
			slices.SortFunc(e.Attrs, func(a, b event.Attr) int { return cmp.Compare(a.Number, b.Number) })
		}
		out = append(out, e)
	}
	return out
}

// TestBase folds random agents in pieces, each behind the base of what was
// before: the facts are those of the whole.
func TestBase(t *testing.T) {
	tracker := testTracker()
	for seed := range uint64(300) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		whole := &item.Item{Entity: "amy"}
		for i, e := range draw(t, rnd, 120) {
			whole.Insert(&e, int64(i), rank)
		}
		now := whole.Last() + rnd.Int64N(4_000_000)
		var want fact.Buffer
		lostAt, overAt := tracker.Fold(whole, now, &want)
		rest := &item.Item{Entity: "amy", Events: slices.Clone(whole.Events)}
		ended := map[string]int{}
		keep := func(facts []fact.Fact, in map[string]int) {
			for _, words := range told(facts) {
				if !strings.Contains(" "+words, " "+Open+" ") {
					in[words]++
				}
			}
		}
		for len(rest.Events) > 0 {
			n := 1 + rnd.IntN(len(rest.Events))
			// Facts that end in these are told by them, at a clock that stands still.
			piece := &item.Item{Entity: "amy", Base: rest.Base, Events: rest.Events[:n]}
			var b fact.Buffer
			tracker.Fold(piece, 0, &b)
			if n < len(rest.Events) {
				keep(b.Facts, ended)
			} else {
				b.Reset()
				a, o := tracker.Fold(piece, now, &b)
				if a != lostAt || o != overAt {
					t.Fatalf("seed %d: looked at in %d, %d, want %d, %d", seed, a, o, lostAt, overAt)
				}
				keep(b.Facts, ended)
			}
			rest.Base, rest.Events = tracker.Base(piece, n), rest.Events[n:]
		}
		all := map[string]int{}
		keep(want.Facts, all)
		if len(all) == 0 || fmt.Sprint(all) != fmt.Sprint(ended) {
			t.Fatalf("seed %d:\n got %v\nwant %v", seed, ended, all)
		}
	}
}

// TestOneStayAtATime holds the stays of random agents to be the log-in spans,
// cut: so time is counted once, and none is left out.
func TestOneStayAtATime(t *testing.T) {
	tracker := testTracker()
	for seed := range uint64(300) {
		it := &item.Item{Entity: "amy"}
		for i, e := range draw(t, rand.New(rand.NewPCG(seed, 2)), 120) {
			it.Insert(&e, int64(i), rank)
		}
		var b fact.Buffer
		now := it.Last() + 1
		tracker.Fold(it, now, &b)
		var spans, stays int64
		for i := range b.Facts {
			v := b.Facts[i].Values
			switch b.Facts[i].Family.Name {
			case "login_span":
				to := now
				if v[SpanEndedAt].Set {
					to = v[SpanEndedAt].Int
				}
				spans += to - v[SpanStartedAt].Int
			case "agent_state":
				to := now
				if v[StateEndedAt].Set {
					to = v[StateEndedAt].Int
				}
				stays += to - v[StateStartedAt].Int
			}
		}
		if spans == 0 || spans != stays {
			t.Fatalf("seed %d: %d ms in spans, %d ms in stays", seed, spans, stays)
		}
	}
}

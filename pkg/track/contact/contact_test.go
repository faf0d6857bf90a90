package contact

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/nabz/nabz/pkg/event"
	"github.com/nabz/nabz/pkg/fact"
	"github.com/nabz/nabz/pkg/item"
)

const (
	hour = int64(3_600_000)
	base = int64(1_700_000_000_000)
)

func testTracker() *Tracker {
	return New(Config{Families: NewFamilies(), Opener: opens, LingerMs: hour, MaxAgeMs: 24 * hour})
}

func opens(typ string) bool {
	switch typ {
	case "contact.created", "contact.queued", "contact.answered", "contact.not_offered", "contact.callback_scheduled":
		return true
	}
	return false
}

var testRanks = []string{
	"created", "not_offered", "queued", "dequeued", "answered", "hold_started", "hold_ended", "transferred",
	"callback_scheduled", "ended", "wrapup_started", "wrapup_ended",
}

func testRank(typ string) int { return slices.Index(testRanks, strings.TrimPrefix(typ, "contact.")) }

// story makes the item of events such as `10 answered amy sales`, one a
// semicolon: seconds, type, then agent=, queue=, outcome=, by=, mode=.
func story(t *testing.T, text string) *item.Item {
	t.Helper()
	numbers := map[string]int32{
		"agent": event.FieldAgentID, "queue": event.FieldQueueID, "outcome": event.FieldOutcome, "by": event.FieldBy, "mode": event.FieldMode,
	}
	it := &item.Item{}
	for i, line := range strings.Split(text, ";") {
		words := strings.Fields(line)
		at, err := strconv.ParseFloat(words[0], 64)
		if err != nil {
			t.Fatal(err)
		}
		e := event.Event{Type: "contact." + words[1], Time: base + int64(math.Round(at*1000))}
		copy(e.UID[:], fmt.Sprintf("%016d", i))
		for _, w := range words[2:] {
			name, v, _ := strings.Cut(w, "=")
			e.Attrs = append(e.Attrs, event.Attr{Number: numbers[name], Text: v, IsText: true})
		}
		slices.SortFunc(e.Attrs, func(a, b event.Attr) int { return cmp.Compare(a.Number, b.Number) })
		it.Insert(&e, int64(i), testRank)
	}
	return it
}

// told writes facts in words: seconds from the beginning of the story.
func told(b *fact.Buffer) string {
	s := func(v fact.Value) string {
		if !v.Set {
			return "?"
		}
		return strconv.FormatFloat(float64(v.Int-base)/1000, 'f', -1, 64)
	}
	d := func(v fact.Value) string {
		if !v.Set {
			return "?"
		}
		return strconv.FormatFloat(float64(v.Int)/1000, 'f', -1, 64)
	}
	var out []string
	for i := range b.Facts {
		v := b.Facts[i].Values
		switch b.Facts[i].Family.Name {
		case "queue_segment":
			out = append(out, fmt.Sprintf("%s#%d %s-%s %s", v[QueueQueue].Text, v[QueueNth].Int, s(v[QueueEnqueuedAt]), s(v[QueueLeftAt]), v[QueueOutcome].Text))
		case "agent_segment":
			out = append(out, fmt.Sprintf("%s %s-%s %s talk=%s hold=%s wrap=%s", v[AgentAgent].Text, s(v[AgentStartedAt]), s(v[AgentEndedAt]),
				v[AgentState].Text, d(v[AgentTalk]), d(v[AgentHold]), d(v[AgentWrapup])))
		case "contact":
			out = append(out, fmt.Sprintf("contact %s-%s %s %s", s(v[ContactStartedAt]), s(v[ContactEndedAt]), v[ContactState].Text, v[ContactOutcome].Text))
		}
	}
	return strings.Join(out, "; ")
}

func TestStories(t *testing.T) {
	tracker := testTracker()
	f := func(name string, now float64, text, want string) {
		t.Helper()
		t.Run(name, func(t *testing.T) {
			t.Helper()
			var b fact.Buffer
			tracker.Fold(story(t, text), base+int64(math.Round(now*1000)), &b)
			if got := told(&b); got != want {
				t.Errorf("\n got %s\nwant %s", got, want)
			}
		})
	}
	f("answered", 100, "0 queued queue=s; 10 answered agent=amy; 70 ended by=customer",
		"s#1 0-10 answered; amy 10-70 ended talk=60 hold=0 wrap=0; contact 0-70 closed answered")
	f("waits", 100, "0 queued queue=s",
		"s#1 0-? waiting; contact 0-? open waiting")
	f("hangs_up_in_the_queue", 100, "0 queued queue=s; 7 ended by=customer",
		"s#1 0-7 abandoned; contact 0-7 closed abandoned")
	f("cut_off_in_the_queue", 100, "0 queued queue=s; 7 ended by=network",
		"s#1 0-7 system; contact 0-7 closed system")
	f("asks_for_a_callback", 100, "0 queued queue=s; 30 callback_scheduled queue=s",
		"s#1 0-30 callback; contact 0-30 closed callback")
	f("turned_away", 100, "0 not_offered queue=s outcome=join_empty",
		"s#1 0-0 join_empty; contact 0-0 closed join_empty")
	f("wait_of_zero", 100, "0 answered agent=amy; 0 queued queue=s; 5 ended by=agent",
		"s#1 0-0 answered; amy 0-5 ended talk=5 hold=0 wrap=0; contact 0-5 closed answered")
	f("same_queue_twice", 200, "0 queued queue=s; 10 answered agent=amy; 20 transferred agent=amy mode=queue; 20 queued queue=s; 50 answered agent=bob; 60 ended by=customer",
		"s#1 0-10 answered; s#2 20-50 answered; amy 10-20 ended talk=10 hold=0 wrap=0; bob 50-60 ended talk=10 hold=0 wrap=0; contact 0-60 closed answered")
	f("moved_by_the_system", 200, "0 queued queue=s; 30 queued queue=t; 40 answered agent=bob; 60 ended by=customer",
		"s#1 0-30 flow_out; t#1 30-40 answered; bob 40-60 ended talk=20 hold=0 wrap=0; contact 0-60 closed answered")
	// Within one millisecond an entry is folded first, and the word on what was
	// left before it is still about that.
	f("from_queue_to_queue_at_once", 200, "0 queued queue=s; 30 dequeued queue=s outcome=transferred; 30 queued queue=t; 30 answered queue=t agent=bob; 60 ended by=customer",
		"s#1 0-30 transferred; t#1 30-30 answered; bob 30-60 ended talk=30 hold=0 wrap=0; contact 0-60 closed answered")
	f("back_into_the_same_queue_at_once", 200, "0 queued queue=s; 30 dequeued queue=s outcome=timeout; 30 queued queue=s; 50 dequeued queue=s outcome=abandoned; 50 ended",
		"s#1 0-30 timeout; s#2 30-50 abandoned; contact 0-50 closed abandoned")
	f("through_three_queues_at_once", 200, "0 queued queue=s; 30 dequeued outcome=timeout; 30 queued queue=t; 30 callback_scheduled queue=t; 30 queued queue=u; 40 ended",
		"s#1 0-30 timeout; t#1 30-30 callback; u#1 30-40 abandoned; contact 0-40 closed abandoned")
	f("answered_and_sent_on_at_once", 200, "0 queued queue=s; 30 answered queue=s agent=amy; 30 transferred agent=amy mode=queue; 30 queued queue=t; 45 ended",
		"s#1 0-30 answered; t#1 30-45 abandoned; amy 30-30 ended talk=0 hold=0 wrap=0; contact 0-45 closed answered")
	f("taken_and_sent_back_into_the_same_queue_at_once", 200, "0 queued queue=s; 9 dequeued queue=s outcome=answered; 9 answered queue=s agent=amy; 9 transferred agent=amy mode=blind; 9 queued queue=s; 32 dequeued queue=s outcome=abandoned",
		"s#1 0-9 answered; s#2 9-32 abandoned; amy 9-9 ended talk=0 hold=0 wrap=0; contact 0-32 closed answered")
	f("answered_of_no_queue_is_of_the_newest", 200, "0 queued queue=s; 30 queued queue=t; 30 answered agent=amy; 45 ended",
		"s#1 0-30 flow_out; t#1 30-30 answered; amy 30-45 ended talk=15 hold=0 wrap=0; contact 0-45 closed answered")
	f("holds_count_apart", 200, "0 answered agent=amy; 10 hold_started agent=amy; 25 hold_ended agent=amy; 30 hold_started agent=amy; 60 ended by=customer",
		"amy 0-60 ended talk=15 hold=45 wrap=0; contact 0-60 closed answered")
	// Amazon Connect's worked example of after-contact work: 5.005 s.
	f("wrapup_without_a_start", 200, "0 answered agent=amy; 60 ended by=customer; 65.005 wrapup_ended agent=amy",
		"amy 0-60 ended talk=60 hold=0 wrap=5.005; contact 0-60 closed answered")
	f("answered_is_told_twice", 200, "0 answered agent=amy; 5 answered agent=amy; 60 ended by=customer",
		"amy 0-60 ended talk=60 hold=0 wrap=0; contact 0-60 closed answered")
	f("wrapup_ends_it", 200, "0 answered agent=amy; 60 wrapup_started agent=amy; 70 wrapup_ended agent=amy",
		"amy 0-60 ended talk=60 hold=0 wrap=10; contact 0-60 closed answered")
	f("wrapup_goes_on", 200, "0 answered agent=amy; 60 ended by=customer; 62 wrapup_started agent=amy",
		"amy 0-60 wrapup talk=60 hold=0 wrap=?; contact 0-60 closed answered")
	f("consulted_agent_stays", 200, "0 answered agent=amy; 20 answered agent=bob; 30 transferred agent=amy mode=attended; 90 ended by=customer",
		"amy 0-30 ended talk=30 hold=0 wrap=0; bob 20-90 ended talk=70 hold=0 wrap=0; contact 0-90 closed answered")
	f("one_agents_leg_ends", 200, "0 answered agent=amy; 20 answered agent=bob; 30 ended agent=amy by=agent; 40 ended by=customer",
		"amy 0-30 ended talk=30 hold=0 wrap=0; bob 20-40 ended talk=20 hold=0 wrap=0; contact 0-40 closed answered")
	f("lost_by_silence", 24*3600, "0 queued queue=s",
		"s#1 0-? lost; contact 0-? lost lost")
	f("not_lost_a_moment_before", 24*3600-0.001, "0 queued queue=s",
		"s#1 0-? waiting; contact 0-? open waiting")
	f("lost_by_evidence", 100, "0 answered agent=amy; 90000 ended by=customer",
		"amy 0-? lost talk=? hold=? wrap=?; contact 0-? lost answered")
	f("in_the_nick_of_time", 24*3600, "0 answered agent=amy; 86400 ended by=customer",
		"amy 0-86400 ended talk=86400 hold=0 wrap=0; contact 0-86400 closed answered")
	f("an_id_comes_back", 100, "0 queued queue=s; 5 ended by=customer; 3605.001 queued queue=s; 3610 answered agent=amy; 3620 ended by=customer",
		"s#1 0-5 abandoned; contact 0-5 closed abandoned; s#1 3605.001-3610 answered; amy 3610-3620 ended talk=10 hold=0 wrap=0; contact 3605.001-3620 closed answered")
	f("within_the_linger_it_is_the_same", 100, "0 queued queue=s; 5 ended by=customer; 3605 queued queue=s; 3610 ended by=customer",
		"s#1 0-5 abandoned; s#2 3605-3610 abandoned; contact 0-3610 closed abandoned")
	f("a_tail_without_an_opener", 100, "0 ended by=customer; 5 wrapup_ended agent=amy", "")
	f("created_and_nowhere_yet", 100, "0 created", "contact 0-? open ")
}

// TestTransfers counts how often a contact was passed on.
func TestTransfers(t *testing.T) {
	var b fact.Buffer
	testTracker().Fold(story(t, "0 queued queue=s; 10 answered agent=amy; 20 transferred agent=amy mode=blind; 20 queued queue=t; 30 transferred mode=external; 40 ended"), base+hour, &b)
	if v := b.Facts[len(b.Facts)-1].Values[ContactTransfers]; v.Int != 2 {
		t.Errorf("%d transfers, want 2", v.Int)
	}
}

// TestSettled shows when a contact may be forgotten.
func TestSettled(t *testing.T) {
	tracker := testTracker()
	f := func(name, text string, bound float64, settled, orphans int) {
		t.Helper()
		t.Run(name, func(t *testing.T) {
			t.Helper()
			n := 0
			at := base + int64(math.Round(bound*1000))
			got := tracker.Settled(story(t, text), at+24*hour, at, func(*item.Held) { n++ })
			if got != settled || n != orphans {
				t.Errorf("got %d settled, %d orphans, want %d, %d", got, n, settled, orphans)
			}
		})
	}
	f("over_and_done", "0 queued queue=s; 5 ended by=customer", 3605.001, 2, 0)
	f("may_still_take_an_event", "0 queued queue=s; 5 ended by=customer", 3605, 0, 0)
	f("the_first_life_alone", "0 queued queue=s; 5 ended by=customer; 8000 queued queue=s", 9000, 2, 0)
	f("orphans", "0 ended by=customer; 5 wrapup_ended agent=amy", 3605.001, 2, 2)
	f("open_is_never_settled", "0 queued queue=s", 0, 0, 0)
}

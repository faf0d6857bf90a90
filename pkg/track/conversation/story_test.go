package conversation

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
	base = int64(1_700_000_000_000)
	day  = int64(86_400_000)
	// entity is the conversation of all stories.
	entity = "c"
)

var families = NewFamilies()

// testTracker has desks that are open in every even minute; that of the team
// night is in every odd one.
func testTracker() *Tracker {
	return New(Config{
		Families: families, Opener: func(typ string) bool { return typ == typeCreated }, Business: evenMinutes,
		LingerMs: 7 * day, KeepMs: 90 * day, MaxAgeMs: 365 * day,
	})
}

func evenMinutes(_, team string, from, to int64) int64 {
	const minute = 60_000
	if team == "night" {
		return to - from - evenMinutes("", "", from, to)
	}
	passed := func(t int64) int64 { return (t-base)/(2*minute)*minute + min((t-base)%(2*minute), minute) }
	return passed(to) - passed(from)
}

var testRanks = map[string]int{
	typeCreated: 10, typeMessage: 20, typeAssigned: 30, typeTeamChanged: 31, typePriorityChanged: 32, typeTypeChanged: 33,
	typeTagged: 34, typeBotHandoff: 35, typeStatusChanged: 40, typeReopened: 41, typeMerged: 70, typeDeleted: 80,
}

func testRank(typ string) int { return testRanks[typ] }

var testFields = map[string]int32{
	"agent": event.FieldAgentID, "customer": event.FieldCustomerID, "channel": event.FieldChannel, "team": event.FieldTeamID,
	"priority": event.FieldPriority, "type": event.FieldTicketType, "status": event.FieldStatus, "actor": event.FieldActor,
	"visibility": event.FieldVisibility, "tag": event.FieldTag, "reason": event.FieldReason, "into": event.FieldIntoConversationID,
	"direction": event.FieldDirection,
}

// words turns `10 status status=open` into an event: seconds from the beginning
// of the story, what happened, and with which words. customer, agent, note and
// bot are messages.
func words(t *testing.T, number int, line string) event.Event {
	t.Helper()
	part := strings.Fields(line)
	at, err := strconv.ParseFloat(part[0], 64)
	if err != nil {
		t.Fatal(err)
	}
	e := event.Event{Kind: Kind, Entity: entity, Time: base + int64(math.Round(at*1000))}
	copy(e.UID[:], fmt.Sprintf("%016d", number))
	say := func(name, v string) {
		e.Attrs = append(e.Attrs, event.Attr{Number: testFields[name], Text: v, IsText: true})
	}
	switch part[1] {
	case "customer", "bot", "automation":
		e.Type = typeMessage
		say("actor", part[1])
	case "agent", "note":
		e.Type = typeMessage
		say("actor", "agent")
		if part[1] == "note" {
			say("visibility", "internal")
		}
	case "status":
		e.Type = typeStatusChanged
	default:
		e.Type = "conversation." + part[1]
	}
	for _, w := range part[2:] {
		name, v, valued := strings.Cut(w, "=")
		switch {
		case name == "automated":
			e.Attrs = append(e.Attrs, event.Attr{Number: event.FieldAutomated, Int: 1})
		case name == "removed":
			e.Attrs = append(e.Attrs, event.Attr{Number: event.FieldAdded})
		case name == "began":
			ms, _ := strconv.ParseInt(v, 10, 64)
			e.Attrs = append(e.Attrs, event.Attr{Number: event.FieldMergedBeganAt, Int: base + 1000*ms})
		case !valued && e.Type == typeStatusChanged:
			say("status", w)
		case !valued && (e.Type == typeMessage || e.Type == typeAssigned):
			say("agent", w)
		default:
			say(name, v)
		}
	}
	slices.SortFunc(e.Attrs, func(a, b event.Attr) int { return cmp.Compare(a.Number, b.Number) })
	return e
}

// story makes the item of events, one a semicolon.
func story(t *testing.T, text string) *item.Item {
	t.Helper()
	it := &item.Item{Entity: entity}
	for i, line := range strings.Split(text, ";") {
		e := words(t, i, line)
		it.Insert(&e, int64(i), testRank)
	}
	return it
}

// said writes a value: spans and instants in seconds, instants from the
// beginning of the story.
func said(c *fact.Column, v fact.Value) string {
	switch {
	case !v.Set:
		return "?"
	case c.Type == fact.Text:
		return v.Text
	case c.Type == fact.Time:
		return strconv.FormatFloat(float64(v.Int-base)/1000, 'f', -1, 64)
	case c.Type == fact.Duration:
		return strconv.FormatFloat(float64(v.Int)/1000, 'f', -1, 64)
	}
	return strconv.FormatInt(v.Int, 10)
}

// told writes the facts: of each conversation the columns that are asked for,
// and each reply as since-end outcome.
func told(b *fact.Buffer, columns ...string) string {
	var out []string
	for i := range b.Facts {
		f := &b.Facts[i]
		if f.Family == families.Reply {
			v := f.Values
			c := f.Family.Columns
			out = append(out, fmt.Sprintf("%s#%d %s-%s %s", v[ReplyKind].Text, v[ReplyNth].Int,
				said(&c[ReplyWaitingSince], v[ReplyWaitingSince]), said(&c[ReplyEndedAt], v[ReplyEndedAt]), v[ReplyOutcome].Text))
			continue
		}
		var row []string
		for _, name := range columns {
			j := f.Family.Column(name)
			if j < 0 {
				panic("no column " + name)
			}
			row = append(row, name+"="+said(&f.Family.Columns[j], f.Values[j]))
		}
		out = append(out, strings.Join(row, " "))
	}
	return strings.Join(out, "; ")
}

// tale tells stories and holds the facts against what they should be. The
// columns that want names are those that are looked at.
func tale(t *testing.T) func(name string, now float64, text, want string) {
	tracker := testTracker()
	return func(name string, now float64, text, want string) {
		t.Helper()
		t.Run(name, func(t *testing.T) {
			t.Helper()
			var columns []string
			for _, w := range strings.Fields(want[strings.LastIndex(want, ";")+1:]) {
				column, _, _ := strings.Cut(w, "=")
				columns = append(columns, column)
			}
			var b fact.Buffer
			tracker.Fold(story(t, text), base+int64(math.Round(now*1000)), &b)
			if got := told(&b, columns...); got != want {
				t.Errorf("\n got %s\nwant %s", got, want)
			}
		})
	}
}

func TestFirstReply(t *testing.T) {
	f := tale(t)
	f("from_the_customers_word_to_a_persons", 900, "0 created channel=email; 10 customer; 70 agent amy",
		"first#1 10-70 answered; frt_started_at=10 frt_ended_at=70 frt=60 frt_business=50 first_reply_by=amy touches=1")
	f("from_the_creation_where_the_customer_wrote_nothing_more", 900, "0 created channel=web; 100 agent amy", "frt_started_at=0 frt=100")
	f("from_the_oldest_of_several_words", 900, "0 created; 10 customer; 20 customer; 70 agent amy", "first#1 10-70 answered; frt_started_at=10 frt=60")
	f("waits", 900, "0 created; 10 customer", "first#1 10-? waiting; frt_started_at=10 frt_ended_at=? frt=?")
	f("private_notes_never_stop_it", 900, "0 created; 10 customer; 20 note amy; 70 agent bob",
		"first#1 10-70 answered; frt=60 first_reply_by=bob touches=1 handoffs=1")
	f("bots_and_automations_never_count", 900, "0 created; 10 customer; 11 bot; 12 automation; 13 agent amy automated; 70 agent amy",
		"first#1 10-70 answered; frt=60 touches=1")
	f("a_third_party_in_copy_counts_as_the_customer", 900, "0 created customer=u1; 0 customer customer=u1; 5 agent amy; 10 customer customer=u2; 70 agent amy",
		"first#1 0-5 answered; next#2 10-70 answered; frt=5 customer=u1 touches=2")
	f("bot_handoff_moves_the_start", 900, "0 created; 0 customer; 5 bot; 20 bot_handoff; 62 agent amy", // Chatwoot's example: 42 s
		"first#1 0-62 answered; frt_started_at=20 frt=42")
	f("a_handoff_counts_once", 900, "0 created; 0 customer; 20 bot_handoff; 40 bot_handoff; 62 agent amy",
		"first#1 0-62 answered; frt_started_at=20 frt=42")
	f("what_an_agent_began_has_none", 900, "0 created actor=agent; 0 agent amy; 60 agent amy", "frt_started_at=? frt=? touches=2")
	f("until_the_customer_writes", 900, "0 created direction=outbound; 0 agent amy; 60 customer; 90 agent bob",
		"first#1 60-90 answered; frt_started_at=60 frt=30 first_reply_by=bob touches=2")
	f("a_reply_dated_before_the_conversation_takes_no_time", 900, "0 agent amy; 5 created", "frt_started_at=5 frt=0 frt_clamped=1")
	f("solved_by_a_bot_and_opened_again", 6e5, "0 created; 0 customer; 300 status solved actor=bot; 450000 customer; 450000 status open; 450600 agent amy", // chatwoot#12058: 10 min
		"first#1 0-300 closed; first#2 450000-450600 answered; frt_started_at=450000 frt=600 reopens=1")
	f("ends_unanswered_with_the_conversation", 900, "0 created; 10 customer; 50 status solved", "first#1 10-50 closed; frt_started_at=10 frt_ended_at=50 frt=?")
	f("since_the_assignment", 900, "0 created; 0 customer; 30 assigned amy; 60 assigned bob; 100 agent bob",
		"first#1 0-100 answered; frt=100 frt_assigned=40 frt_assigned_business=0 first_reply_assignee=bob")
	f("sender_and_assignee_are_two", 900, "0 created; 0 customer; 30 assigned amy; 100 agent bob",
		"first#1 0-100 answered; first_reply_by=bob first_reply_assignee=amy first_agent=amy last_agent=bob frt_assigned=70")
}

func TestReplies(t *testing.T) {
	f := tale(t)
	f("the_earliest_of_each", 900, "0 created; 0 customer; 10 agent amy; 20 agent amy; 100 customer; 130 customer; 200 agent bob; 210 agent bob",
		"first#1 0-10 answered; next#2 100-200 answered; replies=2 touches=4")
	f("a_trailing_word_is_no_finished_wait", 900, "0 created; 0 customer; 10 agent amy; 100 customer", "first#1 0-10 answered; next#2 100-? waiting; replies=1")
	f("several_reopens", 2e4, "0 created; 0 customer; 60 agent amy; 70 status solved; 1000 customer; 1000 status open; 4600 agent amy; 4700 status solved; 5000 customer; 5000 status open; 6800 agent amy",
		"first#1 0-60 answered; next#2 1000-4600 answered; next#3 5000-6800 answered; reopens=2 solves=2") // Chatwoot's example: 3600 s and 1800 s
	f("thanks_after_the_solution_wait_for_nothing", 900, "0 created; 0 customer; 60 agent amy; 70 status solved; 80 customer", "first#1 0-60 answered; state=closed")
	f("merged_while_it_waits", 900, "0 created; 0 customer; 60 merged into=d", "first#1 0-60 merged; outcome=merged")
	f("one_touch", 900, "0 created; 0 customer; 60 agent amy; 70 note bob; 80 status solved", "first#1 0-60 answered; touches=1 handoffs=1 solves=1")
}

func TestClocks(t *testing.T) {
	f := tale(t)
	f("pending_pauses_both_and_on_hold_one", 900, "0 created; 100 status pending; 150 status open; 200 status on_hold; 260 status open; 300 status solved",
		"requester_wait=250 agent_work=190 first_resolution=300 full_resolution=300 first_resolution_business=180")
	f("in_the_hours_of_the_team", 900, "0 created team=early; 10 customer; 70 agent amy; 90 team_changed team=night; 150 status solved",
		"first#1 10-70 answered; frt_business=10 first_resolution_business=60 requester_wait=150 requester_wait_business=110")
	f("snooze_pauses", 900, "0 created; 100 status snoozed; 150 status open; 200 status solved", "requester_wait=150 agent_work=150")
	f("pending_is_what_the_mapping_says_it_is", 900, "0 created status=pending; 100 status open; 200 status solved", "requester_wait=100 agent_work=100")
	f("a_status_of_no_mapping_is_no_status", 900, "0 created; 100 status hmm; 200 status solved", "requester_wait=200 status=solved")
	f("nobody_has_it", 900, "0 created; 30 assigned amy; 60 assigned; 100 assigned bob; 200 status solved", "unassigned=70 unassigned_business=30")
	f("unknown_while_it_is_open", 900, "0 created; 100 status pending", "requester_wait=? agent_work=? unassigned=? first_resolution=? ended_at=?")
	f("first_and_last_solution", 900, "0 created; 100 status solved; 200 status open; 400 status solved",
		"first_solved_at=100 last_solved_at=400 first_resolution=100 full_resolution=400 requester_wait=300 solves=2 reopens=1")
	f("opened_again", 900, "0 created; 100 status solved; 200 reopened", "first_resolution=100 full_resolution=? last_solved_at=? state=open reopens=1")
	f("opened_again_is_told_twice", 900, "0 created; 100 status solved; 200 status open; 200 reopened", "state=open reopens=1")
	f("closed_unsolved_counts", 900, "0 created; 100 status closed", "first_resolution=100 outcome=closed solves=1")
	f("closed_after_solved_is_no_second", 900, "0 created; 100 status solved; 200 status closed", "full_resolution=100 outcome=solved status=closed solves=1")
}

func TestEnds(t *testing.T) {
	f := tale(t)
	f("merged_is_not_resolved", 900, "0 created; 100 status solved; 150 status open; 200 merged into=d",
		"outcome=merged state=closed ended_at=200 first_resolution=? full_resolution=? requester_wait=150")
	f("merged_stays_merged", 900, "0 created; 200 merged into=d; 300 status open", "outcome=merged status=new reopens=0")
	f("what_it_is_merged_into_begins_with_the_earlier", 900, "0 created channel=chat; 100 merged into=c began=-500 channel=email; 200 status solved",
		"started_at=-500 channel=chat outcome=solved first_resolution=700")
	f("split_off_has_clocks_of_its_own", 900, "0 created customer=u1; 50 status solved", "customer=u1 started_at=0 first_resolution=50")
	f("deleted_takes_all_back", 900, "0 created; 0 customer; 60 agent amy; 70 customer; 100 deleted", "outcome=deleted state=closed frt=? requester_wait=? touches=1")
	f("what_held_for_a_week_stays", 9e5, "0 created; 0 customer; 60 agent amy; 604000 customer; 604100 agent amy; 604861 deleted", "first#1 0-60 answered; outcome=deleted frt=?")
	f("spam_has_no_times", 900, "0 created; 0 customer; 60 agent amy; 70 tagged tag=spam", "outcome=spam state=open frt=?")
	f("by_reason", 900, "0 created; 0 customer; 60 status closed reason=spam", "outcome=spam state=closed first_resolution=?")
	f("no_spam_after_all", 900, "0 created; 0 customer; 60 agent amy; 70 tagged tag=spam; 80 tagged tag=spam removed", "first#1 0-60 answered; outcome=? state=open frt=60")
	f("lost_by_silence", 365*86400, "0 created; 0 customer", "first#1 0-? lost; state=lost outcome=lost ended_at=? requester_wait=?")
	f("not_lost_a_moment_before", 365*86400-0.001, "0 created; 0 customer", "first#1 0-? waiting; state=open")
	f("lost_by_evidence", 900, "0 created; 31536000.001 status solved", "state=lost outcome=lost first_resolution=?")
	f("in_the_nick_of_time", 900, "0 created; 31536000 status solved", "state=closed outcome=solved first_resolution=31536000")
	f("without_an_opener", 900, "0 customer; 5 agent amy", "")
}

func TestLives(t *testing.T) {
	f := tale(t)
	const week, quarter = 7 * 86400, 90 * 86400
	f("within_the_linger_it_is_the_same", 1e7, fmt.Sprint("0 created; 0 status solved; ", week, " status open; ", week+10, " status solved"), "started_at=0 reopens=1")
	f("later_the_customer_begins_another", 1e7, fmt.Sprint("0 created; 10 status solved; ", week+11, " customer; ", week+20, " agent amy"),
		fmt.Sprintf("started_at=0 reopens=0 outcome=solved; first#1 %d-%d answered; started_at=%d reopens=0 outcome=?", week+11, week+20, week+11))
	f("an_echo_changes_nothing", 1e7, fmt.Sprint("0 created; 10 status solved; ", week+11, " status closed; ", week+12, " note amy; ", week+13, " tagged tag=x"),
		"started_at=0 status=solved handoffs=0")
	f("later_still_it_is_not_known", 1e8, fmt.Sprint("0 created; 10 status solved; ", quarter+11, " customer"), "started_at=0 outcome=solved")
	f("until_then_it_is", 1e7, fmt.Sprint("0 created; 10 status solved; ", quarter+10, " customer"),
		fmt.Sprintf("started_at=0 outcome=solved; first#1 %d-? waiting; started_at=%d outcome=?", quarter+10, quarter+10))
}

// TestEditedMessagesDoNotMoveTimes folds a message with its later revision: the
// time of an event is part of what it is.
func TestEditedMessagesDoNotMoveTimes(t *testing.T) {
	it := story(t, "0 created; 10 customer; 70 agent amy")
	e := words(t, 2, "70 agent amy channel=email")
	e.Revision = 9
	if res, _ := it.Insert(&e, 9, testRank); res != item.Won {
		t.Fatalf("the edited message is %v, want it to win", res)
	}
	var b fact.Buffer
	testTracker().Fold(it, base+900_000, &b)
	if got, want := told(&b, "frt", "touches"), "first#1 10-70 answered; frt=60 touches=1"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

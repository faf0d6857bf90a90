package conversation

import (
	"slices"
	"strings"

	"github.com/nabz/nabz/pkg/event"
)

// Event types that a conversation's fold reads.
const (
	typeCreated         = "conversation.created"
	typeStatusChanged   = "conversation.status_changed"
	typeAssigned        = "conversation.assigned"
	typeTeamChanged     = "conversation.team_changed"
	typePriorityChanged = "conversation.priority_changed"
	typeTypeChanged     = "conversation.type_changed"
	typeTagged          = "conversation.tagged"
	typeMerged          = "conversation.merged"
	typeReopened        = "conversation.reopened"
	typeBotHandoff      = "conversation.bot_handoff"
	typeDeleted         = "conversation.deleted"
	typeMessage         = "message.created"
)

// known tells whether events of a type say anything of a conversation. Those
// of surveys and of a source's own clocks do not.
func known(eventType string) bool {
	switch eventType {
	case typeCreated, typeStatusChanged, typeAssigned, typeTeamChanged, typePriorityChanged, typeTypeChanged,
		typeTagged, typeMerged, typeReopened, typeBotHandoff, typeDeleted, typeMessage:
		return true
	}
	return false
}

// Words that events say.
const (
	byCustomer = "customer"
	byAgent    = "agent"
	internal   = "internal"
	outbound   = "outbound"
	spamWord   = "spam"
)

// maxCommenters is how many agents who wrote notes are told apart: more than
// any conversation passes through, and a bound on what it holds.
const maxCommenters = 32

// clock adds up the time in which something holds.
type clock struct {
	running  bool
	since    int64
	ms, open int64 // by the calendar, and in the hours of the desk
}

func (c *clock) run(on bool, at int64, team string, business func(team string, from, to int64) int64) {
	if c.running {
		c.ms += at - c.since
		c.open += business(team, c.since, at)
	}
	c.running, c.since = on, at
}

// life is one conversation under its id, from its first event until it is over
// for good.
type life struct {
	begun, opened bool // opened: it has an opener, or comes back from a life that had
	gone          bool // its facts are let go of: all that is known is when it was over
	id            event.UID
	startedAt     int64 // its first event
	originAt      int64 // that, or where another was merged into it the start of that
	openSince     int64
	overAt        int64
	how           string // how it was over; empty while it goes on

	channel, customer, team, priority, kind string
	status                                  string
	firstAgent, lastAgent                   string
	assignee                                string
	assignedAt                              int64
	spam                                    bool
	voidAt                                  int64 // of its deletion, or since when it is spam; 0: neither

	frt                         reply // the first reply by a person
	knocked                     bool  // the customer wrote after it was solved
	knock                       event.UID
	knockAt                     int64
	waits                       []wait
	nth                         int64 // of the newest wait
	replies                     int64
	touches                     int64
	solves                      int64
	reopens                     int64
	solvedAt                    int64    // first
	resolvedAt                  int64    // last
	notes                       []string // who wrote notes, ascending
	requester, work, unassigned clock
}

func (l *life) reset() {
	*l = life{waits: l.waits[:0], notes: l.notes[:0]}
}

func (l *life) begin(e *event.Event) {
	l.begun, l.id, l.startedAt, l.originAt, l.status = true, e.UID, e.Time, e.Time, StatusNew
}

// open tells whether the conversation goes on.
func (l *life) open() bool { return l.begun && l.opened && l.how == "" }

// final tells whether nothing can open the conversation again.
func (l *life) final() bool { return l.how == Merged || l.how == Deleted || l.how == Lost }

// takenBack tells whether what has ended, and holds for good at an instant, or
// what has not ended, is undone by a deletion or as spam.
func (l *life) takenBack(ended bool, heldAt int64) bool {
	return l.voidAt != 0 && (!ended || l.voidAt <= heldAt)
}

// absorbs tells whether an event merges another conversation into the one of
// that id: all else that it says is about the other.
func absorbs(e *event.Event, entity string) bool {
	return e.Type == typeMerged && e.Text(event.FieldIntoConversationID) == entity
}

// absorb takes the start of what was merged into the conversation, where it is
// told.
func (l *life) absorb(e *event.Event) {
	if began, told := e.Int(event.FieldMergedBeganAt); told {
		l.originAt = min(l.originAt, began)
	}
}

// learn keeps the first word on what does not change, and the newest on what
// does.
func (l *life) learn(e *event.Event) {
	for i := range e.Attrs {
		a := &e.Attrs[i]
		switch a.Number {
		case event.FieldChannel:
			first(&l.channel, a.Text)
		case event.FieldCustomerID:
			first(&l.customer, a.Text)
		case event.FieldTeamID:
			newest(&l.team, a.Text)
		case event.FieldPriority:
			newest(&l.priority, a.Text)
		case event.FieldTicketType:
			newest(&l.kind, a.Text)
		}
	}
	switch {
	case e.Type == typeTagged && e.Text(event.FieldTag) == spamWord:
		added, told := e.Int(event.FieldAdded)
		l.markSpam(!told || added != 0, e.Time)
	case (e.Type == typeStatusChanged || e.Type == typeDeleted) && e.Text(event.FieldReason) == spamWord:
		l.markSpam(true, e.Time)
	}
}

func (l *life) markSpam(spam bool, at int64) {
	switch {
	case spam && l.voidAt == 0:
		l.voidAt = at
	case !spam && l.how != Deleted:
		l.voidAt = 0
	}
	l.spam = spam
}

func first(to *string, s string) {
	if *to == "" {
		*to = s
	}
}

func newest(to *string, s string) {
	if s != "" {
		*to = s
	}
}

func (l *life) apply(e *event.Event) {
	switch {
	case e.Type == typeDeleted && l.how != Deleted:
		l.end(e.Time, Deleted)
		if l.voidAt == 0 {
			l.voidAt = e.Time
		}
		return
	case l.final():
		return
	}
	switch e.Type {
	case typeCreated:
		l.created(e)
	case typeMessage:
		l.message(e)
	case typeAssigned:
		l.assign(e.Text(event.FieldAgentID), e.Time)
	case typeBotHandoff:
		l.frt.handoff(e.Time, l.how == "")
	case typeStatusChanged:
		l.enter(e, e.Text(event.FieldStatus))
	case typeReopened:
		if l.how != "" {
			l.enter(e, StatusOpen)
		}
	case typeMerged:
		l.end(e.Time, Merged)
	}
}

// agentBegan tells whether the center wrote first.
func agentBegan(e *event.Event) bool {
	return e.Text(event.FieldActor) == byAgent || e.Text(event.FieldDirection) == outbound || e.Text(event.FieldInitiation) == outbound
}

func (l *life) created(e *event.Event) {
	if agent := e.Text(event.FieldAgentID); agent != "" && l.assignee == "" {
		l.assign(agent, e.Time)
	}
	by := e.Text(event.FieldActor)
	l.frt.created(e.Time, !agentBegan(e) && (by == "" || by == byCustomer))
	if s := e.Text(event.FieldStatus); s != "" && l.how == "" {
		l.enter(e, s)
	}
}

func (l *life) message(e *event.Event) {
	if automated, _ := e.Int(event.FieldAutomated); automated != 0 {
		return
	}
	hidden := e.Text(event.FieldVisibility) == internal
	switch by := e.Text(event.FieldActor); {
	case by == byCustomer && !hidden && l.how != "":
		if !l.knocked {
			l.knocked, l.knock, l.knockAt = true, e.UID, e.Time
		}
	case by == byCustomer && !hidden:
		l.ask(e.UID, e.Time)
	case by == byAgent && !hidden:
		l.reply(e)
	case by == byAgent:
		agent := e.Text(event.FieldAgentID)
		if i, known := slices.BinarySearch(l.notes, agent); !known && agent != "" && len(l.notes) < maxCommenters {
			l.notes = slices.Insert(l.notes, i, strings.Clone(agent))
		}
	}
}

// ask is the customer's word, which waits for a reply from then on.
func (l *life) ask(id event.UID, at int64) {
	l.frt.ask(at)
	if n := len(l.waits); n > 0 && l.waits[n-1].how == Waiting {
		return
	}
	l.nth++
	l.waits = append(l.waits, wait{id: id, from: at, nth: l.nth, how: Waiting, later: l.frt.known()})
}

// reply is a person's word to the customer.
func (l *life) reply(e *event.Event) {
	agent := e.Text(event.FieldAgentID)
	l.touches++
	l.knocked = false
	l.frt.reply(e.Time, agent, l.assignee, l.assignedAt)
	if l.endWait(e.Time, Answered, agent) {
		l.replies++
	}
	l.had(agent)
}

// endWait ends the wait for a reply, if there is one.
func (l *life) endWait(at int64, how, sender string) bool {
	n := len(l.waits)
	if n == 0 || l.waits[n-1].how != Waiting {
		return false
	}
	w := &l.waits[n-1]
	w.end(l)
	w.to, w.how, w.sender = at, how, sender
	return true
}

func (l *life) had(agent string) {
	first(&l.firstAgent, agent)
	newest(&l.lastAgent, agent)
}

func (l *life) assign(agent string, at int64) {
	if agent != l.assignee {
		l.assignee, l.assignedAt = agent, at
	}
	l.had(agent)
}

// enter takes a status: one of a conversation that is over ends it, any other
// opens it again where it was.
func (l *life) enter(e *event.Event, status string) {
	if !slices.Contains(Statuses(), status) {
		return
	}
	over := status == Solved || status == Closed
	switch {
	case over && l.how == "":
		l.end(e.Time, status)
		l.solves++
		l.resolvedAt = e.Time
		if l.solves == 1 {
			l.solvedAt = e.Time
		}
	case !over && l.how != "":
		l.how = ""
		l.reopens++
		l.frt.reopen(e.Time, e.Text(event.FieldActor) != byAgent)
		if l.knocked {
			l.knocked = false
			l.ask(l.knock, l.knockAt)
		}
	}
	l.status = status
}

// end ends the conversation. What was over before keeps the instant.
func (l *life) end(at int64, how string) {
	l.how, l.knocked = how, false
	l.frt.end(at)
	ended := how
	if how == Solved || how == Deleted {
		ended = Closed
	}
	l.endWait(at, ended, "")
}

// lose gives the conversation up at an instant.
func (l *life) lose(at int64) {
	l.end(at, Lost)
	l.overAt = at
}

// run lets the clocks go on as things stand at an instant.
func (l *life) run(at int64, business func(team string, from, to int64) int64) {
	on := l.how == ""
	working := l.status == StatusNew || l.status == StatusOpen
	l.requester.run(on && (working || l.status == StatusOnHold), at, l.team, business)
	l.work.run(on && working, at, l.team, business)
	l.unassigned.run(on && l.assignee == "", at, l.team, business)
}

// returns tells whether an event makes a conversation of one that was long
// over: the customer writes, or somebody opens it.
func returns(e *event.Event) bool {
	switch e.Type {
	case typeReopened:
		return true
	case typeStatusChanged:
		s := e.Text(event.FieldStatus)
		return slices.Contains(Statuses(), s) && s != Solved && s != Closed
	case typeMessage:
		automated, _ := e.Int(event.FieldAutomated)
		return automated == 0 && e.Text(event.FieldActor) == byCustomer && e.Text(event.FieldVisibility) != internal
	}
	return false
}

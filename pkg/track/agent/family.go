package agent

import (
	"github.com/nabz/nabz/pkg/fact"
)

// Kind is the kind of entity that this package folds.
const Kind = "agent"

// What an agent does, the first that holds (Amazon Connect, agent activity:
// on contact, after-contact work, custom status, available).
const (
	Contact     = "contact"     // has at least one contact, on hold or not
	Wrapup      = "wrapup"      // works after one
	Paused      = "paused"      // takes no contacts from any queue
	Available   = "available"   // waits for a contact
	Unavailable = "unavailable" // is in a state in which none is offered
)

// How a log-in span, a stay or a pause ended; a span began with one of the
// latter three.
const (
	Open        = "open"         // it goes on
	Logout      = "logout"       // the agent logged out
	Silence     = "silence"      // nothing was heard for too long: it ended at the last sign of life
	QueueLeft   = "queue_left"   // the agent left the queue, or its last one without having logged in
	Changed     = "changed"      // something else of its kind began
	Unpaused    = "unpaused"     // the pause was lifted
	Login       = "login"        // the agent logged in
	QueueJoined = "queue_joined" // the agent joined a queue, without having logged in
	Inferred    = "inferred"     // the first that was heard is something that one who is there does
)

// Indexes of the columns of login_span.
const (
	SpanAgent = iota
	SpanTeam
	SpanBegan
	SpanStartedAt
	SpanEndedAt
	SpanEnding
	SpanDuration
)

// Indexes of the columns of agent_state.
const (
	StateAgent = iota
	StateTeam
	StateState
	StateActivity
	StateReason
	StateStartedAt
	StateEndedAt
	StateEnding
	StateDuration
)

// Indexes of the columns of agent_pause.
const (
	PauseAgent = iota
	PauseTeam
	PauseQueue
	PauseReason
	PauseStartedAt
	PauseEndedAt
	PauseEnding
	PauseDuration
)

// Families are what a tracker of agents makes.
type Families struct {
	Span  *fact.Family
	State *fact.Family
	Pause *fact.Family
}

// All gives the families in a fixed order.
func (f Families) All() []*fact.Family { return []*fact.Family{f.Span, f.State, f.Pause} }

// NewFamilies describes the facts of agents. Identity of the descriptors
// matters: a program makes them once and hands them on.
func NewFamilies() Families {
	return Families{Span: loginSpan(), State: agentState(), Pause: agentPause()}
}

const (
	agentDoc    = "The agent, as the source names it."
	teamDoc     = "The team that the agent was last said to be of."
	endedDoc    = "When it ended; unknown while it goes on."
	durationDoc = "From beginning to end; unknown while it goes on."
)

func loginSpan() *fact.Family {
	return &fact.Family{
		Name: "login_span", View: "login_spans", Kind: Kind,
		Doc:  "One row for each time an agent was there, from log-in to log-out.",
		Dims: []string{"agent", "team"}, Lost: "ending", Open: []string{Open},
		Columns: []fact.Column{
			{Number: 1, Name: "agent", Type: fact.Text, Doc: agentDoc},
			{Number: 2, Name: "team", Type: fact.Text, Doc: teamDoc},
			{Number: 3, Name: "began", Type: fact.Text, Values: []string{Login, QueueJoined, Inferred}, Doc: "What it began with: a log-in, joining a queue, or something that one who is there does."},
			{Number: 4, Name: "started_at", Type: fact.Time, Doc: "When the agent was first there."},
			{Number: 5, Name: "ended_at", Type: fact.Time, Doc: endedDoc},
			{Number: 6, Name: "ending", Type: fact.Text, Values: []string{Open, Logout, Login, QueueLeft, Silence}, Doc: "How it ended; silence: at the last sign of life, for nothing was heard for too long."},
			{Number: 7, Name: "duration", Type: fact.Duration, Doc: durationDoc},
		},
	}
}

func agentState() *fact.Family {
	return &fact.Family{
		Name: "agent_state", View: "agent_states", Kind: Kind,
		Doc:  "One row for each time in which nothing about an agent changed: of one who is there, one goes on at every instant.",
		Dims: []string{"agent", "team", "activity", "state", "reason"}, Lost: "ending", Open: []string{Open},
		Columns: []fact.Column{
			{Number: 1, Name: "agent", Type: fact.Text, Doc: agentDoc},
			{Number: 2, Name: "team", Type: fact.Text, Doc: teamDoc},
			{Number: 3, Name: "state", Type: fact.Text, Doc: "The state, as the source names it; empty where it names none."},
			{Number: 4, Name: "activity", Type: fact.Text, Values: []string{Contact, Wrapup, Paused, Available, Unavailable}, Doc: "What the agent does: the first of these that holds."},
			{Number: 5, Name: "reason", Type: fact.Text, Doc: "The code of the pause, or else of the state."},
			{Number: 6, Name: "started_at", Type: fact.Time, Doc: "When it began."},
			{Number: 7, Name: "ended_at", Type: fact.Time, Doc: endedDoc},
			{Number: 8, Name: "ending", Type: fact.Text, Values: []string{Open, Changed, Logout, QueueLeft, Silence}, Doc: "How it ended; silence: at the last sign of life, for nothing was heard for too long."},
			{Number: 9, Name: "duration", Type: fact.Duration, Doc: durationDoc},
		},
	}
}

func agentPause() *fact.Family {
	return &fact.Family{
		Name: "agent_pause", View: "agent_pauses", Kind: Kind,
		Doc:  "One row for each time an agent took no contacts from a queue, or from any.",
		Dims: []string{"agent", "team", "queue", "reason"}, Lost: "ending", Open: []string{Open},
		Columns: []fact.Column{
			{Number: 1, Name: "agent", Type: fact.Text, Doc: agentDoc},
			{Number: 2, Name: "team", Type: fact.Text, Doc: teamDoc},
			{Number: 3, Name: "queue", Type: fact.Text, Doc: "The queue; empty: all of them."},
			{Number: 4, Name: "reason", Type: fact.Text, Doc: "The code of the pause."},
			{Number: 5, Name: "started_at", Type: fact.Time, Doc: "When it began."},
			{Number: 6, Name: "ended_at", Type: fact.Time, Doc: endedDoc},
			{Number: 7, Name: "ending", Type: fact.Text, Values: []string{Open, Unpaused, Changed, Logout, QueueLeft, Silence}, Doc: "How it ended; silence: at the last sign of life, for nothing was heard for too long."},
			{Number: 8, Name: "duration", Type: fact.Duration, Doc: durationDoc},
		},
	}
}

package contact

import "github.com/nabz/nabz/pkg/fact"

// Kind is the kind of entity that this package folds.
const Kind = "contact"

// The outcomes of a queue segment: how the contact left the queue.
const (
	Waiting     = "waiting"     // it has not left yet
	Answered    = "answered"    // an agent connected
	Abandoned   = "abandoned"   // the customer left before an agent
	Timeout     = "timeout"     // the queue's longest wait was reached
	ExitKey     = "exit_key"    // the customer left by a key
	ExitEmpty   = "exit_empty"  // no agent was left in the queue
	JoinEmpty   = "join_empty"  // no agent was there on arrival
	Full        = "full"        // the queue was full
	ClosedQueue = "closed"      // the queue was closed
	Callback    = "callback"    // the customer asked to be called back
	FlowOut     = "flow_out"    // the system moved it elsewhere
	Transferred = "transferred" // a person moved it elsewhere
	Withdrawn   = "withdrawn"   // the system took it out
	System      = "system"      // it ended by a fault or a restart
	Lost        = "lost"        // nothing was heard for the greatest open age
)

// Outcomes are all values that the outcome of a queue segment takes.
func Outcomes() []string {
	return []string{
		Waiting, Answered, Abandoned, Timeout, ExitKey, ExitEmpty, JoinEmpty, Full,
		ClosedQueue, Callback, FlowOut, Transferred, Withdrawn, System, Lost,
	}
}

// Indexes of the columns of queue_segment.
const (
	QueueQueue = iota
	QueueChannel
	QueueNth
	QueueEnqueuedAt
	QueueLeftAt
	QueueOutcome
	QueueWait
	QueueAgent
	queueColumns
)

// Indexes of the columns of agent_segment.
const (
	AgentAgent = iota
	AgentQueue
	AgentChannel
	AgentStartedAt
	AgentEndedAt
	AgentState
	AgentTalk
	AgentHold
	AgentHolds
	AgentWrapup
	AgentWrapupEndedAt
	AgentEndedBy
	AgentTransfer
	agentColumns
)

// Indexes of the columns of contact.
const (
	ContactQueue = iota
	ContactChannel
	ContactDirection
	ContactCustomer
	ContactStartedAt
	ContactEndedAt
	ContactState
	ContactOutcome
	ContactEndedBy
	ContactQueues
	ContactAgents
	ContactTransfers
	ContactWait
	ContactTalk
	ContactHold
	ContactWrapup
	contactColumns
)

// The states of an agent segment.
const (
	Talking = "talking"
	Held    = "held"
	Wrapup  = "wrapup"
	Ended   = "ended"
)

// The states of a contact.
const (
	Open   = "open"
	Closed = "closed"
)

// Families are what a tracker of contacts makes: one row for each time a
// contact stands in a queue, each time an agent has it, and each life of it.
type Families struct {
	Queue   *fact.Family
	Agent   *fact.Family
	Contact *fact.Family
}

// All gives the families in a fixed order.
func (f Families) All() []*fact.Family {
	return []*fact.Family{f.Queue, f.Agent, f.Contact}
}

// NewFamilies describes the facts of contacts. Identity of the descriptors
// matters: a program makes them once and hands them on.
func NewFamilies() Families {
	return Families{Queue: queueSegment(), Agent: agentSegment(), Contact: contact()}
}

func queueSegment() *fact.Family {
	return &fact.Family{
		Name: "queue_segment", View: "queue_segments", Kind: Kind,
		Doc:  "One row for each time a contact stood in a queue.",
		Dims: []string{"queue", "channel"}, Lost: "outcome", Open: []string{Waiting},
		Columns: []fact.Column{
			{Number: 1, Name: "queue", Type: fact.Text, Doc: "The queue, as the source names it."},
			{Number: 2, Name: "channel", Type: fact.Text, Doc: "Voice, chat, e-mail and so on, as the source names it."},
			{Number: 3, Name: "nth", Type: fact.Count, Doc: "Which entry of this contact into this queue it is, from 1."},
			{Number: 4, Name: "enqueued_at", Type: fact.Time, Doc: "When the contact entered the queue."},
			{Number: 5, Name: "left_at", Type: fact.Time, Doc: "When it left the queue; unknown while it waits, and where it was lost."},
			{Number: 6, Name: "outcome", Type: fact.Text, Values: Outcomes(), Doc: "How it left the queue."},
			{Number: 7, Name: "wait", Type: fact.Duration, Doc: "From entering to leaving; unknown while it waits, and where it was lost."},
			{Number: 8, Name: "agent", Type: fact.Text, Doc: "The agent who answered."},
		},
	}
}

func agentSegment() *fact.Family {
	return &fact.Family{
		Name: "agent_segment", View: "agent_segments", Kind: Kind,
		Doc:  "One row for each time an agent had a contact.",
		Dims: []string{"agent", "queue", "channel"}, Lost: "state", Open: []string{Held, Talking, Wrapup},
		Columns: []fact.Column{
			{Number: 1, Name: "agent", Type: fact.Text, Doc: "The agent, as the source names it."},
			{Number: 2, Name: "queue", Type: fact.Text, Doc: "The queue the contact came from; empty for a direct contact."},
			{Number: 3, Name: "channel", Type: fact.Text, Doc: "Voice, chat, e-mail and so on, as the source names it."},
			{Number: 4, Name: "started_at", Type: fact.Time, Doc: "When the agent connected."},
			{Number: 5, Name: "ended_at", Type: fact.Time, Doc: "When the agent and the contact parted; unknown before, and where it was lost."},
			{Number: 6, Name: "state", Type: fact.Text, Values: []string{Talking, Held, Wrapup, Ended, Lost}, Doc: "What is going on."},
			{Number: 7, Name: "talk", Type: fact.Duration, Doc: "Connected and not on hold; unknown before the end, and where it was lost."},
			{Number: 8, Name: "hold", Type: fact.Duration, Doc: "On hold; unknown before the end, and where it was lost."},
			{Number: 9, Name: "holds", Type: fact.Count, Doc: "How often the contact was put on hold."},
			{Number: 10, Name: "wrapup", Type: fact.Duration, Doc: "After-contact work; 0 where none began, unknown while it goes on or the contact does."},
			{Number: 11, Name: "wrapup_ended_at", Type: fact.Time, Doc: "When after-contact work ended."},
			{Number: 12, Name: "ended_by", Type: fact.Text, Doc: "Who ended it: customer, agent, system, transfer or network."},
			{Number: 13, Name: "transfer", Type: fact.Text, Doc: "How the agent passed the contact on: blind, attended, queue, external, or empty."},
		},
	}
}

func contact() *fact.Family {
	return &fact.Family{
		Name: "contact", View: "contacts", Kind: Kind,
		Doc:  "One row for each contact; an id that comes back long after its end is a new contact.",
		Dims: []string{"queue", "channel", "direction"}, Lost: "state", Open: []string{Open},
		Columns: []fact.Column{
			{Number: 1, Name: "queue", Type: fact.Text, Doc: "The first queue it stood in."},
			{Number: 2, Name: "channel", Type: fact.Text, Doc: "Voice, chat, e-mail and so on, as the source names it."},
			{Number: 3, Name: "direction", Type: fact.Text, Doc: "Inbound or outbound, as the source names it."},
			{Number: 4, Name: "customer", Type: fact.Text, Doc: "The customer, as a keyed token."},
			{Number: 5, Name: "started_at", Type: fact.Time, Doc: "Its first event."},
			{Number: 6, Name: "ended_at", Type: fact.Time, Doc: "When nothing of it was open any more; unknown before, and where it was lost."},
			{Number: 7, Name: "state", Type: fact.Text, Values: []string{Open, Closed, Lost}, Doc: "Whether it goes on."},
			{Number: 8, Name: "outcome", Type: fact.Text, Values: Outcomes(), Doc: "Answered if any agent had it, else how it last left a queue."},
			{Number: 9, Name: "ended_by", Type: fact.Text, Doc: "Who ended it: customer, agent, system, transfer or network."},
			{Number: 10, Name: "queues", Type: fact.Count, Doc: "How often it entered a queue."},
			{Number: 11, Name: "agents", Type: fact.Count, Doc: "How often an agent had it."},
			{Number: 12, Name: "transfers", Type: fact.Count, Doc: "How often it was passed on."},
			{Number: 13, Name: "wait", Type: fact.Duration, Doc: "In queues, over the segments it has left."},
			{Number: 14, Name: "talk", Type: fact.Duration, Doc: "Talking, over the agent segments that have ended."},
			{Number: 15, Name: "hold", Type: fact.Duration, Doc: "On hold, over the agent segments that have ended."},
			{Number: 16, Name: "wrapup", Type: fact.Duration, Doc: "After-contact work, over that which has ended."},
		},
	}
}

package conversation

import "github.com/nabz/nabz/pkg/fact"

// Kind is the kind of entity that this package folds.
const Kind = "conversation"

// The statuses of a conversation. Sources name theirs otherwise, and mean
// different things by one name: a mapping says which of these each is. Pending
// waits for the customer.
const (
	StatusNew     = "new"
	StatusOpen    = "open"
	StatusPending = "pending"
	StatusOnHold  = "on_hold"
	StatusSnoozed = "snoozed"
	Solved        = "solved"
	Closed        = "closed"
)

// Statuses are all of them.
func Statuses() []string {
	return []string{StatusNew, StatusOpen, StatusPending, StatusOnHold, StatusSnoozed, Solved, Closed}
}

// How else a conversation may be over.
const (
	Merged  = "merged"  // it goes on in another
	Deleted = "deleted" // it was taken out of the source
	Spam    = "spam"    // it is no conversation
	Lost    = "lost"    // nothing was heard for the greatest open age
)

// Open is the state of a conversation that goes on.
const Open = "open"

// How a wait for a reply ended.
const (
	Waiting  = "waiting"  // it has not
	Answered = "answered" // a person replied
)

// The kinds of replies that are waited for.
const (
	First = "first" // no person has replied yet
	Next  = "next"
)

// Indexes of the columns of conversation.
const (
	ConvChannel = iota
	ConvTeam
	ConvPriority
	ConvType
	ConvFirstAgent
	ConvLastAgent
	ConvCustomer
	ConvStartedAt
	ConvEndedAt
	ConvState
	ConvStatus
	ConvOutcome
	ConvFRTStartedAt
	ConvFRTEndedAt
	ConvFirstReplyAt
	ConvFirstReplyBy
	ConvFirstReplyAssignee
	ConvFRT
	ConvFRTBusiness
	ConvFRTAssigned
	ConvFRTAssignedBusiness
	ConvFRTClamped
	ConvFirstSolvedAt
	ConvLastSolvedAt
	ConvFirstResolution
	ConvFirstResolutionBusiness
	ConvFullResolution
	ConvFullResolutionBusiness
	ConvRequesterWait
	ConvRequesterWaitBusiness
	ConvAgentWork
	ConvAgentWorkBusiness
	ConvUnassigned
	ConvUnassignedBusiness
	ConvReplies
	ConvTouches
	ConvSolves
	ConvReopens
	ConvHandoffs
	convColumns
)

// Indexes of the columns of reply.
const (
	ReplyChannel = iota
	ReplyTeam
	ReplyPriority
	ReplyNth
	ReplyKind
	ReplyWaitingSince
	ReplyEndedAt
	ReplyOutcome
	ReplyWait
	ReplyWaitBusiness
	ReplySender
	ReplyAssignee
	replyColumns
)

// Families are what a tracker of conversations makes: one row for each
// conversation, and one for each wait of its customer for a reply.
type Families struct {
	Conversation *fact.Family
	Reply        *fact.Family
}

// All gives the families in a fixed order.
func (f Families) All() []*fact.Family { return []*fact.Family{f.Conversation, f.Reply} }

// NewFamilies describes the facts of conversations. Identity of the
// descriptors matters: a program makes them once and hands them on.
func NewFamilies() Families { return Families{Conversation: conversation(), Reply: replies()} }

func conversation() *fact.Family {
	return &fact.Family{
		Name: "conversation", View: "conversations", Kind: Kind,
		Doc:  "One row for each conversation or ticket; one that comes back long after its end is a new one.",
		Dims: []string{"channel", "team", "priority"}, Lost: "state", Open: []string{Open}, Long: true,
		Columns: append(described(), []fact.Column{
			{Number: 13, Name: "frt_started_at", Type: fact.Time, Doc: "Since when the first reply by a person was waited for; unknown until the customer writes to what the center began."},
			{Number: 14, Name: "frt_ended_at", Type: fact.Time, Doc: "When that wait ended: by the reply, or with the conversation; unknown before."},
			{Number: 15, Name: "first_reply_at", Type: fact.Time, Doc: "When a person first replied."},
			{Number: 16, Name: "first_reply_by", Type: fact.Text, Doc: "The agent who wrote it."},
			{Number: 17, Name: "first_reply_assignee", Type: fact.Text, Doc: "The agent who had the conversation then."},
			{Number: 18, Name: "frt", Type: fact.Duration, Doc: "First reply time, by the calendar; unknown before the reply."},
			{Number: 19, Name: "frt_business", Type: fact.Duration, Doc: "First reply time, in business hours."},
			{Number: 20, Name: "frt_assigned", Type: fact.Duration, Doc: "From when the assignee had it, and it was waited for, to the first reply, by the calendar; unknown where nobody had it."},
			{Number: 21, Name: "frt_assigned_business", Type: fact.Duration, Doc: "The same in business hours."},
			{Number: 22, Name: "frt_clamped", Type: fact.Bool, Doc: "1 where the source dates the reply before the conversation: it is told as 0 s."},
			{Number: 23, Name: "first_solved_at", Type: fact.Time, Doc: "When it was first solved, or closed unsolved."},
			{Number: 24, Name: "last_solved_at", Type: fact.Time, Doc: "When it was last solved, or closed unsolved; unknown while it is open."},
			{Number: 25, Name: "first_resolution", Type: fact.Duration, Doc: "From the start to first_solved_at, by the calendar; unknown for what was merged."},
			{Number: 26, Name: "first_resolution_business", Type: fact.Duration, Doc: "The same in business hours."},
			{Number: 27, Name: "full_resolution", Type: fact.Duration, Doc: "From the start to last_solved_at, by the calendar; unknown for what was merged."},
			{Number: 28, Name: "full_resolution_business", Type: fact.Duration, Doc: "The same in business hours."},
			{Number: 29, Name: "requester_wait", Type: fact.Duration, Doc: "The time in the statuses new, open and on_hold, by the calendar; unknown while it is open."},
			{Number: 30, Name: "requester_wait_business", Type: fact.Duration, Doc: "The same in business hours."},
			{Number: 31, Name: "agent_work", Type: fact.Duration, Doc: "The time in the statuses new and open, by the calendar; unknown while it is open."},
			{Number: 32, Name: "agent_work_business", Type: fact.Duration, Doc: "The same in business hours."},
			{Number: 33, Name: "unassigned", Type: fact.Duration, Doc: "The time in which it was open and nobody had it, by the calendar; unknown while it is open."},
			{Number: 34, Name: "unassigned_business", Type: fact.Duration, Doc: "The same in business hours."},
			{Number: 35, Name: "replies", Type: fact.Count, Doc: "How many waits of the customer a person ended."},
			{Number: 36, Name: "touches", Type: fact.Count, Doc: "How many messages persons wrote to the customer."},
			{Number: 37, Name: "solves", Type: fact.Count, Doc: "How often it was solved, or closed unsolved."},
			{Number: 38, Name: "reopens", Type: fact.Count, Doc: "How often it was opened again."},
			{Number: 39, Name: "handoffs", Type: fact.Count, Doc: "How many agents wrote notes into it, up to 32."},
		}...),
	}
}

// described are the columns that say what a conversation is.
func described() []fact.Column {
	return []fact.Column{
		{Number: 1, Name: "channel", Type: fact.Text, Doc: "E-mail, chat, messaging and so on, as the source first named it."},
		{Number: 2, Name: "team", Type: fact.Text, Doc: "The team that has it, or had it last."},
		{Number: 3, Name: "priority", Type: fact.Text, Doc: "The priority, as the source last named it."},
		{Number: 4, Name: "type", Type: fact.Text, Doc: "The kind of request, as the source last named it."},
		{Number: 5, Name: "first_agent", Type: fact.Text, Doc: "The first agent who had it or replied."},
		{Number: 6, Name: "last_agent", Type: fact.Text, Doc: "The last agent who had it or replied."},
		{Number: 7, Name: "customer", Type: fact.Text, Doc: "The customer, as a keyed token."},
		{Number: 8, Name: "started_at", Type: fact.Time, Doc: "Its first event, or the start of what was merged into it where that is earlier and told."},
		{Number: 9, Name: "ended_at", Type: fact.Time, Doc: "When it was over; unknown while it is open, and where it was lost."},
		{Number: 10, Name: "state", Type: fact.Text, Values: []string{Open, Closed, Lost}, Doc: "Whether it goes on."},
		{Number: 11, Name: "status", Type: fact.Text, Values: Statuses(), Doc: "The status, as last told."},
		{
			Number: 12, Name: "outcome", Type: fact.Text, Values: []string{Solved, Closed, Merged, Deleted, Spam, Lost},
			Doc: "How it was over, closed if it was never solved; empty while it is open. Spam is so even then.",
		},
	}
}

func replies() *fact.Family {
	return &fact.Family{
		Name: "reply", View: "replies", Kind: Kind,
		Doc:  "One row for each wait of a customer for a reply by a person, from the oldest message that is unanswered.",
		Dims: []string{"channel", "team", "priority"}, Lost: "outcome", Open: []string{Waiting}, Long: true,
		Columns: []fact.Column{
			{Number: 1, Name: "channel", Type: fact.Text, Doc: "E-mail, chat, messaging and so on, as of the end of the wait."},
			{Number: 2, Name: "team", Type: fact.Text, Doc: "The team that had the conversation at the end of the wait."},
			{Number: 3, Name: "priority", Type: fact.Text, Doc: "The priority at the end of the wait."},
			{Number: 4, Name: "nth", Type: fact.Count, Doc: "Which wait of the conversation it is, from 1."},
			{Number: 5, Name: "kind", Type: fact.Text, Values: []string{First, Next}, Doc: "Whether a person had replied before: the first reply, or a next one."},
			{Number: 6, Name: "waiting_since", Type: fact.Time, Doc: "The oldest message of the customer that is unanswered."},
			{Number: 7, Name: "ended_at", Type: fact.Time, Doc: "When the wait ended, by a reply or with the conversation; unknown before, and where it was lost."},
			{
				Number: 8, Name: "outcome", Type: fact.Text, Values: []string{Waiting, Answered, Closed, Merged, Lost},
				Doc: "How it ended: by a reply, or with a conversation that was closed or merged.",
			},
			{Number: 9, Name: "wait", Type: fact.Duration, Doc: "The reply time, by the calendar; unknown without a reply."},
			{Number: 10, Name: "wait_business", Type: fact.Duration, Doc: "The reply time, in business hours."},
			{Number: 11, Name: "sender", Type: fact.Text, Doc: "The agent who replied."},
			{Number: 12, Name: "assignee", Type: fact.Text, Doc: "The agent who had the conversation at the end of the wait."},
		},
	}
}

package contact

import (
	"github.com/nabz/nabz/pkg/event"
	"github.com/nabz/nabz/pkg/fact"
)

// queueSegmentState is one stay in a queue.
type queueSegmentState struct {
	id       event.UID
	queue    string
	nth      int64
	from, to int64
	outcome  string
	agent    string
	inferred bool // it left because it stood in the next queue: no event says how
	taken    bool // it left for an agent whom no event has named yet
}

func (q *queueSegmentState) leave(at int64, outcome string) {
	q.to, q.outcome, q.inferred, q.taken = at, outcome, false, false
}

// left tells whether it is known when the contact left.
func (q *queueSegmentState) left() bool { return q.outcome != Waiting && q.outcome != Lost }

func (q *queueSegmentState) fact(f *fact.Family, l *life, out *fact.Buffer) {
	v := out.Add(f, q.id, q.from)
	v[QueueQueue] = fact.Str(q.queue)
	v[QueueChannel] = fact.Str(l.channel)
	v[QueueNth] = fact.Int(q.nth)
	v[QueueEnqueuedAt] = fact.Int(q.from)
	v[QueueOutcome] = fact.Str(q.outcome)
	v[QueueAgent] = fact.Str(q.agent)
	if q.left() {
		v[QueueLeftAt] = fact.Int(q.to)
		v[QueueWait] = fact.Int(q.to - q.from)
	}
}

// agentSegmentState is one agent's part in a contact.
type agentSegmentState struct {
	id         event.UID
	agent      string
	queue      string
	from, to   int64
	phase      string // Talking, Held, Wrapup, Ended or Lost
	heldMs     int64  // of the holds that have ended
	heldSince  int64
	holds      int64
	endedBy    string
	transfer   string
	wrapFrom   int64
	wrapTo     int64
	wrapupLost bool
}

// active tells whether the agent has the contact.
func (a *agentSegmentState) active() bool { return a.phase == Talking || a.phase == Held }

// ended tells whether it is known when agent and contact parted.
func (a *agentSegmentState) ended() bool {
	return a.phase == Ended || a.phase == Wrapup || a.wrapupLost
}

func (a *agentSegmentState) hold(at int64) {
	if a.phase == Talking {
		a.phase, a.heldSince = Held, at
		a.holds++
	}
}

func (a *agentSegmentState) unhold(at int64) {
	if a.phase == Held {
		a.phase = Talking
		a.heldMs += at - a.heldSince
	}
}

func (a *agentSegmentState) end(at int64, by string) {
	if !a.active() {
		return
	}
	a.unhold(at)
	a.phase, a.to, a.endedBy = Ended, at, by
}

// wrapupStart ends the segment too where nothing else has: after-contact work
// means that the contact is over for the agent.
func (a *agentSegmentState) wrapupStart(at int64) {
	a.end(at, byAgent)
	if a.phase == Ended && a.wrapTo == 0 {
		a.phase, a.wrapFrom = Wrapup, at
	}
}

// wrapupEnd takes the end of the segment for the start where none was told, as
// Amazon Connect's agent events must be read (domain: determine-acw-time).
func (a *agentSegmentState) wrapupEnd(at int64) {
	switch {
	case a.phase == Wrapup:
		a.phase, a.wrapTo = Ended, at
	case a.phase == Ended && a.wrapFrom == 0:
		a.wrapFrom, a.wrapTo = a.to, at
	}
}

func (a *agentSegmentState) wrapupMs() int64 {
	if a.wrapTo == 0 {
		return 0
	}
	return a.wrapTo - a.wrapFrom
}

func (a *agentSegmentState) lose() {
	switch {
	case a.active():
		a.phase = Lost
	case a.phase == Wrapup:
		a.phase, a.wrapupLost = Lost, true
	}
}

func (a *agentSegmentState) fact(f *fact.Family, l *life, out *fact.Buffer) {
	v := out.Add(f, a.id, a.from)
	v[AgentAgent] = fact.Str(a.agent)
	v[AgentQueue] = fact.Str(a.queue)
	v[AgentChannel] = fact.Str(l.channel)
	v[AgentStartedAt] = fact.Int(a.from)
	v[AgentState] = fact.Str(a.phase)
	v[AgentHolds] = fact.Int(a.holds)
	v[AgentEndedBy] = fact.Str(a.endedBy)
	v[AgentTransfer] = fact.Str(a.transfer)
	if a.ended() {
		v[AgentEndedAt] = fact.Int(a.to)
		v[AgentTalk] = fact.Int(a.to - a.from - a.heldMs)
		v[AgentHold] = fact.Int(a.heldMs)
	}
	if a.phase == Ended {
		v[AgentWrapup] = fact.Int(a.wrapupMs())
	}
	if a.wrapTo != 0 {
		v[AgentWrapupEndedAt] = fact.Int(a.wrapTo)
	}
}

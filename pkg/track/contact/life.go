package contact

import (
	"github.com/nabz/nabz/pkg/event"
	"github.com/nabz/nabz/pkg/fact"
)

// Event types that a contact's fold reads.
const (
	typeCreated           = "contact.created"
	typeQueued            = "contact.queued"
	typeNotOffered        = "contact.not_offered"
	typeDequeued          = "contact.dequeued"
	typeAnswered          = "contact.answered"
	typeHoldStarted       = "contact.hold_started"
	typeHoldEnded         = "contact.hold_ended"
	typeTransferred       = "contact.transferred"
	typeCallbackScheduled = "contact.callback_scheduled"
	typeEnded             = "contact.ended"
	typeWrapupStarted     = "contact.wrapup_started"
	typeWrapupEnded       = "contact.wrapup_ended"
)

// Values of contact.ended's by.
const (
	byAgent    = "agent"
	bySystem   = "system"
	byNetwork  = "network"
	byTransfer = "transfer"
)

// take folds one event, in order.
func (l *life) take(e *event.Event, opener bool) {
	if !l.begun {
		l.begun, l.id, l.startedAt, l.openSince = true, e.UID, e.Time, e.Time
	}
	wasOpen, wasHeld := l.open(), l.held()
	l.opened = l.opened || opener
	l.lastAt = e.Time
	l.learn(e)
	l.apply(e)
	switch isOpen := l.open(); {
	case isOpen && !wasOpen:
		l.openSince, l.lost = e.Time, false
	case !isOpen && (wasOpen || l.overAt == 0):
		l.overAt = e.Time
	}
	if isHeld := l.held(); !isHeld && (wasHeld || l.endedAt == 0) {
		l.endedAt = e.Time
	}
}

// learn keeps the first word on what does not change in a life.
func (l *life) learn(e *event.Event) {
	for i := range e.Attrs {
		a := &e.Attrs[i]
		switch a.Number {
		case event.FieldChannel:
			first(&l.channel, a.Text)
		case event.FieldDirection:
			first(&l.direction, a.Text)
		case event.FieldCustomerID:
			first(&l.customer, a.Text)
		}
	}
}

func first(to *string, s string) {
	if *to == "" {
		*to = s
	}
}

func (l *life) apply(e *event.Event) {
	switch e.Type {
	case typeCreated:
		l.pending = len(l.queues) == 0 && len(l.agents) == 0 && !l.ended
	case typeQueued:
		l.enqueue(e)
	case typeNotOffered:
		l.enqueue(e)
		l.queues[len(l.queues)-1].leave(e.Time, outcomeOr(e, Full))
	case typeDequeued:
		l.pending = false
		if q := l.leaving(e); q != nil {
			q.leave(e.Time, outcomeOr(e, System))
			q.taken = q.outcome == Answered
		}
	case typeAnswered:
		l.answer(e)
	case typeHoldStarted:
		if a := l.agent(e, activeSegment); a != nil {
			a.hold(e.Time)
		}
	case typeHoldEnded:
		if a := l.agent(e, activeSegment); a != nil {
			a.unhold(e.Time)
		}
	case typeTransferred:
		l.transfer(e)
	case typeCallbackScheduled:
		l.pending = false
		if q := l.leaving(e); q != nil {
			q.leave(e.Time, Callback)
		}
	case typeEnded:
		l.end(e)
	case typeWrapupStarted:
		if a := l.agent(e, anySegment); a != nil {
			a.wrapupStart(e.Time)
		}
	case typeWrapupEnded:
		if a := l.agent(e, anySegment); a != nil {
			a.wrapupEnd(e.Time)
		}
	}
}

func outcomeOr(e *event.Event, otherwise string) string {
	if o := e.Text(event.FieldOutcome); o != "" {
		return o
	}
	return otherwise
}

// enqueue begins a queue segment. A contact stands in one queue at a time: one
// that it had not left, the system moved it out of.
func (l *life) enqueue(e *event.Event) {
	l.pending = false
	if q := l.waiting(""); q != nil {
		q.leave(e.Time, FlowOut)
		q.inferred = true
	}
	queue := e.Text(event.FieldQueueID)
	nth := int64(1)
	for i := range l.queues {
		if l.queues[i].queue == queue {
			nth++
		}
	}
	l.queues = append(l.queues, queueSegmentState{id: e.UID, queue: queue, nth: nth, from: e.Time, outcome: Waiting})
}

// waiting finds the segment in which the contact waits; a queue that is named
// must be that one.
func (l *life) waiting(queue string) *queueSegmentState {
	for i := len(l.queues) - 1; i >= 0; i-- {
		q := &l.queues[i]
		if q.outcome == Waiting && (queue == "" || q.queue == queue) {
			return q
		}
	}
	return nil
}

// leaving finds the segment that an event ends. Within one millisecond the
// entry into the next queue is folded before the word on how the one before was
// left: that word is still its own.
func (l *life) leaving(e *event.Event) *queueSegmentState {
	queue := e.Text(event.FieldQueueID)
	if q := l.inferred(queue, e.Time); q != nil {
		return q
	}
	return l.waiting(queue)
}

// inferred finds the first segment that was left at an instant with no word on
// how; a queue that is named must be that one.
func (l *life) inferred(queue string, at int64) *queueSegmentState {
	for i := range l.queues {
		q := &l.queues[i]
		if q.inferred && q.to == at && (queue == "" || q.queue == queue) {
			return q
		}
	}
	return nil
}

// taken finds the first segment that was left for an agent at an instant, of
// whom nothing is known yet; a queue that is named must be that one.
func (l *life) taken(queue string, at int64) *queueSegmentState {
	for i := range l.queues {
		q := &l.queues[i]
		if q.taken && q.to == at && (queue == "" || q.queue == queue) {
			return q
		}
	}
	return nil
}

// answer ends the wait and begins an agent segment, unless that agent has the
// contact already.
func (l *life) answer(e *event.Event) {
	l.pending = false
	agent, queue := e.Text(event.FieldAgentID), e.Text(event.FieldQueueID)
	q := l.taken(queue, e.Time)
	if q == nil {
		q = l.waiting(queue)
	}
	if q == nil && queue != "" {
		q = l.inferred(queue, e.Time)
	}
	if q != nil {
		q.leave(e.Time, Answered)
		q.agent = agent
		queue = q.queue
	} else if n := len(l.queues); n > 0 && l.queues[n-1].outcome == Answered {
		q := &l.queues[n-1]
		first(&q.agent, agent)
		first(&queue, q.queue)
	}
	for i := range l.agents {
		if l.agents[i].active() && l.agents[i].agent == agent {
			return
		}
	}
	l.agents = append(l.agents, agentSegmentState{id: e.UID, agent: agent, queue: queue, from: e.Time, phase: Talking})
}

// transfer ends the segment of the agent who passes the contact on, or the
// wait of one that no agent has.
func (l *life) transfer(e *event.Event) {
	l.pending = false
	l.transfers++
	if a := l.agent(e, activeSegment); a != nil {
		a.end(e.Time, byTransfer)
		a.transfer = e.Text(event.FieldMode)
		return
	}
	if q := l.leaving(e); q != nil {
		q.leave(e.Time, Transferred)
	}
}

// end ends the segment of an agent who is named and has the contact, and
// otherwise everything.
func (l *life) end(e *event.Event) {
	l.pending = false
	by := e.Text(event.FieldBy)
	l.endedBy = by
	if e.Text(event.FieldAgentID) != "" {
		if a := l.agent(e, activeSegment); a != nil {
			a.end(e.Time, by)
			return
		}
	}
	l.ended = true
	for i := range l.queues {
		if l.queues[i].outcome == Waiting {
			l.queues[i].leave(e.Time, leftBy(by))
		}
	}
	for i := range l.agents {
		l.agents[i].end(e.Time, by)
	}
}

// leftBy says how a contact left a queue when all that is known is who ended
// it. Where nobody is named it was the customer: systems say so of themselves.
func leftBy(by string) string {
	switch by {
	case byAgent, bySystem, byNetwork:
		return System
	case byTransfer:
		return Transferred
	}
	return Abandoned
}

type wanted uint8

const (
	activeSegment wanted = iota
	anySegment
)

// agent finds the newest segment of the agent that e names, or of any agent
// where it names none.
func (l *life) agent(e *event.Event, want wanted) *agentSegmentState {
	name := e.Text(event.FieldAgentID)
	for i := len(l.agents) - 1; i >= 0; i-- {
		a := &l.agents[i]
		if (name == "" || a.agent == name) && (want == anySegment || a.active()) {
			return a
		}
	}
	return nil
}

// lose gives up all that is open at an instant.
func (l *life) lose(at int64) {
	if l.held() {
		l.lost, l.endedAt = true, at
	}
	l.pending, l.overAt = false, at
	for i := range l.queues {
		if l.queues[i].outcome == Waiting {
			l.queues[i].outcome = Lost
		}
	}
	for i := range l.agents {
		l.agents[i].lose()
	}
}

// outcome is how the contact fared: answered if any agent had it, else how it
// left, or stands in, its last queue.
func (l *life) outcome() string {
	if len(l.agents) > 0 {
		return Answered
	}
	if n := len(l.queues); n > 0 {
		return l.queues[n-1].outcome
	}
	return ""
}

func (l *life) fact(f *fact.Family, out *fact.Buffer) {
	v := out.Add(f, l.id, l.startedAt)
	if len(l.queues) > 0 {
		v[ContactQueue] = fact.Str(l.queues[0].queue)
	}
	v[ContactChannel] = fact.Str(l.channel)
	v[ContactDirection] = fact.Str(l.direction)
	v[ContactCustomer] = fact.Str(l.customer)
	v[ContactStartedAt] = fact.Int(l.startedAt)
	v[ContactOutcome] = fact.Str(l.outcome())
	v[ContactEndedBy] = fact.Str(l.endedBy)
	v[ContactQueues] = fact.Int(int64(len(l.queues)))
	v[ContactAgents] = fact.Int(int64(len(l.agents)))
	v[ContactTransfers] = fact.Int(l.transfers)
	switch {
	case l.lost:
		v[ContactState] = fact.Str(Lost)
	case l.held():
		v[ContactState] = fact.Str(Open)
	default:
		v[ContactState] = fact.Str(Closed)
		v[ContactEndedAt] = fact.Int(l.endedAt)
	}
	var wait, talk, hold, wrapup int64
	for i := range l.queues {
		if q := &l.queues[i]; q.left() {
			wait += q.to - q.from
		}
	}
	for i := range l.agents {
		a := &l.agents[i]
		if a.ended() {
			talk += a.to - a.from - a.heldMs
			hold += a.heldMs
			wrapup += a.wrapupMs()
		}
	}
	v[ContactWait], v[ContactTalk] = fact.Int(wait), fact.Int(talk)
	v[ContactHold], v[ContactWrapup] = fact.Int(hold), fact.Int(wrapup)
}

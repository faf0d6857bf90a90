package conversation

import (
	"github.com/nabz/nabz/pkg/event"
	"github.com/nabz/nabz/pkg/fact"
)

// reply is the first reply by a person, and since when it was waited for.
type reply struct {
	from      int64 // 0: nobody waits for it yet
	vague     bool  // from is when the conversation began: the customer's first word is better
	handedOff bool  // from is when a bot handed over, and stays
	to        int64 // 0: not given
	endedAt   int64 // the conversation was over without it; 0: it was not
	sender    string
	assignee  string
	assigned  int64 // since when the assignee had it, 0: nobody did
	begun     bool  // the conversation was created
	early     bool  // it came before the conversation was created
	clamped   bool  // that, so it is told to have taken no time
}

func (r *reply) known() bool { return r.to != 0 }

// created is told once. An agent's own word is no reply to anybody.
func (r *reply) created(at int64, byCustomer bool) {
	if r.begun {
		return
	}
	r.begun = true
	switch {
	case !byCustomer || r.from != 0:
	case r.early:
		r.from, r.to, r.clamped = at, at, true
	default:
		r.from, r.vague = at, true
	}
}

func (r *reply) ask(at int64) {
	if r.known() || r.from != 0 && !r.vague && r.endedAt == 0 {
		return
	}
	r.from, r.vague, r.endedAt = at, false, 0
}

func (r *reply) handoff(at int64, open bool) {
	if r.known() || r.handedOff || !open {
		return
	}
	r.from, r.vague, r.handedOff, r.endedAt = at, false, true, 0
}

func (r *reply) reply(at int64, sender, assignee string, assignedAt int64) {
	switch {
	case r.known():
		return
	case r.from != 0:
		r.to, r.endedAt = at, 0
	case !r.begun && !r.early:
		r.early = true
	default:
		return
	}
	r.sender, r.assignee, r.assigned = sender, assignee, 0
	if assignee != "" {
		r.assigned = assignedAt
	}
}

// reopen begins another wait where the one before ended without a reply.
func (r *reply) reopen(at int64, byCustomer bool) {
	if !r.known() && byCustomer {
		r.from, r.vague, r.endedAt = at, true, 0
	}
}

func (r *reply) end(at int64) {
	if r.from != 0 && !r.known() && r.endedAt == 0 {
		r.endedAt = at
	}
}

// wait is one wait of the customer for a reply by a person.
type wait struct {
	id       event.UID
	from, to int64
	nth      int64
	later    bool // a reply had been given before
	how      string
	sender   string
	// as of its end:
	channel, team, priority, assignee string
}

func (w *wait) end(l *life) {
	w.channel, w.team, w.priority, w.assignee = l.channel, l.team, l.priority, l.assignee
}

func (w wait) fact(f *fact.Family, l *life, business func(team string, from, to int64) int64, out *fact.Buffer) {
	if w.how == Waiting {
		w.end(l)
	}
	v := out.Add(f, w.id, w.from)
	v[ReplyChannel] = fact.Str(w.channel)
	v[ReplyTeam] = fact.Str(w.team)
	v[ReplyPriority] = fact.Str(w.priority)
	v[ReplyNth] = fact.Int(w.nth)
	v[ReplyKind] = fact.Str(First)
	if w.later {
		v[ReplyKind] = fact.Str(Next)
	}
	v[ReplyWaitingSince] = fact.Int(w.from)
	v[ReplyOutcome] = fact.Str(w.how)
	v[ReplyAssignee] = fact.Str(w.assignee)
	if w.how == Waiting || w.how == Lost {
		return
	}
	v[ReplyEndedAt] = fact.Int(w.to)
	if w.how == Answered {
		v[ReplyWait] = fact.Int(w.to - w.from)
		v[ReplyWaitBusiness] = fact.Int(business(w.team, w.from, w.to))
		v[ReplySender] = fact.Str(w.sender)
	}
}

package sim

import (
	"github.com/nabz/nabz/pkg/event"
)

// tale is one life of a contact, told event by event: a list of stays, each
// with what is known of it. A stay is at a queue, with an agent, or "on the
// way".
type tale struct {
	opener    bool
	id        event.UID
	began     int64
	since     int64 // since when something has been open without a break
	closed    int64 // when nothing was open, last
	left      int64 // when nobody had the customer, last
	stays     []*stay
	transfers int64
	lost      bool
	on        bool // created, and nowhere yet
	ended     bool
}

type stay struct {
	id         event.UID
	where      string // queue or agent
	name       string
	nth        int64
	from, to   int64
	how        string // empty while it lasts
	agent      string
	untold     bool // it stood in the next queue, and nothing says how it left
	toWhom     bool // it left for an agent, and nothing says for whom
	held, hold int64
	holding    bool
	wrapping   bool
	wrapFrom   int64
	wrapTo     int64
	wrapLost   bool
}

func newTale(e accepted) *tale {
	return &tale{id: e.UID, began: e.Time, since: e.Time, closed: -1, left: -1}
}

// going tells whether anything is open; with is whether someone has the
// customer.
func (l *tale) going() (open, with bool) {
	open, with = l.on, l.on
	for _, s := range l.stays {
		if s.how == "" {
			open, with = true, true
		}
		if s.wrapping {
			open = true
		}
	}
	return open, with
}

// over tells whether, and when, the life was over as of t. What has been open
// for longer than the greatest age by then is lost at that age.
func (l *tale) over(t int64) (int64, bool) {
	open, with := l.going()
	if !open {
		return l.closed, l.closed >= 0
	}
	if l.since+maxAge >= t {
		return 0, false
	}
	l.closed = l.since + maxAge
	if with {
		l.lost, l.left = true, l.closed
	}
	l.on = false
	for _, s := range l.stays {
		if s.how == "" {
			s.how = "lost"
		}
		if s.wrapping {
			s.wrapping, s.wrapLost = false, true
		}
	}
	return l.closed, true
}

func (l *tale) tell(e event.Event) {
	open, with := l.going()
	l.opener = l.opener || opener(e.Type)
	l.apply(e)
	openNow, withNow := l.going()
	if openNow && !open {
		l.since, l.lost = e.Time, false
	}
	if !openNow && (open || l.closed < 0) {
		l.closed = e.Time
	}
	if !withNow && (with || l.left < 0) {
		l.left = e.Time
	}
}

func (l *tale) apply(e event.Event) {
	queue, agent := e.Text(event.FieldQueueID), e.Text(event.FieldAgentID)
	switch e.Type {
	case "contact.created":
		l.on = len(l.stays) == 0 && !l.ended
		return
	case "contact.queued":
		l.queue(e, queue)
	case "contact.not_offered":
		l.queue(e, queue)
		s := l.stays[len(l.stays)-1]
		s.to, s.how = e.Time, e.Text(event.FieldOutcome)
	case "contact.dequeued":
		l.depart(queue, e.Time, e.Text(event.FieldOutcome))
	case "contact.callback_scheduled":
		l.depart(queue, e.Time, "callback")
	case "contact.answered":
		l.answer(e, queue, agent)
	case "contact.hold_started":
		if s := l.with(agent, true); s != nil && !s.holding {
			s.holding, s.hold = true, e.Time
		}
		return
	case "contact.hold_ended":
		if s := l.with(agent, true); s != nil && s.holding {
			s.holding = false
			s.held += e.Time - s.hold
		}
		return
	case "contact.transferred":
		l.transfers++
		if s := l.with(agent, true); s != nil {
			s.part(e.Time)
		} else {
			l.depart(queue, e.Time, "transferred")
		}
	case "contact.ended":
		l.end(e, agent)
	case "contact.wrapup_started":
		if s := l.with(agent, false); s != nil {
			s.part(e.Time)
			if s.how == "over" && s.wrapTo == 0 && !s.wrapping && !s.wrapLost {
				s.wrapping, s.wrapFrom = true, e.Time
			}
		}
		return
	case "contact.wrapup_ended":
		if s := l.with(agent, false); s != nil {
			s.unwrap(e.Time)
		}
		return
	}
	l.on = false
}

func (l *tale) queue(e event.Event, queue string) {
	if s := l.leave("", e.Time, "flow_out"); s != nil {
		s.untold = true
	}
	nth := int64(1)
	for _, s := range l.stays {
		if s.where == "queue" && s.name == queue {
			nth++
		}
	}
	l.stays = append(l.stays, &stay{id: e.UID, where: "queue", name: queue, nth: nth, from: e.Time})
}

func (l *tale) leave(queue string, at int64, how string) *stay {
	for i := len(l.stays) - 1; i >= 0; i-- {
		s := l.stays[i]
		if s.where == "queue" && s.how == "" && (queue == "" || queue == s.name) {
			s.to, s.how = at, how
			return s
		}
	}
	return nil
}

// depart tells how a queue was left, of which the stay in the next may have
// been told first.
func (l *tale) depart(queue string, at int64, how string) {
	s := l.retell(queue, at, how)
	if s == nil {
		s = l.leave(queue, at, how)
	}
	if s != nil {
		s.toWhom = how == "answered"
	}
}

func (l *tale) retell(queue string, at int64, how string) *stay {
	for _, s := range l.stays {
		if s.untold && s.to == at && (queue == "" || queue == s.name) {
			s.how, s.untold = how, false
			return s
		}
	}
	return nil
}

func (l *tale) answer(e event.Event, queue, agent string) {
	var s *stay
	for _, x := range l.stays {
		if x.toWhom && x.to == e.Time && (queue == "" || queue == x.name) {
			s, x.toWhom = x, false
			break
		}
	}
	if s == nil {
		s = l.leave(queue, e.Time, "answered")
	}
	if s == nil && queue != "" {
		s = l.retell(queue, e.Time, "answered")
	}
	if s != nil {
		s.agent = agent
	}
	for _, s := range l.stays {
		if s.where == "agent" && s.how == "" && s.name == agent {
			return
		}
	}
	l.stays = append(l.stays, &stay{id: e.UID, where: "agent", name: agent, from: e.Time})
}

func (l *tale) with(agent string, now bool) *stay {
	for i := len(l.stays) - 1; i >= 0; i-- {
		s := l.stays[i]
		if s.where == "agent" && (agent == "" || agent == s.name) && (!now || s.how == "") {
			return s
		}
	}
	return nil
}

func (s *stay) part(at int64) {
	if s.how != "" {
		return
	}
	if s.holding {
		s.holding = false
		s.held += at - s.hold
	}
	s.to, s.how = at, "over"
}

func (s *stay) unwrap(at int64) {
	switch {
	case s.wrapping:
		s.wrapping, s.wrapTo = false, at
	case s.how == "over" && s.wrapFrom == 0 && !s.wrapLost:
		s.wrapFrom, s.wrapTo = s.to, at
	}
}

func (l *tale) end(e event.Event, agent string) {
	if agent != "" {
		if s := l.with(agent, true); s != nil {
			s.part(e.Time)
			return
		}
	}
	l.ended = true
	how := map[string]string{"agent": "system", "system": "system", "network": "system", "transfer": "transferred"}[e.Text(event.FieldBy)]
	if how == "" {
		how = "abandoned"
	}
	l.leave("", e.Time, how)
	for _, s := range l.stays {
		if s.where == "agent" {
			s.part(e.Time)
		}
	}
}

// stories are the facts of the tale.
func (l *tale) stories() []expected {
	var out []expected
	queues, agents := int64(0), int64(0)
	for _, s := range l.stays {
		x := expected{opened: s.from, text: map[string]string{"id": s.id.String()}, num: map[string]int64{}}
		if s.where == "queue" {
			queues++
			x.family = "queue_segment"
			s.queued(&x)
		} else {
			agents++
			x.family = "agent_segment"
			s.talked(&x)
		}
		out = append(out, x)
	}
	c := expected{family: "contact", opened: l.began, text: map[string]string{"id": l.id.String()}, num: map[string]int64{
		"queues": queues, "agents": agents, "transfers": l.transfers,
	}}
	_, with := l.going()
	switch {
	case l.lost:
		c.text["state"] = "lost"
	case with:
		c.text["state"] = "open"
	default:
		c.text["state"] = "closed"
		c.num["ended_at"] = l.left
	}
	return append(out, c)
}

func (s *stay) queued(x *expected) {
	x.text["queue"], x.text["agent"], x.num["nth"] = s.name, s.agent, s.nth
	x.text["outcome"] = s.how
	if s.how == "" {
		x.text["outcome"] = "waiting"
	} else if s.how != "lost" {
		x.num["left_at"], x.num["wait"] = s.to, s.to-s.from
	}
}

func (s *stay) talked(x *expected) {
	x.text["agent"] = s.name
	switch {
	case s.how == "lost" || s.wrapLost:
		x.text["state"] = "lost"
	case s.wrapping:
		x.text["state"] = "wrapup"
	case s.how == "over":
		x.text["state"] = "ended"
		x.num["wrapup"] = s.wrapTo - s.wrapFrom
	case s.holding:
		x.text["state"] = "held"
	default:
		x.text["state"] = "talking"
	}
	if s.how == "over" {
		x.num["ended_at"], x.num["talk"], x.num["hold"] = s.to, s.to-s.from-s.held, s.held
	}
}

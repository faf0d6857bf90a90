package demo

import (
	"container/heap"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"github.com/nabz/nabz/pkg/source"
)

// queue is one queue of the simulated center.
type queue struct {
	name    string
	perHour float64       // arrivals in the busiest hour
	talk    time.Duration // mean
	patient time.Duration // mean patience
	waiting []*call
}

// call is one contact.
type call struct {
	id, customer string
	queue        *queue
	left         bool // the queue: answered, abandoned or called back later
	legs         int
	after        bool   // it has ended, and its agent wraps it up
	agent        string // who ended it
}

// agent is one agent; idle tells whether a call may be given.
type agent struct {
	id, team string
	queues   []string
	idle     bool
	call     *call
	there    bool
	until    time.Duration // when the shift ends
}

// profile is the share of the busiest hour's arrivals in each hour of a day.
var profile = [24]float64{.05, .03, .02, .02, .03, .06, .15, .4, .75, .95, 1, 1, .9, .85, .95, 1, .9, .7, .5, .4, .35, .25, .15, .08}

// transition is something that is due at an instant of simulated time.
type transition struct {
	at   time.Duration
	nth  int // order among those of one instant
	does func()
}

// Center is a contact center, simulated event by event. The same seed gives the
// same course.
type Center struct {
	random *rand.Rand
	prefix string // of ids, so that two runs have none in common
	dawn   int    // hour of the day at which it begins
	now    time.Duration
	nth    int
	due    schedule
	queues []*queue
	agents []*agent
	calls  int
	open   []*call // those of which something is still to come
	desk   *desk
	out    []Happening
}

// Happening is an event at an instant of simulated time, without its time.
type Happening struct {
	At    time.Duration
	Event source.Event
}

// NewCenter makes a center of five queues and fifteen agents at nine in the
// morning. prefix begins the ids of its contacts.
func NewCenter(seed uint64, prefix string) *Center {
	c := &Center{random: rand.New(rand.NewPCG(seed, 1)), prefix: prefix, dawn: 9}
	c.queues = []*queue{
		{name: "sales", perHour: 70, talk: 210 * time.Second, patient: 150 * time.Second},
		{name: "support", perHour: 90, talk: 260 * time.Second, patient: 240 * time.Second},
		{name: "billing", perHour: 40, talk: 180 * time.Second, patient: 180 * time.Second},
		{name: "vip", perHour: 12, talk: 300 * time.Second, patient: 300 * time.Second},
		// One agent for too much work: somebody always waits for long.
		{name: "claims", perHour: 15, talk: 300 * time.Second, patient: 20 * time.Minute},
	}
	names := []string{"arash", "bita", "cyrus", "dina", "elham", "farid", "golnar", "hamid", "iman", "jaleh", "kian", "laleh", "mina", "navid"}
	for i, name := range names {
		a := &agent{id: name, team: "north", queues: []string{"support", "billing", "vip"}}
		if i%2 == 1 {
			a.team, a.queues = "south", []string{"sales", "vip", "support"}
		}
		c.agents = append(c.agents, a)
		c.after(time.Duration(i)*300*time.Millisecond, func() { c.login(a) })
	}
	omid := &agent{id: "omid", team: "north", queues: []string{"claims"}}
	c.agents = append(c.agents, omid)
	c.after(5*time.Second, func() { c.login(omid) })
	for _, q := range c.queues {
		c.arrive(q)
	}
	c.desk = newDesk(c, seed)
	return c
}

// Until lets the center run to an instant of simulated time and gives what
// happened, in order.
func (c *Center) Until(at time.Duration) []Happening {
	c.out = c.out[:0]
	for len(c.due) > 0 && c.due[0].at <= at {
		t := heap.Pop(&c.due).(*transition)
		c.now = t.at
		t.does()
	}
	c.now = at
	return c.out
}

func (c *Center) after(d time.Duration, does func()) {
	c.nth++
	heap.Push(&c.due, &transition{at: c.now + d, nth: c.nth, does: does})
}

// exponential draws a span of a mean.
func (c *Center) exponential(mean time.Duration) time.Duration {
	return time.Duration(c.random.ExpFloat64() * float64(mean))
}

// lognormal draws a span of a mean, as talk times are: most short, some long.
func (c *Center) lognormal(mean time.Duration) time.Duration {
	const sigma = 0.8
	return time.Duration(float64(mean) * math.Exp(sigma*c.random.NormFloat64()-sigma*sigma/2))
}

func (c *Center) chance(p float64) bool { return c.random.Float64() < p }

// say notes an event. Members are name, value, name, value; no value, no
// member.
func (c *Center) say(typ, subject string, members ...string) {
	c.nth++
	e := source.Event{Type: typ, ID: subject + ":" + c.prefix + strconv.Itoa(c.nth), Sequence: int64(c.nth)}
	for i := 0; i+1 < len(members); i += 2 {
		if members[i+1] != "" {
			e.Data = append(e.Data, source.Member{Name: members[i], JSON: strconv.Quote(members[i+1])})
		}
	}
	c.out = append(c.out, Happening{At: c.now, Event: e})
}

func (c *Center) contact(typ string, l *call, members ...string) {
	c.say(typ, l.id, append([]string{"contact_id", l.id, "customer_id", l.customer, "channel", "voice"}, members...)...)
}

func (c *Center) login(a *agent) {
	a.there, a.until = true, c.now+4*time.Hour+c.exponential(2*time.Hour)
	c.say("agent.login", a.id, "agent_id", a.id, "team_id", a.team)
	for _, q := range a.queues {
		c.say("agent.queue_joined", a.id, "agent_id", a.id, "queue_id", q)
	}
	c.free(a)
}

// arrive lets the next call of a queue come.
func (c *Center) arrive(q *queue) {
	hour := (c.dawn + int(c.now/time.Hour)) % 24
	rate := q.perHour * profile[hour]
	c.after(c.exponential(time.Duration(float64(time.Hour)/rate)), func() {
		c.calls++
		l := &call{id: fmt.Sprintf("%sc%d", c.prefix, c.calls), queue: q}
		if c.chance(.7) {
			l.customer = fmt.Sprintf("customer-%d", c.random.IntN(5000))
		}
		c.open = append(c.open, l)
		c.contact("contact.created", l, "direction", "inbound")
		c.after(c.exponential(6*time.Second), func() { c.enter(l, q) })
		c.arrive(q)
	})
}

// enter puts a call into a queue.
func (c *Center) enter(l *call, q *queue) {
	l.queue, l.left = q, false
	leg := l.legs
	c.contact("contact.queued", l, "queue_id", q.name, "direction", "inbound")
	q.waiting = append(q.waiting, l)
	c.after(c.exponential(q.patient), func() {
		if !l.left && l.legs == leg {
			c.giveUp(l)
		}
	})
	for _, a := range c.agents {
		if a.idle && a.serves(q.name) {
			c.offer(a)
			return
		}
	}
}

// giveUp lets a caller hang up, or ask for a call back.
func (c *Center) giveUp(l *call) {
	q := l.queue
	c.leave(l)
	if c.chance(.15) {
		c.contact("contact.dequeued", l, "queue_id", q.name, "outcome", "callback")
		c.contact("contact.callback_scheduled", l, "queue_id", q.name)
		return
	}
	c.contact("contact.dequeued", l, "queue_id", q.name, "outcome", "abandoned")
	c.contact("contact.ended", l, "queue_id", q.name, "by", "customer")
	c.forget(l)
}

// forget lets go of a call of which nothing more is to come.
func (c *Center) forget(l *call) {
	c.open = slices.DeleteFunc(c.open, func(o *call) bool { return o == l })
}

// Close ends every call and conversation and logs every agent out, so that nobody waits for ever in a center that is not
// there any more, and gives what happened.
func (c *Center) Close() []Happening {
	c.out = c.out[:0]
	for _, l := range c.open {
		switch {
		case l.after:
			c.contact("contact.wrapup_ended", l, "agent_id", l.agent, "queue_id", l.queue.name)
			continue
		case l.queue != nil && !l.left:
			c.contact("contact.dequeued", l, "queue_id", l.queue.name, "outcome", "closed")
		}
		c.contact("contact.ended", l, "by", "system")
	}
	c.desk.close()
	for _, a := range c.agents {
		if a.there {
			c.say("agent.logout", a.id, "agent_id", a.id)
		}
	}
	c.open, c.due = nil, nil
	return c.out
}

func (c *Center) leave(l *call) {
	l.left = true
	l.legs++
	for i, w := range l.queue.waiting {
		if w == l {
			l.queue.waiting = append(l.queue.waiting[:i], l.queue.waiting[i+1:]...)
			return
		}
	}
}

func (a *agent) serves(queue string) bool {
	for _, q := range a.queues {
		if q == queue {
			return true
		}
	}
	return false
}

// offer rings an idle agent with the call that waits longest in the agent's
// queues, in the order of the queues.
func (c *Center) offer(a *agent) {
	for _, q := range c.queues {
		if len(q.waiting) == 0 || !a.serves(q.name) {
			continue
		}
		l := q.waiting[0]
		leg := l.legs
		a.idle = false
		q.waiting = q.waiting[1:]
		c.contact("contact.offered", l, "queue_id", q.name, "agent_id", a.id, "team_id", a.team)
		c.after(2*time.Second+c.exponential(3*time.Second), func() {
			switch {
			case l.left || l.legs != leg:
				c.contact("contact.offer_ended", l, "queue_id", q.name, "agent_id", a.id, "outcome", "canceled")
				c.free(a)
			case c.chance(.04):
				c.contact("contact.offer_ended", l, "queue_id", q.name, "agent_id", a.id, "outcome", "missed")
				q.waiting = append([]*call{l}, q.waiting...)
				c.after(20*time.Second, func() { c.free(a) })
				c.another(q)
			default:
				c.answer(a, l)
			}
		})
		return
	}
}

// another offers what waits in a queue to whoever is idle.
func (c *Center) another(q *queue) {
	for _, a := range c.agents {
		if a.idle && a.serves(q.name) {
			c.offer(a)
			return
		}
	}
}

func (c *Center) answer(a *agent, l *call) {
	c.leave(l)
	a.call = l
	c.contact("contact.answered", l, "queue_id", l.queue.name, "agent_id", a.id, "team_id", a.team)
	c.say("agent.state_changed", a.id, "agent_id", a.id, "state", "on_contact")
	talk := max(5*time.Second, c.lognormal(l.queue.talk))
	if c.chance(.2) {
		c.after(talk/3, func() { c.contact("contact.hold_started", l, "agent_id", a.id, "queue_id", l.queue.name) })
		c.after(talk/3+talk/6, func() { c.contact("contact.hold_ended", l, "agent_id", a.id, "queue_id", l.queue.name) })
	}
	c.after(talk, func() { c.finish(a, l) })
}

// finish ends the agent's part of a call: it ends, or goes to another queue.
func (c *Center) finish(a *agent, l *call) {
	from := l.queue
	if l.legs < 2 && c.chance(.07) {
		to := c.queues[c.random.IntN(len(c.queues))]
		c.contact("contact.transferred", l, "mode", "queue", "agent_id", a.id, "queue_id", from.name, "to_queue_id", to.name)
		c.enter(l, to)
	} else {
		by := "customer"
		if c.chance(.35) {
			by = "agent"
		}
		c.contact("contact.ended", l, "queue_id", from.name, "agent_id", a.id, "by", by)
		l.after, l.agent = true, a.id
	}
	c.contact("contact.wrapup_started", l, "agent_id", a.id, "queue_id", from.name)
	c.say("agent.state_changed", a.id, "agent_id", a.id, "state", "wrapup")
	c.after(c.lognormal(25*time.Second), func() {
		c.contact("contact.wrapup_ended", l, "agent_id", a.id, "queue_id", from.name)
		if l.after {
			c.forget(l)
		}
		c.free(a)
	})
}

// free lets an agent wait for the next call, unless it is time for a break or
// for going home.
func (c *Center) free(a *agent) {
	a.call = nil
	switch {
	case c.now > a.until:
		a.there = false
		c.say("agent.logout", a.id, "agent_id", a.id)
		c.after(20*time.Minute+c.exponential(20*time.Minute), func() { c.login(a) })
		return
	case c.chance(.04):
		reason := []string{"break", "lunch", "training"}[c.random.IntN(3)]
		c.say("agent.paused", a.id, "agent_id", a.id, "reason", reason)
		c.after(2*time.Minute+c.exponential(5*time.Minute), func() {
			c.say("agent.unpaused", a.id, "agent_id", a.id)
			c.wait(a)
		})
		return
	}
	c.wait(a)
}

func (c *Center) wait(a *agent) {
	a.idle = true
	c.say("agent.state_changed", a.id, "agent_id", a.id, "state", "available")
	c.offer(a)
}

// schedule is a heap of what is due.
type schedule []*transition

// Len is part of heap.Interface, as are those below.
func (s schedule) Len() int { return len(s) }

// Less orders by instant, then by the order of planning.
func (s schedule) Less(i, j int) bool {
	if s[i].at != s[j].at {
		return s[i].at < s[j].at
	}
	return s[i].nth < s[j].nth
}

// Swap swaps two.
func (s schedule) Swap(i, j int) { s[i], s[j] = s[j], s[i] }

// Push adds one.
func (s *schedule) Push(x any) { *s = append(*s, x.(*transition)) }

// Pop takes the last.
func (s *schedule) Pop() any {
	old := *s
	x := old[len(old)-1]
	*s = old[:len(old)-1]
	return x
}

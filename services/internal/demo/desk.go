package demo

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"
)

// medium is a way to write to the desk.
type medium struct {
	channel string
	perHour float64       // arrivals in the busiest hour
	taken   time.Duration // mean, until an agent takes it
	reply   time.Duration // mean, until an agent answers
	think   time.Duration // mean, until the customer writes again
}

// thread is one conversation.
type thread struct {
	id, customer, agent string
	medium              medium
	messages            int
}

// desk answers what is written, beside the center's calls. It draws from a
// course of its own, so that calls come as they would without it.
type desk struct {
	center  *Center
	random  *rand.Rand
	agents  []string
	threads int
	open    []*thread // those that are not solved
}

// mostThreads bounds what is open at the desk, as long as it is.
const mostThreads = 1000

func newDesk(c *Center, seed uint64) *desk {
	d := &desk{center: c, random: rand.New(rand.NewPCG(seed, 3)), agents: []string{"parisa", "reza", "sara"}}
	for _, m := range []medium{
		{"chat", 24, 40 * time.Second, 50 * time.Second, 90 * time.Second},
		{"email", 15, 8 * time.Minute, 6 * time.Minute, 20 * time.Minute},
	} {
		d.arrive(m)
	}
	return d
}

func (d *desk) within(mean time.Duration) time.Duration {
	return time.Second + time.Duration(d.random.ExpFloat64()*float64(mean))
}

func (d *desk) chance(p float64) bool { return d.random.Float64() < p }

func (d *desk) say(typ string, t *thread, members ...string) {
	d.center.say(typ, t.id, append([]string{"conversation_id", t.id, "customer_id", t.customer, "channel", t.medium.channel}, members...)...)
}

func (d *desk) write(t *thread, members ...string) {
	t.messages++
	d.say("message.created", t, append([]string{"message_id", t.id + "-" + strconv.Itoa(t.messages)}, members...)...)
}

// arrive lets the next conversation of a medium begin.
func (d *desk) arrive(m medium) {
	c := d.center
	hour := (c.dawn + int(c.now/time.Hour)) % 24
	c.after(d.within(time.Duration(float64(time.Hour)/(m.perHour*profile[hour]))), func() {
		if len(d.open) < mostThreads {
			d.begin(m)
		}
		d.arrive(m)
	})
}

func (d *desk) begin(m medium) {
	d.threads++
	t := &thread{id: fmt.Sprintf("%st%d", d.center.prefix, d.threads), medium: m, agent: d.agents[d.random.IntN(len(d.agents))]}
	t.customer = fmt.Sprintf("customer-%d", d.random.IntN(5000))
	d.open = append(d.open, t)
	about := "question"
	if d.chance(.06) {
		about = "complaint"
	}
	d.say("conversation.created", t, "status", "new", "ticket_type", about)
	d.write(t, "actor", "customer")
	if m.channel == "chat" && d.chance(.4) {
		d.center.after(2*time.Second, func() { d.write(t, "actor", "bot") })
		d.center.after(d.within(20*time.Second)+2*time.Second, func() {
			d.say("conversation.bot_handoff", t)
			d.take(t)
		})
		return
	}
	d.take(t)
}

func (d *desk) take(t *thread) {
	d.center.after(d.within(t.medium.taken), func() {
		d.say("conversation.assigned", t, "agent_id", t.agent)
		d.say("conversation.status_changed", t, "status", "open")
		d.answer(t)
	})
}

// answer lets the agent write, perhaps after a note to colleagues, and then the
// customer, or be done.
func (d *desk) answer(t *thread) {
	wait := d.within(t.medium.reply)
	if d.chance(.1) {
		d.center.after(wait/2, func() { d.write(t, "actor", "agent", "agent_id", t.agent, "visibility", "internal") })
	}
	d.center.after(wait, func() {
		d.write(t, "actor", "agent", "agent_id", t.agent)
		if d.chance(.55) {
			d.center.after(d.within(t.medium.reply), func() { d.solve(t) })
			return
		}
		d.say("conversation.status_changed", t, "status", "pending", "from_status", "open")
		d.center.after(d.within(t.medium.think), func() {
			d.write(t, "actor", "customer")
			d.say("conversation.status_changed", t, "status", "open", "from_status", "pending")
			d.answer(t)
		})
	})
}

// solve ends a conversation, unless the customer is not content.
func (d *desk) solve(t *thread) {
	d.say("conversation.status_changed", t, "status", "solved", "from_status", "open")
	if d.chance(.08) {
		d.center.after(d.within(t.medium.think), func() {
			d.write(t, "actor", "customer")
			d.say("conversation.reopened", t, "from_status", "solved")
			d.answer(t)
		})
		return
	}
	d.open = slices.DeleteFunc(d.open, func(o *thread) bool { return o == t })
}

// close ends what is open.
func (d *desk) close() {
	for _, t := range d.open {
		d.say("conversation.status_changed", t, "status", "closed")
	}
	d.open = nil
}

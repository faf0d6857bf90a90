package main

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"
)

// The simulated center. Agents have one queue each; a contact that is handed
// on goes to the next queue.
const (
	tenants = 4
	queues  = 5
	sources = 10
	// agentsPerQueue keeps each agent below the events that one item holds, at
	// 5,000 events/s for a quarter of an hour; then others begin their shift.
	agentsPerQueue = 480
	shift          = 15 * time.Minute
)

// Shares of the load.
const (
	duplicates = 0.02  // of events, sent again
	disorder   = 0.05  // of events, sent behind others that happened later
	late       = 0.001 // of contacts, half of them behind every horizon
)

// target is what the policy queue_wait promises, and settle how long a breach
// stands before people are told.
const (
	target = 60 * time.Second
	settle = 2 * time.Second
)

// happening is one event of a contact, drawn from the seed: when it happens
// after the contact's first, and when it is sent.
type happening struct {
	typ            string
	queue, agent   string
	more           string // further fields of data, JSON
	after          time.Duration
	delay          time.Duration // of sending: disorder
	again          time.Duration // when it is sent a second time, 0: not
	number         int
	tenant, source string
	contact        string
	channel        string
	customer       string
}

// course draws contact n of a seed: what happens to it, and how far the clock
// of its source is off. Some waits are so long that people must be told;
// patience tells whether there is still time for those.
func course(seed, n uint64, at time.Duration, patience bool) (events []happening, off time.Duration) {
	r := rand.New(rand.NewPCG(seed, n))
	c := &drawing{r: r, n: n, queue: r.IntN(queues), at: at}
	c.channel = []string{"voice", "chat", "video", "voice", "email"}[c.queue]
	if r.Float64() < 0.1 {
		c.customer = "customer-" + strconv.Itoa(r.IntN(20_000))
	}
	c.contactFrom(patience)
	for i := range c.all {
		if r.Float64() < disorder {
			c.all[i].delay = time.Duration(r.IntN(8_000)) * time.Millisecond
		}
		if r.Float64() < duplicates {
			c.all[i].again = time.Second + time.Duration(r.IntN(20_000))*time.Millisecond
		}
	}
	return c.all, c.off(at)
}

// drawing is a contact while it is drawn.
type drawing struct {
	r        *rand.Rand
	n        uint64
	queue    int
	customer string
	channel  string        // it keeps the one that it came by
	at       time.Duration // of its beginning, in the run
	now      time.Duration // of the next event, in the contact
	all      []happening
}

// off is how far the clock of the source stands from this machine's. Those of
// one source step ahead and back, those of another come a quarter of an hour
// or more late, and some long behind every horizon.
func (c *drawing) off(at time.Duration) time.Duration {
	switch x := c.r.Float64(); {
	case x < late/2:
		return -8 * 24 * time.Hour
	case x < late:
		return -15*time.Minute - time.Duration(c.r.IntN(25*60))*time.Second
	}
	if c.n%sources != sources-1 {
		return 0
	}
	return []time.Duration{0, 40 * time.Second, -45 * time.Second, -3 * time.Second}[int(at/(30*time.Second))%4]
}

func (c *drawing) add(typ, agent, more string) {
	c.all = append(c.all, happening{
		typ: typ, queue: "queue-" + strconv.Itoa(c.queue), agent: agent, more: more, after: c.now, number: len(c.all),
		tenant: "tenant-" + strconv.Itoa(int(c.n%tenants)), source: "pbx/" + strconv.Itoa(int(c.n%sources)),
		contact: strconv.FormatUint(c.n, 36), channel: c.channel, customer: c.customer,
	})
}

func (c *drawing) wait(least, most time.Duration) {
	c.now += least + time.Duration(c.r.Int64N(int64((most-least)/time.Millisecond)+1))*time.Millisecond
}

func (c *drawing) contactFrom(patience bool) {
	if c.r.Float64() < 0.2 {
		c.add("contact.created", "", "")
		c.wait(0, 2*time.Second)
	}
	c.add("contact.queued", "", "")
	switch x := c.r.Float64(); {
	case x < 0.0015 && patience:
		c.wait(170*time.Second, 190*time.Second)
	case x < 0.004:
		c.wait(45*time.Second, 75*time.Second)
	case x < 0.06:
		c.wait(time.Second, 15*time.Second)
		if c.r.IntN(2) == 0 {
			c.add("contact.dequeued", "", `,"outcome":"abandoned"`)
			return
		}
		c.add("contact.ended", "", `,"by":"customer"`)
		return
	case x < 0.09: // at once: one millisecond, and the order is that of the types
	case x < 0.2:
		c.wait(15*time.Second, 40*time.Second)
	default:
		c.wait(100*time.Millisecond, 18*time.Second)
	}
	c.talk()
	if c.r.Float64() < 0.04 {
		c.queue = (c.queue + 1) % queues
		c.all[len(c.all)-1].typ, c.all[len(c.all)-1].more = "contact.transferred", fmt.Sprintf(`,"mode":"queue","to_queue_id":"queue-%d"`, c.queue)
		c.wait(time.Millisecond, time.Second)
		c.add("contact.queued", "", "")
		c.wait(0, 10*time.Second)
		c.talk()
	}
	if agent := c.all[len(c.all)-1].agent; c.r.Float64() < 0.5 {
		c.wait(time.Millisecond, 500*time.Millisecond)
		c.add("contact.wrapup_started", agent, "")
		c.wait(time.Second, 10*time.Second)
		c.add("contact.wrapup_ended", agent, "")
	}
}

// talk is an agent's part, from the answer to the end.
func (c *drawing) talk() {
	turn := int((c.at + c.now) / shift)
	agent := fmt.Sprintf("agent-%d-%d-%d", c.queue, turn, c.r.IntN(agentsPerQueue))
	c.add("contact.answered", agent, "")
	c.wait(time.Second, 10*time.Second)
	if c.r.Float64() < 0.1 {
		c.add("contact.hold_started", agent, "")
		c.wait(time.Second, 4*time.Second)
		c.add("contact.hold_ended", agent, "")
		c.wait(time.Second, 5*time.Second)
	}
	by := []string{"agent", "customer"}[c.r.IntN(2)]
	c.add("contact.ended", agent, `,"by":"`+by+`"`)
}

// body renders the event as it goes over HTTP.
func (h *happening) body(at time.Time, extensions string) []byte {
	b := fmt.Appendf(nil, `{"specversion":"1.0",%s"type":%q,"source":%q,"id":%q,"time":%q,"tenant":%q,"data":{"contact_id":%q,"queue_id":%q,"channel":%q`,
		extensions, h.typ, h.source, h.id(), at.UTC().Format("2006-01-02T15:04:05.000Z"), h.tenant, h.contact, h.queue, h.channel)
	if h.agent != "" {
		b = fmt.Appendf(b, `,"agent_id":%q`, h.agent)
	}
	if h.customer != "" {
		b = fmt.Appendf(b, `,"customer_id":%q`, h.customer)
	}
	b = append(b, h.more...)
	return append(b, "}}"...)
}

func (h *happening) id() string { return h.contact + "." + strconv.Itoa(h.number) }

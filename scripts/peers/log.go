package main

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/nabz/nabz/pkg/event"
)

// Shape says what log is made: the same shape and seed give the same log, byte
// for byte but for Begin.
type Shape struct {
	Seed       uint64
	Events     int   // deliveries of events, repeats among them, clock records not; some more may come
	Wrapup     bool  // contacts have a fourth event, the end of after-contact work
	Promises   bool  // contacts are queued and answered, and nothing else; see arrivePromise
	Open       bool  // contacts are queued, and nothing else
	Contacts   int   // a second of the log's own time
	Begin      int64 // of the log, ms since 1970 UTC, a whole hour
	Partitions int32
}

// What calls are like. Waits and talks are drawn from exponential distributions.
const (
	queues       = 100
	agents       = 2_500
	meanWait     = 18_000.0
	meanTalk     = 150_000.0
	meanWrapup   = 20_000.0
	patience     = 45_000 // a caller who waited so long gives up
	longestTalk  = 1_200_000
	repeated     = 0.02 // of the events are delivered twice
	late         = 0.05 // of the events are delivered up to lateBy later
	lateBy       = 30_000
	repeatBy     = 60_000
	pulseEvery   = 1_000
	fieldWait    = 130
	fieldTalk    = 131
	fieldWrapup  = 133
	tenant       = "peers"
	eventSource  = "pbx/1"
	queueSkew    = 1.1
	channelShare = 0.7 // of the calls are voice, the others chat
)

// channels are the names of the two channels.
func channels() [2]string { return [2]string{"voice", "chat"} }

// The stages of a call, as the log has them.
const (
	stageQueued = iota
	stageAnswered
	stageEnded
	stageWrapup
)

func stageType(stage uint8) string {
	return [...]string{"contact.queued", "contact.answered", "contact.ended", "contact.wrapup_ended"}[stage]
}

// call is one contact; times are ms from its arrival.
type call struct {
	number   int
	at       int64 // ms since 1970 UTC
	queue    int
	channel  int
	agent    int // -1: nobody answered
	wait     int64
	talk     int64
	wrapup   int64
	answered bool
	short    bool // nothing comes after the answer
	events   int  // that were sent, repeats not
}

// delivery is one event on its way.
type delivery struct {
	due   int64 // when it reaches the log, ms since 1970 UTC
	seq   int   // order among deliveries of one instant
	stage uint8
	again bool // it has been delivered before
	call  *call
}

// Log makes deliveries in the order of their arrival.
type Log struct {
	shape   Shape
	rng     *rand.Rand
	zipf    []float64 // running sums of the queues' weights
	pending deliveries
	next    int64 // arrival of the next call
	calls   int
	made    int
}

// NewLog begins a log.
func NewLog(s Shape) *Log {
	l := &Log{shape: s, rng: rand.New(rand.NewPCG(s.Seed, 0x6e61627a)), next: s.Begin}
	sum := 0.0
	for i := range queues {
		sum += 1 / math.Pow(float64(i+1), queueSkew)
		l.zipf = append(l.zipf, sum)
	}
	return l
}

// Next gives the next delivery; ok is false behind the last. Every call that
// has begun is told to its end.
func (l *Log) Next() (d delivery, ok bool) {
	for l.made+len(l.pending) < l.shape.Events && (len(l.pending) == 0 || l.next <= l.pending[0].due) {
		l.arrive()
	}
	if len(l.pending) == 0 {
		return d, false
	}
	l.made++
	return l.pending.pop(), true
}

// promise is how soon a contact is to be answered where that is what is watched,
// ms. All contacts arrive within half of it, so all are pending at once.
const promise = 1_200_000

// arrivePromise draws a contact that is answered in the second half of the time
// promised, or, one of ten, in the five minutes after it.
func (l *Log) arrivePromise(c *call) {
	c.answered, c.agent, c.short = true, l.rng.IntN(agents), true
	if l.rng.IntN(10) == 0 {
		c.wait = promise + 10_000 + int64(l.rng.IntN(290_000))
	} else {
		c.wait = promise/2 + int64(l.rng.IntN(promise/2-10_000))
	}
}

// arrive draws one call and puts its events on their way.
func (l *Log) arrive() {
	r := l.rng
	c := &call{number: l.calls, at: l.next, queue: l.queue(), agent: -1}
	if r.Float64() >= channelShare {
		c.channel = 1
	}
	if l.shape.Open {
		c.short = true
	} else if l.shape.Promises {
		l.arrivePromise(c)
	} else if c.wait = int64(r.ExpFloat64() * meanWait); c.wait >= patience {
		c.wait = patience - 10_000 + int64(r.IntN(40_000))
	} else {
		c.answered, c.agent = true, r.IntN(agents)
		c.talk = min(1_000+int64(r.ExpFloat64()*meanTalk), longestTalk)
		c.wrapup = 500 + int64(r.ExpFloat64()*meanWrapup)
	}
	l.calls++
	l.next = l.shape.Begin + int64(l.calls)*1000/int64(l.shape.Contacts)
	l.send(c, stageQueued)
	if c.answered {
		l.send(c, stageAnswered)
	}
	if !c.short {
		l.send(c, stageEnded)
	}
	if c.answered && l.shape.Wrapup {
		l.send(c, stageWrapup)
	}
}

func (l *Log) queue() int {
	x := l.rng.Float64() * l.zipf[queues-1]
	low, high := 0, queues-1
	for low < high {
		if mid := (low + high) / 2; l.zipf[mid] < x {
			low = mid + 1
		} else {
			high = mid
		}
	}
	return low
}

func (l *Log) send(c *call, stage uint8) {
	due := c.time(stage)
	if l.rng.Float64() < late {
		due += int64(l.rng.IntN(lateBy))
	}
	c.events++
	l.pending.push(delivery{due: due, seq: c.number*8 + int(stage), stage: stage, call: c})
	if l.rng.Float64() < repeated {
		l.pending.push(delivery{due: due + int64(l.rng.IntN(repeatBy)), seq: c.number*8 + int(stage) + 4, stage: stage, again: true, call: c})
	}
}

// time is when a stage of the call happened, ms since 1970 UTC.
func (c *call) time(stage uint8) int64 {
	switch stage {
	case stageQueued:
		return c.at
	case stageAnswered:
		return c.at + c.wait
	case stageEnded:
		return c.at + c.wait + c.talk
	default:
		return c.at + c.wait + c.talk + c.wrapup
	}
}

func (c *call) id() string { return "c" + strconv.FormatInt(int64(1e9)+int64(c.number), 10) }

// Writer makes records of deliveries, memory used again.
type Writer struct {
	partitions int32
	e          event.Event
	key        []byte
	scratch    []byte
}

// Record encodes a delivery as the collector would have written it, and says
// where it belongs.
func (w *Writer) Record(d *delivery) (value []byte, partition int32) {
	c := d.call
	id := c.id()
	e := &w.e
	*e = event.Event{
		Tenant: tenant, Type: stageType(d.stage), Source: eventSource, ID: id + "-" + strconv.Itoa(int(d.stage)),
		Time: c.time(d.stage), ReceivedAt: d.due, Kind: "contact", Entity: id, Attrs: e.Attrs[:0],
	}
	mixed := (uint64(c.number)<<3 | uint64(d.stage)) * 0x9e3779b97f4a7c15
	binary.BigEndian.PutUint64(e.UID[:8], mixed)
	binary.BigEndian.PutUint64(e.UID[8:], uint64(c.number)<<3|uint64(d.stage))
	w.text(event.FieldContactID, id)
	if d.stage != stageQueued && c.answered {
		w.text(event.FieldAgentID, agentName(c.agent))
	}
	w.text(event.FieldQueueID, queueName(c.queue))
	w.text(event.FieldChannel, channels()[c.channel])
	switch {
	case d.stage == stageEnded && c.answered:
		w.text(event.FieldBy, "customer")
		w.number(fieldTalk, c.talk)
	case d.stage == stageEnded:
		w.text(event.FieldBy, "customer")
		w.number(fieldWait, c.wait)
	case d.stage == stageAnswered:
		w.number(fieldWait, c.wait)
	case d.stage == stageWrapup:
		w.number(fieldWrapup, c.wrapup)
	}
	e.Hash, w.scratch = e.ContentHash(w.scratch)
	w.key = event.Key(w.key[:0], tenant, event.Live, e.Kind, e.Entity)
	return e.Append(nil), event.Partition(w.key, w.partitions)
}

func (w *Writer) text(n int32, s string) {
	w.e.Attrs = append(w.e.Attrs, event.Attr{Number: n, Text: s, IsText: true})
}

func (w *Writer) number(n int32, v int64) {
	w.e.Attrs = append(w.e.Attrs, event.Attr{Number: n, Int: v})
}

// Pulse encodes the clock record of an instant, ms since 1970 UTC.
func Pulse(at int64) []byte {
	e := event.Event{Type: event.TypePulse, Source: "peers", Time: at, ReceivedAt: at}
	return e.Append(nil)
}

func queueName(n int) string { return "q" + strconv.Itoa(n) }
func agentName(n int) string { return "a" + strconv.Itoa(n) }

// beginOf is the whole hour from which a log must begin to be over by now, when
// calls arrive for so long.
func beginOf(now time.Time, arriving time.Duration) int64 {
	const tail = 45 * time.Minute
	return now.Add(-arriving - tail).Truncate(time.Hour).UnixMilli()
}

// deliveries is a heap by the time of arrival.
type deliveries []delivery

func (h deliveries) less(i, j int) bool {
	if h[i].due != h[j].due {
		return h[i].due < h[j].due
	}
	return h[i].seq < h[j].seq
}

func (h *deliveries) push(d delivery) {
	*h = append(*h, d)
	for i := len(*h) - 1; i > 0; {
		up := (i - 1) / 2
		if !h.less(i, up) {
			return
		}
		(*h)[i], (*h)[up] = (*h)[up], (*h)[i]
		i = up
	}
}

func (h *deliveries) pop() delivery {
	all := *h
	top, last := all[0], len(all)-1
	all[0] = all[last]
	all[last] = delivery{}
	*h = all[:last]
	for i := 0; ; {
		down := 2*i + 1
		if down >= last {
			return top
		}
		if down+1 < last && h.less(down+1, down) {
			down++
		}
		if !h.less(down, i) {
			return top
		}
		(*h)[i], (*h)[down] = (*h)[down], (*h)[i]
		i = down
	}
}

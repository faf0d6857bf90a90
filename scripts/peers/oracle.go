package main

import "github.com/nabz/nabz/pkg/kpi"

// bins is how many buckets the distribution of waits has in a result: two for
// every doubling. Those of Nabz are sixteen times as fine and add up to them.
const bins = 64

func bin(ms int64) int { return int(kpi.Bucket(ms)) / (kpi.Buckets / bins) }

// cellKey is one minute of one queue and channel.
type cellKey struct {
	queue   string
	channel string
	minute  int64 // its start, ms since 1970 UTC
}

// Indexes of the numbers of a cell.
const (
	cellOffered = iota
	cellAnswered
	cellInTime // answered within inTime
	cellAbandoned
	cellWaited // ms, of the answered
	cellHandled
	cellTalked // ms
	cellNumbers
)

const inTime = 20_000 // ms

// cell is what is counted of one minute: each event at its own time.
type cell struct {
	numbers [cellNumbers]int64
	waits   [bins]int64
}

func (c *cell) add(o *cell) {
	for i := range c.numbers {
		c.numbers[i] += o.numbers[i]
	}
	for i := range c.waits {
		c.waits[i] += o.waits[i]
	}
}

// Oracle counts a log as it is made, once by events and once by deliveries: an
// engine that does not know repeats is held to the second.
type Oracle struct {
	Events     map[cellKey]*cell
	Deliveries map[cellKey]*cell
	Calls      map[string]*call // those whose every event was delivered
	left       map[int]int      // events of a call that are still to come
}

// NewOracle begins to count.
func NewOracle() *Oracle {
	return &Oracle{Events: map[cellKey]*cell{}, Deliveries: map[cellKey]*cell{}, Calls: map[string]*call{}, left: map[int]int{}}
}

// Take counts one delivery.
func (o *Oracle) Take(d *delivery) {
	o.count(o.Deliveries, d)
	if d.again {
		return
	}
	o.count(o.Events, d)
	left, begun := o.left[d.call.number]
	if !begun {
		left = d.call.events
	}
	if left--; left == 0 {
		delete(o.left, d.call.number)
		o.Calls[d.call.id()] = d.call
		return
	}
	o.left[d.call.number] = left
}

func (o *Oracle) count(cells map[cellKey]*cell, d *delivery) {
	c := d.call
	if d.stage == stageWrapup {
		return
	}
	at := c.time(d.stage)
	k := cellKey{queueName(c.queue), channels()[c.channel], at - at%60_000}
	x := cells[k]
	if x == nil {
		x = &cell{}
		cells[k] = x
	}
	switch {
	case d.stage == stageQueued:
		x.numbers[cellOffered]++
	case d.stage == stageAnswered:
		x.numbers[cellAnswered]++
		x.numbers[cellWaited] += c.wait
		x.waits[bin(c.wait)]++
		if c.wait <= inTime {
			x.numbers[cellInTime]++
		}
	case c.answered:
		x.numbers[cellHandled]++
		x.numbers[cellTalked] += c.talk
	default:
		x.numbers[cellAbandoned]++
	}
}

// differences tells how many cells of a result are not those of the oracle:
// missing, too many, or wrong in any number.
func differences(want, got map[cellKey]*cell) (wrong int) {
	for k, w := range want {
		if g := got[k]; g == nil || *g != *w {
			wrong++
		}
	}
	for k, g := range got {
		if want[k] == nil && *g != (cell{}) {
			wrong++
		}
	}
	return wrong
}

// Windows of W2: five minutes, one beginning each minute.
const (
	windowSize = 300_000 // ms
	windowStep = 60_000
)

// windows adds minutes up to windows, by the start of each.
func windows(minutes map[cellKey]*cell) map[cellKey]*cell {
	out := map[cellKey]*cell{}
	for k, c := range minutes {
		for start := k.minute - windowSize + windowStep; start <= k.minute; start += windowStep {
			w := cellKey{k.queue, k.channel, start}
			if out[w] == nil {
				out[w] = &cell{}
			}
			out[w].add(c)
		}
	}
	return out
}

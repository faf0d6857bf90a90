package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// Bounds of the load.
const (
	tick = 50 * time.Millisecond
	// mostInBatch is how many events one request carries.
	mostInBatch = 200
	// senders are the connections; the collector takes 256 from one address.
	senders = 64
	// requestTimeout is above the collector's own bound for Kafka, 10 s.
	requestTimeout = 15 * time.Second
	// longest is the longest that a contact takes, its repeats included.
	longest = 280 * time.Second
)

// event is a happening with its instants in this run.
type event struct {
	happening
	time time.Time // of the event, as its source says
	sent time.Time // the first try
	body []byte
}

// load sends what a seed draws, on its own schedule: it does not wait for
// answers, so a stall shows as delay and never as less load.
type load struct {
	seed    uint64
	rate    int
	length  time.Duration // in which contacts begin
	url     string
	key     string
	journal *journal
	client  *http.Client
	began   time.Time
	// speed is how much faster than the clock it goes, and base where its time
	// begins: those of a day that is over. Such a load belongs to a feed.
	speed float64
	base  time.Time
	feed  *feed
	hot   string // the key that nine of ten contacts have, empty: none

	wheel   map[int][]*event // by tick
	next    uint64           // contact
	perTick float64

	mu      sync.Mutex
	queue   [][]*event
	some    *sync.Cond
	done    bool
	pending atomic.Int64 // events that are due and not acknowledged

	counts loadCounts
}

// loadCounts is what the client saw.
type loadCounts struct {
	Sent, Acked, Refused      atomic.Int64 // events
	Requests, Failed, Unready atomic.Int64 // requests; failed: no answer, unready: 429 or 503
	Errors                    atomic.Int64 // answers of 500 and above but 503
	mu                        sync.Mutex
	delays                    []time.Duration // from when a batch was due to its answer
	seen                      map[string]int  // refusals and odd answers
}

func newLoad(seed uint64, rate int, length time.Duration, url, key string, j *journal) *load {
	l := &load{
		seed: seed, rate: rate, length: length, speed: 1, url: url, key: key, journal: j, wheel: map[int][]*event{},
		client: &http.Client{Timeout: requestTimeout, Transport: &http.Transport{MaxIdleConnsPerHost: senders, DisableCompression: true}},
	}
	l.counts.seen = map[string]int{}
	l.some = sync.NewCond(&l.mu)
	total := 0
	const sample = 10_000
	for n := range uint64(sample) {
		events, _ := course(seed, n, 0, true)
		for i := range events {
			total++
			if events[i].again > 0 {
				total++
			}
		}
	}
	l.perTick = float64(rate) * tick.Seconds() * sample / float64(total)
	return l
}

// run sends until all contacts are over and every event is acknowledged.
func (l *load) run(ctx context.Context) error {
	var workers sync.WaitGroup
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	for range senders {
		workers.Go(func() { l.work(ctx) })
	}
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for t := 0; ctx.Err() == nil; t++ {
		due := time.Duration(t) * l.step()
		if due >= l.length && len(l.wheel) == 0 {
			break
		}
		for time.Since(l.began) < time.Duration(t)*tick && ctx.Err() == nil {
			<-ticker.C
		}
		if due < l.length {
			for float64(l.next) < float64(t+1)*l.perTick {
				l.begin(due)
			}
		}
		l.post(l.wheel[t])
		delete(l.wheel, t)
	}
	l.mu.Lock()
	l.done = true
	l.some.Broadcast()
	l.mu.Unlock()
	workers.Wait()
	if n := l.pending.Load(); n > 0 {
		return fmt.Errorf("send the load: %d events were never acknowledged: %w", n, context.Cause(ctx))
	}
	return ctx.Err()
}

// step is how much of the load's time a tick takes.
func (l *load) step() time.Duration { return time.Duration(float64(tick) * l.speed) }

// now is the load's time, which is the clock's where it has no other.
func (l *load) now() time.Time {
	if l.base.IsZero() {
		return time.Now()
	}
	return l.base.Add(time.Duration(float64(time.Since(l.began)) * l.speed))
}

// at is an instant of the load's time.
func (l *load) at(d time.Duration) time.Time {
	if l.base.IsZero() {
		return l.began.Add(d)
	}
	return l.base.Add(d)
}

// begin puts a contact's events where they are due.
func (l *load) begin(at time.Duration) {
	events, off := course(l.seed, l.next, at, at < l.length-longest)
	heat(l.hot, l.next, events)
	l.next++
	for i := range events {
		h := events[i]
		e := &event{happening: h, time: l.at(at + h.after + off).Truncate(time.Millisecond)}
		e.body = h.body(e.time, l.feed.extensions())
		l.put(at+h.after+h.delay, e)
		if h.again > 0 {
			l.put(at+h.after+h.again, e)
		}
	}
}

func (l *load) put(at time.Duration, e *event) {
	t := int(at / l.step())
	l.wheel[t] = append(l.wheel[t], e)
}

// post queues a tick's events as batches.
func (l *load) post(events []*event) {
	now := l.now()
	for i := range events {
		if events[i].sent.IsZero() {
			events[i].sent = now
		}
	}
	l.pending.Add(int64(len(events)))
	l.counts.Sent.Add(int64(len(events)))
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(events) > 0 {
		n := min(len(events), mostInBatch)
		l.queue = append(l.queue, events[:n])
		events = events[n:]
		l.some.Signal()
	}
}

func (l *load) take() []*event {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.queue) == 0 {
		if l.done {
			return nil
		}
		l.some.Wait()
	}
	batch := l.queue[0]
	l.queue = l.queue[1:]
	return batch
}

func (l *load) work(ctx context.Context) {
	for ctx.Err() == nil {
		batch := l.take()
		if batch == nil {
			return
		}
		due := time.Now()
		body, packed := l.encode(batch)
		for pause := 100 * time.Millisecond; ctx.Err() == nil; pause = min(2*pause, time.Second) {
			rest, err := l.try(ctx, batch, body, packed)
			if err == nil {
				if len(rest) == 0 {
					break
				}
				batch = rest
				body, packed = l.encode(batch)
			}
			select {
			case <-ctx.Done():
			case <-time.After(pause):
			}
		}
		l.counts.mu.Lock()
		l.counts.delays = append(l.counts.delays, time.Since(due))
		l.counts.mu.Unlock()
	}
}

// encode makes the body of a request; one in five is packed.
func (l *load) encode(batch []*event) (body []byte, packed bool) {
	var b bytes.Buffer
	for i, e := range batch {
		b.WriteByte("[,"[min(i, 1)])
		b.Write(e.body)
	}
	b.WriteByte(']')
	if rand.IntN(5) > 0 {
		return b.Bytes(), false
	}
	var z bytes.Buffer
	w, _ := gzip.NewWriterLevel(&z, gzip.BestSpeed) // the level is right
	_, _ = w.Write(b.Bytes())                       // a buffer takes everything
	_ = w.Close()
	return z.Bytes(), true
}

// answer is what the collector says of a batch.
type answer struct {
	Results []struct {
		ID     string
		Status string
		Error  struct{ Reason string }
	}
}

var errNotTaken = errors.New("the request was not taken")

// try sends a batch once and notes what was acknowledged. What is neither
// acknowledged nor refused for good is given back.
func (l *load) try(ctx context.Context, batch []*event, body []byte, packed bool) ([]*event, error) {
	l.counts.Requests.Add(1)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, l.url+"/v1/events", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/cloudevents-batch+json")
	req.Header.Set("Authorization", "Bearer "+l.key)
	if packed {
		req.Header.Set("Content-Encoding", "gzip")
	}
	res, err := l.client.Do(req)
	if err != nil {
		l.counts.Failed.Add(1)
		return nil, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	switch {
	case err != nil:
		l.counts.Failed.Add(1)
		return nil, err
	case res.StatusCode == http.StatusServiceUnavailable || res.StatusCode == http.StatusTooManyRequests:
		l.counts.Unready.Add(1)
		if res.Header.Get("Retry-After") == "" {
			l.counts.odd(res.Status + " without Retry-After")
		}
		return nil, errNotTaken
	case res.StatusCode != http.StatusOK:
		if res.StatusCode >= 500 {
			l.counts.Errors.Add(1)
		}
		l.counts.odd("status " + strconv.Itoa(res.StatusCode))
		return nil, errNotTaken
	}
	var a answer
	if err := json.Unmarshal(text, &a); err != nil || len(a.Results) != len(batch) {
		l.counts.odd("an answer that is none")
		return nil, errNotTaken
	}
	now := l.now()
	for i, e := range batch {
		l.pending.Add(-1)
		if r := a.Results[i]; r.Status != "accepted" {
			l.counts.Refused.Add(1)
			l.counts.odd("refused: " + r.Error.Reason)
			continue
		}
		l.counts.Acked.Add(1)
		l.journal.note(e, now)
	}
	return nil, nil
}

func (c *loadCounts) odd(what string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seen[what]++
}

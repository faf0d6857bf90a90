package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/nabz/nabz/pkg/row"
)

// How results are timed: so many whole calls a second, each with its events at
// once, for so long, at an even pace that waits for nobody.
const (
	probeCalls = 250 // a second
	probeFor   = 10 * time.Second
	probeTick  = 20 * time.Millisecond
	probeWait  = 30 * time.Second
	// probeFirst is the number of the first such call, behind those of any log;
	// each run takes others, for the calls of one lie in the log of the next.
	probeFirst = 500_000_000
)

// outFact reads a fact as the peers write it.
func outFact(r *kgo.Record) (id string, t told, ok bool) {
	t, err := parseTold(strings.Split(string(r.Value), "|"))
	return string(r.Key), t, err == nil
}

// Numbers of the columns of a contact that are read here without its family.
const (
	columnEnded  = 6
	columnWait   = 13
	columnTalk   = 14
	columnWrapup = 16
)

// nabzFact reads the fact of a contact that has ended; its agent is told in
// another.
func nabzFact(r *kgo.Record) (id string, t told, ok bool) {
	decoded, err := row.Decode(r.Value)
	if err != nil {
		return "", t, false
	}
	f, is := decoded.(*row.Fact)
	if !is || f.Family != "contact" {
		return "", t, false
	}
	for _, v := range f.Values {
		switch v.Number {
		case columnEnded:
			ok = v.Int > 0
		case columnWait:
			t.wait = v.Int
		case columnTalk:
			t.talk = v.Int
		case columnWrapup:
			t.wrapup = v.Int
		}
	}
	return f.Item, t, ok
}

// right tells whether a fact has the lengths that a call had.
func (c *call) right(t told) bool {
	want := c.told()
	return t.wait == want.wait && t.talk == want.talk && t.wrapup == want.wrapup
}

// follower reads facts from where a topic ends now.
func (b *Bench) follower(topic string) (*kgo.Client, error) {
	c, err := client(b.broker.Address)
	if err != nil {
		return nil, err
	}
	from, err := ends(b.ctx, c, topic)
	c.Close()
	if err != nil {
		return nil, err
	}
	at := map[string]map[int32]kgo.Offset{topic: {}}
	for p, end := range from {
		at[topic][p] = kgo.NewOffset().At(end)
	}
	return client(b.broker.Address, kgo.ConsumePartitions(at), kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.FetchMaxWait(10*time.Millisecond))
}

// latency sends whole calls at an even pace and gives how long it takes from the
// instant at which the last event of a call is due to be written until its fact
// can be read, ms.
func (b *Bench) latency(e *Engine, r *Running) (p50, p99 float64, err error) {
	facts, err := b.follower(e.From)
	if err != nil {
		return 0, 0, err
	}
	defer facts.Close()
	n := int(probeFor.Seconds() * probeCalls)
	first := probeFirst + b.runs*n
	began := time.Now().Add(200 * time.Millisecond)
	calls, order := make(map[string]*call, n), make([]*call, n)
	due := make(map[string]time.Time, n)
	rng := rand.New(rand.NewPCG(b.opts.Seed, 1))
	for i := range n {
		at := began.Add(time.Duration(i) * time.Second / probeCalls)
		c := &call{
			number: first + i, queue: i % queues, agent: i % agents, answered: true,
			wait: 1 + rng.Int64N(20), talk: 1 + rng.Int64N(20), wrapup: 1 + rng.Int64N(20),
		}
		c.at = at.UnixMilli() - c.wait - c.talk - c.wrapup
		calls[c.id()], due[c.id()], order[i] = c, at, c
	}
	ctx, cancel := context.WithTimeoutCause(b.ctx, probeFor+probeWait, errors.New("facts are missing"))
	defer cancel()
	sent := make(chan error, 1)
	go func() { sent <- b.send(ctx, order, began) }()
	var took []float64
	for len(took) < n {
		fetches := facts.PollFetches(ctx)
		if ctx.Err() != nil {
			return 0, 0, fmt.Errorf("%w: %d of %d: %s", context.Cause(ctx), n-len(took), n, r.Said())
		}
		now := time.Now()
		for rec := range fetches.RecordsAll() {
			id, t, ok := e.Fact(rec)
			if c := calls[id]; ok && c != nil && c.right(t) {
				took = append(took, float64(now.Sub(due[id]).Microseconds())/1000)
				delete(calls, id)
			}
		}
	}
	slices.Sort(took)
	return took[n/2], took[n*99/100], <-sent
}

// send writes the events of the calls, each when it is due.
func (b *Bench) send(ctx context.Context, calls []*call, began time.Time) error {
	c, err := client(b.broker.Address, kgo.ProducerLinger(time.Millisecond))
	if err != nil {
		return err
	}
	defer c.Close()
	w := Writer{partitions: int32(b.opts.Partitions)}
	tick := time.NewTicker(probeTick)
	defer tick.Stop()
	for i := 0; i < len(calls); {
		for ; i < len(calls) && !began.Add(time.Duration(i)*time.Second/probeCalls).After(time.Now()); i++ {
			for stage := uint8(stageQueued); stage <= stageWrapup; stage++ {
				produce(ctx, c, &w, &delivery{due: time.Now().UnixMilli(), stage: stage, call: calls[i]})
			}
		}
		select {
		case <-ctx.Done():
			return nil // whoever reads says so
		case <-tick.C:
		}
	}
	return c.Flush(ctx)
}

func produce(ctx context.Context, c *kgo.Client, w *Writer, d *delivery) {
	value, p := w.Record(d)
	c.Produce(ctx, &kgo.Record{Topic: topicEvents, Partition: p, Value: value, Timestamp: time.UnixMilli(d.due)}, nil)
}

// restoreFor bounds the wait for facts after a restart.
const restoreFor = 3 * time.Minute

// restored is how many contacts end after a restart, at most; each of so many
// runs ends others, for what one has ended lies in the log of the next.
const (
	restored    = 2_000
	restoreRuns = 32
)

// recovery starts a killed engine again and ends some of the contacts that it
// knew. It gives the seconds from the start to the first fact, and how many
// facts were wrong.
func (b *Bench) recovery(e *Engine, dir string) (seconds float64, wrong int, err error) {
	facts, err := b.follower(e.From)
	if err != nil {
		return 0, 0, err
	}
	defer facts.Close()
	sample, err := b.endSome()
	if err != nil {
		return 0, 0, err
	}
	began := time.Now()
	r, err := e.Start(b, dir)
	if err != nil {
		return 0, 0, err
	}
	defer r.Stop()
	ctx, cancel := context.WithTimeoutCause(b.ctx, restoreFor, errors.New("facts are missing"))
	defer cancel()
	for len(sample) > 0 {
		fetches := facts.PollFetches(ctx)
		if ctx.Err() != nil {
			return 0, 0, fmt.Errorf("%w: %d: %s", context.Cause(ctx), len(sample), r.Said())
		}
		for rec := range fetches.RecordsAll() {
			id, t, ok := e.Fact(rec)
			c := sample[id]
			if !ok || c == nil {
				continue
			}
			if seconds == 0 {
				seconds = time.Since(began).Seconds()
			}
			if !c.right(t) {
				wrong++
			}
			delete(sample, id)
		}
	}
	return seconds, wrong, nil
}

// endSome writes the end of some contacts that are open, and gives them as they
// are then.
func (b *Bench) endSome() (map[string]*call, error) {
	c, err := client(b.broker.Address)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	w := Writer{partitions: int32(b.opts.Partitions)}
	sample := map[string]*call{}
	for id, open := range b.filled.Oracle.Calls {
		if len(sample) == restored {
			break
		}
		if open.number%restoreRuns != b.runs%restoreRuns {
			continue
		}
		over := *open
		over.wait = b.filled.LastAt - open.at
		sample[id] = &over
		produce(b.ctx, c, &w, &delivery{due: b.filled.LastAt, stage: stageEnded, call: &over})
	}
	if err := c.Flush(b.ctx); err != nil {
		return nil, fmt.Errorf("end contacts: %w", err)
	}
	return sample, nil
}

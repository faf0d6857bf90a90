package processor

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"

	"github.com/nabz/nabz/pkg/event"
	"github.com/nabz/nabz/pkg/row"
	"github.com/nabz/nabz/pkg/track"
	"github.com/nabz/nabz/services/internal/kafka"
)

// askedError ends a task when a record asks for a newer computation.
type askedError struct{ epoch int64 }

func (e *askedError) Error() string { return fmt.Sprintf("epoch %d was asked for", e.epoch) }

// errForeign ends an owner whose partition another has claimed.
var errForeign = errors.New("another owner claimed the partition")

// task carries records into the machine of one partition and rows out of it,
// in one goroutine. It has a client of its own, so that what one task failed
// to write cannot hide in another's.
type task struct {
	service   *Service
	partition int32
	log       *zap.Logger
	begin     int64 // the epoch to begin unless the state is of it or a newer one
	client    *kgo.Client
	admin     *kadm.Client
	owner     *track.Owner
	routes    map[string]int32 // partition of panes, by tenant and family
	tenants   map[string]int32 // partition of verdicts, by tenant

	acks     acks
	fail     context.CancelCauseFunc
	deleting chan struct{} // holds a token while a deletion is under way
	deleted  int64
	skewed   bool
	tailed   int64     // next offset of the state log to read
	end      int64     // of the events, as of the last fetch
	newest   time.Time // when the last record stepped was written
}

// acks collects what the client's own goroutines learn, for the task's.
type acks struct {
	mu     sync.Mutex
	rows   int
	deltas []int64 // offsets
	footer bool
	wake   chan struct{}
}

func (a *acks) tell(f func(*acks)) {
	a.mu.Lock()
	f(a)
	a.mu.Unlock()
	select {
	case a.wake <- struct{}{}:
	default:
	}
}

func (a *acks) take() (rows int, deltas []int64, footer bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	rows, deltas, footer = a.rows, a.deltas, a.footer
	a.rows, a.deltas, a.footer = 0, nil, false
	return rows, deltas, footer
}

// run owns the partition until ctx ends, another claims it or a write fails.
func (t *task) run(ctx context.Context) error {
	work, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	t.fail = fail
	defer t.service.metrics.forget(t.partition)
	t.acks.wake, t.deleting, t.routes = make(chan struct{}, 1), make(chan struct{}, 1), map[string]int32{}
	t.tenants = map[string]int32{}
	conf := kafka.Config{Brokers: t.service.config.Kafka, ClientID: "processor-task", Log: t.log}
	options := append(kafka.ProducerOptions(conf), kgo.RecordDeliveryTimeout(writeFor))
	options = append(options, kafka.ConsumerOptions(conf)...)
	// A position that the log does not have must be an error here: the driver
	// would go on from the log's start, and every record be skipped as known.
	options = append(options, kgo.ConsumeResetOffset(kgo.NoResetOffset()))
	client, err := kgo.NewClient(options...)
	if err != nil {
		return fmt.Errorf("open Kafka client: %w", err)
	}
	defer client.Close()
	t.client, t.admin = client, kadm.NewClient(client)
	nonce, err := t.claim(work)
	if err != nil {
		return err
	}
	machine, from, err := t.restore(work, nonce)
	if err != nil {
		return err
	}
	position, err := t.resume(work, machine.Position())
	if err != nil {
		return err
	}
	t.owner = track.NewOwner(machine, nonce, from)
	t.tailed = nonce + 1
	client.AddConsumePartitions(map[string]map[int32]kgo.Offset{kafka.TopicState: {t.partition: kgo.NewOffset().At(nonce + 1)}})
	if !t.owner.Ready() {
		if err := t.first(work); err != nil {
			return err
		}
	}
	client.AddConsumePartitions(map[string]map[int32]kgo.Offset{kafka.TopicEvents: {t.partition: kgo.NewOffset().At(position)}})
	err = t.loop(work)
	if ctx.Err() != nil && err == nil {
		t.drain()
	}
	return err
}

// loop is the task's one goroutine.
func (t *task) loop(ctx context.Context) error {
	c := t.service.config
	flush, checkpoint, pulse := time.NewTicker(c.Flush), time.NewTicker(c.Checkpoint), time.NewTicker(c.Pulse)
	due := newAlarm(c.Pulse)
	defer due.timer.Stop()
	defer flush.Stop()
	defer checkpoint.Stop()
	defer pulse.Stop()
	fetched := make(chan kgo.Fetches)
	polls, stop := context.WithCancel(ctx)
	var poller sync.WaitGroup
	poller.Go(func() { poll(polls, t.client, fetched) })
	defer poller.Wait()
	defer stop()
	for {
		in := fetched
		if t.owner.Waiting() >= maxWaiting {
			in = nil // back-pressure: what was read before must land first
		}
		due.set(t.owner.Task().NextDue())
		select {
		case <-ctx.Done():
			if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
				return cause
			}
			return nil
		case fetches := <-in:
			if err := t.take(fetches); err != nil {
				return err
			}
		case <-t.acks.wake:
			t.acked()
		case <-flush.C:
			if t.end-t.owner.Task().Position() < farBehind {
				t.owner.Rows(t.write)
			}
		case <-checkpoint.C:
			t.checkpoint()
		case <-pulse.C:
			t.pulse(ctx)
		case <-due.timer.C:
			if due.rings(t.owner.Task()) {
				t.pulse(ctx)
			}
		}
	}
}

// take steps the events of a fetch and looks through what it holds of the
// state log.
func (t *task) take(f kgo.Fetches) error {
	var failed error
	f.EachError(func(topic string, partition int32, err error) {
		if !errors.Is(err, context.Canceled) && failed == nil {
			failed = fmt.Errorf("read %s/%d: %w", topic, partition, err)
		}
	})
	if failed != nil {
		return failed
	}
	f.EachPartition(func(p kgo.FetchTopicPartition) {
		if p.Topic == kafka.TopicEvents {
			t.end = max(t.end, p.HighWatermark)
		}
	})
	machine := t.owner.Task()
	for r := range f.RecordsAll() {
		if r.Topic == kafka.TopicState {
			if err := t.tail(r); err != nil {
				return err
			}
			continue
		}
		if r.Offset < machine.Position() {
			continue
		}
		machine.Step(r.Offset, r.Value)
		if epoch, newer := machine.Asked(); newer {
			return &askedError{epoch}
		}
		t.newest = r.Timestamp
		t.service.metrics.records.Inc()
		if machine.Pending() >= maxPending {
			t.owner.Rows(t.write)
		}
	}
	if machine.Alarm() {
		t.owner.Verdicts(t.write)
	}
	return nil
}

// tail reads on in the task's own state log.
func (t *task) tail(r *kgo.Record) error {
	foreign, before := t.owner.Tail(r.Offset, r.Value)
	if foreign {
		return errForeign
	}
	if before > t.deleted {
		select {
		case t.deleting <- struct{}{}:
			t.deleted = before
			go t.delete(before)
		default: // one at a time; the next footer asks again
		}
	}
	return nil
}

// delete drops what lies before the restore point. That it fails now and then
// costs only disk.
func (t *task) delete(before int64) {
	defer func() { <-t.deleting }()
	ctx, cancel := context.WithTimeout(context.Background(), writeFor)
	defer cancel()
	var offsets kadm.Offsets
	offsets.AddOffset(kafka.TopicState, t.partition, before, -1)
	if _, err := t.admin.DeleteRecords(ctx, offsets); err != nil {
		t.log.Debug("state log not shortened", zap.Error(err))
	}
}

// write sends one row on its way.
func (t *task) write(e track.Effect) {
	switch e.Kind {
	case track.ToFacts:
		if reason := row.Refusal(e.Value); reason != "" {
			t.service.metrics.rejects.WithLabelValues(reason).Inc()
		}
		t.send(kafka.TopicFacts, t.partition, e.Value)
	case track.ToPanes:
		t.send(kafka.TopicPanes, route(t.routes, e.Route, t.service.sizes.panes), e.Value)
	case track.ToVerdicts:
		t.send(kafka.TopicVerdicts, route(t.tenants, e.Route, t.service.sizes.verdicts), e.Value)
	case track.ToAll:
		t.broadcast(e.Value)
	}
}

// route finds the partition that a key hashes to, and remembers it.
func route(known map[string]int32, key string, partitions int32) int32 {
	p, ok := known[key]
	if !ok {
		p = event.Partition([]byte(key), partitions)
		known[strings.Clone(key)] = p
	}
	return p
}

func (t *task) send(topic string, partition int32, value []byte) {
	t.client.Produce(context.Background(), &kgo.Record{Topic: topic, Partition: partition, Value: value},
		func(_ *kgo.Record, err error) {
			if err != nil {
				t.fail(fmt.Errorf("write to %s/%d: %w", topic, partition, err))
				return
			}
			t.acks.tell(func(a *acks) { a.rows++ })
		})
}

// broadcast writes a row behind the rows of every partition that the task
// writes to. It counts as one row, acknowledged when all copies are.
func (t *task) broadcast(value []byte) {
	left := t.service.sizes.panes + t.service.sizes.verdicts + 1
	var mu sync.Mutex
	done := func(_ *kgo.Record, err error) {
		if err != nil {
			t.fail(fmt.Errorf("write progress: %w", err))
			return
		}
		mu.Lock()
		left--
		last := left == 0
		mu.Unlock()
		if last {
			t.acks.tell(func(a *acks) { a.rows++ })
		}
	}
	ctx := context.Background()
	t.client.Produce(ctx, &kgo.Record{Topic: kafka.TopicFacts, Partition: t.partition, Value: value}, done)
	for p := range t.service.sizes.panes {
		t.client.Produce(ctx, &kgo.Record{Topic: kafka.TopicPanes, Partition: p, Value: value}, done)
	}
	for p := range t.service.sizes.verdicts {
		t.client.Produce(ctx, &kgo.Record{Topic: kafka.TopicVerdicts, Partition: p, Value: value}, done)
	}
}

// checkpoint begins one if none is under way.
func (t *task) checkpoint() {
	t.service.metrics.observe(t)
	if !t.owner.Idle() {
		return
	}
	sweep := 1 + t.owner.Task().Entries()/sweepWithin
	for _, b := range t.owner.Deltas(sweep, t.write) {
		t.client.Produce(context.Background(), &kgo.Record{Topic: kafka.TopicState, Partition: t.partition, Value: b},
			func(r *kgo.Record, err error) {
				if err != nil {
					t.fail(fmt.Errorf("write state: %w", err))
					return
				}
				t.acks.tell(func(a *acks) { a.deltas = append(a.deltas, r.Offset) })
			})
	}
	t.footer()
}

// footer ends the checkpoint as soon as the owner lets it.
func (t *task) footer() {
	b, ok := t.owner.Footer()
	if !ok {
		return
	}
	sent := time.Now()
	t.client.Produce(context.Background(), &kgo.Record{Topic: kafka.TopicState, Partition: t.partition, Value: b},
		func(r *kgo.Record, err error) {
			if err != nil {
				t.fail(fmt.Errorf("write state: %w", err))
				return
			}
			t.acks.tell(func(a *acks) {
				a.footer = true
				t.skewed = skewed(r, sent, time.Now())
			})
		})
}

// skewed compares the broker's clock, where the topic takes it, with this
// process's between sending and hearing.
func skewed(r *kgo.Record, sent, heard time.Time) bool {
	const logAppendTime = 1
	if r.Attrs.TimestampType() != logAppendTime {
		return false
	}
	return r.Timestamp.Before(sent.Add(-maxSkew)) || r.Timestamp.After(heard.Add(maxSkew))
}

// acked passes on what has been acknowledged.
func (t *task) acked() {
	rows, deltas, footer := t.acks.take()
	t.owner.RowAcked(rows)
	for _, offset := range deltas {
		t.owner.DeltaAcked(offset)
	}
	if footer {
		t.owner.FooterAcked()
		position, _ := t.owner.Saved()
		t.service.events.committed(t.partition, position)
	}
	t.footer()
}

// pulse says what time it is, behind all that is in the log.
func (t *task) pulse(ctx context.Context) {
	t.acks.mu.Lock()
	skewed := t.skewed
	t.acks.mu.Unlock()
	if skewed {
		t.log.Warn("no pulse: this machine's clock is more than half a second from the broker's")
		return
	}
	now := time.Now()
	e := event.Event{Type: event.TypePulse, Time: now.UnixMilli(), ReceivedAt: now.UnixMilli(), Source: t.service.config.Instance}
	r := &kgo.Record{Topic: kafka.TopicEvents, Partition: t.partition, Value: e.Append(nil), Timestamp: now}
	// A pulse that is lost is made good by the next.
	t.client.Produce(ctx, r, nil)
}

// drain writes a last checkpoint, so that the successor need not step what
// this owner has stepped.
func (t *task) drain() {
	late := time.After(drainFor)
	begun := t.owner.Idle()
	t.checkpoint()
	for {
		if t.owner.Idle() {
			if begun {
				return
			}
			begun = true
			t.checkpoint()
		}
		select {
		case <-t.acks.wake:
			t.acked()
		case <-late:
			return
		}
	}
}

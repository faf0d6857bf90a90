package alerter

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"

	"github.com/nabz/nabz/pkg/incident"
	"github.com/nabz/nabz/pkg/row"
	"github.com/nabz/nabz/services/internal/kafka"
	"github.com/nabz/nabz/services/internal/notify"
)

// task carries verdicts of one partition into its machine, and records and
// messages out of it, in one goroutine. It has a client of its own, so that
// what one task failed to write cannot hide in another's.
type task struct {
	service   *Service
	partition int32
	log       *zap.Logger
	client    *kgo.Client
	machine   *incident.Machine
	lines     []line

	fail      context.CancelCauseFunc
	sending   context.Context // of calls: it outlives the request to stop by drainFor
	calls     sync.WaitGroup
	inbox     inbox
	unwritten int   // records without an acknowledgement
	stepped   int64 // offset of the next verdict
	end       int64 // of the verdicts, as last seen
	caught    int64 // the end when the task began
	committed int64
	told      bool // that a record cannot be read
}

// line is the way to one receiver.
type line struct {
	receiver notify.Receiver
	spec     notify.Spec
	calls    int       // under way
	restated time.Time // when it was told last how things stand
}

// inbox collects what other goroutines learn, for the task's.
type inbox struct {
	mu      sync.Mutex
	written []*incident.Record
	answers []answer
	wake    chan struct{}
}

// answer is what a receiver said to one call.
type answer struct {
	line     int
	messages []incident.Message
	outcomes []incident.Outcome
	restated bool
}

func (b *inbox) tell(f func(*inbox)) {
	b.mu.Lock()
	f(b)
	b.mu.Unlock()
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

func (b *inbox) take() (written []*incident.Record, answers []answer) {
	b.mu.Lock()
	defer b.mu.Unlock()
	written, answers = b.written, b.answers
	b.written, b.answers = nil, nil
	return written, answers
}

func newTask(s *Service, partition int32, log *zap.Logger) *task {
	t := &task{service: s, partition: partition, log: log, inbox: inbox{wake: make(chan struct{}, 1)}}
	c := incident.Config{Cap: s.config.Cap, Titles: s.config.Titles}
	for _, r := range s.config.Receivers {
		spec := r.Spec()
		t.lines = append(t.lines, line{receiver: r, spec: spec})
		c.Receivers = append(c.Receivers, spec.Receiver)
	}
	t.machine = incident.New(c)
	return t
}

// run owns the partition until ctx ends or a write fails.
func (t *task) run(ctx context.Context) error {
	work, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	t.fail = fail
	sending, hangUp := context.WithCancel(context.WithoutCancel(ctx))
	t.sending = sending
	conf := kafka.Config{Brokers: t.service.config.Kafka, ClientID: "alerter-task", Log: t.log}
	// A record waits for its broker for as long as it takes: one that was
	// given up could leave a gap before the next, which says that all before
	// it is there.
	options := append(kafka.ProducerOptions(conf), kafka.ConsumerOptions(conf)...)
	client, err := kgo.NewClient(append(options, kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))...)
	if err != nil {
		hangUp()
		return fmt.Errorf("open Kafka client: %w", err)
	}
	defer client.Close()
	defer t.calls.Wait()
	defer hangUp()
	t.client = client
	if err := t.restore(work); err != nil {
		return err
	}
	if t.stepped, err = t.resume(work); err != nil {
		return err
	}
	client.AddConsumePartitions(map[string]map[int32]kgo.Offset{
		kafka.TopicVerdicts: {t.partition: kgo.NewOffset().At(t.stepped)},
	})
	t.service.ready(t.partition, true)
	err = t.loop(work)
	if ctx.Err() != nil {
		t.drain()
	}
	return err
}

// restore folds the outbox from its start to its end.
func (t *task) restore(ctx context.Context) error {
	admin := kadm.NewClient(t.client)
	end, err := offset(ctx, admin.ListEndOffsets, kafka.TopicIncidents, t.partition)
	if err != nil {
		return err
	}
	start, err := offset(ctx, admin.ListStartOffsets, kafka.TopicIncidents, t.partition)
	if err != nil || start >= end {
		return err
	}
	conf := kafka.Config{Brokers: t.service.config.Kafka, ClientID: "alerter-restore", Log: t.log}
	client, err := kgo.NewClient(append(kafka.ConsumerOptions(conf),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{kafka.TopicIncidents: {t.partition: kgo.NewOffset().At(start)}}))...)
	if err != nil {
		return fmt.Errorf("open the outbox: %w", err)
	}
	defer client.Close()
	for {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return fmt.Errorf("read the outbox of partition %d: %w", t.partition, err)
		}
		for r := range fetches.RecordsAll() {
			if record, err := incident.Decode(r.Value); err != nil {
				t.malformed("a record of the outbox cannot be read", r.Offset, err)
			} else {
				t.machine.Fold(record)
			}
			if r.Offset+1 >= end {
				t.log.Info("task restored", zap.Int("open", t.machine.Open()), zap.Int("owed", t.machine.Backlog()), zap.Int64("position", t.machine.Position()))
				return nil
			}
		}
	}
}

// resume gives the offset of the first verdict to read: what the outbox says,
// or the group, whichever knows more.
func (t *task) resume(ctx context.Context) (int64, error) {
	admin := kadm.NewClient(t.client)
	var err error
	if t.end, err = offset(ctx, admin.ListEndOffsets, kafka.TopicVerdicts, t.partition); err != nil {
		return 0, err
	}
	t.caught = t.end
	start, err := offset(ctx, admin.ListStartOffsets, kafka.TopicVerdicts, t.partition)
	if err != nil {
		return 0, err
	}
	at := t.machine.Position()
	kept, err := admin.FetchOffsets(ctx, t.service.config.Group)
	if err != nil {
		return 0, fmt.Errorf("fetch offsets of group %s: %w", t.service.config.Group, err)
	}
	if o, ok := kept.Lookup(kafka.TopicVerdicts, t.partition); ok {
		at = max(at, o.At)
	}
	if at > t.end {
		t.log.Error("the topic of verdicts ends before what was read of it: it was made anew; reading all of it", zap.Int64("position", at), zap.Int64("end", t.end))
		at = start
	}
	return max(at, start), nil
}

// offset gives one bound of one partition.
func offset(ctx context.Context, list func(context.Context, ...string) (kadm.ListedOffsets, error), topic string, partition int32) (int64, error) {
	all, err := list(ctx, topic)
	if err != nil {
		return 0, fmt.Errorf("list offsets of topic %s: %w", topic, err)
	}
	o, ok := all.Lookup(topic, partition)
	switch {
	case !ok:
		return 0, fmt.Errorf("list offsets of topic %s: no partition %d: it needs as many as %s", topic, partition, kafka.TopicVerdicts)
	case o.Err != nil:
		return 0, fmt.Errorf("list offsets of topic %s partition %d: %w", topic, partition, o.Err)
	}
	return o.Offset, nil
}

// loop is the task's one goroutine.
func (t *task) loop(ctx context.Context) error {
	tick, again := time.NewTicker(tickEvery), time.NewTimer(time.Hour)
	defer tick.Stop()
	defer again.Stop()
	fetched, polling := make(chan kgo.Fetches), make(chan struct{})
	go func() { // ends with ctx
		defer close(polling)
		for ctx.Err() == nil {
			f := t.client.PollRecords(ctx, pollRecords)
			select {
			case fetched <- f:
			case <-ctx.Done():
			}
		}
	}()
	defer func() { <-polling }()
	t.tick()
	for {
		verdicts := fetched
		if t.machine.Backlog() >= maxBacklog || t.unwritten >= maxUnwritten {
			verdicts = nil
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case f := <-verdicts:
			if err := t.take(f); err != nil {
				return err
			}
		case <-t.inbox.wake:
			t.heard()
		case <-tick.C:
			t.tick()
		case <-again.C:
		}
		t.deliver()
		again.Reset(t.pause())
	}
}

// take steps the verdicts of one poll.
func (t *task) take(f kgo.Fetches) error {
	if err := f.Err(); err != nil {
		if errors.Is(err, context.Canceled) {
			return nil
		}
		return fmt.Errorf("read verdicts of partition %d: %w", t.partition, err)
	}
	now := time.Now().UnixMilli()
	f.EachPartition(func(p kgo.FetchTopicPartition) {
		t.end = max(t.end, p.HighWatermark)
		for _, r := range p.Records {
			t.stepped = r.Offset + 1
			decoded, err := row.Decode(r.Value)
			if _, told := decoded.(*row.Progress); told {
				continue // for the loader
			}
			v, ok := decoded.(*row.Verdict)
			if err != nil || !ok {
				t.malformed("a record is no verdict", r.Offset, err)
				continue
			}
			t.service.metrics.verdicts.Inc()
			t.write(t.machine.Step(v, r.Offset, now)...)
		}
	})
	return nil
}

// malformed counts a record that cannot be read, and tells of the first.
func (t *task) malformed(what string, at int64, err error) {
	t.service.metrics.malformed.Inc()
	if !t.told {
		t.told = true
		t.log.Error(what, zap.Int64("offset", at), zap.Error(err))
	}
}

// write appends records to the outbox.
func (t *task) write(records ...*incident.Record) {
	for _, r := range records {
		t.service.metrics.count(r)
		value, err := r.Append(nil)
		if err != nil {
			t.fail(err)
			return
		}
		t.unwritten++
		t.client.Produce(context.WithoutCancel(t.sending), &kgo.Record{
			Topic: kafka.TopicIncidents, Partition: t.partition, Key: []byte(r.Key), Value: value, Timestamp: time.UnixMilli(r.At),
		}, func(_ *kgo.Record, err error) {
			if err != nil {
				t.fail(fmt.Errorf("write to the outbox of partition %d: %w", t.partition, err))
				return
			}
			t.inbox.tell(func(b *inbox) { b.written = append(b.written, r) })
		})
	}
}

// heard takes in acknowledgements and answers.
func (t *task) heard() {
	written, answers := t.inbox.take()
	for _, r := range written {
		t.unwritten--
		t.machine.Acknowledged(r)
	}
	now := time.Now().UnixMilli()
	for _, a := range answers {
		l := &t.lines[a.line]
		l.calls--
		if a.restated {
			t.machine.Free(l.spec.Name, a.messages)
			continue
		}
		for i := range a.messages {
			t.write(t.machine.Done(l.spec.Name, &a.messages[i], a.outcomes[i], now))
			if a.outcomes[i].Delivered {
				t.service.metrics.seconds.WithLabelValues(l.spec.Name).Observe(float64(max(now-a.messages[i].At, 0)) / 1000)
			}
		}
	}
}

// tick lets time pass.
func (t *task) tick() {
	now := time.Now()
	t.write(t.machine.Tick(now.UnixMilli(), t.stepped >= t.caught)...)
	for i := range t.lines {
		l := &t.lines[i]
		if l.spec.Restate <= 0 || now.Sub(l.restated) < l.spec.Restate {
			continue
		}
		l.restated = now
		standing := t.machine.Standing(l.spec.Name, now.UnixMilli())
		for len(standing) > 0 {
			n := min(len(standing), l.spec.Batch)
			t.call(i, standing[:n], true)
			standing = standing[n:]
		}
	}
	if t.unwritten == 0 && t.stepped > t.committed {
		t.committed = t.stepped
		t.service.commit(t.partition, t.stepped)
	}
	t.service.metrics.observe(t, now.UnixMilli())
}

// deliver begins as many calls as may be under way.
func (t *task) deliver() {
	now := time.Now().UnixMilli()
	for i := range t.lines {
		l := &t.lines[i]
		for l.calls < l.spec.Parallel {
			messages := t.machine.Take(l.spec.Name, now, l.spec.Batch)
			if len(messages) == 0 {
				break
			}
			t.call(i, messages, false)
		}
	}
}

// call tells a receiver, in a goroutine that ends with its answer.
func (t *task) call(i int, messages []incident.Message, restated bool) {
	l := &t.lines[i]
	l.calls++
	t.calls.Go(func() {
		outcomes := l.receiver.Send(t.sending, messages)
		t.inbox.tell(func(b *inbox) { b.answers = append(b.answers, answer{i, messages, outcomes, restated}) })
	})
}

// pause is how long until a message that waits may be tried again.
func (t *task) pause() time.Duration {
	next := time.Now().Add(time.Hour).UnixMilli()
	for i := range t.lines {
		l := &t.lines[i]
		if at, ok := t.machine.Next(l.spec.Name); ok && l.calls < l.spec.Parallel {
			next = min(next, at)
		}
	}
	return max(time.Until(time.UnixMilli(next)), time.Millisecond)
}

// drain waits for the answers of receivers, and until they are written down:
// what is not is sent again by the successor.
func (t *task) drain() {
	over := time.NewTimer(drainFor)
	defer over.Stop()
	for {
		calls := t.unwritten
		for i := range t.lines {
			calls += t.lines[i].calls
		}
		if calls == 0 {
			select {
			case <-t.service.commit(t.partition, t.stepped):
			case <-over.C:
			}
			return
		}
		select {
		case <-t.inbox.wake:
			t.heard()
		case <-over.C:
			return
		}
	}
}

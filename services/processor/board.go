package processor

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"

	"github.com/nabz/nabz/pkg/alert"
	"github.com/nabz/nabz/pkg/board"
	"github.com/nabz/nabz/pkg/event"
	"github.com/nabz/nabz/pkg/row"
	"github.com/nabz/nabz/services/internal/kafka"
)

// Limits of a board's task.
const (
	// maxReadings is how many readings may be on their way before no more are
	// made: at 1 KB, 50 MB. Those that wait meanwhile are shown in their newest
	// form only.
	maxReadings = 50_000
	// showRate is how many readings a second a board gives at most: at some
	// 20 µs each, a fifth of a core. How long a round took by the clock says
	// more of what else the machine does.
	showRate = 10_000
	// readingSize is about how many bytes a reading takes, so that most are
	// written without growing.
	readingSize = 1 << 10
	// gather is how long the next records are waited for while they come in
	// less than gathered: it adds twice as much, at most, to how far a number
	// is behind its event.
	gather   = 20 * time.Millisecond
	gathered = 1_000
	// noteEvery is how often the group is told how far a board is.
	noteEvery = time.Second
)

// boardTask carries panes into the board of one partition and readings out of
// it, in one goroutine. It keeps nothing: a successor reads the log's tail. Two
// that work side by side for a moment write readings that say the same, or less
// with a lesser version.
type boardTask struct {
	service   *Service
	partition int32
	log       *zap.Logger
	client    *kgo.Client
	board     *board.Board
	alerts    *alert.Set
	fail      context.CancelCauseFunc

	read    extent
	next    int64 // offset of the next record
	end     int64 // of the log, as the last fetch told
	told    int64 // the clock of the last progress
	again   int64 // the clock when what is open was said again
	waiting atomic.Int64
	shown   time.Time     // when readings were last made
	pause   time.Duration // before the next are
}

// run shows a partition until ctx ends, a read or a write fails.
func (t *boardTask) run(ctx context.Context) error {
	work, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	t.fail = fail
	conf := kafka.Config{Brokers: t.service.config.Kafka, ClientID: "processor-board", Log: t.log}
	client, err := t.open(append(kafka.ProducerOptions(conf), kgo.RecordDeliveryTimeout(writeFor)), conf)
	if err != nil {
		return err
	}
	defer client.Close()
	t.client = client
	zone, err := time.LoadLocation(t.service.config.Zone)
	if err != nil {
		return fmt.Errorf("load zone: %w", err)
	}
	day := func(ms int64) int64 {
		at := time.UnixMilli(ms).In(zone)
		return time.Date(at.Year(), at.Month(), at.Day(), 0, 0, 0, 0, zone).UnixMilli()
	}
	if t.read, err = t.plan(work, kadm.NewClient(client), day); err != nil {
		return err
	}
	t.next, t.pause = t.read.recent.offset, t.service.config.Show
	t.board = board.New(board.Config{
		KPIs: t.service.catalog.KPIs, Partition: t.partition, Tasks: t.service.sizes.events, DayStart: day, Since: t.read.recent.since,
	})
	t.alerts = alert.NewSet(t.service.catalog.Alerts)
	if err := t.recall(work, kadm.NewClient(client), conf); err != nil {
		return err
	}
	t.log.Info("board begins", zap.Int64("from", t.read.past.offset), zap.Int64("recent", t.read.recent.offset), zap.Int64("end", t.read.end))
	client.AddConsumePartitions(map[string]map[int32]kgo.Offset{kafka.TopicPanes: {t.partition: kgo.NewOffset().At(t.next)}})
	defer t.service.metrics.board.forget(t.partition)
	return t.loop(work, conf)
}

// open makes a client that reads from where it is told, or fails.
func (t *boardTask) open(options []kgo.Opt, conf kafka.Config) (*kgo.Client, error) {
	options = append(options, kafka.ConsumerOptions(conf)...)
	client, err := kgo.NewClient(append(options, kgo.ConsumeResetOffset(kgo.NoResetOffset()))...)
	if err != nil {
		return nil, fmt.Errorf("open Kafka client: %w", err)
	}
	return client, nil
}

// loop is the board's one goroutine.
func (t *boardTask) loop(ctx context.Context, conf kafka.Config) error {
	fetched, past := make(chan kgo.Fetches), make(chan kgo.Fetches)
	polls, stop := context.WithCancel(ctx)
	var pollers sync.WaitGroup
	defer pollers.Wait()
	defer stop()
	pollers.Go(func() { poll(polls, t.client, fetched) })
	if t.read.past.offset < t.read.recent.offset {
		client, err := t.open(nil, conf)
		if err != nil {
			return err
		}
		defer client.Close()
		client.AddConsumePartitions(map[string]map[int32]kgo.Offset{kafka.TopicPanes: {t.partition: kgo.NewOffset().At(t.read.past.offset)}})
		pollers.Go(func() { poll(polls, client, past) })
	}
	show, note := time.NewTimer(t.pause), time.NewTicker(noteEvery)
	defer show.Stop()
	defer note.Stop()
	for {
		select {
		case <-ctx.Done():
			if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
				return cause
			}
			return nil
		case f := <-fetched:
			if err := t.take(f); err != nil {
				return err
			}
			if time.Since(t.shown) >= t.pause {
				t.show()
			}
		case f := <-past:
			if done, err := t.takePast(f); err != nil {
				return err
			} else if done {
				past = nil
			}
		case <-show.C:
			if time.Since(t.shown) >= t.pause {
				t.show()
			}
			show.Reset(max(time.Millisecond, t.pause-time.Since(t.shown)))
		case <-note.C:
			t.service.boards.committed(t.partition, t.next)
			t.service.metrics.board.observe(t)
		}
	}
}

// poll hands on what a client fetches. What comes one by one comes gathered: a
// broker that is asked for every few records spends most of its time on being
// asked, and so does who asks.
func poll(ctx context.Context, client *kgo.Client, out chan<- kgo.Fetches) {
	pause := time.NewTimer(gather)
	defer pause.Stop()
	for ctx.Err() == nil {
		f := client.PollRecords(ctx, pollRecords)
		select {
		case out <- f:
		case <-ctx.Done():
		}
		if f.NumRecords() >= gathered {
			continue
		}
		pause.Reset(gather)
		select {
		case <-pause.C:
		case <-ctx.Done():
		}
	}
}

// take steps a fetch of the log's end.
func (t *boardTask) take(f kgo.Fetches) error {
	if err := fetchError(f); err != nil {
		return err
	}
	f.EachPartition(func(p kgo.FetchTopicPartition) { t.end = max(t.end, p.HighWatermark) })
	for r := range f.RecordsAll() {
		t.step(r)
		t.next = r.Offset + 1
	}
	return nil
}

// takePast steps a fetch of what came before; done says that all of it has.
func (t *boardTask) takePast(f kgo.Fetches) (done bool, err error) {
	if err := fetchError(f); err != nil {
		return false, err
	}
	for r := range f.RecordsAll() {
		if r.Offset >= t.read.recent.offset {
			done = true
			break
		}
		t.step(r)
		done = r.Offset == t.read.recent.offset-1
	}
	if done {
		t.board.Since(t.read.past.since)
		t.log.Info("board has the whole day", zap.Int64("position", t.next))
	}
	return done, nil
}

func fetchError(f kgo.Fetches) (failed error) {
	f.EachError(func(topic string, partition int32, err error) {
		if !errors.Is(err, context.Canceled) && failed == nil {
			failed = fmt.Errorf("read %s/%d: %w", topic, partition, err)
		}
	})
	return failed
}

func (t *boardTask) step(r *kgo.Record) {
	t.service.metrics.board.records.Inc()
	if err := t.board.Step(r.Offset, r.Value); err != nil {
		// The loader keeps such a record as a dead letter.
		t.service.metrics.board.malformed.Inc()
	}
}

// show writes what changed, once the board has what the log held when it
// began, and unless what was written before is still on its way.
func (t *boardTask) show() {
	if t.next < t.read.end || t.waiting.Load() >= maxReadings {
		return
	}
	began := time.Now()
	n := 0
	t.board.Readings(func(r *row.Reading) {
		n++
		t.reading(r)
	})
	t.service.metrics.board.readings.Add(float64(n))
	if now, ok := t.board.Clock(); ok && now > t.told && !t.board.Turning() {
		t.alerts.Tick(now, t.board.Offset(), t.verdict)
		if now-t.again >= alert.SayAgain {
			t.again = now
			t.alerts.Again(t.board.Offset(), t.verdict)
		}
		// Behind the readings: whoever reads them learns how new they are
		// where none changes.
		t.told = now
		t.write(&row.Progress{Place: row.Place{Partition: t.partition}, Position: t.board.Offset() + 1, Now: now, State: row.Open})
	}
	t.shown = time.Now()
	t.pause = max(t.service.config.Show, time.Duration(n)*time.Second/showRate)
	if t.board.Turning() {
		t.pause = t.shown.Sub(began) // as much again for what comes meanwhile
	}
}

// reading sends one reading on its way.
func (t *boardTask) reading(r *row.Reading) {
	t.alerts.Take(r)
	t.write(r)
}

// verdict sends what a rule says to the partition of its tenant, where the
// deadlines of the tenant are.
func (t *boardTask) verdict(v *row.Verdict) {
	t.send(kafka.TopicVerdicts, event.Partition([]byte(v.Tenant), t.service.sizes.verdicts), v)
}

func (t *boardTask) write(r row.Row) {
	t.send(kafka.TopicValues, t.partition%t.service.sizes.values, r)
}

func (t *boardTask) send(topic string, to int32, r row.Row) {
	t.waiting.Add(1)
	t.client.Produce(context.Background(), &kgo.Record{Topic: topic, Partition: to, Value: row.Append(make([]byte, 0, readingSize), r)},
		func(_ *kgo.Record, err error) {
			t.waiting.Add(-1)
			if err != nil {
				t.fail(fmt.Errorf("write to %s/%d: %w", topic, to, err))
			}
		})
}

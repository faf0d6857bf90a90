package loader

import (
	"context"
	"time"

	"github.com/nabz/nabz/services/internal/kafka"
)

// lane is a part of the topics, with batches and a pace of its own: the panes
// that people look at do not wait for facts and events, which are many more
// tables and rows.
type lane struct {
	every time.Duration // the longest that a row waits for company
	full  chan *batch   // to the lane's writer
	empty chan *batch   // from it
	batch *batch        // being filled
	first time.Time     // when its first record came

	debt     debt // of the batches that are written
	progress progressBlock

	trouble error // why the last write failed, under Service.mu
}

// calmer is how many times as long rows wait that are not panes. What an insert
// holds hardly matters to what it costs, and there are some twenty tables: at
// 150 ms, facts and events can be asked for within a second all the same.
const calmer = 4

// newLanes makes the lane of panes and the one of all else.
func newLanes(l *layout, every time.Duration) (lanes [2]*lane, err error) {
	for i := range lanes {
		// One batch is filled while the other is written.
		x := &lane{every: every, full: make(chan *batch), empty: make(chan *batch, 2), debt: newDebt()}
		if err := x.progress.open(l.tables); err != nil {
			return lanes, err
		}
		for range cap(x.empty) {
			b, err := newBatch(l)
			if err != nil {
				return lanes, err
			}
			x.empty <- b
		}
		x.batch = <-x.empty
		every, lanes[i] = every*calmer, x
	}
	return lanes, nil
}

// laneOf is the lane that a topic's records take.
func (s *Service) laneOf(topic string) *lane {
	if topic == kafka.TopicPanes {
		return s.lanes[0]
	}
	return s.lanes[1]
}

// hand gives the batch to the writer and waits for an empty one. It tells
// whether to go on.
func (l *lane) hand(ctx context.Context) bool {
	select {
	case l.full <- l.batch:
	case <-ctx.Done():
		return false // the batch goes as a last one
	}
	l.batch = nil
	select {
	case l.batch = <-l.empty:
		return true
	case <-ctx.Done():
		return false
	}
}

// last gives the writer what is left.
func (l *lane) last() {
	if l.batch != nil && l.batch.records > 0 {
		l.full <- l.batch
	}
	close(l.full)
}

// due is when the batch must go, or the zero instant: it is empty.
func (l *lane) due() time.Time {
	if l.batch.records == 0 {
		return time.Time{}
	}
	return l.first.Add(l.every)
}

// work writes batches until there are no more; when ctx has ended, for drainFor
// at most. What is not written then is read again by whoever comes next. How far
// rows have come is told right behind them: who compares them with others, as
// nabz verify does, must not find more than is told.
func (s *Service) work(ctx context.Context, l *lane) {
	work, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer context.AfterFunc(ctx, func() {
		timer := time.AfterFunc(drainFor, cancel)
		context.AfterFunc(work, func() { timer.Stop() })
	})()
	commit := time.NewTicker(commitEvery)
	defer commit.Stop()
	for {
		ok := true
		var b *batch
		select {
		case b = <-l.full:
			if b == nil {
				s.commit(work, l)
				return
			}
			if ok = s.write(work, l, b) && s.tell(work, l); ok {
				b.reset()
				l.empty <- b
				b = nil
			}
		case <-commit.C:
			ok = s.commit(work, l)
		}
		if !ok {
			s.giveUp(l, b)
			return
		}
	}
}

// giveUp takes batches and writes none: the offsets of a next one would cover
// what is not written.
func (s *Service) giveUp(l *lane, b *batch) {
	for more := true; more; b, more = <-l.full {
		if b != nil {
			b.reset()
			l.empty <- b
		}
	}
}

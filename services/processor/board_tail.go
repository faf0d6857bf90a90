package processor

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/nabz/nabz/services/internal/kafka"
)

// How far back in the log a board reads. A row of a pane is written no earlier
// than ahead before the pane begins: the collector refuses live events that are
// further ahead of its clock.
const (
	ahead = time.Minute
	// recentFor holds the longest rolling window: with it alone a board shows
	// something, while it reads the rest of the day.
	recentFor = 62 * time.Minute
	// beforeDay makes room for clocks that stand some hours apart.
	beforeDay = 2 * time.Hour
)

// extent is what a board reads of its log: from recent on at once, and
// from past to recent beside it.
type extent struct {
	past, recent start
	end          int64 // of the log, when the board began
}

// start is an offset, and the instant from which on the rows behind it are
// whole, ms since 1970 UTC; 0: they always were.
type start struct {
	offset int64
	since  int64
}

// plan finds the offsets to read from.
func (t *boardTask) plan(ctx context.Context, admin *kadm.Client, day func(int64) int64) (extent, error) {
	now := time.Now()
	var r extent
	first, err := t.offset(ctx, admin.ListStartOffsets)
	if err != nil {
		return r, err
	}
	last, err := t.offset(ctx, admin.ListEndOffsets)
	if err != nil {
		return r, err
	}
	r.end = last.Offset
	midnight := time.UnixMilli(day(now.UnixMilli())).Add(-beforeDay)
	if r.past, err = t.after(ctx, admin, first.Offset, midnight); err != nil {
		return r, err
	}
	since := now.Add(-recentFor)
	if r.recent, err = t.after(ctx, admin, first.Offset, since.Add(-ahead)); err != nil {
		return r, err
	}
	if r.recent.offset <= r.past.offset {
		r.recent = r.past
		return r, nil
	}
	r.recent.since = since.UnixMilli()
	return r, nil
}

// after finds the first record that was written at an instant or later. Where
// that is the first of a log whose beginning is gone, rows are whole from then
// on.
func (t *boardTask) after(ctx context.Context, admin *kadm.Client, first int64, at time.Time) (start, error) {
	o, err := t.offset(ctx, func(ctx context.Context, topics ...string) (kadm.ListedOffsets, error) {
		return admin.ListOffsetsAfterMilli(ctx, at.UnixMilli(), topics...)
	})
	if err != nil {
		return start{}, err
	}
	s := start{offset: max(o.Offset, first)}
	if first > 0 && s.offset == first {
		s.since = max(at.UnixMilli(), o.Timestamp) + ahead.Milliseconds()
	}
	return s, nil
}

func (t *boardTask) offset(ctx context.Context, list func(context.Context, ...string) (kadm.ListedOffsets, error)) (kadm.ListedOffset, error) {
	listed, err := list(ctx, kafka.TopicPanes)
	if err != nil {
		return kadm.ListedOffset{}, fmt.Errorf("list offsets of %s: %w", kafka.TopicPanes, err)
	}
	o, ok := listed.Lookup(kafka.TopicPanes, t.partition)
	if !ok {
		return o, fmt.Errorf("list offsets of %s: partition %d is not there", kafka.TopicPanes, t.partition)
	}
	if o.Err != nil {
		return o, fmt.Errorf("list offsets of %s/%d: %w", kafka.TopicPanes, t.partition, o.Err)
	}
	return o, nil
}

// boardMetrics are of all boards of the process.
type boardMetrics struct {
	records, malformed, readings prometheus.Counter
	lag, age                     *prometheus.GaugeVec
}

func newBoardMetrics(registry *prometheus.Registry) boardMetrics {
	by := []string{"partition"}
	m := boardMetrics{
		records:   prometheus.NewCounter(prometheus.CounterOpts{Name: "nabz_board_records_total", Help: "Records of panes stepped."}),
		malformed: prometheus.NewCounter(prometheus.CounterOpts{Name: "nabz_board_records_malformed_total", Help: "Records of panes that are no rows."}),
		readings:  prometheus.NewCounter(prometheus.CounterOpts{Name: "nabz_board_readings_total", Help: "Readings written."}),
		lag:       prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "nabz_board_lag_records", Help: "Records of panes that are still to be stepped."}, by),
		age:       prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "nabz_board_age_seconds", Help: "How far the clock of the readings is behind this machine's."}, by),
	}
	registry.MustRegister(m.records, m.malformed, m.readings, m.lag, m.age)
	return m
}

// observe notes where a board stands.
func (m boardMetrics) observe(t *boardTask) {
	p := strconv.Itoa(int(t.partition))
	m.lag.WithLabelValues(p).Set(float64(max(0, t.end-t.next)))
	if now, ok := t.board.Clock(); ok {
		m.age.WithLabelValues(p).Set(float64(time.Now().UnixMilli()-now) / 1000)
	}
}

// forget shows nothing of a board that this process has no more.
func (m boardMetrics) forget(partition int32) {
	p := strconv.Itoa(int(partition))
	m.lag.DeleteLabelValues(p)
	m.age.DeleteLabelValues(p)
}

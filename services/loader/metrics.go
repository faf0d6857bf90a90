package loader

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/nabz/nabz/services/internal/clickhouse"
)

type (
	kgoCommitRequest  = kmsg.OffsetCommitRequest
	kgoCommitResponse = kmsg.OffsetCommitResponse
)

// metrics are what /metrics shows.
type metrics struct {
	registry   *prometheus.Registry
	rows       *prometheus.CounterVec
	letters    *prometheus.CounterVec
	retries    prometheus.Counter
	violations prometheus.Gauge
	seconds    prometheus.Histogram
	last       prometheus.Gauge
	lag        *lag
	quiet      limiter
}

func newMetrics() *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		rows: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "nabz_loader_rows_total", Help: "Rows that are durable in ClickHouse, repeated ones counted again.",
		}, []string{"table"}),
		letters: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "nabz_loader_dead_letters_total", Help: "Records that could not become rows.",
		}, []string{"reason"}),
		retries: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "nabz_loader_retries_total", Help: "Writes that failed and were tried again.",
		}),
		violations: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "nabz_loader_version_violations", Help: "Rows of a key and version that were seen with another content. It must be 0.",
		}),
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "nabz_loader_write_seconds", Help: "Time to make one batch durable.",
			Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10, 60},
		}),
		last: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "nabz_loader_last_write_timestamp_seconds", Help: "When the last batch became durable, s since 1970 UTC.",
		}),
	}
	m.registry.MustRegister(m.rows, m.letters, m.retries, m.violations, m.seconds, m.last)
	m.lag = newLag(m.registry)
	for _, r := range reasons {
		m.letters.WithLabelValues(r) // 0 is shown, not missing
	}
	return m
}

// written counts a batch that is durable.
func (m *metrics) written(b *batch, took time.Duration, a *audit) {
	for _, block := range b.blocks() {
		m.inserted(block)
	}
	for _, l := range b.letters {
		m.letters.WithLabelValues(l.reason).Inc()
	}
	m.lag.written(b)
	m.violations.Set(float64(a.violations.Load()))
	m.seconds.Observe(took.Seconds())
	m.last.SetToCurrentTime()
}

func (m *metrics) inserted(block *clickhouse.Block) {
	if block.Rows() > 0 {
		m.rows.WithLabelValues(block.Table.Name).Add(float64(block.Rows()))
	}
}

// limiter lets one log line through in complainEvery.
type limiter struct {
	mu   sync.Mutex
	last time.Time
}

func (l *limiter) allow() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if now.Sub(l.last) < complainEvery {
		return false
	}
	l.last = now
	return true
}

package processor

import (
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/nabz/nabz/pkg/row"
	"github.com/nabz/nabz/services/internal/door"
)

// metrics of one processor, in a registry of their own.
type metrics struct {
	registry *prometheus.Registry
	owned    prometheus.Gauge
	records  prometheus.Counter
	restarts prometheus.Counter
	missed   prometheus.Counter
	position *prometheus.GaugeVec
	items    *prometheus.GaugeVec
	waiting  *prometheus.GaugeVec
	lag      *prometheus.GaugeVec
	late     *prometheus.GaugeVec
	last     *prometheus.GaugeVec
	rejects  *prometheus.CounterVec
	boards   prometheus.Gauge
	board    boardMetrics
}

func newMetrics() *metrics {
	by := []string{"partition"}
	m := &metrics{
		registry: prometheus.NewRegistry(),
		owned:    prometheus.NewGauge(prometheus.GaugeOpts{Name: "nabz_processor_partitions", Help: "Partitions that this process owns."}),
		records:  prometheus.NewCounter(prometheus.CounterOpts{Name: "nabz_processor_records_total", Help: "Records of events stepped."}),
		restarts: prometheus.NewCounter(prometheus.CounterOpts{Name: "nabz_processor_task_restarts_total", Help: "Tasks that began anew from their state."}),
		missed:   prometheus.NewCounter(prometheus.CounterOpts{Name: "nabz_processor_records_missed_total", Help: "Records of events that retention deleted before they were stepped."}),
		position: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "nabz_processor_position", Help: "Offset of the next record to step."}, by),
		items:    prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "nabz_processor_items", Help: "Items held in memory."}, by),
		waiting:  prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "nabz_processor_rows_waiting", Help: "Rows written and not acknowledged."}, by),
	}
	m.lag = prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "nabz_processor_lag_records", Help: "Records of events that are still to be stepped."}, by)
	m.late = prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "nabz_processor_lag_seconds", Help: "Age of the newest record stepped, while others wait; 0 when none does."}, by)
	m.last = prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "nabz_processor_last_record_timestamp_seconds", Help: "When the newest record stepped was written, s since 1970 UTC."}, by)
	m.rejects = prometheus.NewCounterVec(prometheus.CounterOpts{Name: "nabz_processor_rejects_total", Help: "Records that had no effect, by reason; those of a restart are told again."}, []string{"reason"})
	for _, reason := range []string{row.BelowHorizon, row.Repeat, row.Superseded, row.Capped, row.Orphan, row.OtherReplay, row.FeedClosed, row.Poison, row.Malformed} {
		m.rejects.WithLabelValues(reason) // 0 is shown, not missing
	}
	m.boards = prometheus.NewGauge(prometheus.GaugeOpts{Name: "nabz_processor_boards", Help: "Partitions of panes whose board this process has."})
	m.board = newBoardMetrics(m.registry)
	m.registry.MustRegister(m.boards, m.owned, m.records, m.restarts, m.missed, m.position, m.items, m.waiting, m.lag, m.late, m.last, m.rejects)
	return m
}

// observe notes where a task stands.
func (m *metrics) observe(t *task) {
	p := strconv.Itoa(int(t.partition))
	m.position.WithLabelValues(p).Set(float64(t.owner.Task().Position()))
	m.items.WithLabelValues(p).Set(float64(t.owner.Task().Items()))
	m.waiting.WithLabelValues(p).Set(float64(t.owner.Waiting()))
	behind := max(0, t.end-t.owner.Task().Position())
	m.lag.WithLabelValues(p).Set(float64(behind))
	if t.newest.IsZero() {
		return
	}
	late := 0.0
	if behind > 0 {
		late = max(0, time.Since(t.newest).Seconds())
	}
	m.late.WithLabelValues(p).Set(late)
	m.last.WithLabelValues(p).Set(float64(t.newest.UnixMilli()) / 1000)
}

// forget shows nothing of a task that this process has no more.
func (m *metrics) forget(partition int32) {
	p := strconv.Itoa(int(partition))
	for _, g := range []*prometheus.GaugeVec{m.position, m.items, m.waiting, m.lag, m.late, m.last} {
		g.DeleteLabelValues(p)
	}
}

// Bounds of the small server for machines that watch this one.
const (
	headerTimeout = 5 * time.Second
	maxHeader     = 16 << 10
)

func (s *Service) server() *http.Server {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", door.Metrics(s.metrics.registry))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if s.events.size() == 0 {
			http.Error(w, "no partition is assigned yet", http.StatusServiceUnavailable)
			return
		}
		w.WriteHeader(http.StatusOK)
	})
	return &http.Server{Handler: mux, ReadHeaderTimeout: headerTimeout, MaxHeaderBytes: maxHeader}
}

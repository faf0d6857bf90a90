package processor

import (
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
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
	m.boards = prometheus.NewGauge(prometheus.GaugeOpts{Name: "nabz_processor_boards", Help: "Partitions of panes whose board this process has."})
	m.board = newBoardMetrics(m.registry)
	m.registry.MustRegister(m.boards, m.owned, m.records, m.restarts, m.missed, m.position, m.items, m.waiting)
	return m
}

// observe notes where a task stands.
func (m *metrics) observe(t *task) {
	p := strconv.Itoa(int(t.partition))
	m.position.WithLabelValues(p).Set(float64(t.owner.Task().Position()))
	m.items.WithLabelValues(p).Set(float64(t.owner.Task().Items()))
	m.waiting.WithLabelValues(p).Set(float64(t.owner.Waiting()))
}

// Bounds of the small server for machines that watch this one.
const (
	headerTimeout = 5 * time.Second
	maxHeader     = 16 << 10
)

func (s *Service) server() *http.Server {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(s.metrics.registry, promhttp.HandlerOpts{}))
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

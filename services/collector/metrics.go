package collector

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/nabz/nabz/services/internal/door"
)

// metrics are what the collector counts, on a registry of its own.
type metrics struct {
	accepted prometheus.Counter
	rejected *prometheus.CounterVec
	letters  *prometheus.CounterVec
	records  prometheus.Counter
	requests *prometheus.CounterVec
	latency  prometheus.Histogram
	last     prometheus.Gauge
	registry *prometheus.Registry
	handler  http.Handler
}

func newMetrics() *metrics {
	m := &metrics{
		accepted: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "nabz_collector_events_accepted_total", Help: "Events that are durable in Kafka."}),
		rejected: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "nabz_collector_events_rejected_total", Help: "Events that were refused and not kept, by reason."}, []string{"reason"}),
		letters: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "nabz_collector_dead_letters_total", Help: "Events that were refused and kept as dead letters, by reason."}, []string{"reason"}),
		records: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "nabz_collector_records_total", Help: "Kafka records acknowledged: one for each entity an event concerns."}),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "nabz_collector_requests_total", Help: "Requests to /v1/events by outcome: ok, or the reason of the refusal."}, []string{"outcome"}),
		latency: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "nabz_collector_produce_seconds", Help: "Time until Kafka acknowledged all records of a request.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}}),
	}
	m.last = prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "nabz_collector_last_record_timestamp_seconds", Help: "When Kafka last acknowledged a request's records, s since 1970 UTC; 0: never."})
	m.registry = prometheus.NewRegistry()
	m.registry.MustRegister(m.accepted, m.rejected, m.letters, m.records, m.requests, m.latency, m.last)
	m.handler = door.Metrics(m.registry)
	return m
}

// took counts a request whose records are acknowledged.
func (m *metrics) took(t *intake, latency time.Duration) {
	accepted := 0
	for i := range t.results {
		switch r := &t.results[i]; {
		case r.problem == nil:
			accepted++
		case r.kept:
			m.letters.WithLabelValues(string(r.problem.reason)).Inc()
		default:
			m.rejected.WithLabelValues(string(r.problem.reason)).Inc()
		}
	}
	m.accepted.Add(float64(accepted))
	m.records.Add(float64(len(t.records)))
	m.latency.Observe(latency.Seconds())
	if len(t.records) > 0 {
		m.last.SetToCurrentTime()
	}
}

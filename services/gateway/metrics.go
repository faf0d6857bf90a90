package gateway

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/nabz/nabz/services/internal/door"
	"github.com/nabz/nabz/services/internal/kafka"
)

// metrics are what /metrics shows.
type metrics struct {
	registry  *prometheus.Registry
	handler   http.Handler
	requests  *prometheus.CounterVec
	cut       *prometheus.CounterVec
	streams   prometheus.Gauge
	records   *prometheus.CounterVec
	malformed *prometheus.CounterVec
	failures  *prometheus.CounterVec
	dropped   *prometheus.CounterVec
	queries   *prometheus.HistogramVec
	shared    prometheus.Counter
}

func newMetrics() *metrics {
	counters := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	m := &metrics{
		registry:  prometheus.NewRegistry(),
		requests:  counters("nabz_gateway_requests_total", "Requests by path of the API and status.", "path", "status"),
		cut:       counters("nabz_gateway_streams_ended_total", "Streams that ended, by reason: gone, slow, revoked.", "reason"),
		streams:   prometheus.NewGauge(prometheus.GaugeOpts{Name: "nabz_gateway_streams", Help: "Streams that are open."}),
		records:   counters("nabz_gateway_records_total", "Records that were read, by topic.", "topic"),
		malformed: counters("nabz_gateway_malformed_records_total", "Records that could not be read, by topic.", "topic"),
		failures:  counters("nabz_gateway_read_failures_total", "Attempts to read from Kafka that failed, by topic.", "topic"),
		dropped:   counters("nabz_gateway_dropped_total", "What is not shown because a limit of memory is reached: tenant, reading, promise, incident.", "what"),
		queries: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "nabz_gateway_query_seconds", Help: "Time of queries to ClickHouse, by outcome.",
			Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}, []string{"outcome"}),
		shared: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "nabz_gateway_shared_answers_total", Help: "Answers that were given from another query's rows."}),
	}
	m.registry.MustRegister(m.requests, m.cut, m.streams, m.records, m.malformed, m.failures, m.dropped, m.queries, m.shared)
	for _, reason := range []string{cutGone, cutSlow, cutRevoked} {
		m.cut.WithLabelValues(reason) // 0 is shown, not missing
	}
	m.handler = door.Metrics(m.registry)
	return m
}

// topics are what a gateway reads, and how much of the past: readings are
// repeated every minute; a promise that is open longer than that, and beyond
// so many records, is in its incident; incidents are kept whole.
func topics() []kafka.Source {
	return []kafka.Source{
		{Topic: kafka.TopicValues, Back: 10 * time.Minute},
		{Topic: kafka.TopicVerdicts, Back: 2 * time.Hour, Most: 200_000},
		{Topic: kafka.TopicIncidents, Most: 200_000},
	}
}

// watch shows the state that streams are made of.
func (m *metrics) watch(l *live) {
	gauge := func(name, help string, value func() float64) {
		m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, value))
	}
	gauge("nabz_gateway_data_age_seconds", "Age of the live data; -1 before there is any.", func() float64 {
		l.mu.Lock()
		defer l.mu.Unlock()
		asOf := l.asOf()
		if asOf == 0 {
			return -1
		}
		return max(0, time.Since(time.UnixMilli(asOf)).Seconds())
	})
	gauge("nabz_gateway_last_record_processed_timestamp_seconds", "When a record was last taken, s since 1970 UTC; 0: never.", func() float64 {
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.last.IsZero() {
			return 0
		}
		return float64(l.last.UnixMilli()) / 1000
	})
	held := func(what string, of func(*tenant) int) {
		gauge("nabz_gateway_"+what, "What is held in memory of all tenants: "+what+".", func() (n float64) {
			l.mu.Lock()
			defer l.mu.Unlock()
			for _, t := range l.tenants {
				n += float64(of(t))
			}
			return n
		})
	}
	held("readings", func(t *tenant) int { return len(t.readings) })
	held("promises", func(t *tenant) int { return t.open })
	held("incidents", func(t *tenant) int { return len(t.incidents) })
	for _, s := range topics() {
		m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "nabz_gateway_lag_records", Help: "Records that are still to be read, by topic.",
			ConstLabels: prometheus.Labels{"topic": s.Topic},
		}, func() float64 { return float64(l.lag(s.Topic)) }))
	}
}

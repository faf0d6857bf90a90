package alerter

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/nabz/nabz/pkg/incident"
	"github.com/nabz/nabz/services/internal/notify"
)

// metrics are what /metrics shows.
type metrics struct {
	registry   *prometheus.Registry
	verdicts   prometheus.Counter
	malformed  prometheus.Counter
	restarts   prometheus.Counter
	records    *prometheus.CounterVec
	deliveries *prometheus.CounterVec
	open       *prometheus.GaugeVec
	owed       *prometheus.GaugeVec
	oldest     *prometheus.GaugeVec
	lag        *prometheus.GaugeVec
	seconds    *prometheus.HistogramVec
}

func newMetrics(receivers []notify.Receiver) *metrics {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: "nabz_alerter_" + name, Help: help})
	}
	gauge := func(name, help string, by ...string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "nabz_alerter_" + name, Help: help}, by)
	}
	m := &metrics{
		registry:   prometheus.NewRegistry(),
		verdicts:   counter("verdicts_total", "Verdicts taken in."),
		malformed:  counter("malformed_total", "Records that are no verdicts, or no records of the outbox. It must be 0."),
		restarts:   counter("task_restarts_total", "Tasks that began anew from the outbox."),
		records:    prometheus.NewCounterVec(prometheus.CounterOpts{Name: "nabz_alerter_incidents_total", Help: "What became of incidents."}, []string{"event"}),
		deliveries: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "nabz_alerter_deliveries_total", Help: "What became of messages: delivered, failed (and tried again) or dropped."}, []string{"receiver", "result"}),
		open:       gauge("incidents_open", "Incidents that are open.", "partition"),
		owed:       gauge("messages_owed", "Messages that wait for a receiver.", "partition", "receiver"),
		oldest:     gauge("oldest_undelivered_seconds", "Age of the oldest message that waits for a receiver; 0 when none does.", "partition", "receiver"),
		lag:        gauge("lag_records", "Verdicts that are not taken in yet.", "partition"),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "nabz_alerter_delivery_seconds", Help: "From the decision to the receiver's answer, of messages that it took.",
			Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 5, 30, 300, 3600},
		}, []string{"receiver"}),
	}
	m.registry.MustRegister(m.verdicts, m.malformed, m.restarts, m.records, m.deliveries, m.open, m.owed, m.oldest, m.lag, m.seconds)
	for _, event := range []string{incident.Opened, incident.Released, incident.Resolved} {
		m.records.WithLabelValues(event) // 0 is shown, not missing
	}
	for _, r := range receivers {
		for _, result := range []string{incident.Delivered, incident.Failed, incident.Dropped} {
			m.deliveries.WithLabelValues(r.Spec().Name, result)
		}
	}
	return m
}

// count notes a record that was decided.
func (m *metrics) count(r *incident.Record) {
	switch r.Event {
	case incident.Opened, incident.Released, incident.Resolved:
		m.records.WithLabelValues(r.Event).Inc()
	case incident.Delivered, incident.Failed, incident.Dropped:
		m.deliveries.WithLabelValues(r.Receiver, r.Event).Inc()
	}
}

// observe notes where a task stands.
func (m *metrics) observe(t *task, now int64) {
	p := strconv.Itoa(int(t.partition))
	m.open.WithLabelValues(p).Set(float64(t.machine.Open()))
	m.lag.WithLabelValues(p).Set(float64(max(t.end-t.stepped, 0)))
	for i := range t.lines {
		name := t.lines[i].spec.Name
		n, since := t.machine.Waiting(name)
		age := 0.0
		if n > 0 {
			age = float64(max(now-since, 0)) / 1000
		}
		m.owed.WithLabelValues(p, name).Set(float64(n))
		m.oldest.WithLabelValues(p, name).Set(age)
	}
}

// forget takes the gauges of a partition back that is another's now.
func (m *metrics) forget(partition int32, receivers []notify.Receiver) {
	p := strconv.Itoa(int(partition))
	m.open.DeleteLabelValues(p)
	m.lag.DeleteLabelValues(p)
	for _, r := range receivers {
		m.owed.DeleteLabelValues(p, r.Spec().Name)
		m.oldest.DeleteLabelValues(p, r.Spec().Name)
	}
}

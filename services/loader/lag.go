package loader

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/nabz/nabz/services/internal/kafka"
)

// lag is how far the rows in ClickHouse are behind the topics, as of the last
// fetch of each partition.
type lag struct {
	mu     sync.Mutex
	ends   map[string]map[int32]int64 // offset after the newest record that the broker told of
	next   map[string]map[int32]int64 // offset after the newest record that is durable
	newest map[string]time.Time       // when the newest record was written that is durable
}

func newLag(registry *prometheus.Registry) *lag {
	l := &lag{ends: map[string]map[int32]int64{}, next: map[string]map[int32]int64{}, newest: map[string]time.Time{}}
	for _, topic := range []string{
		kafka.TopicEvents, kafka.TopicFacts, kafka.TopicPanes, kafka.TopicValues, kafka.TopicVerdicts, kafka.TopicIncidents, kafka.TopicDeadLetters,
	} {
		gauge := func(name, help string, value func(string) float64) {
			registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help, ConstLabels: prometheus.Labels{"topic": topic}},
				func() float64 { return value(topic) }))
		}
		gauge("nabz_loader_lag_records", "Records that are not durable in ClickHouse yet, as of the last fetch.", l.records)
		gauge("nabz_loader_lag_seconds", "Age of the newest record that is durable, while others wait; 0 when none does.", l.seconds)
		gauge("nabz_loader_last_record_timestamp_seconds", "When the newest record was written to Kafka that is durable in ClickHouse, s since 1970 UTC; 0: none yet.", l.stamp)
	}
	return l
}

// fetched notes what a fetch says of the ends of its partitions.
func (l *lag) fetched(f kgo.Fetches) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f.EachPartition(func(p kgo.FetchTopicPartition) {
		if p.HighWatermark > 0 {
			set(l.ends, p.Topic, p.Partition, p.HighWatermark)
		}
	})
}

// written notes what a batch has made durable.
func (l *lag) written(b *batch) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for topic, partitions := range b.offsets {
		for p, o := range partitions {
			set(l.next, topic, p, o.Offset)
		}
	}
	for topic, at := range b.newest {
		if at.After(l.newest[topic]) {
			l.newest[topic] = at
		}
	}
}

// forget lets go of partitions that another loader has now.
func (l *lag) forget(gone map[string][]int32) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for topic, partitions := range gone {
		for _, p := range partitions {
			delete(l.ends[topic], p)
			delete(l.next[topic], p)
		}
	}
}

func set(of map[string]map[int32]int64, topic string, partition int32, v int64) {
	if of[topic] == nil {
		of[topic] = map[int32]int64{}
	}
	of[topic][partition] = max(v, of[topic][partition])
}

func (l *lag) records(topic string) float64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.waiting(topic)
}

// waiting counts from the first record that was fetched of a partition on.
func (l *lag) waiting(topic string) (n float64) {
	for p, end := range l.ends[topic] {
		if next, known := l.next[topic][p]; known {
			n += float64(max(0, end-next))
		}
	}
	return n
}

func (l *lag) seconds(topic string) float64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	if at := l.newest[topic]; !at.IsZero() && l.waiting(topic) > 0 {
		return max(0, time.Since(at).Seconds())
	}
	return 0
}

func (l *lag) stamp(topic string) float64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	if at := l.newest[topic]; !at.IsZero() {
		return float64(at.UnixMilli()) / 1000
	}
	return 0
}

package collector

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"

	"github.com/nabz/nabz/services/internal/kafka"
)

const (
	testKey      = "test-key-0123456789abcdef"
	testIdentity = "0123456789abcdef0123456789abcdef"
)

func testConfig() Config {
	return Config{
		Listen: "127.0.0.1:0", Kafka: []string{"127.0.0.1:1"}, IdentityKey: testIdentity,
		Keys: []Key{
			{Name: "all", Key: testKey, Tenant: "*", Rights: []string{RightWrite, RightFeeds}},
			{Name: "writer", Key: "writer-key-0123456789", Tenant: "bank", Sources: []string{"pbx/*"}, Rights: []string{RightWrite}},
			{Name: "reader", Key: "reader-key-0123456789", Tenant: "bank", Rights: []string{RightRead}},
			{Name: "slow", Key: "slow-key-01234567890123", Tenant: "bank", Rights: []string{RightWrite}, Rate: 0.001, Burst: 10},
		},
	}
}

// counting is a producer that acknowledges at once.
type counting struct{ records, bytes int }

func (c *counting) TryProduce(_ context.Context, r *kgo.Record, promise func(*kgo.Record, error)) {
	c.records++
	c.bytes += len(r.Key) + len(r.Value)
	promise(r, nil)
}

// bench500 is 500 events of 250 served calls: queued with a customer, answered
// by an agent.
func bench500(now time.Time) []byte {
	var b bytes.Buffer
	b.WriteByte('[')
	for i := range 250 {
		if i > 0 {
			b.WriteByte(',')
		}
		at := now.UTC().Format("2006-01-02T15:04:05.000Z")
		fmt.Fprintf(&b, `{"specversion":"1.0","id":"call-%d:queued","source":"pbx/tehran-1","type":"contact.queued","time":"%s","datacontenttype":"application/json","data":{"contact_id":"AA0101-%d","queue_id":"PS","channel":"voice","customer_id":"%d","priority":"2"}},`, i, at, i, 23317894+i)
		fmt.Fprintf(&b, `{"specversion":"1.0","id":"call-%d:answered","source":"pbx/tehran-1","type":"contact.answered","time":"%s","datacontenttype":"application/json","data":{"contact_id":"AA0101-%d","queue_id":"PS","agent_id":"DORIT"}}`, i, at, i)
	}
	b.WriteByte(']')
	return b.Bytes()
}

// post sends a batch to the handler as one request.
func post(b *testing.B, s *Service, body []byte) {
	r := httptest.NewRequest(http.MethodPost, "/v1/events", bytes.NewReader(body))
	r.Header.Set("Content-Type", "application/cloudevents-batch+json")
	r.Header.Set("Authorization", "Bearer "+testKey)
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	if w.Code != http.StatusOK || bytes.Contains(w.Body.Bytes(), []byte(`"error"`)) {
		b.Error(w.Code, w.Body.String())
	}
}

// cpu is the processor time of this process: on a busy machine it says more
// than the clock on the wall.
func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func report(b *testing.B, spent time.Duration) {
	b.ReportMetric(float64(500*b.N)/b.Elapsed().Seconds(), "events/s")
	b.ReportMetric(float64(500*b.N)/spent.Seconds(), "events/cpu-s")
}

// BenchmarkCollectorBatch500 is the handler alone: from a body to records.
func BenchmarkCollectorBatch500(b *testing.B) {
	s, err := New(testConfig(), zap.NewNop())
	if err != nil {
		b.Fatal(err)
	}
	s.producer = &counting{}
	s.known.Store(&topics{events: 8, deadLetters: 8})
	body := bench500(time.Now())
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	before := cpu()
	for b.Loop() {
		post(b, s, body)
	}
	report(b, cpu()-before)
}

// BenchmarkCollectorBatch500Kafka is the same with a real client against a
// broker in the same process, whose work it includes; four requests at a time,
// so that none waits alone for the client's linger.
func BenchmarkCollectorBatch500Kafka(b *testing.B) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(8, "nabz.events.v1", "nabz.events.v1.dlq"))
	if err != nil {
		b.Fatal(err)
	}
	defer cluster.Close()
	c := testConfig()
	c.Kafka = cluster.ListenAddrs()
	s, err := New(c, zap.NewNop())
	if err != nil {
		b.Fatal(err)
	}
	client, err := kgo.NewClient(kafka.ProducerOptions(kafka.Config{Brokers: c.Kafka, ClientID: "bench"})...)
	if err != nil {
		b.Fatal(err)
	}
	defer client.Close()
	s.producer = client
	s.known.Store(&topics{events: 8, deadLetters: 8})
	body := bench500(time.Now())
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	b.SetParallelism(4)
	b.ResetTimer()
	before := cpu()
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			post(b, s, body)
		}
	})
	report(b, cpu()-before)
}

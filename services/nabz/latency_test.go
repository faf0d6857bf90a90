package main

import (
	"bufio"
	"bytes"
	"context"
	"flag"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/nabz/nabz/pkg/row"
	"github.com/nabz/nabz/services/internal/kafka"
	"github.com/nabz/nabz/services/internal/ready"
	"github.com/nabz/nabz/services/internal/testkit"
)

// The load of BenchmarkLatency.
const (
	loadTick   = 10 * time.Millisecond
	loadWarm   = 10 * time.Second // connections, caches, the first merges
	loadFor    = time.Minute      // the end of a minute, when all windows move, is in it
	talkTicks  = 200              // between the events of a contact
	probeQueue = "probe"
)

var loadRate = flag.Int("load-rate", 5_000, "events a second that BenchmarkLatency sends")

// BenchmarkLatency sends 5,000 events a second at fixed times, whether the
// answers come or not, through the collector of an installation with all parts
// embedded and four partitions, as suits two cores, and measures of some of them how long after their sending they are
// in a reading on Kafka, on the stream that a wallboard shows, and in what a query over the view of a KPI gives. Every tick
// carries one contact that enters a queue of its own: the count of that queue
// says which of them have arrived. The machine that sends and measures is the
// one that is measured.
func BenchmarkLatency(b *testing.B) {
	path, stop := installationOf(b, "run", "--partitions", "4")
	f, err := ready.Read(path)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		m := &latencies{f: f, began: time.Now()}
		ctx, cancel := context.WithCancel(b.Context())
		var watchers sync.WaitGroup
		watchers.Go(func() { m.follow(ctx, b) })
		watchers.Go(func() { m.wall(ctx, b) })
		watchers.Go(func() { m.queries(ctx, b) })
		late, refused := m.load(ctx)
		if refused > 0 {
			b.Fatalf("%d requests were refused, or had no answer in time", refused)
		}
		testkit.Await(b, "the last event in a reading", func() bool { return m.arrived(&m.shown) })
		testkit.Await(b, "the last event on the wallboard", func() bool { return m.arrived(&m.walled) })
		testkit.Await(b, "the last event in a query", func() bool { return m.arrived(&m.asked) })
		cancel()
		watchers.Wait()
		report(b, "fact", m.delays(m.facts))
		report(b, "reading", m.delays(m.shown))
		report(b, "wallboard", m.delays(m.walled))
		report(b, "query", m.delays(m.asked))
		report(b, "answer", m.took)
		b.ReportMetric(float64(late.Milliseconds()), "ms-sender-late")
		b.ReportMetric(0, "ns/op")
	}
	if err := stop(syscall.SIGTERM); err != nil {
		b.Error(err)
	}
}

func report(b *testing.B, what string, all []time.Duration) {
	slices.Sort(all)
	at := func(percent int) float64 { return float64(all[(len(all)-1)*percent/100].Microseconds()) / 1000 }
	b.ReportMetric(at(50), "ms-"+what+"-p50")
	b.ReportMetric(at(99), "ms-"+what+"-p99")
}

// latencies are when probes were sent and when they were seen.
type latencies struct {
	f     ready.File
	began time.Time

	mu     sync.Mutex
	sent   []time.Time
	facts  []sight // of so many probes there is a fact
	shown  []sight
	walled []sight
	asked  []sight
	took   []time.Duration // by each question
}

// sight is that so many probes were there at an instant.
type sight struct {
	at time.Time
	n  int
}

// load sends until the time is over. It tells how far it fell behind its own
// schedule, and how many requests were refused.
func (m *latencies) load(ctx context.Context) (late time.Duration, refused int) {
	client := &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 256}}
	perTick := *loadRate * int(loadTick) / int(time.Second)
	var requests sync.WaitGroup
	var mu sync.Mutex
	ticker := time.NewTicker(loadTick)
	defer ticker.Stop()
	ticks := int((loadWarm + loadFor) / loadTick)
	for tick := range ticks {
		due := m.began.Add(time.Duration(tick) * loadTick)
		for time.Now().Before(due) {
			<-ticker.C
		}
		late = max(late, time.Since(due))
		body := batch(tick, perTick, due)
		m.mu.Lock()
		m.sent = append(m.sent, due)
		m.mu.Unlock()
		requests.Go(func() {
			if err := m.post(ctx, client, body); err != nil {
				mu.Lock()
				refused++
				mu.Unlock()
			}
		})
	}
	requests.Wait()
	return late, refused
}

func (m *latencies) post(ctx context.Context, client *http.Client, body []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, m.f.Collector+"/v1/events", bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/cloudevents-batch+json")
	req.Header.Set("Authorization", "Bearer "+m.f.APIKey)
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("status %d", res.StatusCode)
	}
	return nil
}

// batch is one tick's events: a probe, and steps of contacts that begin, are
// answered and end some ticks apart, in twenty queues of four channels, each
// with five agents of its own.
func batch(tick, n int, at time.Time) []byte {
	var b bytes.Buffer
	event := func(typ, contact, queue string, number int, more string) {
		if b.Len() > 0 {
			b.WriteByte(',')
		} else {
			b.WriteByte('[')
		}
		channel := []string{"voice", "chat", "email", "video"}[number%4]
		fmt.Fprintf(&b, `{"specversion":"1.0","type":%q,"source":"load","id":"%s-%s","time":%q,"data":{"contact_id":%q,"queue_id":%q,"channel":%q%s}}`,
			typ, contact, typ, at.UTC().Format("2006-01-02T15:04:05.000Z"), contact, queue, channel, more)
	}
	event("contact.queued", fmt.Sprintf("probe-%d", tick), probeQueue, 0, "")
	for i := range n - 1 {
		begun := tick - i%3*talkTicks
		if begun < 0 {
			continue // as many contacts begin as end later
		}
		number := (begun + i/3) % 20
		contact, queue := fmt.Sprintf("c-%d-%d", begun, i/3), fmt.Sprintf("queue-%d", number)
		agent := fmt.Sprintf(`,"agent_id":"agent-%d-%d-%d"`, number, i/3%4, begun%5)
		switch i % 3 {
		case 0:
			event("contact.queued", contact, queue, i/3, "")
		case 1:
			event("contact.answered", contact, queue, i/3, agent)
		default:
			event("contact.ended", contact, queue, i/3, "")
		}
	}
	b.WriteByte(']')
	return b.Bytes()
}

// follow notes of how many probes there are facts, and how many each reading of
// their queue counts.
func (m *latencies) follow(ctx context.Context, tb testing.TB) {
	client, err := kgo.NewClient(append(kafka.ConsumerOptions(kafka.Config{Brokers: []string{m.f.Kafka}, ClientID: "bench"}),
		kgo.ConsumeTopics(kafka.TopicFacts, kafka.TopicValues), kgo.ConsumeResetOffset(kgo.NewOffset().AtEnd()))...)
	if err != nil {
		tb.Error(err)
		return
	}
	defer client.Close()
	known := map[string]bool{}
	for ctx.Err() == nil {
		fetches := client.PollFetches(ctx)
		now := time.Now()
		for r := range fetches.RecordsAll() {
			if !bytes.Contains(r.Value, []byte(probeQueue)) {
				continue // who measures is on the same cores
			}
			decoded, err := row.Decode(r.Value)
			if err != nil {
				tb.Error(err)
				return
			}
			switch x := decoded.(type) {
			case *row.Fact:
				if x.Family == "queue_segment" && strings.HasPrefix(x.Item, probeQueue) && !known[x.Item] {
					known[x.Item] = true
					m.saw(&m.facts, now, len(known))
				}
			case *row.Reading:
				if x.KPI == "offered" && slices.Equal(x.Scope, []string{"queue"}) && x.Dims[0] == probeQueue {
					m.saw(&m.shown, now, int(x.Windows[len(x.Windows)-1].Numbers[0].Value))
				}
			}
		}
	}
}

// wall reads what a page that shows some KPIs is sent.
func (m *latencies) wall(ctx context.Context, tb testing.TB) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, m.f.Gateway+"/v1/live?kpi=offered,service_level,asa,waiting,abandonment_rate,occupancy", nil)
	if err != nil {
		tb.Error(err)
		return
	}
	req.Header.Set("Authorization", "Bearer "+m.f.APIKey)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		tb.Error(err)
		return
	}
	defer res.Body.Close()
	const is = `"kpi":"offered","scope":["queue"],"dims":{"queue":"` + probeQueue + `"}`
	lines := bufio.NewReader(res.Body)
	for ctx.Err() == nil {
		line, err := lines.ReadString('\n')
		if err != nil {
			if ctx.Err() == nil {
				tb.Errorf("follow the stream: status %d: %v", res.StatusCode, err)
			}
			return
		}
		_, behind, there := strings.Cut(line, is)
		if !there {
			continue
		}
		_, today, _ := strings.Cut(behind, `"today":`)
		_, value, _ := strings.Cut(today, `"value":`)
		var n int
		if _, err := fmt.Sscanf(value, "%d", &n); err != nil {
			tb.Errorf("read the value on the stream: %v: %.200s", err, behind)
			return
		}
		m.saw(&m.walled, time.Now(), n)
	}
}

// queries asks for the value of the KPI again and again. What an answer holds
// could be asked for when its question began; how long it took is told apart.
func (m *latencies) queries(ctx context.Context, tb testing.TB) {
	const query = "SELECT toInt64(ifNull(sum(value), 0)) FROM nabz.kpi_offered WHERE queue = '" + probeQueue + "'"
	for ctx.Err() == nil {
		began := time.Now()
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, m.f.ClickHouseHTTP, strings.NewReader(query))
		if err != nil {
			tb.Error(err)
			return
		}
		req.Header.Set("X-ClickHouse-User", m.f.BIUser)
		req.Header.Set("X-ClickHouse-Key", m.f.BIPassword)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			if ctx.Err() == nil {
				tb.Error(err)
			}
			return
		}
		var n int
		_, err = fmt.Fscan(res.Body, &n)
		res.Body.Close()
		if err != nil {
			tb.Errorf("ask for the value: status %d: %v", res.StatusCode, err)
			return
		}
		m.saw(&m.asked, began, n)
		m.mu.Lock()
		m.took = append(m.took, time.Since(began))
		m.mu.Unlock()
		select {
		case <-ctx.Done():
		case <-time.After(150 * time.Millisecond): // a wall of people, not a loop
		}
	}
}

func (m *latencies) saw(list *[]sight, at time.Time, n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if last := len(*list); last == 0 || n > (*list)[last-1].n {
		*list = append(*list, sight{at, n})
	}
}

func (m *latencies) arrived(list *[]sight) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	last := len(*list) - 1
	return last >= 0 && (*list)[last].n >= len(m.sent)
}

// delays are, of every probe that was sent after the warming up, the time from
// when it was due until it was first seen.
func (m *latencies) delays(list []sight) []time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []time.Duration
	i := 0
	for probe, sent := range m.sent {
		for list[i].n < probe+1 {
			i++
		}
		if sent.Sub(m.began) >= loadWarm {
			out = append(out, list[i].at.Sub(sent))
		}
	}
	return out
}

package alerter_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"

	"github.com/nabz/nabz/pkg/incident"
	"github.com/nabz/nabz/pkg/row"
	"github.com/nabz/nabz/services/alerter"
	"github.com/nabz/nabz/services/internal/kafka"
	"github.com/nabz/nabz/services/internal/notify"
	"github.com/nabz/nabz/services/internal/testkit"
)

var kit testkit.Kit

// The variables that make a start of the test's program an alerter, to be
// killed.
const (
	envBrokers = "NABZ_TEST_BROKERS"
	envHook    = "NABZ_TEST_HOOK"
)

func TestMain(m *testing.M) {
	if brokers := os.Getenv(envBrokers); brokers != "" {
		s, err := alerter.New(alerter.Config{
			Kafka: strings.Split(brokers, ","), Listen: "127.0.0.1:0", Receivers: []notify.Receiver{webhook(os.Getenv(envHook))},
		}, zap.NewNop())
		if err == nil {
			err = s.Run(context.Background())
		}
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(kit.Run(m))
}

const partitions = 2

func topics(t testing.TB, brokers []string) {
	t.Helper()
	a := kafka.NewAdmin(brokers)
	defer a.Close()
	if err := a.Ensure(t.Context(), kafka.Catalogue(kafka.Sizing{Partitions: partitions}), io.Discard); err != nil {
		t.Fatal(err)
	}
}

func webhook(url string) notify.Receiver {
	w, err := notify.NewWebhook(notify.WebhookConfig{
		Name: "hook", URL: url, Secrets: []string{"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}, AllowHTTP: true,
		AllowPrivate: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")},
	})
	if err != nil {
		panic(err)
	}
	return w
}

// start runs an alerter and gives the function that stops it.
func start(t testing.TB, brokers []string, receivers ...notify.Receiver) (stop func()) {
	t.Helper()
	s, err := alerter.New(alerter.Config{Kafka: brokers, Listen: "127.0.0.1:0", Receivers: receivers}, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("alerter: %v", err)
		}
	})
	t.Cleanup(stop)
	return stop
}

// book is a receiver that notes what it is told, each id once.
type book struct {
	*httptest.Server
	mu      sync.Mutex
	told    map[string][]string // states by key, in order
	ids     map[string]bool
	repeats int
	took    []time.Duration // from the decision to the request, of openings
	refuse  func() bool
	changed chan struct{}
}

func newBook(t testing.TB) *book {
	b := &book{told: map[string][]string{}, ids: map[string]bool{}, changed: make(chan struct{}, 1), refuse: func() bool { return false }}
	b.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var m struct {
			Data struct {
				Key      string    `json:"key"`
				State    string    `json:"state"`
				OpenedAt time.Time `json:"opened_at"`
			} `json:"data"`
		}
		if err := json.NewDecoder(r.Body).Decode(&m); err != nil {
			t.Error(err)
		}
		b.mu.Lock()
		defer b.mu.Unlock()
		defer func() {
			select {
			case b.changed <- struct{}{}:
			default:
			}
		}()
		id := r.Header.Get("webhook-id")
		if b.ids[id] {
			b.repeats++
			return
		}
		b.ids[id] = true
		b.told[m.Data.Key] = append(b.told[m.Data.Key], m.Data.State)
		if m.Data.State == incident.Firing {
			b.took = append(b.took, time.Since(m.Data.OpenedAt))
		}
		if b.refuse() { // the answer is lost, not the message
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	t.Cleanup(b.Close)
	return b
}

// await waits until so, looked at whenever the receiver is told.
func (b *book) await(t testing.TB, what string, so func() bool) {
	t.Helper()
	ctx := testkit.Context(t)
	for {
		b.mu.Lock()
		is, told := so(), len(b.told)
		b.mu.Unlock()
		if is {
			return
		}
		select {
		case <-b.changed:
		case <-ctx.Done():
			t.Fatalf("%s: not within %v; %d keys were told", what, testkit.Patience, told)
		}
	}
}

// counted gives how many keys were told to fire and to be over.
func (b *book) counted() (firing, over int) {
	for _, states := range b.told {
		if len(states) > 0 {
			firing++
		}
		if len(states) > 1 {
			over++
		}
	}
	return firing, over
}

// desk writes verdicts as processors do.
type desk struct {
	t      testing.TB
	client *kgo.Client
	next   int64
}

func newDesk(t testing.TB, brokers []string) *desk {
	t.Helper()
	client, err := kgo.NewClient(kafka.ProducerOptions(kafka.Config{Brokers: brokers, ClientID: "test"})...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return &desk{t: t, client: client}
}

func (d *desk) verdict(item, state, stage string) *row.Verdict {
	d.next++
	now := time.Now().UnixMilli()
	return &row.Verdict{
		Place: row.Place{Tenant: "acme"}, Policy: "queue_wait", Kind: row.Deadline, Item: item, Episode: 1, Severity: incident.Page,
		State: state, Stage: stage, DueAt: now - 2000, DecidedAt: now, Target: 60_000, Version: d.next,
		Labels: []row.Label{{Name: "queue", Value: "sales"}, {Name: "channel", Value: ""}},
	}
}

func (d *desk) send(partition int32, verdicts ...*row.Verdict) {
	d.t.Helper()
	for _, v := range verdicts {
		r := &kgo.Record{Topic: kafka.TopicVerdicts, Partition: partition, Value: row.Append(nil, v)}
		if err := d.client.ProduceSync(d.t.Context(), r).FirstErr(); err != nil {
			d.t.Fatal(err)
		}
	}
}

func TestOpensAndResolves(t *testing.T) {
	t.Run("embedded", func(t *testing.T) { opensAndResolves(t, testkit.Fake(t)) })
	t.Run("apache", func(t *testing.T) { opensAndResolves(t, kit.Kafka(t).Brokers) })
}

func opensAndResolves(t *testing.T, brokers []string) {
	topics(t, brokers)
	b, d := newBook(t), newDesk(t, brokers)
	stop := start(t, brokers, webhook(b.URL))
	history, quiet := d.verdict("history", row.Breached, row.Settled), d.verdict("quiet", row.Breached, row.Settled)
	history.Feed, quiet.Quiet = "bank", true
	d.send(0, history, quiet, d.verdict("early", row.Breached, row.Provisional))
	for i := range 20 {
		item := fmt.Sprint("c", i)
		d.send(int32(i%partitions), d.verdict(item, row.Breached, row.Provisional), d.verdict(item, row.Breached, row.Settled))
	}
	b.await(t, "openings", func() bool { f, _ := b.counted(); return f == 20 })
	for i := range 20 {
		d.send(int32(i%partitions), d.verdict(fmt.Sprint("c", i), row.MetLate, row.Settled))
	}
	b.await(t, "resolutions", func() bool { _, o := b.counted(); return o == 20 })
	stop()
	// The successor finds all of it done, and tells nobody again.
	b.mu.Lock()
	repeats := b.repeats
	b.mu.Unlock()
	start(t, brokers, webhook(b.URL))
	for p := range partitions {
		d.send(int32(p), d.verdict(fmt.Sprint("last", p), row.Breached, row.Settled))
	}
	b.await(t, "the last ones", func() bool { f, _ := b.counted(); return f == 20+partitions })
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.repeats != repeats {
		t.Errorf("%d messages were sent again after a clean stop", b.repeats-repeats)
	}
	for key, states := range b.told {
		if len(states) > 2 || states[0] != incident.Firing || len(states) == 2 && states[1] != incident.Ended {
			t.Errorf("%s was told %v", key, states)
		}
	}
}

// TestHandOver lets a second alerter come and the first go while verdicts come.
func TestHandOver(t *testing.T) {
	brokers := testkit.Fake(t)
	topics(t, brokers)
	b, d := newBook(t), newDesk(t, brokers)
	send := func(from, to int) {
		for i := from; i < to; i++ {
			d.send(int32(i%partitions), d.verdict(fmt.Sprint("c", i), row.Breached, row.Settled))
		}
	}
	stop := start(t, brokers, webhook(b.URL))
	send(0, 20)
	b.await(t, "the first", func() bool { return len(b.told) == 20 })
	start(t, brokers, webhook(b.URL))
	send(20, 40)
	b.await(t, "those beside the second", func() bool { return len(b.told) == 40 })
	stop()
	send(40, 60)
	b.await(t, "those after the first", func() bool { return len(b.told) == 60 })
	b.mu.Lock()
	defer b.mu.Unlock()
	for key, states := range b.told {
		if !slices.Equal(states, []string{incident.Firing}) {
			t.Errorf("%s was told %v, want once", key, states)
		}
	}
}

// TestKills kills alerters at any moment while verdicts come. Every incident
// must be told once to fire and once to be over, in that order, by ids that a
// receiver tells apart.
func TestKills(t *testing.T) {
	const incidents, kills = 300, 6
	brokers := testkit.Fake(t)
	topics(t, brokers)
	b, d := newBook(t), newDesk(t, brokers)
	b.refuse = func() bool { return len(b.ids)%17 == 0 }
	next := make(chan struct{}, incidents)
	go func() { // ends when all is written
		defer close(next)
		for i := range incidents {
			item, p := fmt.Sprint("c", i), int32(i%partitions)
			d.send(p, d.verdict(item, row.Breached, row.Provisional), d.verdict(item, row.Breached, row.Settled))
			if i >= 20 {
				d.send(p, d.verdict(fmt.Sprint("c", i-20), row.MetLate, row.Settled))
			}
			next <- struct{}{}
		}
		for i := incidents - 20; i < incidents; i++ {
			d.send(int32(i%partitions), d.verdict(fmt.Sprint("c", i), row.MetLate, row.Settled))
		}
	}()
	child := func() (kill func()) {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^$")
		cmd.Env = append(os.Environ(), envBrokers+"="+strings.Join(brokers, ","), envHook+"="+b.URL)
		ended, err := testkit.StartTethered(cmd)
		if err != nil {
			t.Fatal(err)
		}
		return func() {
			if err := cmd.Process.Signal(syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			<-ended
		}
	}
	for k := range kills {
		kill := child()
		// Told something more than before, in the middle of the next.
		b.mu.Lock()
		before := len(b.ids)
		b.mu.Unlock()
		want := min(before+1+k*5, 2*incidents)
		b.await(t, fmt.Sprintf("messages before kill %d", k), func() bool { return len(b.ids) >= want })
		kill()
	}
	kill := child()
	defer kill()
	b.await(t, "all incidents", func() bool { f, o := b.counted(); return f == incidents && o == incidents })
	for range next {
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for key, states := range b.told {
		if !slices.Equal(states, []string{incident.Firing, incident.Ended}) {
			t.Errorf("%s was told %v, want once firing and once resolved", key, states)
		}
	}
	t.Logf("%d incidents through %d kills: none lost, none doubled; %d messages came again under their own id", incidents, kills, b.repeats)
}

// BenchmarkPost measures the time from the decision to the request at the
// receiver, with a broker beside it.
func BenchmarkPost(b *testing.B) {
	brokers := testkit.Fake(b)
	topics(b, brokers)
	receiver, d := newBook(b), newDesk(b, brokers)
	start(b, brokers, webhook(receiver.URL))
	d.send(0, d.verdict("first", row.Breached, row.Settled))
	receiver.await(b, "the first", func() bool { return len(receiver.took) == 1 })
	sent := 1
	for b.Loop() {
		sent++
		d.send(int32(sent%partitions), d.verdict(fmt.Sprint("c", sent), row.Breached, row.Settled))
		receiver.await(b, "a request", func() bool { return len(receiver.took) == sent })
	}
	receiver.mu.Lock()
	defer receiver.mu.Unlock()
	took := receiver.took[1:]
	slices.Sort(took)
	for _, q := range []float64{0.5, 0.99, 1} {
		b.ReportMetric(float64(took[int(q*float64(len(took)-1))].Microseconds())/1000, fmt.Sprintf("ms/p%g", 100*q))
	}
}

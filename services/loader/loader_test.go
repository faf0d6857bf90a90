package loader_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap/zaptest"

	"github.com/nabz/nabz/pkg/event"
	"github.com/nabz/nabz/pkg/row"
	"github.com/nabz/nabz/services/internal/catalog"
	"github.com/nabz/nabz/services/internal/clickhouse"
	"github.com/nabz/nabz/services/internal/kafka"
	"github.com/nabz/nabz/services/internal/testkit"
	"github.com/nabz/nabz/services/loader"
)

var kit testkit.Kit

func TestMain(m *testing.M) { os.Exit(kit.Run(m)) }

// world is a broker, an engine and what is between them.
type world struct {
	t       *testing.T
	brokers []string
	engine  *testkit.Engine
	client  *kgo.Client
	conn    clickhouse.Conn
	cat     *catalog.Catalog
}

const partitions = 2

func newWorld(t *testing.T, brokers []string, e *testkit.Engine) *world {
	t.Helper()
	w := &world{t: t, brokers: brokers, engine: e}
	admin := kafka.NewAdmin(brokers)
	defer admin.Close()
	var err error
	if w.conn, err = clickhouse.Open(e.URL("nabz")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.conn.Close() })
	if err := w.prepare(t.Context(), admin); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.client.Close)
	return w
}

// prepare makes topics, tables and views, and a client to send with.
func (w *world) prepare(ctx context.Context, admin *kafka.Admin) error {
	err := admin.Ensure(ctx, kafka.Catalogue(kafka.Sizing{Partitions: partitions}), io.Discard)
	if err != nil {
		return err
	}
	if w.cat, err = catalog.Load(); err != nil {
		return err
	}
	model := w.cat.Warehouse("UTC", 1)
	if err := clickhouse.Migrate(ctx, w.conn, clickhouse.Schema{Tables: model.Tables(), Views: model.Views()}, io.Discard); err != nil {
		return err
	}
	w.client, err = kgo.NewClient(kafka.ProducerOptions(kafka.Config{Brokers: w.brokers, ClientID: "test"})...)
	return err
}

// load starts a loader and gives what stops it.
func (w *world) load() (address string, stop func()) {
	w.t.Helper()
	s, err := loader.New(loader.Config{Kafka: w.brokers, ClickHouse: w.engine.URL("nabz"), Listen: "127.0.0.1:0", Every: 20 * time.Millisecond, LazySync: true}, zaptest.NewLogger(w.t))
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(w.t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	addr := s.Address(ctx)
	done := false
	stop = func() {
		if done {
			return
		}
		done = true
		cancel()
		if err := <-ended; err != nil {
			w.t.Error(err)
		}
	}
	w.t.Cleanup(stop)
	return "http://" + addr.String(), stop
}

func (w *world) send(records ...*kgo.Record) {
	w.t.Helper()
	if err := w.client.ProduceSync(w.t.Context(), records...).FirstErr(); err != nil {
		w.t.Fatal(err)
	}
}

func record(topic string, partition int32, value []byte) *kgo.Record {
	return &kgo.Record{Topic: topic, Partition: partition, Value: value}
}

// count awaits that a query gives the number.
func (w *world) count(want uint64, query string) {
	w.t.Helper()
	ctx := testkit.Context(w.t)
	tick := time.NewTicker(25 * time.Millisecond)
	defer tick.Stop()
	var n uint64
	var err error
	for {
		// While the engine is away the query fails, and is asked again.
		if err = w.conn.QueryRow(ctx, query).Scan(&n); err == nil && n == want {
			return
		}
		select {
		case <-ctx.Done():
			w.t.Fatalf("%s: %d, want %d: %v", query, n, want, err)
		case <-tick.C:
		}
	}
}

// metrics awaits that the loader shows these lines: it counts a batch when it
// is durable, which a query may see sooner.
func (w *world) metrics(address string, lines ...string) {
	w.t.Helper()
	ctx := testkit.Context(w.t)
	tick := time.NewTicker(25 * time.Millisecond)
	defer tick.Stop()
	for {
		_, body := get(w.t, address+"/metrics")
		if !slices.ContainsFunc(lines, func(l string) bool { return !strings.Contains(body, l+"\n") }) {
			return
		}
		select {
		case <-ctx.Done():
			w.t.Fatalf("the metrics lack one of %q: %s", lines, body)
		case <-tick.C:
		}
	}
}

const start = int64(918_000_000_000) // 1999-02-03 00:00:00 UTC

func place(feed string, partition int32) row.Place {
	return row.Place{Tenant: "t", Feed: feed, Generation: 1, Epoch: catalog.Epoch, Partition: partition}
}

func uid(n int) (u event.UID) {
	copy(u[:], fmt.Sprintf("%016d", n))
	return u
}

// fact makes the nth queue segment of a feed.
func (w *world) fact(feed string, n int, version, wait int64) []byte {
	f := w.cat.Family("queue_segment")
	number := func(name string) int32 { return f.Columns[f.Column(name)].Number }
	r := &row.Fact{Place: place(feed, int32(n%partitions)), Family: f.Name, Kind: f.Kind, Item: fmt.Sprintf("c%d", n), ID: uid(n), OpenedAt: start + int64(n), Version: version}
	r.Values = []row.Value{
		{Number: number("queue"), Text: "support", IsText: true},
		{Number: number("enqueued_at"), Int: start + int64(n)},
		{Number: number("outcome"), Text: "answered", IsText: true},
		{Number: number("wait"), Int: wait},
	}
	return row.Append(nil, r)
}

func eventOf(feed string, n int) []byte {
	e := event.Event{Tenant: "t", Feed: feed, Generation: 1, Session: 7, Type: "contact.queued", Source: "s", ID: fmt.Sprint(n), UID: uid(n),
		Time: start + int64(n), ReceivedAt: start, Hash: 1<<63 + 1, Kind: "contact", Entity: fmt.Sprintf("c%d", n),
		Attrs: []event.Attr{{Number: event.FieldContactID, Text: fmt.Sprintf("c%d", n), IsText: true}, {Number: event.FieldQueueID, Text: "support", IsText: true}, {Number: 99_999, Int: 5}}}
	return e.Append(nil)
}

func TestRowsArrive(t *testing.T) {
	w := newWorld(t, testkit.Fake(t), kit.Engine(t))
	address, stop := w.load()
	family := w.cat.Family("queue_segment")
	var cells []row.Cell
	for _, m := range w.cat.KPIs.Measures(family.Name) {
		cells = append(cells, row.Cell{Part: m.Parts()[0].ID, Value: 3})
	}
	pane := &row.Pane{Place: place("arrive", 1), Family: family.Name, Grain: 60, Bucket: start, Dims: []string{"support", "voice"}, Incarnation: 4, Version: 9, ChangedAt: start, Cells: cells}
	reject := &row.Reject{Place: place("arrive", 1), Offset: 12, Reason: row.Capped, Kind: "contact", Entity: "c1", Type: "contact.queued", UID: uid(1), Hash: 1 << 63, Time: start, ReceivedAt: start, Version: 13}
	closed := event.Event{Tenant: "t", Feed: "arrive", Generation: 1, Session: 7, Type: event.TypeFeedClosed, Time: start + 500, ReceivedAt: start}
	w.send(
		record(kafka.TopicEvents, 0, eventOf("arrive", 1)),
		record(kafka.TopicEvents, 0, closed.Append(nil)),
		record(kafka.TopicFacts, 1, w.fact("arrive", 1, 5, 2000)),
		record(kafka.TopicFacts, 1, w.fact("arrive", 1, 8, 1500)), // a correction
		record(kafka.TopicFacts, 1, w.fact("arrive", 1, 5, 2000)), // an old one again
		record(kafka.TopicFacts, 1, row.Append(nil, reject)),
		record(kafka.TopicPanes, 1, row.Append(nil, pane)),
		record(kafka.TopicPanes, 1, row.Append(nil, &row.Progress{Place: place("arrive", 1), Position: 14, Now: start + 500, State: row.Closed, Session: 7})),
	)
	w.count(1, "SELECT count() FROM nabz_internal.fact_queue_segment FINAL WHERE feed = 'arrive' AND wait = 1500 AND version = 8 AND queue = 'support' AND left_at IS NULL AND deleted = 0")
	w.count(1, "SELECT count() FROM nabz_internal.events FINAL WHERE feed = 'arrive' AND texts['queue_id'] = 'support' AND ints['99999'] = 5 AND hash = 9223372036854775809 "+
		"AND toUnixTimestamp64Milli(time) = 918000000001 AND partition = 0 AND session = 7")
	w.count(1, "SELECT count() FROM nabz_internal.pane_queue_segment FINAL WHERE feed = 'arrive' AND channel = 'voice' AND incarnation = 4 AND bucket = toDateTime('1999-02-03 00:00:00', 'UTC')")
	w.count(1, "SELECT count() FROM nabz_internal.rejects FINAL WHERE feed = 'arrive' AND offset = 12 AND reason = 'capped'")
	w.count(2, "SELECT count() FROM nabz_internal.progress FINAL WHERE feed = 'arrive' AND state = 'closed' AND ((topic = 'nabz.panes.v1' AND position = 14) OR topic = 'nabz.events.v1')")
	w.count(1, "SELECT count() FROM nabz.queue_segments WHERE feed = 'arrive' AND wait_seconds = 1.5")
	w.ready(address)
	w.metrics(address, `nabz_loader_rows_total{table="fact_queue_segment"} 3`, "nabz_loader_version_violations 0")
	w.commits(8)
	stop()
}

// ready awaits that the loader says so: a query may see rows before the loader
// has heard that they are written.
func (w *world) ready(address string) {
	w.t.Helper()
	testkit.Await(w.t, "a loader that is ready", func() bool {
		code, body := get(w.t, address+"/readyz")
		return code == http.StatusOK && strings.Contains(body, "ok")
	})
}

// commits awaits that so many offsets are committed: rows that can be seen say
// nothing of records that are none, nor of the commit behind them.
func (w *world) commits(want int64) {
	w.t.Helper()
	testkit.Await(w.t, fmt.Sprintf("%d offsets to be committed", want), func() bool { return w.committed(w.t) == want })
}

// committed adds up the offsets that the loader's group committed.
func (w *world) committed(tb testing.TB) (sum int64) {
	tb.Helper()
	offsets, err := kadm.NewClient(w.client).FetchOffsets(tb.Context(), "nabz.loader")
	if errors.Is(err, kerr.GroupIDNotFound) {
		return 0
	}
	if err != nil {
		tb.Fatal(err)
	}
	offsets.Each(func(o kadm.OffsetResponse) {
		if o.Topic != kafka.TopicDeadLetters { // they come from the loader itself, whenever
			sum += o.At
		}
	})
	return sum
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	res, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(b)
}

func TestPoisonDoesNotBlock(t *testing.T) {
	w := newWorld(t, testkit.Fake(t), kit.Engine(t))
	address, _ := w.load()
	far := eventOf("poison", 2)
	e := event.Event{Tenant: "t", Feed: "poison", Type: "contact.queued", Time: 1 << 60, Kind: "contact", Entity: "x"}
	unknown := row.Append(nil, &row.Fact{Place: place("poison", 0), Family: "unheard_of"})
	column := row.Append(nil, &row.Fact{Place: place("poison", 0), Family: "queue_segment", OpenedAt: start, Values: []row.Value{{Number: 77, Int: 1}}})
	early := row.Append(nil, &row.Pane{Place: place("poison", 0), Family: "queue_segment", Bucket: -60_000, Dims: []string{"a", "b"}})
	w.send(
		record(kafka.TopicEvents, 0, []byte("\xff\xff\xff")),
		record(kafka.TopicEvents, 0, nil),
		record(kafka.TopicEvents, 0, e.Append(nil)),
		record(kafka.TopicFacts, 0, []byte("garbage")),
		record(kafka.TopicFacts, 0, unknown),
		record(kafka.TopicFacts, 0, column),
		record(kafka.TopicPanes, 0, early),
		record(kafka.TopicEvents, 0, far),
		record(kafka.TopicFacts, 0, w.fact("poison", 2, 1, 1)),
	)
	w.count(1, "SELECT count() FROM nabz_internal.fact_queue_segment FINAL WHERE feed = 'poison'")
	w.count(1, "SELECT count() FROM nabz_internal.events FINAL WHERE feed = 'poison'")
	w.metrics(address, `nabz_loader_dead_letters_total{reason="malformed"} 3`, `nabz_loader_dead_letters_total{reason="time_out_of_range"} 2`,
		`nabz_loader_dead_letters_total{reason="unknown_family"} 1`, `nabz_loader_dead_letters_total{reason="unknown_column"} 1`)
	got := map[string]int{}
	err := kafka.Tail{Brokers: w.brokers, Topic: kafka.TopicDeadLetters, Last: -1}.Run(t.Context(), func(r kafka.Record) error {
		got[r.Headers["dlq_reason"]]++
		if r.Headers["dlq_stage"] != "loader" || r.Headers["dlq_orig_topic"] == "" || r.Headers["dlq_orig_offset"] == "" {
			t.Errorf("headers %v", r.Headers)
		}
		return nil
	})
	want := map[string]int{"malformed": 3, "time_out_of_range": 2, "unknown_family": 1, "unknown_column": 1}
	if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("dead letters %v, want %v: %v", got, want, err)
	}
}

// TestKills kills the engine and restarts the loader again and again while
// rows flow: all are there, once.
func TestKills(t *testing.T) {
	run := func(name string, brokers func(t *testing.T) []string) {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, brokers(t), testkit.NewEngine(t))
			_, stop := w.load()
			const rounds, each = 6, 2000
			for round := range rounds {
				records := make([]*kgo.Record, 0, 2*each)
				for i := range each {
					n := round*each + i
					records = append(records,
						record(kafka.TopicFacts, int32(n%partitions), w.fact("kills", n, int64(n), int64(n))),
						record(kafka.TopicEvents, int32(n%partitions), eventOf("kills", n)))
				}
				w.send(records...)
				// Between two lives there is none to kill.
				if err := syscall.Kill(w.engine.PID(), syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
					t.Fatal(err)
				}
				if round%2 == 1 {
					stop()
					_, stop = w.load()
				}
			}
			w.count(rounds*each, "SELECT count() FROM nabz_internal.fact_queue_segment FINAL WHERE feed = 'kills' AND wait = version")
			w.count(rounds*each, "SELECT count() FROM nabz_internal.events FINAL WHERE feed = 'kills'")
			w.count(rounds*each, "SELECT uniqExact(item) FROM nabz_internal.fact_queue_segment WHERE feed = 'kills'")
		})
	}
	run("embedded", func(t *testing.T) []string { return testkit.Fake(t) })
	run("apache", func(t *testing.T) []string { return kit.Kafka(t).Brokers })
}

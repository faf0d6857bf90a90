package replay

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"

	"github.com/nabz/nabz/pkg/event"
	"github.com/nabz/nabz/pkg/mapping"
	"github.com/nabz/nabz/schemas"
	"github.com/nabz/nabz/services/collector"
	"github.com/nabz/nabz/services/internal/testkit"
)

const (
	apiKey     = "replay-key-0123456789"
	partitions = 3
	sample     = "../../../schemas/mapping/testdata/sample_calls.tsv"
)

// door is a collector with a broker.
type door struct {
	url     string
	brokers []string
}

func open(t *testing.T) door {
	t.Helper()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(partitions, "nabz.events.v1", "nabz.events.v1.dlq"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	s, err := collector.New(collector.Config{
		Listen: "127.0.0.1:0", Kafka: cluster.ListenAddrs(), IdentityKey: strings.Repeat("k", 32),
		Keys: []collector.Key{{Name: "replay", Key: apiKey, Tenant: "*", Rights: []string{collector.RightWrite, collector.RightFeeds}}},
	}, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx); cancel() }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("collector: %v", err)
		}
	})
	address := s.Address(ctx)
	if address == nil {
		t.Fatal("the collector ended before it listened")
	}
	return door{url: "http://" + address.String(), brokers: cluster.ListenAddrs()}
}

// log reads all records, by partition.
func (d door) log(t *testing.T) [][]event.Event {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(d.brokers...), kgo.ConsumeTopics("nabz.events.v1"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ctx := testkit.Context(t)
	out := make([][]event.Event, partitions)
	for closed := 0; closed < partitions; {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err0(); err != nil {
			t.Fatal(err)
		}
		for r := range fetches.RecordsAll() {
			var e event.Event
			if err := e.Decode(string(r.Value)); err != nil {
				t.Fatal(err)
			}
			out[r.Partition] = append(out[r.Partition], e)
			if e.Type == event.TypeFeedClosed {
				closed++
			}
		}
	}
	return out
}

func builtIn(t *testing.T, name string) *mapping.Mapping {
	t.Helper()
	data, err := fs.ReadFile(schemas.Mappings(), name+".yaml")
	if err != nil {
		t.Fatal(err)
	}
	return parsed(t, name+".yaml", string(data))
}

func schemasCatalogue(t *testing.T) *event.Catalogue {
	t.Helper()
	c, err := schemas.Catalogue()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func parsed(t *testing.T, file, text string) *mapping.Mapping {
	t.Helper()
	m, err := mapping.Parse(file, []byte(text), schemasCatalogue(t), time.LoadLocation)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestClockNeverOvertakes holds the law of a replay: a record of the feed's
// clock is never later than an event that is sent behind it.
func TestClockNeverOvertakes(t *testing.T) {
	f := func(name string, shuffle time.Duration, hold int) {
		t.Run(name, func(t *testing.T) {
			d := open(t)
			var out bytes.Buffer
			sum, err := Run(t.Context(), Config{File: sample, Mapping: builtIn(t, "anonymous_bank"), Collector: d.url, APIKey: apiKey, Tenant: "bank", Feed: "f", Shuffle: shuffle, Seed: 5, Hold: hold, Out: &out})
			if err != nil {
				t.Fatal(err)
			}
			if sum.Rows != 500 || sum.Accepted != sum.Events || sum.Rejected != 0 || sum.DeadLettered != 0 || sum.Events < 1000 {
				t.Errorf("summary %+v", sum)
			}
			var again Summary
			if err := json.Unmarshal(out.Bytes(), &again); err != nil || again != sum {
				t.Errorf("the output is %s", &out)
			}
			ids := map[string]bool{}
			for p, records := range d.log(t) {
				if records[0].Type != event.TypeFeedOpened || records[len(records)-1].Type != event.TypeFeedClosed {
					t.Errorf("partition %d begins with %s and ends with %s", p, records[0].Type, records[len(records)-1].Type)
				}
				now, last := int64(0), int64(0)
				for _, e := range records {
					if e.Session != records[0].Session || e.Session < 1 || e.Generation != 1 || e.Feed != "f" || e.Tenant != "bank" {
						t.Fatalf("envelope %+v", e)
					}
					if e.IsClock() {
						now = max(now, e.Time)
						continue
					}
					ids[e.ID] = true
					last = max(last, e.Time)
					if e.Time < now {
						t.Fatalf("partition %d: %s is of %d, behind a clock of %d", p, e.ID, e.Time, now)
					}
				}
				if closed := records[len(records)-1].Time; closed < last {
					t.Errorf("partition %d is closed at %d, before its last event at %d", p, closed, last)
				}
			}
			if int64(len(ids)) != sum.Events {
				t.Errorf("%d events on Kafka, want %d", len(ids), sum.Events)
			}
		})
	}
	f("sorted", 0, 0)
	f("too_large_to_be_held", 0, 100)
	f("shuffled", time.Hour, 0)
}

// TestSurvivesABadDoor sends through a door that breaks off every third
// request, half of them after the collector took it.
func TestSurvivesABadDoor(t *testing.T) {
	d := open(t)
	behind, err := url.Parse(d.url)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(behind)
	var n atomic.Int64
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch n.Add(1) % 6 {
		case 1:
			w.WriteHeader(http.StatusServiceUnavailable)
		case 3:
			panic(http.ErrAbortHandler)
		case 5:
			proxy.ServeHTTP(httptest.NewRecorder(), r)
			panic(http.ErrAbortHandler)
		default:
			proxy.ServeHTTP(w, r)
		}
	}))
	defer front.Close()
	sum, err := Run(t.Context(), Config{File: sample, Mapping: builtIn(t, "anonymous_bank"), Collector: front.URL, APIKey: apiKey, Feed: "f", Out: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	ids := map[string]bool{}
	for _, records := range d.log(t) {
		for _, e := range records {
			if !e.IsClock() {
				ids[e.ID] = true
			}
		}
	}
	if sum.Accepted != sum.Events || int64(len(ids)) != sum.Events {
		t.Errorf("summary %+v, %d different events on Kafka", sum, len(ids))
	}
}

// fake is an outcome that is told what to say.
type fake struct {
	generation int64
	state      State
	counts     Counts
	asked      Place
	offsets    []int64
}

func (f *fake) Generation(context.Context, Place) (int64, error) { return f.generation, nil }

func (f *fake) Loaded(_ context.Context, p Place, offsets []int64) (State, error) {
	f.asked, f.offsets = p, offsets
	return f.state, nil
}

func (f *fake) LiveSince(context.Context, time.Time) (State, error) { return f.state, nil }

func (f *fake) Count(context.Context, Place, map[string]bool) (Counts, error) { return f.counts, nil }

func TestOutcome(t *testing.T) {
	d := open(t)
	c := Config{File: sample, Mapping: builtIn(t, "anonymous_bank"), Collector: d.url, APIKey: apiKey, Feed: "f", Wait: true, Out: io.Discard}
	refused := &fake{state: State{Refused: true}}
	c.Outcome = refused
	if _, err := Run(t.Context(), c); !errors.Is(err, ErrOtherReplay) {
		t.Errorf("a feed of another replay: %v", err)
	}
	loaded := &fake{generation: 4, state: State{Loaded: true}, counts: Counts{Accepted: 3, Repeats: 2, Late: 1, Other: 7}}
	c.Outcome, c.Replace = loaded, true
	sum, err := Run(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if sum.Accepted != 3 || sum.Repeats != 2 || sum.Late != 1 || sum.Rejected != 7 {
		t.Errorf("summary %+v", sum)
	}
	// The file has 4 events twice; an event more was sent again and arrived twice.
	loaded.counts = Counts{Accepted: sum.Events - 4, Records: sum.Events + 1}
	if sum, err = Run(t.Context(), c); err != nil || sum.Accepted != sum.Events-4 || sum.Repeats != 4 {
		t.Errorf("repeats within the file: %+v, %v", sum, err)
	}
	// One is lost: nothing hides it.
	loaded.counts = Counts{Accepted: sum.Events - 1, Records: sum.Events - 1}
	if sum, err = Run(t.Context(), c); err != nil || sum.Repeats != 0 {
		t.Errorf("a loss: %+v, %v", sum, err)
	}
	if loaded.asked.Generation != 5 || loaded.asked.Tenant != DefaultTenant || len(loaded.offsets) != partitions {
		t.Errorf("asked for %+v, offsets %v", loaded.asked, loaded.offsets)
	}
}

// TestRefusedKeyEnds holds that an answer which another try would not change
// ends the replay.
func TestRefusedKeyEnds(t *testing.T) {
	d := open(t)
	_, err := Run(t.Context(), Config{File: sample, Mapping: builtIn(t, "anonymous_bank"), Collector: d.url, APIKey: "wrong", Out: io.Discard})
	if want := "send events: the collector answers 401: Authorization: a known API key is expected"; err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("got %v, want %s", err, want)
	}
}

const oddMapping = `mapping: odd
source: odd
format: csv
delimiter: ";"
comment: "#"
normalize: [digits, letters]
zone: Asia/Tehran
times:
  at: {column: زمان, format: "JYYYY/MM/DD HH:mm:ss"}
events:
  - type: contact.queued
    at: at
    data: {contact_id: {first: [شناسه, {row: true}]}, queue_id: صف}
`

// dry gives what a dry run prints of a file with that content.
func dry(t *testing.T, m *mapping.Mapping, content string) (out, progress string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "calls.txt")
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	var o, p bytes.Buffer
	if _, err := Run(t.Context(), Config{File: file, Mapping: m, DryRun: 10, Out: &o, Progress: &p}); err != nil {
		t.Fatal(err)
	}
	return o.String(), p.String()
}

// TestOddFiles reads what spreadsheets and old systems write.
func TestOddFiles(t *testing.T) {
	m := parsed(t, "odd.yaml", oddMapping)
	text := "زمان;شناسه;صف\r\n# a note\r\n۱۴۰۵/۰۹/۰۱ ۱۴:۰۵:۰۹;۱۲;\"فروش; ويژه\"\r\n\r\nbad;13;q\r\n1405/09/01 14:05:10;;\"پشتيباني\"\r\n"
	want := `"time":"2026-11-22T10:35:09.000Z","sequence":"1","data":{"contact_id":"12","queue_id":"فروش; ویژه"}}`
	f := func(name, content string) {
		t.Helper()
		out, progress := dry(t, m, content)
		lines := strings.Split(strings.TrimSpace(out), "\n")
		if len(lines) != 2 || !strings.HasSuffix(lines[0], want) || !strings.Contains(lines[1], `"queue_id":"پشتیبانی"`) || strings.Contains(lines[1], `"contact_id":""`) {
			t.Errorf("%s: got %s", name, out)
		}
		if !strings.Contains(progress, "line 5, column زمان: the time is not of the format") || !strings.Contains(progress, "3 rows give 2 events; 1 rows are bad, 0 give none") {
			t.Errorf("%s: told %s", name, progress)
		}
	}
	f("utf8", text)
	f("bom", "\ufeff"+text)
	var wide bytes.Buffer
	wide.Write([]byte{0xff, 0xfe})
	for _, r := range text {
		wide.Write([]byte{byte(r), byte(r >> 8)})
	}
	f("utf16", wide.String())
}

func TestJSONLines(t *testing.T) {
	m := parsed(t, "j.yaml", `mapping: j
source: j
format: jsonl
times:
  at: {column: call.at, format: epoch_ms}
events:
  - type: contact.answered
    at: at
    data: {contact_id: call.id, agent_id: legs.0.agent, wait: {column: call.wait, unit: s}}
`)
	out, progress := dry(t, m, `{"call":{"id":7,"at":1795356309250,"wait":1.5},"legs":[{"agent":"a"}]}
not json
{"call":{"id":"8","at":"1795356309250"},"legs":[]}
`)
	want := `{"feed":"calls","specversion":"1.0","id":"`
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if len(lines) != 2 || !strings.HasPrefix(lines[0], want) || !strings.HasSuffix(lines[0], `"data":{"contact_id":"7","agent_id":"a","wait":1500}}`) || !strings.HasSuffix(lines[1], `"data":{"contact_id":"8"}}`) {
		t.Errorf("got %s", out)
	}
	if !strings.Contains(progress, "line 2: not one JSON object") {
		t.Errorf("told %s", progress)
	}
}

// TestUnboundColumnEndsWithItsPlace holds that a mapping that does not fit the
// file says where.
func TestUnboundColumnEndsWithItsPlace(t *testing.T) {
	m := parsed(t, "odd.yaml", oddMapping)
	file := filepath.Join(t.TempDir(), "calls.csv")
	if err := os.WriteFile(file, []byte("زمان;شناسه;صفف\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Run(t.Context(), Config{File: file, Mapping: m, DryRun: 1, Out: io.Discard})
	if want := `odd.yaml:13:65: no column "صف" in the file`; err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestPace(t *testing.T) {
	p := newPace(100)
	at := time.Unix(0, 0)
	var waited time.Duration
	for range 1000 {
		if w := p.next(at); w > 0 {
			waited += w
			at = at.Add(w)
		}
	}
	if waited < 9*time.Second || waited > 11*time.Second {
		t.Errorf("1,000 events at 100 a second wait %v", waited)
	}
	if newPace(0).next(at) != 0 {
		t.Error("without a rate there is a wait")
	}
}

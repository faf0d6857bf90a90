package gateway

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"

	"github.com/nabz/nabz/pkg/incident"
	"github.com/nabz/nabz/pkg/row"
	"github.com/nabz/nabz/services/internal/kafka"
	"github.com/nabz/nabz/services/internal/keys"
	"github.com/nabz/nabz/services/internal/testkit"
)

var kit testkit.Kit

func TestMain(m *testing.M) { os.Exit(kit.Run(m)) }

// The keys of the tests.
const (
	adminKey  = "admin-key-0123456789abcdef"
	bankKey   = "bank-key-0123456789abcdef"
	shopKey   = "shop-key-0123456789abcdef"
	writerKey = "writer-key-0123456789abcdef"
)

// nowhere is an address at which nothing answers.
const nowhere = "clickhouse://u:p@127.0.0.1:1/nabz"

func testConfig(brokers []string) Config {
	return Config{
		Listen: "127.0.0.1:0", Kafka: brokers, ClickHouse: nowhere, Zone: "Asia/Tehran",
		Keys: keys.Config{Static: []keys.Static{
			{Name: Administrator, Key: adminKey, Tenant: "*", Rights: []string{keys.Admin}},
			{Name: "bank", Key: bankKey, Tenant: "bank", Rights: []string{keys.Read}},
			{Name: "shop", Key: shopKey, Tenant: "shop", Rights: []string{keys.Read}},
			{Name: "writer", Key: writerKey, Tenant: "bank", Rights: []string{keys.Write}},
		}},
	}
}

// house is a gateway with its broker.
type house struct {
	t       *testing.T
	url     string
	brokers []string
	service *Service
	schemas *schemas
	stop    func() error
}

// partitions of the topics of a test.
const partitions = 2

func topicsOf(t *testing.T, brokers []string) {
	t.Helper()
	admin := kafka.NewAdmin(brokers)
	defer admin.Close()
	if err := admin.Ensure(t.Context(), kafka.Catalogue(kafka.Sizing{Partitions: partitions}), io.Discard); err != nil {
		t.Fatal(err)
	}
}

// start runs a gateway until the test ends, and waits until it is ready.
func start(t *testing.T, c Config) *house {
	t.Helper()
	s, err := New(c, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	h := &house{t: t, brokers: c.Kafka, service: s, schemas: specificationOf(t)}
	stopped := false
	h.stop = func() error {
		if stopped {
			return nil
		}
		stopped = true
		cancel()
		return <-ended
	}
	t.Cleanup(func() {
		if err := h.stop(); err != nil {
			t.Error(err)
		}
	})
	h.url = "http://" + s.Address(t.Context()).String()
	select {
	case <-s.live.caught:
	case <-testkit.Context(t).Done():
		t.Fatal("it does not become ready")
	}
	return h
}

func opened(t *testing.T) *house {
	t.Helper()
	return start(t, testConfig(newBroker(t)))
}

// schemas holds answers against the specification.
type schemas struct {
	mu       sync.Mutex // a compiler keeps what it compiled
	doc      map[string]any
	compiler *jsonschema.Compiler
}

func specificationOf(t *testing.T) *schemas {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(specification))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("spec.json", doc); err != nil {
		t.Fatal(err)
	}
	object, _ := doc.(map[string]any)
	return &schemas{doc: object, compiler: c}
}

// at follows a path of members, and references.
func (s *schemas) at(path ...string) map[string]any {
	v := s.doc
	for _, name := range path {
		v, _ = v[name].(map[string]any)
		if ref, ok := v["$ref"].(string); ok {
			v = s.at(strings.Split(strings.TrimPrefix(ref, "#/"), "/")...)
		}
	}
	return v
}

// holds checks a value against the schema at a place.
func (s *schemas) holds(t *testing.T, pointer string, body []byte) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	schema, err := s.compiler.Compile("spec.json#" + pointer)
	if err != nil {
		t.Fatal(err)
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		t.Errorf("%s: %v: %.300s", pointer, err, body)
		return
	}
	if err := schema.Validate(v); err != nil {
		t.Errorf("%s: %v: %.300s", pointer, err, body)
	}
}

// route finds the path of the specification that a path of a request is of.
func (s *schemas) route(path string) string {
	path, _, _ = strings.Cut(path, "?")
	for route := range s.at("paths") {
		want, got := strings.Split(route, "/"), strings.Split(path, "/")
		if route == "/assets/{file}" && strings.HasPrefix(path, "/assets/") {
			return route
		}
		same := len(want) == len(got)
		for i := range want {
			same = same && i < len(got) && (want[i] == got[i] || strings.HasPrefix(want[i], "{"))
		}
		if same {
			return route
		}
	}
	return ""
}

// reply is what came back.
type reply struct {
	status int
	header http.Header
	body   string
}

// do sends a request, and holds its answer against the specification.
func (h *house) do(method, path, key, body string, header ...string) reply {
	h.t.Helper()
	req, err := http.NewRequestWithContext(h.t.Context(), method, h.url+path, strings.NewReader(body))
	if err != nil {
		h.t.Fatal(err)
	}
	if key != "" {
		req.Header.Set("Authorization", "Bearer "+key)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		h.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	got, err := io.ReadAll(resp.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	a := reply{resp.StatusCode, resp.Header, string(got)}
	h.specified(method, path, a)
	return a
}

// specified holds an answer against what the specification says of its path.
func (h *house) specified(method, path string, a reply) {
	h.t.Helper()
	if a.header.Get("Content-Security-Policy") != policy || a.header.Get("X-Content-Type-Options") != "nosniff" ||
		a.header.Get("Referrer-Policy") == "" || a.header.Get("Access-Control-Allow-Origin") != "" {
		h.t.Errorf("%s %s: headers %v", method, path, a.header)
	}
	kind, _, _ := strings.Cut(a.header.Get("Content-Type"), ";")
	if kind == "application/problem+json" {
		h.schemas.holds(h.t, "/components/schemas/Problem", []byte(a.body))
	}
	route := h.schemas.route(path)
	if route == "" || method == http.MethodHead || a.status == http.StatusMethodNotAllowed || a.status/100 == 3 {
		return
	}
	said := h.schemas.at("paths", route, strings.ToLower(method), "responses", fmt.Sprint(a.status))
	if said == nil {
		h.t.Errorf("%s %s: %d is not in the specification", method, path, a.status)
		return
	}
	if content, _ := said["content"].(map[string]any); content != nil && content[kind] == nil {
		h.t.Errorf("%s %s: %d is of type %s, which is not in the specification", method, path, a.status, kind)
	}
	if kind == "application/json" && a.status == http.StatusOK && route != "/openapi.json" {
		escaped := strings.ReplaceAll(route, "/", "~1")
		h.schemas.holds(h.t, "/paths/"+strings.NewReplacer("{", "%7B", "}", "%7D").Replace(escaped)+"/"+strings.ToLower(method)+"/responses/200/content/application~1json/schema", []byte(a.body))
	}
}

// produce writes records.
func (h *house) produce(records ...*kgo.Record) {
	h.t.Helper()
	client, err := kgo.NewClient(kafka.ProducerOptions(kafka.Config{Brokers: h.brokers, ClientID: "test"})...)
	if err != nil {
		h.t.Fatal(err)
	}
	defer client.Close()
	if err := client.ProduceSync(h.t.Context(), records...).FirstErr(); err != nil {
		h.t.Fatal(err)
	}
}

// A reading of the tests: so many offered, all in all or in a queue.
func readingOf(tenant, queue string, version, asOf int64, value float64) *kgo.Record {
	r := &row.Reading{
		Place: row.Place{Tenant: tenant, Epoch: 1}, KPI: "offered", AsOf: asOf, ChangedAt: asOf, Version: version,
		Windows: []row.Window{{Name: "5m", From: asOf - 300_000, Numbers: []row.Number{{Name: "value", Value: value}, {Name: "count", Value: value}}}},
	}
	if queue != "" {
		r.Scope, r.Dims = []string{"queue"}, []string{queue}
	}
	return &kgo.Record{Topic: kafka.TopicValues, Value: row.Append(nil, r)}
}

func clockOf(partition int32, now int64) *kgo.Record {
	return &kgo.Record{Topic: kafka.TopicValues, Partition: partition,
		Value: row.Append(nil, &row.Progress{Place: row.Place{Partition: partition, Epoch: 1}, Now: now, State: row.Open})}
}

func verdictOf(tenant, item, state string, version int64) *kgo.Record {
	return &kgo.Record{Topic: kafka.TopicVerdicts, Partition: 1, Value: row.Append(nil, &row.Verdict{
		Place: row.Place{Tenant: tenant, Epoch: 1}, Policy: "queue_wait", Kind: row.Deadline, Item: item, Episode: 1_795_392_000_000,
		Labels: []row.Label{{Name: "queue", Value: "sales"}}, Severity: "page", State: state, Stage: row.Provisional,
		DueAt: 1_795_392_060_000, DecidedAt: 1_795_392_060_000 + version, Target: 60_000, Version: version,
	})}
}

func incidentOf(t *testing.T, tenant, key, state string, seq int64) *kgo.Record {
	t.Helper()
	rec := incident.Record{Key: key, Seq: seq, Event: incident.Opened, At: 1_795_392_060_000 + seq, Incident: &incident.Incident{
		Tenant: tenant, Rule: "queue_wait", Kind: row.Deadline, Item: "c-" + tenant, Labels: map[string]string{"queue": "sales"},
		Severity: incident.Page, State: state, Cause: row.Breached, Summary: incident.Words{EN: "late in " + tenant, FA: "دیر"},
		OpenedAt: 1_795_392_060_000 + seq, DueAt: 1_795_392_060_000, Target: 60_000,
	}}
	if state == incident.Ended {
		rec.Event, rec.Incident.ResolvedAt, rec.Incident.Resolution = incident.Resolved, rec.At, incident.Over
	}
	value, err := json.Marshal(rec)
	if err != nil {
		t.Fatal(err)
	}
	return &kgo.Record{Topic: kafka.TopicIncidents, Value: value}
}

// watcher reads a stream, and holds each event against the specification.
type watcher struct {
	h      *house
	body   io.Closer
	lines  *bufio.Scanner
	lastID string
}

// sse is one event.
type sse struct {
	kind, id string
	data     []byte
}

// watch opens a stream; what follows the key are headers.
func (h *house) watch(query, key string, header ...string) (*watcher, reply) {
	h.t.Helper()
	ctx := testkit.Context(h.t)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, h.url+"/v1/live"+query, nil)
	if err != nil {
		h.t.Fatal(err)
	}
	if key != "" {
		req.Header.Set("Authorization", "Bearer "+key)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		h.t.Fatal(err)
	}
	if resp.StatusCode != http.StatusOK {
		defer func() { _ = resp.Body.Close() }()
		b, _ := io.ReadAll(resp.Body)
		a := reply{resp.StatusCode, resp.Header, string(b)}
		h.specified(http.MethodGet, "/v1/live", a)
		return nil, a
	}
	h.specified(http.MethodGet, "/v1/live", reply{resp.StatusCode, resp.Header, ""})
	h.t.Cleanup(func() { _ = resp.Body.Close() })
	w := &watcher{h: h, body: resp.Body, lines: bufio.NewScanner(resp.Body)}
	w.lines.Buffer(nil, 64<<20)
	return w, reply{status: resp.StatusCode}
}

// next gives the next event; ok is false at the stream's end.
func (w *watcher) next() (e sse, ok bool) {
	w.h.t.Helper()
	for w.lines.Scan() {
		name, value, _ := strings.Cut(w.lines.Text(), ": ")
		switch name {
		case "event":
			e.kind = value
		case "id":
			e.id = value
		case "data":
			e.data = []byte(value)
		case "":
			if e.kind == "" {
				e = sse{}
				continue
			}
			schema := strings.ToUpper(e.kind[:1]) + e.kind[1:]
			w.h.schemas.holds(w.h.t, "/components/schemas/"+schema, e.data)
			w.lastID = e.id
			return e, true
		}
	}
	return e, false
}

// until reads on to an event of a kind that passes.
func (w *watcher) until(kind string, pass func(data string) bool) sse {
	w.h.t.Helper()
	for {
		e, ok := w.next()
		if !ok {
			w.h.t.Fatalf("the stream ended while %s was awaited: %v", kind, w.lines.Err())
		}
		if e.kind == kind && pass(string(e.data)) {
			return e
		}
	}
}

// shows reads on until all of these words were in an event: what a stream has
// told is in the next snapshot.
func (w *watcher) shows(words ...string) {
	w.h.t.Helper()
	for len(words) > 0 {
		e, ok := w.next()
		if !ok {
			w.h.t.Fatalf("the stream ended while %q were awaited: %v", words, w.lines.Err())
		}
		words = slices.DeleteFunc(words, func(word string) bool { return strings.Contains(string(e.data), word) })
	}
}

func whatever(string) bool { return true }

func has(text string) func(string) bool {
	return func(data string) bool { return strings.Contains(data, text) }
}

// newBroker starts an embedded broker with the topics.
func newBroker(t *testing.T) []string {
	t.Helper()
	brokers := testkit.Fake(t)
	topicsOf(t, brokers)
	return brokers
}

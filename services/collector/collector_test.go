package collector

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.uber.org/zap"

	"github.com/nabz/nabz/pkg/event"
	"github.com/nabz/nabz/pkg/row"
	"github.com/nabz/nabz/services/internal/testkit"
)

// house is a collector with a broker, over real HTTP.
type house struct {
	t       *testing.T
	cluster *kfake.Cluster
	url     string
	service *Service
	spec    *spec
}

func start(t *testing.T, change func(*Config)) *house {
	t.Helper()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(4, "nabz.events.v1", "nabz.events.v1.dlq", "nabz.facts.v1"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	c := testConfig()
	c.Kafka = cluster.ListenAddrs()
	if change != nil {
		change(&c)
	}
	s, err := New(c, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx); cancel() }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	h := &house{t: t, cluster: cluster, service: s, spec: specOf(t, s)}
	address := s.Address(ctx)
	if address == nil {
		t.Fatal("the collector ended before it listened")
	}
	h.url = "http://" + address.String()
	testkit.Await(t, "a collector that is ready", func() bool { return h.get("/readyz") == http.StatusNoContent })
	return h
}

func (h *house) get(path string) int {
	h.t.Helper()
	r, err := http.Get(h.url + path)
	if err != nil {
		h.t.Fatal(err)
	}
	defer r.Body.Close()
	_, _ = io.Copy(io.Discard, r.Body)
	return r.StatusCode
}

// answer is what a request gave.
type answer struct {
	status int
	header http.Header
	body   string
	// Of a problem.
	Reason string
	Field  string
	Detail string
	// Of a batch.
	Results []struct {
		Index   int
		ID      *string
		Status  string
		Offsets []int64
		Error   struct{ Reason, Field, Detail string }
	}
}

func (h *house) post(key, contentType, body string, headers ...string) *answer {
	h.t.Helper()
	return h.postTo("/v1/events", key, contentType, body, headers...)
}

func (h *house) postTo(path, key, contentType, body string, headers ...string) *answer {
	h.t.Helper()
	req, err := http.NewRequestWithContext(h.t.Context(), http.MethodPost, h.url+path, strings.NewReader(body))
	if err != nil {
		h.t.Fatal(err)
	}
	req.Header.Set("Content-Type", contentType)
	if key != "" {
		req.Header.Set("Authorization", "Bearer "+key)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		h.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	a := &answer{status: resp.StatusCode, header: resp.Header, body: string(b)}
	if err := json.Unmarshal(b, a); err != nil {
		h.t.Fatalf("%v: %s", err, b)
	}
	h.spec.answered(h.t, path, a)
	return a
}

func (h *house) structured(body string) *answer {
	h.t.Helper()
	return h.post(testKey, "application/cloudevents+json", body)
}

func (h *house) batch(body string) *answer {
	h.t.Helper()
	return h.post(testKey, "application/cloudevents-batch+json", body)
}

// log reads n records of a topic.
func (h *house) log(topic string, n int) []*kgo.Record {
	h.t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(h.cluster.ListenAddrs()...), kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		h.t.Fatal(err)
	}
	defer client.Close()
	ctx := testkit.Context(h.t)
	var out []*kgo.Record
	for len(out) < n {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err0(); err != nil {
			h.t.Fatalf("%d of %d records of %s: %v", len(out), n, topic, err)
		}
		out = append(out, fetches.Records()...)
	}
	return out
}

func header(r *kgo.Record, key string) string {
	for _, h := range r.Headers {
		if h.Key == key {
			return string(h.Value)
		}
	}
	return ""
}

// now is a time that the live feed takes.
func now() string { return time.Now().UTC().Format(time.RFC3339Nano) }

// sound is a good event with other members in front.
func sound(id, members string) string {
	return fmt.Sprintf(`{%s"specversion":"1.0","id":"%s","source":"pbx/1","type":"contact.answered","time":"%s","data":{"contact_id":"c1","queue_id":"q","agent_id":"a7","customer_id":"0912-555"}}`, members, id, now())
}

func TestOneEventReachesAllItConcerns(t *testing.T) {
	h := start(t, nil)
	a := h.structured(sound("e1", `"sequence":"7","traceparent":"00-ab","knativearrivaltime":"x",`))
	if a.status != http.StatusOK || len(a.Results) != 1 || a.Results[0].Status != "accepted" || *a.Results[0].ID != "e1" {
		t.Fatalf("got %d %s", a.status, a.body)
	}
	seen := map[string]event.Event{}
	for _, r := range h.log("nabz.events.v1", 3) {
		var e event.Event
		if err := e.Decode(string(r.Value)); err != nil {
			t.Fatal(err)
		}
		if want := event.Partition(event.Key(nil, "default", "", e.Kind, e.Entity), 4); r.Partition != want {
			t.Errorf("%s is in partition %d, want %d", e.Kind, r.Partition, want)
		}
		if header(r, "ce_id") != "e1" || header(r, "ce_source") != "pbx/1" || header(r, "ce_type") != "contact.answered" || header(r, "ce_specversion") != "1.0" || header(r, "content-type") != "application/protobuf" {
			t.Errorf("headers %v", r.Headers)
		}
		if r.Timestamp.UnixMilli() != e.ReceivedAt {
			t.Errorf("timestamp %v, want received_at %d", r.Timestamp, e.ReceivedAt)
		}
		seen[e.Kind] = e
	}
	if seen["contact"].Entity != "c1" || seen["agent"].Entity != "a7" {
		t.Errorf("entities %v", seen)
	}
	customer := seen["customer"]
	if !strings.HasPrefix(customer.Entity, "c_") || len(customer.Entity) != 28 || customer.Text(event.FieldCustomerID) != customer.Entity {
		t.Errorf("the customer is %q", customer.Entity)
	}
	if customer.Sequence != 7 || customer.Tenant != "default" || customer.Feed != "" || customer.UID.IsZero() || customer.UID[6]>>4 != 5 {
		t.Errorf("envelope %+v", customer)
	}
}

// TestNoIdentifierLeaves sends events good and bad with one identifier and
// looks for it in every byte that was kept.
func TestNoIdentifierLeaves(t *testing.T) {
	h := start(t, nil)
	const canary = "9890000canary"
	bad := []string{
		`{"specversion":"1.0","id":"1","source":"s","type":"contact.queued","time":"` + now() + `","data":{"contact_id":"c","queue_id":"q","customer_id":"` + canary + `"}}`,
		`{"specversion":"1.0","id":"2","source":"s","type":"contact.queued","time":"` + now() + `","data":{"contact_id":"c","customer_id":"` + canary + `"}}`,
		`{"specversion":"1.0","id":"3","source":"s","type":"contact.queued","time":"` + now() + `","data":{"contact_id":"c","queue_id":"q","custmer":"` + canary + `"}}`,
		`{"specversion":"1.0","id":"4","source":"s","type":"contact.queued","time":"` + now() + `","data":{"contact_id":"c","queue_id":"q","customer_id":{"a":"` + canary + `"}}}`,
		`{"specversion":"1.0","id":"5","source":"s","type":"contact.qeued","time":"` + now() + `","phone":"` + canary + `","data":"` + canary + `"}`,
		`{"specversion":"1.0","id":"6","source":"s","type":"contact.queued","time":"` + now() + `","data":{"contact_id":"c","` + canary + `":1}}`,
		`{"specversion":"1.0","id":"7","customer":"` + canary + `",}`,
	}
	a := h.batch("[" + strings.Join(bad, ",") + "]")
	if a.status != http.StatusOK || len(a.Results) != len(bad) {
		t.Fatalf("got %d %s", a.status, a.body)
	}
	if strings.Contains(a.body, canary) {
		t.Errorf("the answer repeats the identifier: %s", a.body)
	}
	records := append(h.log("nabz.events.v1.dlq", len(bad)-1), h.log("nabz.events.v1", 2)...)
	for _, r := range records {
		all := append(append([]byte(nil), r.Key...), r.Value...)
		for _, h := range r.Headers {
			all = append(append(all, h.Key...), h.Value...)
		}
		if bytes.Contains(all, []byte(canary)) || bytes.Contains(all, []byte("9890000")) {
			t.Errorf("the identifier is in %q", all)
		}
	}
}

func TestDeadLetterCanBeSentAgain(t *testing.T) {
	h := start(t, nil)
	bad := `{"specversion":"1.0","id":"1","source":"s","type":"contact.queued","time":"` + now() + `","data":{"contact_id":"c","customer_id":"0912"}}`
	broken := `{"specversion":`
	for _, body := range []string{bad, broken} {
		if a := h.structured(body); a.status/100 != 4 {
			t.Fatalf("got %d %s", a.status, a.body)
		}
	}
	for _, r := range h.log("nabz.events.v1.dlq", 2) {
		sealed, want := header(r, "dlq_sealed"), bad
		if header(r, "content-type") == sealedType {
			sealed, want = string(r.Value), broken
		} else if !strings.Contains(string(r.Value), `"contact_id":"c","customer_id":"c_`) {
			t.Errorf("the readable form is %s", r.Value)
		}
		got, err := Open(testIdentity, "default", []byte(sealed))
		if err != nil || string(got) != want {
			t.Errorf("opened %q, %v, want %q", got, err, want)
		}
		if _, err := Open(testIdentity, "other", []byte(sealed)); err == nil {
			t.Error("another tenant's key opens it")
		}
		if header(r, "dlq_stage") != "collector" || header(r, "dlq_reason") == "" || header(r, "dlq_error") == "" {
			t.Errorf("headers %v", r.Headers)
		}
	}
}

func TestBatchKeepsTheGoodOnes(t *testing.T) {
	h := start(t, nil)
	a := h.batch("[ " + sound("a", "") + ", 7, " + strings.Replace(sound("b", ""), `"queue_id":"q"`, `"queue_id":"q","queue_id":"q"`, 1) + ",\n" + strings.Replace(sound("c", ""), `"a7"`, "\"\xff\"", 1) + "," + `{"id":}` + "," + sound("d", "") + "]")
	if a.status != http.StatusOK {
		t.Fatalf("got %d %s", a.status, a.body)
	}
	want := []string{"accepted", "bad_json", "duplicate_key", "invalid_utf8", "bad_json", "accepted"}
	for i, r := range a.Results {
		got := r.Status
		if got == "dead_lettered" {
			got = r.Error.Reason
		}
		if r.Index != i || got != want[i] {
			t.Errorf("result %d is %+v, want %s", i, r, want[i])
		}
	}
	h.log("nabz.events.v1", 6)
	h.log("nabz.events.v1.dlq", 4)
	if a := h.batch("[]"); a.status != 200 || len(a.Results) != 0 {
		t.Errorf("an empty batch gives %d %s", a.status, a.body)
	}
	f := func(name, body string, status int, reason Reason) {
		t.Helper()
		if a := h.batch(body); a.status != status || a.Reason != string(reason) {
			t.Errorf("%s: got %d %s, want %d %s", name, a.status, a.body, status, reason)
		}
	}
	f("no_array", sound("a", ""), 400, BadJSON)
	f("no_end", "["+sound("a", ""), 400, BadJSON)
	f("more_behind", "["+sound("a", "")+"] x", 400, BadJSON)
	f("open_string", `["`, 400, BadJSON)
	f("nothing", "", 400, BadJSON)
	f("too_many", "["+strings.Repeat("{},", 1000)+"{}]", 413, TooMany)
}

func TestBinaryMode(t *testing.T) {
	h := start(t, nil)
	a := h.post(testKey, "application/json; charset=utf-8", `{"contact_id":"c1","queue_id":"فروش"}`,
		"ce-specversion", "1.0", "ce-id", "%D9%81%25", "ce-source", "pbx/1", "ce-type", "contact.queued", "ce-time", now(), "ce-tenant", "bank")
	if a.status != http.StatusOK || *a.Results[0].ID != "ف%" {
		t.Fatalf("got %d %s", a.status, a.body)
	}
	var e event.Event
	if err := e.Decode(string(h.log("nabz.events.v1", 1)[0].Value)); err != nil || e.Tenant != "bank" || e.Text(event.FieldQueueID) != "فروش" {
		t.Errorf("got %+v, %v", e, err)
	}
	a = h.post(testKey, "application/json", `{"contact_id":"c1"},"id":"x"`, "ce-specversion", "1.0", "ce-id", "1", "ce-source", "s", "ce-type", "contact.queued", "ce-time", now())
	if a.status != 400 || a.Reason != string(BadJSON) {
		t.Errorf("a body of more than one value: %d %s", a.status, a.body)
	}
	a = h.post(testKey, "application/json", ``, "ce-specversion", "1.0", "ce-id", "1", "ce-source", "s", "ce-type", "contact.queued", "ce-time", now())
	if a.status != 400 || a.Field != "data" {
		t.Errorf("no body: %d %s", a.status, a.body)
	}
}

func TestKeys(t *testing.T) {
	h := start(t, nil)
	f := func(name, key, body string, status int, field string) {
		t.Helper()
		a := h.post(key, "application/cloudevents+json", body)
		if a.status != status || a.Field != field {
			t.Errorf("%s: got %d %s, want %d %s", name, a.status, a.body, status, field)
		}
	}
	f("none", "", sound("e", ""), 401, "Authorization")
	f("unknown", "test-key-0123456789abcdeg", sound("e", ""), 401, "Authorization")
	f("prefix", testKey[:20], sound("e", ""), 401, "Authorization")
	f("writer", "writer-key-0123456789", sound("e", ""), 200, "")
	f("own_tenant", "writer-key-0123456789", sound("e", `"tenant":"bank",`), 200, "")
	f("other_tenant", "writer-key-0123456789", sound("e", `"tenant":"shop",`), 403, "tenant")
	f("other_source", "writer-key-0123456789", strings.Replace(sound("e", ""), "pbx/1", "crm/1", 1), 403, "source")
	f("no_feeds", "writer-key-0123456789", sound("e", `"feed":"f","feedsession":"1","feedgeneration":"1",`), 403, "feed")
	f("reader", "reader-key-0123456789", sound("e", ""), 403, "")
	f("quota", "slow-key-01234567890123", sound("e", ""), 200, "")
	a := h.post("slow-key-01234567890123", "application/cloudevents-batch+json", "["+strings.Repeat(sound("e", "")+",", 9)+sound("e", "")+"]")
	if a.status != 429 || a.header.Get("Retry-After") == "" || a.Reason != string(OverQuota) {
		t.Errorf("over quota: %d %s", a.status, a.body)
	}
	h.log("nabz.events.v1", 9)
}

func TestFeedClocksReachEveryPartition(t *testing.T) {
	h := start(t, nil)
	clock := func(kind, data string) string {
		return `{"specversion":"1.0","id":"` + kind + `","source":"replay","type":"feed.` + kind + `","time":"1999-02-01T00:00:00Z","feed":"bank","data":` + data + `}`
	}
	a := h.structured(clock("opened", `{"session":5,"generation":1}`))
	if a.status != 200 || len(a.Results[0].Offsets) != 4 {
		t.Fatalf("got %d %s", a.status, a.body)
	}
	a = h.structured(clock("advanced", `{"session":5,"generation":1}`))
	for p, offset := range a.Results[0].Offsets {
		if offset != 1 {
			t.Errorf("partition %d: offset %d, want 1", p, offset)
		}
	}
	for _, r := range h.log("nabz.events.v1", 8) {
		var e event.Event
		if err := e.Decode(string(r.Value)); err != nil {
			t.Fatal(err)
		}
		if !e.IsClock() || e.Feed != "bank" || e.Session != 5 || e.Generation != 1 || e.Kind != "" || e.Entity != "" || len(e.Attrs) != 0 {
			t.Errorf("got %+v", e)
		}
	}
	f := func(name, body, field string, status int) {
		t.Helper()
		if a := h.structured(body); a.status != status || a.Field != field {
			t.Errorf("%s: got %d %s, want %d %s", name, a.status, a.body, status, field)
		}
	}
	f("no_session", clock("closed", `{"generation":1}`), "data.session", 422)
	f("zero", clock("closed", `{"session":0,"generation":1}`), "data.session", 422)
	f("live", strings.Replace(clock("closed", `{"session":5,"generation":1}`), `"feed":"bank"`, `"feed":"live"`, 1), "feed", 403)
	f("extra", clock("closed", `{"session":5,"generation":1,"contact_id":"c"}`), "data.contact_id", 422)
}

func TestReplacement(t *testing.T) {
	h := start(t, nil)
	a := h.structured(`{"specversion":"1.0","id":"new","source":"s","type":"contact.answered","time":"2020-01-01T00:00:00Z","replaces":"old","replacestime":"2019-12-31T00:00:00Z","data":{"contact_id":"c","agent_id":"8","replaced_entities":{"agent":"7","contact":"c","customer":"0912"}}}`)
	if a.status != 200 {
		t.Fatalf("got %d %s", a.status, a.body)
	}
	want, _ := uid(nil, "default", "s", "old")
	got := map[string]bool{}
	for _, r := range h.log("nabz.events.v1", 4) {
		var e event.Event
		if err := e.Decode(string(r.Value)); err != nil {
			t.Fatal(err)
		}
		if e.Replaces != want || e.ReplacesTime != 1577750400000 {
			t.Errorf("got %+v", e)
		}
		id := e.Entity
		if e.Kind == "customer" {
			id = id[:2]
		}
		got[fmt.Sprint(e.Kind, " ", id, " ", e.Withdrawn)] = true
	}
	for _, copy := range []string{"contact c false", "agent 8 false", "agent 7 true", "customer c_ true"} {
		if !got[copy] {
			t.Errorf("no copy for %s in %v", copy, got)
		}
	}
}

// TestKafkaAway holds that nothing is acknowledged while the broker is away,
// and that the same events go through when it is back.
func TestKafkaAway(t *testing.T) {
	h := start(t, func(c *Config) { c.Limits.Timeout = 500 * time.Millisecond })
	stuck := make(chan struct{})
	h.cluster.ControlKey(0, func(req kmsg.Request) (kmsg.Response, error, bool) {
		h.cluster.KeepControl()
		select {
		case <-stuck:
			return nil, nil, false
		default:
			return nil, fmt.Errorf("away"), true
		}
	})
	a := h.structured(sound("e", ""))
	if a.status != 503 || a.header.Get("Retry-After") == "" || a.Reason != string(Unavailable) {
		t.Fatalf("got %d %s", a.status, a.body)
	}
	close(stuck)
	testkit.Await(t, "the broker's return", func() bool {
		if a = h.structured(sound("e", "")); a.status != 200 && a.status != 503 {
			t.Fatalf("after the broker came back: %d %s", a.status, a.body)
		}
		return a.status == 200
	})
	h.log("nabz.events.v1", 3)
}

func TestTooMuchInFlight(t *testing.T) {
	h := start(t, func(c *Config) { c.Limits.Body, c.Limits.InFlight = 1<<20, 1<<20 })
	if !h.service.inFlight.TryAcquire(1 << 20) {
		t.Fatal("no room at all")
	}
	if a := h.structured(sound("e", "")); a.status != 503 || a.header.Get("Retry-After") != "1" {
		t.Errorf("got %d %s", a.status, a.body)
	}
	h.service.inFlight.Release(1 << 20)
	if a := h.structured(sound("e", "")); a.status != 200 {
		t.Errorf("got %d %s", a.status, a.body)
	}
}

func TestPaths(t *testing.T) {
	h := start(t, nil)
	f := func(path string, want int) {
		t.Helper()
		if got := h.get(path); got != want {
			t.Errorf("GET %s gives %d, want %d", path, got, want)
		}
	}
	f("/healthz", 204)
	f("/readyz", 204)
	f("/metrics", 200)
	f("/v1/events", 405)
	f("/", 404)
	f("/v1/events/../../etc/passwd", 404)
}

// TestTally holds what the collector counts against what it answered: each
// event of a batch is counted once, by tenant and minute of receipt.
func TestTally(t *testing.T) {
	s, err := New(testConfig(), zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 3, 2, 10, 0, 30, 0, time.UTC)
	take := func(acknowledged bool, key string, events ...string) {
		t.Helper()
		in := newIntake(s, s.keys.FindSecret(key), at, topics{events: 8, deadLetters: 4})
		for _, e := range events {
			in.take([]byte(e), e, 2)
		}
		s.tally.took(in, acknowledged)
	}
	queued := `{"specversion":"1.0","id":"1","source":"pbx/1","type":"contact.queued","time":"2026-03-02T10:00:00Z","tenant":"bank","data":{"contact_id":"c","queue_id":"q","customer_id":"7"}}`
	unknown := `{"specversion":"1.0","id":"2","source":"pbx/1","type":"contact.vanished","time":"2026-03-02T10:00:00Z","tenant":"bank","data":{}}`
	clock := `{"specversion":"1.0","id":"3","source":"pbx/1","type":"feed.opened","time":"2026-03-02T10:00:00Z","tenant":"shop","feed":"f","data":{"session":1,"generation":1}}`
	take(true, testKey, queued, unknown, clock)
	take(false, testKey, queued)
	take(true, "reader-key-0123456789", queued)
	records, keys := s.tally.take(at, 8)
	got := map[string]row.Tally{}
	for _, r := range records {
		v, err := row.Decode(r.Value)
		if err != nil {
			t.Fatal(err)
		}
		c := *v.(*row.Tally)
		c.Collector, c.Version = "", 0
		got[c.Tenant] = c
	}
	minute := at.Truncate(time.Minute).UnixMilli()
	want := map[string]row.Tally{
		"bank": {Tenant: "bank", Minute: minute, Events: 1, Records: 2, DeadLetters: 1, Refused: 1, Unacknowledged: 2},
		"shop": {Tenant: "shop", Minute: minute, Events: 1},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
	if again, _ := s.tally.take(at, 8); again != nil {
		t.Errorf("%d counts are told again, and nothing has changed", len(again))
	}
	s.tally.again(keys)
	if again, _ := s.tally.take(at.Add(time.Hour), 8); len(again) != len(keys) || len(s.tally.counts) != 0 {
		t.Errorf("%d counts are told again, %d are kept", len(again), len(s.tally.counts))
	}
}

package gateway

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/nabz/nabz/pkg/incident"
	"github.com/nabz/nabz/pkg/row"
	"github.com/nabz/nabz/services/internal/kafka"
	"github.com/nabz/nabz/services/internal/testkit"
)

// seen is what a page makes of a stream.
type seen struct {
	readings map[string]float64
	ids      map[string]int
}

// take applies an event as a page does.
func (s *seen) take(t *testing.T, e sse) {
	t.Helper()
	if e.kind == kindClock {
		return
	}
	s.ids[e.id]++
	if e.kind == kindSnapshot {
		clear(s.readings)
	}
	var data struct {
		Readings []struct {
			KPI     string
			Dims    map[string]string
			Windows map[string]map[string]any
		}
	}
	if err := json.Unmarshal(e.data, &data); err != nil {
		t.Fatal(err)
	}
	for _, r := range data.Readings {
		v, _ := r.Windows["5m"]["value"].(float64)
		s.readings[r.KPI+"/"+r.Dims["queue"]] = v
	}
}

// progressOf is what a task tells behind its verdicts.
func progressOf(partition int32, now int64) *kgo.Record {
	r := clockOf(partition, now)
	r.Topic = kafka.TopicVerdicts
	return r
}

func TestSnapshotAndChanges(t *testing.T) {
	h := opened(t)
	now := time.Now().UnixMilli()
	h.produce(readingOf("bank", "", 1, now, 3), readingOf("bank", "sales", 1, now, 2), readingOf("shop", "secret-shop", 1, now, 9),
		clockOf(0, now), clockOf(1, now-2000), progressOf(1, now+5000), verdictOf("bank", "c2", row.Breached, 1), verdictOf("bank", "c2", row.MetLate, 2),
		verdictOf("bank", "c1", row.AtRisk, 1), incidentOf(t, "bank", "K1", incident.Firing, 1))
	// What a replayed history says is not live.
	history := row.Place{Tenant: "bank", Feed: "history", Generation: 1, Epoch: 1}
	h.produce(&kgo.Record{Topic: kafka.TopicValues, Value: row.Append(nil, &row.Reading{Place: history, KPI: "offered", Scope: []string{"queue"}, Dims: []string{"of-history"}, AsOf: now - 3000, Version: 1})},
		&kgo.Record{Topic: kafka.TopicVerdicts, Value: row.Append(nil, &row.Verdict{Place: history, Policy: "queue_wait", Kind: row.Deadline, Item: "item-of-history", State: row.Breached, Version: 1})})
	w, _ := h.watch("", bankKey)
	if w == nil {
		t.Fatal("no stream")
	}
	// What was not there at the snapshot comes behind it.
	w.shows(`"dims":{"queue":"sales"}`, `"item":"c1"`, `"key":"K1"`, time.UnixMilli(now-2000).UTC().Format(stamp))
	all, _ := h.watch("", bankKey)
	first := string(all.until(kindSnapshot, whatever).data)
	for _, want := range []string{`"zone":"Asia/Tehran"`, `"dims":{"queue":"sales"}`, `"item":"c1"`, `"key":"K1"`, `"target_s":60`} {
		if !strings.Contains(first, want) {
			t.Errorf("the snapshot has no %s: %s", want, first)
		}
	}
	for _, never := range []string{"c2", "secret-shop", "of-history"} {
		if strings.Contains(first, never) {
			t.Errorf("the snapshot has %s: %s", never, first)
		}
	}
	h.produce(readingOf("bank", "sales", 2, now+1000, 5))
	all.until(kindReadings, has(`"value":5`))
	h.produce(verdictOf("bank", "c1", row.Met, 3))
	all.until(kindPromises, has(`"state":"met"`))
	h.produce(incidentOf(t, "bank", "K1", incident.Ended, 2))
	all.until(kindIncidents, has(`"state":"resolved"`))
	// The old words of a dead owner change nothing.
	h.produce(readingOf("bank", "sales", 1, now+2000, 1), verdictOf("bank", "c1", row.AtRisk, 1), incidentOf(t, "bank", "K1", incident.Firing, 1))
	h.produce(readingOf("bank", "", 9, now+2000, 7))
	if e := all.until(kindReadings, has(`"value":7`)); strings.Contains(string(e.data), "sales") {
		t.Errorf("an older reading was told: %s", e.data)
	}
	again, _ := h.watch("", bankKey)
	last := string(again.until(kindSnapshot, whatever).data)
	if strings.Contains(last, `"c1"`) || strings.Contains(last, `"K1"`) || !strings.Contains(last, `"value":5`) {
		t.Errorf("what is over is told, or what is true is not: %s", last)
	}
	// Only what was asked for.
	some, _ := h.watch("?kpi=asa,abandoned", bankKey)
	if e := some.until(kindSnapshot, whatever); strings.Contains(string(e.data), `"kpi"`) {
		t.Errorf("readings of other KPIs: %s", e.data)
	}
}

// TestSomeWatchOtherKPIs lets one watch a KPI that nobody watched while it
// changed: the snapshot has it, and what comes then is told.
func TestSomeWatchOtherKPIs(t *testing.T) {
	h := opened(t)
	now := time.Now().UnixMilli()
	h.produce(readingOf("bank", "q0", 1, now, 1), clockOf(0, now))
	other, _ := h.watch("?kpi=asa", bankKey)
	other.until(kindSnapshot, whatever)
	h.produce(readingOf("bank", "q0", 2, now+1, 2), readingOf("bank", "q1", 3, now+1, 3))
	all, _ := h.watch("?kpi=offered", bankKey)
	page := &seen{map[string]float64{}, map[string]int{}}
	page.take(t, all.until(kindSnapshot, whatever))
	h.produce(readingOf("bank", "q0", 4, now+2, 4))
	for page.readings["offered/q0"] != 4 || page.readings["offered/q1"] != 3 {
		e, ok := all.next()
		if !ok {
			t.Fatalf("the stream ended at %v", page.readings)
		}
		page.take(t, e)
	}
}

// TestCutAndResume cuts a stream again and again while numbers change: a page
// that comes back with the last id misses nothing and sees nothing twice.
func TestCutAndResume(t *testing.T) {
	h := opened(t)
	now := time.Now().UnixMilli()
	h.produce(readingOf("bank", "q0", 1, now, 1), clockOf(0, now))
	page := &seen{map[string]float64{}, map[string]int{}}
	w, _ := h.watch("", bankKey)
	page.take(t, w.until(kindSnapshot, whatever))
	snapshots := 0
	for i := range 12 {
		// While the page is away, and while it is there.
		_ = w.body.Close()
		h.produce(readingOf("bank", "q0", int64(10+2*i), now+int64(i), float64(100+i)), readingOf("bank", fmt.Sprintf("q%d", i), int64(11+2*i), now+int64(i), float64(200+i)))
		w, _ = h.watch("", bankKey, "Last-Event-ID", w.lastID)
		h.produce(readingOf("bank", "end", int64(100+i), now+int64(i), float64(i)))
		for page.readings["offered/end"] != float64(i) || i == 0 && page.readings["offered/q0"] != 200 {
			e, ok := w.next()
			if !ok {
				t.Fatal("the stream ended")
			}
			if e.kind == kindSnapshot {
				snapshots++
			}
			page.take(t, e)
		}
	}
	for id, n := range page.ids {
		if n != 1 {
			t.Errorf("event %s came %d times", id, n)
		}
	}
	if snapshots != 0 {
		t.Errorf("%d snapshots where the missed events were kept", snapshots)
	}
	want := map[string]float64{"offered/q0": 111, "offered/end": 11}
	for i := 1; i < 12; i++ {
		want[fmt.Sprintf("offered/q%d", i)] = float64(200 + i)
	}
	for key, v := range want {
		if page.readings[key] != v {
			t.Errorf("%s is %v on the page, want %v", key, page.readings[key], v)
		}
	}
	// An id of nowhere, of another process or another filter begins anew.
	for _, id := range []string{"x", "x-1", w.lastID + "9", strings.Replace(w.lastID, w.lastID[:4], "AAAA", 1)} {
		w, _ := h.watch("", bankKey, "Last-Event-ID", id)
		if e, _ := w.next(); e.kind != kindSnapshot {
			t.Errorf("after the id %s comes %s", id, e.kind)
		}
	}
	if w, _ := h.watch("?kpi=asa", bankKey, "Last-Event-ID", w.lastID); w != nil {
		if e, _ := w.next(); e.kind != kindSnapshot {
			t.Errorf("with another filter comes %s", e.kind)
		}
	}
	// A gateway that was killed knows nothing of the page, which goes on.
	if err := h.stop(); err != nil {
		t.Fatal(err)
	}
	next := start(t, testConfig(h.brokers))
	w, _ = next.watch("", bankKey, "Last-Event-ID", w.lastID)
	e := w.until(kindSnapshot, whatever)
	clear(page.readings)
	page.take(t, e)
	if page.readings["offered/q0"] != 111 || page.readings["offered/q11"] != 211 {
		t.Errorf("after the restart the page has %v", page.readings)
	}
}

// TestSlowReaderIsCutOff: a page that does not read is cut off, others are not.
func TestSlowReaderIsCutOff(t *testing.T) {
	l := newLive(whateverKPI, func(string) {})
	fill := func(version int64) {
		var b kafka.Batch
		for i := range 400 {
			r := readingOf("bank", fmt.Sprintf("queue-%d-%s", i, strings.Repeat("x", 200)), version, version, float64(version))
			b.Records = append(b.Records, kafka.Record{Topic: r.Topic, Value: r.Value})
		}
		b.Topic = kafka.TopicValues
		l.take(b, 1)
		l.flush(time.Now())
	}
	slow, _ := l.open("bank", "UTC", "", nil)
	quick, _ := l.open("bank", "UTC", "", nil)
	for version := range int64(60) {
		fill(version + 1)
		if _, _, err := quick.next(nil); err != nil {
			t.Fatalf("the quick one: %v", err)
		}
	}
	if _, _, err := slow.next(nil); err == nil {
		t.Error("the slow one is not cut off")
	}
	l.mu.Lock()
	h := &l.tenants["bank"].hub
	held := 0
	for _, e := range h.ring {
		held += e.size
	}
	if held != h.bytes || held > maxRingBytes+2*maxEvent {
		t.Errorf("the ring holds %d bytes and counts %d", held, h.bytes)
	}
	l.mu.Unlock()
	quick.close()
	slow.close()
	l.flush(time.Now().Add(2 * keptFor))
	if h.ring != nil || h.bytes != 0 {
		t.Error("what nobody watches is kept")
	}
	fill(100)
	if late, first := l.open("bank", "UTC", quick.epoch+fmt.Sprintf("-%d", quick.seq), nil); late == nil || first == nil {
		t.Error("a page that comes back too late gets no snapshot")
	}
}

// TestSnapshotIsNotRepeated: what a snapshot holds is not told again behind it,
// also where others were not told yet.
func TestSnapshotIsNotRepeated(t *testing.T) {
	l := newLive(whateverKPI, func(string) {})
	first, _ := l.open("bank", "UTC", "", nil)
	r := readingOf("bank", "sales", 1, 1, 1)
	l.take(kafka.Batch{Topic: r.Topic, Records: []kafka.Record{{Topic: r.Topic, Value: r.Value}}}, 1)
	second, snapshot := l.open("bank", "UTC", "", nil)
	l.flush(time.Now())
	told, _, err := first.next(nil)
	again, _, err2 := second.next(nil)
	if err != nil || err2 != nil || !strings.Contains(string(told), "sales") || !strings.Contains(string(snapshot), "sales") || len(again) != 0 {
		t.Errorf("first %s, snapshot %s, again %s; %v %v", told, snapshot, again, err, err2)
	}
}

// TestAfter: at the edges of what is kept.
func TestAfter(t *testing.T) {
	h := &hub{seq: 7, ring: []*happening{{seq: 5}, {seq: 6}, {seq: 7}}}
	for seq, want := range map[uint64]int{0: -1, 3: -1, 4: 3, 5: 2, 6: 1, 7: 0, 8: -1} {
		events, kept := h.after(seq)
		if got := len(events); kept != (want >= 0) || kept && got != want || got > 0 && events[0].seq != seq+1 {
			t.Errorf("after %d: %d events, %v; want %d", seq, got, kept, want)
		}
	}
}

// TestPageThatDoesNotRead is cut off at its socket; who comes then sees all.
func TestPageThatDoesNotRead(t *testing.T) {
	c := testConfig(newBroker(t))
	c.Limits.Write = time.Second
	h := start(t, c)
	now := time.Now().UnixMilli()
	conn, err := net.Dial("tcp", strings.TrimPrefix(h.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if tcp, ok := conn.(*net.TCPConn); !ok || tcp.SetReadBuffer(4096) != nil {
		t.Fatal("no small buffer")
	}
	if _, err := fmt.Fprintf(conn, "GET /v1/live HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n\r\n", bankKey); err != nil {
		t.Fatal(err)
	}
	cut := func() bool {
		return strings.Contains(h.do(http.MethodGet, "/metrics", "", "").body, `nabz_gateway_streams_ended_total{reason="slow"} 1`)
	}
	// More than sockets hold, and than is kept.
	for version := int64(1); !cut(); version++ {
		var records []*kgo.Record
		for i := range 50 {
			records = append(records, readingOf("bank", fmt.Sprintf("queue-%d-%s", i, strings.Repeat("x", 20_000)), version, now+version, float64(version)))
		}
		records = append(records, readingOf("bank", "", version, now+version, float64(version)))
		h.produce(records...)
	}
	h.produce(readingOf("bank", "", 1<<40, now, 12345))
	for {
		w, _ := h.watch("", bankKey)
		e, ok := w.next()
		_ = w.body.Close()
		if ok && strings.Contains(string(e.data), `"value":12345`) {
			return
		}
	}
}

func whateverKPI(string) bool { return true }

func TestStreamsAreBounded(t *testing.T) {
	brokers := newBroker(t)
	c := testConfig(brokers)
	c.Limits = Limits{PerKey: 2, Streams: 3}
	h := start(t, c)
	first, _ := h.watch("", bankKey)
	_, _ = h.watch("", bankKey)
	if w, r := h.watch("", bankKey); w != nil || r.status != http.StatusTooManyRequests || r.header.Get("Retry-After") == "" {
		t.Errorf("a third stream of one key: %d", r.status)
	}
	if w, _ := h.watch("", shopKey); w == nil {
		t.Error("another key has no stream")
	}
	if w, r := h.watch("?tenant=bank", adminKey); w != nil || r.status != http.StatusTooManyRequests {
		t.Errorf("a fourth stream in all: %d", r.status)
	}
	_ = first.body.Close()
	for {
		if w, r := h.watch("", bankKey); w != nil {
			break
		} else if r.status != http.StatusTooManyRequests {
			t.Fatalf("a place that is free: %d", r.status)
		}
	}
}

// TestKafkaAway: the age of the data grows while the broker is away, streams
// go on, and what comes after is told.
func TestKafkaAway(t *testing.T) {
	brokers, die, comeBack := testkit.FakeThatDies(t)
	topicsOf(t, brokers)
	h := start(t, testConfig(brokers))
	now := time.Now().UnixMilli()
	h.produce(readingOf("bank", "", 1, now, 3), clockOf(0, now))
	w, _ := h.watch("", bankKey)
	w.until(kindClock, has(`"age_ms":`))
	age := func() (age float64) {
		var clock struct {
			Age *float64 `json:"age_ms"`
		}
		for clock.Age == nil {
			if err := json.Unmarshal(w.until(kindClock, whatever).data, &clock); err != nil {
				t.Fatal(err)
			}
		}
		return *clock.Age
	}
	before := age()
	die()
	for age() < before+1500 {
		if got := h.do(http.MethodGet, "/readyz", "", ""); got.status != http.StatusNoContent {
			t.Fatalf("not ready: %d", got.status)
		}
	}
	comeBack()
	topicsOf(t, brokers)
	h.produce(readingOf("bank", "", 2, now+60_000, 4))
	w.until(kindReadings, has(`"value":4`))
}

// TestMalformedRecords are counted and passed over.
func TestMalformedRecords(t *testing.T) {
	h := opened(t)
	now := time.Now().UnixMilli()
	h.produce(&kgo.Record{Topic: kafka.TopicValues, Value: []byte("\xff\xff")}, &kgo.Record{Topic: kafka.TopicIncidents, Value: []byte("{")},
		&kgo.Record{Topic: kafka.TopicVerdicts, Value: nil}, readingOf("bank", "", 1, now, 3))
	w, _ := h.watch("", bankKey)
	for got := ""; !strings.Contains(got, `"value":3`); {
		e, ok := w.next()
		if !ok {
			t.Fatal("the stream ended")
		}
		got = string(e.data)
	}
	if m := h.do(http.MethodGet, "/metrics", "", "").body; !strings.Contains(m, `nabz_gateway_malformed_records_total{topic="nabz.values.v1"} 1`) {
		t.Error("the malformed record is not counted")
	}
}

package gateway

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nabz/nabz/services/internal/catalog"
	"github.com/nabz/nabz/services/internal/clickhouse"
)

// minutes is the first minute of the rows that a test makes.
const minutes = 1_772_434_800 // 2026-03-02 07:00 UTC

// fill makes tables with offered contacts: n minutes of each tenant and queue.
func fill(t *testing.T, n int, queues ...string) string {
	t.Helper()
	c, err := catalog.Load()
	if err != nil {
		t.Fatal(err)
	}
	m := c.Warehouse("UTC", 1)
	target := kit.Engine(t).URL("nabz")
	conn, err := clickhouse.Open(target)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := clickhouse.Migrate(t.Context(), conn, clickhouse.Schema{Tables: m.Tables(), Views: m.Views()}, io.Discard); err != nil {
		t.Fatal(err)
	}
	d, _ := c.KPIs.Definition("offered")
	column := d.Measure("offered").Parts()[0].Column
	for _, table := range []string{"pane_queue_segment", "progress"} {
		if err := conn.Exec(t.Context(), "TRUNCATE TABLE nabz_internal."+table); err != nil {
			t.Fatal(err)
		}
	}
	for _, tenant := range []string{"bank", "shop"} {
		for i, queue := range queues {
			sql := fmt.Sprintf("INSERT INTO nabz_internal.pane_queue_segment (tenant, epoch, grain, bucket, queue, channel, version, changed_at, %s) "+
				"SELECT ?, 1, 60, toDateTime(%d + number * 60, 'UTC'), ?, 'voice', 1, toDateTime64(0, 3, 'UTC'), number + ? FROM numbers(%d)", column, minutes, n)
			if err := conn.Exec(t.Context(), sql, tenant, queue, 1+100*i); err != nil {
				t.Fatal(err)
			}
		}
	}
	err = conn.Exec(t.Context(), "INSERT INTO nabz_internal.progress (topic, tenant, feed, epoch, now, state) VALUES ('nabz.panes.v1', '', '', 1, toDateTime64(?, 3, 'UTC'), 'open')", minutes+60*n)
	if err != nil {
		t.Fatal(err)
	}
	return target
}

func TestValues(t *testing.T) {
	const hostile = `a' OR 1=1 --\`
	c := testConfig(newBroker(t))
	c.ClickHouse = fill(t, 30, "sales", hostile)
	c.Limits.Rows = 50
	h := start(t, c)
	get := func(query string) string {
		t.Helper()
		got := h.do(http.MethodGet, "/v1/kpis/offered/values"+query, bankKey, "")
		if got.status != http.StatusOK {
			t.Fatalf("%s: %d %s", query, got.status, got.body)
		}
		return got.body
	}
	from := "to=2026-03-02T07:40:00Z&from=2026-03-02T07:00:00Z"
	first := get("?from=2026-03-02T07:00:00Z&to=2026-03-02T07:01:00Z&by=queue&where=queue:sales")
	if want := `{"kpi":"offered","grain":"minute","unit":"count","rows":[{"time":"2026-03-02T10:30:00+03:30","queue":"sales","value":1,"numerator":null,"denominator":null,"count":1,"as_of":"2026-03-02T07:30:00Z","finality":"closed"}]}` + "\n"; first != want {
		t.Errorf("got  %swant %s", first, want)
	}
	if got := get("?" + from + "&by=queue&where=" + url.QueryEscape("queue:"+hostile)); strings.Count(got, `"time"`) != 30 || strings.Contains(got, "sales") {
		t.Errorf("of a queue with a hostile name: %s", got)
	}
	for _, nothing := range []string{"where=queue:x'+OR+'1'%3D'1", "feed=x'+OR+1%3D1+--", "where=queue:%5C"} {
		if got := get("?" + nothing); strings.Contains(got, `"time"`) {
			t.Errorf("%s gives rows: %s", nothing, got)
		}
	}
	// Rows beyond the limit are refused, and not cut.
	if got := h.do(http.MethodGet, "/v1/kpis/offered/values?"+from+"&by=queue", bankKey, ""); got.status != http.StatusUnprocessableEntity || !strings.Contains(got.body, `"field":"from"`) {
		t.Errorf("60 rows: %d %s", got.status, got.body)
	}
	// There are panes and no facts: the explanation shows just that.
	if got := h.do(http.MethodGet, "/v1/explain/offered?at=2026-03-02T07:00:30Z&where=queue:sales&by=queue", bankKey, ""); got.status != http.StatusOK ||
		!strings.Contains(got.body, `"total":0`) || !strings.Contains(got.body, `"stored":1`) || strings.Contains(got.body, "shop") {
		t.Errorf("the explanation: %d %s", got.status, got.body)
	}
	for _, path := range []string{"/v1/explain/item/contact/c1", "/v1/explain/item/contact/a%2Fb", "/v1/explain/item/contact/" + url.PathEscape(hostile)} {
		if got := h.do(http.MethodGet, path, bankKey, ""); got.status != http.StatusNotFound {
			t.Errorf("%s: %d %s", path, got.status, got.body)
		}
	}
	if got := h.do(http.MethodGet, "/v1/explain/item/kontact/c1", bankKey, ""); got.status != http.StatusBadRequest || !strings.Contains(got.body, `did you mean \"contact\"`) {
		t.Errorf("an unknown kind: %d %s", got.status, got.body)
	}
	// Variants, and another KPI of other units.
	if got := h.do(http.MethodGet, "/v1/kpis/service_level.genesys/values?"+from, bankKey, ""); got.status != http.StatusOK || !strings.Contains(got.body, `"unit":"ratio"`) {
		t.Errorf("a variant: %d %s", got.status, got.body)
	}
}

// TestEqualQuestionsAreAskedOnce: a wall of screens costs one query.
func TestEqualQuestionsAreAskedOnce(t *testing.T) {
	c := testConfig(newBroker(t))
	c.ClickHouse = fill(t, 5, "sales")
	c.Limits.Queries = 1
	h := start(t, c)
	var wall sync.WaitGroup
	bodies := make([]string, 20)
	for i := range bodies {
		wall.Go(func() {
			bodies[i] = h.do(http.MethodGet, "/v1/kpis/offered/values?from=2026-03-02&to=2026-03-03", bankKey, "").body
		})
	}
	wall.Wait()
	for _, b := range bodies {
		if b != bodies[0] || !strings.Contains(b, `"value":5`) {
			t.Errorf("answers differ: %s and %s", b, bodies[0])
		}
	}
	if got := h.do(http.MethodGet, "/v1/kpis/offered/values?from=2026-03-02&to=2026-03-03", shopKey, ""); got.body != bodies[0] {
		t.Errorf("the shop has %s", got.body)
	}
	// Twenty screens of one tenant and one of another, on one slot: where each
	// cost a query, most were refused.
	if m := h.do(http.MethodGet, "/metrics", "", "").body; !strings.Contains(m, `path="/v1/kpis/{kpi}/values",status="200"} 21`) {
		t.Error("some were refused")
	}
}

// TestClickHouseAway: ranges are refused with the time to come again, the live
// stream goes on, and so does the rest.
func TestClickHouseAway(t *testing.T) {
	h := opened(t)
	got := h.do(http.MethodGet, "/v1/kpis/offered/values?from=2026-03-02&to=2026-03-03", bankKey, "")
	if got.status != http.StatusServiceUnavailable || got.header.Get("Retry-After") != "2" {
		t.Errorf("values: %d %v %s", got.status, got.header, got.body)
	}
	if strings.Contains(got.body, "127.0.0.1") {
		t.Errorf("the answer tells the address of the server: %s", got.body)
	}
	now := time.Now().UnixMilli()
	h.produce(readingOf("bank", "", 1, now, 3), clockOf(0, now))
	w, _ := h.watch("", bankKey)
	for got := ""; !strings.Contains(got, `"value":3`); {
		e, ok := w.next()
		if !ok {
			t.Fatal("the stream ended")
		}
		got = string(e.data)
	}
	for _, path := range []string{"/v1/kpis", "/v1/incidents", "/readyz", "/"} {
		if got := h.do(http.MethodGet, path, bankKey, ""); got.status/100 != 2 {
			t.Errorf("%s: %d", path, got.status)
		}
	}
}

func TestPages(t *testing.T) {
	h := opened(t)
	page := h.do(http.MethodGet, "/", "", "")
	if page.status != http.StatusOK || !strings.Contains(page.body, "<html") || page.header.Get("Content-Encoding") != "" {
		t.Errorf("the page: %d %v", page.status, page.header)
	}
	packed := h.do(http.MethodGet, "/", "", "", "Accept-Encoding", "br, gzip")
	z, err := gzip.NewReader(strings.NewReader(packed.body))
	if err != nil {
		t.Fatal(err)
	}
	var plain bytes.Buffer
	if _, err := plain.ReadFrom(z); err != nil || plain.String() != page.body || packed.header.Get("Content-Encoding") != "gzip" {
		t.Errorf("packed it is another page: %v %v", err, packed.header)
	}
	for _, tag := range []string{page.header.Get("ETag"), packed.header.Get("ETag")} {
		if got := h.do(http.MethodGet, "/", "", "", "If-None-Match", tag, "Accept-Encoding", map[bool]string{true: "gzip"}[strings.Contains(tag, "gzip")]); got.status != http.StatusNotModified || got.body != "" {
			t.Errorf("with the tag %s: %d", tag, got.status)
		}
	}
	docs := h.do(http.MethodGet, "/docs", "", "")
	for _, want := range []string{"/v1/kpis/{kpi}/values", "/v1/live", "Needs a key with the right read", `href="/docs.css"`} {
		if !strings.Contains(docs.body, want) {
			t.Errorf("the page of the specification has no %s", want)
		}
	}
	for _, inline := range []string{"<script>", "style=", "<style", "onclick"} {
		for name, body := range map[string]string{"/": page.body, "/docs": docs.body} {
			if strings.Contains(body, inline) {
				t.Errorf("%s has %s, which the policy forbids", name, inline)
			}
		}
	}
	if got := h.do(http.MethodGet, "/openapi.json", "", ""); got.status != http.StatusOK || got.header.Get("Content-Type") != "application/json" {
		t.Errorf("the specification: %d", got.status)
	}
	if got := h.do(http.MethodGet, "/assets/fonts/vazirmatn.LICENSE", "", ""); got.status != http.StatusNotFound {
		t.Errorf("a file of no known kind: %d", got.status)
	}
	if got := h.do(http.MethodGet, "/assets/fonts/vazirmatn-latin-wght-normal.woff2", "", ""); got.status != http.StatusOK || got.header.Get("Content-Type") != "font/woff2" {
		t.Errorf("a font: %d %v", got.status, got.header)
	}
	if got := h.do(http.MethodHead, "/healthz", "", ""); got.status != http.StatusNoContent {
		t.Errorf("HEAD: %d", got.status)
	}
}

package gateway

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nabz/nabz/pkg/incident"
	"github.com/nabz/nabz/pkg/row"
	"github.com/nabz/nabz/services/internal/keys"
)

// TestRoutesAreSpecified: the operations and the specification are one list.
func TestRoutesAreSpecified(t *testing.T) {
	s := specificationOf(t)
	specified := map[string]string{}
	for path, item := range s.at("paths") {
		methods, _ := item.(map[string]any)
		for method := range methods {
			role, _ := s.at("paths", path, method)["x-role"].(string)
			specified[strings.ToUpper(method)+" "+path] = role
		}
	}
	service, err := New(testConfig([]string{"127.0.0.1:1"}), nil)
	if err != nil {
		t.Fatal(err)
	}
	served := map[string]string{}
	for _, op := range service.operations() {
		path := strings.NewReplacer("{$}", "", "{file...}", "{file}", "{id...}", "{id}").Replace(op.path)
		served[op.method+" "+path] = op.role
		known := slices.Clone(op.params)
		if op.role == roleRead {
			known = append(known, "tenant")
		}
		var said []string
		list, _ := s.at("paths", path, strings.ToLower(op.method))["parameters"].([]any)
		for _, p := range list {
			param, _ := p.(map[string]any)
			if ref, ok := param["$ref"].(string); ok {
				param = s.at(strings.Split(strings.TrimPrefix(ref, "#/"), "/")...)
			}
			if param["in"] == "query" {
				said = append(said, fmt.Sprint(param["name"]))
			}
		}
		slices.Sort(known)
		slices.Sort(said)
		if !slices.Equal(known, said) {
			t.Errorf("%s %s takes %q, the specification says %q", op.method, path, known, said)
		}
	}
	if !maps.Equal(served, specified) {
		t.Errorf("served:\n%v\nspecified:\n%v", served, specified)
	}
}

// paths gives a path of every operation, by its role.
func (h *house) paths(role string) []string {
	var out []string
	for _, op := range h.service.operations() {
		if op.role == role {
			out = append(out, op.method+" "+strings.NewReplacer("{kpi}", "offered", "{$}", "", "{file...}", "board.css", "{kind}", "contact", "{id...}", "c-bank").Replace(op.path))
		}
	}
	return out
}

// TestRoles: who may ask what.
func TestRoles(t *testing.T) {
	h := opened(t)
	for _, op := range h.paths(roleRead) {
		method, path, _ := strings.Cut(op, " ")
		for _, c := range []struct {
			name, key string
			want      int
		}{
			{"nobody", "", http.StatusUnauthorized},
			{"a wrong key", "wrong-key-0123456789abcdef", http.StatusUnauthorized},
			{"a key that only writes", writerKey, http.StatusForbidden},
		} {
			if got := h.do(method, path, c.key, ""); got.status != c.want {
				t.Errorf("%s for %s: %d, want %d: %s", op, c.name, got.status, c.want, got.body)
			}
		}
		if got := h.do(method, path+"?tenant=shop", bankKey, ""); got.status != http.StatusForbidden || !strings.Contains(got.body, `"field":"tenant"`) {
			t.Errorf("%s about another tenant: %d %s", op, got.status, got.body)
		}
		if got := h.do(method, path+"?tenant=A%20B", adminKey, ""); got.status != http.StatusBadRequest || !strings.Contains(got.body, `"field":"tenant"`) {
			t.Errorf("%s about no tenant: %d %s", op, got.status, got.body)
		}
		if got := h.do(method, path+"?nonsense=1", bankKey, ""); got.status != http.StatusBadRequest || !strings.Contains(got.body, `"field":"nonsense"`) {
			t.Errorf("%s with an unknown parameter: %d %s", op, got.status, got.body)
		}
		for _, other := range []string{http.MethodPut, http.MethodPatch, http.MethodPost} {
			if got := h.do(other, path, adminKey, ""); got.status != http.StatusMethodNotAllowed || got.header.Get("Allow") == "" {
				t.Errorf("%s %s: %d", other, path, got.status)
			}
		}
	}
	for _, op := range h.paths(roleNone) {
		method, path, _ := strings.Cut(op, " ")
		if got := h.do(method, path, "", "", "Content-Type", "application/json"); got.status >= 500 || got.status == http.StatusUnauthorized {
			t.Errorf("%s for all: %d", op, got.status)
		}
	}
	for _, path := range []string{"/v1", "/v1/", "/v1/kpis/", "/v2/kpis", "/assets/../config.go", "/assets/%2e%2e/web.go", "/index", "/.git/config", "/web.go"} {
		if got := h.do(http.MethodGet, path, "", ""); got.status != http.StatusNotFound && got.status != http.StatusMovedPermanently && got.status != http.StatusTemporaryRedirect {
			t.Errorf("%s: %d %.80s", path, got.status, got.body)
		}
	}
}

// TestTenantsApart asks every path with the keys of two tenants: neither sees a
// word of the other.
func TestTenantsApart(t *testing.T) {
	h := opened(t)
	now := time.Now().UnixMilli()
	for _, tenant := range []string{"bank", "shop"} {
		h.produce(readingOf(tenant, "queue-of-"+tenant, 1, now, 3), verdictOf(tenant, "item-of-"+tenant, row.Breached, 1), incidentOf(t, tenant, "key-of-"+tenant, incident.Firing, 1))
	}
	h.produce(clockOf(0, now), clockOf(1, now))
	// All is there when a stream of either shows it.
	for key, tenant := range map[string]string{bankKey: "bank", shopKey: "shop"} {
		w, _ := h.watch("", key)
		w.shows("queue-of-"+tenant, "item-of-"+tenant, "key-of-"+tenant)
		_ = w.body.Close()
	}
	for _, op := range h.paths(roleRead) {
		method, path, _ := strings.Cut(op, " ")
		for key, other := range map[string]string{bankKey: "shop", shopKey: "bank"} {
			body := ""
			if path == "/v1/live" {
				w, _ := h.watch("", key)
				body = string(w.until(kindSnapshot, whatever).data)
				_ = w.body.Close()
			} else {
				body = h.do(method, path, key, "").body
			}
			if strings.Contains(body, "of-"+other) || strings.Contains(body, "c-"+other) {
				t.Errorf("%s shows %s to another tenant: %s", op, other, body)
			}
		}
	}
	// The key of all tenants names one.
	for _, tenant := range []string{"bank", "shop"} {
		if got := h.do(http.MethodGet, "/v1/incidents?tenant="+tenant, adminKey, ""); !strings.Contains(got.body, "key-of-"+tenant) {
			t.Errorf("the administrator sees of %s: %s", tenant, got.body)
		}
	}
	if got := h.do(http.MethodGet, "/v1/incidents", adminKey, ""); got.body != "{\"incidents\":[]}\n" {
		t.Errorf("the default tenant has %s", got.body)
	}
	// An id of a stream of the one is nothing to the other.
	w, _ := h.watch("", bankKey)
	id := w.until(kindSnapshot, whatever).id
	other, _ := h.watch("", shopKey, "Last-Event-ID", id)
	if e, _ := other.next(); e.kind != kindSnapshot || strings.Contains(string(e.data), "bank") {
		t.Errorf("with the id of another tenant: %s %s", e.kind, e.data)
	}
}

func TestBadParameters(t *testing.T) {
	h := opened(t)
	f := func(path string, status int, field, words string) {
		t.Helper()
		got := h.do(http.MethodGet, path, bankKey, "")
		if got.status != status || !strings.Contains(got.body, `"field":"`+field+`"`) || !strings.Contains(got.body, words) {
			t.Errorf("%s: %d %s, want %d, field %s, %q", path, got.status, got.body, status, field, words)
		}
	}
	const values = "/v1/kpis/offered/values"
	f("/v1/kpis/offred/values", 404, "kpi", `did you mean \"offered\"`)
	f("/v1/kpis/service_level.genesis/values", 404, "kpi", `did you mean \"genesys\"`)
	f("/v1/kpis/offered./values", 404, "kpi", "no such variant")
	f(values+"?by=queue,chanel", 400, "by", `did you mean \"channel\"`)
	f(values+"?grain=second", 400, "grain", "quarter_hour")
	f(values+"?from=yesterday", 400, "from", "is no time")
	f(values+"?to=x", 400, "to", "is no time")
	f(values+"?from=2026-03-02&to=2026-03-01", 400, "to", "is not after")
	f(values+"?from=2020-01-01&to=2026-01-01", 422, "from", "10000 intervals")
	f(values+"?from=2020-01-01", 422, "from", "10000 intervals")
	f(values+"?where=queue", 400, "where", "dimension:value")
	f(values+"?where=agent:7", 400, "where", "no such dimension")
	f(values+"?where=queue:a%00b", 400, "where", "control characters")
	f(values+"?where=queue:%ff", 400, "where", "UTF-8")
	f(values+"?grain=hour&grain=day", 400, "grain", "twice")
	f(values+"?feeed=x", 400, "feeed", `did you mean \"feed\"`)
	f(values+"?feed="+strings.Repeat("x", 300), 400, "feed", "too long")
	f(values+"?zone=Mars/Base", 400, "zone", "IANA")
	f(values+"?zone=Local", 400, "zone", "IANA")
	f("/v1/explain/offred", 404, "kpi", `did you mean \"offered\"`)
	f("/v1/explain/offered?at=now", 400, "at", "is no time")
	f("/v1/explain/offered?where=agent:7", 400, "where", "no such dimension")
	f("/v1/explain/offered?by=agent", 400, "by", "no such dimension")
	f("/v1/explain/offered?limit=x", 400, "limit", "0 to 1000")
	f("/v1/live?kpi=offered,nonsense", 400, "kpi", "no such KPI")
	f("/v1/live?kpi=crr", 400, "kpi", "/v1/kpis/crr/values")
	f(values+"?months=lunar", 400, "months", "persian")
	f("/v1/live?kpi="+strings.Repeat("offered,", 200), 400, "kpi", "too long")
	f("/v1/incidents?state=open", 400, "state", "firing or resolved")
	f("/v1/incidents?from=now", 400, "from", "a time is expected")
	if got := h.do(http.MethodGet, values+"?where="+strings.Repeat("x", 5000), bankKey, ""); got.status != 400 {
		t.Errorf("a long query: %d", got.status)
	}
	if got := h.do(http.MethodGet, values+"?a=%zz", bankKey, ""); got.status != 400 {
		t.Errorf("a broken query: %d", got.status)
	}
}

func TestIncidents(t *testing.T) {
	h := opened(t)
	h.produce(incidentOf(t, "bank", "A", incident.Firing, 1), incidentOf(t, "bank", "B", incident.Firing, 2), incidentOf(t, "bank", "A", incident.Ended, 3))
	f := func(query, want string) {
		t.Helper()
		for {
			got := h.do(http.MethodGet, "/v1/incidents"+query, bankKey, "")
			var keys string
			for _, part := range strings.Split(got.body, `{"key":"`)[1:] {
				keys += part[:1]
			}
			if keys == want {
				return
			}
			if t.Context().Err() != nil {
				t.Fatalf("%s: %s, want %s", query, got.body, want)
			}
		}
	}
	f("?state=resolved", "A")
	f("?state=firing", "B")
	f("", "AB")
	f("?from=2100-01-01T00:00:00Z", "B")
}

func TestSessions(t *testing.T) {
	h := opened(t)
	login := func(body string, want int) string {
		t.Helper()
		got := h.do(http.MethodPost, "/v1/session", "", body, "Content-Type", "application/json")
		if got.status != want {
			t.Errorf("%s: %d %s, want %d", body, got.status, got.body, want)
		}
		cookie := got.header.Get("Set-Cookie")
		if (want == http.StatusNoContent) != (cookie != "") {
			t.Errorf("%s: the cookie is %q", body, cookie)
		}
		for _, part := range []string{"HttpOnly", "SameSite=Strict", "Path=/"} {
			if cookie != "" && !strings.Contains(cookie, part) {
				t.Errorf("the cookie %q lacks %s", cookie, part)
			}
		}
		if strings.Contains(cookie, bankKey) {
			t.Error("the cookie holds the key")
		}
		pair, _, _ := strings.Cut(cookie, ";")
		return pair
	}
	bank := login(`{"key":"`+bankKey+`"}`, http.StatusNoContent)
	if got := h.do(http.MethodGet, "/v1/kpis", "", "", "Cookie", bank); got.status != http.StatusOK {
		t.Errorf("with the session: %d", got.status)
	}
	if got := h.do(http.MethodGet, "/v1/incidents?tenant=shop", "", "", "Cookie", bank); got.status != http.StatusForbidden {
		t.Errorf("the session about another tenant: %d", got.status)
	}
	if got := h.do(http.MethodGet, "/v1/kpis", "wrong-key-0123456789abcdef", "", "Cookie", bank); got.status != http.StatusUnauthorized {
		t.Errorf("a wrong key beside the session: %d", got.status)
	}
	admin := login(`{"ticket":"`+Ticket(adminKey, time.Now().Add(time.Minute))+`"}`, http.StatusNoContent)
	if got := h.do(http.MethodGet, "/v1/incidents?tenant=shop", "", "", "Cookie", admin); got.status != http.StatusOK {
		t.Errorf("with the ticket's session: %d", got.status)
	}
	for _, body := range []string{
		`{"ticket":"` + Ticket(adminKey, time.Now().Add(-time.Second)) + `"}`,
		`{"ticket":"` + Ticket("another-key-0123456789", time.Now().Add(time.Minute)) + `"}`,
		`{"ticket":"` + strings.TrimPrefix(bank, cookieName+"=") + `"}`, `{"key":"no-such-key-0123456789"}`,
	} {
		login(body, http.StatusUnauthorized)
	}
	login(`{"key":"`+writerKey+`"}`, http.StatusForbidden)
	for _, body := range []string{``, `{}`, `[]`, `{"key":"a","ticket":"b"}`, `{"key":7}`, `{"key":"` + strings.Repeat("x", 5000) + `"}`} {
		login(body, http.StatusBadRequest)
	}
	if got := h.do(http.MethodPost, "/v1/session", "", "key="+bankKey, "Content-Type", "application/x-www-form-urlencoded"); got.status != http.StatusUnsupportedMediaType {
		t.Errorf("a form: %d", got.status)
	}
	// A ticket is no session, a session of another key is none, a changed one neither.
	for _, cookie := range []string{
		cookieName + "=" + Ticket(adminKey, time.Now().Add(time.Minute)),
		cookieName + "=" + newSigner("another-key-0123456789").pass(passSession, Administrator, time.Now().Add(time.Minute)),
		cookieName + "=" + newSigner(adminKey).pass(passSession, "nobody", time.Now().Add(time.Minute)),
		cookieName + "=" + newSigner(adminKey).pass(passSession, Administrator, time.Now().Add(-time.Minute)),
		strings.Replace(bank, "session.", "session.z", 1), cookieName + "=", cookieName + "=a.b.c.d",
	} {
		if got := h.do(http.MethodGet, "/v1/kpis", "", "", "Cookie", cookie); got.status != http.StatusUnauthorized {
			t.Errorf("with the cookie %s: %d", cookie, got.status)
		}
	}
	if got := h.do(http.MethodDelete, "/v1/session", "", "", "Cookie", bank); got.status != http.StatusNoContent || !strings.Contains(got.header.Get("Set-Cookie"), "Max-Age=0") {
		t.Errorf("logging out: %d %q", got.status, got.header.Get("Set-Cookie"))
	}
	// Another process of the same installation knows the session.
	next := start(t, testConfig(h.brokers))
	if got := next.do(http.MethodGet, "/v1/kpis", "", "", "Cookie", bank); got.status != http.StatusOK {
		t.Errorf("after a restart: %d", got.status)
	}
}

// TestRevokedKey: a stream ends, and a session too, when its key is revoked.
func TestRevokedKey(t *testing.T) {
	store := keys.Store{Path: t.TempDir() + "/keys.json"}
	secret, err := store.Add(keys.Entry{Name: "guest", Tenant: "bank", Rights: []string{keys.Read}})
	if err != nil {
		t.Fatal(err)
	}
	c := testConfig(newBroker(t))
	c.Keys.File = store.Path
	h := start(t, c)
	w, _ := h.watch("", secret)
	w.until(kindSnapshot, whatever)
	cookie := h.do(http.MethodPost, "/v1/session", "", `{"key":"`+secret+`"}`, "Content-Type", "application/json").header.Get("Set-Cookie")
	if got := h.do(http.MethodGet, "/v1/kpis", "", "", "Cookie", cookie); got.status != http.StatusOK {
		t.Fatalf("with the session: %d", got.status)
	}
	if err := store.Revoke("guest", time.Now()); err != nil {
		t.Fatal(err)
	}
	for {
		if _, ok := w.next(); !ok {
			break
		}
	}
	if got := h.do(http.MethodGet, "/v1/kpis", "", "", "Cookie", cookie); got.status != http.StatusUnauthorized {
		t.Errorf("with the session of a revoked key: %d", got.status)
	}
	if m := h.do(http.MethodGet, "/metrics", "", "").body; !strings.Contains(m, `nabz_gateway_streams_ended_total{reason="revoked"} 1`) {
		t.Error("the stream ended for another reason")
	}
}

package notify

import (
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nabz/nabz/pkg/incident"
	"github.com/nabz/nabz/pkg/row"
)

// TestSignature holds the signature against the vector that the libraries of
// Standard Webhooks are tested with.
func TestSignature(t *testing.T) {
	key, err := secretKey(secret)
	if err != nil {
		t.Fatal(err)
	}
	const id, timestamp, body = "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, `{"test": 2432232314}`
	const want = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
	if got := sign([][]byte{key}, id, timestamp, []byte(body)); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := sign([][]byte{key, key}, id, timestamp, []byte(body)); got != want+" "+want {
		t.Errorf("two keys give %s", got)
	}
}

func opened() incident.Message {
	return incident.Message{Key: "KEY", Seq: 1, Event: incident.Firing, At: 1000, Attempt: 1, Incident: incident.Incident{
		Tenant: "acme", Rule: "queue_wait", Kind: row.Deadline, Item: "c1", Labels: map[string]string{"queue": "sales", "channel": ""},
		Severity: incident.Page, State: incident.Firing, Cause: row.Breached, Summary: incident.Words{EN: "late", FA: "دیر"},
		OpenedAt: 1_795_392_000_000, DueAt: 1_795_391_998_000, Target: 60_000, Version: 7,
	}}
}

func resolved() incident.Message {
	m := opened()
	m.Seq, m.Event = 2, incident.Ended
	m.Incident.State, m.Incident.ResolvedAt, m.Incident.Resolution, m.Incident.Version = incident.Ended, 1_795_392_005_000, incident.Over, 9
	return m
}

// inside makes a webhook that may reach the test's server.
func inside(t *testing.T, s *httptest.Server) *Webhook {
	t.Helper()
	c := WebhookConfig{
		Name: "w", URL: s.URL + "/hook", Secrets: []string{secret}, AllowHTTP: true,
		AllowPrivate: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}, Now: func() time.Time { return time.Unix(1614265330, 0) },
	}
	if s.Certificate() != nil {
		c.CA = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	}
	w, err := NewWebhook(c)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestWebhook(t *testing.T) {
	key, _ := secretKey(secret)
	var got message
	s := httptest.NewTLSServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		if want := sign([][]byte{key}, r.Header.Get("webhook-id"), 1614265330, body); r.Header.Get("webhook-signature") != want || r.Header.Get("webhook-timestamp") != "1614265330" {
			t.Errorf("headers %v, want the signature %s", r.Header, want)
		}
		if r.Header.Get("webhook-id") != "msg_KEY_resolved_9" || len(body) > 20_000 {
			t.Errorf("id %s, %d bytes", r.Header.Get("webhook-id"), len(body))
		}
		if err := json.Unmarshal(body, &got); err != nil {
			t.Error(err)
		}
	}))
	defer s.Close()
	if o := outcome(t, inside(t, s), resolved()); !o.Delivered {
		t.Fatalf("%+v", o)
	}
	if got.Type != typeResolved || got.Timestamp != "2026-11-23T00:00:05.000Z" || got.Data.Labels["queue"] != "sales" || got.Data.TargetS != 60 {
		t.Errorf("the message is %+v", got)
	}
}

func TestLongTexts(t *testing.T) {
	m := opened()
	long := strings.Repeat("ن\x01", 10_000)
	m.Incident.Item, m.Incident.Tenant, m.Incident.Summary = long, long, incident.Words{EN: long, FA: long}
	for i := range 200 {
		m.Incident.Labels[fmt.Sprint("l", i)] = long
	}
	b, err := payload(&m)
	if err != nil || len(b) >= 20_000 {
		t.Errorf("%d bytes, %v; want below 20,000", len(b), err)
	}
}

func TestAnswers(t *testing.T) {
	var calls atomic.Int32
	var answer func(http.ResponseWriter)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		if r.URL.Path != "/hook" {
			t.Errorf("%s was asked for: a redirect was followed", r.URL.Path)
		}
		answer(w)
	}))
	defer s.Close()
	f := func(name string, a func(http.ResponseWriter), want incident.Outcome) {
		t.Helper()
		t.Run(name, func(t *testing.T) {
			answer = a
			got := outcome(t, inside(t, s), opened())
			got.Reason = ""
			if got != want {
				t.Errorf("got %+v, want %+v", got, want)
			}
		})
	}
	status := func(code int) func(http.ResponseWriter) { return func(w http.ResponseWriter) { w.WriteHeader(code) } }
	f("taken", status(204), incident.Outcome{Delivered: true})
	f("down", status(503), incident.Outcome{})
	f("refused", status(400), incident.Outcome{})
	f("busy", func(w http.ResponseWriter) { w.Header().Set("Retry-After", "7"); w.WriteHeader(429) }, incident.Outcome{After: 7000})
	f("busy_for_ever", func(w http.ResponseWriter) { w.Header().Set("Retry-After", "99999999"); w.WriteHeader(429) }, incident.Outcome{After: 3_600_000})
	f("elsewhere", func(w http.ResponseWriter) { w.Header().Set("Location", "/other"); w.WriteHeader(307) }, incident.Outcome{})
	f("endless", func(w http.ResponseWriter) {
		for range 100 {
			if _, err := w.Write(make([]byte, 64<<10)); err != nil {
				return
			}
		}
	}, incident.Outcome{Delivered: true})
	t.Run("gone", func(t *testing.T) {
		answer = status(http.StatusGone)
		w := inside(t, s)
		before := calls.Load()
		for range 3 {
			if o := outcome(t, w, opened()); o.Delivered || !o.Final {
				t.Errorf("%+v, want the end", o)
			}
		}
		if n := calls.Load() - before; n != 1 {
			t.Errorf("a receiver that is gone was asked %d times, want once", n)
		}
	})
}

func TestReadWebhooks(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "nabz.yaml")
	write := func(name, text string) string {
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return p
	}
	hidden := write("secret", secret+"\n"+secret+"\n")
	write("nabz.yaml", `kafka: [a:1]
alerter:
  webhooks:
    - name: pager
      url: https://hooks.example.com/x
      secret_file: `+hidden+`
      severity: page
      tenants: [acme]
    - url: http://10.1.2.3:8080/y
      secret: `+secret+`
      severity: [page, ticket]
      allow_private: [10.1.0.0/16]
      allow_http: true
`)
	all, err := ReadWebhooks(path)
	if err != nil || len(all) != 2 {
		t.Fatalf("%d webhooks, %v", len(all), err)
	}
	if len(all[0].Secrets) != 2 || all[0].Severities[0] != incident.Page || all[1].Name != "10.1.2.3:8080" || len(all[1].AllowPrivate) != 1 {
		t.Errorf("%+v", all)
	}
	f := func(name, text, want string) {
		t.Run(name, func(t *testing.T) {
			_, err := ReadWebhooks(write(name+".yaml", "alerter:\n  webhooks:\n    - "+strings.ReplaceAll(text, "\n", "\n      ")+"\n"))
			if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), secret) {
				t.Errorf("got %v, want %q and no secret", err, want)
			}
		})
	}
	f("slip", "url: https://a.example/\nsecrt: x", `:4:7: unknown key "secrt"`)
	f("no_secret", "url: https://a.example/", `key "secret" or "secret_file" is missing`)
	f("bad_secret", "url: https://a.example/\nsecret: hello!", "whsec_")
	f("plain", "url: http://a.example/\nsecret: "+secret, "not https")
	f("severity", "url: https://a.example/\nsecret: "+secret+"\nseverity: loud", `loud`)
	f("net", "url: https://a.example/\nsecret: "+secret+"\nallow_private: [inner]", `"inner" is no address`)
	f("name", "url: https://a.example/\nsecret: "+secret+"\nname: alertmanager", "two receivers")
	if all, err := ReadWebhooks(write("none.yaml", "kafka: [a:1]\n")); err != nil || len(all) != 0 {
		t.Errorf("a file without any: %v, %v", all, err)
	}
}

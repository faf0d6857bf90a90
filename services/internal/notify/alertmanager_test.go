package notify

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/nabz/nabz/pkg/incident"
)

// peer is an Alertmanager that notes what it is told.
type peer struct {
	*httptest.Server
	mu     sync.Mutex
	alerts []alert
	answer func(alerts []alert) int
}

func newPeer(t *testing.T, answer func([]alert) int) *peer {
	p := &peer{answer: answer}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var got []alert
		if err := json.NewDecoder(r.Body).Decode(&got); err != nil || r.URL.Path != "/prefix/api/v2/alerts" || r.Method != http.MethodPost {
			t.Errorf("%s %s: %v", r.Method, r.URL, err)
		}
		code := p.answer(got)
		if code == 200 {
			p.mu.Lock()
			p.alerts = append(p.alerts, got...)
			p.mu.Unlock()
		}
		w.WriteHeader(code)
	}))
	t.Cleanup(p.Close)
	return p
}

func taken([]alert) int { return 200 }

func TestAlertmanager(t *testing.T) {
	one, other, away := newPeer(t, taken), newPeer(t, taken), newPeer(t, func([]alert) int { return 503 })
	now := time.UnixMilli(1_795_392_010_000)
	a, err := NewAlertmanager(AlertmanagerConfig{
		URLs: []string{one.URL + "/prefix/", other.URL + "/prefix", away.URL + "/prefix"}, Wallboard: "https://wall/", Now: func() time.Time { return now },
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range a.Send(t.Context(), []incident.Message{opened(), resolved()}) {
		if !o.Delivered {
			t.Fatalf("%+v", o)
		}
	}
	if len(one.alerts) != 2 || len(other.alerts) != 2 {
		t.Fatalf("the peers have %d and %d alerts, want 2 each", len(one.alerts), len(other.alerts))
	}
	f, r := one.alerts[0], one.alerts[1]
	want := map[string]string{"alertname": "queue_wait", "policy": "queue_wait", "tenant": "acme", "severity": "page", "kind": "deadline", "cause": "breached", "incident": "KEY", "queue": "sales"}
	if len(f.Labels) != len(want) {
		t.Errorf("labels %v, want %v", f.Labels, want)
	}
	for name, value := range want {
		if f.Labels[name] != value || r.Labels[name] != value {
			t.Errorf("label %s is %q and %q, want %q", name, f.Labels[name], r.Labels[name], value)
		}
	}
	if f.StartsAt != "2026-11-23T00:00:00.000Z" || f.EndsAt != "2026-11-23T00:05:10.000Z" || r.EndsAt != "2026-11-23T00:00:05.000Z" {
		t.Errorf("from %s to %s, and to %s when resolved", f.StartsAt, f.EndsAt, r.EndsAt)
	}
	if f.Annotations["item"] != "c1" || f.Annotations["summary_fa"] != "دیر" || f.GeneratorURL != "https://wall/" {
		t.Errorf("annotations %v, %s", f.Annotations, f.GeneratorURL)
	}
}

// TestOneBadAlert: what an Alertmanager refuses holds up nothing beside it.
func TestOneBadAlert(t *testing.T) {
	p := newPeer(t, func(alerts []alert) int {
		for _, a := range alerts {
			if a.Labels["incident"] == "BAD" {
				return 400
			}
		}
		return 200
	})
	a, err := NewAlertmanager(AlertmanagerConfig{URLs: []string{p.URL + "/prefix"}})
	if err != nil {
		t.Fatal(err)
	}
	good, bad := opened(), opened()
	bad.Key = "BAD"
	out := a.Send(t.Context(), []incident.Message{good, bad, good})
	if !out[0].Delivered || out[1].Delivered || !out[1].Final || !out[2].Delivered {
		t.Errorf("%+v", out)
	}
}

func TestAlertmanagerAway(t *testing.T) {
	p := newPeer(t, taken)
	p.Close()
	a, err := NewAlertmanager(AlertmanagerConfig{URLs: []string{p.URL}})
	if err != nil {
		t.Fatal(err)
	}
	if o := outcome(t, a, opened()); o.Delivered || o.Final {
		t.Errorf("%+v, want another attempt", o)
	}
	for _, u := range []string{"", "9093", "localhost:9093", "ftp://x/"} {
		if _, err := NewAlertmanager(AlertmanagerConfig{URLs: []string{u}}); err == nil {
			t.Errorf("%q is taken for a URL", u)
		}
	}
}

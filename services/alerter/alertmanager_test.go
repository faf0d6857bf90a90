package alerter_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nabz/nabz/pkg/row"
	"github.com/nabz/nabz/services/internal/notify"
	"github.com/nabz/nabz/services/internal/testkit"
)

// notice is what an Alertmanager sends to a webhook of its own.
type notice struct {
	Status      string            `json:"status"`
	Receiver    string            `json:"receiver"`
	GroupLabels map[string]string `json:"groupLabels"`
	Alerts      []struct {
		Status      string            `json:"status"`
		Labels      map[string]string `json:"labels"`
		Annotations map[string]string `json:"annotations"`
	} `json:"alerts"`
}

// hasty tells an Alertmanager how things stand every second, so that a test
// need not wait for half a minute.
type hasty struct{ notify.Receiver }

func (h hasty) Spec() notify.Spec {
	s := h.Receiver.Spec()
	s.Restate = time.Second
	return s
}

// TestRealAlertmanager goes from a verdict to a page and back through a real
// Alertmanager with the sample configuration, which is away when the incident
// opens, and later loses its memory.
func TestRealAlertmanager(t *testing.T) {
	notices := make(chan notice, 100)
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var n notice
		if err := json.NewDecoder(r.Body).Decode(&n); err != nil {
			t.Error(err)
		}
		select {
		case notices <- n:
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(hook.Close)
	root, err := testkit.Root()
	if err != nil {
		t.Fatal(err)
	}
	sample, err := os.ReadFile(filepath.Join(root, "deploy", "alertmanager", "alertmanager.yml"))
	if err != nil {
		t.Fatal(err)
	}
	am := testkit.NewAlertmanager(t, strings.NewReplacer("http://127.0.0.1:5001", hook.URL, "group_interval: 15s", "group_interval: 2s").Replace(string(sample)))
	client, err := notify.NewAlertmanager(notify.AlertmanagerConfig{URLs: []string{am.URL}, Wallboard: "https://wall.example/"})
	if err != nil {
		t.Fatal(err)
	}
	await := func(what, status string) notice {
		t.Helper()
		ctx := testkit.Context(t)
		for {
			select {
			case n := <-notices:
				if n.Status == status {
					return n
				}
			case <-ctx.Done():
				t.Fatalf("%s: no notice that says %s within %v", what, status, testkit.Patience)
			}
		}
	}
	brokers := testkit.Fake(t)
	topics(t, brokers)
	d := newDesk(t, brokers)
	start(t, brokers, hasty{client})
	d.send(1, d.verdict("c1", row.Breached, row.Settled))

	kill := am.Start(t)
	n := await("an incident that opened while it was away", "firing")
	l, a := n.Alerts[0].Labels, n.Alerts[0].Annotations
	if n.Receiver != "pages" || l["alertname"] != "queue_wait" || l["queue"] != "sales" || l["tenant"] != "acme" || len(l["incident"]) != 32 {
		t.Errorf("receiver %s, labels %v", n.Receiver, l)
	}
	if _, there := l["channel"]; there || a["item"] != "c1" || !strings.Contains(a["summary"], "c1 is past its deadline of 1m in sales") {
		t.Errorf("labels %v, annotations %v", l, a)
	}
	kill()
	am.Start(t)
	await("the same incident after its memory is gone", "firing")
	d.send(1, d.verdict("c1", row.MetLate, row.Settled))
	if n := await("the end", "resolved"); n.Alerts[0].Annotations["resolution"] != "over" {
		t.Errorf("%v", n.Alerts[0])
	}
}

package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
)

// TestAlertTest sends a test incident to an Alertmanager and to a webhook of
// the settings, each by its own rules.
func TestAlertTest(t *testing.T) {
	var alerts, hooks atomic.Int32
	var refuse atomic.Bool
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case refuse.Load():
			w.WriteHeader(http.StatusServiceUnavailable)
		case r.URL.Path == "/api/v2/alerts":
			alerts.Add(1)
		case r.Header.Get("webhook-signature") != "":
			hooks.Add(1)
		}
	}))
	defer s.Close()
	path := filepath.Join(t.TempDir(), "nabz.yaml")
	text := fmt.Sprintf("alerter:\n  webhooks:\n    - name: pager\n      url: %s/hook\n      secret: whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n"+
		"      allow_http: true\n      allow_private: [127.0.0.1]\n", s.URL)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	f := func(name string, want int, words string, args ...string) {
		t.Helper()
		t.Run(name, func(t *testing.T) {
			code, out, errs := call(append([]string{"alert", "test", "--for", "1ms", "--data-dir", t.TempDir()}, args...)...)
			if code != want || !strings.Contains(out+errs, words) {
				t.Errorf("%v: exit code %d, %s%s; want %d and %q", args, code, out, errs, want, words)
			}
		})
	}
	f("both", 0, "taken", "--config", path, "--alertmanager", s.URL)
	if alerts.Load() != 2 || hooks.Load() != 2 {
		t.Errorf("%d alerts and %d messages, want 2 each", alerts.Load(), hooks.Load())
	}
	f("one", 0, "pager", "--config", path, "--alertmanager", s.URL, "--receiver", "pager", "--json")
	if alerts.Load() != 2 || hooks.Load() != 4 {
		t.Errorf("%d alerts and %d messages, want 2 and 4", alerts.Load(), hooks.Load())
	}
	f("unknown", 2, `"pagre"`, "--config", path, "--receiver", "pagre")
	f("none", 2, "no receiver")
	f("bad_url", 2, "9093", "--alertmanager", "9093")
	refuse.Store(true)
	f("refused", 1, "503", "--config", path)
	if code, out, errs := call("config", "print", "--config", path); code != 0 || !strings.Contains(out, path+":3:5") || strings.Contains(out, "whsec") {
		t.Errorf("the settings are shown with %d: %s%s", code, out, errs)
	}
}

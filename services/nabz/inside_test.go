package main

import (
	"encoding/json"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nabz/nabz/services/internal/ready"
)

// lookInside tries the tools of people who look into a running installation.
func lookInside(t *testing.T, path string) {
	t.Helper()
	f, err := ready.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	tokens(t, filepath.Dir(path), f)
}

// tokens makes a key, uses it and revokes it.
func tokens(t *testing.T, dir string, f ready.File) {
	t.Helper()
	must := func(want int, words string, args ...string) string {
		t.Helper()
		code, out, errs := call(append(args, "--data-dir", dir)...)
		if code != want || !strings.Contains(out+errs, words) {
			t.Errorf("nabz %s: exit %d, want %d with %q: %s%s", strings.Join(args, " "), code, want, words, out, errs)
		}
		return out
	}
	secret := strings.TrimSpace(must(0, "shown once", "token", "create", "--name", "pbx", "--tenant", "shop", "--right", "write", "--source", "pbx/*", "--expires", "1d"))
	must(2, "take another name", "token", "create", "--name", "pbx", "--tenant", "shop", "--right", "write")
	send := func(source string) int {
		status, _ := post(t, f.Collector+"/v1/events",
			`{"specversion":"1.0","type":"contact.queued","source":"`+source+`","id":"1","time":"2026-01-01T00:00:00Z","data":{"contact_id":"t1","queue_id":"support"}}`,
			map[string]string{"Content-Type": "application/cloudevents+json", "Authorization": "Bearer " + secret})
		return status
	}
	await(t, "the key to be known", func() bool { return send("pbx/1") == http.StatusOK })
	if status := send("crm"); status != http.StatusForbidden {
		t.Errorf("an event of another source: %d", status)
	}
	var listed struct{ Name, State string }
	if err := json.Unmarshal([]byte(must(0, "pbx", "token", "ls", "--json")), &listed); err != nil || listed.State != "active" {
		t.Errorf("token ls: %+v, %v", listed, err)
	}
	must(0, "refuse", "token", "revoke", "pbx")
	await(t, "the key to be refused", func() bool { return send("pbx/1") == http.StatusUnauthorized })
	must(0, "revoked", "token", "ls")
	must(2, "no such key", "token", "revoke", "nobody")
	must(2, "is past", "token", "create", "--name", "late", "--tenant", "shop", "--right", "write", "--expires", "2020-01-01")
	must(2, "neither a time", "token", "create", "--name", "late", "--tenant", "shop", "--right", "write", "--expires", "soon")
}

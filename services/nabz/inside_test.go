package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nabz/nabz/services/internal/doctor"
	"github.com/nabz/nabz/services/internal/explain"
	"github.com/nabz/nabz/services/internal/ready"
	"github.com/nabz/nabz/services/internal/testkit"
)

// lookInside tries the tools of people who look into a running installation.
func lookInside(t *testing.T, path string) {
	t.Helper()
	f, err := ready.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	tokens(t, filepath.Dir(path), f)
	deadLetters(t, filepath.Dir(path), f)
	explanations(t, path, f)
	examined(t, path)
}

// examined has the installation looked over, sound and unsound.
func examined(t *testing.T, path string) {
	t.Helper()
	look := func() (all map[string]doctor.Finding, failed []string) {
		t.Helper()
		code, out, errs := call("doctor", "--json", "--ready-file", path)
		all = map[string]doctor.Finding{}
		for d := json.NewDecoder(strings.NewReader(out)); d.More(); {
			var f doctor.Finding
			if err := d.Decode(&f); err != nil {
				t.Fatal(err)
			}
			if all[f.Check] = f; f.Level == doctor.Fail {
				failed = append(failed, f.Check)
			}
			if f.Level != doctor.OK && f.Do == "" {
				t.Errorf("%s: nobody knows what to do: %s", f.Check, f.Says)
			}
		}
		if want := map[bool]int{true: exitDone, false: exitDiffers}[len(failed) == 0]; code != want {
			t.Errorf("doctor: exit %d, want %d: %s%s", code, want, out, errs)
		}
		return all, failed
	}
	var all map[string]doctor.Finding
	// How full this machine's disks are is not the test's.
	testkit.Await(t, "a sound installation", func() bool {
		var failed []string
		all, failed = look()
		return !slices.ContainsFunc(failed, func(check string) bool { return !strings.HasPrefix(check, "disk") })
	})
	for _, check := range []string{
		"kafka", "topics", "replicas", "processors", "lag nabz.processor", "lag nabz.loader", "dead letters", "clickhouse", "schema", "clock of ClickHouse",
		"numbers", "conservation", "zones", "service collector", "service processor", "service loader", "alertmanager", "data directory", "secrets.json", "ready.json", "disk",
	} {
		if _, there := all[check]; !there {
			t.Errorf("nobody looked at: %s", check)
		}
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, failed := look(); !slices.Contains(failed, "ready.json") {
		t.Errorf("everybody may read the ready file, and what fails is %q", failed)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	code, out, _ := call("doctor", "--data-dir", t.TempDir(), "--kafka", "127.0.0.1:1", "--clickhouse", "clickhouse://a:b@127.0.0.1:1/nabz", "--service", "gone=http://127.0.0.1:1",
		"--alertmanager", "http://127.0.0.1:1")
	for _, line := range []string{"fail  kafka", "fail  clickhouse", "fail  service gone", "fail  alertmanager", "to do: start the brokers"} {
		if code != exitDiffers || !strings.Contains(out, line) {
			t.Errorf("doctor of nothing: exit %d, want 3 with %q: %s", code, line, out)
		}
	}
}

// explanations go from a number to its facts and events, those refused too.
func explanations(t *testing.T, path string, f ready.File) {
	t.Helper()
	ask := func(into any, args ...string) bool {
		t.Helper()
		code, out, errs := call(append([]string{"explain", "--json", "--ready-file", path}, args...)...)
		if code != 0 {
			t.Fatalf("nabz explain %s: exit %d: %s", strings.Join(args, " "), code, errs)
		}
		if err := json.Unmarshal([]byte(out), into); err != nil {
			t.Fatal(err)
		}
		return true
	}
	queued := func(id, queue string, at time.Time) {
		testkit.Await(t, "event "+id, func() bool {
			status, _ := post(t, f.Collector+"/v1/events", `{"specversion":"1.0","type":"contact.queued","source":"test","id":"`+id+`","time":"`+at.UTC().Format(time.RFC3339Nano)+
				`","tenant":"tell","data":{"contact_id":"`+id+`","queue_id":"`+queue+`"}}`,
				map[string]string{"Content-Type": "application/cloudevents+json", "Authorization": "Bearer " + f.APIKey})
			return status == http.StatusOK
		})
	}
	at := time.Now()
	queued("told", "sales", at)
	queued("told", "sales", at)
	queued("old", "sales", at.Add(-48*time.Hour))
	queued("waited", "sales", at.Add(-90*time.Second))
	var it explain.Item
	testkit.Await(t, "the repeat", func() bool {
		return call0("explain", "contact/told", "--ready-file", path) && ask(&it, "contact/told", "--tenant", "tell") && len(it.Facts) == 2 && len(it.Events) >= 2
	})
	first, second := it.Events[0], it.Events[1]
	if !first.Counted || second.Counted || second.Rejected != "repeat" || second.Offset <= first.Offset || first.Topic != "nabz.events.v1" {
		t.Errorf("events of contact/told: %+v", it.Events)
	}
	var late explain.Item
	testkit.Await(t, "the late event", func() bool {
		return call0("explain", "contact/old", "--ready-file", path) && ask(&late, "contact/old") && len(late.Events) == 1 && late.Events[0].Rejected != ""
	})
	if late.Events[0].Rejected != "below_horizon" || len(late.Facts) != 0 {
		t.Errorf("events of contact/old: %+v", late.Events)
	}
	var waited explain.Item
	testkit.Await(t, "the incident of who waited for too long", func() bool {
		waited = explain.Item{}
		return call0("explain", "contact/waited", "--ready-file", path) && ask(&waited, "contact/waited", "--tenant", "tell") &&
			len(waited.Deadlines) == 1 && waited.Deadlines[0].Incident != nil
	})
	if d := waited.Deadlines[0]; d.Policy != "queue_wait" || d.State != "breached" || d.Target != 60 || d.Incident.State != "firing" || d.Incident.Key == "" {
		t.Errorf("the deadline of contact/waited: %+v, %+v", d, d.Incident)
	}
	var c explain.Cell
	// Facts and sums come by two topics, one after the other.
	testkit.Await(t, "the sums of the cell", func() bool {
		c = explain.Cell{}
		ask(&c, "service_level", "--at", at.UTC().Format(time.RFC3339Nano), "--tenant", "tell", "--where", "queue=sales", "--by", "channel")
		return len(c.Values) > 0 && !slices.ContainsFunc(c.Measures, func(m explain.Measure) bool { return m.Stored == nil || *m.Stored != m.Counted })
	})
	if c.Total != 1 || len(c.Facts) != 1 || c.Facts[0].Item != "contact/told" || len(c.Facts[0].Events) < 2 || len(c.Values) != 1 {
		t.Errorf("the cell: %+v", c)
	}
	for _, m := range c.Measures {
		if m.Name == "offered" && m.Counted != 1 || m.Name == "answered_in" && (m.Refused != 1 || m.Conditions[0].Condition != "outcome is answered") {
			t.Errorf("measure %+v", m)
		}
	}
	var w explain.Cell
	ask(&w, "waiting", "--window", "60m", "--tenant", "tell")
	if w.Total != 2 || w.Measures[0].Counted != 2 {
		t.Errorf("the window: %+v", w)
	}
	var month explain.Cell // the same months as the values have
	testkit.Await(t, "the sums of the month", func() bool {
		month = explain.Cell{}
		ask(&month, "service_level", "--grain", "month", "--months", "persian", "--zone", "Asia/Tehran", "--tenant", "tell")
		return len(month.Values) == 1 && !slices.ContainsFunc(month.Measures, func(m explain.Measure) bool { return m.Stored == nil || *m.Stored != m.Counted })
	})
	if month.Values[0]["time"] != month.From.In(time.FixedZone("", 12_600)).Format(time.RFC3339) || month.Total == 0 {
		t.Errorf("the month: %+v", month)
	}
	text := func(want int, words string, args ...string) {
		t.Helper()
		if code, out, errs := call(append([]string{"explain", "--ready-file", path}, args...)...); code != want || !strings.Contains(out+errs, words) {
			t.Errorf("nabz explain %s: exit %d, want %d with %q: %s%s", strings.Join(args, " "), code, want, words, out, errs)
		}
	}
	text(0, "not outcome is answered", "service_level", "--grain", "day", "--tenant", "tell")
	text(0, "refused: repeat", "contact/told")
	text(0, "queue_wait  1m0s due ", "contact/waited")
	text(1, "nothing is known", "contact/nobody")
	text(2, `no kind "contract", did you mean "contact"?`, "contract/1")
	text(2, `did you mean "offered"?`, "offred")
	text(2, "write dimension=value", "offered", "--where", "team=1")
	text(2, "has the dimensions", "offered", "--by", "team")
	text(2, "not one of 1m", "offered", "--window", "7m")
	text(2, "no grain", "offered", "--grain", "decade")
	text(1, "nothing is known", "offered", "--feed", "nowhere")
}

// call0 tells whether a command ends with 0.
func call0(args ...string) bool {
	code, _, _ := call(args...)
	return code == 0
}

// deadLetters has an event refused that is too far ahead, and sends it again
// when it is not any more.
func deadLetters(t *testing.T, dir string, f ready.File) {
	t.Helper()
	must := func(want int, words string, args ...string) string {
		t.Helper()
		code, out, errs := call(append(args, "--data-dir", dir)...)
		if code != want || !strings.Contains(out+errs, words) {
			t.Errorf("nabz %s: exit %d, want %d with %q: %s%s", strings.Join(args, " "), code, want, words, out, errs)
		}
		return out
	}
	must(0, "no dead letters", "dlq", "ls")
	var ahead time.Time
	tries := 0
	// One that takes longer than a second to arrive is not too far ahead any more.
	testkit.Await(t, "a refused event", func() bool {
		ahead = time.Now().Add(61 * time.Second)
		tries++
		status, answer := post(t, f.Collector+"/v1/events", fmt.Sprintf(`{"specversion":"1.0","type":"contact.queued","source":"test","id":"ahead-%d","tenant":"shop","time":"%s",`+
			`"data":{"contact_id":"ahead","queue_id":"support","customer_id":"+982112345678"}}`, tries, ahead.UTC().Format(time.RFC3339Nano)),
			map[string]string{"Content-Type": "application/cloudevents+json", "Authorization": "Bearer " + f.APIKey})
		if status != http.StatusUnprocessableEntity && status != http.StatusOK {
			t.Fatalf("an event that is ahead: %d %s", status, answer)
		}
		return status == http.StatusUnprocessableEntity
	})
	var g struct {
		Count             int
		Reason, Tenant    string
		Partition, Offset int
	}
	if err := json.Unmarshal([]byte(must(0, "future_time", "dlq", "ls", "--json")), &g); err != nil || g.Count != 1 || g.Tenant != "shop" {
		t.Errorf("dlq ls: %+v, %v", g, err)
	}
	at := fmt.Sprintf("%d/%d", g.Partition, g.Offset)
	must(0, at, "dlq", "ls", "--each", "--reason", "future_time")
	must(0, "no dead letters", "dlq", "ls", "--tenant", "bank")
	if out := must(0, "contact.queued", "dlq", "show", at); strings.Contains(out, "2112345678") {
		t.Errorf("a number of a person is shown: %s", out)
	}
	must(0, "+982112345678", "dlq", "show", at, "--open")
	must(1, "authentication failed", "dlq", "show", at, "--open", "--identity-key", strings.Repeat("x", 32))
	must(1, "no such record", "dlq", "show", "0/99")
	must(2, "no place", "dlq", "show", "17")
	testkit.Await(t, "the event's time", func() bool { return time.Until(ahead) < time.Minute })
	must(0, "1 letters: 1 to be sent, 0 accepted", "dlq", "replay", "--dry-run")
	must(0, "1 letters: 1 sent, 1 accepted, 0 refused", "dlq", "replay")
	must(0, "1 letters would be dropped", "dlq", "drop", "--all", "--dry-run")
	must(0, "0 letters", "dlq", "drop", "--older-than", "1d", "--yes")
	must(2, "is needed", "dlq", "drop")
	must(2, "no partition 99", "dlq", "drop", "--through", "99/0", "--yes")
	must(0, "1 letters dropped", "dlq", "drop", "--through", at, "--yes")
	must(0, "no dead letters", "dlq", "ls")
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
	testkit.Await(t, "the key to be known", func() bool { return send("pbx/1") == http.StatusOK })
	if status := send("crm"); status != http.StatusForbidden {
		t.Errorf("an event of another source: %d", status)
	}
	var listed struct{ Name, State string }
	if err := json.Unmarshal([]byte(must(0, "pbx", "token", "ls", "--json")), &listed); err != nil || listed.State != "active" {
		t.Errorf("token ls: %+v, %v", listed, err)
	}
	must(0, "refuse", "token", "revoke", "pbx")
	testkit.Await(t, "the key to be refused", func() bool { return send("pbx/1") == http.StatusUnauthorized })
	must(0, "revoked", "token", "ls")
	must(2, "no such key", "token", "revoke", "nobody")
	must(2, "is past", "token", "create", "--name", "late", "--tenant", "shop", "--right", "write", "--expires", "2020-01-01")
	must(2, "neither a time", "token", "create", "--name", "late", "--tenant", "shop", "--right", "write", "--expires", "soon")
}

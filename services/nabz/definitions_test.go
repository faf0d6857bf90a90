package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nabz/nabz/services/internal/epochs"
	"github.com/nabz/nabz/services/internal/ready"
	"github.com/nabz/nabz/services/internal/testkit"
)

const quickKPI = `title: {en: Quick, fa: سریع}
help: How many were answered within seven seconds.
formula: answered within seven seconds
source: Our own
owner: operations
level: operational
family: service
unit: count
of: queue_segment
at: enqueued_at
by: [queue, channel]
params: {limit: 7s}
measures:
  quick: {count: {outcome: answered, wait: {le: $limit}}}
value: quick
`

// value asks an installation for a KPI over all time; null where there is
// nothing to say.
func value(t *testing.T, path, kpi string, args ...string) *float64 {
	t.Helper()
	code, out, errs := call(append([]string{"get", kpi, "--json", "--ready-file", path}, args...)...)
	if code != 0 {
		t.Fatalf("nabz get %s: exit %d: %s", kpi, code, errs)
	}
	var row struct{ Value *float64 }
	if strings.TrimSpace(out) == "" {
		return nil
	}
	if err := json.Unmarshal([]byte(out), &row); err != nil {
		t.Fatalf("%s: %v", out, err)
	}
	return row.Value
}

// TestDefinitionsAtRunTime gives a KPI of its own to an installation that has
// run without it: its numbers of before are there too, and equal the raw events.
func TestDefinitionsAtRunTime(t *testing.T) {
	data, own := filepath.Join(t.TempDir(), "data"), t.TempDir()
	write := func(file, text string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(filepath.Join(own, file)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(own, file), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	path, stop := installationIn(t, data, "run", "--partitions", "2")
	f, err := ready.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	sendContact(t, f, "before")
	answered(t, f, "1")
	if code, _, errs := call("get", "quick", "--ready-file", path); code != exitUsage {
		t.Errorf("a KPI that is not there yet: exit %d: %s", code, errs)
	}
	if err := stop(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	write("kpi/quick/kpi.yaml", strings.Replace(quickKPI, "outcome: answered", "outcom: answered", 1))
	code, _, errs := call("run", "--ports", "auto", "--data-dir", data, "--definitions", own)
	if want := filepath.Join(own, "kpi", "quick", "kpi.yaml") + ":14:19: "; code != exitUsage || !strings.Contains(errs, want) || !strings.Contains(errs, `did you mean "outcome"?`) {
		t.Fatalf("a slip of the pen: exit %d, want 2 with %s: %s", code, want, errs)
	}
	write("kpi/quick/kpi.yaml", quickKPI)
	path, stop = installationIn(t, data, "run", "--partitions", "2", "--definitions", own)
	if f, err = ready.Read(path); err != nil {
		t.Fatal(err)
	}
	write("kpi/quick/kpi.yaml", "being edited")
	is := func(want float64) func() bool {
		return func() bool {
			v := value(t, path, "quick")
			return v != nil && *v == want
		}
	}
	testkit.Await(t, "the contact of before", is(1))
	sendWaiting(t, f, "after", 5*time.Second)
	testkit.Await(t, "the contact of after", is(2))
	line := "SELECT toInt64(sum(value)), (SELECT count() FROM nabz.kpi_catalog WHERE name = 'quick') FROM nabz.kpi_quick_by_day"
	if status, got := post(t, f.ClickHouseHTTP, line, map[string]string{"X-ClickHouse-User": f.BIUser, "X-ClickHouse-Key": f.BIPassword}); status != 200 || got != "2\t1" {
		t.Errorf("%s: %d %s", line, status, got)
	}
	if code, out, errs := call("verify", "--kpi", "quick", "--ready-file", path); code != 0 || !strings.Contains(out, " cells compared, 0 differences") {
		t.Errorf("verify: exit %d: %s%s", code, out, errs)
	}
	if code, out, errs := call("migrate", "--dry-run", "--ready-file", path); code != 0 || out != "" {
		t.Errorf("migrate --dry-run: exit %d: %s%s", code, out, errs)
	}
	if code, out, _ := call("kpi", "show", "quick", "--data-dir", data); code != 0 || !strings.Contains(out, "answered within seven seconds") {
		t.Errorf("kpi show: exit %d: %s", code, out)
	}
	if err := stop(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	write("kpi/quick/kpi.yaml", strings.Replace(quickKPI, "limit: 7s", "limit: 3s", 1))
	path, _ = installationIn(t, data, "run", "--partitions", "2", "--definitions", own)
	if f, err = ready.Read(path); err != nil {
		t.Fatal(err)
	}
	sendContact(t, f, "third")
	sendContact(t, f, "fourth")
	testkit.Await(t, "the contacts under the new threshold", is(3))
	revisions(t, path)
}

// revisions holds the epochs of an installation beside each other, the second
// under a threshold of 7 s and the third of 3 s, and computes a fourth.
func revisions(t *testing.T, path string) {
	t.Helper()
	must := func(want int, words string, args ...string) {
		t.Helper()
		code, out, errs := call(append(args, "--ready-file", path)...)
		if code != want || !strings.Contains(out+errs, words) {
			t.Errorf("nabz %s: exit %d, want %d with %q: %s%s", strings.Join(args, " "), code, want, words, out, errs)
		}
	}
	cell := func(want int, a, b float64, args ...string) {
		t.Helper()
		code, out, errs := call(append([]string{"kpi", "diff", "quick", "--json", "--grain", "all", "--ready-file", path}, args...)...)
		var c struct{ A, B *float64 }
		if err := json.Unmarshal([]byte(out), &c); code != want || err != nil || c.A == nil || *c.A != a || c.B == nil || *c.B != b {
			t.Errorf("nabz kpi diff %s: exit %d, want %d with %v and %v: %s%s", strings.Join(args, " "), code, want, a, b, out, errs)
		}
	}
	cell(exitDiffers, 2, 3)
	cell(exitDiffers, 3, 2, "--epoch", "3", "--epoch", "2")
	must(exitUsage, "epoch 1 had no KPI quick", "kpi", "diff", "quick", "--epoch", "1")
	must(exitUsage, "no epoch 9; there are 3, 2, 1", "kpi", "diff", "quick", "--epoch", "9")
	must(0, "epoch 4 is shown", "recompute", "--wait")
	cell(0, 3, 3)
	cell(exitDiffers, 2, 3, "--epoch", "2")
	for epoch, want := range map[string]float64{"2": 2, "3": 3, "4": 3} {
		if v := value(t, path, "quick", "--epoch", epoch); v == nil || *v != want {
			t.Errorf("in epoch %s: %v, want %v", epoch, v, want)
		}
	}
	must(0, "shown", "kpi", "epochs")
	_, out, _ := call("kpi", "epochs", "--json", "--ready-file", path)
	var states []string
	for line := range strings.Lines(out) {
		var e epochs.Epoch
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		states = append(states, fmt.Sprintf("%d %s", e.Epoch, e.State()))
	}
	if want := []string{"4 shown", "3 kept", "2 kept", "1 kept"}; !slices.Equal(states, want) {
		t.Errorf("the epochs are %q, want %q", states, want)
	}
	must(0, ", 0 differences", "verify", "--kpi", "quick")
}

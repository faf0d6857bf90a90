package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

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
	path, _ = installationIn(t, data, "run", "--partitions", "2", "--definitions", own)
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
	sendContact(t, f, "after")
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
}

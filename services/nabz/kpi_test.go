package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestOwnKPI makes a KPI, which holds as it is, and spoils its definition and
// its scenario.
func TestOwnKPI(t *testing.T) {
	dir := t.TempDir()
	f := func(want int, words string, args ...string) {
		t.Helper()
		code, out, errs := call(append([]string{"kpi"}, args...)...)
		if code != want || !strings.Contains(out+errs, words) {
			t.Errorf("nabz kpi %s: exit %d, want %d with %q: %s%s", strings.Join(args, " "), code, want, words, out, errs)
		}
	}
	spoil := func(file, old, slip string) {
		t.Helper()
		path := filepath.Join(dir, "our_rate", file)
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(text), old) {
			t.Fatalf("%s does not say %q", file, old)
		}
		if err := os.WriteFile(path, []byte(strings.Replace(string(text), old, slip, 1)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	folder := filepath.Join(dir, "our_rate")
	f(0, "nabz kpi check", "new", "our_rate", "--in", dir)
	f(0, "1 definitions, no mistakes", "check", folder)
	f(0, "1 definitions, no mistakes", "check", dir)
	f(2, "file exists", "new", "our_rate", "--in", dir)
	f(2, "is there", "new", "asa", "--in", dir)
	f(2, "lower-case letters", "new", "Our", "--in", dir)
	spoil("scenario.txt", "our_rate = 0.5", "our_rate = 0.75")
	f(3, "scenario.txt:8: our_rate  ", "check", folder)
	spoil("scenario.txt", "our_rate = 0.75", "our_rate = 0.5")
	spoil("kpi.yaml", "outcome: answered", "outcome: answred")
	f(2, "our_rate/kpi.yaml:15:", "check", folder)
	f(2, "nabz: "+filepath.Join(folder, "kpi.yaml")+":15:31: ", "check", filepath.Join(folder, "kpi.yaml"))
	spoil("kpi.yaml", "outcome: answred", "outcome: answered")
	spoil("kpi.yaml", "family: service", "family: service\nparents: [answerd_rate]")
	f(2, `kpi.yaml:8:11: no KPI "answerd_rate", did you mean "answered_rate"?`, "check", folder)
	spoil("kpi.yaml", "[answerd_rate]", "[our_rate]")
	f(2, `kpi.yaml:8:11: a KPI is not its own parent`, "check", folder)
	spoil("kpi.yaml", "[our_rate]", "[answered_rate]\nkind: kri\ntags: [copc, ours]")
	f(0, "2 definitions, no mistakes", "check", folder, filepath.Join(folder, "kpi.yaml"))
	spoil("scenario.txt", "contact.answered", "contact.anwered")
	f(2, `scenario.txt:3: no event type "contact.anwered"`, "check", folder)
	f(2, "no such file", "check", filepath.Join(dir, "none"))
	f(2, "no folder that holds a kpi.yaml", "check", t.TempDir())
	f(0, "definitions, no mistakes", "check")
	f(0, "answered_in", "list")
	f(0, "longest_waiting", "list", "--kind", "kri")
	f(0, "copc,iso18295", "list", "--tag", "copc", "--family", "service", "--level", "operational")
	f(0, "short_abandoned", "list", "--parent", "abandonment_rate", "--json")
	f(0, "no KPI is all of that", "list", "--of", "queue_segment", "--level", "corporate")
	f(2, `--family: no KPI has "servce", did you mean "service"?`, "list", "--family", "servce")
	f(2, "must be one of", "list", "--kind", "kpj")
	f(0, "abandoned, offered, short_abandoned", "show", "abandonment_rate")
	f(0, "nabz.kpi_asa_by_day", "show", "asa")
	f(0, "contact.queued", "show", "asa")
	f(0, "outcome is answered", "show", "service_level")
	f(0, "toStartOfHour", "show", "service_level", "--sql", "--grain", "hour")
	f(0, `"sql":`, "show", "asa", "--json")
	f(2, `did you mean "offered"?`, "show", "offred")
}

// TestNewOfEveryFamily makes a KPI of each family that a history is there for,
// and it holds.
func TestNewOfEveryFamily(t *testing.T) {
	dir := t.TempDir()
	made := 0
	for _, family := range []string{"queue_segment", "agent_segment", "contact", "login_span", "agent_state", "agent_pause"} {
		if code, out, errs := call("kpi", "new", "number_"+family, "--of", family, "--dir", filepath.Join(dir, "kpi")); code != 0 {
			t.Errorf("nabz kpi new --of %s: exit %d: %s%s", family, code, out, errs)
			continue
		}
		made++
	}
	code, out, errs := call("kpi", "check", filepath.Join(dir, "kpi"))
	if want := fmt.Sprintf("%d definitions, no mistakes\n", made); code != 0 || out != want {
		t.Errorf("nabz kpi check: exit %d: %s%s", code, out, errs)
	}
	if code, _, errs := call("kpi", "check", "--definitions", dir); code != 0 {
		t.Errorf("nabz kpi check of all: exit %d: %s", code, errs)
	}
	if code, _, errs := call("kpi", "new", "x", "--of", "queue_segments", "--dir", dir); code != exitUsage || !strings.Contains(errs, `did you mean "queue_segment"?`) {
		t.Errorf("of no family: exit %d: %s", code, errs)
	}
}

func TestCompletion(t *testing.T) {
	f := func(want string, words ...string) {
		t.Helper()
		_, out, _ := call(append([]string{"complete"}, words...)...)
		if !slices.Contains(strings.Split(out, "\n"), want) {
			t.Errorf("complete %q: %q lacks %s", words, out, want)
		}
	}
	f("topics", "to")
	f("apply", "topics", "")
	f("--partitions", "topics", "plan", "--par")
	f("--kafka", "get", "--")
	f("quarter_hour", "kpi", "show", "asa", "--grain", "q")
	f("service_level", "get", "ser")
	f("service_level", "verify", "--kpi", "ser")
	f("default", "--log-level", "warn", "run", "--ports", "")
	if _, out, _ := call("complete", "kpi", "show", "asa", "--zone", "s"); out != "" {
		t.Errorf("a zone is completed by %q", out)
	}
	for _, shell := range []string{"bash", "zsh", "fish"} {
		if code, out, _ := call("completion", shell); code != 0 || !strings.Contains(out, "nabz complete ") {
			t.Errorf("completion %s: exit %d: %s", shell, code, out)
		}
	}
	if code, _, _ := call("completion", "tcsh"); code != exitUsage {
		t.Errorf("completion tcsh: exit %d", code)
	}
}

package main

import (
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
	f(1, "0.5", "check", folder)
	spoil("scenario.txt", "our_rate = 0.75", "our_rate = 0.5")
	spoil("kpi.yaml", "outcome: answered", "outcome: answred")
	f(1, "our_rate/kpi.yaml:15:", "check", folder)
	f(2, "is no folder", "check", filepath.Join(dir, "none"))
	f(0, "definitions, no mistakes", "check")
	f(0, "answered_in", "list")
	f(0, "outcome is answered", "show", "service_level")
	f(0, "toStartOfHour", "show", "service_level", "--sql", "--grain", "hour")
	f(0, `"sql":`, "show", "asa", "--json")
	f(2, `did you mean "offered"?`, "show", "offred")
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

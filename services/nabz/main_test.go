package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"github.com/nabz/nabz/services/internal/testkit"
)

var kit testkit.Kit

// envMain makes a start of the test's program the binary itself.
const envMain = "NABZ_TEST_MAIN"

func TestMain(m *testing.M) {
	if os.Getenv(envMain) != "" {
		main()
	}
	os.Exit(kit.Run(m))
}

// call runs a command line as the binary would.
func call(args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	code = run(context.Background(), args, &out, &errs)
	return code, out.String(), errs.String()
}

func TestEveryCommandHasAnExample(t *testing.T) {
	var c cli
	k, err := kong.New(&c)
	if err != nil {
		t.Fatal(err)
	}
	var visit func(n *kong.Node)
	visit = func(n *kong.Node) {
		for _, child := range n.Children {
			if !strings.Contains(child.Detail, "Example") {
				t.Errorf("nabz %s --help has no example", child.FullPath())
			}
			visit(child)
		}
	}
	visit(k.Model.Node)
	if len(k.Model.Children) < 8 {
		t.Errorf("only %d commands", len(k.Model.Children))
	}
}

func TestExitCodes(t *testing.T) {
	dir := t.TempDir()
	f := func(name string, want int, words string, args ...string) {
		t.Run(name, func(t *testing.T) {
			code, out, errs := call(args...)
			if code != want || !strings.Contains(out+errs, words) {
				t.Errorf("nabz %s: exit %d, want %d with %q:\n%s%s", strings.Join(args, " "), code, want, words, out, errs)
			}
		})
	}
	f("help", 0, "NABZ_KAFKA", "--help")
	f("version", 0, "nabz ", "version")
	f("unknown_command", 2, "unexpected argument", "nonsense")
	f("unknown_flag", 2, "unknown flag", "version", "--nonsense")
	f("bad_level", 2, "log-level", "version", "--log-level", "loud")
	f("no_installation", 1, "no installation runs here", "topics", "plan", "--data-dir", dir)
	f("no_kafka", 2, "--kafka", "processor")
	f("port_twice", 1, "address already in use", "run", "--data-dir", filepath.Join(dir, "twice"), "--kafka-port", "18080", "--collector-port", "18080")
	f("no_folder", 1, "make the data directory", "run", "--data-dir", "/proc/nabz")
	calls := filepath.Join(dir, "calls.csv")
	if err := os.WriteFile(calls, []byte("a,b\n1,2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	f("no_call_log", 2, "none.csv: no such file", "replay", filepath.Join(dir, "none.csv"), "--mapping", "anonymous_bank")
	f("call_log_directory", 2, "is a directory", "replay", dir, "--mapping", "anonymous_bank")
	f("no_mapping", 2, "no file ours; built in: anonymous_bank", "replay", calls, "--mapping", "ours")
	f("mapping_of_another_log", 2, `anonymous_bank.yaml:9:12: no column "vru+line" in the file`, "replay", calls, "--mapping", "anonymous_bank", "--dry-run")
	f("replaced_live", 2, "--replace", "replay", calls, "--mapping", "anonymous_bank", "--feed", "live", "--replace")
	f("negative_rate", 2, "--rate", "replay", calls, "--mapping", "anonymous_bank", "--rate=-1")
	f("followed_mapping", 2, "only a native log can be followed", "replay", calls, "--mapping", "anonymous_bank", "--follow")
	f("followed_to_its_end", 2, "--follow goes on for ever", "replay", calls, "--source", "asterisk.queue_log", "--follow", "--wait")
	f("no_speed", 2, "--speed: 0", "demo", "--speed", "0")
	f("no_partitions", 2, "--partitions: 0, 1 to 1024", "run", "--partitions", "0", "--data-dir", dir)
	f("bad_broker", 2, `--kafka: "nohost:xx" is no HOST:PORT`, "run", "--kafka", "nohost:xx", "--data-dir", dir)
	f("bad_clickhouse", 2, "--clickhouse: read the ClickHouse URL", "run", "--clickhouse", "foo", "--data-dir", dir)
	f("no_kpi", 2, `no KPI "offred", did you mean "offered"?`, "verify", "--kpi", "offred")
	f("bad_from", 2, `from: "yesterday" is no time: write 2026-03-02`, "verify", "--from", "yesterday")
	f("to_before_from", 2, "to: 2026-01-01 is not after 2027-01-01", "get", "offered", "--from", "2027-01-01", "--to", "2026-01-01")
	f("week_of_nine_days", 2, "week start: 9 is no day", "get", "offered", "--week-start", "9")
	f("no_config", 2, "no such file", "config", "check", "--config", filepath.Join(dir, "none.yaml"))
}

func TestConfig(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "nabz.yaml")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("kafka: [one:1, two:2]\nlog-level: warn\nclickhouse: clickhouse://u:hunter2@h:1/d\ncollector:\n  listen: 127.0.0.1:8888\n  api_key_file: " + file + "\n")
	t.Setenv("NABZ_LOG_LEVEL", "error")
	t.Setenv("NABZ_DATA_DIR", "from-env")
	code, out, errs := call("config", "print", "--json", "--config", file, "--data-dir", "from-flag")
	if code != 0 {
		t.Fatal(code, errs)
	}
	var all []setting
	if err := json.Unmarshal([]byte(out), &all); err != nil {
		t.Fatal(err)
	}
	got := map[string]setting{}
	for _, s := range all {
		got[s.Name] = s
	}
	f := func(name, value, origin string) {
		t.Helper()
		if s := got[name]; s.Value != value || s.Origin != origin {
			t.Errorf("%s is %q by %q, want %q by %q", name, s.Value, s.Origin, value, origin)
		}
	}
	f("data_dir", "from-flag", "flag --data-dir")
	f("log_level", "error", "environment NABZ_LOG_LEVEL")
	f("kafka", "one:1,two:2", file+":1:8")
	f("clickhouse", "***", file+":3:13")
	f("collector.listen", "127.0.0.1:8888", file+":5:11")
	f("collector.api_key", "***", file+":6:17")
	f("processor.flush", "100ms", "default")
	if strings.Contains(out, "hunter2") {
		t.Error("a secret is printed")
	}
	bad := func(text, words string) {
		t.Helper()
		write(text)
		if code, _, errs := call("config", "check", "--config", file); code != exitUsage || !strings.Contains(errs, words) {
			t.Errorf("%q: exit %d, want 2 with %q: %s", text, code, words, errs)
		}
	}
	bad("kafak: x\n", `:1:1: unknown key "kafak", did you mean "kafka"?`)
	bad("collector:\n  lisen: x\n", `:2:3: unknown key "lisen", did you mean "listen"?`)
	bad("kafka: a\nkafka: b\n", "is there twice")
	bad("kafka: {a: b}\n", "a value is expected")
	bad("processor:\n  flush: soon\n", ":2:10: processor.flush")
	bad("run:\n  ports: some\n", "is not one of auto,default")
	bad("run:\n  partitions: x\n  demo: maybe\n", ":3:9: run.demo")
	bad("run:\n  partitions: x\n  demo: maybe\n", ":2:15: run.partitions")
}

package embedded_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/nabz/nabz/services/internal/embedded"
	"github.com/nabz/nabz/services/internal/kafka"
	"github.com/nabz/nabz/services/internal/supervise"
	"github.com/nabz/nabz/services/internal/testkit"
)

var kit testkit.Kit

func TestMain(m *testing.M) { os.Exit(kit.Run(m)) }

// ask runs a statement over HTTP and gives the status and the answer.
func ask(t *testing.T, base, user, password, statement string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base, strings.NewReader(statement))
	if err != nil {
		t.Fatal(err)
	}
	if user != "" {
		req.Header.Set("X-ClickHouse-User", user)
		req.Header.Set("X-ClickHouse-Key", password)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, strings.TrimSpace(string(b))
}

func services(t *testing.T, e *testkit.Engine, statement string) string {
	t.Helper()
	status, answer := ask(t, e.Config.HTTPURL(), embedded.UserServices, e.Config.Accounts.Services, statement)
	if status != http.StatusOK {
		t.Fatalf("%s: %d %s", statement, status, answer)
	}
	return answer
}

func TestAccounts(t *testing.T) {
	e := kit.Engine(t)
	base := e.Config.HTTPURL()
	services(t, e, "CREATE DATABASE IF NOT EXISTS hidden")
	services(t, e, "CREATE TABLE IF NOT EXISTS hidden.t (a Int64) ENGINE = MergeTree ORDER BY a")
	services(t, e, "INSERT INTO hidden.t VALUES (42)")
	services(t, e, "CREATE OR REPLACE VIEW nabz.seen DEFINER = CURRENT_USER SQL SECURITY DEFINER AS SELECT a FROM hidden.t")
	bi := func(statement string) (int, string) {
		return ask(t, base, embedded.UserBI, e.Config.Accounts.BI, statement)
	}
	for _, statement := range []string{
		"SELECT a FROM nabz.seen",
		"SELECT a FROM nabz.seen SETTINGS max_execution_time = 50, max_threads = 1",
		"SELECT name FROM system.columns WHERE database = 'nabz'",
	} {
		if status, answer := bi(statement); status != http.StatusOK || answer == "" {
			t.Errorf("bi may: %s: %d %s", statement, status, answer)
		}
	}
	refused := []string{
		"SELECT a FROM hidden.t",
		"INSERT INTO nabz.seen VALUES (1)",
		"INSERT INTO hidden.t VALUES (1)",
		"ALTER TABLE hidden.t DELETE WHERE 1",
		"DROP VIEW nabz.seen",
		"DROP DATABASE hidden",
		"TRUNCATE TABLE hidden.t",
		"CREATE TABLE nabz.x (a Int64) ENGINE = Memory",
		"CREATE TEMPORARY TABLE x (a String) ENGINE = File(LineAsString, '/etc/passwd')",
		"CREATE USER x",
		"GRANT SELECT ON hidden.* TO bi",
		"SYSTEM SHUTDOWN",
		"SYSTEM STOP LISTEN HTTP",
		"SYSTEM FLUSH LOGS",
		"SELECT * FROM file('/etc/passwd', 'LineAsString')",
		"SELECT * FROM url('http://127.0.0.1:1/', 'LineAsString')",
		"SELECT * FROM remote('127.0.0.1', hidden.t)",
		"SELECT * FROM executable('id', 'LineAsString', 'l String')",
		"INSERT INTO FUNCTION file('/tmp/nabz-bi', 'LineAsString') SELECT 'x'",
		"SELECT 1 INTO OUTFILE '/tmp/nabz-bi'",
		"SET readonly = 0",
		"SELECT a FROM nabz.seen SETTINGS readonly = 0",
		"SELECT a FROM nabz.seen SETTINGS max_execution_time = 3600",
		"SELECT a FROM nabz.seen SETTINGS max_memory_usage = 100000000000",
		"BACKUP DATABASE nabz TO File('/tmp/nabz-bi')",
	}
	for _, statement := range refused {
		if status, answer := bi(statement); status == http.StatusOK {
			t.Errorf("bi must not: %s: %s", statement, answer)
		}
		// Whoever logs in as the engine's own session user reads nothing.
		if status, answer := ask(t, base, "", "", statement); status == http.StatusOK {
			t.Errorf("default must not: %s: %s", statement, answer)
		}
	}
	// A user may end queries of its own, and no other's. The query goes on for
	// much longer than anybody needs to look at it.
	ended := make(chan int, 1)
	go func() { // ends when the query is killed
		status, _ := ask(t, base, embedded.UserServices, e.Config.Accounts.Services, "SELECT sleepEachRow(0.1) FROM numbers(36000) SETTINGS max_block_size = 1, max_execution_time = 0 FORMAT Null")
		ended <- status
	}()
	runs := func() bool {
		return services(t, e, "SELECT count() FROM system.processes WHERE query LIKE '%sleepEachRow%' AND query NOT LIKE '%processes%' AND NOT is_cancelled") == "1"
	}
	testkit.Await(t, "a query to kill", runs)
	bi("KILL QUERY WHERE user = 'nabz' SYNC")
	if !runs() {
		t.Errorf("bi ended a query of nabz")
	}
	services(t, e, "KILL QUERY WHERE query LIKE '%sleepEachRow%' AND query NOT LIKE '%KILL%' SYNC")
	if status := <-ended; status == http.StatusOK {
		t.Error("nabz cannot end a query of its own")
	}
	if got := services(t, e, "SELECT count(), sum(a) FROM hidden.t"); got != "1\t42" {
		t.Errorf("after all that the table holds %q", got)
	}
	for user, password := range map[string]string{"nabz": "wrong", "bi": "", "nobody": "x"} {
		if status, _ := ask(t, base, user, password, "SELECT 1"); status == http.StatusOK {
			t.Errorf("user %s logs in with a bad password", user)
		}
	}
}

func open(t *testing.T, addr, user, password, database string) clickhouse.Conn {
	t.Helper()
	c, err := clickhouse.Open(&clickhouse.Options{
		Addr: []string{addr}, Auth: clickhouse.Auth{Username: user, Password: password, Database: database},
		DialTimeout: testkit.Patience,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func TestGuard(t *testing.T) {
	e := kit.Engine(t)
	pid := e.PID()
	good := open(t, e.Native, embedded.UserServices, e.Config.Accounts.Services, "nabz")
	check := func(after string) {
		t.Helper()
		var one uint8
		if err := good.QueryRow(t.Context(), "SELECT 1").Scan(&one); err != nil || one != 1 {
			t.Fatalf("after %s: %d, %v", after, one, err)
		}
		if now := e.PID(); now != pid {
			t.Fatalf("after %s the engine was restarted: %d, was %d", after, now, pid)
		}
	}
	check("a good log-in")
	f := func(name, user, password, database string, code int32) {
		t.Run(name, func(t *testing.T) {
			err := open(t, e.Native, user, password, database).Ping(t.Context())
			var ex *clickhouse.Exception
			if !errors.As(err, &ex) || ex.Code != code {
				t.Errorf("%v, want exception %d", err, code)
			}
		})
		check(name)
	}
	pw := e.Config.Accounts.Services
	f("wrong_password", "nabz", "wrong", "nabz", 516)
	f("unknown_user", "nobody", "", "nabz", 516)
	f("user_default", "default", "", "", 516)
	f("unknown_database", "nabz", pw, "nowhere", 81)
	f("odd_database", "nabz", pw, "a'b\\` --", 81)
	for name, bytes := range map[string]string{
		"http":         "GET / HTTP/1.1\r\n\r\n",
		"zeros":        strings.Repeat("\x00", 100),
		"huge_text":    "\x00\xff\xff\xff\xff\x0f",
		"long_garbage": "\x00" + strings.Repeat("\xff", 10_000),
		"nothing":      "",
	} {
		send(t, e.Native, []byte(bytes), false)
		check(name)
		send(t, e.Native, []byte(bytes), true)
		check(name + " and a reset")
	}
	t.Run("reset_in_a_query", func(t *testing.T) {
		for range 20 {
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
			rows, err := open(t, e.Native, embedded.UserBI, e.Config.Accounts.BI, "nabz").Query(ctx, "SELECT number, toString(number) FROM system.numbers")
			if err == nil {
				for rows.Next() {
				}
				rows.Close()
			}
			cancel()
		}
		resetIdle(t, e)
	})
	check("clients that went away")
}

// send opens a connection, writes, and closes it or resets it.
func send(t *testing.T, addr string, b []byte, reset bool) {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if reset {
		if err := conn.(*net.TCPConn).SetLinger(0); err != nil {
			t.Fatal(err)
		}
	}
	_, _ = conn.Write(b) // the guard may have closed it already
}

// resetIdle resets a session after its hello, between two packets.
func resetIdle(t *testing.T, e *testkit.Engine) {
	t.Helper()
	var raw net.Conn
	c, err := clickhouse.Open(&clickhouse.Options{
		Addr: []string{e.Native},
		Auth: clickhouse.Auth{Username: embedded.UserServices, Password: e.Config.Accounts.Services, Database: "nabz"},
		DialContext: func(ctx context.Context, addr string) (net.Conn, error) {
			conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
			raw = conn
			return conn, err
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := raw.(*net.TCPConn).SetLinger(0); err != nil {
		t.Fatal(err)
	}
	raw.Close()
}

func TestEngineKilled(t *testing.T) {
	e := testkit.NewEngine(t)
	services(t, e, "CREATE TABLE nabz.t (a Int64) ENGINE = MergeTree ORDER BY a")
	conn := open(t, e.Native, embedded.UserServices, e.Config.Accounts.Services, "nabz")
	for round := range 3 {
		services(t, e, fmt.Sprintf("INSERT INTO nabz.t VALUES (%d)", round))
		pid := e.PID()
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		killed := time.Now()
		testkit.Await(t, "the engine's successor", func() bool {
			return e.PID() != pid && conn.Ping(t.Context()) == nil
		})
		t.Logf("back after %v", time.Since(killed).Round(time.Millisecond))
		if got := services(t, e, "SELECT count() FROM nabz.t"); got != fmt.Sprint(round+1) {
			t.Errorf("after kill %d the table holds %s rows", round+1, got)
		}
	}
}

// TestMergeThatBreaks empties the files of a merged part, as a merge on a full
// disk leaves them, and kills the engine: what was merged is still there.
func TestMergeThatBreaks(t *testing.T) {
	e := testkit.NewEngine(t)
	if got := services(t, e, "SELECT value FROM system.merge_tree_settings WHERE name = 'old_parts_lifetime'"); got != "480" {
		t.Fatalf("what was merged stays for %s s, should be 480", got)
	}
	services(t, e, "CREATE TABLE nabz.merged (a Int64) ENGINE = ReplacingMergeTree ORDER BY a SETTINGS merge_tree_clear_old_parts_interval_seconds = 1")
	for row := range 3 {
		services(t, e, fmt.Sprintf("INSERT INTO nabz.merged VALUES (%d)", row))
	}
	services(t, e, "OPTIMIZE TABLE nabz.merged FINAL")
	merged := services(t, e, "SELECT path FROM system.parts WHERE table = 'merged' AND active")
	files, err := filepath.Glob(filepath.Join(merged, "*"))
	if err != nil || len(files) == 0 || strings.Contains(merged, "\n") {
		t.Fatalf("the merged part is %q, with %d files: %v", merged, len(files), err)
	}
	for _, f := range files {
		if err := os.Truncate(f, 0); err != nil {
			t.Fatal(err)
		}
	}
	pid := e.PID()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	conn := open(t, e.Native, embedded.UserServices, e.Config.Accounts.Services, "nabz")
	testkit.Await(t, "the engine's successor", func() bool { return e.PID() != pid && conn.Ping(t.Context()) == nil })
	if got := services(t, e, "SELECT count() FROM nabz.merged"); got != "3" {
		t.Errorf("after the kill the table holds %s rows, should be 3", got)
	}
}

// startKafka supervises a broker. Of every further start the process is told.
func startKafka(t *testing.T) (brokers []string, pid int, next <-chan int) {
	t.Helper()
	dir := t.TempDir()
	ports, err := supervise.Ports(t.Context(), filepath.Join(dir, "ports.json"), "127.0.0.1", []string{"kafka"})
	if err != nil {
		t.Fatal(err)
	}
	part, err := embedded.KafkaPart(embedded.KafkaConfig{Dir: filepath.Join(dir, "kafka"), Host: "127.0.0.1", Port: ports["kafka"]})
	if err != nil {
		t.Fatal(err)
	}
	started := make(chan int, 16)
	s, err := supervise.New(supervise.Config{Parts: []supervise.Part{part}, Changed: func(p map[string]int) error {
		started <- p[embedded.PartKafka]
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	pid = <-started
	brokers = []string{fmt.Sprintf("127.0.0.1:%d", ports["kafka"])}
	admin := kafka.NewAdmin(brokers)
	defer admin.Close()
	topics := kafka.Catalogue(kafka.Sizing{Partitions: 2, LogCap: embedded.LogCap})
	if err := admin.Ensure(t.Context(), topics, io.Discard); err != nil {
		t.Fatal(err)
	}
	return brokers, pid, started
}

func TestKafkaKilled(t *testing.T) {
	ctx := t.Context()
	brokers, pid, pids := startKafka(t)
	cl, err := kgo.NewClient(kafka.ProducerOptions(kafka.Config{Brokers: brokers, ClientID: "test"})...)
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	acked := 0
	for round := range 3 {
		for i := range 100 {
			if i == 50 {
				if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
					t.Fatal(err)
				}
				pid = <-pids
			}
			r := &kgo.Record{Topic: kafka.TopicEvents, Partition: int32(i % 2), Value: fmt.Appendf(nil, "%d-%d", round, i)}
			if err := cl.ProduceSync(ctx, r).FirstErr(); err != nil {
				t.Fatal(err)
			}
			acked++
		}
	}
	seen := map[string]int{}
	err = kafka.Tail{Brokers: brokers, Topic: kafka.TopicEvents, Last: -1}.Run(ctx, func(r kafka.Record) error {
		seen[string(r.Value)]++
		return nil
	})
	if err != nil || len(seen) != acked {
		t.Errorf("%d of %d acknowledged records are there: %v", len(seen), acked, err)
	}
}

func TestFetchRefusesWrongBytes(t *testing.T) {
	dir := t.TempDir()
	bin := filepath.Join(dir, "bin")
	if err := os.Mkdir(bin, 0o755); err != nil {
		t.Fatal(err)
	}
	// An npm that brings another package than the pinned one.
	script := "#!/bin/sh\nwhile [ $# -gt 0 ]; do [ \"$1\" = --pack-destination ] && echo no > \"$2/x.tgz\"; shift; done\n"
	if err := os.WriteFile(filepath.Join(bin, "npm"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	cache := filepath.Join(dir, "cache")
	var out bytes.Buffer
	_, err := embedded.FetchEngine(t.Context(), cache, &out)
	if err == nil || !strings.Contains(err.Error(), "SHA-256") {
		t.Fatalf("a wrong package: %v", err)
	}
	left, err := filepath.Glob(filepath.Join(cache, "*", "libchdb.so"))
	if err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

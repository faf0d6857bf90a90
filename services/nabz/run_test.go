package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nabz/nabz/services/internal/ready"
	"github.com/nabz/nabz/services/internal/testkit"
)

// installationOf starts the binary, which is this test's own, and waits for
// its ready file.
func installationOf(t testing.TB, args ...string) (path string, stop func(os.Signal) error) {
	t.Helper()
	return installationIn(t, filepath.Join(t.TempDir(), "data"), args...)
}

// installationIn does so with a data directory that may have been used before.
func installationIn(t testing.TB, data string, args ...string) (path string, stop func(os.Signal) error) {
	t.Helper()
	path = filepath.Join(data, ready.FileName)
	cmd := exec.Command("/proc/self/exe", append(args, "--ports", "auto", "--data-dir", data)...)
	cmd.Env = append(os.Environ(), envMain+"=1")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	ended, err := testkit.StartTethered(cmd)
	if err != nil {
		t.Fatal(err)
	}
	done := false
	stop = func(s os.Signal) error {
		if done {
			return nil
		}
		done = true
		if err := cmd.Process.Signal(s); err != nil {
			return err
		}
		select {
		case <-ended:
			if !cmd.ProcessState.Success() {
				return errors.New(cmd.ProcessState.String())
			}
			return nil
		case <-time.After(testkit.Patience):
			_ = cmd.Process.Kill()
			return errors.New("it does not stop")
		}
	}
	t.Cleanup(func() {
		if err := stop(syscall.SIGTERM); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Log(out.String())
		}
	})
	testkit.Await(t, "the ready file", func() bool {
		select {
		case <-ended:
			done = true
			t.Fatalf("it ended before it was ready: %v", cmd.ProcessState)
		default:
		}
		_, err := ready.Read(path)
		return err == nil
	})
	return path, stop
}

// post sends a body and gives the answer's status, 0 where there is none.
func post(t *testing.T, url, body string, header map[string]string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range header {
		req.Header.Set(k, v)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err.Error()
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return 0, err.Error()
	}
	return res.StatusCode, strings.TrimSpace(string(b))
}

func sendContact(t *testing.T, f ready.File, id string) {
	t.Helper()
	sendWaiting(t, f, id, 0)
}

// sendWaiting sends a contact that waited so long, a while ago.
func sendWaiting(t *testing.T, f ready.File, id string, waited time.Duration) {
	t.Helper()
	queued := time.Now().Add(-waited)
	for i, typ := range []string{"contact.queued", "contact.answered", "contact.ended"} {
		data := map[string]any{"contact_id": id, "queue_id": "support", "channel": "voice"}
		if typ == "contact.answered" {
			data["agent_id"] = "a1"
		}
		e, err := json.Marshal(map[string]any{
			"specversion": "1.0", "type": typ, "source": "test", "id": fmt.Sprintf("%s-%d", id, i),
			"time": queued.Add(waited * time.Duration(min(i, 1))).UTC().Format(time.RFC3339Nano),
			"data": data,
		})
		if err != nil {
			t.Fatal(err)
		}
		answer := ""
		testkit.Await(t, typ+" to be taken", func() bool {
			status, got := post(t, f.Collector+"/v1/events", string(e), map[string]string{
				"Content-Type": "application/cloudevents+json", "Authorization": "Bearer " + f.APIKey})
			if answer = got; status >= 400 && status < 500 {
				t.Fatalf("refused: %d %s", status, answer)
			}
			return status == http.StatusOK
		})
	}
}

// answered awaits that so many contacts are seen as answered.
func answered(t *testing.T, f ready.File, want string) {
	t.Helper()
	testkit.Await(t, want+" answered contacts", func() bool {
		status, got := post(t, f.ClickHouseHTTP, "SELECT toInt64(sum(value)) FROM nabz.kpi_answered",
			map[string]string{"X-ClickHouse-User": f.BIUser, "X-ClickHouse-Key": f.BIPassword})
		return status == http.StatusOK && got == want
	})
}

func TestRun(t *testing.T) {
	path, stop := installationOf(t, "run")
	f, err := ready.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	if st, err := os.Stat(path); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("the ready file: %v, %v, want mode 0600", st.Mode(), err)
	}
	parts := []string{"collector", "processor", "loader", "alerter", "gateway", "clickhouse", "clickhouse-guard", "kafka"}
	for _, p := range parts {
		line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", f.PIDs[p]))
		if err != nil {
			t.Errorf("part %s: %v", p, err)
		}
		for _, secret := range []string{f.APIKey, f.BIPassword, f.ClickHouseURL} {
			if secret == "" || bytes.Contains(line, []byte(secret)) {
				t.Errorf("a secret of part %s is missing, or in its arguments: %q", p, line)
			}
		}
	}
	sendContact(t, f, "c0")
	answered(t, f, "1")
	for i, p := range parts {
		now, err := ready.Read(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := syscall.Kill(now.PIDs[p], syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		testkit.Await(t, "a new "+p, func() bool {
			next, err := ready.Read(path)
			return err == nil && next.PIDs[p] != now.PIDs[p]
		})
		sendContact(t, f, fmt.Sprintf("c%d", i+1))
	}
	answered(t, f, fmt.Sprint(len(parts)+1))
	onTheWall(t, f, len(parts)+1)
	last, err := ready.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	if code, out, errs := call("topics", "plan", "--ready-file", path, "--log-cap", "134217728"); code != 0 || !strings.Contains(out, "as they should be") {
		t.Errorf("topics plan: exit %d: %s%s", code, out, errs)
	}
	if code, out, errs := call("migrate", "--dry-run", "--ready-file", path); code != 0 || out != "" {
		t.Errorf("migrate --dry-run: exit %d: %s%s", code, out, errs)
	}
	if code, out, errs := call("tail", "nabz.events.v1", "--ready-file", path, "--all"); code != 0 || strings.Count(out, `"contact.answered"`) < len(parts) {
		t.Errorf("tail: exit %d: %d lines: %s", code, strings.Count(out, "\n"), errs)
	}
	lookInside(t, path)
	follows(t, path)
	if err := stop(os.Interrupt); err != nil {
		t.Errorf("after SIGINT: %v", err)
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the ready file is still there: %v", err)
	}
	for p, pid := range last.PIDs {
		if !gone(pid) {
			t.Errorf("part %s still lives", p)
		}
	}
}

// gone tells whether a process has ended, also where nobody has asked yet how.
func gone(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	_, state, _ := strings.Cut(string(stat), ") ")
	return errors.Is(err, os.ErrNotExist) || strings.HasPrefix(state, "Z") || strings.HasPrefix(state, "X")
}

func TestPartsDieWithTheirSupervisor(t *testing.T) {
	path, stop := installationOf(t, "embedded", "kafka")
	f, err := ready.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := stop(syscall.SIGKILL); err == nil {
		t.Error("killed, and it ended with 0")
	}
	testkit.Await(t, "the broker's death", func() bool { return gone(f.PIDs["kafka"]) })
	if _, err := ready.Read(path); !errors.Is(err, ready.ErrNotRunning) {
		t.Errorf("the ready file of a dead installation: %v, want ErrNotRunning", err)
	}
}

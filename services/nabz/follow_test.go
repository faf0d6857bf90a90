package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/nabz/nabz/services/internal/testkit"
)

// queueLog are the rows of calls of a queue, one every 40 s; every third gives up
// after 25 s, the others talk.
func queueLog(calls int) string {
	var rows []string
	for i := range calls {
		at, id, queue := 1_772_442_000+int64(i)*40, fmt.Sprintf("177244.%d", i), []string{"sales", "care"}[i%2]
		rows = append(rows, fmt.Sprintf("%d|%s|%s|NONE|ENTERQUEUE||0912%03d|1\n", at, id, queue, i))
		if i%3 == 0 {
			rows = append(rows, fmt.Sprintf("%d|%s|%s|NONE|ABANDON|1|1|25\n", at+25, id, queue))
			continue
		}
		rows = append(rows, fmt.Sprintf("%d|%s|%s|SIP/%d|CONNECT|%d|177244.a%d|2\n", at+int64(i%30), id, queue, i%4, i%30, i),
			fmt.Sprintf("%d|%s|%s|SIP/%d|COMPLETECALLER|%d|%d|1\n", at+int64(i%30)+90, id, queue, i%4, i%30, 90))
	}
	slices.SortStableFunc(rows, func(a, b string) int { return strings.Compare(a[:10], b[:10]) })
	return strings.Join(rows, "")
}

// numbers are what a feed says of its calls, but for when it was looked at.
func numbers(t *testing.T, path, feed string) string {
	t.Helper()
	var b strings.Builder
	for _, name := range []string{"offered", "answered", "abandoned", "asa", "abandonment_time", "agent_hung_up_first"} {
		code, out, errs := call("get", name, "--json", "--feed", feed, "--grain", "quarter_hour", "--by", "queue", "--ready-file", path)
		if code != 0 {
			t.Fatalf("get %s: exit %d: %s", name, code, errs)
		}
		for line := range strings.Lines(out) {
			cell, _, _ := strings.Cut(line, `,"as_of"`)
			b.WriteString(name + " " + cell + "\n")
		}
	}
	return b.String()
}

// offeredIn is how many calls have come to queues, as a feed says.
func offeredIn(path, feed string) int {
	var row struct{ Value float64 }
	code, out, _ := call("get", "offered", "--json", "--feed", feed, "--ready-file", path)
	if code != 0 || json.Unmarshal([]byte(out), &row) != nil {
		return 0 // nothing of it is there yet
	}
	return int(row.Value)
}

// follows sends a log as its PBX writes it, through both ways to rotate and the
// death of who reads it, while and after which it goes on: the numbers are those
// of the whole file.
func follows(t *testing.T, path string) {
	t.Helper()
	dir := t.TempDir()
	log, text := filepath.Join(dir, "queue_log"), queueLog(60)
	write := func(rows string) {
		t.Helper()
		f, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if _, err := f.WriteString(rows); err != nil {
			t.Fatal(err)
		}
	}
	move := func(name string) {
		t.Helper()
		if err := os.Rename(log, log+name); err != nil {
			t.Fatal(err)
		}
	}
	var out bytes.Buffer
	begin := func() (end func(os.Signal)) {
		t.Helper()
		cmd := exec.Command("/proc/self/exe", "replay", log, "--source", "asterisk.queue_log", "--instance", "pbx1", "--feed", "followed", "--follow",
			"--state", filepath.Join(dir, "state.json"), "--poll", "20ms", "--disorder", "0s", "--ready-file", path)
		cmd.Env = append(os.Environ(), envMain+"=1")
		cmd.Stdout, cmd.Stderr = &out, &out
		ended, err := testkit.StartTethered(cmd)
		if err != nil {
			t.Fatal(err)
		}
		return func(s os.Signal) {
			_ = cmd.Process.Signal(s)
			<-ended
		}
	}
	come := func(n int) {
		t.Helper()
		testkit.Await(t, fmt.Sprintf("%d calls of the log", n), func() bool { return offeredIn(path, "followed") == n })
	}
	rows := strings.SplitAfter(text, "\n")
	some := func(n int) (part string) { // the rows of so many calls, and of those after them that are between
		for n > 0 || len(rows) > 0 && !strings.Contains(rows[0], "ENTERQUEUE") {
			if strings.Contains(rows[0], "ENTERQUEUE") {
				n--
			}
			part, rows = part+rows[0], rows[1:]
		}
		return part
	}
	write(some(10))
	end := begin()
	come(10)
	part := some(10)
	write(part[:len(part)/2]) // in the middle of a row
	move(".1")                // who writes goes on in the new file
	write(part[len(part)/2:])
	come(20)
	write(some(10))
	end(syscall.SIGKILL)
	write(some(3))
	move(".2")
	write(some(7))
	end = begin()
	come(40)
	if err := os.Truncate(log, 0); err != nil { // copied and cut
		t.Fatal(err)
	}
	write(some(20))
	come(60)
	end(os.Interrupt)
	whole := filepath.Join(dir, "whole")
	if err := os.WriteFile(whole, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, said, errs := call("replay", whole, "--source", "asterisk.queue_log", "--instance", "pbx1", "--feed", "whole", "--wait", "--ready-file", path); code != 0 {
		t.Fatalf("the whole file: exit %d: %s%s", code, said, errs)
	}
	want := numbers(t, path, "whole")
	if !strings.Contains(want, `"queue":"care"`) {
		t.Fatalf("the whole file says %q", want)
	}
	last := ""
	defer func() {
		if t.Failed() {
			t.Logf("followed:\n%s\nwhole:\n%s\n%s", last, want, &out)
		}
	}()
	testkit.Await(t, "the numbers of the whole file", func() bool { last = numbers(t, path, "followed"); return last == want })
	verified(t, path, "followed")
}

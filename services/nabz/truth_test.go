package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nabz/nabz/services/internal/ready"
	"github.com/nabz/nabz/services/internal/testkit"
)

// sampleFile stands in for the bank's call log where that is missing.
const sampleFile = "../../schemas/mapping/testdata/sample_calls.tsv"

// callLog is a file with what it adds up to, counted here in the plainest way.
type callLog struct {
	path   string
	events int64
	types  map[string]*tally
}

type tally struct{ offered, answered, abandoned, inTime, waited int64 }

func readCalls(t *testing.T) callLog {
	t.Helper()
	c := callLog{types: map[string]*tally{"": {}}}
	var whole bool
	if c.path, whole = testkit.BankCalls(t); !whole {
		t.Log("the sample of 500 calls stands in for its 33,344")
		c.path = sampleFile
	}
	f, err := os.Open(c.path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Scan() // the header
	for lines.Scan() {
		c.add(t, strings.Split(lines.Text(), "\t"))
	}
	return c
}

func (c *callLog) add(t *testing.T, row []string) {
	t.Helper()
	kind, outcome := row[4], row[12]
	wait, err := strconv.ParseInt(row[11], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	if c.types[kind] == nil {
		c.types[kind] = &tally{}
	}
	for _, x := range []*tally{c.types[kind], c.types[""]} {
		switch outcome {
		case "AGENT":
			x.offered++
			x.answered++
			x.waited += wait
			if wait <= 20 {
				x.inTime++
			}
		case "HANG":
			x.offered++
			x.abandoned++
		}
	}
	if outcome != "PHANTOM" {
		c.events += 3
	}
}

// summary is the last line of a replay.
type summary struct {
	Rows, Events, Accepted, Repeats, Late, Rejected int64
	DeadLettered                                    int64 `json:"dead_lettered"`
}

func replayed(t *testing.T, path string, c callLog, args ...string) summary {
	t.Helper()
	return replayedUnder(t, io.Discard, path, c, args...)
}

// replayedUnder shows its progress, a line a second, while it sends.
func replayedUnder(t *testing.T, progress io.Writer, path string, c callLog, args ...string) summary {
	t.Helper()
	defer lap(t, "replay")()
	args = append([]string{"replay", c.path, "--mapping", "anonymous_bank", "--wait", "--ready-file", path}, args...)
	var out, errs bytes.Buffer
	// Many times what it takes: a replay that waits for ever says so.
	ctx, cancel := context.WithTimeout(t.Context(), 2*testkit.Patience)
	defer cancel()
	code := run(ctx, args, &out, io.MultiWriter(&errs, progress))
	var s summary
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &s); err != nil || code != 0 {
		t.Fatalf("replay: exit %d, %v\n%s%s", code, err, &out, &errs)
	}
	return s
}

// figures holds a feed to what the file adds up to.
func figures(t *testing.T, path, feed string, c callLog) {
	t.Helper()
	defer lap(t, "figures")()
	for _, kind := range slices.Sorted(maps.Keys(c.types)) {
		x := c.types[kind]
		want := map[string]float64{
			"offered": float64(x.offered), "answered": float64(x.answered), "abandoned": float64(x.abandoned),
			"abandonment_rate": float64(x.abandoned) / float64(x.offered),
			"service_level":    float64(x.inTime) / float64(x.offered),
			"asa":              float64(x.waited) / float64(x.answered),
		}
		for name, value := range want {
			if value == 0 {
				continue // a cell of nothing is no row
			}
			args := []string{"--feed", feed}
			if kind != "" {
				args = append(args, "--where", "queue="+kind)
			}
			if got := valueOf(t, path, name, args...); math.Abs(got-value) > 1e-12*math.Max(1, value) {
				t.Errorf("%s of %q is %v, should be %v", name, kind, got, value)
			}
		}
	}
}

// valueOf gives the one value of a KPI.
func valueOf(t *testing.T, path, name string, args ...string) float64 {
	t.Helper()
	code, out, errs := call(append([]string{"get", name, "--json", "--ready-file", path}, args...)...)
	var row struct{ Value float64 }
	if err := json.Unmarshal([]byte(out), &row); err != nil || code != 0 {
		t.Fatalf("get %s %v: exit %d, %v: %s%s", name, args, code, err, out, errs)
	}
	return row.Value
}

// cells are all values of a feed by minute and dimensions, but for when they
// were looked at.
func cells(t *testing.T, path, feed string) string {
	t.Helper()
	defer lap(t, "cells")()
	var b strings.Builder
	for _, name := range []string{"service_level", "asa", "waiting", "offered"} {
		code, out, errs := call("get", name, "--json", "--feed", feed, "--grain", "minute", "--by", "queue,channel", "--ready-file", path)
		if code != 0 {
			t.Fatalf("get %s: exit %d: %s", name, code, errs)
		}
		for line := range strings.Lines(out) {
			cell, _, _ := strings.Cut(line, `,"as_of"`)
			b.WriteString(cell + "\n")
		}
	}
	return b.String()
}

func verified(t *testing.T, path, feed string) {
	t.Helper()
	defer lap(t, "verify")()
	code, out, errs := call("verify", "--quiet", "--feed", feed, "--ready-file", path)
	if code != 0 || !strings.Contains(out, ", 0 differences") || strings.HasPrefix(out, "0 cells") {
		t.Errorf("verify %s: exit %d: %s%s", feed, code, out, errs)
	}
}

// killer kills parts of an installation in turn, one at each line that says
// how many events are sent: while they flow, and never before.
type killer struct {
	t     *testing.T
	path  string
	parts []string
	most  int
	was   map[string]int // process id of the last kill
	kills int
}

// Write takes what a replay says. It is called by one goroutine.
func (k *killer) Write(p []byte) (int, error) {
	if !bytes.HasPrefix(p, []byte("sent ")) || k.kills == k.most {
		return len(p), nil
	}
	part, now := k.parts[k.kills%len(k.parts)], 0
	testkit.Await(k.t, "a new "+part, func() bool {
		f, err := ready.Read(k.path)
		now = f.PIDs[part]
		return err == nil && now != k.was[part]
	})
	if err := syscall.Kill(now, syscall.SIGKILL); err != nil {
		k.t.Errorf("kill %s: %v", part, err)
	}
	k.was[part] = now
	k.kills++
	return len(p), nil
}

// replayedThroughKills replays at a rate that leaves a second for each kill.
func replayedThroughKills(t *testing.T, path string, c callLog, kills int, parts ...string) summary {
	t.Helper()
	k := &killer{t: t, path: path, parts: parts, most: kills, was: map[string]int{}}
	rate := float64(c.events) / float64(kills+2)
	s := replayedUnder(t, k, path, c, "--feed", "file", "--rate", strconv.FormatFloat(rate, 'f', 2, 64))
	// How many fit in depends on the machine; that every part died does not.
	t.Logf("%d kills of %d while events were sent", k.kills, kills)
	if k.kills < len(parts) {
		t.Errorf("%d kills while events were sent, should be one of each of %d parts", k.kills, len(parts))
	}
	return s
}

// TestTruthThroughKills replays a call log into the embedded pair while every
// part but the broker is killed in turn, then again, then shuffled: each time
// the figures of the file, to the last digit.
func TestTruthThroughKills(t *testing.T) {
	c := readCalls(t)
	path, _ := installationOf(t, "run")
	s := replayedThroughKills(t, path, c, 20, "collector", "processor", "loader", "clickhouse", "clickhouse-guard")
	if s.Accepted != c.events || s.Events != c.events || s.Repeats+s.Late+s.Rejected+s.DeadLettered != 0 {
		t.Errorf("replayed %+v, should have accepted %d", s, c.events)
	}
	figures(t, path, "file", c)
	before := cells(t, path, "file")
	if s := replayed(t, path, c, "--feed", "file"); s.Repeats != c.events || s.Accepted != 0 || s.Late != 0 {
		t.Errorf("the same file again: %+v, should be %d repeats", s, c.events)
	}
	if after := cells(t, path, "file"); after != before {
		t.Error("the same file again changed cells")
	}
	verified(t, path, "file")
	if s := replayed(t, path, c, "--feed", "shuffled", "--shuffle-within", "1h", "--seed", "7"); s.Accepted != c.events {
		t.Errorf("shuffled: %+v, should have accepted %d", s, c.events)
	}
	if shuffled := cells(t, path, "shuffled"); shuffled != before {
		t.Error("the order within an hour changed cells")
	}
	figures(t, path, "shuffled", c)
	verified(t, path, "shuffled")
}

// TestTruthOnKafka does the same over a real Apache Kafka with three
// processors, while live contacts come in beside the file.
func TestTruthOnKafka(t *testing.T) {
	c := readCalls(t)
	brokers := kit.Kafka(t).Brokers[0]
	path, _ := installationOf(t, "run", "--kafka", brokers)
	f, err := ready.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	if f.PIDs["kafka"] != 0 || f.Kafka != brokers {
		t.Errorf("the ready file names Kafka %s, process %d", f.Kafka, f.PIDs["kafka"])
	}
	for i := range 2 {
		more(t, brokers, filepath.Join(t.TempDir(), fmt.Sprintf("processor-%d", i)))
	}
	sendContact(t, f, "before")
	s := replayedThroughKills(t, path, c, 9, "processor", "loader", "collector")
	sendContact(t, f, "after")
	if s.Accepted != c.events || s.Repeats+s.Late+s.Rejected+s.DeadLettered != 0 {
		t.Errorf("replayed %+v, should have accepted %d", s, c.events)
	}
	figures(t, path, "file", c)
	verified(t, path, "file")
	if s := replayed(t, path, c, "--feed", "shuffled", "--shuffle-within", "1h", "--seed", "11"); s.Accepted != c.events {
		t.Errorf("shuffled: %+v, should have accepted %d", s, c.events)
	}
	if cells(t, path, "shuffled") != cells(t, path, "file") {
		t.Error("the order within an hour changed cells")
	}
	testkit.Await(t, "2 live contacts", func() bool { return valueOf(t, path, "answered") == 2 })
}

// lap logs how long a step took.
func lap(t *testing.T, what string) func() {
	began := time.Now()
	return func() { t.Logf("%-8s %.1f s", what, time.Since(began).Seconds()) }
}

// more starts one more processor, kept alive like those of an installation.
func more(t *testing.T, brokers, dir string) {
	t.Helper()
	cmd := exec.Command("/proc/self/exe", "processor", "--kafka", brokers, "--listen", "127.0.0.1:0", "--data-dir", dir, "--quiet")
	cmd.Env = append(os.Environ(), envMain+"=1")
	ended, err := testkit.StartTethered(cmd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		<-ended
	})
}

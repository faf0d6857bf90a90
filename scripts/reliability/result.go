package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

// results is what docs/reliability.md is written of.
type results struct {
	Runs  []figures        `json:"runs"`
	Tests map[string]tried `json:"tests"` // by command
}

// where and when figures were taken. No machine is named.
type stamp struct {
	Commit    string `json:"commit"`
	Date      string `json:"date"`
	Cores     int    `json:"cores"`
	MemoryGiB int    `json:"memory_gib"`
}

// figures are those of one run.
type figures struct {
	stamp
	Seed     uint64            `json:"seed"`
	Rate     int               `json:"rate"`
	Seconds  int               `json:"seconds"`
	Kills    int               `json:"kills"`
	Back     map[string]spread `json:"back"`   // ms from a kill until the part was ready, by part
	Faults   map[string]int    `json:"faults"` // other faults, by name
	Checks   []check           `json:"checks"`
	Deaths   []string          `json:"deaths,omitempty"`
	Failed   []string          `json:"failed,omitempty"`
	Odd      map[string]int    `json:"odd,omitempty"`
	Client   clientFigures     `json:"client"`
	Alerts   toldFigures       `json:"alerts"`
	Wall     map[string]spread `json:"wall"`  // ms, age of what the wallboard shows
	Shown    map[string]spread `json:"shown"` // ms, from an event to the wallboard, where nothing is full
	Hostile  hostileFigures    `json:"hostile"`
	Without  string            `json:"without,omitempty"`  // faults that were left out
	Load     string            `json:"load,omitempty"`     // average, as the machine tells it, with what else ran
	Only     string            `json:"only,omitempty"`     // the only faults that were no kills
	Victims  string            `json:"victims,omitempty"`  // the only parts that were killed
	From     string            `json:"from,omitempty"`     // the older version that was gone from and back to
	Exchange int               `json:"exchange,omitempty"` // s that it took to exchange every process twice
	Hot      []hotFigures      `json:"hot,omitempty"`
	Fill     int               `json:"fill,omitempty"` // events that the log was filled with
	Soak     *soakFigures      `json:"soak,omitempty"`
	Contacts int               `json:"contacts"`
	Late     int               `json:"late"`
}

// spread of a measure, in ms.
type spread struct {
	N   int   `json:"n"`
	P50 int64 `json:"p50"`
	P99 int64 `json:"p99"`
	Max int64 `json:"max"`
}

type clientFigures struct {
	Sent, Acked, Repeats, Refused, Requests, Unanswered, Unready, ServerErrors int64
	Delay                                                                      spread
}

type toldFigures struct {
	Deadlines, Rules, Repeats, Failures int
	Lag                                 spread // behind due and settle time
}

// tried is one command that stands for a goal.
type tried struct {
	stamp
	Passed  bool     `json:"passed"`
	Seconds int      `json:"seconds"`
	Said    []string `json:"said,omitempty"`
}

func spreadOf(all []time.Duration) spread {
	slices.Sort(all)
	return spread{N: len(all), P50: percentile(all, 50), P99: percentile(all, 99), Max: percentile(all, 100)}
}

func newStamp(root string) stamp {
	s := stamp{Commit: "unknown", Date: time.Now().UTC().Format(time.DateOnly), Cores: runtime.NumCPU()}
	cmd := exec.Command("git", "describe", "--always", "--dirty")
	cmd.Dir = root
	if out, err := cmd.Output(); err == nil {
		s.Commit = strings.TrimSpace(string(out))
	}
	if text, err := os.ReadFile("/proc/meminfo"); err == nil {
		if f := strings.Fields(string(text)); len(f) > 1 {
			kb, _ := strconv.Atoi(f[1]) // 0 says that it is not known
			s.MemoryGiB = (kb + 1<<19) >> 20
		}
	}
	return s
}

// stamp is that of a run: the commit is the binary's.
func (o *options) stamp() stamp {
	s := newStamp(o.root)
	binary := o.binary
	if o.newer != "" {
		binary = o.newer
	}
	if out, err := exec.Command(binary, "version").Output(); err == nil {
		if f := strings.Fields(string(out)); len(f) > 1 {
			s.Commit = f[1]
		}
	}
	return s
}

// resultsFile holds what was noted, beside the document that is made of it.
func resultsFile(root string) string { return filepath.Join(root, "docs", "reliability.json") }

func readResults(path string) (results, error) {
	r := results{Tests: map[string]tried{}}
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return r, nil
	}
	if err != nil {
		return r, fmt.Errorf("read the results: %w", err)
	}
	if err := json.Unmarshal(b, &r); err != nil {
		return r, fmt.Errorf("read %s: %w", path, err)
	}
	return r, nil
}

func (r results) write(path string) error {
	b, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return fmt.Errorf("write the results: %w", err)
	}
	if err := os.WriteFile(path, append(b, '\n'), 0o644); err != nil {
		return fmt.Errorf("write the results: %w", err)
	}
	return nil
}

// figures collects those of a run.
func (c *campaign) figures() figures {
	n := &c.load.counts
	n.mu.Lock()
	defer n.mu.Unlock()
	f := figures{
		stamp: c.stamp(), Seed: c.seed, Rate: c.rate, Seconds: int(c.length.Seconds()), Kills: c.faults.kills,
		Back: map[string]spread{}, Faults: c.faults.done, Checks: c.checks, Failed: c.faults.failed, Odd: n.seen, Deaths: c.deaths(),
		Client: clientFigures{
			Sent: n.Sent.Load(), Acked: n.Acked.Load(), Repeats: int64(c.truth.repeats), Refused: n.Refused.Load(), Requests: n.Requests.Load(),
			Unanswered: n.Failed.Load(), Unready: n.Unready.Load(), ServerErrors: n.Errors.Load(), Delay: spreadOf(n.delays),
		},
		Alerts:  toldFigures{Deadlines: c.alerts.Deadlines, Rules: c.alerts.Rules, Repeats: c.alerts.Repeats, Failures: c.alerts.Failures, Lag: spreadOf(c.alerts.lags)},
		Hostile: c.hostile.figures, Without: c.without, Only: c.only, From: c.from, Load: loadAverage(), Contacts: c.truth.contacts, Late: len(c.truth.lost),
		Wall: map[string]spread{}, Shown: map[string]spread{},
	}
	wall := func(name string, within func(time.Duration) bool) {
		if s := c.probe.took(within); s.N > 0 {
			f.Wall[name], f.Shown[name] = spreadOf(c.watch.ages(within)), s
		}
	}
	wall("all", func(time.Duration) bool { return true })
	wall("undisturbed", c.faults.quiet)
	for kind, all := range c.faults.back {
		f.Back[kind] = spreadOf(all)
	}
	if c.soak != nil {
		f.Soak = c.soak.figures()
	}
	if c.kills > 0 && c.victims != strings.Join(victims(), ",") {
		f.Victims = c.victims
	}
	for _, s := range c.faults.spans {
		if s.name == "upgrade" || s.name == "downgrade" {
			f.Exchange += int((s.to - s.from).Seconds())
		}
		if s.name == "clickhouse away" {
			wall(s.name, func(at time.Duration) bool { return at >= s.from && at <= s.to })
		}
	}
	for name := range f.Faults {
		if strings.HasPrefix(name, "kill ") {
			delete(f.Faults, name)
		}
	}
	return f
}

func (c *campaign) deaths() (all []string) {
	for _, name := range c.i.order {
		all = append(all, c.i.parts[name].own()...)
	}
	return all
}

// bad tells how many things were not as they must be.
func (f *figures) bad() (n int) {
	for _, k := range f.Checks {
		n += k.Different
	}
	return n + len(f.Deaths) + len(f.Failed) + int(f.Client.Refused) + int(f.Client.ServerErrors) + f.Hostile.ServerErrors
}

// compared is how much was compared by checks whose name begins so.
func (f *figures) compared(prefix string) (compared, different int) {
	for _, k := range f.Checks {
		if strings.HasPrefix(k.Name, prefix) {
			compared += k.Compared
			different += k.Different
		}
	}
	return compared, different
}

// loadAverage is that of the last quarter of an hour.
func loadAverage() string {
	text, err := os.ReadFile("/proc/loadavg")
	if f := strings.Fields(string(text)); err == nil && len(f) > 2 {
		return f[2]
	}
	return ""
}

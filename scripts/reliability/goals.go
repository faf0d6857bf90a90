package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Verdicts on a goal.
const (
	met     = "met"
	partly  = "partly"
	missed  = "missed"
	notYet  = "not yet"
	noneYet = "no run noted"
)

// goal is one of the measurable goals of reliability.
type goal struct {
	id, what string
	// commands stand for it beside the harness, or instead of it.
	commands []string
	// judge gives the verdict and the figure; passed tells that all commands
	// did.
	judge func(r results, passed bool) (verdict, figure string)
	// rest says what of the goal is not measured, and why.
	rest string
}

// tests is the judgement of a goal for which only tests stand: what they cover
// is less than what is asked, or all of it.
func tests(verdict, figure string) func(results, bool) (string, string) {
	return func(_ results, passed bool) (string, string) {
		if !passed {
			return noneYet, "a test of it failed, or was not run"
		}
		return verdict, figure
	}
}

// fired is the judgement of a goal that the harness measures, by the run with
// all kinds of faults.
func fired(judge func(*figures) (string, string)) func(results, bool) (string, string) {
	return noted(func(r results) (string, string) {
		if f := r.last(); f != nil {
			return judge(f)
		}
		return noneYet, ""
	})
}

// noted is the judgement of a goal that runs of the harness measure.
func noted(judge func(results) (string, string)) func(results, bool) (string, string) {
	return func(r results, passed bool) (string, string) {
		if !passed {
			return noneYet, "a test of it failed, or was not run"
		}
		return judge(r)
	}
}

func missing(results, bool) (string, string) { return notYet, "" }

func goals() []goal {
	return append(goalsOfTruth(), goalsOfUse()...)
}

func goalsOfTruth() []goal {
	return []goal{
		{id: "R1", what: "70 kills under load, in the long run 1,000: no acknowledged event lost, none counted twice, every cell as the oracle's", judge: fired(judgeKills),
			rest: "The load is what two cores bear beside the broker and ClickHouse; the long run is `make reliability LONG=1`."},
		{id: "R2", what: "40 named crash points, single and in pairs", commands: []string{seeds},
			judge: tests(partly, "crashes before and after any step, send, checkpoint and footer of the core, drawn from seeds; owners that are succeeded and go on"), rest: "Points are drawn and not named; services die where SIGKILL finds them."},
		{id: "R3", what: "2,000 seeds of the simulated core, in the long run 200,000", commands: []string{seeds},
			judge: tests(partly, "1,000 seeds, 0 failures"), rest: "More seeds take longer, and were not run for this report: `go test ./pkg/sim -run TestSeeds -timeout 0 -seeds 200000`."},
		{id: "R4", what: "Any order and up to three times each: the same numbers, in 100,000 cases", commands: []string{seeds, "go test ./pkg/board ./pkg/track/record ./pkg/track/conversation -run TestOrderDoesNotMatter -count=1"},
			judge: tests(partly, "each seed of the simulation is permuted and repeated; folds and boards by their own tests"), rest: "Thousands of cases and not 100,000."},
		{id: "R5", what: "No 2xx for what is not durable, and 503 with Retry-After, in 10,000 failures", commands: []string{"go test ./services/collector -run 'TestKafkaAway|TestTooMuchInFlight' -count=1"}, judge: fired(judgeAcks),
			rest: "Failures are of whole requests, as the faults make them. Where something else fills the disk under the embedded ClickHouse 26.7, a merge may be called done though its files are empty: a start within eight minutes takes back what was merged (`TestMergeThatBreaks`), a later one does not."},
		{id: "R6", what: "A killed processor consumes again in 5 s at p99; 1 M open items restored in 30 s", judge: noted(judgeRecovery), rest: "The restore of a million open items is not measured here."},
		{id: "R7", what: "ClickHouse away for a minute: no loss, wallboard at most 2 s old, alerts in time", commands: []string{"go test ./services/loader ./services/gateway -run 'TestAway|TestClickHouseAway' -count=1"}, judge: noted(judgeAway),
			rest: "How fast the backlog drains is not measured."},
		{id: "R8", what: "10,000 deadlines with kills and a failing receiver: none missed, none doubled, each ended; p99 2 s", commands: []string{"go test ./services/alerter -run TestKills -count=1 -v"}, judge: noted(judgeAlerts),
			rest: "A wait of which nobody heard was over when a clock passed again: while no owner of its partition lives, nobody pulses. The lag contains the time in which the alerter, the broker or the receiver was away. Dwell of rules: `TestRuleScenarios`."},
		{id: "R8b", what: "90 % of breaches warned of a fifth of the target ahead, at most 10 % of the warnings false", commands: []string{warnings}, judge: judgeWarnings,
			rest: "A warning is a share of the time that has passed, so it cannot tell a wait that is about to end from one that is not; nothing forecasts."},
		{id: "R9", what: "A million mutated bodies, bombs, slow clients: no panic, no 5xx, bounded memory", commands: []string{"go test ./services/collector ./pkg/event ./pkg/row ./pkg/statelog ./pkg/mapping ./pkg/strictyaml -run Fuzz -count=1"}, judge: fired(judgeHostile),
			rest: "Thousands of bodies in a short run, and not a million; 40 slow clients, and not 2,000. The fuzz targets run on their corpora; `go test -fuzz` runs them on."},
		{id: "R10", what: "Replays give the same table and no alerts of the past", commands: []string{"go test ./services/nabz -run TestTruthThroughKills -count=1"},
			judge: tests(partly, "a call log through kills, again, and shuffled: the same cells, `nabz verify` 0 differences"), rest: "Three replays of the whole topic beside the live feed (`nabz recompute`) are not compared here."},
		{id: "R11", what: "200 joins and leaves: no loss, processing stands still at most 10 % of the time", judge: fired(judgeStorm), rest: "Fewer than 200 in a short run; how long processing stood still shows in the age of the wallboard."},
	}
}

func goalsOfUse() []goal {
	return []goal{
		{id: "R12", what: "A day in 15 minutes: memory, goroutines and files flat", judge: noted(judgeSoak), rest: "A real hour by the clock is not run. What is kept of contacts and agents that are over stands only after a day of their time, so in less memory goes with the items. A share of 1 % an hour cannot be told from a collector's noise in minutes: held are 5 % or 8 MiB from the third fifth to the last, and two goroutines or files."},
		{id: "R13", what: "Nine of ten events of one key: half the throughput, others not slower than three times", judge: noted(judgeHot), rest: "All events of one contact are not measured: a contact has some dozens."},
		{id: "R14", what: "Tenants apart, in every operation", commands: []string{"go test ./services/gateway -run 'TestTenantsApart|TestRoutesAreSpecified' -count=1"},
			judge: tests(partly, "no answer of any path shows a word of another tenant"), rest: "The attack by many groups is bounded by `TestGroupsAreBounded`; its effect on others' latency is not measured."},
		{id: "R15", what: "Erased is gone from every file", judge: missing, rest: "There is no command that erases a subject yet. Rows in ClickHouse can go by a mutation, and open items by a tombstone; the log of events forgets by its retention alone, for the key of the tokens is one of the installation and not one of each subject, and facts that go are missing from what `nabz verify` holds against it."},
		{id: "R16", what: "Webhooks: a replayed id has one effect, forged ones none; 60 addresses that must not be reached", commands: []string{"go test ./services/internal/notify -run 'TestNobodyIsLedInside|TestOpenNet|TestSignature|TestWebhook' -count=1"},
			judge: tests(partly, "outward: signed, and no address inside is reached"), rest: "Inward there are no vendors' webhooks yet."},
		{id: "R17", what: "The version before and this one, there and back under load", judge: noted(judgeUpgrade), rest: "There is no released version to go back to; an older commit stands for one. State of other semantics begins a new epoch: `TestDefinitionsBeginAnEpoch`."},
		{id: "R18", what: "Event to wallboard: p50 400 ms, p99 1.5 s", judge: noted(judgeFresh), rest: "`BenchmarkLatency` measures single events without faults; the page's drawing is not in it."},
		{id: "R19", what: "Wallboard: first paint 1 s, small, accessible, resumes without a gap", commands: []string{"go test ./services/gateway -run 'TestCutAndResume|TestSlowReaderIsCutOff' -count=1", "go test ./services/gateway/web -count=1"},
			judge: tests(partly, "the page in Chromium, in both directions, with axe; resumes without a gap; its code is bounded"), rest: "Growth of the heap over hours is not measured."},
		{id: "R20", what: "First tile within 15 s; 30 mistakes of configuration found with their lines", commands: []string{"go test ./services/internal/settings ./schemas -run 'Mistakes|Broken' -count=1"},
			judge: tests(partly, "mistakes are found with line and column, in settings and definitions"), rest: "The time to the first tile depends on the download of the engine, 178 MB."},
		{id: "R21", what: "Reproducible build, race detector clean", commands: []string{reproducible, "go vet work"}, judge: tests(partly, "two builds in two folders are equal, byte for byte"), rest: "The race detector runs over the services in `make test`, where a C compiler is installed."},
	}
}

// seeds are histories and accidents of the core, and owners that are succeeded
// and go on.
const seeds = "go test ./pkg/sim ./services/processor ./services/alerter -run 'TestSeeds|TestHandOver' -count=1"

// reproducible builds twice in two folders and compares.
const reproducible = "scripts/reliability/twice.sh"

func judgeKills(f *figures) (string, string) {
	cells, off := f.compared("kpi ")
	events, lost := f.compared("events")
	proven, differ := f.compared("nabz verify")
	figure := fmt.Sprintf("%d kills at %s events/s: %s events acknowledged, %d lost or stored twice; %s cells of %d KPIs, %d not the oracle's", f.Kills, group(f.Rate), group(events), lost, group(cells), len(kpis()), off)
	if proven > 0 {
		figure += fmt.Sprintf("; `nabz verify`: %s cells, %d differences", group(proven), differ)
	} else {
		figure += "; `nabz verify` was left out for want of time"
	}
	switch {
	case lost+off+differ > 0:
		return missed, figure
	case f.Kills < 70 || proven == 0:
		return partly, figure
	}
	return met, figure
}

func judgeAcks(f *figures) (string, string) {
	_, lost := f.compared("events")
	naked := 0
	for what, n := range f.Odd {
		if strings.Contains(what, "without Retry-After") {
			naked += n
		}
	}
	n := f.Client.Unanswered + f.Client.Unready
	figure := fmt.Sprintf("%s requests failed (%s without an answer, %s told to come again, %d of those without Retry-After); %d acknowledged events lost", group(int(n)), group(int(f.Client.Unanswered)), group(int(f.Client.Unready)), naked, lost)
	switch {
	case lost+naked > 0:
		return missed, figure
	case n < 10_000:
		return partly, figure
	}
	return met, figure
}

// alone gives the last run in which nothing else was killed, and none of the
// other faults took place.
func (r results) alone(victim string) *figures {
	return r.find(func(f *figures) bool { return f.Victims == victim && f.Only == nothing })
}

// only gives the last run in which one fault took place and nothing was killed.
func (r results) only(fault string) *figures {
	return r.find(func(f *figures) bool { return f.Only == fault && f.Kills == 0 })
}

// nothing is the name of no fault.
const nothing = "none"

func judgeRecovery(r results) (string, string) {
	f, figure, verdict := r.alone("processor"), "", noneYet
	if f != nil {
		s := f.Back["processor"]
		figure = fmt.Sprintf("every partition is worked on again after p50 %d ms, p99 %d ms, longest %d ms, of %d kills where nothing else went wrong (`%s`)", s.P50, s.P99, s.Max, s.N, f.command())
		if verdict = partly; s.P99 > 5000 {
			verdict = missed
		}
	}
	if f := r.last(); f != nil {
		s := f.Back["processor"]
		figure += fmt.Sprintf("; p50 %d ms, p99 %d ms of %d kills beside all other faults", s.P50, s.P99, s.N)
	}
	return verdict, strings.TrimPrefix(figure, "; ")
}

func judgeAway(r results) (string, string) {
	f := r.only("clickhouse away")
	if f == nil {
		return noneYet, "no run in which ClickHouse alone was away"
	}
	s := f.Shown["clickhouse away"]
	events, lost := f.compared("events")
	_, off := f.compared("kpi ")
	figure := fmt.Sprintf("%d of %s events lost, %d cells not the oracle's; an event took p50 %d ms, p99 %d ms, at most %d ms to the wallboard meanwhile, and people were told p50 %d ms, p99 %d ms behind due and settle time (`%s`)",
		lost, group(events), off, s.P50, s.P99, s.Max, f.Alerts.Lag.P50, f.Alerts.Lag.P99, f.command())
	switch {
	case s.N == 0:
		return noneYet, "no run that tells it"
	case f.bad() > 0 || s.Max > 2000:
		return missed, figure
	}
	return partly, figure
}

func judgeAlerts(r results) (string, string) {
	f := r.last()
	if f == nil {
		return noneYet, ""
	}
	promises, wrong := f.compared("verdicts")
	told, odd := f.compared("incidents")
	figure := fmt.Sprintf("%s deadlines, %d not as the oracle's; %d incidents through %d failures of the receiver, %d missed, doubled or without an end; p50 %d ms, p99 %d ms behind due and settle time, faults included", group(promises), wrong, told, f.Alerts.Failures, odd, f.Alerts.Lag.P50, f.Alerts.Lag.P99)
	if quiet := r.only("clickhouse away"); quiet != nil {
		figure += fmt.Sprintf("; p50 %d ms, p99 %d ms where ClickHouse alone was away, through %d failures of the receiver", quiet.Alerts.Lag.P50, quiet.Alerts.Lag.P99, quiet.Alerts.Failures)
	}
	switch {
	case wrong+odd > 0:
		return missed, figure
	case promises < 10_000 || f.Alerts.Lag.P99 > 2000:
		return partly, figure
	}
	return met, figure
}

func judgeHostile(f *figures) (string, string) {
	h := &f.Hostile
	_, off := f.compared("hostile")
	figure := fmt.Sprintf("%s spoiled requests: %d events accepted, %d dead-lettered, %d rejected, %d requests refused; %d answers of 5xx, %d processes died; %d bombs of 1 to 10 GiB refused in at most %d ms with at most %d MiB more; the collector held at most %d MiB; %d slow clients", group(h.Sent), h.Accepted, h.DeadLettered, h.Rejected, h.Refused, h.ServerErrors, len(f.Deaths), h.Bombs, h.BombMostMs, h.BombGrowthMiB, h.MostRSSMiB, h.SlowClients)
	if h.ServerErrors+off+len(f.Deaths) > 0 {
		return missed, figure
	}
	return partly, figure
}

func judgeStorm(f *figures) (string, string) {
	_, lost := f.compared("events")
	_, off := f.compared("kpi ")
	figure := fmt.Sprintf("%d joins and leaves beside %d kills: %d events lost, %d cells wrong", f.Faults["joins and leaves"], f.Kills, lost, off)
	if lost+off > 0 {
		return missed, figure
	}
	return partly, figure
}

func judgeFresh(r results) (string, string) {
	figure, verdict := "", noneYet
	if f := r.find(func(f *figures) bool { return len(f.Hot) > 0 }); f != nil {
		s := f.Hot[0].Others
		figure = fmt.Sprintf("an event took p50 %d ms, p99 %d ms to the stream of the wallboard where nothing went wrong, at %s events/s with all of Nabz, the broker and ClickHouse on %d cores (the first figures of `%s`)", s.P50, s.P99, group(f.Rate), f.Cores, f.hotCommand())
		if verdict = partly; s.P50 > 400 || s.P99 > 1500 {
			verdict = missed
		}
	}
	if f := r.last(); f != nil {
		s, of := f.Shown["all"], "an event took"
		if s.N == 0 {
			s, of = f.Wall["all"], "the age of the wallboard was"
		}
		figure += fmt.Sprintf("; through %d kills and all other faults %s p50 %d ms, p99 %d ms", f.Kills, of, s.P50, s.P99)
	}
	return verdict, strings.TrimPrefix(figure, "; ")
}

// command is what makes a run again.
func (f *figures) command() string {
	text := fmt.Sprintf("go run ./scripts/reliability -seed %d -rate %d -for %ds -kills %d", f.Seed, f.Rate, f.Seconds, f.Kills)
	if f.Victims != "" {
		text += " -victims " + f.Victims
	}
	if f.Only != "" {
		text += fmt.Sprintf(" -only %q", f.Only)
	}
	return text
}

// group writes a number with commas.
func group(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// tell finds the lines of a test's output that are worth keeping.
var tell = regexp.MustCompile(`incidents through|seeds|warnings at|sha256|SKIP|MISSING`)

// runGoals runs every command that stands for a goal, and notes how it went.
func runGoals(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("reliability goals", flag.ContinueOnError)
	root := flags.String("root", ".", "the repository")
	only := flags.String("only", "", "run those of one goal, such as R3")
	missing := flags.Bool("missing", false, "leave out those that passed before")
	if err := flags.Parse(args); err != nil {
		return err
	}
	path := resultsFile(*root)
	noted, err := readResults(path)
	if err != nil {
		return err
	}
	failed, done := 0, map[string]bool{}
	for _, g := range goals() {
		for _, command := range g.commands {
			if *only != "" && *only != g.id || done[command] || *missing && noted.Tests[command].Passed {
				continue
			}
			done[command] = true
			say("%s: %s", g.id, command)
			began := time.Now()
			cmd := exec.CommandContext(ctx, "bash", "-c", command)
			cmd.Dir = *root
			var out bytes.Buffer
			cmd.Stdout, cmd.Stderr = &out, &out
			err := cmd.Run()
			t := tried{stamp: newStamp(*root), Passed: err == nil, Seconds: int(time.Since(began).Seconds())}
			for line := range strings.Lines(out.String()) {
				if tell.MatchString(line) && len(t.Said) < 5 {
					t.Said = append(t.Said, strings.TrimSpace(line))
				}
			}
			if t.Passed && strings.Contains(out.String(), "no tests to run") && strings.Count(out.String(), "no tests to run") == strings.Count(out.String(), "ok ") {
				t.Passed = false
			}
			if ctx.Err() != nil {
				return ctx.Err() // what was interrupted has not failed
			}
			if !t.Passed {
				failed++
				fmt.Fprintf(os.Stderr, "%s\n", out.String())
			}
			r, err := readResults(path)
			if err != nil {
				return err
			}
			r.Tests[command] = t
			if err := r.write(path); err != nil {
				return err
			}
		}
	}
	if failed > 0 {
		return fmt.Errorf("%d commands failed", failed)
	}
	return writeReport(*root)
}

// writeReport writes docs/reliability.md of what was noted.
func writeReport(root string) error {
	r, err := readResults(resultsFile(root))
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(root, "docs", "reliability.md"), report(r), 0o644); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}

// last gives the last run of all kinds of faults with the most kills, nil where
// there is none.
func (r results) last() *figures {
	var best *figures
	for i := range slices.Backward(r.Runs) {
		if f := &r.Runs[i]; f.Only+f.Victims+f.From != "" || f.Soak != nil || len(f.Hot) > 0 {
			continue
		}
		if best == nil || r.Runs[i].Kills > best.Kills {
			best = &r.Runs[i]
		}
	}
	return best
}

// warnings holds the warnings of deadlines against what came.
const warnings = "go test ./schemas -run TestWarningsHeldAgainstWhatCame -count=1 -v"

// shares finds what was measured of each warning.
var shares = regexp.MustCompile(`warnings at (\d+) %: .*, ([\d.]+) % of the breaches a fifth of the target ahead, ([\d.]+) % of the warnings false`)

// judgeWarnings reads what the test said: the goal asks of one warning that it
// catches breaches and is right.
func judgeWarnings(r results, passed bool) (string, string) {
	if !passed {
		return noneYet, "a test of it failed, or was not run"
	}
	verdict, text := missed, []string{}
	for _, line := range r.Tests[warnings].Said {
		m := shares.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		text = append(text, fmt.Sprintf("at %s %% of the time %s %% of the breaches in time, %s %% of the warnings false", m[1], m[2], m[3]))
		if ahead, wrong := number(m[2]), number(m[3]); ahead >= 90 && wrong <= 10 {
			verdict = met
		}
	}
	return verdict, strings.Join(text, "; ")
}

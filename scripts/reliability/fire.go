package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// campaign is one run.
type campaign struct {
	options
	i        *installation
	load     *load
	receiver *receiver
	faults   *faults
	hostile  *hostile
	watch    *watch
	truth    *truth
	checks   []check
	alerts   alertFigures
	probe    *probe
	soak     *soak // nil where no feed is sent beside
	began    time.Time
}

// fire runs the load through the faults and compares.
func fire(ctx context.Context, o options) error {
	if o.work == "" {
		dir, err := os.MkdirTemp("", "nabz-reliability-")
		if err != nil {
			return fmt.Errorf("make the work folder: %w", err)
		}
		o.work = dir
	} else if err := os.MkdirAll(o.work, 0o700); err != nil {
		return fmt.Errorf("make the work folder: %w", err)
	}
	say("seed %d, %d events/s for %v, %d kills; work folder %s", o.seed, o.rate, o.length, o.kills, o.work)
	c := &campaign{options: o, began: time.Now()}
	err := c.whole(ctx)
	if c.i != nil {
		c.i.stop()
	}
	if err == nil && !o.keep {
		return os.RemoveAll(o.work)
	}
	if err != nil {
		say("the work folder stays: %s", o.work)
	}
	return err
}

func (c *campaign) whole(ctx context.Context) error {
	var err error
	if c.receiver, err = newReceiver(c.seed); err != nil {
		return err
	}
	if c.i, err = start(ctx, c.options, c.receiver.url); err != nil {
		return err
	}
	j, err := createJournal(c.journalPath())
	if err != nil {
		return err
	}
	c.load = newLoad(c.seed, c.rate, c.length, "http://"+c.i.links["door"].address(), apiKey, j)
	if c.faults, err = newFaults(c.i, c.load, c.options); err != nil {
		return err
	}
	c.hostile = newHostile(c.seed, c.i.addresses["collector"], c.i.addresses["gateway"], apiKey)
	c.watch = &watch{url: "http://" + c.i.addresses["gateway"], key: apiKey}
	if c.soakFor > 0 {
		if c.soak, err = newSoak(c.options, c); err != nil {
			return errors.Join(err, j.close())
		}
	}
	if err := c.underFire(ctx); err != nil {
		return errors.Join(err, j.close())
	}
	if err := j.close(); err != nil {
		return err
	}
	if err := c.compare(ctx); err != nil {
		return err
	}
	return c.judge()
}

func (c *campaign) journalPath() string { return filepath.Join(c.work, "journal.tsv") }

// underFire sends the load to its end.
func (c *campaign) underFire(ctx context.Context) error {
	// Faults end with the load; after them everything is acknowledged soon, or
	// something does not recover.
	ctx, cancel := context.WithTimeout(ctx, max(c.length, c.soakFor)+longest+5*time.Minute)
	defer cancel()
	c.load.began = time.Now()
	sent, faulty := make(chan error, 1), make(chan struct{})
	go func() { sent <- c.send(ctx) }()
	go func() { defer close(faulty); c.faults.run(ctx) }()
	beside, enough := context.WithTimeout(ctx, c.length)
	defer enough()
	var others sync.WaitGroup
	c.watch.began = c.load.began
	others.Go(func() { c.watch.run(beside) })
	c.probe = newProbe(c.load.began, c.load.url, c.watch.url)
	others.Go(func() { c.probe.run(beside) })
	following, gone := context.WithCancel(ctx)
	others.Go(func() { c.probe.follow(following) })
	if c.kills > 0 {
		others.Go(func() { c.hostile.run(beside, func() int { return rssOf(c.i.parts["collector"].pid()) }) })
	}
	defer others.Wait()
	defer gone()
	ticker := time.NewTicker(10 * time.Second)
	defer ticker.Stop()
	for {
		select {
		case err := <-sent:
			<-faulty
			return err
		case <-ticker.C:
			say("%s: %d kills, %d events acknowledged, %d waiting, %d requests without an answer, %d told to come again", c.sinceLoad(), c.faults.killed(),
				c.load.counts.Acked.Load(), c.load.pending.Load(), c.load.counts.Failed.Load(), c.load.counts.Unready.Load())
		}
	}
}

// send sends the load, and a feed beside it where there is one.
func (c *campaign) send(ctx context.Context) error {
	if c.soak == nil {
		return c.load.run(ctx)
	}
	beside := make(chan error, 1)
	go func() { beside <- c.soak.run(ctx) }()
	return errors.Join(c.load.run(ctx), <-beside)
}

func (c *campaign) sinceLoad() time.Duration { return time.Since(c.load.began).Round(time.Second) }

// compare waits until all is stored, then asks the oracle and verify.
func (c *campaign) compare(ctx context.Context) error {
	var err error
	if c.truth, err = workOut(c.journalPath()); err != nil {
		return err
	}
	say("the oracle: %d events of %d contacts, %d acknowledged again, %d behind the horizon; %d waits, %d parts of agents",
		len(c.truth.events), c.truth.contacts, c.truth.repeats, len(c.truth.lost), len(c.truth.waits), len(c.truth.handled))
	r, err := c.i.readEngine()
	if err != nil {
		return err
	}
	cmp, err := newComparison(r, c.truth)
	if err != nil {
		return err
	}
	if err := c.settled(ctx, cmp); err != nil {
		return err
	}
	add := func(k check, err error) error {
		if err != nil {
			return fmt.Errorf("compare %s: %w", k.Name, err)
		}
		say("%-26s %8d compared, %d differences", k.Name, k.Compared, k.Different)
		for _, e := range k.Examples {
			say("    %s", e)
		}
		c.checks = append(c.checks, k)
		return nil
	}
	if err := add(c.hostile.check(ctx, cmp)); err != nil {
		return err
	}
	if err := add(cmp.events(ctx)); err != nil {
		return err
	}
	for _, k := range kpis() {
		if err := add(cmp.cells(ctx, k)); err != nil {
			return err
		}
	}
	if err := add(cmp.deadlines(ctx)); err != nil {
		return err
	}
	k, figures, err := cmp.incidents(ctx, c.receiver, c.watch.stood())
	if c.alerts = figures; add(k, err) != nil {
		return err
	}
	if err := add(cmp.readings(ctx, "http://"+c.i.addresses["gateway"], apiKey, c.zone)); err != nil {
		return err
	}
	if c.soak != nil {
		if err := c.soak.compare(ctx, r, add); err != nil {
			return err
		}
	}
	if !c.verify {
		return nil
	}
	return add(c.recomputed(ctx))
}

// recomputed lets Nabz itself hold what is stored against the raw events.
func (c *campaign) recomputed(ctx context.Context) (check, error) {
	say("nabz verify, with the services stopped")
	c.i.stopServices()
	out, err := c.i.nabz(ctx, "verify")
	v := check{Name: "nabz verify"}
	if _, scan := fmt.Sscanf(strings.TrimSpace(out), "%d cells compared, %d differences", &v.Compared, &v.Different); scan != nil {
		v.differ("it did not come to its end: %v", err)
		return v, nil
	}
	if err != nil {
		v.Examples = strings.SplitN(err.Error(), "\n", mostExamples+1)
	}
	return v, nil
}

// settled waits until every record that was written has become rows, which
// shows in numbers that stand still and clocks that pass.
func (c *campaign) settled(ctx context.Context, cmp *comparison) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	last := int64(0)
	for _, e := range c.truth.events {
		last = max(last, e.acked, e.time)
	}
	say("waiting until all of it is stored and told")
	was, same := "", 0
	for same < 3 {
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait until all is stored: %w: %s", context.Cause(ctx), was)
		case <-time.After(2 * time.Second):
		}
		now := ""
		// The clock of the slowest partition, and what there is.
		err := cmp.ask(ctx, "SELECT (SELECT min(toUnixTimestamp64Milli(as_of)) FROM kpi_offered WHERE feed = ''), (SELECT count() FROM nabz_internal.events), (SELECT count() FROM nabz_internal.rejects), "+
			"(SELECT count() FROM sla_verdicts WHERE state IN ('met', 'met_late')), (SELECT countIf(state = 'firing' AND kind = 'deadline') FROM incidents WHERE tenant LIKE 'tenant-%')",
			func(p []string) {
				now = strings.Join(p[1:], " ")
				if parse(p[0]) < last+65_000 {
					now += " the clock stands before the end"
				}
			})
		if err != nil {
			say("ask: %v", err)
			continue
		}
		now += fmt.Sprintf(" %d incidents of deadlines open at the receiver", c.receiver.open())
		if now == was && !strings.Contains(now, "before") && c.receiver.open() == 0 {
			same++
		} else {
			same = 0
		}
		was = now
	}
	return nil
}

// judge says how it went, and notes it.
func (c *campaign) judge() error {
	f := c.figures()
	say("client: %d events sent, %d acknowledged, %d refused; %d requests, %d without an answer, %d told to come again, %d answers of 5xx",
		f.Client.Sent, f.Client.Acked, f.Client.Refused, f.Client.Requests, f.Client.Unanswered, f.Client.Unready, f.Client.ServerErrors)
	for what, times := range f.Odd {
		say("client: %s, %d times", what, times)
	}
	for _, d := range f.Deaths {
		say("died by itself: %s", d)
	}
	for _, what := range f.Failed {
		say("fault: %s", what)
	}
	for kind, s := range f.Back {
		say("back after a kill: %s %d times, p50 %d ms, longest %d ms", kind, s.N, s.P50, s.Max)
	}
	for when, s := range f.Shown {
		say("an event to the wallboard, %s: p50 %d ms, p99 %d ms, longest %d ms", when, s.P50, s.P99, s.Max)
	}
	for when, s := range f.Wall {
		say("age of the wallboard, %s: p50 %d ms, p99 %d ms, greatest %d ms", when, s.P50, s.P99, s.Max)
	}
	say("hostile: %+v", f.Hostile)
	say("receiver: %d incidents of deadlines, %d of rules; %d messages came again, %d answers failed; p50 %d ms, p99 %d ms behind due and settle time",
		f.Alerts.Deadlines, f.Alerts.Rules, f.Alerts.Repeats, f.Alerts.Failures, f.Alerts.Lag.P50, f.Alerts.Lag.P99)
	if c.results != "" {
		r, err := readResults(c.results)
		if err != nil {
			return err
		}
		r.Runs = append(r.Runs, f)
		if err := r.write(c.results); err != nil {
			return err
		}
	}
	if n := f.bad(); n > 0 {
		return fmt.Errorf("%d things are not as they must be", n)
	}
	say("%d kills and %d other faults: 0 differences, after %v", f.Kills, len(f.Faults), time.Since(c.began).Round(time.Second))
	return nil
}

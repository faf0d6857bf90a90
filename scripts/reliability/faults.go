package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// fault is one thing that goes wrong at an instant of the load.
type fault struct {
	at   time.Duration
	name string
	hits []string // the parts that it takes; no other fault touches them meanwhile
	for_ time.Duration
	do   func(context.Context, *faults) error
}

// faults is what goes wrong in a run.
type faults struct {
	i     *installation
	load  *load
	plan  []fault
	kills int
	seed  uint64

	mu     sync.Mutex
	busy   map[string]bool
	log    *os.File
	done   map[string]int
	back   map[string][]time.Duration // from a kill until the part was ready again
	spans  []span
	failed []string
}

// span is when a fault of a kind was going on, in the load.
type span struct {
	name     string
	from, to time.Duration
}

// victims are what is killed in turn, as often each.
func victims() []string {
	return []string{"collector", "kafka", "processor", "loader", "alerter", "gateway", "clickhouse"}
}

// plan draws the faults of a run. Kills are spread over it; the others stand
// between them, each kind at its share of the length.
func plan(o options) []fault {
	seed, kills, length := o.seed, o.kills, o.length
	r := rand.New(rand.NewPCG(seed, 0xfa017))
	var out []fault
	first, last := 12*time.Second, length-10*time.Second
	turn := strings.Split(o.victims, ",")
	for k := range kills {
		if k%len(turn) == 0 {
			r.Shuffle(len(turn), func(a, b int) { turn[a], turn[b] = turn[b], turn[a] })
		}
		victim := turn[k%len(turn)]
		if victim == "processor" || victim == "loader" || victim == "alerter" {
			victim += fmt.Sprintf("-%d", 1+r.IntN(2))
		}
		at := first + (last-first)*time.Duration(k)/time.Duration(max(kills, 1)) + time.Duration(r.IntN(1500))*time.Millisecond
		out = append(out, killing(at, victim))
	}
	// The kinds below in an order of the seed's, evenly over the run; a run that
	// is too short for all of them has the first ones.
	away := min(time.Minute, length/6)
	if o.only != "" {
		away = min(time.Minute, length/2)
	}
	kinds := others(r, away)
	if o.only != "" {
		only := strings.Split(o.only, ",")
		kinds = slices.DeleteFunc(kinds, func(x fault) bool { return !slices.Contains(only, x.name) })
	}
	r.Shuffle(len(kinds), func(a, b int) { kinds[a], kinds[b] = kinds[b], kinds[a] })
	if room := int(length / (8 * time.Second)); len(kinds) > room {
		kinds = kinds[:room]
	}
	for n, f := range kinds {
		f.at = first + (last-first)*time.Duration(n)/time.Duration(len(kinds)) + time.Duration(r.IntN(3000))*time.Millisecond
		if f.at+f.for_ < last {
			out = append(out, f)
		}
	}
	slices.SortFunc(out, func(a, b fault) int { return int(a.at - b.at) })
	return out
}

func killing(at time.Duration, victim string) fault {
	return fault{at: at, name: "kill " + victim, hits: []string{victim}, do: func(ctx context.Context, f *faults) error {
		began := time.Now()
		ready, err := f.i.kill(ctx, victim)
		if err != nil {
			return err
		}
		ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
		defer cancel()
		if err := ready(ctx); err != nil {
			return err
		}
		kind, _, _ := strings.Cut(victim, "-")
		f.mu.Lock()
		defer f.mu.Unlock()
		f.kills++
		f.back[kind] = append(f.back[kind], time.Since(began))
		return nil
	}}
}

// others are the faults that are no kills; away is how long ClickHouse stays away.
func others(r *rand.Rand, away time.Duration) []fault {
	var out []fault
	add := func(name string, lasts time.Duration, do func(context.Context, *faults) error, hits ...string) {
		out = append(out, fault{name: name, hits: hits, for_: lasts, do: do})
	}
	for _, victim := range []string{"processor-1", "processor-2", "loader-1", "alerter-1"} {
		// Longer than the group's session, so that another takes over and the
		// sleeper wakes as a zombie.
		add("zombie "+victim, 12*time.Second, func(ctx context.Context, f *faults) error { return f.freeze(ctx, victim, 12*time.Second) }, victim)
	}
	for _, victim := range []string{"collector", "gateway", "kafka", "clickhouse"} {
		d := 2*time.Second + time.Duration(r.IntN(2000))*time.Millisecond
		add("freeze "+victim, d, func(ctx context.Context, f *faults) error { return f.freeze(ctx, victim, d) }, victim)
	}
	add("clickhouse away", away, func(ctx context.Context, f *faults) error { return f.engineAway(ctx, away) }, "clickhouse")
	for _, name := range append(services(), "door", "clickhouse-loader") {
		bytes := int64(r.IntN(200_000))
		add("cut "+name, 0, func(_ context.Context, f *faults) error { f.i.links[name].cut(); return nil })
		add("reset in the middle of "+name, time.Second, func(ctx context.Context, f *faults) error {
			f.i.links[name].budget.Store(bytes)
			return nil
		})
	}
	for _, name := range []string{"processor-1", "loader-2", "collector", "door", "clickhouse-loader"} {
		add("stall "+name, 8*time.Second, func(ctx context.Context, f *faults) error { return f.stall(ctx, name, 8*time.Second) })
	}
	for _, name := range []string{"processor-2", "alerter-2", "gateway"} {
		add("unreachable kafka of "+name, 9*time.Second, func(ctx context.Context, f *faults) error { return f.refuse(ctx, name, 9*time.Second) })
	}
	add("rebalance storm", 15*time.Second, func(ctx context.Context, f *faults) error { return f.storm(ctx, r.IntN(2), 15*time.Second) })
	add("full disk of clickhouse", 8*time.Second, func(ctx context.Context, f *faults) error { return f.fill(ctx, "clickhouse", 8*time.Second) }, "clickhouse")
	add("full disk of kafka", 6*time.Second, func(ctx context.Context, f *faults) error { return f.fill(ctx, "kafka", 6*time.Second) }, "kafka")
	add("poison in kafka", 5*time.Second, func(ctx context.Context, f *faults) error { return f.i.poison(ctx) })
	return out
}

func newFaults(i *installation, l *load, o options) (*faults, error) {
	f := &faults{i: i, load: l, seed: o.seed, plan: plan(o), busy: map[string]bool{}, done: map[string]int{}, back: map[string][]time.Duration{}}
	left := strings.Split(o.without, ",")
	f.plan = slices.DeleteFunc(f.plan, func(x fault) bool { return o.kills == 0 && o.only == "" || slices.Contains(left, x.name) })
	f.plan = append(f.plan, upgrade(o)...)
	var err error
	f.log, err = os.Create(filepath.Join(o.work, "faults.log"))
	if err != nil {
		return nil, fmt.Errorf("create the log of faults: %w", err)
	}
	return f, nil
}

// run lets everything go wrong at its time, and waits until all is over.
func (f *faults) run(ctx context.Context) {
	defer f.log.Close()
	f.note("seed %d, load from %s", f.seed, f.load.began.UTC().Format(time.RFC3339))
	var going sync.WaitGroup
	for _, next := range f.plan {
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Until(f.load.began.Add(next.at))):
		}
		going.Go(func() { f.one(ctx, next) })
	}
	going.Wait()
}

func (f *faults) one(ctx context.Context, next fault) {
	if !f.hold(ctx, next.hits) {
		return
	}
	defer f.release(next.hits)
	from := time.Since(f.load.began)
	f.note("%s", next.name)
	err := next.do(ctx, f)
	to := time.Since(f.load.began)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.done[next.name]++
	f.spans = append(f.spans, span{name: next.name, from: from, to: to})
	if err != nil && ctx.Err() == nil {
		f.failed = append(f.failed, fmt.Sprintf("%s at %v: %v", next.name, from.Round(time.Second), err))
		fmt.Fprintf(f.log, "%s\t%s: %v\n", to.Round(time.Millisecond), next.name, err)
	}
}

// afterwards is how long behind a fault what it did may still show, and begins
// how long after the load's beginning nothing is measured.
const afterwards, begins = 15 * time.Second, 15 * time.Second

// quiet tells whether nothing went wrong at an instant of the load, nor shortly
// before.
func (f *faults) quiet(at time.Duration) bool {
	return at >= begins && !slices.ContainsFunc(f.spans, func(s span) bool { return at >= s.from && at <= s.to+afterwards })
}

// hold waits until no other fault has the parts.
func (f *faults) hold(ctx context.Context, parts []string) bool {
	for ctx.Err() == nil {
		f.mu.Lock()
		free := !slices.ContainsFunc(parts, func(p string) bool { return f.busy[p] })
		if free {
			for _, p := range parts {
				f.busy[p] = true
			}
		}
		f.mu.Unlock()
		if free {
			return true
		}
		pause(ctx, 50*time.Millisecond)
	}
	return false
}

func (f *faults) release(parts []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, p := range parts {
		delete(f.busy, p)
	}
}

func (f *faults) note(format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	at := time.Since(f.load.began).Round(time.Millisecond)
	fmt.Fprintf(f.log, "%s\t%s\t%s\n", time.Now().UTC().Format("15:04:05.000"), at, fmt.Sprintf(format, args...))
}

// killed tells how many processes were killed and are back.
func (f *faults) killed() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.kills
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// freeze stops a process for a while, in the middle of whatever it does.
func (f *faults) freeze(ctx context.Context, name string, d time.Duration) error {
	wake, err := f.i.freeze(name)
	if err != nil {
		return err
	}
	pause(ctx, d)
	return wake()
}

// engineAway stops ClickHouse altogether for a while.
func (f *faults) engineAway(ctx context.Context, d time.Duration) error {
	p := f.i.parts["engine"]
	p.kill(true)
	if err := os.Remove(f.i.readyFile()); err != nil && !os.IsNotExist(err) {
		return err
	}
	pause(ctx, d)
	p.revive()
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	return p.await(ctx)
}

func (f *faults) stall(ctx context.Context, name string, d time.Duration) error {
	l := f.i.links[name]
	l.stall.Store(true)
	pause(ctx, d)
	l.stall.Store(false)
	return nil
}

func (f *faults) refuse(ctx context.Context, name string, d time.Duration) error {
	l := f.i.links[name]
	l.refuse.Store(true)
	l.cut()
	pause(ctx, d)
	l.refuse.Store(false)
	return nil
}

// storm lets further processors join and leave, in peace or not.
func (f *faults) storm(ctx context.Context, first int, d time.Duration) error {
	until := time.Now().Add(d)
	for n := first; time.Now().Before(until) && ctx.Err() == nil; n++ {
		p := &part{
			name: "guest", program: f.i.binary, args: []string{"processor"}, log: logOf(f.i.logs(), "guest"),
			env: append(slices.Clone(f.i.env), "NABZ_KAFKA="+f.i.inside),
		}
		p.start()
		pause(ctx, 1200*time.Millisecond)
		if n%2 == 0 {
			p.signal(syscall.SIGKILL)
		}
		p.stop()
		f.mu.Lock()
		f.done["joins and leaves"]++
		f.mu.Unlock()
	}
	return nil
}

// fill leaves no room on the disk of a part for a while.
func (f *faults) fill(ctx context.Context, name string, d time.Duration) error {
	free, err := f.i.fill(name)
	if err != nil {
		return err
	}
	pause(ctx, d)
	if err := free(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	return f.i.alive(ctx, name)
}

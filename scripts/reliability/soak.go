package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

const soakUsage = `Lets a day pass faster than the clock, in a feed with a clock of its own, beside a
live load: a midnight in Tehran at which the clocks go forward is in its middle,
in two days also the Nowruz before it. Memory, open files and goroutines of every
service are read meanwhile, and the oracle holds both loads against what is stored.

  reliability soak [flags]

Example: go run ./scripts/reliability soak -for 15m     a day
         go run ./scripts/reliability soak -for 3m      five hours

Flags:
`

// dstMidnight is the last midnight at which clocks went forward in Tehran: the
// day before was Nowruz of 1401.
var dstMidnight = time.Date(2022, 3, 21, 20, 30, 0, 0, time.UTC)

const soakZone = "Asia/Tehran"

// runSoak is a run without faults, and with a feed that is faster.
func runSoak(ctx context.Context, args []string) error {
	var o options
	flags := o.flags("reliability soak", soakUsage, 15*time.Minute, 1000)
	flags.Float64Var(&o.speed, "speed", 96, "how much faster than the clock the feed's time passes")
	if err := o.parse(flags, args); err != nil {
		return helped(err)
	}
	if o.length < time.Minute || o.speed <= 1 {
		return errors.New("soak: at least a minute, and faster than the clock")
	}
	o.zone, o.soakFor = soakZone, o.length
	o.length = max(30*time.Second, o.soakFor-2*time.Minute) // the last contacts take so long
	return fire(ctx, o)
}

// soak is the feed of a run that lets a day pass.
type soak struct {
	load    *load
	journal string
	truth   *truth
	meter   *meter
}

func newSoak(o options, c *campaign) (*soak, error) {
	s := &soak{journal: filepath.Join(o.work, "feed.tsv"), meter: &meter{i: c.i}}
	j, err := createJournal(s.journal)
	if err != nil {
		return nil, err
	}
	span := time.Duration(float64(o.soakFor) * o.speed)
	s.load = newLoad(o.seed+1, o.rate, span, c.load.url, apiKey, j)
	s.load.speed, s.load.base, s.load.feed = o.speed, dstMidnight.Add(-span/2), &feed{name: "day", session: int64(o.seed) + 1}
	return s, nil
}

// run sends the feed to its end.
func (s *soak) run(ctx context.Context) error {
	l := s.load
	if err := l.pass(ctx, "feed.opened", l.base.Add(-time.Hour)); err != nil {
		return err
	}
	l.began = time.Now()
	beside, stop := context.WithCancel(ctx)
	var others sync.WaitGroup
	others.Go(func() { l.clock(beside) })
	others.Go(func() { s.meter.run(beside) })
	err := l.run(ctx)
	stop()
	others.Wait()
	if err != nil {
		return errors.Join(err, l.journal.close())
	}
	say("feed: %d events acknowledged, from %s to %s", l.counts.Acked.Load(), l.base.Format(time.RFC3339), l.now().Format(time.RFC3339))
	return errors.Join(l.pass(ctx, "feed.closed", l.now().Add(time.Hour)), l.journal.close())
}

// meter reads what the services take while they work.
type meter struct {
	i       *installation
	samples map[string][]vitals
}

// vitals are what one process takes at an instant.
type vitals struct{ mib, files, goroutines, items float64 }

func (m *meter) run(ctx context.Context) {
	m.samples = map[string][]vitals{}
	for ctx.Err() == nil {
		for _, name := range services() {
			if v, err := readVitals(ctx, "http://"+m.i.addresses[name]+"/metrics"); err == nil {
				m.samples[name] = append(m.samples[name], v)
			}
		}
		pause(ctx, time.Second)
	}
}

// readVitals reads what a service tells of itself.
func readVitals(ctx context.Context, url string) (v vitals, err error) {
	m, err := readMetrics(ctx, url, "process_resident_memory_bytes", "process_open_fds", "go_goroutines", "nabz_processor_items")
	if err != nil {
		return v, err
	}
	return vitals{m[0] / (1 << 20), m[1], m[2], m[3]}, nil
}

// soakFigures are what the services took: the mean over the third fifth of the
// run, and over the last.
type soakFigures struct {
	Speed   float64         `json:"speed"`
	Seconds int             `json:"seconds"`
	Events  int             `json:"events"`
	From    string          `json:"from"`
	To      string          `json:"to"`
	Parts   map[string]flat `json:"parts"`
}

type flat struct {
	MiB        [2]float64 `json:"mib"`
	Files      [2]float64 `json:"files"`
	Goroutines [2]float64 `json:"goroutines"`
	Items      [2]float64 `json:"items"`
}

func (s *soak) figures() *soakFigures {
	span := time.Duration(float64(s.load.length))
	f := &soakFigures{
		Speed: s.load.speed, Seconds: int(float64(span.Seconds()) / s.load.speed), Events: len(s.truth.events), Parts: map[string]flat{},
		From: s.load.base.Format(time.RFC3339), To: s.load.base.Add(span).Format(time.RFC3339),
	}
	for name, all := range s.meter.samples {
		f.Parts[name] = flatness(all)
	}
	return f
}

// flatness takes the means of two fifths.
func flatness(all []vitals) (f flat) {
	for i, from := range []int{2, 4} {
		part := all[len(all)*from/5 : len(all)*(from+1)/5]
		mean := func(of func(vitals) float64) float64 {
			sum := 0.0
			for _, v := range part {
				sum += of(v)
			}
			return float64(int(sum/float64(max(1, len(part)))*10+0.5)) / 10
		}
		f.MiB[i] = mean(func(v vitals) float64 { return v.mib })
		f.Files[i] = mean(func(v vitals) float64 { return v.files })
		f.Goroutines[i] = mean(func(v vitals) float64 { return v.goroutines })
		f.Items[i] = mean(func(v vitals) float64 { return v.items })
	}
	return f
}

// compare holds the feed against the oracle.
func (s *soak) compare(ctx context.Context, r engineReady, add func(check, error) error) error {
	var err error
	if s.truth, err = workOut(s.journal); err != nil {
		return err
	}
	cmp, err := newComparison(r, s.truth)
	if err != nil {
		return err
	}
	cmp.feed = s.load.feed.name
	named := func(k check, err error) error {
		k.Name = strings.Replace(k.Name, "kpi ", "kpi of the feed ", 1)
		if !strings.HasPrefix(k.Name, "kpi ") {
			k.Name += " of the feed"
		}
		return add(k, err)
	}
	if err := named(cmp.events(ctx)); err != nil {
		return err
	}
	for _, k := range kpis() {
		if err := named(cmp.cells(ctx, k)); err != nil {
			return err
		}
	}
	return named(cmp.deadlines(ctx))
}

// Of the last fifth against the third: what may differ though nothing leaks.
// Memory of a process of Go stands where its collector last left it.
const (
	mostGrowth  = 0.05
	mostMoreOf  = 2 // goroutines, files
	wholeDay    = 24 * time.Hour
	leastGrowth = 8 // MiB
)

func (f *flat) isFlat() bool {
	return f.MiB[1]-f.MiB[0] <= max(leastGrowth, mostGrowth*f.MiB[0]) && f.Files[1]-f.Files[0] <= mostMoreOf && f.Goroutines[1]-f.Goroutines[0] <= mostMoreOf
}

func judgeSoak(r results) (string, string) {
	f := r.find(func(f *figures) bool { return f.Soak != nil })
	if f == nil {
		return noneYet, ""
	}
	s := f.Soak
	span := time.Duration(float64(s.Seconds)*s.Speed) * time.Second
	var parts []string
	all := true
	for _, name := range services() {
		p, there := s.Parts[name]
		if !there {
			continue
		}
		all = all && p.isFlat()
		if p.Items[0] > 0 {
			name = fmt.Sprintf("%s (%s and %s items)", name, group(int(p.Items[0])), group(int(p.Items[1])))
		}
		parts = append(parts, fmt.Sprintf("%s %.0f and %.0f MiB, %.0f and %.0f goroutines, %.0f and %.0f files", name,
			p.MiB[0], p.MiB[1], p.Goroutines[0], p.Goroutines[1], p.Files[0], p.Files[1]))
	}
	cells, off := f.compared("kpi ")
	figure := fmt.Sprintf("%.1f h in %d s, from %s to %s, %s events beside a live load: at the mean of the third and of the last fifth %s; %s cells, %d not the oracle's (`go run ./scripts/reliability soak -seed %d -rate %d -for %ds -speed %.0f`)",
		span.Hours(), s.Seconds, s.From, s.To, group(s.Events), strings.Join(parts, "; "), group(cells), off, f.Seed, f.Rate, s.Seconds, s.Speed)
	switch {
	case !all || f.bad() > 0:
		return missed, figure
	case span < wholeDay:
		return partly, figure
	}
	return met, figure
}

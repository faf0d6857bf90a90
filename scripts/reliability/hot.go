package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

const hotUsage = `Compares a load whose events are of many keys with loads of which nine of ten
contacts are of one: of one queue of one tenant, and of one agent in it. Measured
are the records a second that two processors step of a log that was filled before,
and how long one event of a quiet tenant takes to the wallboard while the load
goes on.

  reliability hot [flags]

Example: go run ./scripts/reliability hot -rate 1000 -for 30s

Flags:
`

// hotShare of the contacts have the key.
const hotShare = 9 // of ten

// keys are what contacts may have in common.
func keys() []string { return []string{"queue", "agent"} }

// heat gives nine of ten contacts one key.
func heat(key string, n uint64, events []happening) {
	if key == "" || n%10 >= hotShare {
		return
	}
	for i := range events {
		h := &events[i]
		h.tenant, h.queue = "tenant-0", "queue-0"
		if key == "agent" && h.agent != "" {
			h.agent = "agent-hot"
		}
	}
}

// hotFigures are those of one kind of load.
type hotFigures struct {
	Key     string `json:"key"`     // empty: none
	Records int    `json:"records"` // that were stepped
	Rate    int    `json:"rate"`    // records a second
	Others  spread `json:"others"`  // ms from an event of a quiet tenant to the wallboard
}

// runHot measures each kind of load in an installation of its own.
func runHot(ctx context.Context, args []string) error {
	var o options
	flags := o.flags("reliability hot", hotUsage, 30*time.Second, 1000)
	fill := flags.Int("fill", 100_000, "events that the log is filled with")
	if err := o.parse(flags, args); err != nil {
		return helped(err)
	}
	if o.work == "" {
		return errors.New("hot: -work is needed")
	}
	dir := o.work
	r, err := newReceiver(o.seed)
	if err != nil {
		return err
	}
	f := figures{stamp: o.stamp(), Seed: o.seed, Rate: o.rate, Seconds: int(o.length.Seconds()), Fill: *fill}
	for _, key := range append([]string{""}, keys()...) {
		o.work = filepath.Join(dir, "hot-"+key)
		h, err := o.hot(ctx, key, *fill, r.url)
		if err != nil {
			return err
		}
		say("key %q: %d records, %d a second; others p50 %d ms, p99 %d ms of %d", key, h.Records, h.Rate, h.Others.P50, h.Others.P99, h.Others.N)
		f.Hot = append(f.Hot, h)
	}
	if o.results == "" {
		return nil
	}
	all, err := readResults(o.results)
	if err != nil {
		return err
	}
	all.Runs = append(all.Runs, f)
	return all.write(o.results)
}

// hotSpeed is how much faster than the clock the log is filled: its contacts
// take some seconds instead of minutes.
const hotSpeed = 20

// hot measures one kind of load.
func (o *options) hot(ctx context.Context, key string, fill int, receiver string) (h hotFigures, err error) {
	h.Key = key
	i, err := start(ctx, *o, receiver)
	defer i.stop()
	if err != nil {
		return h, err
	}
	j, err := createJournal(filepath.Join(o.work, "journal.tsv"))
	if err != nil {
		return h, err
	}
	defer j.close()
	processors := []string{"processor-1", "processor-2"}
	for _, name := range processors {
		i.parts[name].kill(true)
	}
	const rate = 20_000 // more than the collector takes of this client
	url := "http://" + i.addresses["collector"]
	span := time.Duration(fill) * time.Second * hotSpeed / rate
	l := newLoad(o.seed, rate, span, url, apiKey, j)
	l.speed, l.began, l.hot = hotSpeed, time.Now(), key
	l.base = l.began.Add(-span - time.Hour)
	if err := l.run(ctx); err != nil {
		return h, err
	}
	for _, name := range processors {
		i.parts[name].revive()
	}
	if h.Records, h.Rate, err = i.drained(ctx, processors); err != nil {
		return h, err
	}
	h.Others, err = o.others(ctx, i, key, j)
	return h, err
}

// drained waits until the processors have stepped what is in the log, and their
// boards what came of it, and gives how many records a second they stepped between the first tenth and the last.
func (i *installation) drained(ctx context.Context, processors []string) (records, rate int, err error) {
	type point struct {
		at      time.Time
		records float64
	}
	var points []point
	for still := 0; still < 20; {
		sum, lag := 0.0, 0.0
		for _, name := range processors {
			url := "http://" + i.addresses[name] + "/metrics"
			v, err := readMetrics(ctx, url, "nabz_processor_records_total", "nabz_processor_lag_records", "nabz_board_lag_records")
			if err == nil {
				// One that has not begun is behind by nothing.
				err = consuming(ctx, url)
			}
			if err != nil {
				lag++
				continue
			}
			sum, lag = sum+v[0], lag+v[1]+v[2]
		}
		points = append(points, point{time.Now(), sum})
		if still++; sum == 0 || lag > 0 {
			still = 0
		}
		if pause(ctx, 50*time.Millisecond); ctx.Err() != nil {
			return 0, 0, fmt.Errorf("wait for the processors: %w", context.Cause(ctx))
		}
	}
	all := points[len(points)-1].records
	from := slices.IndexFunc(points, func(p point) bool { return p.records >= all/10 })
	to := slices.IndexFunc(points, func(p point) bool { return p.records >= all*9/10 })
	took := points[to].at.Sub(points[from].at).Seconds()
	return int(all), int((points[to].records - points[from].records) / max(took, 0.001)), nil
}

// others measures how long events of a quiet tenant take to the wallboard while
// the load goes on.
func (o *options) others(ctx context.Context, i *installation, key string, j *journal) (spread, error) {
	l := newLoad(o.seed, o.rate, o.length+longest, "http://"+i.addresses["collector"], apiKey, j)
	l.began, l.hot = time.Now(), key
	ctx, cancel := context.WithTimeout(ctx, o.length)
	defer cancel()
	p := newProbe(l.began, l.url, "http://"+i.addresses["gateway"])
	var going sync.WaitGroup
	going.Go(func() { _ = l.run(ctx) }) // it is cut short
	going.Go(func() { p.follow(ctx) })
	sending, enough := context.WithTimeout(ctx, o.length*5/6)
	defer enough()
	p.run(sending)
	going.Wait()
	s := p.took(func(at time.Duration) bool { return at > o.length/6 })
	if s.N == 0 {
		return s, errors.New("nothing of the quiet tenant was shown")
	}
	return s, nil
}

func judgeHot(r results) (string, string) {
	f := r.find(func(f *figures) bool { return len(f.Hot) > 1 })
	if f == nil {
		return noneYet, ""
	}
	even := f.Hot[0]
	verdict := met
	text := fmt.Sprintf("many keys: %s records/s of a log of %s, others' p50 %d ms, p99 %d ms", group(even.Rate), group(even.Records), even.Others.P50, even.Others.P99)
	for _, h := range f.Hot[1:] {
		share, slower := float64(h.Rate)/float64(even.Rate), float64(h.Others.P99)/float64(max(1, even.Others.P99))
		text += fmt.Sprintf("; nine of ten contacts of one %s: %s records/s (%.2f of it), others' p50 %d ms, p99 %d ms (%.1f times)", h.Key, group(h.Rate), share, h.Others.P50, h.Others.P99, slower)
		if share < 0.5 || slower > 3 {
			verdict = missed
		}
	}
	return verdict, text + fmt.Sprintf(" (`%s`)", f.hotCommand())
}

func (f *figures) hotCommand() string {
	return fmt.Sprintf("go run ./scripts/reliability hot -seed %d -rate %d -for %ds -fill %d -work hot", f.Seed, f.Rate, f.Seconds, f.Fill)
}

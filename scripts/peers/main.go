// Command peers measures Nabz beside the engines that others would take: the
// same log on the same Apache Kafka broker, one core for the broker and one for
// the engine, each result held against an oracle before its speed counts.
//
// It does not know how any engine works inside: all of them are started, and
// read by what they write and what they commit.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
)

// Options are what is measured, and how.
type Options struct {
	Workloads  []string
	Engines    []string
	Events     int
	Partitions int
	Contacts   int
	Seed       uint64
	Tries      int
	BrokerCore string
	EngineCore string
	Nabz       string
	Profile    string
	Docs       bool
	Once       bool
}

const usage = `Command peers measures Nabz beside Kafka Streams, Flink and ClickHouse.

  go run ./scripts/peers [flags]       (or: make bench-peers WORKLOAD=w1 EVENTS=2000000)

Each engine runs twice, over a fourth of the log and over the whole of it; what
starting takes is in both, so the difference is what events take. A run during
which other processes used more than a tenth of a core is repeated, and marked
when that does not help.

Example: go run ./scripts/peers --workload w1,w3 --engines nabz,streams-eos --events 1000000

`

// catalogue lists workloads, each with the short names of its engines.
func catalogue() string {
	var b strings.Builder
	b.WriteString("Workloads, and the engines that do them:\n")
	for _, w := range workloads() {
		var names []string
		for _, e := range w.Engines {
			names = append(names, e.Short)
		}
		fmt.Fprintf(&b, "  %s  %-32s %s\n", w.Short, w.Title, strings.Join(names, ", "))
	}
	b.WriteString("\n")
	return b.String()
}

func say(format string, args ...any) {
	fmt.Fprintf(os.Stderr, time.Now().UTC().Format("15:04:05 ")+format+"\n", args...)
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, os.Args[1:])
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "peers:", err)
		os.Exit(1)
	}
}

func parse(args []string) (Options, error) {
	var o Options
	var workloads, engines string
	f := flag.NewFlagSet("peers", flag.ContinueOnError)
	f.Usage = func() {
		fmt.Fprint(f.Output(), usage, catalogue(), "Flags:\n")
		f.PrintDefaults()
	}
	f.StringVar(&workloads, "workload", "all", "workloads, with commas between; all: every one")
	f.StringVar(&engines, "engines", "all", "engines by their short names, with commas between; all: every one")
	f.IntVar(&o.Events, "events", 2_000_000, "events of the long log")
	f.IntVar(&o.Partitions, "partitions", 4, "partitions of the topics")
	f.IntVar(&o.Contacts, "contacts", 200, "contacts that begin in a second of the log's own time")
	f.Uint64Var(&o.Seed, "seed", 1, "of the log")
	f.IntVar(&o.Tries, "tries", 2, "how often a run is made that others disturb")
	f.StringVar(&o.BrokerCore, "broker-core", "0", "cores of the broker, as taskset names them")
	f.StringVar(&o.EngineCore, "engine-core", "1", "cores of the engine")
	f.StringVar(&o.Nabz, "nabz", "", "the program to measure; none: bin/nabz, which make build makes")
	f.StringVar(&o.Profile, "profile", "", "folder for CPU profiles of Nabz")
	f.BoolVar(&o.Docs, "docs", false, "write the figures into docs/performance.md, with their data and their plot; those of other workloads stay")
	f.BoolVar(&o.Once, "once", false, "one run over the whole log: what starting takes is in the figures")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	o.Workloads, o.Engines = strings.Split(workloads, ","), strings.Split(engines, ",")
	if o.Events < 10_000 || o.Partitions < 1 || o.Contacts < 1 || o.Tries < 1 || f.NArg() > 0 {
		return o, errors.New("at least 10000 events, one partition, one contact a second and one try; no arguments but flags")
	}
	return o, nil
}

func run(ctx context.Context, args []string) error {
	o, err := parse(args)
	if err != nil {
		return err
	}
	root, err := repository()
	if err != nil {
		return err
	}
	if o.Nabz == "" {
		o.Nabz = filepath.Join(root, "bin", "nabz")
	}
	if o.Nabz, err = filepath.Abs(o.Nabz); err != nil {
		return fmt.Errorf("find nabz: %w", err)
	}
	if _, err := os.Stat(o.Nabz); err != nil {
		return fmt.Errorf("find nabz (make build makes it): %w", err)
	}
	dir, err := os.MkdirTemp("", "nabz-peers-")
	if err != nil {
		return fmt.Errorf("make a folder: %w", err)
	}
	defer os.RemoveAll(dir)
	classes, err := buildJava(ctx, root)
	if err != nil {
		return err
	}
	report := &Report{}
	docs := filepath.Join(root, "docs")
	if err := report.load(docs); err != nil {
		return err
	}
	var unfit []string
	for _, w := range workloads() {
		if !slices.Contains(o.Workloads, "all") && !slices.Contains(o.Workloads, w.Short) {
			continue
		}
		b := &Bench{ctx: ctx, opts: o, root: root, dir: dir, classes: classes}
		found, err := runWorkload(b, &w)
		if err != nil {
			return fmt.Errorf("workload %s: %w", w.Short, err)
		}
		report.take(&w, b, found)
		if o.Docs {
			if err := report.save(docs); err != nil {
				return err
			}
		}
		fmt.Printf("%s: %s\n%s\n", w.Short, w.Title, report.Workloads[w.Short].table())
		for i := range found {
			if found[i].Gate > 0 || found[i].Failed != "" {
				unfit = append(unfit, w.Short+": "+found[i].Engine)
			}
		}
	}
	if len(unfit) > 0 {
		return fmt.Errorf("wrong results, or none: %s", strings.Join(unfit, "; "))
	}
	return nil
}

// repository is the folder that holds go.work, from here upwards.
func repository() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("find the repository: %w", err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.work")); err == nil {
			return dir, nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", errors.New("find the repository: no go.work above this folder")
		}
		dir = up
	}
}

// Workload is one question that engines answer.
type Workload struct {
	Short    string
	Title    string
	Asks     string
	Wrapup   bool // as of a [Shape]
	Promises bool // likewise
	Open     bool // likewise
	Engines  []Engine
}

// shape is the log of a workload, over by now.
func (w *Workload) shape(events int, o Options) Shape {
	s := Shape{
		Seed: o.Seed, Events: events, Wrapup: w.Wrapup, Promises: w.Promises, Contacts: o.Contacts, Partitions: int32(o.Partitions),
	}
	each := 3
	s.Open = w.Open
	switch {
	case w.Open:
		each, s.Contacts = 1, 2_000
	case w.Promises:
		each, s.Contacts = 2, max(1, events/2/(promise/2/1000))
	case w.Wrapup:
		each = 4
	}
	s.Begin = beginOf(time.Now(), time.Duration(events/each/s.Contacts)*time.Second)
	return s
}

// runWorkload measures every engine over the short log and over the long one.
func runWorkload(on *Bench, w *Workload) ([]Figures, error) {
	o := on.opts
	engines := slices.DeleteFunc(slices.Clone(w.Engines), func(e Engine) bool {
		return !slices.Contains(o.Engines, "all") && !slices.Contains(o.Engines, e.Short)
	})
	samples, failed := make([][2]*Sample, len(engines)), make([]string, len(engines))
	sizes := []int{o.Events / 4, o.Events}
	if o.Once {
		sizes = sizes[1:]
	}
	for i, events := range sizes {
		b, err := on.open(w, events)
		if err != nil {
			return nil, err
		}
		b.whole = i == len(sizes)-1
		for j := range engines {
			if failed[j] != "" {
				continue
			}
			s, err := b.try(&engines[j])
			if err != nil {
				say("%v", err)
				failed[j], _, _ = strings.Cut(err.Error(), "\n")
			}
			samples[j][i+2-len(sizes)] = s
		}
		on.bytes = b.filled.Bytes / int64(b.filled.Events)
		b.close()
		if on.ctx.Err() != nil {
			return nil, context.Cause(on.ctx)
		}
	}
	var out []Figures
	for j := range engines {
		if failed[j] != "" {
			out = append(out, Figures{Engine: engines[j].Name, Failed: failed[j]})
			continue
		}
		short := samples[j][0]
		if short == nil {
			short = &Sample{}
		}
		out = append(out, figures(&engines[j], short, samples[j][1]))
	}
	return out, nil
}

// try measures until nobody disturbs, or all tries are used up: then it keeps
// the one that took the least.
func (b *Bench) try(e *Engine) (*Sample, error) {
	var best *Sample
	for range b.opts.Tries {
		s, err := b.measure(e)
		if err != nil {
			return nil, err
		}
		say("%-22s %8d events, %6.2f CPU-s, %6.2f s, %4d MB, %d cells differ from the events, %d from what it is held to, others used %.0f %%",
			e.Short, s.Events, s.CPU.Seconds(), s.Wall.Seconds(), s.Peak>>20, s.Wrong, s.Gate, 100*s.Others)
		if best == nil || s.CPU < best.CPU || best.Disturbed && !s.Disturbed {
			best = s
		}
		if !s.Disturbed {
			break
		}
	}
	return best, nil
}

// open starts a broker and fills it.
func (b *Bench) open(w *Workload, events int) (*Bench, error) {
	n, o := *b, b.opts
	b = &n
	var err error
	if b.broker, err = StartBroker(b.ctx, b.root, b.dir, o.BrokerCore); err != nil {
		return nil, err
	}
	if b.kafka, err = client(b.broker.Address); err != nil {
		return nil, err
	}
	b.admin = kadm.NewClient(b.kafka)
	if err := prepareNabz(b); err != nil {
		return nil, err
	}
	s := w.shape(events, o)
	if b.filled, err = fill(b.ctx, b.broker.Address, s); err != nil {
		return nil, err
	}
	say("%s: %d events of %d bytes in %d partitions, %d minutes", w.Short, b.filled.Events,
		b.filled.Bytes/int64(b.filled.Events), o.Partitions, (b.filled.LastAt-s.Begin)/60_000)
	return b, nil
}

func (b *Bench) close() {
	b.kafka.Close()
	b.broker.Stop()
}

// Command reliability runs the real binary under fire and holds what it says
// against an oracle: every service as a process of its own, Apache Kafka, the
// ClickHouse engine, a load that does not wait for answers, and faults drawn
// from a seed. The oracle reads the client's journal alone.
//
// It does not know how anything is computed: it speaks HTTP and SQL, imports
// nothing of Nabz, and works out what must be there in its own naive way.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

const usage = `Runs nabz under fire and compares it with an oracle.

  reliability [flags]           a run
  reliability upgrade [flags]   an older version, this one and the older one again, under load
  reliability soak [flags]      a day that passes faster than the clock
  reliability hot [flags]       nine of ten contacts of one key
  reliability goals [flags]     runs the tests that stand for other goals, and notes what they said
  reliability report            writes docs/reliability.md of what was noted

Example: go run ./scripts/reliability -seed 7 -kills 70 -for 8m -rate 5000
         go run ./scripts/reliability -seed 7 -kills 6 -for 60s -rate 500

The same seed draws the same load and the same faults at the same instants. The
work folder keeps logs, the journal and faults.log of a run that failed.

Flags of a run:
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "reliability: %v\n", err)
		os.Exit(1)
	}
}

// options are the flags of a run.
type options struct {
	seed       uint64
	rate       int
	length     time.Duration
	kills      int
	partitions int
	binary     string
	work       string
	cache      string
	root       string
	results    string
	keep       bool
	verify     bool
	without    string
	only       string
	victims    string
	from       string // the older version, of which binary is then
	newer      string // the binary of this one
	zone       string // of the days that the wallboard and the views show
	speed      float64
	soakFor    time.Duration // how long a feed is sent beside; 0: none is
}

func run(ctx context.Context, args []string) error {
	switch {
	case len(args) > 0 && args[0] == "goals":
		return runGoals(ctx, args[1:])
	case len(args) > 0 && args[0] == "upgrade":
		return runUpgrade(ctx, args[1:])
	case len(args) > 0 && args[0] == "soak":
		return runSoak(ctx, args[1:])
	case len(args) > 0 && args[0] == "hot":
		return runHot(ctx, args[1:])
	case len(args) == 1 && args[0] == "report":
		return writeReport(".")
	}
	var o options
	flags := o.flags("reliability", usage, 8*time.Minute, 5000)
	flags.IntVar(&o.kills, "kills", 70, "how many processes are killed")
	flags.StringVar(&o.victims, "victims", strings.Join(victims(), ","), "what is killed in turn, with commas between")
	flags.StringVar(&o.without, "without", "", "faults to leave out, by name, with commas between")
	flags.StringVar(&o.only, "only", "", "the only faults that are no kills, by name, with commas between; none: kills alone")
	if err := o.parse(flags, args); err != nil {
		return helped(err)
	}
	return fire(ctx, o)
}

// helped takes it for no error that somebody asked for help.
func helped(err error) error {
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	return err
}

// flags are those that every run has.
func (o *options) flags(name, usage string, length time.Duration, rate int) *flag.FlagSet {
	flags := flag.NewFlagSet(name, flag.ContinueOnError)
	flags.Usage = func() {
		fmt.Fprint(flags.Output(), usage)
		flags.PrintDefaults()
	}
	flags.Uint64Var(&o.seed, "seed", 1, "of load and faults")
	flags.IntVar(&o.rate, "rate", rate, "events a second")
	flags.DurationVar(&o.length, "for", length, "how long contacts begin; the last of them take two minutes more")
	flags.IntVar(&o.partitions, "partitions", 4, "of every topic")
	flags.StringVar(&o.binary, "nabz", "bin/nabz", "the binary under fire")
	flags.StringVar(&o.work, "work", "", "folder for data and logs; default: a new one that goes when all is well")
	flags.StringVar(&o.root, "root", ".", "the repository")
	flags.StringVar(&o.results, "results", "", "file to note the figures in, for the report")
	flags.BoolVar(&o.keep, "keep", false, "keep the work folder")
	flags.BoolVar(&o.verify, "verify", true, "also let nabz verify recompute every KPI; takes minutes, on a busy machine many")
	return flags
}

// parse reads the flags and finds the binary and the cache.
func (o *options) parse(flags *flag.FlagSet, args []string) error {
	if err := flags.Parse(args); err != nil {
		return err
	}
	o.zone = "UTC"
	var err error
	if o.binary, err = filepath.Abs(o.binary); err != nil {
		return fmt.Errorf("find the binary: %w", err)
	}
	if _, err := os.Stat(o.binary); err != nil {
		return fmt.Errorf("find the binary: %w (make build)", err)
	}
	if o.cache = os.Getenv("NABZ_CACHE"); o.cache == "" {
		home, err := os.UserCacheDir()
		if err != nil {
			return fmt.Errorf("find the cache: %w", err)
		}
		o.cache = filepath.Join(home, "nabz")
	}
	return nil
}

// say tells how far the run is.
func say(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "%s "+format+"\n", append([]any{time.Now().UTC().Format("15:04:05")}, args...)...)
}

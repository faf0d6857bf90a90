package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/nabz/nabz/pkg/mapping"
	"github.com/nabz/nabz/pkg/source/asterisk"
	"github.com/nabz/nabz/schemas"
	"github.com/nabz/nabz/services/internal/clickhouse"
	"github.com/nabz/nabz/services/internal/ready"
	"github.com/nabz/nabz/services/internal/replay"
)

type replayCmd struct {
	File          string        `arg:"" help:"Call log: CSV, TSV or JSON lines."`
	Mapping       string        `xor:"how" required:"" help:"Mapping file, or the name of one that is built in, such as anonymous_bank." placeholder:"M.yaml"`
	Source        string        `xor:"how" required:"" help:"A log with a form of its own instead of a mapping: asterisk.queue_log." enum:",asterisk.queue_log" placeholder:"NAME"`
	Instance      string        `help:"Which PBX a native log is of: part of the source and of every contact's id." default:"pbx"`
	Zone          string        `help:"Time zone of a native log's local times." default:"UTC"`
	Tenant        string        `help:"Tenant of the events; default: the API key's own."`
	Feed          string        `help:"Feed to replay into; default: the file's base name. live: an import into the live feed." placeholder:"NAME"`
	Replace       bool          `help:"Begin a new generation of the feed; it is shown when it is complete."`
	Wait          bool          `help:"End when every accepted event is queryable, and count what became of each."`
	Rate          float64       `help:"Events a second at most; 0: as fast as it goes." placeholder:"N"`
	ShuffleWithin time.Duration `help:"Send in an order that is off by at most this." placeholder:"D"`
	Seed          uint64        `help:"Of the shuffle." default:"1"`
	Follow        bool          `help:"Go on with a native log as it is written, through its rotations, until ^C; default feed: the live one."`
	State         string        `help:"File in which --follow remembers how far the log has been sent; default: follow-INSTANCE.json in the data directory." placeholder:"FILE"`
	Poll          time.Duration `help:"How often --follow looks at the log." default:"500ms"`
	Disorder      time.Duration `help:"How far behind the newest event --follow still expects one, on a named feed." default:"1m"`
	DryRun        bool          `help:"Check the mapping, print the first events and send none."`
	First         int           `help:"How many events a dry run prints." default:"20"`
	Collector     string        `help:"The collector's URL; default: that of the running installation." placeholder:"URL"`
	APIKey        string        `name:"api-key" secret:"" help:"API key; default: that of the running installation." placeholder:"KEY"`
	ReadyFile     string        `help:"Ready file of a running installation." placeholder:"F"`
}

// Help shows examples.
func (replayCmd) Help() string {
	return `Reads the file twice and sends it through the collector, in the order of time
if it has no more than 500,000 events. The last line of the output is JSON:
rows, events, accepted, repeats, late, rejected, dead_lettered, seconds. Without
--wait, accepted is what the collector took, and repeats and late events are not
told apart. How to write a mapping: docs/mappings.md.

Examples: nabz replay calls.tsv --mapping anonymous_bank --wait
          nabz replay calls.csv --mapping ours.yaml --dry-run
          nabz replay /var/log/asterisk/queue_log --source asterisk.queue_log --instance pbx1 --wait
          nabz replay /var/log/asterisk/queue_log --source asterisk.queue_log --instance pbx1 --follow`
}

// Run replays a file.
func (c replayCmd) Run(a *app) error {
	if err := c.usable(); err != nil {
		return usageError{err}
	}
	conf := replay.Config{
		File: c.File, Tenant: c.Tenant, Feed: c.Feed, Replace: c.Replace, Wait: c.Wait, Rate: c.Rate,
		Shuffle: c.ShuffleWithin, Seed: c.Seed, Collector: c.Collector, APIKey: c.APIKey, Out: a.stdout, Progress: a.stderr,
	}
	if err := c.reading(&conf); err != nil {
		return usageError{err}
	}
	if a.Quiet {
		conf.Progress = io.Discard
	}
	if c.DryRun {
		conf.DryRun = max(c.First, 1)
		return ended(replay.Run(a.ctx, conf))
	}
	store := a.ClickHouse
	if conf.Collector == "" || conf.APIKey == "" {
		f, err := ready.Read(a.readyFile(c.ReadyFile))
		if err != nil {
			return err
		}
		if conf.Collector == "" {
			conf.Collector = f.Collector
		}
		if conf.APIKey == "" {
			conf.APIKey = f.APIKey
		}
		if store == "" {
			store = f.ClickHouseURL
		}
	}
	if store != "" {
		conn, err := clickhouse.Open(store)
		if err != nil {
			return err
		}
		defer conn.Close()
		catalogue, err := schemas.Catalogue()
		if err != nil {
			return fmt.Errorf("load the catalogue of events: %w", err)
		}
		conf.Outcome = &replay.Store{Conn: conn, Catalogue: catalogue}
	}
	if c.Follow {
		return c.follow(a, conf)
	}
	return ended(replay.Run(a.ctx, conf))
}

// follow goes on with a log until it is told to stop.
func (c replayCmd) follow(a *app, conf replay.Config) error {
	file, err := filepath.Abs(c.File)
	if err != nil {
		return fmt.Errorf("find the log: %w", err)
	}
	conf.File = file
	state := c.State
	if state == "" {
		if err := os.MkdirAll(a.DataDir, 0o700); err != nil {
			return fmt.Errorf("make the data directory: %w", err)
		}
		state = filepath.Join(a.DataDir, "follow-"+url.PathEscape(c.Instance)+".json")
	}
	_, err = replay.Follow(a.ctx, replay.FollowConfig{Config: conf, State: state, Disorder: c.Disorder, Poll: c.Poll})
	return err
}

// reading settles how the file is read.
func (c replayCmd) reading(conf *replay.Config) (err error) {
	if c.Source == "" {
		conf.Mapping, err = readMapping(c.Mapping)
		return err
	}
	zone, err := time.LoadLocation(c.Zone)
	if err != nil {
		return fmt.Errorf("--zone: %w", err)
	}
	conf.Native = func() replay.Native {
		return asterisk.New(asterisk.Config{Instance: c.Instance, Zone: zone})
	}
	return nil
}

// usable finds what is wrong with the command line before anything is asked.
func (c replayCmd) usable() error {
	info, err := os.Stat(c.File)
	switch {
	case err != nil:
		return fmt.Errorf("open call log: %w", err)
	case info.IsDir():
		return fmt.Errorf("open call log: %s is a directory", c.File)
	case c.Replace && c.Feed == "live":
		return errors.New("--replace: the live feed cannot be replaced")
	case c.Rate < 0:
		return fmt.Errorf("--rate: %g, at least 0 is needed", c.Rate)
	case c.Follow && c.Source == "":
		return errors.New("--follow: only a native log can be followed: --source asterisk.queue_log")
	case c.Follow && (c.Wait || c.Replace || c.DryRun || c.Rate > 0 || c.ShuffleWithin > 0):
		return errors.New("--follow goes on for ever: --wait, --replace, --dry-run, --rate and --shuffle-within are of whole files")
	case c.Poll < 10*time.Millisecond:
		return fmt.Errorf("--poll: %s, at least 10ms is needed", c.Poll)
	case c.Disorder < 0:
		return fmt.Errorf("--disorder: %s, at least 0 is needed", c.Disorder)
	case c.ShuffleWithin < 0:
		return fmt.Errorf("--shuffle-within: %s, at least 0 is needed", c.ShuffleWithin)
	}
	return nil
}

// ended tells a mapping that does not fit the file from what failed.
func ended(_ replay.Summary, err error) error {
	if errors.Is(err, replay.ErrMapping) {
		return usageError{err}
	}
	return err
}

// readMapping reads a mapping file, or one that is built in.
func readMapping(name string) (*mapping.Mapping, error) {
	catalogue, err := schemas.Catalogue()
	if err != nil {
		return nil, fmt.Errorf("load the catalogue of events: %w", err)
	}
	data, err := os.ReadFile(name)
	file := filepath.Base(name)
	if errors.Is(err, fs.ErrNotExist) && !strings.ContainsAny(name, `/\`) {
		file = strings.TrimSuffix(name, ".yaml") + ".yaml"
		if built, builtErr := fs.ReadFile(schemas.Mappings(), file); builtErr == nil {
			data, err = built, nil
		}
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read mapping: no file %s; built in: %s", name, strings.Join(builtIn(), ", "))
	}
	if err != nil {
		return nil, fmt.Errorf("read mapping: %w", err)
	}
	return mapping.Parse(file, data, catalogue, time.LoadLocation)
}

// builtIn gives the names of the mappings that are part of the binary.
func builtIn() []string {
	files, _ := fs.Glob(schemas.Mappings(), "*.yaml") // the pattern is sound
	for i := range files {
		files[i] = strings.TrimSuffix(files[i], ".yaml")
	}
	return files
}

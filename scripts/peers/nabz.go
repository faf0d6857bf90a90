package main

import (
	"embed"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/nabz/nabz/pkg/event"
	"github.com/nabz/nabz/pkg/fact"
	"github.com/nabz/nabz/pkg/kpi"
	"github.com/nabz/nabz/pkg/record"
	"github.com/nabz/nabz/pkg/row"
	"github.com/nabz/nabz/pkg/track/kinds"
	"github.com/nabz/nabz/schemas"
)

//go:embed definitions
var definitions embed.FS

// nabzTopics are those that a processor writes; they are made anew for a run.
func nabzTopics() []string {
	return []string{topicFacts, topicPanes, topicVerdicts, "nabz.state.v1", "nabz.values.v1"}
}

func (b *Bench) nabz() string { return b.opts.Nabz }

// command runs a command of nabz to its end.
func (b *Bench) command(args ...string) error {
	out, err := exec.CommandContext(b.ctx, b.nabz(), append(args, "--kafka", b.broker.Address)...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("run nabz %s: %w: %s", strings.Join(args, " "), err, out)
	}
	return nil
}

func prepareNabz(b *Bench) error {
	if err := remove(b.ctx, b.broker.Address, nabzTopics()...); err != nil {
		return fmt.Errorf("remove the topics of nabz: %w", err)
	}
	return poll(b.ctx, time.Minute, func() (bool, error) {
		return b.command("topics", "apply", "--partitions", fmt.Sprint(b.opts.Partitions), "--quiet") == nil, nil
	})
}

// startNabz starts a processor with a set of definitions: that of a folder in
// definitions, in place of all that come with nabz, or, of no name, those.
func startNabz(set string) func(*Bench, string) (*Running, error) {
	return func(b *Bench, dir string) (*Running, error) {
		argv := []string{b.nabz(), "processor", "--kafka", b.broker.Address, "--log-level", "warn", "--group", b.group, "--board-group", b.group + ".board"}
		if set != "" {
			defs := filepath.Join(dir, "definitions")
			if err := writeDefinitions(defs, set); err != nil {
				return nil, err
			}
			argv = append(argv, "--definitions", defs)
		}
		if b.opts.Profile != "" {
			argv = append(argv, "--profile", b.opts.Profile)
		}
		return b.start(dir, "nabz", argv, nil)
	}
}

// several starts an engine so many times: what they say and take is put together.
func several(n int, start func(*Bench, string) (*Running, error)) func(*Bench, string) (*Running, error) {
	return func(b *Bench, dir string) (*Running, error) {
		var all []*Running
		each := func(do func(*Running)) {
			for _, r := range all {
				do(r)
			}
		}
		joined := func(say func(*Running) string) string {
			var b strings.Builder
			each(func(r *Running) { b.WriteString(say(r)) })
			return b.String()
		}
		whole := &Running{
			Dead: func() string { return joined(func(r *Running) string { return r.Dead() }) },
			Said: func() string { return joined(func(r *Running) string { return r.Said() }) },
			Stop: func() { each(func(r *Running) { r.Stop() }) },
			Kill: func() { each(func(r *Running) { r.Kill() }) },
		}
		for i := range n {
			own := filepath.Join(dir, fmt.Sprint(i))
			if err := os.Mkdir(own, 0o700); err != nil {
				whole.Stop()
				return nil, fmt.Errorf("make a folder: %w", err)
			}
			r, err := start(b, own)
			if err != nil {
				whole.Stop()
				return nil, err
			}
			all = append(all, r)
			whole.PIDs = append(whole.PIDs, r.PIDs...)
		}
		return whole, nil
	}
}

// start starts a process on the core of the engine.
func (b *Bench) start(dir, name string, argv, env []string) (*Running, error) {
	p, err := Start(b.ctx, dir, name, b.opts.EngineCore, argv, env)
	if err != nil {
		return nil, err
	}
	return &Running{PIDs: []int{p.PID}, Said: p.Said, Stop: p.Stop, Kill: p.Kill, Dead: func() string {
		if p.Ended() {
			return "it said: " + p.Said()
		}
		return ""
	}}, nil
}

// writeDefinitions writes a folder in which every KPI that nabz comes with is
// left out, and those of a set stand.
func writeDefinitions(dir, set string) error {
	from := "definitions/" + set + "/"
	off, err := definitions.ReadFile("definitions/off/kpi.yaml")
	if err != nil {
		return fmt.Errorf("read definitions: %w", err)
	}
	names, err := fs.ReadDir(schemas.KPIs(), ".")
	if err != nil {
		return fmt.Errorf("read definitions: %w", err)
	}
	for _, n := range names {
		if err := writeFile(filepath.Join(dir, "kpi", n.Name(), kpi.File), off); err != nil {
			return err
		}
	}
	return fs.WalkDir(definitions, "definitions/"+set, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := definitions.ReadFile(path)
		if err != nil {
			return fmt.Errorf("read definitions: %w", err)
		}
		return writeFile(filepath.Join(dir, strings.TrimPrefix(path, from)), data)
	})
}

func writeFile(path string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("make a folder: %w", err)
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

// cellParts tells which number of a cell each part of a pane is, and which part
// the buckets of waits begin with.
type cellParts struct {
	numbers map[uint32]int
	waits   uint32
}

// parts finds the measures of the workload by their names in its definitions.
func parts(tree fs.FS, families []*fact.Family) (cellParts, error) {
	out := cellParts{numbers: map[uint32]int{}}
	set, err := kpi.Load(tree, families, nil)
	if err != nil {
		return out, fmt.Errorf("load definitions: %w", err)
	}
	numbers := map[string]int{
		"offered": cellOffered, "answered": cellAnswered, "answered_in": cellInTime,
		"abandoned": cellAbandoned, "handled": cellHandled, "talked": cellTalked,
	}
	names := []string{"offered", "service_level", "abandonment_rate", "wait_distribution", "handled_talk"}
	for _, d := range set.Definitions {
		if !slices.Contains(names, d.Name) {
			continue
		}
		for _, n := range d.Measures {
			p := n.Measure.Parts()
			if n.Name == "waits" {
				out.numbers[p[kpi.HistSum].ID], out.waits = cellWaited, p[kpi.HistBuckets].ID
				continue
			}
			if i, ok := numbers[n.Name]; ok {
				out.numbers[p[0].ID] = i
			}
		}
	}
	return out, nil
}

func families() ([]*fact.Family, error) {
	events, err := schemas.Catalogue()
	if err != nil {
		return nil, fmt.Errorf("load events: %w", err)
	}
	records, err := record.Load(schemas.Records(), events)
	if err != nil {
		return nil, fmt.Errorf("load records: %w", err)
	}
	return kinds.Families(kinds.All(records)), nil
}

// paneKey is what names a row of panes.
type paneKey struct {
	partition   int32
	family      string
	dims        string
	bucket      int64
	incarnation int64
}

// nabzCells adds up the rows of panes, of each the newest.
func nabzCells(b *Bench, tree fs.FS) (map[cellKey]*cell, error) {
	all, err := families()
	if err != nil {
		return nil, err
	}
	known, err := parts(tree, all)
	if err != nil {
		return nil, err
	}
	newest := map[paneKey]*row.Pane{}
	err = read(b.ctx, b.broker.Address, topicPanes, func(r *kgo.Record) error {
		decoded, err := row.Decode(r.Value)
		if err != nil {
			return fmt.Errorf("read panes: %w", err)
		}
		p, ok := decoded.(*row.Pane)
		if !ok || p.Grain != 60 || p.Feed != event.Live || p.Family != "queue_segment" && p.Family != "contact" {
			return nil
		}
		k := paneKey{p.Partition, p.Family, strings.Join(p.Dims, "\x00"), p.Bucket, p.Incarnation}
		if old := newest[k]; old == nil || p.Version >= old.Version {
			newest[k] = p
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	cells := map[cellKey]*cell{}
	for _, p := range newest {
		k := cellKey{p.Dims[0], p.Dims[1], p.Bucket}
		if cells[k] == nil {
			cells[k] = &cell{}
		}
		known.add(cells[k], p)
	}
	return cells, nil
}

func (k *cellParts) add(to *cell, p *row.Pane) {
	for _, c := range p.Cells {
		if n, ok := k.numbers[c.Part]; ok {
			to.numbers[n] += c.Value
		} else if i := int64(c.Part) - int64(k.waits); p.Family == "queue_segment" && i >= 0 && i < kpi.Buckets {
			to.waits[i/(kpi.Buckets/bins)] += c.Value
		}
	}
}

// wrongMinutes holds the minutes of nabz against the events: it knows repeats.
func wrongMinutes(b *Bench) (fromEvents, fromGate int, err error) {
	got, err := ownCells(b)
	wrong := differences(b.filled.Oracle.Events, got)
	return wrong, wrong, err
}

// wrongWindows adds the minutes up to windows, as whoever reads them does.
func wrongWindows(b *Bench) (fromEvents, fromGate int, err error) {
	got, err := ownCells(b)
	wrong := differences(windows(b.filled.Oracle.Events), windows(got))
	return wrong, wrong, err
}

// ownCells reads the cells of the workload's own definitions.
func ownCells(b *Bench) (map[cellKey]*cell, error) {
	tree, err := fs.Sub(definitions, "definitions/same/kpi")
	if err != nil {
		return nil, fmt.Errorf("read definitions: %w", err)
	}
	return nabzCells(b, tree)
}

// wrongOffered is for a run with all KPIs on: theirs are other numbers than those
// of the workload but for the contacts offered, which are compared.
func wrongOffered(b *Bench) (fromEvents, fromGate int, err error) {
	got, err := nabzCells(b, schemas.KPIs())
	if err != nil {
		return 0, 0, err
	}
	only := func(cells map[cellKey]*cell) map[cellKey]*cell {
		out := map[cellKey]*cell{}
		for k, c := range cells {
			if n := c.numbers[cellOffered]; n != 0 {
				out[k] = &cell{}
				out[k].numbers[cellOffered] = n
			}
		}
		return out
	}
	wrong := differences(only(b.filled.Oracle.Events), only(got))
	return wrong, wrong, nil
}

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

const upgradeUsage = `Runs an older version under load, exchanges every process for this one, and a while
later every one for the older again, as an operator does it: the tables first,
then one process after the other. The oracle and the older version's own
nabz verify say whether anything was lost or counted twice.

  reliability upgrade [flags]

Example: go run ./scripts/reliability upgrade -from HEAD~20 -for 75s -rate 500

Flags:
`

// runUpgrade goes there and back.
func runUpgrade(ctx context.Context, args []string) error {
	var o options
	flags := o.flags("reliability upgrade", upgradeUsage, 75*time.Second, 500)
	flags.StringVar(&o.from, "from", olderVersion, "the older version, a commit of this repository")
	if err := o.parse(flags, args); err != nil {
		return helped(err)
	}
	dir, err := os.MkdirTemp("", "nabz-older-")
	if err != nil {
		return fmt.Errorf("make the folder of the older version: %w", err)
	}
	defer os.RemoveAll(dir)
	o.newer = o.binary
	if o.binary, o.from, err = build(ctx, o.root, o.from, dir); err != nil {
		return err
	}
	return fire(ctx, o)
}

// olderVersion is where the way begins that people go who come from before.
const olderVersion = "28a366d"

// build makes the binary of a commit in a tree of its own, and gives the commit's
// short name.
func build(ctx context.Context, root, commit, dir string) (binary, name string, err error) {
	tree, binary := filepath.Join(dir, "tree"), filepath.Join(dir, "nabz")
	run := func(in string, args ...string) (string, error) {
		cmd := exec.CommandContext(ctx, args[0], args[1:]...)
		cmd.Dir = in
		out, err := cmd.CombinedOutput()
		if err != nil {
			return "", fmt.Errorf("%s: %w: %s", strings.Join(args, " "), err, out)
		}
		return strings.TrimSpace(string(out)), nil
	}
	if name, err = run(root, "git", "rev-parse", "--short", commit); err != nil {
		return "", "", err
	}
	say("building %s", name)
	if _, err := run(root, "git", "worktree", "add", "--detach", tree, commit); err != nil {
		return "", "", err
	}
	_, err = run(tree, "go", "build", "-ldflags", "-X main.version="+name, "-o", binary, "./services/nabz")
	_, gone := run(root, "git", "worktree", "remove", "--force", tree)
	return binary, name, errors.Join(err, gone)
}

// upgrade is there at a third of the load and back at two thirds.
func upgrade(o options) []fault {
	if o.from == "" {
		return nil
	}
	const settled = 10 * time.Second // under load, before the next
	to := func(at time.Duration, name, binary string, migrate bool) fault {
		return fault{at: at, name: name, hits: []string{"everything"}, do: func(ctx context.Context, f *faults) error {
			if err := f.i.exchange(ctx, binary, migrate); err != nil {
				return err
			}
			say("%s: every process is of another version", name)
			pause(ctx, settled)
			return nil
		}}
	}
	return []fault{to(o.length/3, "upgrade", o.newer, true), to(2*o.length/3, "downgrade", o.binary, false)}
}

// exchange has every process of Nabz run another binary, one after the other.
func (i *installation) exchange(ctx context.Context, binary string, migrate bool) error {
	i.binary = binary
	if migrate {
		if _, err := i.nabz(ctx, "migrate", "--quiet", "--zone", i.zone); err != nil {
			return err
		}
	}
	for _, name := range i.order {
		if name == "kafka" {
			continue
		}
		p := i.parts[name]
		if err := p.exchange(ctx, binary, func() error {
			if name == "engine" {
				return os.Remove(i.readyFile())
			}
			return nil
		}); err != nil {
			return err
		}
	}
	return nil
}

// exchange ends the process in peace, and waits until another is ready that
// runs program. gone is called between them.
func (p *part) exchange(ctx context.Context, program string, gone func() error) error {
	p.mu.Lock()
	select {
	case <-p.up: // of a time before
	default:
	}
	pid := p.cmd.Process.Pid
	p.program, p.expected, p.down = program, true, true
	err := p.cmd.Process.Signal(syscall.SIGTERM)
	p.mu.Unlock()
	if err != nil {
		return fmt.Errorf("end %s: %w", p.name, err)
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for syscall.Kill(pid, 0) == nil && ctx.Err() == nil {
		pause(ctx, 10*time.Millisecond)
	}
	if err := gone(); err != nil && !os.IsNotExist(err) {
		return fmt.Errorf("exchange %s: %w", p.name, err)
	}
	life := p.life()
	p.revive()
	for p.life() == life && ctx.Err() == nil {
		pause(ctx, 5*time.Millisecond)
	}
	return p.await(ctx)
}

// upgraded finds the last run that went to another version and back.
func (r results) upgraded() *figures {
	return r.find(func(f *figures) bool { return f.From != "" })
}

// find gives the last run that fits, nil where there is none.
func (r results) find(fits func(*figures) bool) *figures {
	for i := range slices.Backward(r.Runs) {
		if fits(&r.Runs[i]) {
			return &r.Runs[i]
		}
	}
	return nil
}

func judgeUpgrade(r results) (string, string) {
	f := r.upgraded()
	if f == nil {
		return noneYet, ""
	}
	cells, off := f.compared("kpi ")
	events, lost := f.compared("events")
	proven, differ := f.compared("nabz verify")
	promises, wrong := f.compared("verdicts")
	figure := fmt.Sprintf("%s → %s → %s at %s events/s, every process exchanged twice in %s s: %s events acknowledged, %d lost or stored twice; %s cells, %d not the oracle's; %s deadlines, %d not; `nabz verify` of %s: %s cells, %d differences (`go run ./scripts/reliability upgrade -from %s -rate %d -for %ds`)",
		f.From, f.Commit, f.From, group(f.Rate), group(f.Exchange), group(events), lost, group(cells), off, group(promises), wrong, f.From, group(proven), differ, f.From, f.Rate, f.Seconds)
	if f.bad() > 0 || proven == 0 {
		return missed, figure
	}
	return met, figure
}

package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// What can be done to an installation, by the name of a part. clickhouse is
// the engine's own process, which its supervisor starts again.

// kill kills, and gives what waits until the part is ready again.
func (i *installation) kill(ctx context.Context, name string) (ready func(context.Context) error, err error) {
	if name != "clickhouse" {
		p := i.parts[name]
		life := p.kill(false)
		return func(ctx context.Context) error {
			for p.life() == life && ctx.Err() == nil { // the one that dies may still answer
				pause(ctx, 5*time.Millisecond)
			}
			if err := p.await(ctx); err != nil || p.works == nil {
				return err
			}
			return p.until(ctx, p.works)
		}, nil
	}
	pid, err := i.enginePID(ctx)
	if err != nil {
		return nil, err
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		return nil, fmt.Errorf("kill ClickHouse: %w", err)
	}
	return func(ctx context.Context) error { return i.alive(ctx, name) }, nil
}

// freeze stops a process and gives what wakes it.
func (i *installation) freeze(name string) (wake func() error, err error) {
	if name != "clickhouse" {
		p := i.parts[name]
		p.signal(syscall.SIGSTOP)
		return func() error { p.signal(syscall.SIGCONT); return nil }, nil
	}
	pid, err := i.enginePID(context.Background())
	if err != nil {
		return nil, err
	}
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		return nil, fmt.Errorf("stop ClickHouse: %w", err)
	}
	return func() error { return syscall.Kill(pid, syscall.SIGCONT) }, nil
}

func (i *installation) enginePID(ctx context.Context) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for ctx.Err() == nil {
		if r, err := i.readEngine(); err == nil && r.PIDs["clickhouse"] != 0 && syscall.Kill(r.PIDs["clickhouse"], 0) == nil {
			return r.PIDs["clickhouse"], nil
		}
		pause(ctx, 50*time.Millisecond)
	}
	return 0, errors.New("find ClickHouse's process: there is none")
}

// alive waits until a part answers.
func (i *installation) alive(ctx context.Context, name string) error {
	if name != "clickhouse" {
		return i.parts[name].await(ctx)
	}
	for ctx.Err() == nil {
		once, cancel := context.WithTimeout(ctx, time.Second)
		req, err := http.NewRequestWithContext(once, http.MethodGet, i.clickhouse.HTTP+"/ping", nil)
		if err == nil {
			var res *http.Response
			if res, err = http.DefaultClient.Do(req); err == nil {
				res.Body.Close()
			}
		}
		cancel()
		if err == nil {
			return nil
		}
		pause(ctx, 20*time.Millisecond)
	}
	return fmt.Errorf("wait for ClickHouse: %w", context.Cause(ctx))
}

// Disks are file systems in memory, so that they can be full: the bounds leave
// room for an hour at the rates of a short run.
const (
	diskSize  = 6 << 30
	diskStays = 64 << 10 // bytes that a full one has left
)

// disk mounts a small file system over a folder, where that is allowed.
func (i *installation) disk(name string) error {
	dir := filepath.Join(i.dir, name)
	out, err := exec.Command("mount", "-t", "tmpfs", "-o", fmt.Sprintf("size=%d,mode=0700", int64(diskSize)), "nabz-"+name, dir).CombinedOutput()
	if err != nil {
		return fmt.Errorf("mount a file system in memory on %s: %w: %s", dir, err, strings.TrimSpace(string(out)))
	}
	i.disks = append(i.disks, name)
	return nil
}

// fill makes a part's disk as large as what is on it.
func (i *installation) fill(name string) (free func() error, err error) {
	if !slices.Contains(i.disks, name) {
		return nil, errors.New("no disk of its own: mounting needs rights that this run does not have")
	}
	dir := filepath.Join(i.dir, name)
	if name == "kafka" {
		i.parts[name].pardon(true) // it gives up by design, and is started again
	}
	// What is written between the question and the answer makes it too small.
	for range 100 {
		var st syscall.Statfs_t
		if err := syscall.Statfs(dir, &st); err != nil {
			return nil, fmt.Errorf("look at the disk of %s: %w", name, err)
		}
		used := int64(st.Blocks-st.Bfree) * st.Bsize //nolint:gosec // sizes of a small disk
		if err = resize(dir, used+diskStays); err == nil {
			break
		}
	}
	if err != nil {
		return nil, err
	}
	return func() error {
		err := resize(dir, diskSize)
		if name == "kafka" {
			time.AfterFunc(20*time.Second, func() { i.parts[name].pardon(false) })
		}
		return err
	}, nil
}

func resize(dir string, bytes int64) error {
	if out, err := exec.Command("mount", "-o", fmt.Sprintf("remount,size=%d", bytes), dir).CombinedOutput(); err != nil {
		return fmt.Errorf("resize the disk %s: %w: %s", dir, err, out)
	}
	return nil
}

// undisk takes the disks away.
func (i *installation) undisk() {
	for _, name := range i.disks {
		_ = exec.Command("umount", "-l", filepath.Join(i.dir, name)).Run() // the folder goes with the run
	}
}

// poison writes records that no collector would write straight to the log of
// events, with the broker's own tool.
func (i *installation) poison(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "java", "-Xmx128m", "-XX:TieredStopAtLevel=1", "-Dorg.slf4j.simpleLogger.defaultLogLevel=error", "-cp", filepath.Join(i.jars, "*"),
		"org.apache.kafka.tools.ConsoleProducer", "--bootstrap-server", i.inside, "--topic", "nabz.events.v1")
	cmd.Stdin = strings.NewReader(strings.Join([]string{
		"this is no event", "\x00\x01\x02\xff\xfe", strings.Repeat("x", 200_000), `{"specversion":"1.0"}`, "\x0a\xff\xff\xff\xff\x0f", "", "\x08\x01\x12\x04\xf0\x9f\x92",
	}, "\n") + "\n")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("write poison: %w: %s", err, out)
	}
	return nil
}

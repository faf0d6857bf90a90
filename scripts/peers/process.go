package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Process is a child on a core of its own.
type Process struct {
	PID   int
	cmd   *exec.Cmd
	log   string
	ended chan struct{}
}

// Start starts a program on the cores given, as taskset names them; what it
// says goes into a file of dir.
func Start(ctx context.Context, dir, name, cores string, argv, env []string) (*Process, error) {
	path := filepath.Join(dir, name+".log")
	said, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the log of %s: %w", name, err)
	}
	defer said.Close()
	cmd := exec.CommandContext(ctx, "taskset", append([]string{"-c", cores}, argv...)...)
	cmd.Stdout, cmd.Stderr, cmd.Dir = said, said, dir
	cmd.Env = append(os.Environ(), env...)
	tether(cmd)
	p := &Process{cmd: cmd, log: path, ended: make(chan struct{})}
	started := make(chan error)
	// The child dies when the thread that started it ends, so the thread stays.
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // how it fared its log says
			close(p.ended)
		}
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	p.PID = cmd.Process.Pid
	return p, nil
}

// Ended tells whether the process is gone.
func (p *Process) Ended() bool {
	select {
	case <-p.ended:
		return true
	default:
		return false
	}
}

// Said is the end of what the process has written.
func (p *Process) Said() string {
	b, _ := os.ReadFile(p.log)
	if len(b) > 4_000 {
		b = b[len(b)-4_000:]
	}
	return string(b)
}

// Kill ends the process at once.
func (p *Process) Kill() {
	_ = p.cmd.Process.Kill()
	<-p.ended
}

// Stop asks the process to end, and makes it after a while.
func (p *Process) Stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.ended:
	case <-time.After(10 * time.Second):
		p.Kill()
	}
}

// ticks is what /proc counts CPU time in, by the second: USER_HZ is 100 on
// every Linux that Go runs on.
const ticks = 100

// cpuOf is the user and system time that a process has used, all its threads
// together.
func cpuOf(pid int) (time.Duration, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, fmt.Errorf("read the CPU time of process %d: %w", pid, err)
	}
	i := bytes.LastIndexByte(b, ')')
	f := strings.Fields(string(b[i+1:]))
	if i < 0 || len(f) < 13 {
		return 0, fmt.Errorf("read the CPU time of process %d: %q", pid, b)
	}
	user, err1 := strconv.ParseInt(f[11], 10, 64)
	system, err2 := strconv.ParseInt(f[12], 10, 64)
	return time.Duration(user+system) * time.Second / ticks, errors.Join(err1, err2)
}

// peakOf is the most memory that a process has held, bytes.
func peakOf(pid int) int64 {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kb, _ := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			return kb << 10
		}
	}
	return 0
}

// busy is the CPU time that the whole machine has used.
func busy() time.Duration {
	b, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0
	}
	line, _, _ := strings.Cut(string(b), "\n")
	f := strings.Fields(line)
	sum := int64(0)
	for _, i := range []int{1, 2, 3, 6, 7} { // user, nice, system, irq, softirq
		if i < len(f) {
			v, _ := strconv.ParseInt(f[i], 10, 64)
			sum += v
		}
	}
	return time.Duration(sum) * time.Second / ticks
}

// pollEvery is how often what is awaited is looked at.
const pollEvery = 50 * time.Millisecond

// poll asks until the answer is yes.
func poll(ctx context.Context, limit time.Duration, ask func() (bool, error)) error {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("waited %v in vain", limit))
	defer cancel()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		if ok, err := ask(); ok || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
		}
	}
}

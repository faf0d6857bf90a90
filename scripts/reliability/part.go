package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// part is a process that is started again when it dies.
type part struct {
	name    string
	program string
	args    []string
	env     []string
	ready   func(context.Context) error
	works   func(context.Context) error // after it is ready; nil: nothing more
	log     string

	mu       sync.Mutex
	cmd      *exec.Cmd
	began    time.Time
	expected bool // its next death is ours
	down     bool // it is to stay dead
	mayDie   bool // its deaths are of a fault
	lives    int
	deaths   []string // that were not ours
	ended    chan struct{}
	quit     chan struct{}
	up       chan struct{} // told when it may start again
	once     sync.Once
}

// restartAfter is the pause of whatever supervises processes.
const restartAfter = 100 * time.Millisecond

func (p *part) start() {
	p.quit, p.ended, p.up = make(chan struct{}), make(chan struct{}), make(chan struct{}, 1)
	go p.keep()
}

func (p *part) keep() {
	// The kernel kills the child when the thread that made it ends.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer close(p.ended)
	for {
		err := p.live()
		p.mu.Lock()
		ours, down := p.expected, p.down
		p.expected = false
		if !ours && !p.mayDie {
			p.deaths = append(p.deaths, fmt.Sprintf("life %d: %v", p.lives, err))
		}
		p.mu.Unlock()
		if down {
			select {
			case <-p.up:
			case <-p.quit:
				return
			}
		}
		select {
		case <-p.quit:
			return
		case <-time.After(restartAfter):
		}
	}
}

func (p *part) live() error {
	out, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("open the log of %s: %w", p.name, err)
	}
	defer out.Close()
	p.mu.Lock()
	cmd := exec.Command(p.program, p.args...)
	cmd.Env = append(os.Environ(), p.env...)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	p.lives++
	if err := cmd.Start(); err != nil {
		p.mu.Unlock()
		return fmt.Errorf("start %s: %w", p.name, err)
	}
	p.cmd, p.began = cmd, time.Now()
	p.mu.Unlock()
	return cmd.Wait()
}

// pardon says whether deaths from now on are of a fault.
func (p *part) pardon(yes bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mayDie = yes
}

// kill ends the process as nobody can resist. It stays dead until revive when
// that is asked. It tells which life it took.
func (p *part) kill(stay bool) (life int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.expected, p.down = true, stay
	_ = p.cmd.Process.Signal(syscall.SIGKILL) // it may have died by itself just now
	return p.lives
}

// life counts the processes that the part has been.
func (p *part) life() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.lives
}

func (p *part) revive() {
	p.mu.Lock()
	p.down = false
	p.mu.Unlock()
	select {
	case p.up <- struct{}{}:
	default:
	}
}

func (p *part) signal(s syscall.Signal) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd != nil {
		_ = p.cmd.Process.Signal(s)
	}
}

// stop ends the part in peace, and by force after a while.
func (p *part) stop() { p.once.Do(p.end) }

func (p *part) end() {
	p.mu.Lock()
	p.expected = true
	close(p.quit)
	if p.cmd != nil {
		_ = p.cmd.Process.Signal(syscall.SIGCONT)
		_ = p.cmd.Process.Signal(syscall.SIGTERM)
	}
	p.mu.Unlock()
	select {
	case <-p.ended:
	case <-time.After(20 * time.Second):
		_ = p.cmd.Process.Kill()
		<-p.ended
	}
}

// await asks until the part is ready.
func (p *part) await(ctx context.Context) error { return p.until(ctx, p.ready) }

// until asks until there is no error.
func (p *part) until(ctx context.Context, ask func(context.Context) error) error {
	var err error
	for ctx.Err() == nil {
		once, cancel := context.WithTimeout(ctx, 2*time.Second)
		err = ask(once)
		cancel()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
		case <-time.After(20 * time.Millisecond):
		}
	}
	return fmt.Errorf("wait for %s: %w (last: %w); its log is %s", p.name, context.Cause(ctx), err, p.log)
}

// pid is the process as it is now, 0 where there was none.
func (p *part) pid() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd == nil || p.cmd.Process == nil {
		return 0
	}
	return p.cmd.Process.Pid
}

func (p *part) own() (deaths []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, d := range p.deaths {
		deaths = append(deaths, p.name+" "+d)
	}
	return deaths
}

// answers gives a probe of a service's /readyz.
func answers(address string) func(context.Context) error {
	return func(ctx context.Context) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/readyz", nil)
		if err != nil {
			return err
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			return err
		}
		res.Body.Close()
		if res.StatusCode/100 != 2 {
			return errors.New(res.Status)
		}
		return nil
	}
}

// logOf is where what a process says goes.
func logOf(dir, name string) string { return filepath.Join(dir, name+".log") }

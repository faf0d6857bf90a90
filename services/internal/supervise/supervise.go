// Package supervise starts parts of an installation as child processes of the
// running program, restarts those that die, and stops them in order.
//
// It does not know what a part does: it asks the part's probe whether it is
// ready.
package supervise

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"sync"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"
)

// Part is one child process.
type Part struct {
	Name  string
	Args  []string // of the running program
	Env   []string // added to this process's own
	After []string // parts that have to be ready before it starts

	// Once is a part that ends by itself and is then ready: a preparation. It
	// is started again until it ends with 0.
	Once bool
	// Stdin holds the child's standard input open; closing it asks the child
	// to stop. Otherwise SIGTERM does.
	Stdin bool
	// Probe tells whether the child is ready, by an error while it is not.
	Probe func(context.Context) error
	// Grace is how long the child may take to stop before it is killed.
	Grace time.Duration
	// Output takes what the child prints; nil is this process's standard error.
	Output io.Writer
}

// Config is what a Supervisor needs.
type Config struct {
	Program string // to run; empty: the running one
	Parts   []Part // in the order of starting; stopped in the reverse order
	Log     *zap.Logger
	// GiveUp is how long a part that was never ready may end again and again
	// before Run ends with an error; one that lives and is not ready gets four
	// times as long. A part that was ready once is never given up. 0 means
	// DefaultGiveUp.
	GiveUp time.Duration
	// Changed is told, from one goroutine at a time, when all parts are ready
	// and again whenever a process id changes after that.
	Changed func(pids map[string]int) error
}

// DefaultGiveUp leaves a server beside the installation, such as a Kafka that
// was started together with it, the time to come up.
const DefaultGiveUp = 30 * time.Second

// Limits of restarting.
const (
	// firstBackoff is the pause before a dead part's first restart. A
	// partition's successor has 10 s in all.
	firstBackoff = 100 * time.Millisecond
	maxBackoff   = 5 * time.Second
	// steadyAfter is the life after which a death is a new trouble and not
	// the same one again.
	steadyAfter = 10 * time.Second
	// probeEvery and probeTimeout are for the wait until a part is ready.
	probeEvery   = 50 * time.Millisecond
	probeTimeout = 2 * time.Second
	// tellEvery is how often a wait for a part is logged, and what for.
	tellEvery = 10 * time.Second
	// defaultGrace is for parts that name none.
	defaultGrace = 15 * time.Second
)

// Supervisor runs parts. Use [New].
type Supervisor struct {
	Config
	mu    sync.Mutex
	pids  map[string]int
	ready map[string]bool
	all   bool
	gates map[string]chan struct{} // closed when the part was ready once
}

// New makes a Supervisor; it starts nothing.
func New(c Config) (*Supervisor, error) {
	if c.Log == nil {
		c.Log = zap.NewNop()
	}
	if c.GiveUp == 0 {
		c.GiveUp = DefaultGiveUp
	}
	if c.Program == "" {
		// By this name the program is found even when its file was replaced
		// or removed while it runs.
		c.Program = "/proc/self/exe"
		if _, err := os.Stat(c.Program); err != nil {
			if c.Program, err = os.Executable(); err != nil {
				return nil, fmt.Errorf("find the running program: %w", err)
			}
		}
	}
	s := &Supervisor{Config: c, pids: map[string]int{}, ready: map[string]bool{}, gates: map[string]chan struct{}{}}
	for i := range c.Parts {
		p := &c.Parts[i]
		if _, twice := s.gates[p.Name]; twice {
			return nil, fmt.Errorf("part %s is named twice", p.Name)
		}
		for _, before := range p.After {
			if s.gates[before] == nil {
				return nil, fmt.Errorf("part %s waits for %s, which does not stand before it", p.Name, before)
			}
		}
		s.gates[p.Name] = make(chan struct{})
	}
	return s, nil
}

// Run starts the parts and keeps them running until the context ends; then it
// stops them, the last first, and returns nil. Its error is one of Changed, or
// names a part that does not start.
func (s *Supervisor) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var g errgroup.Group
	// Each part has a context of its own, which ends only when all parts
	// behind it have stopped.
	asked := make(chan struct{})
	g.Go(func() error {
		<-ctx.Done()
		close(asked)
		return nil
	})
	behind := asked
	for i := len(s.Parts) - 1; i >= 0; i-- {
		p, stop, stopped := &s.Parts[i], behind, make(chan struct{})
		g.Go(func() error {
			defer close(stopped)
			err := s.keep(ctx, p, stop)
			if err != nil {
				cancel()
			}
			<-stop // it may be over long before those behind it
			return err
		})
		behind = stopped
	}
	return g.Wait()
}

// keep starts the part again and again until stop is closed.
func (s *Supervisor) keep(ctx context.Context, p *Part, stop <-chan struct{}) error {
	for _, before := range p.After {
		select {
		case <-s.gates[before]:
		case <-ctx.Done():
			return nil
		}
	}
	backoff, first := firstBackoff, time.Now()
	for ctx.Err() == nil {
		began := time.Now()
		done, how, err := s.live(ctx, p, stop, first)
		if err != nil || done {
			return err
		}
		if ctx.Err() == nil && !s.wasReady(p) && time.Since(first) > s.GiveUp {
			return fmt.Errorf("start %s: it ends before it is ready, for %v now: %w; what it said stands above", p.Name, s.GiveUp, how)
		}
		if time.Since(began) > steadyAfter {
			backoff = firstBackoff
		}
		select {
		case <-time.After(backoff):
		case <-ctx.Done():
		}
		backoff = min(2*backoff, maxBackoff)
	}
	return nil
}

// live is one life of a part whose first began at that time. done tells that
// no other follows, how in what way it ended.
func (s *Supervisor) live(ctx context.Context, p *Part, stop <-chan struct{}, first time.Time) (done bool, how, err error) {
	c, err := start(s.Program, p)
	if err != nil {
		s.Log.Error("start part", zap.String("part", p.Name), zap.Error(err))
		return false, err, nil
	}
	if !p.Once {
		if err := s.born(p, c.pid); err != nil {
			c.stop(p)
			return true, nil, err
		}
	}
	probing, quit := context.WithCancel(ctx)
	defer quit()
	ready := make(chan struct{})
	if p.Probe != nil && !p.Once {
		go s.probe(probing, p, ready) // ends with this life
	} else if !p.Once {
		close(ready)
	}
	late := time.NewTimer(time.Until(first.Add(lateFactor * s.GiveUp)))
	defer late.Stop()
	for {
		select {
		case <-ready:
			ready = nil
			s.Log.Info("part is ready", zap.String("part", p.Name), zap.Int("pid", c.pid))
			if err := s.isReady(p); err != nil {
				c.stop(p)
				return true, nil, err
			}
		case <-c.ended:
			if p.Once && c.err == nil {
				return true, nil, s.isReady(p)
			}
			if ctx.Err() == nil {
				s.Log.Warn("part ended, starting it again", zap.String("part", p.Name), zap.Int("pid", c.pid), zap.NamedError("how", c.err))
			}
			s.died(p)
			return false, ending(c.err), nil
		case <-late.C:
			if !s.wasReady(p) {
				c.stop(p)
				return true, nil, fmt.Errorf("start %s: it lives and is not ready, for %v now", p.Name, lateFactor*s.GiveUp)
			}
		case <-stop:
			c.stop(p)
			return true, nil, nil
		}
	}
}

// lateFactor is how much longer a part that lives is waited for.
const lateFactor = 4

// errEnded is how a part ended that reports no failure and should live on.
var errEnded = errors.New("exit status 0")

func ending(err error) error {
	if err == nil {
		return errEnded
	}
	return err
}

func (s *Supervisor) probe(ctx context.Context, p *Part, ready chan<- struct{}) {
	tick := time.NewTicker(probeEvery)
	defer tick.Stop()
	told := time.Now()
	for {
		once, cancel := context.WithTimeout(ctx, probeTimeout)
		err := p.Probe(once)
		cancel()
		if err == nil {
			close(ready)
			return
		}
		if time.Since(told) > tellEvery && ctx.Err() == nil {
			told = time.Now()
			s.Log.Warn("waiting for part", zap.String("part", p.Name), zap.Error(err))
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (s *Supervisor) born(p *Part, pid int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pids[p.Name] = pid
	return s.tell()
}

func (s *Supervisor) died(p *Part) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ready[p.Name] = false
}

// wasReady tells whether the part was ready once.
func (s *Supervisor) wasReady(p *Part) bool {
	select {
	case <-s.gates[p.Name]:
		return true
	default:
		return false
	}
}

func (s *Supervisor) isReady(p *Part) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ready[p.Name] = true
	select {
	case <-s.gates[p.Name]:
	default:
		close(s.gates[p.Name])
	}
	if s.all {
		return nil
	}
	for i := range s.Parts {
		if !s.ready[s.Parts[i].Name] {
			return nil
		}
	}
	s.all = true
	return s.tell()
}

// tell passes the process ids on, once all parts were ready.
func (s *Supervisor) tell() error {
	if !s.all || s.Changed == nil {
		return nil
	}
	return s.Changed(maps.Clone(s.pids))
}

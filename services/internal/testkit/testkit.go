// Package testkit starts the servers that tests run against: the real
// ClickHouse engine, a real Apache Kafka broker and the embedded one. What is
// costly to start is shared by the tests of a package.
//
// It does not know what is tested. A server that cannot be had fails the test:
// nothing is skipped in silence.
package testkit

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/nabz/nabz/services/internal/embedded"
	"github.com/nabz/nabz/services/internal/supervise"
)

// Kit holds the shared servers of one package's tests. A package declares one
// and passes its tests through [Kit.Run]:
//
//	var kit testkit.Kit
//
//	func TestMain(m *testing.M) { os.Exit(kit.Run(m)) }
type Kit struct {
	mu     sync.Mutex
	engine *Engine
	kafka  *RealKafka
}

// Run runs the tests and stops the shared servers. In a child process that was
// started to be an embedded part it is that part instead.
func (k *Kit) Run(m *testing.M) int {
	if embedded.IsChild() {
		return embedded.Main()
	}
	defer k.close()
	return m.Run()
}

func (k *Kit) close() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.engine != nil {
		k.engine.stop()
		os.RemoveAll(k.engine.dir)
	}
	if k.kafka != nil {
		k.kafka.stop()
	}
}

// Engine gives the shared ClickHouse engine.
func (k *Kit) Engine(tb testing.TB) *Engine {
	tb.Helper()
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.engine == nil {
		e, err := sharedEngine()
		if err != nil {
			tb.Fatal(err)
		}
		k.engine = e
	}
	return k.engine
}

// sharedEngine starts an engine that outlives the test which asks for it.
func sharedEngine() (*Engine, error) {
	dir, err := os.MkdirTemp("", "nabz-engine-")
	if err != nil {
		return nil, fmt.Errorf("make the engine's folder: %w", err)
	}
	return startEngine(dir)
}

// NewEngine starts an engine of the test's own, to be killed.
func NewEngine(tb testing.TB) *Engine {
	tb.Helper()
	e, err := startEngine(tb.TempDir())
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(e.stop)
	return e
}

// Kafka gives the shared real Apache Kafka broker.
func (k *Kit) Kafka(tb testing.TB) *RealKafka {
	tb.Helper()
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.kafka == nil {
		r, err := startKafka(tb.Context())
		if err != nil {
			tb.Fatal(err)
		}
		k.kafka = r
	}
	return k.kafka
}

// Engine is a supervised ClickHouse engine with its guard.
type Engine struct {
	Config embedded.EngineConfig
	Native string // host:port of the guard

	dir  string
	stop func()
	mu   sync.Mutex
	pids map[string]int
}

// startTimeout bounds the start of a server, the fetch included: 178 MB.
const startTimeout = 5 * time.Minute

func startEngine(dir string) (*Engine, error) {
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	cache, err := embedded.CacheDir()
	if err != nil {
		return nil, err
	}
	lib, err := embedded.FetchEngine(ctx, cache, os.Stderr)
	if err != nil {
		return nil, err
	}
	ports, err := supervise.Ports(ctx, filepath.Join(dir, "ports.json"), "127.0.0.1", []string{"http", "native", "guard"})
	if err != nil {
		return nil, err
	}
	e := &Engine{dir: dir, Native: fmt.Sprintf("127.0.0.1:%d", ports["guard"]), Config: embedded.EngineConfig{
		Library: lib, Dir: filepath.Join(dir, "clickhouse"), Host: "127.0.0.1",
		HTTPPort: ports["http"], NativePort: ports["native"],
		Accounts: embedded.Accounts{Services: "services-password", BI: "bi-password"},
	}}
	parts, err := embedded.EngineParts(e.Config, e.Native)
	if err != nil {
		return nil, err
	}
	ready := make(chan struct{}, 1)
	s, err := supervise.New(supervise.Config{Parts: parts, Log: zap.NewNop(), Changed: func(pids map[string]int) error {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.pids = pids
		select {
		case ready <- struct{}{}:
		default:
		}
		return nil
	}})
	if err != nil {
		return nil, err
	}
	running, quit := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { // ends by stop
		defer close(ended)
		if err := s.Run(running); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	}()
	e.stop = sync.OnceFunc(func() { quit(); <-ended })
	select {
	case <-ready:
		return e, nil
	case <-ended:
		return nil, fmt.Errorf("start the engine in %s: it ended", dir)
	case <-ctx.Done():
		e.stop()
		return nil, fmt.Errorf("start the engine in %s: not ready within %v", dir, startTimeout)
	}
}

// PID gives the process id of the engine as it is now.
func (e *Engine) PID() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.pids[embedded.PartClickHouse]
}

// URL is the address of the services' account on a database, through the
// guard.
func (e *Engine) URL(database string) string {
	return fmt.Sprintf("clickhouse://%s:%s@%s/%s", embedded.UserServices, e.Config.Accounts.Services, e.Native, database)
}

package gateway

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"github.com/nabz/nabz/services/internal/catalog"
	"github.com/nabz/nabz/services/internal/clickhouse"
	"github.com/nabz/nabz/services/internal/door"
	"github.com/nabz/nabz/services/internal/kafka"
	"github.com/nabz/nabz/services/internal/keys"
)

// complainEvery spaces log lines about the same trouble.
const complainEvery = 10 * time.Second

// Service is one gateway. Any number of them serve beside each other: each
// reads everything that is live.
type Service struct {
	config    Config
	log       *zap.Logger
	catalog   *catalog.Catalog
	keys      *keys.Ring
	signer    *signer
	live      *live
	streams   *streams
	metrics   *metrics
	store     clickhouse.Conn
	answers   *answers
	mux       *http.ServeMux
	pages     map[string]*page // by path
	listening chan struct{}    // closed when address is set
	address   net.Addr

	quiet    sync.Mutex
	complain time.Time // of the last log line about Kafka
}

// New checks the configuration; it opens nothing but the files of keys.
func New(config Config, log *zap.Logger) (*Service, error) {
	if log == nil {
		log = zap.NewNop()
	}
	config, err := config.resolve()
	if err != nil {
		return nil, fmt.Errorf("configure gateway: %w", err)
	}
	all, err := catalog.Open(config.Definitions)
	if err != nil {
		return nil, fmt.Errorf("configure gateway: %w", err)
	}
	ring, err := keys.New(config.Keys)
	if err != nil {
		return nil, fmt.Errorf("configure gateway: %w", err)
	}
	secret := ""
	for _, k := range config.Keys.Static {
		if k.Name != Administrator {
			continue
		}
		if secret, err = keys.Secret(k.Key, k.KeyFile); err != nil {
			return nil, fmt.Errorf("configure gateway: %w", err)
		}
	}
	s := &Service{
		config: config, log: log, catalog: all, keys: ring, signer: newSigner(secret),
		metrics: newMetrics(), listening: make(chan struct{}),
	}
	known := func(kpi string) bool { _, ok := all.KPIs.Definition(kpi); return ok }
	s.live = newLive(known, func(what string) { s.metrics.dropped.WithLabelValues(what).Inc() })
	s.metrics.watch(s.live)
	s.streams = &streams{most: config.Limits.Streams, perKey: config.Limits.PerKey, of: map[string]int{}, gauge: s.metrics.streams}
	s.answers = newAnswers(config.Limits)
	if s.mux, err = s.routes(); err != nil {
		return nil, fmt.Errorf("configure gateway: %w", err)
	}
	return s, nil
}

// Address waits until the gateway listens and gives where; nil when ctx ends
// before.
func (s *Service) Address(ctx context.Context) net.Addr {
	select {
	case <-s.listening:
		return s.address
	case <-ctx.Done():
		return nil
	}
}

// Run serves until ctx ends, ends streams, lets requests end and gives nil.
func (s *Service) Run(ctx context.Context) error {
	store, err := clickhouse.Open(s.config.ClickHouse)
	if err != nil {
		return fmt.Errorf("open gateway: %w", err)
	}
	defer store.Close()
	s.store = store
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", s.config.Listen)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", s.config.Listen, err)
	}
	s.address = listener.Addr()
	close(s.listening)
	s.log.Info("gateway listens", zap.Stringer("address", s.address))
	sources := topics()
	follower := kafka.Follower{Brokers: s.config.Kafka, Sources: sources, Failed: s.failed, Take: func(b kafka.Batch) {
		s.metrics.records.WithLabelValues(b.Topic).Add(float64(len(b.Records)))
		if n := s.live.take(b, len(sources)); n > 0 {
			s.metrics.malformed.WithLabelValues(b.Topic).Add(float64(n))
		}
	}}
	group, running := errgroup.WithContext(ctx)
	group.Go(func() error { return follower.Run(running) })
	group.Go(func() error {
		s.live.run(running)
		return nil
	})
	group.Go(func() error {
		return door.Door{Listener: listener, Handler: s, Log: s.log,
			Most: s.config.Limits.Connections, PerAddress: s.config.Limits.PerAddress}.Serve(running, true)
	})
	return group.Wait()
}

// failed notes that Kafka could not be read.
func (s *Service) failed(topic string, err error) {
	s.metrics.failures.WithLabelValues(topic).Inc()
	s.quiet.Lock()
	defer s.quiet.Unlock()
	if time.Since(s.complain) >= complainEvery {
		s.complain = time.Now()
		s.log.Warn("Kafka not read; what is live grows old", zap.Error(err))
	}
}

// streams counts those who watch.
type streams struct {
	most, perKey int
	gauge        interface {
		Inc()
		Dec()
	}

	mu   sync.Mutex
	open int
	of   map[string]int // by key
}

// enter lets one more in, or says why not.
func (c *streams) enter(key string) (leave func(), p *problem) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.open >= c.most || c.of[key] >= c.perKey {
		return nil, &problem{status: http.StatusTooManyRequests, detail: "too many streams are open with this key, or in all", wait: retryAfter}
	}
	c.open++
	c.of[key]++
	c.gauge.Inc()
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.open--
		c.gauge.Dec()
		if c.of[key]--; c.of[key] == 0 {
			delete(c.of, key)
		}
	}, nil
}

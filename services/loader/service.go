package loader

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"github.com/nabz/nabz/services/internal/catalog"
	"github.com/nabz/nabz/services/internal/clickhouse"
	"github.com/nabz/nabz/services/internal/kafka"
)

// Service is one loader: any number of them share the partitions.
type Service struct {
	config    Config
	log       *zap.Logger
	layout    *layout
	metrics   *metrics
	audit     *audit
	listening chan struct{}
	address   net.Addr
	client    *kgo.Client
	letters   *kgo.Client
	store     clickhouse.Conn

	mu      sync.Mutex
	trouble error // why the last write failed, nil when it did not
	joined  bool  // partitions were assigned once
}

// New checks the configuration; it opens nothing.
func New(config Config, log *zap.Logger) (*Service, error) {
	config, err := config.resolve()
	if err != nil {
		return nil, fmt.Errorf("configure loader: %w", err)
	}
	c, err := catalog.Open(config.Definitions)
	if err != nil {
		return nil, fmt.Errorf("configure loader: %w", err)
	}
	l, err := openLayout(c)
	if err != nil {
		return nil, fmt.Errorf("configure loader: %w", err)
	}
	if log == nil {
		log = zap.NewNop()
	}
	return &Service{config: config, log: log, layout: l, metrics: newMetrics(), audit: newAudit(), listening: make(chan struct{})}, nil
}

// Address waits until the loader listens and gives where; nil when ctx ends
// before.
func (s *Service) Address(ctx context.Context) net.Addr {
	select {
	case <-s.listening:
		return s.address
	case <-ctx.Done():
		return nil
	}
}

// Run works until ctx ends, writes what it holds and gives nil.
func (s *Service) Run(ctx context.Context) error {
	if err := s.open(); err != nil {
		return err
	}
	defer s.store.Close()
	defer s.letters.Close()
	defer s.client.Close()
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", s.config.Listen)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", s.config.Listen, err)
	}
	s.address = listener.Addr()
	close(s.listening)
	server := s.server()
	g, work := errgroup.WithContext(ctx)
	g.Go(func() error {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serve metrics: %w", err)
		}
		return nil
	})
	full, empty := make(chan *batch), make(chan *batch, 2)
	for range cap(empty) {
		b, err := newBatch(s.layout)
		if err != nil {
			server.Close()
			return err
		}
		empty <- b
	}
	g.Go(func() error {
		defer server.Close()
		defer close(full)
		return s.read(work, full, empty)
	})
	g.Go(func() error {
		given := false // a batch was given up: the next one's offsets would cover it
		for b := range full {
			given = given || !s.write(work, b)
			b.reset()
			empty <- b
		}
		return nil
	})
	return g.Wait()
}

func (s *Service) open() error {
	conf := kafka.Config{Brokers: s.config.Kafka, ClientID: "loader", Log: s.log}
	var err error
	options := append(kafka.GroupOptions(conf, s.config.Group, kafka.TopicDeadLetters, kafka.TopicEvents, kafka.TopicFacts, kafka.TopicPanes, kafka.TopicValues, kafka.TopicVerdicts, kafka.TopicIncidents),
		kgo.OnPartitionsAssigned(func(context.Context, *kgo.Client, map[string][]int32) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.joined = true
		}),
		kgo.OnPartitionsRevoked(func(_ context.Context, _ *kgo.Client, gone map[string][]int32) { s.metrics.lag.forget(gone) }),
		kgo.OnPartitionsLost(func(_ context.Context, _ *kgo.Client, gone map[string][]int32) { s.metrics.lag.forget(gone) }))
	if s.client, err = kgo.NewClient(options...); err != nil {
		return fmt.Errorf("open Kafka client: %w", err)
	}
	if s.letters, err = kgo.NewClient(append(kafka.ProducerOptions(conf), kgo.RecordPartitioner(kgo.UniformBytesPartitioner(1<<20, false, false, nil)))...); err != nil {
		s.client.Close()
		return fmt.Errorf("open Kafka client: %w", err)
	}
	if s.store, err = clickhouse.Open(s.config.ClickHouse); err != nil {
		s.client.Close()
		s.letters.Close()
	}
	return err
}

// read fills batches until ctx ends. While both batches wait for ClickHouse it
// polls no more, so the client stops fetching, and memory stays where it is.
func (s *Service) read(ctx context.Context, full chan<- *batch, empty <-chan *batch) error {
	b := <-empty
	hand := func() bool {
		select {
		case full <- b:
		case <-ctx.Done():
			full <- b // the writer still takes one: it drains
			return false
		}
		select {
		case b = <-empty:
			return true
		case <-ctx.Done():
			return false
		}
	}
	var first time.Time
	for ctx.Err() == nil {
		poll, cancel := ctx, context.CancelFunc(func() {})
		if b.records > 0 {
			poll, cancel = context.WithDeadline(ctx, first.Add(s.config.Every))
		}
		fetches := s.client.PollRecords(poll, pollRecords)
		cancel()
		fetches.EachError(func(topic string, partition int32, err error) {
			if ctx.Err() == nil && !errors.Is(err, context.DeadlineExceeded) && s.metrics.quiet.allow() {
				s.log.Warn("fetch", zap.String("topic", topic), zap.Int32("partition", partition), zap.Error(err))
			}
		})
		s.metrics.lag.fetched(fetches)
		for it := fetches.RecordIter(); !it.Done(); {
			if b.records == 0 {
				first = time.Now()
			}
			b.add(it.Next(), s.audit)
			if b.full() && !hand() {
				return nil
			}
		}
		if b.records > 0 && time.Since(first) >= s.config.Every && !hand() {
			return nil
		}
		if fetches.NumRecords() < gathered {
			select {
			case <-time.After(gather):
			case <-ctx.Done():
			}
		}
	}
	if b.records > 0 {
		full <- b
	}
	return nil
}

func (s *Service) server() *http.Server {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		if err := s.ready(r.Context()); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ok")
	})
	mux.Handle("GET /metrics", promhttp.HandlerFor(s.metrics.registry, promhttp.HandlerOpts{}))
	return &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, MaxHeaderBytes: 16 << 10}
}

// ready tells whether rows reach ClickHouse.
func (s *Service) ready(ctx context.Context) error {
	s.mu.Lock()
	trouble, joined := s.trouble, s.joined
	s.mu.Unlock()
	if trouble != nil {
		return fmt.Errorf("rows wait: %w", trouble)
	}
	if !joined {
		return errors.New("no partitions yet")
	}
	if err := s.store.Ping(ctx); err != nil {
		return fmt.Errorf("ping ClickHouse: %w", err)
	}
	return nil
}

package loader

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"github.com/nabz/nabz/services/internal/catalog"
	"github.com/nabz/nabz/services/internal/clickhouse"
	"github.com/nabz/nabz/services/internal/door"
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
	lanes     [2]*lane // of panes, and of all else

	mu     sync.Mutex
	joined bool // partitions were assigned once
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
	var err error
	if s.lanes, err = newLanes(s.layout, s.config.Every); err != nil {
		return err
	}
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
	g.Go(func() error {
		defer server.Close()
		s.read(work)
		return nil
	})
	for _, l := range s.lanes {
		g.Go(func() error { s.work(work, l); return nil })
	}
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

// read fills batches until ctx ends. While both batches of a lane wait for
// ClickHouse it polls no more, so the client stops fetching, and memory stays
// where it is.
func (s *Service) read(ctx context.Context) {
	defer func() {
		for _, l := range s.lanes {
			l.last()
		}
	}()
	for ctx.Err() == nil {
		fetches := s.poll(ctx)
		for it := fetches.RecordIter(); !it.Done(); {
			r := it.Next()
			l := s.laneOf(r.Topic)
			if l.batch.records == 0 {
				l.first = time.Now()
			}
			l.batch.add(r, s.audit)
			if l.batch.full() && !l.hand(ctx) {
				return
			}
		}
		for _, l := range s.lanes {
			if due := l.due(); !due.IsZero() && !time.Now().Before(due) && !l.hand(ctx) {
				return
			}
		}
		if fetches.NumRecords() < gathered {
			select {
			case <-time.After(gather):
			case <-ctx.Done():
			}
		}
	}
}

// poll waits for records until the first batch must go.
func (s *Service) poll(ctx context.Context) kgo.Fetches {
	var due time.Time
	for _, l := range s.lanes {
		if at := l.due(); !at.IsZero() && (due.IsZero() || at.Before(due)) {
			due = at
		}
	}
	work, cancel := ctx, context.CancelFunc(func() {})
	if !due.IsZero() {
		work, cancel = context.WithDeadline(ctx, due)
	}
	defer cancel()
	fetches := s.client.PollRecords(work, pollRecords)
	fetches.EachError(func(topic string, partition int32, err error) {
		if ctx.Err() == nil && !errors.Is(err, context.DeadlineExceeded) && s.metrics.quiet.allow() {
			s.log.Warn("fetch", zap.String("topic", topic), zap.Int32("partition", partition), zap.Error(err))
		}
	})
	s.metrics.lag.fetched(fetches)
	return fetches
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
	mux.Handle("GET /metrics", door.Metrics(s.metrics.registry))
	return &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, MaxHeaderBytes: 16 << 10}
}

// ready tells whether rows reach ClickHouse.
func (s *Service) ready(ctx context.Context) error {
	s.mu.Lock()
	joined := s.joined
	trouble := errors.Join(s.lanes[0].trouble, s.lanes[1].trouble)
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

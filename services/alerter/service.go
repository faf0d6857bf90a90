// Package alerter is the shell around the machine of incidents: it carries
// verdicts in, keeps every decision in the outbox before anybody is told, and
// carries messages to receivers and their answers back.
//
// It does not know when an incident opens or a message is tried again.
package alerter

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"github.com/nabz/nabz/services/internal/door"
	"github.com/nabz/nabz/services/internal/kafka"
)

// Service is one alerter: any number of them share the partitions.
type Service struct {
	config    Config
	log       *zap.Logger
	metrics   *metrics
	listening chan struct{}
	address   net.Addr
	group     *kgo.Client

	mu     sync.Mutex
	joined bool
	tasks  map[int32]*running
}

// running is a partition that this process works on, or tries to.
type running struct {
	stop  context.CancelFunc
	done  chan struct{}
	ready bool // its state is restored
}

// New checks the configuration; it opens nothing.
func New(config Config, log *zap.Logger) (*Service, error) {
	config, err := config.resolve()
	if err != nil {
		return nil, fmt.Errorf("configure alerter: %w", err)
	}
	if log == nil {
		log = zap.NewNop()
	}
	return &Service{config: config, log: log, metrics: newMetrics(config.Receivers), listening: make(chan struct{}), tasks: map[int32]*running{}}, nil
}

// Address waits until the alerter listens and gives where; nil when ctx ends
// before.
func (s *Service) Address(ctx context.Context) net.Addr {
	select {
	case <-s.listening:
		return s.address
	case <-ctx.Done():
		return nil
	}
}

// Run works until ctx ends, hands its partitions over and gives nil.
func (s *Service) Run(ctx context.Context) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", s.config.Listen)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", s.config.Listen, err)
	}
	s.address = listener.Addr()
	close(s.listening)
	g, work := errgroup.WithContext(ctx)
	g.Go(func() error {
		return door.Door{Listener: listener, Handler: s.handler(), Log: s.log, Most: most, PerAddress: mostOfOne}.Serve(work, false)
	})
	g.Go(func() error { return s.join(work) })
	return g.Wait()
}

// join is the life in the group: the client learns which partitions are this
// process's, and never fetches a record; every task reads by itself, from the
// position that its outbox names.
func (s *Service) join(ctx context.Context) error {
	conf := kafka.Config{Brokers: s.config.Kafka, ClientID: "alerter", Log: s.log}
	client, err := kgo.NewClient(append(kafka.GroupOptions(conf, s.config.Group, kafka.TopicVerdicts),
		kgo.OnPartitionsAssigned(func(_ context.Context, _ *kgo.Client, p map[string][]int32) { s.assigned(ctx, p[kafka.TopicVerdicts]) }),
		kgo.OnPartitionsRevoked(func(_ context.Context, _ *kgo.Client, p map[string][]int32) { s.revoked(p[kafka.TopicVerdicts]) }),
		kgo.OnPartitionsLost(func(_ context.Context, _ *kgo.Client, p map[string][]int32) { s.revoked(p[kafka.TopicVerdicts]) }),
	)...)
	if err != nil {
		return fmt.Errorf("join group %s: %w", s.config.Group, err)
	}
	s.mu.Lock()
	s.group = client
	s.mu.Unlock()
	client.PauseFetchTopics(kafka.TopicVerdicts)
	defer client.Close()
	for ctx.Err() == nil {
		client.PollFetches(ctx).EachError(func(_ string, _ int32, err error) {
			if ctx.Err() == nil && !errors.Is(err, context.Canceled) {
				s.log.Warn("group", zap.Error(err))
			}
		})
	}
	s.mu.Lock()
	all := make([]int32, 0, len(s.tasks))
	for p := range s.tasks {
		all = append(all, p)
	}
	s.mu.Unlock()
	s.revoked(all)
	return nil
}

func (s *Service) assigned(ctx context.Context, partitions []int32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.joined = true
	for _, p := range partitions {
		if s.tasks[p] != nil {
			continue
		}
		work, stop := context.WithCancel(ctx)
		r := &running{stop: stop, done: make(chan struct{})}
		s.tasks[p] = r
		go func() { // ends by stop
			defer close(r.done)
			s.own(work, p)
		}()
	}
}

func (s *Service) revoked(partitions []int32) {
	s.mu.Lock()
	going := map[int32]*running{}
	for _, p := range partitions {
		if r := s.tasks[p]; r != nil {
			r.stop()
			going[p] = r
		}
	}
	s.mu.Unlock()
	for _, r := range going {
		<-r.done
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for p := range going {
		delete(s.tasks, p)
		s.metrics.forget(p, s.config.Receivers)
	}
}

// own runs the task of a partition for as long as the partition is this
// process's, beginning anew from the outbox whenever it fails.
func (s *Service) own(ctx context.Context, partition int32) {
	log := s.log.With(zap.Int32("partition", partition))
	for ctx.Err() == nil {
		t := newTask(s, partition, log)
		err := t.run(ctx)
		s.ready(partition, false)
		if ctx.Err() != nil {
			return
		}
		log.Warn("task begins anew from the outbox", zap.Error(err))
		s.metrics.restarts.Inc()
		select {
		case <-ctx.Done():
		case <-time.After(restartAfter):
		}
	}
}

func (s *Service) ready(partition int32, is bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.tasks[partition]; r != nil {
		r.ready = is
	}
}

// commit tells the group how far a partition is taken in, and gives a channel
// that is closed when the group knows. What it does not know the outbox does.
func (s *Service) commit(partition int32, position int64) (told <-chan struct{}) {
	done := make(chan struct{})
	s.mu.Lock()
	group := s.group
	s.mu.Unlock()
	if group == nil {
		close(done)
		return done // assigned before the client was at hand; the next tick commits
	}
	group.CommitOffsets(context.Background(), map[string]map[int32]kgo.EpochOffset{
		kafka.TopicVerdicts: {partition: {Epoch: -1, Offset: position}},
	}, func(*kgo.Client, *kmsg.OffsetCommitRequest, *kmsg.OffsetCommitResponse, error) { close(done) })
	return done
}

func (s *Service) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if err := s.waiting(); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ok")
	})
	mux.Handle("GET /metrics", door.Metrics(s.metrics.registry))
	return mux
}

// waiting is what an alerter that is not ready waits for.
func (s *Service) waiting() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.joined {
		return errors.New("no partitions yet")
	}
	for p, r := range s.tasks {
		if !r.ready {
			return fmt.Errorf("partition %d is being restored", p)
		}
	}
	return nil
}

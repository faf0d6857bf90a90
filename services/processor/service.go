// Package processor is the shell around the machines of pkg/track: it shares
// the partitions out by a consumer group, restores the task of each from its
// state log, carries records in and rows out, and keeps checkpoints.
//
// It does not know what an event or a row means.
package processor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"github.com/nabz/nabz/services/internal/catalog"
	"github.com/nabz/nabz/services/internal/kafka"
)

// Service is one processor: any number of them share the partitions.
type Service struct {
	config    Config
	log       *zap.Logger
	catalog   *catalog.Catalog
	metrics   *metrics
	listening chan struct{}
	address   net.Addr

	group *kgo.Client
	panes int32                   // partitions of the topic of panes
	fail  context.CancelCauseFunc // ends the service: no attempt of a task can help

	mu    sync.Mutex
	tasks map[int32]*running
}

// running is a task that this process works on, or tries to.
type running struct {
	stop context.CancelFunc
	done chan struct{}
}

// New checks the configuration; it opens nothing.
func New(config Config, log *zap.Logger) (*Service, error) {
	if err := config.check(); err != nil {
		return nil, fmt.Errorf("configure processor: %w", err)
	}
	c, err := catalog.Load()
	if err != nil {
		return nil, fmt.Errorf("configure processor: %w", err)
	}
	return &Service{
		config: config, log: log, catalog: c, metrics: newMetrics(),
		listening: make(chan struct{}), tasks: map[int32]*running{},
	}, nil
}

// Address waits until the processor listens and gives where; nil when ctx ends
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
	work, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	s.fail = cancel
	g, work := errgroup.WithContext(work)
	server := s.server()
	g.Go(func() error {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serve metrics: %w", err)
		}
		return nil
	})
	g.Go(func() error {
		<-work.Done()
		return server.Close()
	})
	g.Go(func() error {
		defer cancel(nil)
		return s.join(work)
	})
	err = g.Wait()
	if ctx.Err() != nil {
		return nil
	}
	if gap, ok := errors.AsType[*aheadError](context.Cause(work)); ok {
		return gap
	}
	return err
}

// join is the life in the group: the client learns which partitions are this
// process's, and never fetches a record; every task reads by itself, from the
// position that its own state names.
func (s *Service) join(ctx context.Context) error {
	conf := kafka.Config{Brokers: s.config.Kafka, ClientID: "processor", Log: s.log}
	options := append(kafka.GroupOptions(conf, s.config.Group, kafka.TopicEvents),
		kgo.OnPartitionsAssigned(func(_ context.Context, _ *kgo.Client, p map[string][]int32) { s.assigned(ctx, p[kafka.TopicEvents]) }),
		kgo.OnPartitionsRevoked(func(_ context.Context, _ *kgo.Client, p map[string][]int32) { s.revoked(p[kafka.TopicEvents]) }),
		kgo.OnPartitionsLost(func(_ context.Context, _ *kgo.Client, p map[string][]int32) { s.revoked(p[kafka.TopicEvents]) }),
	)
	if err := s.topics(ctx, conf); err != nil {
		return err
	}
	client, err := kgo.NewClient(options...)
	if err != nil {
		return fmt.Errorf("join group %s: %w", s.config.Group, err)
	}
	s.group = client
	client.PauseFetchTopics(kafka.TopicEvents)
	defer client.Close()
	for ctx.Err() == nil {
		fetches := client.PollFetches(ctx)
		fetches.EachError(func(_ string, _ int32, err error) {
			if ctx.Err() == nil {
				s.log.Warn("group", zap.Error(err))
			}
		})
	}
	s.stopAll()
	return nil
}

// topics waits until the topics are there, and learns how many partitions the
// panes have.
func (s *Service) topics(ctx context.Context, conf kafka.Config) error {
	client, err := kgo.NewClient(kafka.Options(conf)...)
	if err != nil {
		return fmt.Errorf("open Kafka client: %w", err)
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	for {
		details, err := admin.ListTopics(ctx, kafka.TopicEvents, kafka.TopicFacts, kafka.TopicPanes, kafka.TopicState)
		if err == nil && details.Error() == nil {
			s.panes = int32(len(details[kafka.TopicPanes].Partitions))
			return nil
		}
		s.log.Info("topics are not there yet", zap.Error(errors.Join(err, details.Error())))
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(restartAfter):
		}
	}
}

func (s *Service) assigned(ctx context.Context, partitions []int32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range partitions {
		if s.tasks[p] != nil {
			continue
		}
		work, stop := context.WithCancel(ctx)
		r := &running{stop: stop, done: make(chan struct{})}
		s.tasks[p] = r
		go func() {
			defer close(r.done)
			s.own(work, p)
		}()
	}
	s.metrics.owned.Set(float64(len(s.tasks)))
}

func (s *Service) revoked(partitions []int32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range partitions {
		if r := s.tasks[p]; r != nil {
			r.stop()
		}
	}
	for _, p := range partitions {
		if r := s.tasks[p]; r != nil {
			<-r.done
			delete(s.tasks, p)
		}
	}
	s.metrics.owned.Set(float64(len(s.tasks)))
}

func (s *Service) stopAll() {
	s.mu.Lock()
	all := make([]int32, 0, len(s.tasks))
	for p := range s.tasks {
		all = append(all, p)
	}
	s.mu.Unlock()
	s.revoked(all)
}

// own runs the task of a partition for as long as the partition is this
// process's, beginning anew from its state whenever it fails.
func (s *Service) own(ctx context.Context, partition int32) {
	log := s.log.With(zap.Int32("partition", partition))
	for ctx.Err() == nil {
		t := &task{service: s, partition: partition, log: log}
		err := t.run(ctx)
		if ctx.Err() != nil {
			return
		}
		if ahead, ok := errors.AsType[*aheadError](err); ok {
			s.fail(ahead)
			return
		}
		log.Warn("task begins anew from its state", zap.Error(err))
		s.metrics.restarts.Inc()
		select {
		case <-ctx.Done():
		case <-time.After(restartAfter):
		}
	}
}

// committed tells the group how far a partition is kept, for the tools that
// show lag; nothing is read from there.
func (s *Service) committed(partition int32, position int64) {
	s.group.CommitOffsets(context.Background(), map[string]map[int32]kgo.EpochOffset{
		kafka.TopicEvents: {partition: {Epoch: -1, Offset: position}},
	}, nil)
}

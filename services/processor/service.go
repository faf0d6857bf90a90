// Package processor is the shell around the machines of pkg/track and pkg/board:
// it shares the partitions out by consumer groups. The task of a partition of
// events it restores from its state log, carries records in and rows out, and
// keeps checkpoints; the board of a partition of panes it rebuilds from the
// log's tail, and carries its readings out.
//
// It does not know what an event or a row means.
package processor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
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

	events *share // partitions of events, each with its task
	boards *share // partitions of panes, each with its board
	sizes  sizes
	fail   context.CancelCauseFunc // ends the service: no attempt of a task can help
}

// sizes are how many partitions topics have.
type sizes struct{ events, panes, values, verdicts int32 }

// New checks the configuration; it opens nothing.
func New(config Config, log *zap.Logger) (*Service, error) {
	if err := config.check(); err != nil {
		return nil, fmt.Errorf("configure processor: %w", err)
	}
	c, err := catalog.Open(config.Definitions)
	if err != nil {
		return nil, fmt.Errorf("configure processor: %w", err)
	}
	if config.Zone != "" {
		if err := c.SetZone(config.Zone); err != nil {
			return nil, fmt.Errorf("configure processor: %w", err)
		}
	}
	s := &Service{config: config, log: log, catalog: c, metrics: newMetrics(), listening: make(chan struct{})}
	s.events = &share{
		service: s, group: config.Group, topic: kafka.TopicEvents, owned: s.metrics.owned, tasks: map[int32]*running{},
		run: func(ctx context.Context, partition int32, log *zap.Logger) error {
			return s.compute(ctx, partition, log)
		},
	}
	s.boards = &share{
		service: s, group: config.BoardGroup, topic: kafka.TopicPanes, owned: s.metrics.boards, tasks: map[int32]*running{},
		run: func(ctx context.Context, partition int32, log *zap.Logger) error {
			b := &boardTask{service: s, partition: partition, log: log}
			return b.run(ctx)
		},
	}
	return s, nil
}

// compute works on a partition of events, in one computation after the other.
func (s *Service) compute(ctx context.Context, partition int32, log *zap.Logger) error {
	begin := int64(0)
	for {
		t := &task{service: s, partition: partition, log: log, begin: begin}
		err := t.run(ctx)
		asked, ok := errors.AsType[*askedError](err)
		if !ok || ctx.Err() != nil {
			return err
		}
		begin = asked.epoch
	}
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
	if cause := context.Cause(work); cause != nil && !errors.Is(cause, context.Canceled) {
		return cause
	}
	return err
}

// join takes part in both groups.
func (s *Service) join(ctx context.Context) error {
	conf := kafka.Config{Brokers: s.config.Kafka, ClientID: "processor", Log: s.log}
	if err := s.topics(ctx, conf); err != nil || ctx.Err() != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.events.join(ctx, conf) })
	g.Go(func() error { return s.boards.join(ctx, conf) })
	return g.Wait()
}

// topics waits until the topics are there, and learns how many partitions they
// have.
func (s *Service) topics(ctx context.Context, conf kafka.Config) error {
	client, err := kgo.NewClient(kafka.Options(conf)...)
	if err != nil {
		return fmt.Errorf("open Kafka client: %w", err)
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	for {
		details, err := admin.ListTopics(ctx, kafka.TopicEvents, kafka.TopicFacts, kafka.TopicPanes, kafka.TopicState, kafka.TopicValues, kafka.TopicVerdicts)
		if err == nil && details.Error() == nil {
			count := func(topic string) int32 { return int32(len(details[topic].Partitions)) }
			s.sizes = sizes{events: count(kafka.TopicEvents), panes: count(kafka.TopicPanes), values: count(kafka.TopicValues), verdicts: count(kafka.TopicVerdicts)}
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

package collector

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"

	"github.com/nabz/nabz/pkg/event"
	"github.com/nabz/nabz/schemas"
	"github.com/nabz/nabz/services/internal/door"
	"github.com/nabz/nabz/services/internal/kafka"
	"github.com/nabz/nabz/services/internal/keys"
)

const (
	// minDelivery is the least that the Kafka client takes.
	minDelivery = time.Second
	// lookEvery is how often topics are sought until they are there.
	lookEvery = 250 * time.Millisecond
	// readyFor is how long one answer of the broker stands for the next.
	readyFor    = time.Second
	pingTimeout = 2 * time.Second
)

// topics is how many partitions the topics have.
type topics struct{ events, deadLetters int32 }

// Service is one collector.
type Service struct {
	config     Config
	log        *zap.Logger
	catalogue  *event.Catalogue
	types      []string
	specified  []byte // the specification
	keys       *keys.Ring
	identities *identities
	bodies     *bodies
	inFlight   *semaphore.Weighted
	metrics    *metrics
	tally      *tally
	listening  chan struct{} // closed when address is set
	address    net.Addr

	client   *kgo.Client // set by Run
	producer producer
	known    atomic.Pointer[topics]

	readyMu sync.Mutex
	readyAt time.Time
	readyIs error
}

// New checks the configuration; it opens nothing but the files of secrets and keys.
func New(config Config, log *zap.Logger) (*Service, error) {
	config, err := config.resolve()
	if err != nil {
		return nil, fmt.Errorf("configure collector: %w", err)
	}
	ring, err := keys.New(keys.Config{Static: config.Keys, File: config.KeysFile, Log: log})
	if err != nil {
		return nil, fmt.Errorf("configure collector: %w", err)
	}
	catalogue, err := schemas.Catalogue()
	if err != nil {
		return nil, fmt.Errorf("configure collector: %w", err)
	}
	s := &Service{
		config: config, log: log, catalogue: catalogue,
		keys:       ring,
		identities: newIdentities(config.IdentityKey, config.TenantKeys),
		bodies:     &bodies{most: config.Limits.Body},
		inFlight:   semaphore.NewWeighted(config.Limits.InFlight),
		metrics:    newMetrics(),
		tally:      newTally(),
		listening:  make(chan struct{}),
	}
	if s.specified, err = specified(catalogue); err != nil {
		return nil, fmt.Errorf("configure collector: %w", err)
	}
	for _, t := range catalogue.Types() {
		s.types = append(s.types, t.Name)
	}
	return s, nil
}

// Address waits until the collector listens and gives where; nil when ctx ends
// before.
func (s *Service) Address(ctx context.Context) net.Addr {
	select {
	case <-s.listening:
		return s.address
	case <-ctx.Done():
		return nil
	}
}

// Run serves until ctx ends, lets requests end and gives nil.
func (s *Service) Run(ctx context.Context) error {
	options := append(kafka.ProducerOptions(kafka.Config{Brokers: s.config.Kafka, ClientID: "collector", Log: s.log}),
		kgo.RecordDeliveryTimeout(max(s.config.Limits.Timeout, minDelivery)))
	client, err := kgo.NewClient(options...)
	if err != nil {
		return fmt.Errorf("open Kafka client: %w", err)
	}
	defer client.Close()
	s.client, s.producer = client, client
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", s.config.Listen)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", s.config.Listen, err)
	}
	s.address = listener.Addr()
	close(s.listening)
	s.log.Info("collector listens", zap.Stringer("address", s.address))
	group, running := errgroup.WithContext(ctx)
	group.Go(func() error { return s.look(running) })
	group.Go(func() error { return s.tellTallies(running) })
	group.Go(func() error {
		return door.Door{Listener: listener, Handler: s, Log: s.log, Most: s.config.Limits.Connections, PerAddress: s.config.Limits.PerAddress}.Serve(running, false)
	})
	err = group.Wait()
	s.tellTally(context.WithoutCancel(ctx)) // what the last requests brought
	return err
}

// look seeks the topics until they are there.
func (s *Service) look(ctx context.Context) error {
	admin := kadm.NewClient(s.client)
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	told := false
	for {
		found, err := s.partitions(ctx, admin)
		if err == nil {
			s.known.Store(&found)
			s.log.Info("collector is ready", zap.Int32("partitions", found.events))
			return nil
		}
		if !told && ctx.Err() == nil {
			s.log.Warn("topics not found yet", zap.Error(err))
			told = true
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

func (s *Service) partitions(ctx context.Context, admin *kadm.Client) (topics, error) {
	ctx, cancel := context.WithTimeout(ctx, pingTimeout)
	defer cancel()
	details, err := admin.ListTopics(ctx, s.config.Events, s.config.DeadLetters)
	if err != nil {
		return topics{}, fmt.Errorf("list topics: %w", err)
	}
	if err := details.Error(); err != nil {
		return topics{}, fmt.Errorf("list topics: %w", err)
	}
	found := topics{events: int32(len(details[s.config.Events].Partitions)), deadLetters: int32(len(details[s.config.DeadLetters].Partitions))}
	if found.events == 0 || found.deadLetters == 0 {
		return topics{}, fmt.Errorf("list topics: %s has %d partitions, %s %d", s.config.Events, found.events, s.config.DeadLetters, found.deadLetters)
	}
	return found, nil
}

// topics gives the partitions of the topics, once they are known.
func (s *Service) topics() (topics, bool) {
	if t := s.known.Load(); t != nil {
		return *t, true
	}
	return topics{}, false
}

// ready asks the broker, at most once in readyFor.
func (s *Service) ready(ctx context.Context) error {
	if _, ok := s.topics(); !ok {
		return errors.New("topics not found yet")
	}
	s.readyMu.Lock()
	defer s.readyMu.Unlock()
	if time.Since(s.readyAt) < readyFor {
		return s.readyIs
	}
	ctx, cancel := context.WithTimeout(ctx, pingTimeout)
	defer cancel()
	s.readyIs = s.client.Ping(ctx)
	s.readyAt = time.Now()
	return s.readyIs
}

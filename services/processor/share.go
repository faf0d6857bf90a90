package processor

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"

	"github.com/nabz/nabz/services/internal/kafka"
)

// share is this process's part of the partitions of a topic, as a consumer
// group deals them out, with a goroutine for each.
type share struct {
	service *Service
	group   string
	topic   string
	owned   prometheus.Gauge
	// run works on a partition until ctx ends; after an error it is called
	// again.
	run func(ctx context.Context, partition int32, log *zap.Logger) error

	client *kgo.Client
	mu     sync.Mutex
	tasks  map[int32]*running
}

// running is a task that this process works on, or tries to.
type running struct {
	stop context.CancelFunc
	done chan struct{}
}

// join is the life in the group: the client learns which partitions are this
// process's, and never fetches a record; every task reads by itself, from the
// position that it finds out.
func (s *share) join(ctx context.Context, conf kafka.Config) error {
	options := append(kafka.GroupOptions(conf, s.group, s.topic),
		kgo.OnPartitionsAssigned(func(_ context.Context, c *kgo.Client, p map[string][]int32) { s.assigned(ctx, c, p[s.topic]) }),
		kgo.OnPartitionsRevoked(func(_ context.Context, _ *kgo.Client, p map[string][]int32) { s.revoked(p[s.topic]) }),
		kgo.OnPartitionsLost(func(_ context.Context, _ *kgo.Client, p map[string][]int32) { s.revoked(p[s.topic]) }),
	)
	if member := s.service.config.Member; member != "" {
		options = append(options, kgo.InstanceID(member))
	}
	client, err := kgo.NewClient(options...)
	if err != nil {
		return fmt.Errorf("join group %s: %w", s.group, err)
	}
	client.PauseFetchTopics(s.topic)
	defer client.Close()
	taken := false
	for ctx.Err() == nil {
		fetches := client.PollFetches(ctx)
		fetches.EachError(func(_ string, _ int32, err error) {
			switch {
			case ctx.Err() != nil:
			case errors.Is(err, kerr.FencedInstanceID):
				taken = true
				s.service.fail(&takenError{s.service.config.Member, s.group})
			default:
				s.service.log.Warn("group", zap.String("group", s.group), zap.Error(err))
			}
		})
	}
	s.stopAll()
	if !taken {
		s.leave(client)
	}
	return nil
}

// leave gives the partitions to others at once. A member without a name leaves
// when its client is closed, one with a name only if it says so.
func (s *share) leave(client *kgo.Client) {
	member := s.service.config.Member
	if member == "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), leaveFor)
	defer cancel()
	if _, err := kadm.NewClient(client).LeaveGroup(ctx, kadm.LeaveGroup(s.group).InstanceIDs(member)); err != nil {
		s.service.log.Info("group not left: its other members wait for the session to end", zap.String("group", s.group), zap.Error(err))
	}
}

// takenError is of a member whose name another process has taken. Both would
// take the partitions from each other for ever.
type takenError struct{ member, group string }

func (e *takenError) Error() string {
	return fmt.Sprintf("another processor came as member %s of group %s: every processor needs a name of its own", e.member, e.group)
}

func (s *share) assigned(ctx context.Context, client *kgo.Client, partitions []int32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.client = client
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
	s.owned.Set(float64(len(s.tasks)))
}

func (s *share) revoked(partitions []int32) {
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
	s.owned.Set(float64(len(s.tasks)))
}

func (s *share) stopAll() {
	s.mu.Lock()
	all := make([]int32, 0, len(s.tasks))
	for p := range s.tasks {
		all = append(all, p)
	}
	s.mu.Unlock()
	s.revoked(all)
}

// own runs the task of a partition for as long as the partition is this
// process's, beginning anew whenever it fails.
func (s *share) own(ctx context.Context, partition int32) {
	log := s.service.log.With(zap.String("group", s.group), zap.Int32("partition", partition))
	for ctx.Err() == nil {
		err := s.run(ctx, partition, log)
		if ctx.Err() != nil {
			return
		}
		if ahead, ok := errors.AsType[*aheadError](err); ok {
			s.service.fail(ahead)
			return
		}
		log.Warn("task begins anew", zap.Error(err))
		s.service.metrics.restarts.Inc()
		select {
		case <-ctx.Done():
		case <-time.After(restartAfter):
		}
	}
}

// committed tells the group how far a partition is, for the tools that show
// lag; nothing is read from there.
func (s *share) committed(partition int32, position int64) {
	s.client.CommitOffsets(context.Background(), map[string]map[int32]kgo.EpochOffset{
		s.topic: {partition: {Epoch: -1, Offset: position}},
	}, nil)
}

// size is how many partitions this process owns.
func (s *share) size() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.tasks)
}

package embedded_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/nabz/nabz/services/internal/kafka"
	"github.com/nabz/nabz/services/internal/testkit"
)

// TestMemberThatDiesWhileItJoins: a member dies while its join waits for one
// that died before. Their partitions go to the third. Who leads a group is
// chance, and the broker forgot the second only where the third led: of six
// groups some are like that.
func TestMemberThatDiesWhileItJoins(t *testing.T) {
	brokers, _, _ := startKafka(t)
	cl, err := kgo.NewClient(kafka.ProducerOptions(kafka.Config{Brokers: brokers, ClientID: "test"})...)
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	for p := range int32(2) {
		if err := cl.ProduceSync(t.Context(), &kgo.Record{Topic: kafka.TopicEvents, Partition: p, Value: []byte("x")}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	successors := make([]*kgo.Client, 6)
	for i := range successors {
		group := fmt.Sprintf("group-%d", i)
		dieJoining(t, brokers, group)
		cl, err := kgo.NewClient(kafka.GroupOptions(kafka.Config{Brokers: brokers, ClientID: "test"}, group, kafka.TopicEvents)...)
		if err != nil {
			t.Fatal(err)
		}
		defer cl.Close()
		successors[i] = cl
	}
	for i, cl := range successors {
		seen := map[int32]bool{}
		testkit.Await(t, fmt.Sprintf("both partitions of group %d", i), func() bool {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			cl.PollFetches(ctx).EachRecord(func(r *kgo.Record) { seen[r.Partition] = true })
			return len(seen) == 2
		})
	}
}

// dieJoining joins a group twice by hand: the first member is answered and
// falls silent, the second dies while it waits.
func dieJoining(t *testing.T, brokers []string, group string) {
	t.Helper()
	plain, err := kgo.NewClient(kgo.SeedBrokers(brokers...))
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close()
	for i := range 2 {
		dead, err := kgo.NewClient(kgo.SeedBrokers(brokers...))
		if err != nil {
			t.Fatal(err)
		}
		defer dead.Close()
		req := kmsg.NewPtrJoinGroupRequest()
		req.Group, req.ProtocolType = group, "consumer"
		// The first must not be forgotten before the second has come, however slow
		// the machine is.
		req.SessionTimeoutMillis, req.RebalanceTimeoutMillis = 20_000, 20_000
		protocol := kmsg.NewJoinGroupRequestProtocol()
		meta := kmsg.NewConsumerMemberMetadata()
		meta.Version, meta.Topics = 3, []string{kafka.TopicEvents}
		protocol.Name, protocol.Metadata = "cooperative-sticky", meta.AppendTo(nil)
		req.Protocols = []kmsg.JoinGroupRequestProtocol{protocol}
		answer, err := req.RequestWith(t.Context(), dead)
		if err != nil {
			t.Fatal(err)
		}
		req.MemberID = answer.MemberID
		ended := make(chan struct{})
		go func() {
			_, _ = req.RequestWith(t.Context(), dead)
			close(ended)
		}()
		testkit.Await(t, "the join", func() bool {
			describe := kmsg.NewPtrDescribeGroupsRequest()
			describe.Groups = []string{group}
			answer, err := describe.RequestWith(t.Context(), plain)
			return err == nil && len(answer.Groups[0].Members) == i+1
		})
		dead.Close()
		<-ended
	}
}

package processor_test

import (
	"io"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest"
	"go.uber.org/zap/zaptest/observer"

	"github.com/nabz/nabz/pkg/sim"
	"github.com/nabz/nabz/services/internal/kafka"
	"github.com/nabz/nabz/services/internal/testkit"
	"github.com/nabz/nabz/services/processor"
)

// fill writes the histories whole.
func fill(t *testing.T, brokers []string) {
	t.Helper()
	client := open(t, brokers)
	defer client.Close()
	for p := range int32(partitions) {
		for _, r := range sim.History(uint64(p) + 40) {
			client.Produce(t.Context(), &kgo.Record{Topic: kafka.TopicEvents, Partition: p, Value: r.Bytes}, nil)
		}
	}
	if err := client.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func open(t *testing.T, brokers []string) *kgo.Client {
	t.Helper()
	client, err := kgo.NewClient(kafka.ProducerOptions(kafka.Config{Brokers: brokers, ClientID: "test"})...)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// forget deletes the log of events and makes it anew.
func forget(t *testing.T, brokers []string) {
	t.Helper()
	client := open(t, brokers)
	defer client.Close()
	if _, err := kadm.NewClient(client).DeleteTopic(t.Context(), kafka.TopicEvents); err != nil {
		t.Fatal(err)
	}
	a := kafka.NewAdmin(brokers)
	defer a.Close()
	if err := a.Ensure(t.Context(), kafka.Catalogue(kafka.Sizing{Partitions: partitions}), io.Discard); err != nil {
		t.Fatal(err)
	}
}

// ends runs a processor until it ends by itself and gives its error.
func ends(t *testing.T, brokers []string, meanwhile func()) error {
	t.Helper()
	c := processor.Default()
	c.Kafka, c.Pulse = brokers, time.Minute
	s, err := processor.New(c, zaptest.NewLogger(t, zaptest.Level(zap.ErrorLevel)))
	if err != nil {
		t.Fatal(err)
	}
	ctx := testkit.Context(t)
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	meanwhile()
	err = <-done
	if ctx.Err() != nil {
		t.Fatal("it waits in silence")
	}
	return err
}

func saysWhatToDo(t *testing.T, err error) {
	t.Helper()
	if err == nil {
		t.Fatal("ended without an error")
	}
	for _, words := range []string{"the state of partition ", kafka.TopicEvents + ", which ends at 0", "made anew", "nabz topics apply"} {
		if !strings.Contains(err.Error(), words) {
			t.Errorf("the error lacks %q: %v", words, err)
		}
	}
}

// TestStateAheadOfEvents takes the log of events away, once between two lives
// of a processor and once under one that runs.
func TestStateAheadOfEvents(t *testing.T) {
	t.Run("stopped", func(t *testing.T) {
		brokers := cluster(t)
		fill(t, brokers)
		stop := start(t, brokers, "first", zap.NewNop())
		settle(t, brokers)
		stop()
		forget(t, brokers)
		saysWhatToDo(t, ends(t, brokers, func() {}))
	})
	t.Run("running", func(t *testing.T) {
		brokers := cluster(t)
		fill(t, brokers)
		saysWhatToDo(t, ends(t, brokers, func() {
			settle(t, brokers)
			saved(t, brokers)
			forget(t, brokers)
		}))
	})
}

// saved waits until every task has told the group that its position is kept.
func saved(t *testing.T, brokers []string) {
	t.Helper()
	client := open(t, brokers)
	defer client.Close()
	testkit.Await(t, "positions that are kept", func() bool {
		committed, err := kadm.NewClient(client).FetchOffsets(t.Context(), processor.Default().Group)
		if err != nil {
			t.Fatal(err)
		}
		kept := 0
		committed.Each(func(o kadm.OffsetResponse) {
			if o.At >= int64(len(sim.History(uint64(o.Partition)+40))) {
				kept++
			}
		})
		return kept == partitions
	})
}

// TestEventsDeletedUnread lets retention pass a state while no processor runs:
// it goes on behind the gap, and says what is missing.
func TestEventsDeletedUnread(t *testing.T) {
	brokers := cluster(t)
	fill(t, brokers)
	stop := start(t, brokers, "first", zap.NewNop())
	settle(t, brokers)
	stop()
	fill(t, brokers)
	client := open(t, brokers)
	defer client.Close()
	const gap = 2
	var before kadm.Offsets
	for p, end := range endOffsets(t, brokers, kafka.TopicEvents) {
		before.AddOffset(kafka.TopicEvents, p, end-gap, -1)
	}
	if _, err := kadm.NewClient(client).DeleteRecords(t.Context(), before); err != nil {
		t.Fatal(err)
	}
	core, seen := observer.New(zap.ErrorLevel)
	stop = start(t, brokers, "second", zap.New(core))
	settleAt(t, brokers, 2)
	stop()
	// A partition that was handed over again meanwhile says it again.
	of := map[any]bool{}
	for _, said := range seen.FilterMessageSnippet("deleted before they were processed").All() {
		of[said.ContextMap()["partition"]] = true
	}
	if len(of) != partitions {
		t.Errorf("said of %d partitions that events are missing, should be %d: %v", len(of), partitions, seen.All())
	}
}

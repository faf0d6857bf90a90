package kafka_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/nabz/nabz/services/internal/kafka"
	"github.com/nabz/nabz/services/internal/testkit"
)

var kit testkit.Kit

func TestMain(m *testing.M) { os.Exit(kit.Run(m)) }

func TestPlanAndApply(t *testing.T) {
	t.Run("embedded", func(t *testing.T) { planAndApply(t, testkit.Fake(t)) })
	t.Run("apache", func(t *testing.T) { planAndApply(t, kit.Kafka(t).Brokers) })
}

// planAndApply is what holds for every broker, embedded or real.
func planAndApply(t *testing.T, brokers []string) {
	ctx := t.Context()
	a := kafka.NewAdmin(brokers)
	defer a.Close()
	wanted := kafka.Catalogue(kafka.Sizing{Partitions: 3, LogCap: 8 << 20})
	var out bytes.Buffer
	if err := a.Ensure(ctx, wanted, &out); err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(out.String(), "create with 3 partitions"); got != len(wanted) {
		t.Fatalf("created %d topics, want %d:\n%s", got, len(wanted), &out)
	}
	settled := func(after string) {
		t.Helper()
		// A broker may tell of a change a moment after it has taken it.
		testkit.Await(t, "an empty plan after "+after, func() bool {
			changes, err := a.Plan(ctx, wanted)
			return err == nil && len(changes) == 0
		})
	}
	settled("the first")
	// One setting differs: one line, one change.
	for i, s := range wanted[0].Settings {
		if s.Name == "retention.ms" {
			wanted[0].Settings[i].Value = "3600000"
		}
	}
	out.Reset()
	if err := a.Ensure(ctx, wanted, &out); err != nil {
		t.Fatal(err)
	}
	if got := out.String(); !strings.HasPrefix(got, "~ nabz.events.v1: retention.ms: 604800000 -> 3600000") || strings.Count(got, "\n") != 1 {
		t.Fatalf("the diff is %q", got)
	}
	settled("the change")
	// Another number of partitions is told, never made.
	err := a.Ensure(ctx, kafka.Catalogue(kafka.Sizing{Partitions: 5}), &out)
	if !errors.Is(err, kafka.ErrRefused) {
		t.Fatalf("another number of partitions: %v, want ErrRefused", err)
	}
}

func TestTail(t *testing.T) {
	t.Run("embedded", func(t *testing.T) { tail(t, testkit.Fake(t)) })
	t.Run("apache", func(t *testing.T) { tail(t, kit.Kafka(t).Brokers) })
}

func tail(t *testing.T, brokers []string) {
	ctx := t.Context()
	a := kafka.NewAdmin(brokers)
	defer a.Close()
	topics := []kafka.Topic{{Name: "nabz.tail.test", Partitions: 3}}
	if err := a.Ensure(ctx, topics, &bytes.Buffer{}); err != nil {
		t.Fatal(err)
	}
	cl, err := kgo.NewClient(kafka.ProducerOptions(kafka.Config{Brokers: brokers, ClientID: "test"})...)
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	for i := range 30 {
		r := &kgo.Record{Topic: "nabz.tail.test", Partition: int32(i % 3), Value: []byte(fmt.Sprint(i)),
			Headers: []kgo.RecordHeader{{Key: "ce_id", Value: []byte("x")}}}
		if err := cl.ProduceSync(ctx, r).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	seen := func(tail kafka.Tail) int {
		t.Helper()
		n := 0
		next := map[int]int64{}
		err := tail.Run(ctx, func(r kafka.Record) error {
			if want, ok := next[r.Partition]; ok && r.Offset != want {
				t.Errorf("partition %d: offset %d, want %d", r.Partition, r.Offset, want)
			}
			if r.Headers["ce_id"] != "x" {
				t.Errorf("headers %v", r.Headers)
			}
			next[r.Partition] = r.Offset + 1
			n++
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if n := seen(kafka.Tail{Brokers: brokers, Topic: "nabz.tail.test", Last: -1}); n != 30 {
		t.Errorf("all: %d records, want 30", n)
	}
	if n := seen(kafka.Tail{Brokers: brokers, Topic: "nabz.tail.test", Last: 2}); n != 6 {
		t.Errorf("the last two of each partition: %d records, want 6", n)
	}
	following, stop := context.WithCancel(ctx)
	n := 0
	err = kafka.Tail{Brokers: brokers, Topic: "nabz.tail.test", Last: -1, Follow: true}.Run(following, func(kafka.Record) error {
		if n++; n == 30 {
			stop()
		}
		return nil
	})
	stop()
	if err != nil || n < 30 {
		t.Errorf("following: %d records, %v", n, err)
	}
	if err := (kafka.Tail{Brokers: brokers, Topic: "nabz.absent"}).Run(ctx, nil); err == nil || !strings.Contains(err.Error(), "no such topic") {
		t.Errorf("a topic that is not there: %v", err)
	}
}

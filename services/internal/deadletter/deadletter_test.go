package deadletter

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/nabz/nabz/services/internal/kafka"
	"github.com/nabz/nabz/services/internal/testkit"
)

var kit testkit.Kit

func TestMain(m *testing.M) { os.Exit(kit.Run(m)) }

// opened takes the seal of these tests off: tenant, colon, event.
func opened(tenant string, sealed []byte) ([]byte, error) {
	raw, ok := bytes.CutPrefix(sealed, []byte(tenant+":"))
	if !ok {
		return nil, errors.New("another key")
	}
	return raw, nil
}

func letter(partition int32, at time.Time, stage, reason, tenant string, value, sealed string) *kgo.Record {
	r := &kgo.Record{Topic: kafka.TopicDeadLetters, Partition: partition, Timestamp: at, Value: []byte(value), Headers: []kgo.RecordHeader{
		{Key: "dlq_stage", Value: []byte(stage)}, {Key: "dlq_reason", Value: []byte(reason)}, {Key: "dlq_tenant", Value: []byte(tenant)},
	}}
	switch {
	case value == "":
		r.Value = []byte(sealed)
		r.Headers = append(r.Headers, kgo.RecordHeader{Key: "content-type", Value: []byte(sealedType)})
	case sealed != "":
		r.Headers = append(r.Headers, kgo.RecordHeader{Key: "dlq_sealed", Value: []byte(sealed)})
	}
	return r
}

func TestBox(t *testing.T) {
	t.Run("embedded", func(t *testing.T) { box(t, testkit.Fake(t)) })
	t.Run("apache_kafka", func(t *testing.T) { box(t, kit.Kafka(t).Brokers) })
}

func box(t *testing.T, brokers []string) {
	t.Helper()
	admin := kafka.NewAdmin(brokers)
	defer admin.Close()
	if err := admin.Ensure(t.Context(), kafka.Catalogue(kafka.Sizing{Partitions: 2}), &strings.Builder{}); err != nil {
		t.Fatal(err)
	}
	client, err := kgo.NewClient(kafka.ProducerOptions(kafka.Config{Brokers: brokers, ClientID: "test"})...)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	day := func(n int) time.Time { return time.Date(2026, 3, n, 0, 0, 0, 0, time.UTC) }
	for _, r := range []*kgo.Record{
		letter(0, day(1), StageCollector, "unknown_type", "shop", `{"id":"1"}`, `shop:{"id":"1","x":1}`),
		letter(0, day(3), StageCollector, "unknown_type", "shop", `{"id":"2"}`, `shop: {"id":"2","tenant":"shop"}`),
		letter(0, day(4), StageCollector, "bad_json", "shop", "", `shop:{"id`),
		letter(1, day(2), StageCollector, "unknown_type", "bank", `{"id":"3"}`, `other:{"id":"3"}`),
		letter(1, day(5), StageLoader, "malformed", "", "\x01\x02", ""),
	} {
		if err := client.ProduceSync(t.Context(), r).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	b := Box{Brokers: brokers}
	groups, err := b.Groups(t.Context(), Filter{})
	if err != nil || len(groups) != 4 {
		t.Fatalf("%+v, %v", groups, err)
	}
	if g := groups[0]; g.Count != 2 || g.Tenant != "shop" || !g.Oldest.Equal(day(1)) || !g.Newest.Equal(day(3)) || g.Offset != 1 {
		t.Errorf("the most frequent: %+v", g)
	}
	f := func(filter Filter, want string) {
		t.Helper()
		var got []string
		if err := b.Each(t.Context(), filter, func(l Letter) error {
			raw, ok, err := l.Again(opened)
			word := string(raw)
			switch {
			case err != nil:
				word = "not opened"
			case !ok:
				word = "skipped"
			}
			got = append(got, word)
			return nil
		}); err != nil {
			t.Error(err)
		}
		if text := strings.Join(got, " | "); text != want {
			t.Errorf("%+v: %s, want %s", filter, text, want)
		}
	}
	f(Filter{Tenant: "shop", To: day(4)}, `{"tenant":"shop","id":"1","x":1} |  {"id":"2","tenant":"shop"}`)
	f(Filter{Reason: "bad_json"}, "skipped")
	f(Filter{Tenant: "bank"}, "not opened")
	f(Filter{Stage: StageLoader}, "skipped")
	f(Filter{From: day(6)}, "")

	cuts, err := b.Older(t.Context(), day(3))
	if err != nil || len(cuts) != 2 || cuts[0].Letters() != 1 || cuts[1].Letters() != 1 {
		t.Fatalf("older than the third day: %+v, %v", cuts, err)
	}
	if err := b.Drop(t.Context(), cuts); err != nil {
		t.Fatal(err)
	}
	if _, err := b.One(t.Context(), 0, 0); !errors.Is(err, kafka.ErrNoRecord) {
		t.Errorf("a letter that was dropped: %v", err)
	}
	l, err := b.One(t.Context(), 0, 2)
	if err != nil || l.Reason != "bad_json" || !l.Sealed || l.Shown() != nil {
		t.Errorf("%+v, %v", l, err)
	}
	if cuts, err = b.Through(t.Context(), 0, 99); err != nil || len(cuts) != 1 || cuts[0].Letters() != 2 {
		t.Errorf("through what is beyond the end: %+v, %v", cuts, err)
	}
	if _, err := b.Through(t.Context(), 9, 0); !errors.Is(err, kafka.ErrNoRecord) {
		t.Errorf("through a partition that is not there: %v", err)
	}
}

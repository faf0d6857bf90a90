package doctor_test

import (
	"fmt"
	"io"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/nabz/nabz/pkg/event"
	"github.com/nabz/nabz/services/internal/doctor"
	"github.com/nabz/nabz/services/internal/kafka"
	"github.com/nabz/nabz/services/internal/testkit"
)

var kit testkit.Kit

func TestMain(m *testing.M) { os.Exit(kit.Run(m)) }

// TestKafka looks a real broker over: without topics, with all of them, with a
// processor whose clock is right, with one whose clock is ahead, and with a dead
// letter.
func TestKafka(t *testing.T) {
	brokers := kit.Kafka(t).Brokers
	expect := func(check string, want doctor.Level) {
		t.Helper()
		var all []doctor.Finding
		defer func() {
			if t.Failed() {
				t.Logf("what was found last: %+v", all)
			}
		}()
		// A broker that is slow to answer is looked at again.
		testkit.Await(t, fmt.Sprintf("%s to be %s", check, want), func() bool {
			all = doctor.Run(t.Context(), doctor.Config{Brokers: brokers, Groups: []string{"nabz.loader"}, Zone: "Asia/Tehran"})
			i := slices.IndexFunc(all, func(f doctor.Finding) bool { return f.Check == check })
			return i >= 0 && all[i].Level == want
		})
	}
	expect("kafka", doctor.OK)
	expect("topics", doctor.Fail)
	admin := kafka.NewAdmin(brokers)
	defer admin.Close()
	if err := admin.Ensure(t.Context(), kafka.Catalogue(kafka.Sizing{Partitions: 1}), io.Discard); err != nil {
		t.Fatal(err)
	}
	expect("topics", doctor.OK)
	expect("replicas", doctor.OK)
	expect("processors", doctor.Fail)
	expect("dead letters", doctor.OK)
	expect("lag nabz.loader", doctor.Fail)
	expect("zones", doctor.OK)
	client, err := kgo.NewClient(kafka.ProducerOptions(kafka.Config{Brokers: brokers, ClientID: "test"})...)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	send := func(topic string, value []byte) {
		t.Helper()
		if err := client.ProduceSync(t.Context(), &kgo.Record{Topic: topic, Value: value, Timestamp: time.Now()}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	pulse := func(at time.Time) {
		t.Helper()
		e := event.Event{Type: event.TypePulse, Time: at.UnixMilli(), ReceivedAt: at.UnixMilli()}
		send(kafka.TopicEvents, e.Append(nil))
	}
	pulse(time.Now().Add(-2 * time.Minute))
	expect("processors", doctor.Fail)
	pulse(time.Now().Add(-20 * time.Second))
	expect("processors", doctor.Warn)
	pulse(time.Now().Add(time.Hour))
	expect("processors", doctor.Fail)
	send(kafka.TopicDeadLetters, []byte("{}"))
	expect("dead letters", doctor.Warn)
	if got := doctor.Worst([]doctor.Finding{{Level: doctor.OK}, {Level: doctor.Warn}}); got != doctor.Warn {
		t.Errorf("the worst is %s", got)
	}
}

package processor_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"

	"github.com/nabz/nabz/pkg/event"
	"github.com/nabz/nabz/pkg/row"
	"github.com/nabz/nabz/services/internal/kafka"
	"github.com/nabz/nabz/services/internal/testkit"
	"github.com/nabz/nabz/services/processor"
)

// envBrokers makes a start of the test's program a processor, to be killed.
const envBrokers = "NABZ_TEST_BROKERS"

func TestMain(m *testing.M) {
	if brokers := os.Getenv(envBrokers); brokers != "" {
		c := processor.Default()
		c.Kafka, c.Pulse = strings.Split(brokers, ","), time.Minute
		s, err := processor.New(c, zap.NewNop())
		if err == nil {
			err = s.Run(context.Background())
		}
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// mortal starts a processor in a process of its own and gives what kills it.
func mortal(t *testing.T, brokers []string) (kill func()) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), envBrokers+"="+strings.Join(brokers, ","))
	ended, err := testkit.StartTethered(cmd)
	if err != nil {
		t.Fatal(err)
	}
	return func() {
		_ = cmd.Process.Signal(syscall.SIGKILL)
		<-ended
	}
}

// center is a contact center whose clock is moved by hand.
type center struct {
	t       *testing.T
	brokers []string
	client  *kgo.Client
	from    int64 // ms since 1970 UTC; the clock of the processor's own pulses is behind
	n       int
}

// contacts enter a queue and leave it ten seconds later, s seconds after the
// beginning: answered in time, or given up.
func (c *center) contacts(s int64, n int, answered bool) {
	for range n {
		c.n++
		e := event.Event{
			Tenant: "t1", Type: "contact.queued", Source: "pbx", ID: fmt.Sprint(c.n, "-q"), Time: c.from + s*1000, Kind: "contact",
			Entity: fmt.Sprint("c", c.n), Attrs: []event.Attr{{Number: event.FieldQueueID, Text: "sales", IsText: true}},
		}
		c.send(e, int32(c.n%partitions))
		e.Type, e.ID, e.Time, e.Attrs = "contact.dequeued", fmt.Sprint(c.n, "-d"), e.Time+10_000, []event.Attr{{Number: event.FieldOutcome, Text: "abandoned", IsText: true}}
		if answered {
			e.Type, e.Attrs = "contact.answered", []event.Attr{{Number: event.FieldAgentID, Text: "a1", IsText: true}}
		}
		c.send(e, int32(c.n%partitions))
	}
}

// clock moves to s seconds after the beginning, in every partition.
func (c *center) clock(s int64) {
	c.t.Helper()
	for p := range int32(partitions) {
		c.send(event.Event{Type: event.TypePulse, Time: c.from + s*1000, Source: "test"}, p)
	}
	if err := c.client.Flush(c.t.Context()); err != nil {
		c.t.Fatal(err)
	}
	// Every board has a share of the verdicts of that instant when it has told
	// how far it is.
	left := map[int32]bool{}
	for p := range int32(partitions) {
		left[p] = true
	}
	rows(c.t, testkit.Context(c.t), c.brokers, kafka.TopicValues, func(r *kgo.Record, x row.Row) bool {
		if p, ok := x.(*row.Progress); ok && p.Now >= c.from+s*1000 {
			delete(left, r.Partition)
		}
		return len(left) > 0
	})
}

func (c *center) send(e event.Event, partition int32) {
	e.ReceivedAt = e.Time
	copy(e.UID[:], fmt.Sprintf("%016s", e.ID))
	e.Hash, _ = e.ContentHash(nil)
	c.client.Produce(c.t.Context(), &kgo.Record{Topic: kafka.TopicEvents, Partition: partition, Value: e.Append(nil)}, nil)
}

// said is all that the rule has said of the queue, each episode and state once.
func (c *center) said(rule string) []string {
	c.t.Helper()
	var out []string
	for _, values := range everything(c.t, c.brokers, kafka.TopicVerdicts) {
		for _, b := range values {
			decoded, err := row.Decode(b)
			if err != nil {
				c.t.Fatal(err)
			}
			v, ok := decoded.(*row.Verdict)
			if !ok || v.Policy != rule || v.Item != "sales" {
				continue
			}
			if line := fmt.Sprintf("%s since %d", v.State, (v.Episode-c.from)/1000); len(out) == 0 || out[len(out)-1] != line {
				out = append(out, line)
			}
		}
	}
	return out
}

// TestBoardsDieInAnEpisode kills the process of the boards again and again while
// a rule's episode is open, and while it is on its way out: it goes on under its
// name, and ends once.
func TestBoardsDieInAnEpisode(t *testing.T) {
	const rule = "service_level_low"
	brokers := cluster(t)
	client := open(t, brokers)
	defer client.Close()
	c := &center{t: t, brokers: brokers, client: client, from: time.Now().Add(12 * time.Hour).Truncate(time.Minute).UnixMilli()}
	kill := mortal(t, brokers)
	defer func() { kill() }()
	again := func() {
		kill()
		kill = mortal(t, brokers)
	}
	expect := func(after, want string) {
		t.Helper()
		got := ""
		defer func() {
			if got != want {
				t.Logf("said %q, want %q", got, want)
			}
		}()
		// A verdict may arrive a moment after the word of how far the board is.
		testkit.Await(t, "what is said after "+after, func() bool {
			got = strings.Join(c.said(rule), ", ")
			return got == want
		})
	}
	c.contacts(-30, 30, false)
	c.clock(5)
	c.clock(70)
	expect("a minute of a low service level", "breached since 5")
	again()
	c.clock(80)
	again()
	c.clock(200)
	expect("two deaths and two minutes", "breached since 5")
	c.contacts(201, 300, true)
	c.clock(220)
	again()
	c.clock(230)
	expect("a death on the way out", "breached since 5")
	c.clock(360)
	expect("two minutes of a good one", "breached since 5, met_late since 5")
}

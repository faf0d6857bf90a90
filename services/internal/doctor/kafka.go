package doctor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/nabz/nabz/pkg/event"
	"github.com/nabz/nabz/services/internal/kafka"
)

const (
	startKafka  = "start the brokers, or mend --kafka: host and port, and what stands between"
	applyTopics = "nabz topics apply, with the number of partitions that was chosen at the beginning"
)

func (c *Config) admin() (*kadm.Client, error) {
	client, err := kgo.NewClient(kafka.Options(kafka.Config{Brokers: c.Brokers, ClientID: "doctor"})...)
	if err != nil {
		return nil, fmt.Errorf("open Kafka client: %w", err)
	}
	return kadm.NewClient(client), nil
}

// kafka looks at the brokers and at the topics.
func (c *Config) kafka(ctx context.Context) []Finding {
	admin, err := c.admin()
	if err != nil {
		return []Finding{fail("kafka", startKafka, "%v", err)}
	}
	defer admin.Close()
	began := time.Now()
	meta, err := admin.Metadata(ctx)
	if err != nil {
		return []Finding{fail("kafka", startKafka, "%s: %v", strings.Join(c.Brokers, ","), cause(ctx, err))}
	}
	found := []Finding{ok("kafka", "%d brokers, answered in %d ms", len(meta.Brokers), time.Since(began).Milliseconds())}
	events, there := meta.Topics[kafka.TopicEvents]
	if !there || len(events.Partitions) == 0 {
		return append(found, fail("topics", applyTopics, "%s is missing", kafka.TopicEvents))
	}
	return append(found, c.plan(ctx, len(events.Partitions)), leaders(meta))
}

// plan compares the topics with those that should be there.
func (c *Config) plan(ctx context.Context, partitions int) Finding {
	admin := kafka.NewAdmin(c.Brokers)
	defer admin.Close()
	wanted := c.topics(partitions)
	changes, err := admin.Plan(ctx, wanted)
	if err != nil {
		return fail("topics", startKafka, "%v", cause(ctx, err))
	}
	missing, differing := 0, 0
	for _, ch := range changes {
		if ch.Create != nil || ch.Refused != "" {
			missing++
		} else {
			differing++
		}
	}
	switch {
	case missing > 0:
		return fail("topics", applyTopics, "%d topics are missing or have another number of partitions, such as: %s", missing, changes[0])
	case differing > 0:
		return warn("topics", applyTopics, "%d settings differ, such as: %s", differing, changes[0])
	}
	return ok("topics", "%d topics of %d partitions, as they should be", len(wanted), partitions)
}

// leaders finds partitions that nobody can write to.
func leaders(meta kadm.Metadata) Finding {
	var without []string
	short := 0
	for _, t := range meta.Topics.Sorted() {
		for _, p := range t.Partitions.Sorted() {
			if p.Err != nil || p.Leader < 0 {
				without = append(without, fmt.Sprintf("%s/%d", t.Topic, p.Partition))
			}
			if len(p.ISR) < len(p.Replicas) {
				short++
			}
		}
	}
	switch {
	case len(without) > 0:
		return fail("replicas", "bring the brokers back that hold them", "%d partitions have no leader, such as %s", len(without), without[0])
	case short > 0:
		return warn("replicas", "see which broker is behind or away", "%d partitions have fewer replicas in sync than they should", short)
	}
	return ok("replicas", "every partition has a leader and all its replicas")
}

// pulses compares the clocks of the processors with this machine's: each
// second the owner of a partition of events says what time it is.
func (c *Config) pulses(ctx context.Context) []Finding {
	newest := map[int]time.Time{}
	var ahead time.Duration
	err := kafka.Tail{Brokers: c.Brokers, Topic: kafka.TopicEvents, Last: lastRecords}.Run(ctx, func(r kafka.Record) error {
		var e event.Event
		if e.Decode(string(r.Value)) != nil || e.Type != event.TypePulse {
			return nil
		}
		at := time.UnixMilli(e.Time)
		if at.After(newest[r.Partition]) {
			newest[r.Partition] = at
		}
		// A record that was read was written before: on a busy machine reading
		// takes a while, and pulses go on meanwhile.
		ahead = max(ahead, time.Until(at))
		return nil
	})
	const start = "start the processors: see their log lines about pulses and clocks"
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return []Finding{fail("processors", startKafka, "%v", cause(ctx, err))}
	}
	if len(newest) == 0 {
		return []Finding{fail("processors", start, "none of the newest records says what time it is: no processor runs, or none has for long")}
	}
	now := time.Now()
	oldest, of := now, 0
	for p, at := range newest {
		if at.Before(oldest) {
			oldest, of = at, p
		}
	}
	age := now.Sub(oldest)
	switch {
	case ahead > maxSkew:
		return []Finding{fail("processors", "set the clocks of the machines that run processors, and of this one, by NTP", "a processor's clock is %d ms ahead of this machine's", ahead.Milliseconds())}
	case age > staleNumbers:
		return []Finding{fail("processors", start, "partition %d was last told the time %s ago", of, age.Round(time.Second))}
	case age > oldNumbers:
		return []Finding{warn("processors", start, "partition %d was last told the time %s ago", of, age.Round(time.Second))}
	}
	return []Finding{ok("processors", "%d partitions were told the time within %s", len(newest), age.Round(time.Millisecond))}
}

// lastRecords is how many records of each partition are looked through for a
// pulse: at 5,000 events a second over eight partitions one is among 700.
const lastRecords = 2_000

// groups looks at how far behind the consumers are.
func (c *Config) groups(ctx context.Context) []Finding {
	admin, err := c.admin()
	if err != nil {
		return []Finding{fail("lag", startKafka, "%v", err)}
	}
	defer admin.Close()
	lags, err := admin.Lag(ctx, slices.Clone(c.Groups)...)
	if err != nil {
		return []Finding{fail("lag", startKafka, "%v", cause(ctx, err))}
	}
	var found []Finding
	for _, name := range c.Groups {
		found = append(found, lag(name, lags[name]))
	}
	return found
}

func lag(name string, l kadm.DescribedGroupLag) Finding {
	check := "lag " + name
	const start = "start that service, or see why it stops: its log and /metrics"
	if err := l.Error(); err != nil {
		return fail(check, start, "%v", err)
	}
	total := l.Lag.Total()
	switch {
	case len(l.Members) == 0:
		return fail(check, start, "nobody is in the group; %d records wait", total)
	case total > muchLag:
		return fail(check, "add processes of that service, or see what holds it up", "%d members are %d records behind", len(l.Members), total)
	case total > someLag:
		return warn(check, "look again: if it grows, add processes of that service", "%d members are %d records behind", len(l.Members), total)
	}
	return ok(check, "%d members, %d records behind", len(l.Members), total)
}

// letters counts the dead letters of the last hour.
func (c *Config) letters(ctx context.Context) []Finding {
	admin, err := c.admin()
	if err != nil {
		return []Finding{fail("dead letters", startKafka, "%v", err)}
	}
	defer admin.Close()
	since, err := admin.ListOffsetsAfterMilli(ctx, time.Now().Add(-time.Hour).UnixMilli(), kafka.TopicDeadLetters)
	if err == nil {
		err = since.Error()
	}
	if err != nil {
		return []Finding{fail("dead letters", applyTopics, "%v", cause(ctx, err))}
	}
	ends, err := admin.ListEndOffsets(ctx, kafka.TopicDeadLetters)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		return []Finding{fail("dead letters", startKafka, "%v", cause(ctx, err))}
	}
	n := int64(0)
	ends.Each(func(end kadm.ListedOffset) {
		if from, there := since.Lookup(end.Topic, end.Partition); there && from.Offset >= 0 {
			n += max(0, end.Offset-from.Offset)
		}
	})
	if n > 0 {
		return []Finding{warn("dead letters", "nabz dlq ls says why; after mending it, nabz dlq replay", "%d within the last hour", n)}
	}
	return []Finding{ok("dead letters", "none within the last hour")}
}

// cause says that time was up where that is all there is to say.
func cause(ctx context.Context, err error) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return fmt.Errorf("no answer within %s", checkTimeout)
	}
	return err
}

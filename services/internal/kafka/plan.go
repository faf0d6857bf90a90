package kafka

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	kafkago "github.com/segmentio/kafka-go"
)

// Admin reads and changes topics.
type Admin struct {
	client *kafkago.Client
}

// adminTimeout bounds one request: making dozens of partitions takes a real
// broker some hundred milliseconds.
const adminTimeout = 15 * time.Second

// NewAdmin makes an Admin of the cluster that has these brokers, host:port.
func NewAdmin(brokers []string) *Admin {
	return &Admin{client: &kafkago.Client{
		Addr:    kafkago.TCP(brokers...),
		Timeout: adminTimeout,
		// A transport of its own: the default one keeps what it once knew of
		// a cluster that another test had on the same port.
		Transport: &kafkago.Transport{DialTimeout: dialTimeout},
	}}
}

// Close lets go of idle connections.
func (a *Admin) Close() {
	if t, ok := a.client.Transport.(*kafkago.Transport); ok {
		t.CloseIdleConnections()
	}
}

// Change is one difference between a topic as it is and as it should be.
type Change struct {
	Topic   string
	Create  *Topic  // the whole topic is missing
	Setting Setting // or this setting differs
	Was     string  // its value now
	Refused string  // or: why this difference cannot be mended in place
}

// String says the change as a line of a diff.
func (c Change) String() string {
	switch {
	case c.Create != nil:
		return fmt.Sprintf("+ %s: create with %d partitions", c.Topic, c.Create.Partitions)
	case c.Refused != "":
		return fmt.Sprintf("! %s: %s", c.Topic, c.Refused)
	default:
		return fmt.Sprintf("~ %s: %s: %s -> %s (%s)", c.Topic, c.Setting.Name, c.Was, c.Setting.Value, c.Setting.Reason)
	}
}

// Plan compares the cluster with the topics wanted. It changes nothing.
func (a *Admin) Plan(ctx context.Context, wanted []Topic) ([]Change, error) {
	partitions, err := a.partitions(ctx, wanted)
	if err != nil {
		return nil, err
	}
	var changes []Change
	var there []Topic
	for i := range wanted {
		t := &wanted[i]
		n, ok := partitions[t.Name]
		switch {
		case !ok:
			changes = append(changes, Change{Topic: t.Name, Create: t})
			continue
		case n != t.Partitions:
			changes = append(changes, Change{Topic: t.Name, Refused: fmt.Sprintf(
				"has %d partitions, %d are wanted: a change moves entities away from their state; replay into new topics instead", n, t.Partitions)})
		}
		there = append(there, *t)
	}
	differing, err := a.settings(ctx, there)
	return append(changes, differing...), err
}

// partitions gives the number of partitions of each wanted topic that exists.
func (a *Admin) partitions(ctx context.Context, wanted []Topic) (map[string]int, error) {
	// All topics are listed: to ask for a missing one by name may create it.
	res, err := a.client.Metadata(ctx, &kafkago.MetadataRequest{})
	if err != nil {
		return nil, fmt.Errorf("list topics of %s: %w", a.client.Addr, err)
	}
	there := make(map[string]int, len(wanted))
	for _, t := range res.Topics {
		if t.Error == nil {
			there[t.Name] = len(t.Partitions)
		}
	}
	return there, nil
}

func (a *Admin) settings(ctx context.Context, topics []Topic) ([]Change, error) {
	if len(topics) == 0 {
		return nil, nil
	}
	req := &kafkago.DescribeConfigsRequest{}
	for i := range topics {
		r := kafkago.DescribeConfigRequestResource{ResourceType: kafkago.ResourceTypeTopic, ResourceName: topics[i].Name}
		for _, s := range topics[i].Settings {
			r.ConfigNames = append(r.ConfigNames, s.Name)
		}
		req.Resources = append(req.Resources, r)
	}
	res, err := a.client.DescribeConfigs(ctx, req)
	if err != nil {
		return nil, fmt.Errorf("describe %d topics: %w", len(topics), err)
	}
	now := make(map[[2]string]string)
	for _, r := range res.Resources {
		if r.Error != nil {
			return nil, fmt.Errorf("describe topic %s: %w", r.ResourceName, r.Error)
		}
		for _, e := range r.ConfigEntries {
			now[[2]string{r.ResourceName, e.ConfigName}] = e.ConfigValue
		}
	}
	var changes []Change
	for i := range topics {
		for _, s := range topics[i].Settings {
			if was := now[[2]string{topics[i].Name, s.Name}]; was != s.Value {
				changes = append(changes, Change{Topic: topics[i].Name, Setting: s, Was: was})
			}
		}
	}
	return changes, nil
}

// ErrRefused is the error of [Admin.Apply] for a difference that would need a
// topic to be made anew.
var ErrRefused = errors.New("topics differ in what cannot be changed in place")

// Apply carries out the changes of a [Admin.Plan], each printed before it is
// made. A topic that another process makes meanwhile is no error.
func (a *Admin) Apply(ctx context.Context, changes []Change, out io.Writer) error {
	refused := 0
	for _, c := range changes {
		if _, err := fmt.Fprintln(out, c); err != nil {
			return fmt.Errorf("print the plan: %w", err)
		}
		switch {
		case c.Refused != "":
			refused++
		case c.Create != nil:
			if err := a.create(ctx, c.Create); err != nil {
				return err
			}
		default:
			if err := a.set(ctx, c.Topic, c.Setting); err != nil {
				return err
			}
		}
	}
	if refused > 0 {
		return fmt.Errorf("%d of %d changes: %w", refused, len(changes), ErrRefused)
	}
	return nil
}

func (a *Admin) create(ctx context.Context, t *Topic) error {
	conf := kafkago.TopicConfig{Topic: t.Name, NumPartitions: t.Partitions, ReplicationFactor: -1}
	for _, s := range t.Settings {
		conf.ConfigEntries = append(conf.ConfigEntries, kafkago.ConfigEntry{ConfigName: s.Name, ConfigValue: s.Value})
	}
	res, err := a.client.CreateTopics(ctx, &kafkago.CreateTopicsRequest{Topics: []kafkago.TopicConfig{conf}})
	if err == nil {
		err = res.Errors[t.Name]
	}
	if err != nil && !errors.Is(err, kafkago.TopicAlreadyExists) {
		return fmt.Errorf("create topic %s: %w", t.Name, err)
	}
	return nil
}

func (a *Admin) set(ctx context.Context, topic string, s Setting) error {
	res, err := a.client.IncrementalAlterConfigs(ctx, &kafkago.IncrementalAlterConfigsRequest{
		Resources: []kafkago.IncrementalAlterConfigsRequestResource{{
			ResourceType: kafkago.ResourceTypeTopic, ResourceName: topic,
			Configs: []kafkago.IncrementalAlterConfigsRequestConfig{{
				Name: s.Name, Value: s.Value, ConfigOperation: kafkago.ConfigOperationSet,
			}},
		}},
	})
	if err != nil {
		return fmt.Errorf("set %s of topic %s: %w", s.Name, topic, err)
	}
	for _, r := range res.Resources {
		if r.Error != nil {
			return fmt.Errorf("set %s of topic %s: %w", s.Name, topic, r.Error)
		}
	}
	return nil
}

// Ensure plans and applies, and waits until every partition has a leader.
func (a *Admin) Ensure(ctx context.Context, wanted []Topic, out io.Writer) error {
	changes, err := a.Plan(ctx, wanted)
	if err != nil {
		return err
	}
	if err := a.Apply(ctx, changes, out); err != nil {
		return err
	}
	return a.await(ctx, wanted)
}

// leaderPoll is how often await asks: a real broker elects within 100 ms.
const leaderPoll = 50 * time.Millisecond

func (a *Admin) await(ctx context.Context, wanted []Topic) error {
	tick := time.NewTicker(leaderPoll)
	defer tick.Stop()
	for {
		there, err := a.partitions(ctx, wanted)
		if err != nil {
			return err
		}
		missing := ""
		for i := range wanted {
			if there[wanted[i].Name] == 0 {
				missing = wanted[i].Name
			}
		}
		if missing == "" {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("await topic %s: %w", missing, context.Cause(ctx))
		case <-tick.C:
		}
	}
}

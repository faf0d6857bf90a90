package alerter

import (
	"errors"
	"fmt"
	"time"

	"github.com/nabz/nabz/pkg/incident"
	"github.com/nabz/nabz/services/internal/notify"
)

// Config is everything an alerter needs to be told.
type Config struct {
	Kafka     []string // host:port of brokers
	Listen    string   // of /healthz, /readyz and /metrics; port 0: any
	Group     string   // consumer group; empty: nabz.alerter
	Receivers []notify.Receiver
	// Titles gives a policy's name for people; nil: as it is.
	Titles func(policy string) incident.Words
	// Cap is how many incidents of a tenant may be open in one partition; 0:
	// incident.DefaultCap.
	Cap int
}

// Limits of an alerter.
const (
	// maxBacklog is how many messages of one partition may wait for receivers
	// before no more verdicts are read: at 1 KB a message, 20 MB. Kafka keeps
	// the verdicts meanwhile.
	maxBacklog = 20_000
	// maxUnwritten is how many records may wait for their acknowledgement
	// before no more verdicts are read.
	maxUnwritten = 10_000
	// pollRecords is how many verdicts are taken at once: a millisecond of
	// work, so that messages are looked at in between.
	pollRecords = 500
	// tickEvery is how often what depends on time alone is looked at.
	tickEvery = time.Second
	// drainFor is how long an alerter that is asked to stop waits for the
	// answers of receivers. What has none by then is sent again, under the
	// same id.
	drainFor = 3 * time.Second
	// restartAfter spaces the attempts of a partition whose task failed.
	restartAfter = time.Second
	// most and mostOfOne bound the connections to /metrics: one watcher and
	// some people.
	most, mostOfOne = 64, 32
)

func (c Config) resolve() (Config, error) {
	var errs []error
	if len(c.Kafka) == 0 {
		errs = append(errs, errors.New("kafka: no broker"))
	}
	if c.Group == "" {
		c.Group = "nabz.alerter"
	}
	names := map[string]bool{}
	for _, r := range c.Receivers {
		name := r.Spec().Name
		if name == "" || names[name] {
			errs = append(errs, fmt.Errorf("receivers: two have the name %q, or it is empty", name))
		}
		names[name] = true
	}
	return c, errors.Join(errs...)
}

package processor

import (
	"errors"
	"fmt"
	"time"
)

// Config says which cluster a processor serves and how often it writes.
type Config struct {
	// Kafka are the brokers, host:port, at least one.
	Kafka []string
	// Listen is the address of /healthz, /readyz and /metrics.
	Listen string
	// Group is the consumer group that shares the partitions out.
	Group string
	// BoardGroup is the consumer group that shares the boards out.
	BoardGroup string
	// Zone is the IANA name of the zone whose days the window of today begins
	// with, and by whose days facts are made; empty: UTC.
	Zone string
	// Show is how often changed readings are written, at most: it bounds what
	// a wall of screens is sent, and adds to how far it is behind.
	Show time.Duration
	// Definitions is a folder of definitions beside those of the binary; empty:
	// none.
	Definitions string
	// Member is a name that no other processor of the groups has and that stays
	// the same when this one is started anew: a group then gives a processor
	// that was killed its partitions back at once, and waits for its session to
	// end only if it stays away. Empty: none.
	Member string
	// Instance names this process in claims and logs.
	Instance string
	// Flush is how often changed rows are written. It bounds how long a
	// number is behind its event, and rows that change again in between are
	// written once.
	Flush time.Duration
	// Checkpoint is how often the state is kept. It bounds what a successor
	// steps again.
	Checkpoint time.Duration
	// Pulse is how often the owner of a partition says what time it is.
	Pulse time.Duration
}

// Default gives the settings that suit one machine and a cluster alike.
func Default() Config {
	return Config{
		Listen: "127.0.0.1:0", Group: "nabz.processor", BoardGroup: "nabz.board", Instance: "processor",
		Flush: 100 * time.Millisecond, Show: 100 * time.Millisecond, Checkpoint: time.Second, Pulse: time.Second,
	}
}

// Limits of a task. Each bounds memory or a wait.
const (
	// maxWaiting is how many rows may be written and not acknowledged before
	// the task stops reading: at 300 B a row, 30 MB a task.
	maxWaiting = 100_000
	// maxPending is how many bytes of rows wait for a flush before one is
	// made at once.
	maxPending = 16 << 20
	// farBehind is how many records behind the end of the log a task writes rows
	// with its checkpoints alone: nobody waits for the rows of a moment that is
	// over, and most of them would be written over by the next.
	farBehind = 20_000
	// pollRecords is how many records one poll hands over: some milliseconds
	// of work, so that clocks, acknowledgements and claims are looked at.
	pollRecords = 2_000
	// sweepWithin is the number of checkpoints within which every entry of
	// the state is written again: at one a second, five minutes of log are
	// kept.
	sweepWithin = 300
	// drainFor is how long an owner that is asked to stop waits for its last
	// checkpoint. A successor only steps a little more if it does not come.
	drainFor = 3 * time.Second
	// leaveFor is how long a processor that stops tries to tell a group so; the
	// group learns it by itself a little later.
	leaveFor = time.Second
	// restartAfter spaces the attempts of a partition whose task failed.
	restartAfter = time.Second
	// maxSkew is how far an owner's clock may be from the broker's before it
	// stops saying what time it is.
	maxSkew = 500 * time.Millisecond
	// writeFor is how long a row may wait for its broker before the owner
	// gives up: a successor must work within ten seconds, and a broker that
	// restarts is back in less.
	writeFor = 30 * time.Second
)

func (c Config) check() error {
	var errs []error
	if len(c.Kafka) == 0 {
		errs = append(errs, errors.New("kafka: at least one broker is needed"))
	}
	if c.Group == "" || c.BoardGroup == "" {
		errs = append(errs, errors.New("group: a name is needed"))
	}
	if _, err := time.LoadLocation(c.Zone); err != nil {
		errs = append(errs, fmt.Errorf("zone: %w", err))
	}
	for name, d := range map[string]time.Duration{"flush": c.Flush, "checkpoint": c.Checkpoint, "pulse": c.Pulse, "show": c.Show} {
		if d < 10*time.Millisecond || d > time.Minute {
			errs = append(errs, errors.New(name+": between 10ms and 1m"))
		}
	}
	return errors.Join(errs...)
}

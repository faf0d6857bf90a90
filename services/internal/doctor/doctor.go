// Package doctor looks an installation over: is everything reachable, as it
// should be and up to date, and what is to be done where it is not.
//
// It does not know how to mend anything, and changes nothing.
package doctor

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/nabz/nabz/services/internal/clickhouse"
	"github.com/nabz/nabz/services/internal/kafka"
)

// Level says how bad a finding is.
type Level string

// The levels of findings.
const (
	OK   Level = "ok"
	Warn Level = "warn" // it works, and somebody should look
	Fail Level = "fail" // it does not work, or will not for long
)

// Finding is the outcome of one check.
type Finding struct {
	Check string `json:"check"`
	Level Level  `json:"level"`
	Says  string `json:"says"`
	Do    string `json:"do,omitempty"` // what to do, unless all is well
}

// Config says what is looked at. What is empty is left out.
type Config struct {
	Brokers      []string
	LogCap       int64    // bytes that a partition may keep, as topics apply was told
	Groups       []string // consumer groups
	ClickHouse   string   // URL
	Schema       clickhouse.Schema
	Zone         string            // of the views
	Services     map[string]string // URL by name
	Alertmanager string            // URL
	DataDir      string            // of an installation of this machine
	Secrets      []string          // files of it that only the owner may read
}

// Limits of the checks and the bounds between well, noteworthy and bad.
const (
	// checkTimeout ends a check that gets no answer: twice what a driver
	// waits for a connection.
	checkTimeout = 10 * time.Second
	// maxSkew is how far clocks may be apart; beyond it processors stop
	// their pulses.
	maxSkew = 500 * time.Millisecond
	// An age of the numbers that people would notice, and one that pages.
	oldNumbers, staleNumbers = 5 * time.Second, time.Minute
	// Records that a group may be behind: seconds of a busy center's work,
	// and more than an installation makes good in some minutes.
	someLag, muchLag = 20_000, 5_000_000
	// Of a disk that is fuller ClickHouse stops merging, and Kafka writing.
	littleSpace, noSpace = 0.10, 0.03
)

// Run does every check, those of different things side by side, and gives the
// findings in a fixed order.
func Run(ctx context.Context, c Config) []Finding {
	var sections []func(context.Context) []Finding
	if len(c.Brokers) > 0 {
		sections = append(sections, c.kafka, c.pulses, c.groups, c.letters)
	}
	if c.ClickHouse != "" {
		sections = append(sections, c.clickhouse)
	}
	sections = append(sections, c.zones, c.services, c.receivers)
	if c.DataDir != "" {
		sections = append(sections, c.machine)
	}
	found := make([][]Finding, len(sections))
	var g errgroup.Group
	for i, section := range sections {
		g.Go(func() error {
			ctx, cancel := context.WithTimeout(ctx, checkTimeout)
			defer cancel()
			found[i] = section(ctx)
			return nil
		})
	}
	_ = g.Wait() // findings are no errors
	var all []Finding
	for _, f := range found {
		all = append(all, f...)
	}
	return all
}

// Worst gives the worst level of findings.
func Worst(all []Finding) Level {
	worst := OK
	for _, f := range all {
		if f.Level == Fail || f.Level == Warn && worst == OK {
			worst = f.Level
		}
	}
	return worst
}

func ok(check, format string, args ...any) Finding {
	return Finding{Check: check, Level: OK, Says: fmt.Sprintf(format, args...)}
}

func warn(check, do, format string, args ...any) Finding {
	return Finding{Check: check, Level: Warn, Says: fmt.Sprintf(format, args...), Do: do}
}

func fail(check, do, format string, args ...any) Finding {
	return Finding{Check: check, Level: Fail, Says: fmt.Sprintf(format, args...), Do: do}
}

// topics are the topics as they should be, with as many partitions as the
// events have.
func (c *Config) topics(partitions int) []kafka.Topic {
	return kafka.Catalogue(kafka.Sizing{Partitions: partitions, LogCap: c.LogCap})
}

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/nabz/nabz/services/internal/kafka"
)

type topicsCmd struct {
	Plan  topicsPlanCmd  `cmd:"" help:"Print what would be made or changed; change nothing."`
	Apply topicsApplyCmd `cmd:"" help:"Make and change topics, each change printed before it is made."`
}

// Help shows an example.
func (topicsCmd) Help() string {
	return "Example: nabz topics plan --kafka 127.0.0.1:9092 --partitions 32"
}

type topicFlags struct {
	ReadyFile  string `help:"Ready file of a running installation." placeholder:"F"`
	Partitions int    `help:"Partitions of every topic, fixed when topics are made: 8 on one machine, 32 or more in a cluster." default:"8"`
	LogCap     int64  `help:"Bytes that a partition may keep, 0: bounded by time alone." default:"0"`
	All        bool   `help:"Also print the topics and settings that are as they should be."`
}

type topicsPlanCmd struct{ topicFlags }

// Help shows an example.
func (topicsPlanCmd) Help() string { return "Example: nabz topics plan --all --kafka 127.0.0.1:9092" }

// Run prints the plan.
func (c topicsPlanCmd) Run(a *app) error {
	_, _, _, err := c.plan(a)
	return err
}

type topicsApplyCmd struct{ topicFlags }

// Help shows an example.
func (topicsApplyCmd) Help() string {
	return "Example: nabz topics apply --kafka 127.0.0.1:9092 --partitions 8"
}

// Run makes and changes topics.
func (c topicsApplyCmd) Run(a *app) error {
	admin, wanted, changes, err := c.plan(a)
	if err != nil {
		return err
	}
	defer admin.Close()
	if err := admin.Apply(a.ctx, changes, io.Discard); err != nil {
		return err
	}
	return admin.Ensure(a.ctx, wanted, io.Discard)
}

func (c topicFlags) plan(a *app) (*kafka.Admin, []kafka.Topic, []kafka.Change, error) {
	brokers, err := a.brokers(c.ReadyFile)
	if err != nil {
		return nil, nil, nil, err
	}
	if c.Partitions < 1 {
		return nil, nil, nil, usageError{fmt.Errorf("--partitions: %d, at least 1 is needed", c.Partitions)}
	}
	admin := kafka.NewAdmin(brokers)
	wanted := kafka.Catalogue(sizing(c.Partitions, c.LogCap))
	changes, err := admin.Plan(a.ctx, wanted)
	if err != nil {
		return nil, nil, nil, err
	}
	return admin, wanted, changes, c.print(a, wanted, changes)
}

func (c topicFlags) print(a *app, wanted []kafka.Topic, changes []kafka.Change) error {
	if a.JSON {
		lines := make([]string, 0, len(changes))
		for _, ch := range changes {
			lines = append(lines, ch.String())
		}
		return json.NewEncoder(a.stdout).Encode(map[string]any{"topics": wanted, "changes": lines})
	}
	var b strings.Builder
	if a.Quiet {
		return nil
	}
	if c.All || len(changes) > 0 {
		for _, t := range wanted {
			fmt.Fprintf(&b, "%s (%d partitions): %s\n", t.Name, t.Partitions, t.Doc)
			for _, s := range t.Settings {
				fmt.Fprintf(&b, "    %s = %s (%s)\n", s.Name, s.Value, s.Reason)
			}
		}
	}
	for _, ch := range changes {
		fmt.Fprintln(&b, ch)
	}
	if len(changes) == 0 {
		b.WriteString("topics are as they should be\n")
	}
	_, err := io.WriteString(a.stdout, b.String())
	return err
}

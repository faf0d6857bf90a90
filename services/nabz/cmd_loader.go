package main

import (
	"time"

	"github.com/nabz/nabz/services/loader"
)

type loaderCmd struct {
	serviceFlags
	Group    string        `help:"Consumer group that shares the partitions out." default:"nabz.loader"`
	Every    time.Duration `help:"The longest that the row of a pane waits for company; any other waits for up to four times as long." default:"150ms"`
	LazySync bool          `help:"Sync the server's disk before offsets are committed, since inserts did not wait for it (nabz migrate --inserts lazy); for a server on the same machine."`
}

// Help shows an example.
func (loaderCmd) Help() string {
	return "Example: NABZ_CLICKHOUSE_FILE=url.txt nabz loader --kafka 127.0.0.1:9092 --listen 127.0.0.1:9102"
}

// Run runs a loader until it is asked to stop.
func (c loaderCmd) Run(a *app) error {
	if err := a.needKafka(); err != nil {
		return err
	}
	if err := a.needClickHouse(); err != nil {
		return err
	}
	s, err := loader.New(loader.Config{Kafka: a.Kafka, ClickHouse: a.ClickHouse, Listen: c.Listen, Group: c.Group, Every: c.Every, Definitions: a.Definitions, LazySync: c.LazySync}, a.log)
	if err != nil {
		return usageError{err}
	}
	return c.serve(a, "loader", s)
}

package main

import (
	"fmt"
	"slices"

	"github.com/nabz/nabz/services/internal/embedded"
)

type embeddedCmd struct {
	portFlags
	FetchOnly bool     `help:"Fetch the ClickHouse engine into the cache and end."`
	Parts     []string `arg:"" optional:"" enum:"kafka,clickhouse" help:"kafka, clickhouse; none: both."`
}

// Help shows an example.
func (embeddedCmd) Help() string {
	return "For tests and for trying single services.\n\nExample: nabz embedded clickhouse --ports auto --data-dir /tmp/nabz --ready-file /tmp/nabz/ready.json"
}

// Run starts the parts and keeps them running until it is asked to stop.
func (c embeddedCmd) Run(a *app) error {
	a.Kafka, a.ClickHouse = nil, ""
	if c.FetchOnly {
		cache, err := embedded.CacheDir()
		if err != nil {
			return err
		}
		lib, err := embedded.FetchEngine(a.ctx, cache, a.stderr)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(a.stdout, lib)
		return err
	}
	i, closeIt, err := openInstallation(a, c.portFlags)
	if err != nil {
		return err
	}
	defer closeIt()
	if len(c.Parts) == 0 || slices.Contains(c.Parts, "kafka") {
		if err := i.addKafka(); err != nil {
			return err
		}
	}
	if len(c.Parts) == 0 || slices.Contains(c.Parts, "clickhouse") {
		if err := i.addClickHouse(); err != nil {
			return err
		}
	}
	return i.run(func() {
		if !a.Quiet {
			fmt.Fprintf(a.stderr, "ready: %s\n", a.readyFile(c.ReadyFile))
		}
	})
}

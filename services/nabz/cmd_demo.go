package main

import (
	"fmt"
	"io"
	"time"

	"github.com/nabz/nabz/services/internal/demo"
	"github.com/nabz/nabz/services/internal/ready"
)

type demoCmd struct {
	Speed     float64       `help:"Simulated seconds a second." default:"10"`
	Seed      uint64        `help:"Of the draws: the same seed gives the same course." default:"1"`
	For       time.Duration `help:"How long; 0: until it is interrupted." placeholder:"D"`
	Tenant    string        `help:"Tenant of the events; default: the API key's own."`
	Sample    bool          `help:"Print a small made-up call log in the form of the bank's instead, and send nothing."`
	Collector string        `help:"The collector's URL; default: that of the running installation." placeholder:"URL"`
	APIKey    string        `name:"api-key" secret:"" help:"API key; default: that of the running installation." placeholder:"KEY"`
	ReadyFile string        `help:"Ready file of a running installation." placeholder:"F"`
}

// Help shows examples.
func (demoCmd) Help() string {
	return `A contact center that does not exist: calls, queues, agents, patience, holds,
transfers and callbacks, and a desk that answers chats and e-mails, sent live through
the collector.

Examples: nabz demo --speed 10 --for 5m
          nabz demo --sample > calls.tsv`
}

// Run sends events, or prints a sample.
func (c demoCmd) Run(a *app) error {
	if c.Sample {
		return demo.Sample(a.stdout, c.Seed)
	}
	if c.Speed <= 0 {
		return usageError{fmt.Errorf("--speed: %g, more than 0 is needed", c.Speed)}
	}
	conf := demo.Config{Collector: c.Collector, APIKey: c.APIKey, Tenant: c.Tenant, Speed: c.Speed, Seed: c.Seed, For: c.For, Progress: a.stderr}
	if a.Quiet {
		conf.Progress = io.Discard
	}
	if conf.Collector == "" || conf.APIKey == "" {
		f, err := ready.Read(a.readyFile(c.ReadyFile))
		if err != nil {
			return err
		}
		if conf.Collector == "" {
			conf.Collector = f.Collector
		}
		if conf.APIKey == "" {
			conf.APIKey = f.APIKey
		}
	}
	return demo.Run(a.ctx, conf)
}

package main

import (
	"fmt"
	"os"
	"time"

	"github.com/nabz/nabz/services/processor"
)

type processorCmd struct {
	serviceFlags
	Group      string        `help:"Consumer group that shares the partitions out." default:"nabz.processor"`
	Flush      time.Duration `help:"How often changed rows are written." default:"100ms"`
	Checkpoint time.Duration `help:"How often the state is kept." default:"1s"`
	BoardGroup string        `help:"Consumer group that shares the boards out." default:"nabz.board"`
	Show       time.Duration `help:"How often changed readings are written, at most." default:"100ms"`
	Member     string        `help:"A name that no other processor has and that stays the same when this one is started anew: killed and started again, it goes on at once."`
	Zone       string        `help:"Zone whose days the window of today begins with and by whose days facts are made, an IANA name." default:"UTC"`
}

// Help shows an example.
func (processorCmd) Help() string {
	return "Example: nabz processor --kafka 127.0.0.1:9092 --listen 127.0.0.1:9101"
}

// Run runs a processor until it is asked to stop.
func (c processorCmd) Run(a *app) error {
	if err := a.needKafka(); err != nil {
		return err
	}
	conf := processor.Default()
	conf.Kafka, conf.Listen, conf.Group = a.Kafka, c.Listen, c.Group
	conf.Flush, conf.Checkpoint = c.Flush, c.Checkpoint
	conf.BoardGroup, conf.Show, conf.Zone = c.BoardGroup, c.Show, c.Zone
	conf.Definitions, conf.Member = a.Definitions, c.Member
	host, err := os.Hostname()
	if err != nil {
		host = "processor"
	}
	conf.Instance = fmt.Sprintf("%s-%d", host, os.Getpid())
	s, err := processor.New(conf, a.log)
	if err != nil {
		return usageError{err}
	}
	return c.serve(a, "processor", s)
}

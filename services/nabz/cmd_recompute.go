package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/nabz/nabz/services/internal/clickhouse"
	"github.com/nabz/nabz/services/internal/epochs"
)

type recomputeCmd struct {
	Wait      bool   `help:"End when the new epoch is shown."`
	ReadyFile string `help:"Ready file of a running installation." placeholder:"F"`
}

// Help shows an example.
func (recomputeCmd) Help() string {
	return "Begins a new epoch: everything is computed anew from the start of the log of events. Until it has come to where the old one stood, the old one is shown; " +
		"then the new one is, at once. So events that came too late and are in the log come in. Both are kept: nabz kpi epochs, nabz kpi diff.\n\n" +
		"Example: nabz recompute --wait"
}

// Run asks for a new epoch.
func (c recomputeCmd) Run(a *app) error {
	brokers, err := a.brokers(c.ReadyFile)
	if err != nil {
		return err
	}
	conn, err := a.store(c.ReadyFile)
	if err != nil {
		return err
	}
	defer conn.Close()
	newest, err := epochs.Newest(a.ctx, conn)
	if err != nil {
		return err
	}
	epoch := newest + 1
	source, err := os.Hostname()
	if err != nil {
		source = "nabz"
	}
	partitions, err := epochs.Ask(a.ctx, brokers, epoch, source, time.Now())
	if err != nil {
		return err
	}
	if !c.Wait {
		_, err := fmt.Fprintf(a.stdout, "epoch %d is asked for in %d partitions; nabz kpi epochs shows how far it is\n", epoch, partitions)
		return err
	}
	if err := c.wait(a, conn, epoch); err != nil {
		return err
	}
	_, err = fmt.Fprintf(a.stdout, "epoch %d is shown\n", epoch)
	return err
}

// lookEvery is how often the progress is asked for.
const lookEvery = time.Second

// wait ends when the live feed is shown in that epoch, or in a newer one. Each
// feed in the log has then come as far: its records lie among the live ones.
func (c recomputeCmd) wait(a *app, conn clickhouse.Conn, epoch int64) error {
	live, said := "", ""
	for {
		all, err := epochs.List(a.ctx, conn, &live)
		if err != nil {
			return err
		}
		line := "no partition has begun; is a processor running?"
		for _, e := range all {
			if e.Shown && e.Epoch >= epoch {
				return nil
			}
			if e.Epoch == epoch {
				line = fmt.Sprintf("%d of %d records, as of %s", e.Reached, e.Needed, e.AsOf.UTC().Format(time.DateTime))
			}
		}
		if line != said && !a.Quiet {
			fmt.Fprintf(a.stderr, "epoch %d: %s\n", epoch, line)
		}
		said = line
		if err := wait(a.ctx, lookEvery); err != nil {
			return fmt.Errorf("wait for epoch %d, which goes on: %w", epoch, context.Cause(a.ctx))
		}
	}
}

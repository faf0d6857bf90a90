package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/nabz/nabz/services/internal/deadletter"
	"github.com/nabz/nabz/services/internal/ready"
	"github.com/nabz/nabz/services/internal/replay"
)

type dlqReplayCmd struct {
	letterFilter
	sealFlags
	Collector string `help:"URL of the collector; default: the running installation's." placeholder:"URL"`
	APIKey    string `name:"api-key" secret:"" help:"API key of every tenant; default: the running installation's." placeholder:"KEY"`
	DryRun    bool   `help:"Count what would be sent; send nothing."`
}

// Help shows an example.
func (dlqReplayCmd) Help() string {
	return "Sends the events of dead letters again as they came, with their own ids, so none counts twice: after the catalogue or a mapping was mended, what fits now is accepted. " +
		"What does not becomes a new dead letter. The letters themselves stay until they are dropped. " +
		"Left out, and counted as skipped: letters of the loader, whose records are still in their topics, and what is no JSON object or was too large to keep.\n\n" +
		"Example: nabz dlq replay --reason unknown_type --tenant shop"
}

// sentAgain is what became of dead letters.
type sentAgain struct {
	Letters     int64 `json:"letters"`
	Sent        int64 `json:"sent"`
	Accepted    int64 `json:"accepted"`
	Refused     int64 `json:"refused"` // again: dead letters anew, or forbidden
	Skipped     int64 `json:"skipped"`
	Unreadable  int64 `json:"unreadable"` // sealed under another key
	DryRun      bool  `json:"dry_run"`
	lastTrouble error
}

// Run sends them.
func (c dlqReplayCmd) Run(a *app) error {
	box, filter, err := c.open(a)
	if err != nil {
		return err
	}
	open, err := c.opener(a)
	if err != nil {
		return err
	}
	if filter.Stage == deadletter.StageLoader {
		return usageError{errors.New("--stage: letters of the loader cannot be sent through the collector")}
	}
	if err := c.door(a); err != nil {
		return err
	}
	progress := a.stderr
	if a.Quiet {
		progress = io.Discard
	}
	sender := replay.NewSender(replay.Config{Collector: c.Collector, APIKey: c.APIKey, Progress: progress})
	n := sentAgain{DryRun: c.DryRun}
	err = box.Each(a.ctx, filter, func(l deadletter.Letter) error {
		n.Letters++
		event, ok, err := l.Again(open)
		switch {
		case err != nil:
			n.Unreadable++
			n.lastTrouble = err
			return nil
		case !ok:
			n.Skipped++
			return nil
		}
		n.Sent++
		if c.DryRun {
			return nil
		}
		sender.Add(event)
		if sender.Full() {
			return sender.Flush(a.ctx)
		}
		return nil
	})
	if err == nil && !c.DryRun {
		err = sender.Flush(a.ctx)
	}
	n.Accepted, n.Refused = sender.Accepted(), sender.Refused()
	return errors.Join(err, n.print(a))
}

// door finds the collector and the key.
func (c *dlqReplayCmd) door(a *app) error {
	if c.DryRun || c.Collector != "" && c.APIKey != "" {
		return nil
	}
	f, err := ready.Read(a.readyFile(c.ReadyFile))
	if err != nil {
		return err
	}
	if c.Collector == "" {
		c.Collector = f.Collector
	}
	if c.APIKey == "" {
		c.APIKey = f.APIKey
	}
	return nil
}

func (n *sentAgain) print(a *app) error {
	if n.lastTrouble != nil && !a.Quiet {
		fmt.Fprintf(a.stderr, "%d letters were not opened, the last: %v\n", n.Unreadable, n.lastTrouble)
	}
	if a.JSON {
		return json.NewEncoder(a.stdout).Encode(n)
	}
	sent := "sent"
	if n.DryRun {
		sent = "to be sent"
	}
	_, err := fmt.Fprintf(a.stdout, "%d letters: %d %s, %d accepted, %d refused again, %d skipped, %d not opened\n",
		n.Letters, n.Sent, sent, n.Accepted, n.Refused, n.Skipped, n.Unreadable)
	return err
}

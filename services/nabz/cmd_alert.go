package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nabz/nabz/pkg/incident"
	"github.com/nabz/nabz/pkg/row"
	"github.com/nabz/nabz/services/internal/notify"
	"github.com/nabz/nabz/services/internal/ready"
)

type alertCmd struct {
	Test alertTestCmd `cmd:"" help:"Send every receiver a test incident and its end, and print what each answers."`
}

// Help shows an example.
func (alertCmd) Help() string { return "Example: nabz alert test --alertmanager http://127.0.0.1:9093" }

type alertTestCmd struct {
	receiverFlags
	Receiver  string        `help:"Only this one: alertmanager, or the name of a webhook." placeholder:"R"`
	Tenant    string        `help:"Tenant of the test incident." default:"default"`
	Severity  string        `help:"Its severity: page or ticket." enum:"page,ticket" default:"page"`
	For       time.Duration `help:"How long the test incident stands before it ends: an Alertmanager pages nobody of what is over within its group_wait." default:"3s"`
	ReadyFile string        `help:"Ready file of a running installation." placeholder:"F"`
}

// Help shows an example.
func (alertTestCmd) Help() string {
	return "The receivers are those of the flags and the settings, else those of the running installation. Nothing is kept of the test: it goes " +
		"straight to the receivers, as kind \"test\". Exit code 1 where one does not take it.\n\n" +
		"Example: nabz alert test --config nabz.yaml --receiver pager"
}

// told is a line of the answer.
type told struct {
	Receiver string  `json:"receiver"`
	State    string  `json:"state"`
	Answer   string  `json:"answer"` // taken, or why not
	Seconds  float64 `json:"seconds"`
}

// Run tells the receivers.
func (c alertTestCmd) Run(a *app) error {
	receivers, err := c.find(a)
	if err != nil {
		return err
	}
	now := time.Now().UnixMilli()
	i := incident.Incident{
		Tenant: c.Tenant, Rule: "nabz_test", Kind: "test", Item: "test", Labels: map[string]string{"queue": "test"}, Severity: c.Severity,
		State: incident.Firing, Cause: row.Breached, OpenedAt: now, Version: now,
		Summary: incident.Words{EN: "A test of Nabz: nothing has happened", FA: "آزمایش نبض: اتفاقی نیفتاده است"},
	}
	m := incident.Message{Key: "TEST" + rand.Text()[:20], Seq: 1, Event: incident.Firing, At: now, Attempt: 1, Incident: i}
	failed, asked := 0, 0
	for _, state := range []string{incident.Firing, incident.Ended} {
		m.Event, m.Incident.State = state, state
		if state == incident.Ended {
			select {
			case <-time.After(c.For):
			case <-a.ctx.Done():
				failed++ // the end is sent all the same
			}
			m.Seq, m.Incident.ResolvedAt, m.Incident.Resolution = 2, time.Now().UnixMilli(), incident.Over
		}
		for _, r := range receivers {
			if c.Receiver != "" && c.Receiver != r.Spec().Name {
				continue
			}
			asked++
			began := time.Now()
			line := told{Receiver: r.Spec().Name, State: state, Answer: "taken"}
			if err := notify.Test(context.WithoutCancel(a.ctx), r, m); err != nil {
				failed++
				line.Answer = err.Error()
			}
			line.Seconds = time.Since(began).Seconds()
			if err := line.print(a); err != nil {
				return err
			}
		}
	}
	switch {
	case asked == 0:
		return usageError{fmt.Errorf("--receiver: there is none with the name %q", c.Receiver)}
	case failed > 0:
		return fmt.Errorf("%d of %d messages were not taken", failed, asked)
	}
	return nil
}

func (l told) print(a *app) error {
	if a.JSON {
		return json.NewEncoder(a.stdout).Encode(l)
	}
	_, err := fmt.Fprintf(a.stdout, "%-16s %-9s %6.3f s  %s\n", l.Receiver, l.State, l.Seconds, l.Answer)
	return err
}

// find gives the receivers of the flags and the settings, else those of the
// running installation.
func (c alertTestCmd) find(a *app) ([]notify.Receiver, error) {
	alertmanager, webhooks := a.Alertmanager, c.Webhooks
	if webhooks == "" {
		webhooks = a.Config
	}
	if alertmanager == "" && webhooks == "" {
		f, err := ready.Read(a.readyFile(c.ReadyFile))
		if err != nil && !errors.Is(err, ready.ErrNotRunning) {
			return nil, err
		}
		alertmanager, webhooks = f.Alertmanager, f.Webhooks
	}
	receivers, err := c.receivers(alertmanager, webhooks)
	if err != nil {
		return nil, usageError{err}
	}
	if len(receivers) == 0 {
		return nil, usageError{errors.New("no receiver: name one by --alertmanager or alerter.webhooks in the settings")}
	}
	return receivers, nil
}

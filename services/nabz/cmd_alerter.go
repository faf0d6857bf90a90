package main

import (
	"fmt"
	"strings"

	"github.com/nabz/nabz/pkg/incident"
	"github.com/nabz/nabz/services/alerter"
	"github.com/nabz/nabz/services/internal/catalog"
	"github.com/nabz/nabz/services/internal/notify"
)

// receiverFlags say who is told of incidents.
type receiverFlags struct {
	Webhooks  string `inline:"" help:"YAML file with the webhooks, under alerter.webhooks; the settings may hold them in place." placeholder:"FILE"`
	Wallboard string `help:"URL of the wallboard, to which alerts point back." placeholder:"URL"`
}

type alerterCmd struct {
	serviceFlags
	receiverFlags
	Group string `help:"Consumer group that shares the partitions out." default:"nabz.alerter"`
	Cap   int    `help:"Incidents of one tenant that may be open in a partition; the rest is told by one that says so." default:"10000"`
}

// Help shows an example.
func (alerterCmd) Help() string {
	return "Verdicts open and resolve incidents; the Alertmanager and webhooks are told of them, each through an outbox on Kafka. " +
		"Where no receiver is named, incidents are only kept.\n\n" +
		"Example: nabz alerter --kafka 127.0.0.1:9092 --alertmanager http://127.0.0.1:9093 --listen 127.0.0.1:9103"
}

// Run runs an alerter until it is asked to stop.
func (c alerterCmd) Run(a *app) error {
	if err := a.needKafka(); err != nil {
		return err
	}
	receivers, err := c.receivers(a.Alertmanager, c.Webhooks)
	if err != nil {
		return usageError{err}
	}
	known, err := openDefinitions(a.Definitions)
	if err != nil {
		return err
	}
	s, err := alerter.New(alerter.Config{
		Kafka: a.Kafka, Listen: c.Listen, Group: c.Group, Receivers: receivers, Cap: c.Cap, Titles: titles(known),
	}, a.log)
	if err != nil {
		return usageError{err}
	}
	return c.serve(a, partAlerter, s)
}

// receivers opens the Alertmanager, whose peers are named with commas between,
// and the webhooks of the file; either may be none.
func (c receiverFlags) receivers(alertmanager, webhooks string) ([]notify.Receiver, error) {
	var out []notify.Receiver
	if alertmanager != "" {
		a, err := notify.NewAlertmanager(notify.AlertmanagerConfig{URLs: strings.Split(alertmanager, ","), Wallboard: c.Wallboard})
		if err != nil {
			return nil, fmt.Errorf("--alertmanager: %w", err)
		}
		out = append(out, a)
	}
	if webhooks == "" {
		return out, nil
	}
	all, err := notify.ReadWebhooks(webhooks)
	if err != nil {
		return nil, err
	}
	for _, conf := range all {
		w, err := notify.NewWebhook(conf)
		if err != nil {
			return nil, err
		}
		out = append(out, w)
	}
	return out, nil
}

// titles gives the names of policies for people.
func titles(c *catalog.Catalog) func(string) incident.Words {
	all := map[string]incident.Words{}
	for _, p := range c.Deadlines.Policies {
		all[p.Name] = incident.Words{EN: p.Title["en"], FA: p.Title["fa"]}
	}
	for _, r := range c.Alerts.Rules {
		all[r.Name] = incident.Words{EN: r.Title["en"], FA: r.Title["fa"]}
	}
	return func(policy string) incident.Words { return all[policy] }
}

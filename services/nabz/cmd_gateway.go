package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/nabz/nabz/services/gateway"
	"github.com/nabz/nabz/services/internal/keys"
	"github.com/nabz/nabz/services/internal/ready"
)

type gatewayCmd struct {
	serviceFlags
	APIKey    string `name:"api-key" secret:"" help:"A key that may do everything for every tenant; it also signs sessions." placeholder:"KEY"`
	Keys      string `help:"YAML file with further keys: a list of name, key or key_file, tenant, sources, rights, rate, burst." placeholder:"FILE"`
	Tenant    string `name:"default-tenant" help:"Tenant of questions that name none." default:"default"`
	Zone      string `help:"Zone of days, weeks and months, an IANA name." default:"UTC"`
	WeekStart int    `help:"First day of the week, 1 Monday to 7 Sunday." default:"1"`
}

// Help shows an example.
func (gatewayCmd) Help() string {
	return "The wallboard, the API of values and incidents, and the live stream.\n\n" +
		"Example: NABZ_API_KEY_FILE=key.txt NABZ_CLICKHOUSE_FILE=url.txt nabz gateway --kafka 127.0.0.1:9092 --listen 127.0.0.1:8090"
}

// Run runs a gateway until it is asked to stop.
func (c gatewayCmd) Run(a *app) error {
	if err := a.needKafka(); err != nil {
		return err
	}
	if err := a.needClickHouse(); err != nil {
		return err
	}
	conf := gateway.Config{
		Listen: c.Listen, Kafka: a.Kafka, ClickHouse: a.ClickHouse, DefaultTenant: c.Tenant, Zone: c.Zone, WeekStart: c.WeekStart,
		Definitions: a.Definitions,
		Keys:        keys.Config{File: a.keysFile(), Log: a.log.Named("keys")},
	}
	if c.APIKey != "" {
		conf.Keys.Static = append(conf.Keys.Static, keys.Static{Name: gateway.Administrator, Key: c.APIKey, Tenant: keys.AllTenants, Rights: []string{keys.Admin}})
	}
	if c.Keys != "" {
		more, err := readKeys(c.Keys)
		if err != nil {
			return usageError{err}
		}
		conf.Keys.Static = append(conf.Keys.Static, more...)
	}
	s, err := gateway.New(conf, a.log)
	if err != nil {
		return usageError{err}
	}
	return c.serve(a, partGateway, s)
}

type wallboardCmd struct {
	ReadyFile string `help:"Ready file of a running installation." placeholder:"F"`
}

// Help shows an example.
func (wallboardCmd) Help() string {
	return "Prints a link that opens the wallboard of a running installation of this machine, logged in. The link is good for 15 minutes, the page for 12 hours.\n\n" +
		"Example: nabz wallboard --data-dir /tmp/nabz"
}

// Run prints the link.
func (c wallboardCmd) Run(a *app) error {
	f, err := ready.Read(a.readyFile(c.ReadyFile))
	if err != nil {
		return err
	}
	if f.Gateway == "" || f.APIKey == "" {
		return errors.New("the installation names no gateway, or no key of an administrator")
	}
	_, err = fmt.Fprintln(a.stdout, wallboardLink(f))
	return err
}

// linkFor is how long a printed link opens the wallboard: it stands in a
// terminal, and in a browser's history.
const linkFor = 15 * time.Minute

func wallboardLink(f ready.File) string {
	return f.Gateway + "/#ticket=" + gateway.Ticket(f.APIKey, time.Now().Add(linkFor))
}

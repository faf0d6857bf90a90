package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/nabz/nabz/services/internal/doctor"
	"github.com/nabz/nabz/services/internal/embedded"
	"github.com/nabz/nabz/services/internal/keys"
	"github.com/nabz/nabz/services/internal/ready"
)

type doctorCmd struct {
	Service   map[string]string `help:"Also ask this service whether it is ready; may be given several times." placeholder:"NAME=URL"`
	Group     []string          `help:"Consumer groups to look at." default:"nabz.processor,nabz.board,nabz.loader,nabz.alerter" placeholder:"G,…"`
	LogCap    int64             `help:"Bytes that a partition may keep, as topics apply was told; default: that of the installation." placeholder:"N"`
	Zone      string            `help:"Zone of the views, as migrate was told." default:"UTC"`
	WeekStart int               `help:"First day of the week, as migrate was told." default:"1"`
	ReadyFile string            `help:"Ready file of a running installation." placeholder:"F"`
}

// Help shows an example.
func (doctorCmd) Help() string {
	return "Looks at Kafka, its topics and how far behind their readers are, at ClickHouse, its tables, clock and disks, at the clocks of the processors, zone data, services, " +
		"Alertmanager, and the data directory. Each line is ok, warn or fail, with what to do; exit code 3 where something fails. It changes nothing.\n\n" +
		"Example: nabz doctor --kafka 127.0.0.1:9092 --service loader=http://127.0.0.1:9102"
}

// Run looks and tells.
func (c doctorCmd) Run(a *app) error {
	conf, err := c.config(a)
	if err != nil {
		return err
	}
	all := doctor.Run(a.ctx, conf)
	if a.ctx.Err() != nil {
		return a.ctx.Err()
	}
	if err := c.print(a, all); err != nil {
		return err
	}
	if doctor.Worst(all) == doctor.Fail {
		return errDiffers
	}
	return nil
}

func (c doctorCmd) print(a *app, all []doctor.Finding) error {
	if a.JSON {
		out := json.NewEncoder(a.stdout)
		for _, f := range all {
			if err := out.Encode(f); err != nil {
				return err
			}
		}
		return nil
	}
	for _, f := range all {
		if f.Level == doctor.OK && a.Quiet {
			continue
		}
		line := fmt.Sprintf("%-4s  %-24s %s\n", f.Level, f.Check, f.Says)
		if f.Do != "" {
			line += fmt.Sprintf("      %-24s %s\n", "", "to do: "+f.Do)
		}
		if _, err := fmt.Fprint(a.stdout, line); err != nil {
			return err
		}
	}
	return nil
}

// config finds what there is to look at: what the flags name, else the running
// installation.
func (c doctorCmd) config(a *app) (doctor.Config, error) {
	conf := doctor.Config{
		Brokers: a.Kafka, LogCap: c.LogCap, Groups: c.Group, ClickHouse: a.ClickHouse, Zone: c.Zone, Services: map[string]string{}, Alertmanager: a.Alertmanager,
	}
	schema, err := migrateCmd{Zone: c.Zone, WeekStart: c.WeekStart, ReadyFile: c.ReadyFile}.schema(a)
	if err != nil {
		return conf, usageError{err}
	}
	conf.Schema = schema
	f, err := ready.Read(a.readyFile(c.ReadyFile))
	switch {
	case err == nil:
		c.local(a, &conf, f)
	case !errors.Is(err, ready.ErrNotRunning):
		return conf, err
	case len(conf.Brokers) == 0 && conf.ClickHouse == "" && len(c.Service) == 0:
		return conf, err
	}
	for name, url := range c.Service {
		conf.Services[name] = strings.TrimSuffix(url, "/")
	}
	return conf, nil
}

// local adds what the installation of this machine says of itself.
func (c doctorCmd) local(a *app, conf *doctor.Config, f ready.File) {
	if len(conf.Brokers) == 0 && f.Kafka != "" {
		conf.Brokers = strings.Split(f.Kafka, ",")
	}
	if conf.ClickHouse == "" {
		conf.ClickHouse = f.ClickHouseURL
	}
	if conf.Alertmanager == "" {
		conf.Alertmanager = f.Alertmanager
	}
	if _, own := f.PIDs[embedded.PartKafka]; own && conf.LogCap == 0 {
		conf.LogCap = embedded.LogCap
	}
	conf.DataDir = a.DataDir
	if c.ReadyFile != "" {
		conf.DataDir = filepath.Dir(c.ReadyFile)
	}
	conf.Secrets = []string{secretsFile, keys.FileName, ready.FileName}
	for name, url := range map[string]string{partCollector: f.Collector, "gateway": f.Gateway} {
		if _, runs := f.PIDs[name]; runs && url != "" {
			conf.Services[name] = url
		}
	}
	// The others listen where the data directory remembers.
	ports := map[string]int{}
	b, err := os.ReadFile(filepath.Join(conf.DataDir, "ports.json"))
	if err == nil {
		err = json.Unmarshal(b, &ports)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		fmt.Fprintf(a.stderr, "the ports of processor and loader: %v\n", err)
	}
	for name := range f.PIDs {
		if port := ports[name]; port != 0 && conf.Services[name] == "" && (name == partProcessor || name == partLoader || name == "alerter") {
			conf.Services[name] = "http://" + address(port)
		}
	}
}

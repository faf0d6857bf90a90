package main

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"slices"
	"strconv"
	"time"

	"github.com/nabz/nabz/services/internal/clickhouse"
	"github.com/nabz/nabz/services/internal/embedded"
	"github.com/nabz/nabz/services/internal/supervise"
)

type runCmd struct {
	portFlags
	Demo       bool `help:"Also play a simulated contact center."`
	Partitions int  `help:"Partitions of every topic, fixed at the first start." default:"8"`
}

// Help shows an example.
func (runCmd) Help() string {
	return `Every service and every embedded part is a process of its own, which is started again when it dies.

Example: nabz run --ports auto --data-dir /tmp/nabz`
}

// The names of the parts beside the embedded ones.
const (
	partTopics    = "topics"
	partMigrate   = "migrate"
	partCollector = "collector"
	partProcessor = "processor"
	partLoader    = "loader"
	partAlerter   = "alerter"
	partGateway   = "gateway"
	partDemo      = "demo"
)

// drainGrace is how long a service may drain: a loader's last insert, a
// processor's last checkpoint.
const drainGrace = 20 * time.Second

// Run starts everything and keeps it running until it is asked to stop.
func (c runCmd) Run(a *app) error {
	if err := c.usable(a); err != nil {
		return usageError{err}
	}
	i, closeIt, err := openInstallation(a, c.portFlags)
	if err != nil {
		return err
	}
	defer closeIt()
	if err := i.keepDefinitions(); err != nil {
		return err
	}
	if err := i.addKafka(); err != nil {
		return err
	}
	if err := i.addClickHouse(); err != nil {
		return err
	}
	i.addServices(c)
	return i.run(func() { c.welcome(i) })
}

// mostPartitions is what one broker holds of eight topics without strain.
const mostPartitions = 1024

// usable finds what no start of a part could ever get over.
func (c runCmd) usable(a *app) error {
	if c.Partitions < 1 || c.Partitions > mostPartitions {
		return fmt.Errorf("--partitions: %d, 1 to %d are possible", c.Partitions, mostPartitions)
	}
	for _, broker := range a.Kafka {
		host, port, err := net.SplitHostPort(broker)
		if n, portErr := strconv.ParseUint(port, 10, 16); err != nil || portErr != nil || host == "" || n == 0 {
			return fmt.Errorf("--kafka: %q is no HOST:PORT", broker)
		}
	}
	if _, err := (receiverFlags{}).receivers(a.Alertmanager, a.Config); err != nil {
		return err
	}
	if _, err := openDefinitions(a.Definitions); err != nil {
		return err
	}
	if a.ClickHouse == "" {
		return nil
	}
	conn, err := clickhouse.Open(a.ClickHouse)
	if err != nil {
		return fmt.Errorf("--clickhouse: %w", err)
	}
	return conn.Close()
}

// addServices adds the preparations and the services behind them.
func (i *installation) addServices(c runCmd) {
	var broker, engine []string
	logCap := int64(0)
	if len(i.app.Kafka) == 0 {
		broker, logCap = []string{embedded.PartKafka}, embedded.LogCap
	}
	if i.app.ClickHouse == "" {
		engine = []string{embedded.PartGuard}
	}
	i.file.Collector = "http://" + address(i.ports[portCollector])
	i.file.Gateway = "http://" + address(i.ports[portGateway])
	i.file.APIKey = i.secrets.APIKey
	lazy, inserts := i.app.ClickHouse == "" && !c.SyncWrites, clickhouse.Kept
	switch {
	case lazy:
		inserts = clickhouse.Lazy
	case i.app.ClickHouse == "":
		inserts = clickhouse.Synced
	}
	env := append(i.environment(),
		"NABZ_PARTITIONS="+strconv.Itoa(c.Partitions),
		"NABZ_LOG_CAP="+strconv.FormatInt(logCap, 10),
		"NABZ_INSERTS="+string(inserts), "NABZ_LAZY_SYNC="+strconv.FormatBool(lazy))
	if len(i.app.Kafka) == 0 {
		// Nobody else has this broker, so the name is the processor's alone.
		env = append(env, "NABZ_MEMBER=run")
	}
	once := func(name string, after []string, args ...string) {
		i.parts = append(i.parts, supervise.Part{Name: name, Args: args, Env: env, After: after, Once: true})
	}
	service := func(name, port string, after ...string) {
		addr := address(i.ports[port])
		i.parts = append(i.parts, supervise.Part{
			Name: name, Args: []string{name}, Env: slices.Concat(env, []string{"NABZ_LISTEN=" + addr}), After: after, Grace: drainGrace,
			Probe: func(ctx context.Context) error { return askReady(ctx, "http://"+addr) },
		})
	}
	once(partTopics, broker, "topics", "apply", "--quiet")
	once(partMigrate, engine, "migrate", "--quiet")
	service(partLoader, portLoader, partTopics, partMigrate)
	service(partProcessor, portProcessor, partTopics)
	service(partAlerter, portAlerter, partTopics)
	service(partCollector, portCollector, partTopics)
	service(partGateway, portGateway, partTopics)
	if c.Demo {
		// The last to start and the first to stop. It is told the addresses:
		// the ready file is written when it, too, is up.
		i.parts = append(i.parts, supervise.Part{Name: partDemo, Args: []string{partDemo}, After: []string{partCollector},
			Env: slices.Concat(env, []string{"NABZ_COLLECTOR=" + i.file.Collector, "NABZ_QUIET=true"})})
	}
}

// environment is what every service of the installation is told. Secrets go
// this way and never as arguments, which everybody on the machine can read.
func (i *installation) environment() []string {
	env := []string{
		"NABZ_KAFKA=" + i.file.Kafka,
		"NABZ_CLICKHOUSE=" + i.file.ClickHouseURL,
		"NABZ_ALERTMANAGER=" + i.app.Alertmanager,
		"NABZ_WALLBOARD=" + i.file.Gateway,
		"NABZ_DEFINITIONS=" + i.file.Definitions,
		"NABZ_DATA_DIR=" + i.app.DataDir,
		"NABZ_API_KEY=" + i.secrets.APIKey,
		"NABZ_IDENTITY_KEY=" + i.secrets.IdentityKey,
		"NABZ_LOG_LEVEL=" + i.app.LogLevel,
		"NABZ_JSON=" + strconv.FormatBool(i.app.JSON),
		"NABZ_READY_FILE=", // the installation's own, not theirs
	}
	if i.app.Config != "" {
		env = append(env, "NABZ_CONFIG="+i.app.Config)
	}
	return env
}

// welcome says how to look at what runs.
func (c runCmd) welcome(i *installation) {
	if i.app.Quiet {
		return
	}
	f := i.file
	fmt.Fprintf(i.app.stderr, "\nnabz is ready (process %d).\n\n", os.Getpid())
	fmt.Fprintf(i.app.stderr, "  wallboard     %s\n                (for 15 minutes; nabz wallboard prints another)\n", wallboardLink(f))
	fmt.Fprintf(i.app.stderr, "  send events   %s/v1/events  (the API key is in the ready file)\n", f.Collector)
	fmt.Fprintf(i.app.stderr, "  Kafka         %s\n", f.Kafka)
	if f.ClickHouseHTTP != "" {
		fmt.Fprintf(i.app.stderr, "  ClickHouse    %s  user %s, database nabz; native %s\n", f.ClickHouseHTTP, f.BIUser, f.ClickHouseNative)
	} else if u, err := url.Parse(f.ClickHouseURL); err == nil {
		host, _, _ := net.SplitHostPort(u.Host)
		fmt.Fprintf(i.app.stderr, "  ClickHouse    %s, database nabz\n", host)
	}
	fmt.Fprintf(i.app.stderr, "  ready file    %s  (addresses and keys, for you alone)\n", i.app.readyFile(c.ReadyFile))
	where := "" // the commands look where it was told to be
	if i.app.given["data-dir"] {
		where = " --data-dir " + i.app.DataDir
	}
	fmt.Fprintf(i.app.stderr, "\n  nabz get service_level --by queue --grain minute%[1]s\n  nabz tail nabz.events.v1 --follow%[1]s\n  ^C stops everything; the data stays in %[2]s\n\n", where, i.app.DataDir)
}

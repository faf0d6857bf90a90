package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/nabz/nabz/services/internal/embedded"
	"github.com/nabz/nabz/services/internal/ready"
	"github.com/nabz/nabz/services/internal/supervise"
)

// loopback is where an installation listens: its log-ins are for this machine.
const loopback = "127.0.0.1"

// portFlags are the flags of what an installation listens on.
type portFlags struct {
	Ports          string        `help:"auto: any free ports, kept over restarts; default: the ones below." enum:"auto,default" default:"default"`
	CollectorPort  int           `help:"Port of the collector." default:"8080"`
	GatewayPort    int           `help:"Port of the gateway, where the wallboard is." default:"8090"`
	KafkaPort      int           `help:"Port of the embedded broker." default:"9092"`
	NativePort     int           `help:"Guarded native port of the embedded ClickHouse." default:"9000"`
	HTTPPort       int           `name:"http-port" help:"HTTP port of the embedded ClickHouse." default:"8123"`
	ReadyFile      string        `help:"File to write when all is ready; default: ready.json in the data directory." placeholder:"F"`
	SyncWrites     bool          `help:"The embedded parts have every write on the disk before they acknowledge it: a power cut takes nothing, at half the speed."`
	StartupTimeout time.Duration `help:"How long the first start may take, downloads included." default:"15m" hidden:""`
}

// installation is what run and embedded start.
type installation struct {
	app     *app
	flags   portFlags
	secrets secrets
	ports   map[string]int
	parts   []supervise.Part
	file    ready.File
}

// The names under which ports are remembered.
const (
	portCollector = "collector"
	portProcessor = "processor"
	portLoader    = "loader"
	portAlerter   = "alerter"
	portGateway   = "gateway"
	portKafka     = "kafka"
	portHTTP      = "clickhouse_http"
	portNative    = "clickhouse_native"
	portEngine    = "clickhouse_engine" // private
)

// openInstallation takes the data directory for itself and finds secrets and
// ports.
func openInstallation(a *app, flags portFlags) (*installation, func(), error) {
	dir, err := filepath.Abs(a.DataDir)
	if err != nil {
		return nil, nil, fmt.Errorf("find the data directory: %w", err)
	}
	a.DataDir = dir
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, nil, fmt.Errorf("make the data directory: %w", err)
	}
	ctx, cancel := context.WithTimeout(a.ctx, 2*time.Second)
	defer cancel()
	unlock, err := embedded.LockFile(ctx, filepath.Join(dir, "lock"))
	if err != nil {
		return nil, nil, fmt.Errorf("another installation runs in %s: %w", dir, err)
	}
	i := &installation{app: a, flags: flags}
	if i.secrets, err = loadSecrets(dir); err == nil {
		err = i.choosePorts(dir)
	}
	if err != nil {
		unlock()
		return nil, nil, err
	}
	i.file = ready.File{Version: versionText(), Alertmanager: a.Alertmanager}
	if a.Config != "" {
		if i.file.Webhooks, err = filepath.Abs(a.Config); err != nil {
			unlock()
			return nil, nil, fmt.Errorf("find the settings: %w", err)
		}
	}
	return i, unlock, nil
}

func (i *installation) choosePorts(dir string) error {
	names := []string{portCollector, portProcessor, portLoader, portAlerter, portGateway, portKafka, portHTTP, portNative, portEngine}
	ports, err := supervise.Ports(i.app.ctx, filepath.Join(dir, "ports.json"), loopback, names)
	if err != nil {
		return err
	}
	i.ports = ports
	if i.flags.Ports == "auto" {
		return nil
	}
	fixed := map[string]int{portCollector: i.flags.CollectorPort, portGateway: i.flags.GatewayPort}
	if len(i.app.Kafka) == 0 {
		fixed[portKafka] = i.flags.KafkaPort
	}
	if i.app.ClickHouse == "" {
		fixed[portHTTP], fixed[portNative] = i.flags.HTTPPort, i.flags.NativePort
	}
	for name, port := range fixed {
		l, err := (&net.ListenConfig{}).Listen(i.app.ctx, "tcp", address(port))
		if err != nil {
			return fmt.Errorf("listen for %s on port %d: %w (--ports auto takes any free ones)", name, port, err)
		}
		defer l.Close() // held until all are chosen: none may be given twice
		ports[name] = port
	}
	return nil
}

func address(port int) string { return net.JoinHostPort(loopback, strconv.Itoa(port)) }

func joined(brokers []string) string { return strings.Join(brokers, ",") }

// addKafka adds the embedded broker, or takes the cluster that was named.
func (i *installation) addKafka() error {
	if len(i.app.Kafka) > 0 {
		i.file.Kafka = joined(i.app.Kafka)
		return nil
	}
	i.file.Kafka = address(i.ports[portKafka])
	part, err := embedded.KafkaPart(embedded.KafkaConfig{
		Dir: filepath.Join(i.app.DataDir, "kafka"), Host: loopback, Port: i.ports[portKafka], Sync: i.flags.SyncWrites,
	})
	i.parts = append(i.parts, part)
	return err
}

// addClickHouse adds the embedded engine and its guard, fetching the engine if
// need be, or takes the server that was named.
func (i *installation) addClickHouse() error {
	i.file.ClickHouseDatabase = "nabz"
	if i.app.ClickHouse != "" {
		i.file.ClickHouseURL = i.app.ClickHouse
		return nil
	}
	cache, err := embedded.CacheDir()
	if err != nil {
		return err
	}
	progress := i.app.stderr
	if i.app.Quiet {
		progress = discard{}
	}
	ctx, cancel := context.WithTimeout(i.app.ctx, i.flags.StartupTimeout)
	defer cancel()
	lib, err := embedded.FetchEngine(ctx, cache, progress)
	if err != nil {
		return err
	}
	conf := embedded.EngineConfig{
		Library: lib, Dir: filepath.Join(i.app.DataDir, "clickhouse"), Host: loopback,
		HTTPPort: i.ports[portHTTP], NativePort: i.ports[portEngine],
		Accounts: embedded.Accounts{Services: i.secrets.ClickHouse, BI: i.secrets.BI},
	}
	native := address(i.ports[portNative])
	parts, err := embedded.EngineParts(conf, native)
	if err != nil {
		return err
	}
	for p := range parts {
		parts[p].Output = &engineLines{log: i.app.log.Named(parts[p].Name)}
	}
	i.parts = append(i.parts, parts...)
	i.file.ClickHouseNative, i.file.ClickHouseHTTP = native, conf.HTTPURL()
	i.file.BIUser, i.file.BIPassword = embedded.UserBI, i.secrets.BI
	i.file.ClickHouseURL = fmt.Sprintf("clickhouse://%s:%s@%s/nabz", embedded.UserServices, i.secrets.ClickHouse, native)
	return nil
}

// run starts everything, keeps the ready file right, and stops everything when
// it is asked to. ready is called once, when all parts were ready.
func (i *installation) run(whenReady func()) error {
	path := i.app.readyFile(i.flags.ReadyFile)
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove the ready file of last time: %w", err)
	}
	told := false
	s, err := supervise.New(supervise.Config{Parts: i.parts, Log: i.app.log, Changed: func(pids map[string]int) error {
		pids["run"] = os.Getpid()
		i.file.PIDs = pids
		if err := ready.Write(path, i.file); err != nil {
			return err
		}
		if !told {
			told = true
			whenReady()
		}
		return nil
	}})
	if err != nil {
		return err
	}
	err = s.Run(i.app.ctx)
	if rm := os.Remove(path); err == nil && rm != nil && !errors.Is(rm, fs.ErrNotExist) {
		err = fmt.Errorf("remove the ready file: %w", rm)
	}
	return err
}

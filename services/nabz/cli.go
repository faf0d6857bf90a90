package main

import (
	"errors"
	"path/filepath"
	"strings"

	"github.com/nabz/nabz/services/internal/clickhouse"
	"github.com/nabz/nabz/services/internal/kafka"
	"github.com/nabz/nabz/services/internal/ready"
)

// globals are the flags of every command. Each is also a variable of the
// environment and a key of the file.
type globals struct {
	Config       string   `help:"Settings as YAML; keys are the names of flags, commands are sections." placeholder:"FILE"`
	DataDir      string   `help:"Where an installation of this machine keeps its data." default:".nabz" placeholder:"DIR"`
	Kafka        []string `help:"Brokers of a Kafka cluster; none: the embedded broker." placeholder:"HOST:PORT"`
	ClickHouse   string   `name:"clickhouse" secret:"" help:"A ClickHouse server, clickhouse://USER:PASS@HOST:PORT/DB; none: the embedded engine." placeholder:"URL"`
	Alertmanager string   `help:"An Alertmanager to send incidents to, all its peers with commas between; none: they are only kept." placeholder:"URL"`
	Definitions  string   `help:"Folder of definitions beside those of the binary: kpi/NAME/kpi.yaml, likewise sla and alert, and calendar/NAME.yaml. Clients take that of the running installation." placeholder:"DIR"`
	LogLevel     string   `help:"Least level of log lines: debug, info, warn or error." enum:"debug,info,warn,error" default:"info"`
	JSON         bool     `help:"Answers and log lines as JSON."`
	Quiet        bool     `help:"No progress, and log lines of errors only."`
	Profile      string   `help:"Directory for a CPU profile of each process, whole when it has ended (go tool pprof)." placeholder:"DIR"`
}

// cli is every command, each in a file of its own: cmd_<name>.go holds a
// struct with its flags, Help with an example, and Run(*app) error.
type cli struct {
	globals

	Run       runCmd       `cmd:"" help:"Run an installation: all services and, unless addresses are given, Kafka and ClickHouse." group:"Running"`
	Collector collectorCmd `cmd:"" help:"Run one collector." group:"Running"`
	Processor processorCmd `cmd:"" help:"Run one processor." group:"Running"`
	Loader    loaderCmd    `cmd:"" help:"Run one loader." group:"Running"`
	Alerter   alerterCmd   `cmd:"" help:"Run one alerter." group:"Running"`
	Gateway   gatewayCmd   `cmd:"" help:"Run one gateway: the wallboard, the API and the live stream." group:"Running"`
	Embedded  embeddedCmd  `cmd:"" help:"Run only the embedded parts." group:"Running"`

	Migrate    migrateCmd    `cmd:"" help:"Make the tables and views of a ClickHouse." group:"Preparing"`
	Topics     topicsCmd     `cmd:"" help:"Compare the topics of a Kafka cluster with those needed, and make them." group:"Preparing"`
	Config     configCmd     `cmd:"" help:"Check the settings, or print them as they are in force." group:"Preparing"`
	SLA        slaCmd        `cmd:"" name:"sla" help:"Check policies on deadlines and threshold rules, and try them." group:"Preparing"`
	Token      tokenCmd      `cmd:"" help:"Make, list and revoke API keys." group:"Preparing"`
	KPI        kpiCmd        `cmd:"" name:"kpi" help:"List, show, check and make KPIs." group:"Preparing"`
	Completion completionCmd `cmd:"" help:"Print what a shell needs to complete commands." group:"Preparing"`
	Complete   completeCmd   `cmd:"" hidden:"" help:"Print the words that may stand where the cursor is."`

	Recompute recomputeCmd `cmd:"" help:"Compute everything anew from the log of events, beside what is shown." group:"Running"`

	Alert  alertCmd  `cmd:"" help:"Try who is told of incidents." group:"Sending"`
	Demo   demoCmd   `cmd:"" help:"Send the live events of a simulated contact center." group:"Sending"`
	Replay replayCmd `cmd:"" help:"Send a call log through the front door, into a feed of its own." group:"Sending"`

	Get       getCmd       `cmd:"" help:"Print the values of a KPI." group:"Looking"`
	Verify    verifyCmd    `cmd:"" help:"Hold what is stored against what the raw events say." group:"Looking"`
	Wallboard wallboardCmd `cmd:"" help:"Print a link that opens the wallboard." group:"Looking"`
	Explain   explainCmd   `cmd:"" help:"Go from a number to its facts and events, or from an item to both." group:"Looking"`
	Doctor    doctorCmd    `cmd:"" help:"Look an installation over, and say what to do." group:"Looking"`
	Tail      tailCmd      `cmd:"" help:"Print the records of a topic." group:"Looking"`
	DLQ       dlqCmd       `cmd:"" name:"dlq" help:"Look at dead letters, send them again, drop them." group:"Looking"`
	Ready     readyCmd     `cmd:"" hidden:"" help:"Ask a service whether it is ready."`
	Version   versionCmd   `cmd:"" help:"Print the version." group:"Looking"`
}

// readyFile is where a running installation is found: the flag of a command,
// else the file in the data directory.
func (g *globals) readyFile(flag string) string {
	if flag != "" {
		return flag
	}
	return filepath.Join(g.DataDir, ready.FileName)
}

// brokers gives the brokers that were named, else those of the running
// installation.
func (g *globals) brokers(readyFlag string) ([]string, error) {
	if len(g.Kafka) > 0 {
		return g.Kafka, nil
	}
	f, err := ready.Read(g.readyFile(readyFlag))
	if err != nil {
		return nil, err
	}
	return strings.Split(f.Kafka, ","), nil
}

// store opens the ClickHouse that was named, else that of the running
// installation.
func (g *globals) store(readyFlag string) (clickhouse.Conn, error) {
	url := g.ClickHouse
	if url == "" {
		f, err := ready.Read(g.readyFile(readyFlag))
		if err != nil {
			return nil, err
		}
		url = f.ClickHouseURL
	}
	conn, err := clickhouse.Open(url)
	if err != nil {
		return nil, usageError{err}
	}
	return conn, nil
}

// needKafka is for a service alone, which has no embedded broker.
func (g *globals) needKafka() error {
	if len(g.Kafka) == 0 {
		return usageError{errors.New("--kafka: a service alone needs the brokers' addresses")}
	}
	return nil
}

// needClickHouse is for a service alone that writes to ClickHouse.
func (g *globals) needClickHouse() error {
	if g.ClickHouse == "" {
		return usageError{errors.New("--clickhouse: a service alone needs the server's URL")}
	}
	return nil
}

// sizing gives the size of an installation's topics.
func sizing(partitions int, logCap int64) kafka.Sizing {
	return kafka.Sizing{Partitions: partitions, LogCap: logCap}
}

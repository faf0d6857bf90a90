// Command growth works out what an installation for so many events a second
// takes, from what was measured on one machine: docs/performance.json and
// docs/growth.json. It writes docs/growth.md.
//
// It does not know any machine but the one that the measurements were made on,
// and measures nothing itself.
package main

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"text/template"
)

//go:embed growth.md.tmpl
var text string

const usage = `Command growth works out what so many events a second take, from what was measured.

  go run ./scripts/growth [flags]       in the repository's folder; it writes docs/growth.md

Example: go run ./scripts/growth -rate 250000 -out -

`

// Assumed is what no measurement here says, and whoever plans will replace.
type Assumed struct {
	Rate     float64 // events/s, each of one entity
	Used     float64 // share of a core that is planned for, 0 to 1
	OpenFor  float64 // how long an item stays open, s
	PerItem  float64 // events of an item
	Copies   float64 // replicas of each partition of Kafka
	Days     float64 // that the log of events is kept
	Months   float64 // that ClickHouse keeps
	Replicas float64 // of each shard of ClickHouse
	BrokerMB float64 // MB/s that a broker's disk and network take in
	Box      float64 // cores of a machine
	CoreHour float64 // price of a core with 4 GiB for an hour
	GBMonth  float64 // price of a GB of disk for a month
}

// Measured are the factors, all of one machine.
type Measured struct {
	Collector  Factor            `json:"collector_events_per_core_second"`
	ItemBytes  Factor            `json:"memory_bytes_per_open_item"`
	Stored     map[string]Factor `json:"clickhouse_bytes_per_row"` // by kind of table
	Machine    string            `json:"machine"`
	Date       string            `json:"date"`
	One, Three figure            `json:"-"`
	Sink, Load figure            `json:"-"`
}

// Factor is one figure and the command that gives it.
type Factor struct {
	Value   float64 `json:"value"`
	Command string  `json:"command"`
}

// figure is a line of docs/performance.json.
type figure struct {
	Engine string  `json:"engine"`
	PerCPU float64 `json:"events_per_cpu_second"`
	Broker float64 `json:"events_per_cpu_second_of_the_broker"`
	Topics map[string]struct {
		Records float64 `json:"records"`
		Bytes   float64 `json:"bytes"`
	} `json:"topics"`
}

func main() {
	if err := run(os.Args[1:]); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "growth:", err)
		os.Exit(1)
	}
}

func defaults() Assumed {
	return Assumed{
		Rate: 1_000_000, Used: 0.6, OpenFor: 600, PerItem: 4, Copies: 3, Days: 7, Months: 13, Replicas: 2,
		BrokerMB: 100, Box: 16, CoreHour: 0.05, GBMonth: 0.08,
	}
}

func run(args []string) error {
	a := defaults()
	f := flag.NewFlagSet("growth", flag.ContinueOnError)
	f.Usage = func() {
		fmt.Fprint(f.Output(), usage, "Flags:\n")
		f.PrintDefaults()
	}
	f.Float64Var(&a.Rate, "rate", a.Rate, "events/s, an event of several entities counted for each")
	f.Float64Var(&a.Used, "used", a.Used, "share of a core that is planned for")
	f.Float64Var(&a.OpenFor, "open-for", a.OpenFor, "how long an item stays open, s")
	f.Float64Var(&a.PerItem, "per-item", a.PerItem, "events of an item")
	f.Float64Var(&a.Days, "days", a.Days, "that the log of events is kept")
	f.Float64Var(&a.Months, "months", a.Months, "that ClickHouse keeps")
	f.Float64Var(&a.CoreHour, "core-hour", a.CoreHour, "price of a core with 4 GiB for an hour")
	f.Float64Var(&a.GBMonth, "gb-month", a.GBMonth, "price of a GB of disk for a month")
	docs := f.String("docs", "docs", "folder of performance.json and growth.json")
	out := f.String("out", "", "file to write; none: growth.md in the folder; -: standard output")
	if err := f.Parse(args); err != nil {
		return err
	}
	m, err := read(*docs)
	if err != nil {
		return err
	}
	page, err := render(m, a)
	if err != nil {
		return err
	}
	switch *out {
	case "-":
		_, err = os.Stdout.Write(page)
	case "":
		err = os.WriteFile(filepath.Join(*docs, "growth.md"), page, 0o644)
	default:
		err = os.WriteFile(*out, page, 0o644)
	}
	return err
}

// read takes the factors from both files.
func read(dir string) (*Measured, error) {
	m := &Measured{}
	var performance struct {
		Workloads map[string]struct {
			Figures []figure `json:"figures"`
		} `json:"workloads"`
	}
	for name, to := range map[string]any{"growth.json": m, "performance.json": &performance} {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return nil, fmt.Errorf("read factors: %w", err)
		}
		if err := json.Unmarshal(data, to); err != nil {
			return nil, fmt.Errorf("read factors of %s: %w", name, err)
		}
	}
	for _, want := range []struct {
		workload, engine string
		to               *figure
	}{
		{"w7", "Nabz, one processor", &m.One}, {"w7", "Nabz, three processors", &m.Three},
		{"w6", "Nabz loader and ClickHouse", &m.Sink}, {"w6", "Nabz loader, ClickHouse not counted", &m.Load},
	} {
		for _, f := range performance.Workloads[want.workload].Figures {
			if f.Engine == want.engine {
				*want.to = f
			}
		}
		if want.to.PerCPU <= 0 {
			return nil, fmt.Errorf("read factors: %s has no figure of %s: make bench-peers WORKLOAD=%s PEERS=--docs", "performance.json", want.engine, want.workload)
		}
	}
	return m, nil
}

// Plan is what an installation takes.
type Plan struct {
	Assumed
	*Measured

	Efficiency           float64 // of three processors: events for their CPU time, one's being 1
	PerTask              float64 // events/s of a partition's task
	CollectorCores       float64
	Partitions           float64
	ProcessorCores       float64
	OpenItems, OpenGB    float64
	Topics               []TopicLoad
	KafkaMB, KafkaCores  float64 // MB/s, copies included
	Brokers, LogTB       float64
	RowsPerEvent, Rows   float64
	LoaderRate, LoadCore float64
	HouseRate, HouseCore float64
	Shards, StoredTB     float64
	Cores, Boxes         float64
	DiskGB, Month        float64
}

// TopicLoad is what one topic takes of the broker.
type TopicLoad struct {
	Name                    string
	RecordsPerEvent, PerRec float64 // and bytes of a record, as compressed
	MB                      float64 // MB/s, one copy
}

// eventsTopic is where events lie; the others hold rows, and state.
const (
	eventsTopic = "nabz.events.v1"
	stateTopic  = "nabz.state.v1"
	valuesTopic = "nabz.values.v1"
)

// plan does the sums. Every figure of a run is by the events of its log.
func plan(m *Measured, a Assumed) *Plan {
	p := &Plan{Assumed: a, Measured: m}
	p.Efficiency = m.Three.PerCPU / m.One.PerCPU
	p.CollectorCores = math.Ceil(a.Rate / m.Collector.Value / a.Used)
	p.PerTask = m.Three.PerCPU * a.Used
	p.Partitions = math.Ceil(a.Rate / p.PerTask)
	p.ProcessorCores = p.Partitions
	p.OpenItems = a.Rate / a.PerItem * a.OpenFor
	p.OpenGB = p.OpenItems * m.ItemBytes.Value / 1e9
	events := m.Three.Topics[eventsTopic].Records
	for _, name := range []string{eventsTopic, "nabz.facts.v1", "nabz.panes.v1", valuesTopic, stateTopic} {
		t := m.Three.Topics[name]
		l := TopicLoad{Name: name, RecordsPerEvent: t.Records / events, PerRec: t.Bytes / max(t.Records, 1)}
		l.MB = a.Rate * l.RecordsPerEvent * l.PerRec / 1e6
		p.Topics = append(p.Topics, l)
		p.KafkaMB += l.MB * a.Copies
		if name != stateTopic && name != valuesTopic {
			p.RowsPerEvent += l.RecordsPerEvent
		}
	}
	p.KafkaCores = math.Ceil(a.Rate / m.Three.Broker * a.Copies / a.Used)
	p.Brokers = math.Ceil(max(p.KafkaMB/a.BrokerMB, p.KafkaCores/a.Box, a.Copies))
	p.LogTB = p.Topics[0].MB * a.Copies * 86_400 * a.Days / 1e6
	p.Rows = a.Rate * p.RowsPerEvent
	p.LoaderRate = m.Load.PerCPU
	p.LoadCore = math.Ceil(p.Rows / p.LoaderRate / a.Used)
	p.HouseRate = 1 / (1/m.Sink.PerCPU - 1/m.Load.PerCPU)
	p.HouseCore = math.Ceil(p.Rows / p.HouseRate / a.Used * a.Replicas)
	p.Shards = math.Ceil(p.HouseCore / a.Replicas / a.Box)
	facts := p.Topics[1].RecordsPerEvent
	// Facts are rewritten at every event of their item; what stays is one.
	stored := a.Rate * (m.Stored["events"].Value + facts/a.PerItem*m.Stored["facts"].Value)
	p.StoredTB = stored * 86_400 * 30.4 * a.Months * a.Replicas / 1e12
	p.Cores = p.CollectorCores + p.ProcessorCores + p.KafkaCores + p.LoadCore + p.HouseCore
	p.Boxes = math.Ceil(p.Cores / a.Box)
	p.DiskGB = (p.LogTB + p.StoredTB) * 1000
	p.Month = p.Cores*a.CoreHour*730 + p.DiskGB*a.GBMonth
	return p
}

// render writes the page.
func render(m *Measured, a Assumed) ([]byte, error) {
	t, err := template.New("growth").Funcs(template.FuncMap{"n": grouped, "f": func(digits int, v float64) string { return fmt.Sprintf("%.*f", digits, v) }, "pct": func(v float64) string { return fmt.Sprintf("%.0f %%", 100*v) }}).Parse(text)
	if err != nil {
		return nil, fmt.Errorf("read the page: %w", err)
	}
	var b bytes.Buffer
	if err := t.Execute(&b, plan(m, a)); err != nil {
		return nil, fmt.Errorf("write the page: %w", err)
	}
	return b.Bytes(), nil
}

// grouped writes a number in groups of three digits.
func grouped(v float64) string {
	s := fmt.Sprintf("%.0f", v)
	var b strings.Builder
	for i, c := range s {
		if i > 0 && (len(s)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(c)
	}
	return b.String()
}

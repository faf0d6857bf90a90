package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Engine is one way to do a workload.
type Engine struct {
	Name   string // shown, such as "Kafka Streams, exactly_once_v2"
	Short  string // for file names and --engines
	Serves bool   // the result is in the engine itself
	// Prepare makes what the engine needs to be new, such as output topics.
	Prepare func(*Bench) error
	// Start starts the engine; what it gives is measured.
	Start func(b *Bench, dir string) (*Running, error)
	// Wrong compares the result with an oracle: cells that differ from the
	// events, and those that differ from what the engine is held to.
	Wrong func(b *Bench) (fromEvents, fromGate int, err error)
	// Fact reads what the engine tells of a call that is over, from the topic
	// of that name; ok is false for other records. Nil: it tells of none.
	Fact func(r *kgo.Record) (id string, t told, ok bool)
	From string
	// Recovers has it killed and started again before its result is read.
	Recovers bool
}

// Running is an engine at work: the processes whose CPU time counts, and how to
// end them.
type Running struct {
	PIDs   []int
	Beside []int         // processes that belong to the run, and do not count
	Dead   func() string // what a dead engine said; empty: it lives
	Said   func() string // the end of its log
	Stop   func()
	Kill   func()
}

// Bench is one broker with one log in it.
type Bench struct {
	ctx     context.Context
	opts    Options
	root    string
	dir     string // for logs and data of processes
	broker  *Broker
	filled  *Filled
	admin   *kadm.Client
	kafka   *kgo.Client
	classes string // folder of the Java peers
	house   *House // the ClickHouse of this run, if it has one
	whole   bool   // the log is the longer one
	runs    int
	bytes   int64  // of an event
	group   string // consumer group of this run, whose commits tell how far it is
}

// Sample is what one run of an engine took.
type Sample struct {
	Events    int
	CPU       time.Duration // user and system, from its start until all is committed
	Wall      time.Duration
	Peak      int64         // bytes of memory
	Wrong     int           // cells that differ from the events
	Gate      int           // cells that differ from what the engine is held to
	Others    float64       // cores that other processes used
	P50, P99  float64       // from an event to its result, ms; 0: not measured
	Recovery  float64       // from a restart to the first result, s; 0: not measured
	Broker    time.Duration // CPU time of the broker meanwhile
	Topics    map[string]Topic
	Disturbed bool
}

// Topic is what lies in a topic after a run, as the broker keeps it.
type Topic struct {
	Records int64 `json:"records"`
	Bytes   int64 `json:"bytes"`
}

// othersAllowed is the share of one core that other processes may use.
const othersAllowed = 0.10

// runFor bounds a run.
const runFor = 10 * time.Minute

// measure runs an engine over the log that lies in the broker.
func (b *Bench) measure(e *Engine) (*Sample, error) {
	if err := e.Prepare(b); err != nil {
		return nil, fmt.Errorf("prepare %s: %w", e.Name, err)
	}
	b.runs++
	b.group = fmt.Sprintf("%s-%d", e.Short, b.runs)
	dir, err := os.MkdirTemp(b.dir, e.Short+"-")
	if err != nil {
		return nil, fmt.Errorf("make a folder: %w", err)
	}
	own0, all0, began := b.own(nil), busy(), time.Now()
	broker, err := cpuOf(b.broker.process.PID)
	if err != nil {
		return nil, err
	}
	r, err := e.Start(b, dir)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", e.Name, err)
	}
	defer r.Stop()
	s := &Sample{Events: b.filled.Events}
	err = poll(b.ctx, runFor, func() (bool, error) {
		if said := r.Dead(); said != "" {
			return false, errors.New("it ended: " + said)
		}
		return done(b.ctx, b.admin, b.group, b.filled.Ends) && between(b.ctx, b.admin, b.group), nil
	})
	if err != nil {
		return nil, fmt.Errorf("run %s: %w", e.Name, err)
	}
	s.Wall = time.Since(began)
	for _, pid := range r.PIDs {
		cpu, err := cpuOf(pid)
		if err != nil {
			return nil, err
		}
		s.CPU += cpu
		s.Peak += peakOf(pid)
	}
	if s.Broker, err = cpuOf(b.broker.process.PID); err != nil {
		return nil, err
	}
	s.Broker -= broker
	if s.Topics, err = b.topics(); err != nil {
		return nil, err
	}
	s.Others = (busy() - all0 - (b.own(append(r.Beside, r.PIDs...)) - own0)).Seconds() / s.Wall.Seconds()
	s.Disturbed = s.Others > othersAllowed
	if len(b.filled.Oracle.Calls) == 0 {
		return nil, errors.New("the log tells no call to its end: there is nothing to hold a result against")
	}
	return s, b.judge(e, s, r, dir)
}

// judge reads the result of an engine that has done its work, and what else is
// to be known of it.
func (b *Bench) judge(e *Engine, s *Sample, r *Running, dir string) error {
	if !b.whole && (e.Recovers || e.Wrong == nil) {
		return nil // the longer run will tell
	}
	if e.Recovers {
		r.Kill()
		var err error
		if s.Recovery, s.Wrong, err = b.recovery(e, dir); err != nil {
			return fmt.Errorf("recover %s: %w", e.Name, err)
		}
		s.Gate = s.Wrong
		return nil
	}
	var err error
	if s.Wrong, s.Gate, err = e.Wrong(b); err != nil {
		return fmt.Errorf("check %s: %w", e.Name, err)
	}
	if e.Fact == nil || !b.whole {
		return nil
	}
	if s.P50, s.P99, err = b.latency(e, r); err != nil {
		return fmt.Errorf("time the results of %s: %w", e.Name, err)
	}
	return nil
}

// topics looks what lies in the topics of Nabz.
func (b *Bench) topics() (map[string]Topic, error) {
	names := append(nabzTopics(), topicEvents)
	starts, err := b.admin.ListStartOffsets(b.ctx, names...)
	if err != nil {
		return nil, fmt.Errorf("list offsets: %w", err)
	}
	ends, err := b.admin.ListEndOffsets(b.ctx, names...)
	if err != nil {
		return nil, fmt.Errorf("list offsets: %w", err)
	}
	dirs, err := b.admin.DescribeAllLogDirs(b.ctx, nil)
	if err != nil {
		return nil, fmt.Errorf("look at the broker's disk: %w", err)
	}
	out := map[string]Topic{}
	for _, name := range names {
		t := Topic{}
		for partition, end := range ends[name] {
			if start, ok := starts.Lookup(name, partition); ok && end.Err == nil {
				t.Records += end.Offset - start.Offset
			}
		}
		dirs.Each(func(d kadm.DescribedLogDir) {
			for _, p := range d.Topics[name] {
				t.Bytes += p.Size
			}
		})
		if t.Records > 0 {
			out[name] = t
		}
	}
	return out, nil
}

// own is the CPU time of the processes that belong to the measurement.
func (b *Bench) own(pids []int) time.Duration {
	sum := time.Duration(0)
	for _, pid := range append([]int{os.Getpid(), b.broker.process.PID}, pids...) {
		if cpu, err := cpuOf(pid); err == nil {
			sum += cpu
		}
	}
	return sum
}

// Figures are what two runs say, the shorter taken from the longer: what
// starting and warming up takes is in both.
type Figures struct {
	Engine    string  `json:"engine"`
	PerCPU    float64 `json:"events_per_cpu_second"`
	PerSecond float64 `json:"events_per_second"`
	Peak      int64   `json:"peak_memory_bytes"`
	Wrong     int     `json:"cells_that_differ_from_the_events"`
	Gate      int     `json:"cells_that_differ_from_what_it_is_held_to"`
	P50       float64 `json:"event_to_result_p50_ms,omitempty"`
	P99       float64 `json:"event_to_result_p99_ms,omitempty"`
	Recovery  float64 `json:"recovery_seconds,omitempty"`
	// Broker is what the broker's CPU makes of events, and Topics what lies in
	// the topics of Nabz behind the longer run.
	Broker    float64          `json:"events_per_cpu_second_of_the_broker,omitempty"`
	Topics    map[string]Topic `json:"topics,omitempty"`
	Disturbed bool             `json:"disturbed"`
	Failed    string           `json:"failed,omitempty"` // why there are no figures
}

func figures(e *Engine, short, long *Sample) Figures {
	events := float64(long.Events - short.Events)
	return Figures{
		Engine: e.Name, PerCPU: events / (long.CPU - short.CPU).Seconds(), PerSecond: events / (long.Wall - short.Wall).Seconds(),
		Peak: max(long.Peak, short.Peak), Wrong: long.Wrong, Gate: short.Gate + long.Gate,
		P50: long.P50, P99: long.P99, Recovery: long.Recovery,
		Broker: events / max(long.Broker-short.Broker, 1).Seconds(), Topics: long.Topics, Disturbed: short.Disturbed || long.Disturbed,
	}
}

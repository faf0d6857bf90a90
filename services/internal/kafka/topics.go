package kafka

import (
	"strconv"
	"time"
)

// The names of the topics.
const (
	TopicEvents      = "nabz.events.v1"
	TopicFacts       = "nabz.facts.v1"
	TopicPanes       = "nabz.panes.v1"
	TopicState       = "nabz.state.v1"
	TopicValues      = "nabz.values.v1"
	TopicVerdicts    = "nabz.verdicts.v1"
	TopicIncidents   = "nabz.incidents.v1"
	TopicDeadLetters = "nabz.events.v1.dlq"
)

// DefaultPartitions suits one machine: a task is a partition, so this bounds
// how many cores can process. A cluster takes 32 or more. It is fixed when
// topics are made.
const DefaultPartitions = 8

// Topic is one topic as it should be.
type Topic struct {
	Name       string
	Doc        string // what is in it, and who writes and reads it
	Partitions int
	Settings   []Setting
}

// Setting is one setting of a topic with the reason for its value.
type Setting struct {
	Name, Value, Reason string
}

// Sizing is what differs between installations.
type Sizing struct {
	Partitions int   // of every topic, ≥ 1; 0 means DefaultPartitions
	LogCap     int64 // bytes a partition may keep, 0: no bound but time
}

// How long a topic keeps its records.
const (
	eventsKept = 7 * 24 * time.Hour
	rowsKept   = 3 * 24 * time.Hour
	lettersFor = 30 * 24 * time.Hour
)

// segmentParts is into how many segments a capped partition is cut: whole
// segments are deleted, so the cap is held to within a quarter.
const segmentParts = 4

// minSegment is the least segment that real brokers take.
const minSegment = 1 << 20

// Catalogue lists every topic of an installation of that size.
func Catalogue(s Sizing) []Topic {
	if s.Partitions <= 0 {
		s.Partitions = DefaultPartitions
	}
	topic := func(name, doc string, keep Setting) Topic {
		settings := []Setting{
			{"cleanup.policy", "delete", "an append-only log: compaction would lose the order and the past"},
			{"compression.type", "producer", "brokers pass on what producers packed"},
			{"max.message.bytes", strconv.Itoa(maxBatch + 48_588), "one batch of a producer and its header"},
			{"message.timestamp.type", "CreateTime", "the collector's clock; no number is made of it"},
			keep,
		}
		if s.LogCap > 0 {
			settings = append(settings,
				Setting{"retention.bytes", strconv.FormatInt(s.LogCap, 10), "a single machine's disk is bounded"},
				Setting{"segment.bytes", strconv.FormatInt(max(s.LogCap/segmentParts, minSegment), 10), "whole segments are deleted"})
		}
		return Topic{Name: name, Doc: doc, Partitions: s.Partitions, Settings: settings}
	}
	state := topic(TopicState, "Claims and checkpoints of the tasks, partition by partition; owners delete what lies before a checkpoint.",
		Setting{"retention.ms", "-1", "time must not delete what a restore needs"})
	state.Settings = withoutCap(state.Settings)
	return []Topic{
		topic(TopicEvents, "Every event, once for each entity it concerns, and the clock records. Written by collectors and, pulses, by processors.",
			keep(eventsKept, "a processor may be away for days; older events are in ClickHouse")),
		topic(TopicFacts, "Facts, rejects and progress. Written by processors, read by loaders.",
			keep(rowsKept, "the longest time without ClickHouse that loses nothing")),
		topic(TopicPanes, "Panes and progress. Written by processors, read by loaders and boards.",
			keep(rowsKept, "the longest time without ClickHouse that loses nothing")),
		state,
		topic(TopicValues, "Readings: what each KPI is over rolling windows, as people see it, and behind them how far the clock is. Written by processors, read by gateways, and by loaders for the record of what was shown.",
			keep(rowsKept, "the longest time without ClickHouse that loses nothing")),
		topic(TopicVerdicts, "Verdicts: what is known of deadlines and rules, those of a tenant in one partition, and progress. Written by processors, read by alerters, gateways and loaders.",
			keep(rowsKept, "the longest time without ClickHouse that loses nothing")),
		topic(TopicIncidents, "Incidents and what became of their messages: the outbox of alerters. Read by alerters, gateways and loaders.",
			keep(eventsKept, "an incident that lasts longer is told anew")),
		topic(TopicDeadLetters, "What could not be translated or loaded, with the reason.",
			keep(lettersFor, "people look at it, and not every week")),
	}
}

func keep(d time.Duration, reason string) Setting {
	return Setting{"retention.ms", strconv.FormatInt(d.Milliseconds(), 10), reason}
}

// withoutCap drops the bounds by size: a cap that cut into a checkpoint would
// cost a task its state.
func withoutCap(settings []Setting) []Setting {
	kept := settings[:0]
	for _, s := range settings {
		if s.Name != "retention.bytes" && s.Name != "segment.bytes" {
			kept = append(kept, s)
		}
	}
	return kept
}

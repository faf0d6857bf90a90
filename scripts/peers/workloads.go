package main

import (
	"fmt"
	"slices"
)

// workloads are all questions, each with the engines that answer it.
func workloads() []Workload {
	return []Workload{minutes(), sliding(), calls(), promises(), restores(), sinks(), growing()}
}

func nothing(*Bench) error { return nil }

// peers are Kafka Streams and Flink, each in two ways, with one workload.
func peers(workload string, wrong func(*Bench) (int, int, error)) []Engine {
	return []Engine{
		{Name: "Kafka Streams, exactly_once_v2", Short: "streams-eos", Prepare: prepareOut, Start: startStreams(workload, "exactly_once_v2"), Wrong: wrong},
		{Name: "Kafka Streams, at_least_once", Short: "streams-alo", Prepare: prepareOut, Start: startStreams(workload, "at_least_once"), Wrong: wrong},
		{Name: "Flink, state on the heap", Short: "flink-heap", Prepare: prepareOut, Start: startFlink(workload, "heap"), Wrong: wrong},
		{Name: "Flink, state in RocksDB", Short: "flink-rocksdb", Prepare: prepareOut, Start: startFlink(workload, "rocksdb"), Wrong: wrong},
	}
}

func minutes() Workload {
	return Workload{
		Short: "w1", Title: "Minute KPIs",
		Asks: "for each queue, channel and minute: contacts offered, answered, answered within 20 s and abandoned, sum and distribution (64 buckets) of waits, contacts handled and sum of talk",
		Engines: slices.Concat(
			[]Engine{
				{Name: "Nabz, the same KPIs", Short: "nabz", Prepare: prepareNabz, Start: startNabz("same"), Wrong: wrongMinutes},
				{Name: "Nabz, all KPIs", Short: "nabz-all", Prepare: prepareNabz, Start: startNabz(""), Wrong: wrongOffered},
			},
			peers("w1", wrongOut),
			[]Engine{{Name: "ClickHouse, Kafka engine and view", Short: "clickhouse", Prepare: nothing, Start: startHouse(minutesSQL), Wrong: wrongHouse}},
		),
	}
}

func sliding() Workload {
	return Workload{
		Short: "w2", Title: "Sliding windows",
		Asks: "the numbers of W1 for each window of five minutes that begins with a minute; Nabz writes minutes, of which five are added up when they are read (its boards do so all the time), the others write windows",
		Engines: slices.Concat(
			[]Engine{{Name: "Nabz, the same KPIs", Short: "nabz", Prepare: prepareNabz, Start: startNabz("same"), Wrong: wrongWindows}},
			peers("w2", wrongOutWindows),
		),
	}
}

func calls() Workload {
	return Workload{
		Short: "w3", Title: "Contact lifecycles", Wrapup: true,
		Asks: "one fact for each contact, of its four events: queue, channel, agent, outcome, when it began, wait, talk, after-contact work",
		Engines: slices.Concat(
			[]Engine{
				{Name: "Nabz, one KPI", Short: "nabz", Prepare: prepareNabz, Start: startNabz("least"), Wrong: wrongFacts, Fact: nabzFact, From: topicFacts},
				{Name: "Nabz, all KPIs", Short: "nabz-all", Prepare: prepareNabz, Start: startNabz(""), Wrong: wrongFacts, Fact: nabzFact, From: topicFacts},
			},
			telling(peers("w3", outCalls)),
			[]Engine{{Name: "ClickHouse, Kafka engine and view", Short: "clickhouse", Prepare: nothing, Start: startHouse(callsSQL), Wrong: houseCalls}},
		),
	}
}

func promises() Workload {
	return Workload{
		Short: "w4", Title: "Pending deadlines", Promises: true,
		Asks: "every contact that is not answered within 20 minutes, with the instant at which it was due; all contacts are pending at once, nine of ten are answered in time",
		Engines: slices.Concat(
			[]Engine{{Name: "Nabz", Short: "nabz", Prepare: prepareNabz, Start: startNabz("promise"), Wrong: wrongVerdicts}},
			peers("w4", outBroken),
		),
	}
}

// telling are the peers with the way to read what they tell of calls.
func telling(engines []Engine) []Engine {
	for i := range engines {
		engines[i].Fact, engines[i].From = outFact, topicOut
	}
	return engines
}

func restores() Workload {
	engines := telling(peers("w5", nil))
	engines = append([]Engine{{Name: "Nabz, one KPI", Short: "nabz", Prepare: prepareNabz, Start: startNabz("least"), Fact: nabzFact, From: topicFacts}}, engines...)
	for i := range engines {
		engines[i].Recovers = true
	}
	return Workload{
		Short: "w5", Title: "Many keys, killed and restored", Open: true, Engines: engines,
		Asks: "as W3, of contacts that all stay open, one event each; then the engine is killed, started again, and told the end of 2,000 of them: recovery is from the start to the first fact, and differing cells are facts told wrong of state that was restored",
	}
}

func sinks() Workload {
	return Workload{
		Short: "w6", Title: "The sink alone",
		Asks: "a row in ClickHouse for each event, with all its fields, so that one that is loaded twice is one row; the processes are those that load and the engine of ClickHouse, but for the line that says otherwise",
		Engines: []Engine{
			{Name: "Nabz loader and ClickHouse", Short: "nabz", Prepare: prepareNabz, Start: startLoader(true), Wrong: wrongRows("nabz_internal.events")},
			{Name: "Nabz loader, ClickHouse not counted", Short: "nabz-loader", Prepare: prepareNabz, Start: startLoader(false), Wrong: wrongRows("nabz_internal.events")},
			{Name: "ClickHouse, Kafka engine and view", Short: "clickhouse", Prepare: nothing, Start: startHouse(sinkSQL), Wrong: wrongRows("peers.sink")},
		},
	}
}

// growing splits the work of W1 over several processors, all on the engine's
// cores: how much more of them an event takes is what the splitting costs.
func growing() Workload {
	w := Workload{
		Short: "w7", Title: "Several processors",
		Asks: "W1 with all KPIs by one, two and three processors of one group, which share the partitions and the core; the CPU time is that of all of them",
	}
	for n, name := range []string{"one processor", "two processors", "three processors"} {
		w.Engines = append(w.Engines, Engine{Name: "Nabz, " + name, Short: fmt.Sprintf("nabz-%d", n+1), Prepare: prepareNabz, Start: several(n+1, startNabz("")), Wrong: wrongOffered})
	}
	return w
}

package main

// workloads are all questions, each with the engines that answer it.
func workloads() []Workload {
	return []Workload{minutes()}
}

func minutes() Workload {
	return Workload{
		Short: "w1", Title: "Minute KPIs",
		Asks: "for each queue, channel and minute: contacts offered, answered, answered within 20 s and abandoned, sum and distribution (64 buckets) of waits, contacts handled and sum of talk",
		Engines: []Engine{
			{Name: "Nabz, the same KPIs", Short: "nabz", Prepare: prepareNabz, Start: startNabz(true), Wrong: wrongMinutes},
			{Name: "Nabz, all KPIs", Short: "nabz-all", Prepare: prepareNabz, Start: startNabz(false), Wrong: wrongOffered},
			{Name: "Kafka Streams, exactly_once_v2", Short: "streams-eos", Prepare: prepareOut, Start: startStreams("w1", "exactly_once_v2"), Wrong: wrongOut},
			{Name: "Kafka Streams, at_least_once", Short: "streams-alo", Prepare: prepareOut, Start: startStreams("w1", "at_least_once"), Wrong: wrongOut},
			{Name: "Flink, state on the heap", Short: "flink-heap", Prepare: prepareOut, Start: startFlink("w1", "heap"), Wrong: wrongOut},
			{Name: "Flink, state in RocksDB", Short: "flink-rocksdb", Prepare: prepareOut, Start: startFlink("w1", "rocksdb"), Wrong: wrongOut},
		},
	}
}

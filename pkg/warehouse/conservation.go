package warehouse

import "fmt"

// The tables that conservation is seen from.
const (
	Tallies     = "tallies"
	DeadLetters = "dead_letters"
)

func talliesTable() Table {
	return Table{
		Name: Tallies,
		Comment: "What each collector took of each tenant in each minute, by its own count: what must be found again in events, rejects and dead letters. " +
			"Ordered and cut by time, as it is compared.",
		Columns: []Column{
			{"tenant", typeWord, "", "The tenant."},
			{"minute", "DateTime('UTC')", codecTime, "Start of the minute of receipt, UTC."},
			{"collector", "String", codecPlain, "One start of one collector."},
			{"events", "Int64", codecSmall, "Events accepted."},
			{"records", "Int64", codecSmall, "Records that Kafka acknowledged: one for each entity that an event concerns."},
			{"dead_letters", "Int64", codecSmall, "Events refused and kept as dead letters."},
			{"refused", "Int64", codecSmall, "Events that the key may not send, not kept."},
			{"unacknowledged", "Int64", codecSmall, "Records and dead letters of which it is not known whether Kafka has them; their senders were told to send again."},
			{"version", "Int64", codecPlain, "Of the count; the greatest stands."},
		},
		Version:   "version",
		Partition: "toYYYYMM(minute)",
		Order:     []string{"minute", "tenant", "collector"},
	}
}

func deadLettersTable() Table {
	return Table{
		Name:    DeadLetters,
		Comment: "One row for each dead letter, without what was in it: that stays on Kafka, and is let go of there. Ordered and cut by time, as it is counted.",
		Columns: []Column{
			{"tenant", typeWord, "", "The tenant; empty where it could not be read."},
			{"received_at", typeInstant, codecTime, "When it was received, UTC."},
			{"stage", typeWord, "", "Who refused it: collector or loader."},
			{"reason", typeWord, "", "Why."},
			{"error", "String", codecPlain, "Why, in a sentence that holds no values."},
			{"api_key", typeWord, "", "Name of the API key that sent it."},
			{"origin", typeWord, "", "Of the loader: the topic whose record could not be loaded."},
			{"partition", "Int32", codecPlain, "Partition of the letter on Kafka."},
			{"offset", "Int64", codecTime, "Offset of the letter on Kafka."},
		},
		Partition: "toYYYYMM(received_at)",
		Order:     []string{"received_at", "tenant", "partition", "offset"},
	}
}

func deadLettersView() Statement {
	return view("dead_letters", "Every event that was refused and kept, and every record that could not be loaded, and why. nabz dlq show prints what was in it.", []Column{
		{"time", "DateTime('UTC')", "", "When it was received, UTC."},
		{"date", "Date", "", "Its day, UTC."},
		{"tenant", typeWord, "", "The tenant; empty where it could not be read."},
		{"stage", typeWord, "", "Who refused it: collector or loader."},
		{"reason", typeWord, "", "Why."},
		{"error", "String", "", "Why, in a sentence that holds no values."},
		{"api_key", typeWord, "", "Name of the API key that sent it."},
		{"partition", "Int32", "", "Partition of the letter on Kafka."},
		{"offset", "Int64", "", "Offset of the letter on Kafka."},
	}, fmt.Sprintf("SELECT toDateTime(received_at, 'UTC') AS time, toDate(received_at) AS date, tenant, stage, reason, error, api_key, partition, offset\nFROM %s.%s FINAL",
		Internal, DeadLetters))
}

// conservationSettles is how long after a minute its counts may still come, s:
// requests end within 30 s, and a count is a second behind.
const conservationSettles = 40

// conservationView holds what collectors counted against what is loaded. The
// two share nothing but the minute of receipt: a record that was acknowledged
// and is nowhere makes difference negative.
func conservationView() Statement {
	return view("conservation", "What came in against what became of it, by minute of receipt and tenant, in records: in = accepted + duplicates + rejected + dead_lettered.", []Column{
		{"time", "DateTime('UTC')", "", "Start of the minute of receipt, UTC."},
		{"date", "Date", "", "Its day, UTC."},
		{"tenant", typeWord, "", "The tenant."},
		{"in", "Int64", "", "What the collectors counted: records acknowledged, dead letters, and events that the key may not send."},
		{"accepted", "Int64", "", "Records that are loaded and count."},
		{"duplicates", "Int64", "", "Records that are loaded and say again what is known."},
		{"rejected", "Int64", "", "Records that are loaded and have no effect, such as late ones, and events that the key may not send."},
		{"dead_lettered", "Int64", "", "Dead letters that are loaded, those of events that could not be loaded among them."},
		{"unacknowledged", "Int64", "", "Records of which the collectors do not know whether Kafka has them; the senders sent them again."},
		{"difference", "Int64", "", "What is loaded less what came in. Negative: something acknowledged is not there."},
		{"state", "String", "", "open: records of the minute may still be on their way. whole: in equals the sum, but for what was not acknowledged. " +
			"short: something acknowledged is missing. uncounted: more is loaded than was counted, as when a collector was killed before it told its count."},
	}, fmt.Sprintf(`SELECT minute AS time, toDate(minute) AS date, tenant, taken AS in, loaded - repeated - refused AS accepted, repeated AS duplicates,
  refused + forbidden AS rejected, letters AS dead_lettered, uncertain AS unacknowledged, loaded + forbidden + letters - taken AS difference,
  multiIf(addSeconds(minute, 60 + %[2]d) > (
    SELECT min(now) FROM (SELECT partition, max(now) AS now FROM %[1]s.progress FINAL WHERE topic = 'nabz.events.v1' AND feed = '' GROUP BY partition)
  ), 'open', difference < 0, 'short', difference > uncertain, 'uncounted', 'whole') AS state
FROM (
SELECT minute, tenant, sum(taken) AS taken, sum(loaded) AS loaded, sum(repeated) AS repeated, sum(refused) AS refused, sum(letters) AS letters,
  sum(forbidden) AS forbidden, sum(uncertain) AS uncertain
FROM (
SELECT minute, tenant, toInt64(records + dead_letters + t.refused) AS taken, toInt64(0) AS loaded, toInt64(0) AS repeated, toInt64(0) AS refused,
  toInt64(0) AS letters, t.refused AS forbidden, unacknowledged AS uncertain
FROM %[1]s.%[3]s AS t FINAL
UNION ALL
SELECT toStartOfMinute(toDateTime(received_at, 'UTC')) AS minute, tenant, 0, toInt64(count()), 0, 0, 0, 0, 0 FROM %[1]s.events FINAL GROUP BY minute, tenant
UNION ALL
SELECT toStartOfMinute(toDateTime(received_at, 'UTC')) AS minute, tenant, 0, 0, toInt64(countIf(reason IN ('repeat', 'superseded'))),
  toInt64(countIf(reason NOT IN ('repeat', 'superseded'))), 0, 0, 0
FROM %[1]s.rejects FINAL WHERE kind != '' GROUP BY minute, tenant
UNION ALL
SELECT toStartOfMinute(toDateTime(received_at, 'UTC')) AS minute, tenant, 0, 0, 0, 0, toInt64(count()), 0, 0
FROM %[1]s.%[4]s FINAL WHERE stage = 'collector' OR origin = 'nabz.events.v1' GROUP BY minute, tenant
) GROUP BY minute, tenant
)`, Internal, conservationSettles, Tallies, DeadLetters))
}

package loader_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/nabz/nabz/pkg/event"
	"github.com/nabz/nabz/pkg/row"
	"github.com/nabz/nabz/services/internal/kafka"
	"github.com/nabz/nabz/services/internal/testkit"
)

// TestConservation loads what three tenants sent in one minute, and what the
// collector says of it: of one all is there, of one a record is missing, and
// of one more is there than was counted.
func TestConservation(t *testing.T) {
	w := newWorld(t, testkit.Fake(t), kit.Engine(t))
	address, stop := w.load()
	minute := start / 60_000 * 60_000
	tally := func(tenant, collector string, version, records, letters, refused, uncertain int64) *kgo.Record {
		return record(kafka.TopicFacts, 0, row.Append(nil, &row.Tally{
			Tenant: tenant, Collector: collector, Minute: minute, Events: records, Records: records, DeadLetters: letters, Refused: refused, Unacknowledged: uncertain, Version: version,
		}))
	}
	of := func(tenant string, n int) *kgo.Record {
		e := event.Event{Tenant: tenant, Type: "contact.queued", Source: "s", ID: string(rune('a' + n)), UID: uid(n), Time: start, ReceivedAt: start, Kind: "contact", Entity: "c",
			Attrs: []event.Attr{{Number: event.FieldContactID, Text: "c", IsText: true}, {Number: event.FieldQueueID, Text: "q", IsText: true}}}
		return record(kafka.TopicEvents, 1, e.Append(nil))
	}
	reject := func(offset int64, reason string) *kgo.Record {
		return record(kafka.TopicFacts, 1, row.Append(nil, &row.Reject{Place: row.Place{Tenant: "whole", Partition: 1}, Offset: offset, Reason: reason, Kind: "contact", Entity: "c",
			Type: "contact.queued", Time: start, ReceivedAt: start, Version: 9}))
	}
	letter := record(kafka.TopicDeadLetters, 0, []byte("{}"))
	letter.Timestamp = time.UnixMilli(start)
	for name, value := range map[string]string{"dlq_tenant": "whole", "dlq_stage": "collector", "dlq_reason": "bad_json", "dlq_error": "bad_json: no object", "dlq_api_key": "pbx"} {
		letter.Headers = append(letter.Headers, kgo.RecordHeader{Key: name, Value: []byte(value)}, kgo.RecordHeader{Key: name, Value: []byte("again")})
	}
	w.send(
		of("whole", 0), of("whole", 1), of("whole", 2), of("whole", 3), reject(1, row.Repeat), reject(2, row.BelowHorizon), letter,
		tally("whole", "one", 1, 1, 0, 0, 0), tally("whole", "one", 5, 2, 1, 1, 0), tally("whole", "two", 1, 2, 0, 0, 0),
		of("short", 4), tally("short", "one", 1, 2, 0, 0, 0),
		of("more", 5), of("more", 6), of("more", 7), tally("more", "one", 1, 1, 0, 0, 1),
	)
	of1 := fmt.Sprintf("SELECT count() FROM nabz.conservation WHERE time = toDateTime(%d, 'UTC') AND ", minute/1000)
	w.count(1, of1+"tenant = 'whole' AND state = 'open' AND `in` = 6 AND accepted = 2 AND duplicates = 1 AND rejected = 2 AND dead_lettered = 1 AND difference = 0")
	pulse := event.Event{Type: event.TypePulse, Time: minute + 120_000, ReceivedAt: minute + 120_000}
	w.send(record(kafka.TopicEvents, 1, pulse.Append(nil)))
	w.count(1, of1+"tenant = 'whole' AND state = 'whole'")
	w.count(1, of1+"tenant = 'short' AND state = 'short' AND difference = -1")
	w.count(1, of1+"tenant = 'more' AND state = 'uncounted' AND difference = 2 AND unacknowledged = 1")
	w.count(1, "SELECT count() FROM nabz.dead_letters WHERE tenant = 'whole' AND reason = 'bad_json' AND stage = 'collector' AND error = 'bad_json: no object' AND api_key = 'pbx'")
	w.metrics(address, `nabz_loader_lag_records{topic="nabz.events.v1"} 0`, `nabz_loader_lag_seconds{topic="nabz.events.v1"} 0`,
		`nabz_loader_last_record_timestamp_seconds{topic="nabz.events.v1.dlq"} 9.18e+08`)
	stop()
}

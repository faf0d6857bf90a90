package loader_test

import (
	"testing"

	"github.com/nabz/nabz/pkg/row"
	"github.com/nabz/nabz/services/internal/kafka"
	"github.com/nabz/nabz/services/internal/testkit"
)

// TestWhatWasShown loads what is kept of readings, and lets the others by.
func TestWhatWasShown(t *testing.T) {
	w := newWorld(t, testkit.Fake(t), kit.Engine(t))
	_, stop := w.load()
	windows := func(v float64) []row.Window {
		return []row.Window{
			{Name: "15m", From: start - 840_000, Numbers: []row.Number{{Name: "value", Value: v}, {Name: "count", Value: 8}, {Name: "genesys", Value: 0.5}}},
			{Name: "today", From: start - 3_600_000, Numbers: []row.Number{{Name: "count", Value: 0}}},
		}
	}
	reading := func(version, kept int64, v float64) []byte {
		return row.Append(nil, &row.Reading{
			Place: row.Place{Tenant: "shown", Epoch: 1, Partition: 1}, KPI: "service_level", Scope: []string{"queue", "channel"}, Dims: []string{`a"b`, ""},
			AsOf: start + 59_500, ChangedAt: start + 30_000, Version: version, Kept: kept, Windows: windows(v),
		})
	}
	odd := row.Append(nil, &row.Reading{Place: row.Place{Tenant: "shown"}, Scope: []string{"queue"}, Kept: start, Windows: windows(1)})
	w.send(
		record(kafka.TopicValues, 1, reading(7, start, 0.75)),
		record(kafka.TopicValues, 1, reading(5, start, 0.25)), // of a board that had read less
		record(kafka.TopicValues, 1, reading(8, 0, 0.875)),    // it passes by
		record(kafka.TopicValues, 1, row.Append(nil, &row.Progress{Position: 9, Now: start, State: row.Open})),
		record(kafka.TopicValues, 1, odd),
		record(kafka.TopicValues, 1, reading(9, start+60_000, 1)),
	)
	w.count(4, "SELECT count() FROM nabz.kpi_shown WHERE tenant = 'shown'")
	w.count(1, `SELECT count() FROM nabz.kpi_shown WHERE tenant = 'shown' AND window = '15m' AND time = toDateTime('1999-02-03 00:01:00', 'UTC')
		AND value = 0.75 AND count = 8 AND numerator IS NULL AND numbers['genesys'] = 0.5 AND queue = 'a"b' AND channel = '' AND scope = 'queue,channel' AND toUnixTimestamp64Milli(as_of) = 918000059500`)
	w.count(0, "SELECT count() FROM nabz_internal.progress WHERE topic = 'nabz.values.v1'")
	w.commits(6)
	stop()
}

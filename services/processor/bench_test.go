package processor_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/nabz/nabz/pkg/board"
	"github.com/nabz/nabz/pkg/row"
	"github.com/nabz/nabz/services/internal/catalog"
)

// BenchmarkBoard shows a busy center: twenty queues of four channels, every
// task with new rows of each for two minutes and a quarter of an hour in every
// tenth of a second. One operation is such a round: its rows are stepped and
// the readings made of them. With 5,000 events a second a round is 500 events.
func BenchmarkBoard(b *testing.B) {
	const tasks, queues, channels, history = 8, 20, 4, 60
	c, err := catalog.Load()
	if err != nil {
		b.Fatal(err)
	}
	day := func(ms int64) int64 { return ms / 86_400_000 * 86_400_000 }
	machine := board.New(board.Config{KPIs: c.KPIs, Tasks: tasks, DayStart: day})
	family := c.Family("queue_segment")
	var cells []row.Cell
	for _, m := range c.KPIs.Measures(family.Name) {
		for _, p := range m.Parts() {
			cells = append(cells, row.Cell{Part: p.ID, Value: 7})
		}
	}
	offset := int64(0)
	step := func(r row.Row) {
		if err := machine.Step(offset, row.Append(nil, r)); err != nil {
			b.Fatal(err)
		}
		offset++
	}
	now := int64(1_700_049_600_000)
	panes := func(grain int32, bucket int64) {
		for task := range int32(tasks) {
			for g := range queues * channels {
				for i := range cells {
					cells[i].Value++
				}
				step(&row.Pane{
					Place: row.Place{Tenant: "t", Epoch: 1, Partition: task}, Family: family.Name, Grain: grain, Bucket: bucket,
					Dims: []string{fmt.Sprint("queue-", g/channels), fmt.Sprint("channel-", g%channels)}, Version: offset, Cells: cells,
				})
			}
		}
	}
	clock := func() {
		for task := range int32(tasks) {
			step(&row.Progress{Place: row.Place{Epoch: 1, Partition: task}, Position: offset, Now: now, State: row.Open})
		}
	}
	for range history {
		panes(60, now/60_000*60_000)
		panes(900, now/900_000*900_000)
		now += 60_000
	}
	clock()
	readings, bytes := 0, 0
	var stepping, showing time.Duration
	show := func() {
		machine.Readings(func(r *row.Reading) {
			readings++
			bytes += len(row.Append(nil, r))
		})
	}
	show()
	readings, bytes = 0, 0
	b.ReportAllocs()
	for b.Loop() {
		began := time.Now()
		now += 100
		panes(60, now/60_000*60_000)
		panes(60, now/60_000*60_000-60_000)
		panes(900, now/900_000*900_000)
		clock()
		stepped := time.Now()
		show()
		stepping, showing = stepping+stepped.Sub(began), showing+time.Since(stepped)
	}
	b.ReportMetric(float64(stepping.Microseconds())/1000/float64(b.N), "ms-step/round")
	b.ReportMetric(float64(showing.Microseconds())/1000/float64(b.N), "ms-show/round")
	b.ReportMetric(float64(readings)/float64(b.N), "readings/round")
	b.ReportMetric(float64(bytes)/float64(readings), "B/reading")
}

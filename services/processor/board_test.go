package processor_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest"

	"github.com/nabz/nabz/pkg/board"
	"github.com/nabz/nabz/pkg/kpi"
	"github.com/nabz/nabz/pkg/row"
	"github.com/nabz/nabz/services/internal/catalog"
	"github.com/nabz/nabz/services/internal/kafka"
	"github.com/nabz/nabz/services/internal/testkit"
	"github.com/nabz/nabz/services/processor"
)

// TestBoards lets processors come and go while a history arrives: what is read
// of the readings in the end is what one board makes of all panes in one go.
func TestBoards(t *testing.T) {
	brokers := cluster(t)
	log := zaptest.NewLogger(t, zaptest.Level(zap.WarnLevel))
	first := start(t, brokers, "first", log)
	fill(t, brokers)
	second := start(t, brokers, "second", log)
	first()
	settle(t, brokers)
	second() // all that it knew is written
	defer start(t, brokers, "third", log)()
	c, err := catalog.Load()
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{}
	for p, values := range everything(t, brokers, kafka.TopicPanes) {
		b := board.New(board.Config{KPIs: c.KPIs, Partition: p, Tasks: partitions, DayStart: func(ms int64) int64 { return ms / 86_400_000 * 86_400_000 }})
		for i, v := range values {
			if err := b.Step(int64(i), v); err != nil {
				t.Fatal(err)
			}
		}
		b.Readings(func(r *row.Reading) { want[key(r)] = fmt.Sprint(r.Windows) })
	}
	if len(want) < 20 {
		t.Fatalf("only %d readings are expected", len(want))
	}
	newest := map[string]*row.Reading{}
	rows(t, testkit.Context(t), brokers, kafka.TopicValues, func(_ *kgo.Record, r row.Row) bool {
		x, ok := r.(*row.Reading)
		if !ok {
			return true
		}
		if was := newest[key(x)]; was == nil || x.Version > was.Version || x.Version == was.Version && x.AsOf >= was.AsOf {
			newest[key(x)] = x
		}
		for k, w := range want {
			if newest[k] == nil || fmt.Sprint(newest[k].Windows) != w {
				return true
			}
		}
		return false
	})
}

func key(r *row.Reading) string { return fmt.Sprint(r.Tenant, r.KPI, r.Scope, r.Dims) }

// evening names a zone in which it is evening, so that a day is behind us.
func evening() string {
	ahead := (18 - time.Now().UTC().Hour() + 36) % 24
	return fmt.Sprintf("Etc/GMT%+d", 12-ahead) // POSIX: east is minus
}

// counted is a row of a pane that counts what was offered.
func counted(t *testing.T, c *catalog.Catalog, grain int32, at time.Time, n int64) *kgo.Record {
	t.Helper()
	d, ok := c.KPIs.Definition("offered")
	if !ok {
		t.Fatal("no KPI offered")
	}
	m := d.Measure(d.Values[0].Expr.(kpi.Ref).Measure)
	bucket := at.Truncate(time.Duration(grain) * time.Second).UnixMilli()
	r := &row.Pane{
		Place: row.Place{Tenant: "day", Epoch: catalog.Epoch}, Family: m.Family.Name, Grain: grain, Bucket: bucket,
		Dims: slices.Repeat([]string{"x"}, len(m.Family.Dims)), Version: 1, Cells: []row.Cell{{Part: m.Parts()[0].ID, Value: n}},
	}
	return &kgo.Record{Topic: kafka.TopicPanes, Partition: 1, Value: row.Append(nil, r), Timestamp: at}
}

// TestBoardReadsTheDay begins a board whose log holds the day's morning, and
// one whose log has lost it.
func TestBoardReadsTheDay(t *testing.T) {
	c, err := catalog.Load()
	if err != nil {
		t.Fatal(err)
	}
	zone, err := time.LoadLocation(evening())
	if err != nil {
		t.Fatal(err)
	}
	y, m, d := time.Now().In(zone).Date()
	for _, lost := range []bool{false, true} {
		t.Run(fmt.Sprint("lost ", lost), func(t *testing.T) {
			brokers := cluster(t)
			now := time.Now()
			morning, later := now.Add(-5*time.Hour), now.Add(-3*time.Hour)
			client := open(t, brokers)
			defer client.Close()
			for _, r := range []*kgo.Record{counted(t, c, 900, morning, 5), counted(t, c, 900, later, 4), counted(t, c, 900, later.Add(30*time.Minute), 2), counted(t, c, 60, now, 1), counted(t, c, 900, now, 1)} {
				if err := client.ProduceSync(t.Context(), r).FirstErr(); err != nil {
					t.Fatal(err)
				}
			}
			want, from := 12.0, time.Date(y, m, d, 0, 0, 0, 0, zone).UnixMilli()
			if lost {
				var offsets kadm.Offsets
				offsets.AddOffset(kafka.TopicPanes, 1, 1, -1)
				if _, err := kadm.NewClient(client).DeleteRecords(t.Context(), offsets); err != nil {
					t.Fatal(err)
				}
				// The quarter in which the log begins is not whole.
				want, from = 3, later.Add(time.Minute).Truncate(15*time.Minute).Add(15*time.Minute).UnixMilli()
			}
			conf := processor.Default()
			conf.Kafka, conf.Zone = brokers, zone.String()
			s, err := processor.New(conf, zaptest.NewLogger(t, zaptest.Level(zap.WarnLevel)))
			if err != nil {
				t.Fatal(err)
			}
			ctx := testkit.Context(t)
			ended := make(chan error, 1)
			work, stop := context.WithCancel(ctx)
			go func() { ended <- s.Run(work) }()
			rows(t, ctx, brokers, kafka.TopicValues, func(_ *kgo.Record, r row.Row) bool {
				x, ok := r.(*row.Reading)
				if !ok || x.KPI != "offered" || len(x.Scope) > 0 {
					return true
				}
				today := x.Windows[len(x.Windows)-1]
				if v := today.Numbers[0].Value; v == want && today.From != from {
					t.Errorf("today is from %v, should be from %v", time.UnixMilli(today.From).UTC(), time.UnixMilli(from).UTC())
				}
				return today.Numbers[0].Value != want
			})
			stop()
			if err := <-ended; err != nil {
				t.Error(err)
			}
		})
	}
}

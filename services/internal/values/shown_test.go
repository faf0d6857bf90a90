package values_test

import (
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/nabz/nabz/services/internal/catalog"
	"github.com/nabz/nabz/services/internal/clickhouse"
	"github.com/nabz/nabz/services/internal/testkit"
	"github.com/nabz/nabz/services/internal/values"
)

var kit testkit.Kit

func TestMain(m *testing.M) { os.Exit(kit.Run(m)) }

func open(t *testing.T) (clickhouse.Conn, *catalog.Catalog) {
	t.Helper()
	conn, err := clickhouse.Open(kit.Engine(t).URL("nabz"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	c, err := catalog.Load()
	if err != nil {
		t.Fatal(err)
	}
	model := c.Warehouse("UTC", 1)
	if err := clickhouse.Migrate(t.Context(), conn, clickhouse.Schema{Tables: model.Tables(), Views: model.Views()}, io.Discard); err != nil {
		t.Fatal(err)
	}
	return conn, c
}

// TestAsShown holds what was shown beside what is true by the panes, which a
// late event has changed since.
func TestAsShown(t *testing.T) {
	conn, c := open(t)
	d, _ := c.KPIs.Definition("offered")
	offered := d.Measures[0].Measure.Parts()[0].Column
	w, _ := c.KPIs.Definition("waiting")
	parts := w.Measures[0].Measure.Parts()
	s, _ := c.KPIs.Definition("staffed_time")
	there := s.Measures[0].Measure.Parts()[0].Column
	for _, sql := range []string{
		"INSERT INTO nabz_internal.progress (tenant, feed, epoch, topic, partition, position, now, state) VALUES ('', '', 1, 'nabz.panes.v1', 0, 9, '2026-03-02 12:30:30', 'open')",
		fmt.Sprintf("INSERT INTO nabz_internal.pane_queue_segment (tenant, epoch, grain, bucket, queue, channel, version, %s, %s, %s) VALUES "+
			"('t', 1, 60, '2026-03-02 12:00:00', 'sales', 'voice', 1, 3, 60000, 2), ('t', 1, 60, '2026-03-02 12:02:00', 'sales', 'chat', 1, 4, 120000, 5), "+
			"('t', 1, 60, '2026-03-02 12:02:00', 'help', 'voice', 1, 8, 0, 0)", offered, parts[0].Column, parts[1].Column),
		fmt.Sprintf("INSERT INTO nabz_internal.pane_login_span (tenant, epoch, grain, bucket, agent, team, version, %s) VALUES "+
			"('t', 1, 60, '2026-03-02 12:01:00', 'amy', 'one', 1, 60000), ('t', 1, 60, '2026-03-02 12:02:00', 'amy', 'one', 1, 30000)", there),
		"INSERT INTO nabz_internal.shown_reading (tenant, kpi, window, minute, scope, dims, as_of, numbers) VALUES " +
			"('t', 'offered', '5m', '2026-03-02 12:01:00', 'queue', '[\"sales\"]', '2026-03-02 12:01:59.500', map('value', 3)), " +
			"('t', 'offered', '5m', '2026-03-02 12:02:00', 'queue', '[\"sales\"]', '2026-03-02 12:02:59.500', map('value', 6)), " +
			"('t', 'offered', '5m', '2026-03-02 12:05:00', 'queue', '[\"sales\"]', '2026-03-02 12:05:59.500', map('value', 4)), " +
			"('t', 'offered', 'today', '2026-03-02 12:05:00', 'queue', '[\"sales\"]', '2026-03-02 12:05:59.500', map('value', 7)), " +
			"('t', 'offered', '5m', '2026-03-02 12:09:00', 'queue', '[\"sales\"]', '2026-03-02 12:09:59.500', map('count', 0)), " +
			"('t', 'offered', '5m', '2026-03-02 12:02:00', '', '[]', '2026-03-02 12:02:59.500', map('value', 14)), " +
			"('t', 'staffed_time', '5m', '2026-03-02 12:02:00', '', '[]', '2026-03-02 12:02:59.500', map('value', 90)), " +
			"('t', 'staffed_time', 'today', '2026-03-02 12:02:00', '', '[]', '2026-03-02 12:02:59.500', map('value', 90)), " +
			"('t', 'waiting', 'today', '2026-03-02 12:02:00', '', '[]', '2026-03-02 12:02:59.500', map('mean', 0.004149377593360996)), " +
			"('t', 'waiting', '5m', '2026-03-02 12:02:00', '', '[]', '2026-03-02 12:02:59.500', map('value', 5, 'mean', 0.6))",
	} {
		if err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	f := func(r values.Request, window, want string) {
		t.Helper()
		r.Zone, r.WeekStart, r.Tenant = "UTC", 1, "t"
		sql, err := values.AsShown(c.Warehouse("UTC", 1), r, window)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		err = values.Rows(t.Context(), conn, sql, func(r values.Row) error {
			got = append(got, strings.ReplaceAll(strings.Trim(fmt.Sprint(r.Values), "[]"), "2026-03-02T", ""))
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if strings.Join(got, "\n") != want {
			t.Errorf("%s of %s:\n%s\nwant:\n%s", window, r.KPI, strings.Join(got, "\n"), want)
		}
	}
	f(values.Request{KPI: "offered", By: []string{"queue"}}, "5m",
		"12:02:00Z t sales 3 12:01:59.500Z 3 0\n"+
			"12:03:00Z t sales 6 12:02:59.500Z 7 -1\n"+
			"12:06:00Z t sales 4 12:05:59.500Z 4 0\n"+
			"12:10:00Z t sales <nil> 12:09:59.500Z <nil> <nil>")
	f(values.Request{KPI: "offered", By: []string{"queue"}, From: "2026-03-02T12:03:00Z", To: "2026-03-02T12:04:00Z"}, "5m",
		"12:03:00Z t sales 6 12:02:59.500Z 7 -1")
	f(values.Request{KPI: "offered", By: []string{"queue"}}, "today", "12:06:00Z t sales 7 12:05:59.500Z 7 0")
	f(values.Request{KPI: "offered"}, "5m", "12:03:00Z t 14 12:02:59.500Z 15 -1")
	f(values.Request{KPI: "waiting"}, "5m", "12:03:00Z t 5 12:02:59.500Z 5 0")
	f(values.Request{KPI: "waiting.mean"}, "5m", "12:03:00Z t 0.6 12:02:59.500Z 0.6 0")
	// Three minutes of the 723 since midnight.
	f(values.Request{KPI: "waiting.mean"}, "today", "12:03:00Z t 0.004149377593360996 12:02:59.500Z 0.004149377593360996 0")
	// Time is of the whole window, not of a minute of it.
	f(values.Request{KPI: "staffed_time"}, "5m", "12:03:00Z t 90 12:02:59.500Z 90 0")
	f(values.Request{KPI: "staffed_time"}, "today", "12:03:00Z t 90 12:02:59.500Z 90 0")
}

// TestAsShownOfEveryKPI runs the query of every formula and window.
func TestAsShownOfEveryKPI(t *testing.T) {
	conn, c := open(t)
	model := c.Warehouse("Asia/Tehran", 6)
	for _, d := range c.KPIs.Definitions {
		if !d.Live() {
			if _, err := values.AsShown(model, values.Request{KPI: d.Name, Zone: "UTC", WeekStart: 1}, "15m"); err == nil || !strings.Contains(err.Error(), "never on a wall") {
				t.Errorf("%s: %v", d.Name, err)
			}
			continue
		}
		scope := d.Scopes()[len(d.Scopes())-1]
		for _, v := range d.Values {
			r := values.Request{KPI: strings.TrimSuffix(d.Name+"."+v.Name, "."), Zone: "Asia/Tehran", WeekStart: 6, By: scope, From: "2026-03-02", To: "2026-03-03"}
			for _, window := range []string{"15m", "today"} {
				sql, err := values.AsShown(model, r, window)
				if err != nil {
					t.Fatal(err)
				}
				if err := values.Rows(t.Context(), conn, sql, func(values.Row) error { return nil }); err != nil {
					t.Errorf("%s, %s: %v", r.KPI, window, err)
				}
			}
		}
	}
}

func TestAsShownRefuses(t *testing.T) {
	c, err := catalog.Load()
	if err != nil {
		t.Fatal(err)
	}
	for words, change := range map[string]func(*values.Request, *string){
		`no window "20m"`:    func(_ *values.Request, w *string) { *w = "20m" },
		"was never shown":    func(r *values.Request, _ *string) { r.Feed = "old" },
		`no KPI "ofered"`:    func(r *values.Request, _ *string) { r.KPI = "ofered" },
		"that --by names":    func(r *values.Request, _ *string) { r.Where = []string{"queue=x"} },
		"has no dimension":   func(r *values.Request, _ *string) { r.By = []string{"agent"} },
		"is no time":         func(r *values.Request, _ *string) { r.From = "soon" },
		"has no variant":     func(r *values.Request, _ *string) { r.KPI = "offered.x" },
		"write dimension=va": func(r *values.Request, _ *string) { r.Where = []string{"queue"} },
	} {
		r, window := values.Request{KPI: "offered", Zone: "UTC", WeekStart: 1}, "15m"
		change(&r, &window)
		if _, err := values.AsShown(c.Warehouse("UTC", 1), r, window); err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("error %v, want %q", err, words)
		}
	}
}

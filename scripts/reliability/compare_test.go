package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// stored answers queries with rows, by a word of the query.
func stored(t *testing.T, truth *truth, rows map[string]string) *comparison {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		query, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		for word, answer := range rows {
			if strings.Contains(string(query), word) {
				fmt.Fprint(w, answer)
				return
			}
		}
	}))
	t.Cleanup(server.Close)
	c, err := newComparison(engineReady{HTTP: server.URL, URL: "clickhouse://a:b@127.0.0.1:1/nabz"}, truth)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestComparisonFindsFaults holds that the oracle notices what is lost, what is
// there twice, what was never sent, and what is wrong.
func TestComparisonFindsFaults(t *testing.T) {
	from := int64(1_800_000_000_000)
	e := &acked{id: "a.0", tenant: "tenant-0", contact: "a", time: from, sent: from, acked: from + 5}
	left := &acked{id: "a.1", tenant: "tenant-0", contact: "a", time: from + 200_000, sent: from + 200_000, acked: from + 200_005}
	truth := &truth{
		events: map[string]*acked{"tenant-0 a.0": e, "tenant-0 a.1": left}, lost: map[string]bool{},
		waits: []*wait{{tenant: "tenant-0", contact: "a", queue: "q", channel: "voice", from: from, to: from + 200_000, outcome: "answered", queued: e, left: left}},
	}
	minute := fmt.Sprint(from / 60_000 * 60)
	for _, c := range []struct {
		what string
		rows map[string]string
		want int
		of   func(*comparison) (check, error)
	}{
		{"all of it", map[string]string{"FROM events": "tenant-0\ta.0\ntenant-0\ta.1\n", "rejected": "0\n"}, 0, events},
		{"one lost", map[string]string{"FROM events": "tenant-0\ta.0\n", "rejected": "0\n"}, 1, events},
		{"one twice", map[string]string{"FROM events": "tenant-0\ta.0\ntenant-0\ta.0\ntenant-0\ta.1\n", "rejected": "0\n"}, 1, events},
		{"one that was never sent", map[string]string{"FROM events": "tenant-0\ta.0\ntenant-0\ta.1\ntenant-0\ta.2\n", "rejected": "0\n"}, 1, events},
		{"one refused", map[string]string{"FROM events": "tenant-0\ta.0\ntenant-0\ta.1\n", "'late', 'repeat'": "1\n", "uniqExact": "0\n"}, 1, events},
		{"a right cell", map[string]string{"kpi_offered": "tenant-0\t" + minute + "\tq\tvoice\t1\n"}, 0, offered},
		{"a wrong cell", map[string]string{"kpi_offered": "tenant-0\t" + minute + "\tq\tvoice\t2\n"}, 1, offered},
		{"no cell", nil, 1, offered},
		{"a cell too many", map[string]string{"kpi_offered": "tenant-0\t" + minute + "\tq\tvoice\t1\ntenant-0\t" + minute + "\tr\tvoice\t1\n"}, 1, offered},
		{"a right verdict", map[string]string{"sla_verdicts": fmt.Sprintf("tenant-0\ta\t%d\tmet_late\n", from)}, 0, verdicts},
		{"a wrong verdict", map[string]string{"sla_verdicts": fmt.Sprintf("tenant-0\ta\t%d\tmet\n", from)}, 1, verdicts},
		{"no verdict", nil, 1, verdicts},
	} {
		got, err := c.of(stored(t, truth, c.rows))
		if err != nil || got.Different != c.want {
			t.Errorf("%s: %d differences, %v: %q, should be %d", c.what, got.Different, err, got.Examples, c.want)
		}
	}
	heard := func(opened, resolved int, resolution string) *receiver {
		return &receiver{incident: map[string]*told{"k": {
			item: "a", tenant: "tenant-0", rule: deadlineRule, opened: opened, resolved: resolved, resolution: resolution, due: time.UnixMilli(from + 60_000),
		}}}
	}
	for _, c := range []struct {
		what     string
		receiver *receiver
		rows     string
		want     int
	}{
		{"told once and over", heard(1, 1, "over"), "k\tresolved\n", 0},
		{"told twice", heard(2, 1, "over"), "k\tresolved\n", 1},
		{"never over", heard(1, 0, ""), "k\tresolved\n", 2},
		{"retracted, though it was too long", heard(1, 1, "retracted"), "k\tresolved\n", 1},
		{"nobody heard", &receiver{}, "", 1},
		{"nobody heard of what is stored", &receiver{}, "k\tresolved\n", 2},
	} {
		got, _, err := stored(t, truth, map[string]string{"FROM incidents": c.rows}).incidents(t.Context(), c.receiver, 0)
		if err != nil || got.Different != c.want {
			t.Errorf("%s: %d differences, %v: %q, should be %d", c.what, got.Different, err, got.Examples, c.want)
		}
	}
}

func events(c *comparison) (check, error)   { return c.events(context.Background()) }
func verdicts(c *comparison) (check, error) { return c.deadlines(context.Background()) }
func offered(c *comparison) (check, error)  { return c.cells(context.Background(), kpis()[0]) }

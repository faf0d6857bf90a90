package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestReport holds that figures replace those between their marks and nothing
// else, and that what was not measured is said.
func TestReport(t *testing.T) {
	dir := t.TempDir()
	text := "before\n" + figuresBegin + "\nsome of last year\n" + figuresEnd + "\nafter\n"
	if err := os.WriteFile(filepath.Join(dir, reportText), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	r := &Report{}
	if err := r.load(dir); err != nil {
		t.Fatal(err)
	}
	r.Workloads["w1"] = &Found{Events: 1000, Machine: "a machine", Date: "2026-01-02", Figures: []Figures{
		{Engine: "Nabz, all", PerCPU: 1_234_567, PerSecond: 1, Peak: 5 << 20},
		{Engine: "Other", PerCPU: 617_283.5, Gate: 3, Disturbed: true, P50: 1, P99: 2, Recovery: 3},
		{Engine: "Third", Failed: "run Third: it ended"},
	}}
	if err := r.save(dir); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(dir, reportText))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"before\n", "\nafter\n", "| Nabz, all | 1,234,567 |  | 1 | 5 MB |", "| Other * | 617,284 | 2.00 × | ? |", "1 ms, 2 ms | 3.0 s |", "**3 wrong**", "| Third | failed |",
		"Not measured yet.", "make bench-peers WORKLOAD=w1 EVENTS=1000",
	} {
		if !strings.Contains(string(got), want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	if strings.Contains(string(got), "last year") {
		t.Error("old figures are still there")
	}
	plot, err := os.ReadFile(filepath.Join(dir, reportPlot))
	if err != nil || !strings.Contains(string(plot), "1,234,567") {
		t.Errorf("%v, %s", err, plot)
	}
	again := &Report{}
	if err := again.load(dir); err != nil || again.Workloads["w1"].Figures[1].Gate != 3 {
		t.Errorf("%v, %+v", err, again)
	}
}

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
)

// Report is the figures of all workloads, as a file keeps them.
type Report struct {
	Workloads map[string]*Found `json:"workloads"`
}

// Found is the figures of one workload.
type Found struct {
	Events  int       `json:"events"`
	Figures []Figures `json:"figures"`
}

func (r *Report) load(path string) error {
	r.Workloads = map[string]*Found{}
	if path == "" {
		return nil
	}
	data, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read figures: %w", err)
	}
	if err := json.Unmarshal(data, r); err != nil {
		return fmt.Errorf("read figures %s: %w", path, err)
	}
	return nil
}

func (r *Report) save(path string) error {
	if path == "" {
		return nil
	}
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("write figures: %w", err)
	}
	return writeFile(path, append(data, '\n'))
}

func (r *Report) take(w *Workload, o Options, found []Figures) {
	r.Workloads[w.Short] = &Found{Events: o.Events, Figures: found}
}

func (r *Report) table(workload string) string {
	var b strings.Builder
	for _, f := range r.Workloads[workload].Figures {
		fmt.Fprintf(&b, "%-40s %10.0f events/CPU-s %10.0f events/s %5d MB, wrong %d, gate %d, disturbed %v\n", f.Engine, f.PerCPU, f.PerSecond, f.Peak>>20, f.Wrong, f.Gate, f.Disturbed)
	}
	return b.String()
}

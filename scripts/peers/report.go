package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// Report is the figures of all workloads, as docs/performance.json keeps them.
type Report struct {
	Workloads map[string]*Found `json:"workloads"`
}

// Found is the figures of one workload and what they were measured on.
type Found struct {
	Events     int       `json:"events"`
	Bytes      int64     `json:"bytes_per_event"`
	Partitions int       `json:"partitions"`
	Seed       uint64    `json:"seed"`
	Machine    string    `json:"machine"`
	Date       string    `json:"date"`
	Figures    []Figures `json:"figures"`
}

// The files that a report is written to, in docs.
const (
	reportData = "performance.json"
	reportText = "performance.md"
	reportPlot = "performance.svg"
)

// The lines of the text between which figures stand; the rest is by people.
const (
	figuresBegin = "<!-- figures: make bench-peers PEERS=--docs writes what stands here -->"
	figuresEnd   = "<!-- end of figures -->"
)

func (r *Report) load(dir string) error {
	r.Workloads = map[string]*Found{}
	data, err := os.ReadFile(filepath.Join(dir, reportData))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read figures: %w", err)
	}
	if err := json.Unmarshal(data, r); err != nil {
		return fmt.Errorf("read figures: %w", err)
	}
	return nil
}

// save writes the data, the plot, and the figures of the text.
func (r *Report) save(dir string) error {
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("write figures: %w", err)
	}
	text, err := os.ReadFile(filepath.Join(dir, reportText))
	if err != nil {
		return fmt.Errorf("read the report: %w", err)
	}
	head, rest, ok1 := strings.Cut(string(text), figuresBegin)
	_, tail, ok2 := strings.Cut(rest, figuresEnd)
	if !ok1 || !ok2 {
		return fmt.Errorf("write figures: %s has no place for them", reportText)
	}
	return errors.Join(
		write(filepath.Join(dir, reportData), string(data)+"\n"),
		write(filepath.Join(dir, reportText), head+figuresBegin+"\n\n"+r.text()+figuresEnd+tail),
		write(filepath.Join(dir, reportPlot), r.plot()),
	)
}

func write(path, text string) error {
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

func (r *Report) take(w *Workload, b *Bench, found []Figures) {
	r.Workloads[w.Short] = &Found{
		Events: b.opts.Events, Bytes: b.bytes, Partitions: b.opts.Partitions, Seed: b.opts.Seed,
		Machine: machine(), Date: time.Now().UTC().Format("2006-01-02"), Figures: found,
	}
}

// machine says what kind of machine this is, and no name.
func machine() string {
	cpu := runtime.GOARCH
	if b, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(b)) {
			if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
				cpu = strings.TrimSpace(value)
				break
			}
		}
	}
	memory := ""
	if b, err := os.ReadFile("/proc/meminfo"); err == nil {
		var kb int64
		if _, err := fmt.Sscanf(string(b), "MemTotal: %d kB", &kb); err == nil {
			memory = fmt.Sprintf(", %d GiB", (kb+1<<19)>>20)
		}
	}
	return fmt.Sprintf("%d cores (%s)%s, %s", runtime.NumCPU(), cpu, memory, runtime.GOOS)
}

// text is the tables of all workloads, those without figures named as such.
func (r *Report) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "![Events per CPU-second of each engine](%s)\n\n", reportPlot)
	for _, w := range workloads() {
		fmt.Fprintf(&b, "### %s: %s\n\n%s.\n\n", strings.ToUpper(w.Short), w.Title, strings.ToUpper(w.Asks[:1])+w.Asks[1:])
		f := r.Workloads[w.Short]
		if f == nil {
			b.WriteString("Not measured yet.\n\n")
			continue
		}
		b.WriteString(f.table())
		fmt.Fprintf(&b, "\n`make bench-peers WORKLOAD=%s EVENTS=%d`, seed %d, %d partitions, %d bytes an event; %s; %s.\n\n",
			w.Short, f.Events, f.Seed, f.Partitions, f.Bytes, f.Machine, f.Date)
	}
	return b.String()
}

// table is one line an engine. What was disturbed is marked.
func (f *Found) table() string {
	var b strings.Builder
	b.WriteString("| engine | events per CPU-second | Nabz is | events/s | peak memory | event → result p50, p99 | recovery | cells that differ from the events | gate |\n")
	b.WriteString("|---|--:|--:|--:|--:|--:|--:|--:|--:|\n")
	for i := range f.Figures {
		x := &f.Figures[i]
		if x.Failed != "" {
			fmt.Fprintf(&b, "| %s | failed |  |  |  |  |  |  |  |\n", x.Engine)
			continue
		}
		mark, times, latency, recovery := "", "", "", ""
		if x.Disturbed {
			mark = " *"
		}
		if !strings.HasPrefix(x.Engine, "Nabz") && x.PerCPU > 0 {
			times = fmt.Sprintf("%.2f ×", f.Figures[0].PerCPU/x.PerCPU)
		}
		if x.P99 > 0 {
			latency = fmt.Sprintf("%.0f ms, %.0f ms", x.P50, x.P99)
		}
		if x.Recovery > 0 {
			recovery = fmt.Sprintf("%.1f s", x.Recovery)
		}
		gate := "passed"
		if x.Gate > 0 {
			gate = fmt.Sprintf("**%d wrong**", x.Gate)
		}
		fmt.Fprintf(&b, "| %s%s | %s | %s | %s | %d MB | %s | %s | %s | %s |\n", x.Engine, mark, known(x.PerCPU), times, known(x.PerSecond),
			x.Peak>>20, latency, recovery, grouped(float64(x.Wrong)), gate)
	}
	return b.String()
}

// known writes a figure; where others disturbed so much that the longer run took
// less than the shorter one, there is none.
func known(v float64) string {
	if v <= 0 || math.IsInf(v, 0) {
		return "?"
	}
	return grouped(v)
}

// grouped writes a number in groups of three digits.
func grouped(v float64) string {
	s := fmt.Sprintf("%.0f", v)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

package main

import (
	"fmt"
	"html"
	"math"
	"strings"
)

// Measures of the plot, in pixels. Bars are on a logarithmic scale: engines are
// apart by factors.
const (
	plotWidth  = 860
	plotLeft   = 270
	plotRight  = 130
	barHeight  = 18
	barStep    = 24
	headHeight = 40
	footHeight = 30
)

// plot draws events per CPU-second of every engine, workload by workload.
func (r *Report) plot() string {
	low, high := 4.0, 5.0 // powers of ten
	for _, f := range r.Workloads {
		for _, x := range f.Figures {
			if x.PerCPU > 0 {
				low, high = min(low, math.Floor(math.Log10(x.PerCPU))), max(high, math.Ceil(math.Log10(x.PerCPU)))
			}
		}
	}
	scale := func(v float64) float64 {
		return max(0, (math.Log10(v)-low)/(high-low)) * (plotWidth - plotLeft - plotRight)
	}
	var b strings.Builder
	y := 10
	for _, w := range workloads() {
		f := r.Workloads[w.Short]
		if f == nil {
			continue
		}
		fmt.Fprintf(&b, `<text x="10" y="%d" class="h">%s: %s</text>`+"\n", y+24, strings.ToUpper(w.Short), html.EscapeString(w.Title))
		y += headHeight
		for _, x := range f.Figures {
			b.WriteString(bar(&x, y, scale))
			y += barStep
		}
	}
	var grid strings.Builder
	for p := low; p <= high; p++ {
		at := plotLeft + scale(math.Pow(10, p))
		fmt.Fprintf(&grid, `<line x1="%.0f" x2="%.0f" y1="10" y2="%d" class="g"/><text x="%.0f" y="%d" class="a">%s</text>`+"\n",
			at, at, y, at, y+18, grouped(math.Pow(10, p)))
	}
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="13">
<title>Events per CPU-second, more is better</title>
<style>text{fill:#333}.h{font-weight:bold}.g{stroke:#ddd}.a{text-anchor:middle;fill:#666;font-size:11px}.n{text-anchor:end}.b{fill:#8fa3b8}.nabz{fill:#0f766e}</style>
<rect width="100%%" height="100%%" fill="#fff"/>
%s%s</svg>
`, plotWidth, y+footHeight, grid.String(), b.String())
}

func bar(x *Figures, y int, scale func(float64) float64) string {
	if x.PerCPU <= 0 {
		return ""
	}
	class := "b"
	if strings.HasPrefix(x.Engine, "Nabz") {
		class = "nabz"
	}
	width := scale(x.PerCPU)
	return fmt.Sprintf(`<text x="%d" y="%d" class="n">%s</text><rect x="%d" y="%d" width="%.0f" height="%d" class="%s"/><text x="%.0f" y="%d">%s</text>`+"\n",
		plotLeft-8, y+14, html.EscapeString(x.Engine), plotLeft, y, width, barHeight, class, plotLeft+width+6, y+14, grouped(x.PerCPU))
}

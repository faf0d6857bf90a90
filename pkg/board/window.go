package board

import "github.com/nabz/nabz/pkg/row"

const secondMs = 1_000

// Lengths of the panes that windows are made of, ms.
const (
	minuteMs  = 60_000
	quarterMs = 900_000
)

// Indexes of pane.Grains.
const (
	byMinute = iota
	byQuarter
	grains
)

// Today is the name of the window that begins with the local day.
const Today = "today"

// longest is the longest rolling window, in minutes.
const longest = 60

// Rolling is a window of whole minutes, the one in progress among them.
type Rolling struct {
	Name    string
	Minutes int64
}

// Rollings are the rolling windows, the shortest first. Of every reading they
// come first, and the window Today last.
func Rollings() []Rolling {
	return []Rolling{{"1m", 1}, {"5m", 5}, {"15m", 15}, {"30m", 30}, {"60m", longest}}
}

// span is one window as it stands: all minutes from an instant on, and before
// them the quarters that are over.
type span struct {
	name     string
	from     int64
	quarters int64 // what begins before it is of quarters; from, or before it: nothing
}

// holds tells whether a window is made of a pane.
func (w *span) holds(grain int, bucket int64) bool {
	if grain == byQuarter {
		return bucket >= w.from && bucket < w.quarters
	}
	return bucket >= max(w.from, w.quarters)
}

// spans are the windows at an instant of a day, none of which reaches behind
// since. What lies ahead of the clock is in them too: a task that is ahead of
// the others need not wait for them.
func spans(now, day, since int64) []span {
	var out []span
	for _, w := range Rollings() {
		from := floor(now, minuteMs) - (w.Minutes-1)*minuteMs
		from = max(from, ceil(since, minuteMs))
		out = append(out, span{w.Name, from, from})
	}
	// Of a quarter that is not over there is no row yet.
	return append(out, span{Today, max(day, ceil(since, quarterMs)), floor(now, quarterMs)})
}

// floor is the greatest multiple of step that is ≤ t, for negative t too.
func floor(t, step int64) int64 {
	b := t - t%step
	if t%step < 0 {
		b -= step
	}
	return b
}

func ceil(t, step int64) int64 { return -floor(-t, step) }

// bucketGrain is the index of a pane's grain, or -1.
func bucketGrain(r *row.Pane) int {
	switch int64(r.Grain) * 1000 {
	case minuteMs:
		return byMinute
	case quarterMs:
		return byQuarter
	}
	return -1
}

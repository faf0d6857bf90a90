// Package board brings the panes of one partition together into rolling
// windows: what each KPI is now, over the last minutes and today, for each
// choice of dimensions, as people see it.
//
// It keeps the newest row of every pane that a window still needs, so the order
// of rows, repeats and corrections do not matter: what it shows is a function of
// the rows alone. Its clock is the least of those that the tasks tell behind
// their rows.
//
// It does not know where rows come from, how often it is asked, nor who reads.
// It reads no clock, starts no goroutine and performs no I/O.
package board

import (
	"fmt"
	"math"
	"slices"

	"github.com/nabz/nabz/pkg/kpi"
	"github.com/nabz/nabz/pkg/row"
)

// MaxGroups is the most combinations of dimensions of one tenant and family
// that have readings of their own; what is above falls into pane.Other. Every
// combination costs about 80 KB, and each minute a row a KPI in the record of
// what was shown; one task lets as many through.
const MaxGroups = 10_000

// Config is what a board needs.
type Config struct {
	KPIs *kpi.Set
	// Partition is that of panes.
	Partition int32
	// Tasks is how many partitions events have: until each has told its clock
	// there is none.
	Tasks int32
	// DayStart gives the start of the local day that an instant lies in, both
	// in ms since 1970 UTC.
	DayStart func(int64) int64
	// Since is the instant from which on the rows are whole: of panes that
	// began before some rows may be gone. 0: of all. Windows do not reach
	// behind it. ms since 1970 UTC.
	Since int64
}

// Board is the machine of one partition of panes.
type Board struct {
	config   Config
	plans    map[string]*plan
	families map[string]*family // by tenant and name
	tasks    map[int32]*task
	cubes    []*cube
	stale    []*cube       // to be shown, each at once
	many     []*cube       // and those that take turns
	aging    []*cube       // and behind them those that only the clock has changed
	offset   int64         // of the last record
	cleared  int64         // the minute for which old panes were let go of
	bounds   [grains]int64 // where the oldest panes begin that are kept

	now     int64 // the clock of the last readings
	minute  int64 // that it stood in
	version int64 // the last record that was in them
	left    left
	turning []*cube // that have yet to be taken over the end of a minute
	spans   []span
	windows []row.Window
	figures []kpi.NamedFigure
	was     []cell // of the row that is replaced
	changes []change
}

// left is the minute that the clock has left, and how the last readings in it
// were made.
type left struct{ minute, asOf, version int64 }

// task is what is known of one partition of events.
type task struct {
	epoch, position, now int64
	spoke                bool
}

// New makes an empty board.
func New(c Config) *Board {
	b := &Board{config: c, plans: map[string]*plan{}, families: map[string]*family{}, tasks: map[int32]*task{}, offset: -1, cleared: math.MinInt64,
		bounds: [grains]int64{math.MinInt64, math.MinInt64},
	}
	for _, f := range c.KPIs.Families {
		b.plans[f.Name] = newPlan(f, c.KPIs)
	}
	return b
}

// Since says that rows are whole from an earlier instant on: the older ones
// have come.
func (b *Board) Since(ms int64) {
	b.config.Since = ms
	for _, c := range b.cubes {
		b.touch(c)
		c.turned = true
	}
}

// Step takes one record of the partition in. Records may come again, and
// from before others. An error is of a record that is no row; it has no effect.
func (b *Board) Step(offset int64, value []byte) error {
	r, err := row.Decode(value)
	if err != nil {
		return fmt.Errorf("step record %d: %w", offset, err)
	}
	b.offset = max(b.offset, offset)
	switch r := r.(type) {
	case *row.Pane:
		if r.Feed == "" && b.current(&r.Place) != nil {
			b.pane(r)
		}
	case *row.Progress:
		if r.Feed == "" {
			b.progress(r)
		}
	}
	return nil
}

// Offset is that of the last record, -1 before the first.
func (b *Board) Offset() int64 { return b.offset }

// current finds the task of a row, nil where a later computation has replaced
// what the row is of.
func (b *Board) current(p *row.Place) *task {
	t := b.tasks[p.Partition]
	if t == nil {
		t = &task{epoch: p.Epoch}
		b.tasks[p.Partition] = t
	}
	switch {
	case p.Epoch < t.epoch:
		return nil
	case p.Epoch > t.epoch:
		*t = task{epoch: p.Epoch}
		b.drop(p.Partition)
	}
	return t
}

func (b *Board) progress(r *row.Progress) {
	t := b.current(&r.Place)
	if t == nil || t.spoke && r.Position < t.position {
		return
	}
	t.position, t.now, t.spoke = r.Position, r.Now, true
	if now, ok := b.Clock(); ok {
		b.clear(max(now, b.now))
	}
}

// Clock is the whole second up to which the rows of all tasks have come, ms since
// 1970 UTC; ok is false while one has not told its clock. The clocks of tasks
// move many times a second, each at its own instant; means over time and ages
// are told by the second.
func (b *Board) Clock() (now int64, ok bool) {
	now = math.MaxInt64
	heard := int32(0)
	for p, t := range b.tasks {
		if !t.spoke {
			return 0, false
		}
		if p < b.config.Tasks {
			heard++
		}
		now = min(now, t.now)
	}
	return floor(now, secondMs), heard > 0 && heard >= b.config.Tasks
}

// few is how many choices there may be in a scope of one dimension, such as
// queues, for each of them to be shown at once. In a scope of more, such as
// agents, or of two dimensions, such as the channels of queues, they take turns.
const few = 128

// atOnce is how many of the many one call of Readings shows, and turnAtOnce how
// many it takes over the end of a minute, whatever else has changed: together
// they hold the few up for some milliseconds.
const (
	atOnce     = 32
	turnAtOnce = 256
)

// Readings calls write with every reading whose numbers changed since the last
// call, and, once the clock has left a minute, with every reading as it was
// last given in that minute, Kept. One call does a part where much has changed:
// all that has of scopes with few choices, such as queues; some that has of
// others, such as agents, in turn; and of the windows that move on at the end of
// a minute, some. more says that something is left for the next call. Where the
// clock stands behind that of the last call, since all is computed anew, nothing
// is given until it has come as far again. The reading is used again after write
// returns.
func (b *Board) Readings(write func(*row.Reading)) (more bool) {
	now, ok := b.Clock()
	if !ok || now < b.now {
		return false
	}
	minute := floor(now, minuteMs)
	if minute != b.minute {
		for len(b.turning) > 0 { // a minute was too short: each has a row of its own
			b.turn(write)
		}
		b.leave(now)
	}
	moved := now != b.now
	b.now, b.minute, b.version = now, minute, b.offset
	b.spans = spans(now, b.config.DayStart(now), b.config.Since)
	if moved {
		b.tick()
	}
	for _, c := range b.stale {
		b.refresh(c, write)
	}
	b.stale = b.stale[:0]
	n := min(atOnce, len(b.many))
	b.many = b.some(b.many, n, write)
	b.aging = b.some(b.aging, min(atOnce-n, len(b.aging)), write)
	turning := len(b.turning) > 0
	for n = 0; n < turnAtOnce && len(b.turning) > 0; n++ {
		b.turn(write)
	}
	if turning && len(b.turning) == 0 {
		b.forget()
	}
	return len(b.many)+len(b.aging)+len(b.turning) > 0
}

// some shows the first n of a list and gives the rest.
func (b *Board) some(list []*cube, n int, write func(*row.Reading)) []*cube {
	for _, c := range list[:n] {
		b.refresh(c, write)
	}
	return slices.Delete(list, 0, n)
}

// tick lets the readings be shown again that change with the clock alone.
func (b *Board) tick() {
	for _, c := range b.cubes {
		if c.scope.timed && !c.stale && !c.owing {
			c.stale, c.ticked = true, true
			b.enlist(c)
		}
	}
}

// enlist puts a cube in a list of those to be shown.
func (b *Board) enlist(c *cube) {
	switch {
	case len(c.scope.names) < 2 && c.family.counts[c.scope] <= few:
		b.stale = append(b.stale, c)
	case c.ticked:
		b.aging = append(b.aging, c)
	default:
		b.many = append(b.many, c)
	}
}

// refresh shows a cube from a list, unless it has been since it came there.
func (b *Board) refresh(c *cube, write func(*row.Reading)) {
	if !c.stale {
		return
	}
	b.keep(c, write)
	b.show(c, c.ticked && !c.turned, write)
	c.stale, c.ticked = false, false
}

// Turning tells whether windows have yet to be moved over the end of a minute.
func (b *Board) Turning() bool { return len(b.turning) > 0 }

// leave begins the end of the minute that the clock stood in.
func (b *Board) leave(now int64) {
	b.left = left{minute: b.minute, asOf: b.now, version: b.version}
	for _, c := range b.cubes {
		c.turned, c.owing = true, b.now != 0
	}
	b.turning = append(b.turning[:0], b.cubes...)
}

// turn takes one cube over the end of a minute.
func (b *Board) turn(write func(*row.Reading)) {
	last := len(b.turning) - 1
	c := b.turning[last]
	b.turning[last] = nil
	b.turning = b.turning[:last]
	if !c.owing && !c.turned {
		return // what changed was taken over at once
	}
	b.keep(c, write)
	b.show(c, false, write)
}

// keep gives the readings of a cube as they stood at the end of the minute that
// the clock has left, unless it has.
func (b *Board) keep(c *cube, write func(*row.Reading)) {
	if !c.owing {
		return
	}
	c.owing = false
	for _, r := range c.shown {
		if r == nil {
			continue
		}
		r.AsOf, r.Version, r.Kept = b.left.asOf, b.left.version, b.left.minute
		write(r)
		r.Kept = 0
	}
}

// show works the readings of a cube out, or those alone that change with the
// clock, and gives those whose numbers are others.
func (b *Board) show(c *cube, timedOnly bool, write func(*row.Reading)) {
	totals := c.totals(b.spans, floor(b.now, minuteMs))
	empty := !slices.ContainsFunc(totals, func(t *kpi.Totals) bool { return !t.Zero() })
	for i, d := range c.scope.defs {
		was := c.shown[i]
		if timedOnly && !d.timed || empty && was == nil {
			continue
		}
		b.evaluate(d.plan, totals)
		if was == nil {
			was = &row.Reading{
				Place: row.Place{Tenant: c.family.tenant, Epoch: b.epoch(), Partition: b.config.Partition},
				KPI:   d.Name, Scope: c.scope.names, Dims: c.dims,
			}
			c.shown[i] = was
		}
		changed := !alike(was.Windows, b.windows)
		was.Windows = copyWindows(was.Windows, b.windows)
		if changed || empty {
			was.Epoch, was.AsOf, was.ChangedAt, was.Version = b.epoch(), b.now, b.now, b.version
			write(was)
		}
		if empty {
			c.shown[i] = nil
		}
	}
}

// evaluate works out what a definition makes of the totals of every window.
func (b *Board) evaluate(p *kpi.Plan, totals []*kpi.Totals) {
	b.windows = slices.Grow(b.windows[:0], len(totals))[:len(totals)]
	for i, t := range totals {
		w := &b.windows[i]
		w.Name, w.From = b.spans[i].name, b.spans[i].from
		b.figures = t.Figures(b.figures[:0], p, w.From, b.now, floor(b.now, minuteMs)+minuteMs)
		w.Numbers = w.Numbers[:0]
		for _, f := range b.figures {
			w.Numbers = append(w.Numbers, row.Number(f))
		}
	}
}

func (b *Board) epoch() int64 {
	greatest := int64(0)
	for _, t := range b.tasks {
		greatest = max(greatest, t.epoch)
	}
	return greatest
}

// alike tells whether windows have the same numbers; where they begin changes
// by the minute.
func alike(a, b []row.Window) bool {
	return slices.EqualFunc(a, b, func(x, y row.Window) bool { return slices.Equal(x.Numbers, y.Numbers) })
}

func copyWindows(to, from []row.Window) []row.Window {
	to = slices.Grow(to[:0], len(from))[:len(from)]
	for i := range from {
		to[i].Name, to[i].From = from[i].Name, from[i].From
		to[i].Numbers = append(to[i].Numbers[:0], from[i].Numbers...)
	}
	return to
}

package board_test

import (
	"fmt"
	"math"
	"slices"

	"github.com/nabz/nabz/pkg/board"
	"github.com/nabz/nabz/pkg/kpi"
	"github.com/nabz/nabz/pkg/row"
	"github.com/nabz/nabz/pkg/track/contact"
)

// oracle adds facts up, one after the other, knowing nothing of panes.
type oracle struct {
	set    *kpi.Set
	facts  []*row.Fact
	clocks map[int32]int64
	now    int64
}

func newOracle(s *kpi.Set, f *flow) *oracle {
	o := &oracle{set: s, clocks: f.clocks, now: clockOf(f)}
	for _, x := range f.facts {
		if x.Feed == "" && !x.Deleted {
			o.facts = append(o.facts, x)
		}
	}
	return o
}

func (o *oracle) of(f *row.Fact, column string) (v row.Value, ok bool) {
	for _, family := range o.set.Families {
		if family.Name != f.Family {
			continue
		}
		i := family.Column(column)
		at := slices.IndexFunc(f.Values, func(v row.Value) bool { return v.Number == family.Columns[i].Number })
		if at >= 0 {
			return f.Values[at], true
		}
	}
	return row.Value{}, false
}

// sums is what the facts of a choice of dimensions add up to in a window.
type sums struct {
	facts, answered, waited float64
	waits                   []float64
	openMs, open            float64
	contacts                float64
}

func (o *oracle) window(name string) (from int64) {
	minute := o.now / 60_000 * 60_000
	for _, w := range board.Rollings() {
		if w.Name == name {
			return minute - (w.Minutes-1)*60_000
		}
	}
	return day(o.now)
}

func (o *oracle) add(family string, choice map[string]string, window string) sums {
	var s sums
	const grain = 60_000
	from := o.window(window)
	last := o.now / grain * grain
	for _, f := range o.facts {
		if f.Family != family || !o.chosen(f, choice) {
			continue
		}
		if family == "contact" {
			if at, ok := o.of(f, "started_at"); ok && at.Int >= from {
				s.contacts++
			}
			continue
		}
		at, _ := o.of(f, "enqueued_at")
		outcome, _ := o.of(f, "outcome")
		wait, _ := o.of(f, "wait")
		if at.Int >= from {
			s.facts++
			if outcome.Text == contact.Answered {
				s.answered++
				s.waited += float64(wait.Int)
				s.waits = append(s.waits, float64(wait.Int))
			}
		}
		if outcome.Text == contact.Lost {
			continue
		}
		to, left := o.of(f, "left_at")
		until := to.Int
		if !left {
			until = o.clocks[f.Partition]/grain*grain + grain
		}
		switch {
		case at.Int >= last+grain: // of a task that is ahead
		case until >= last+grain:
			s.open++
			// As far as the clock has come, which is not yet where it began
			// where its task is ahead.
			s.openMs += float64(o.now - max(at.Int, from))
		default:
			s.openMs += float64(max(0, until-max(at.Int, from)))
		}
	}
	slices.Sort(s.waits)
	return s
}

func (o *oracle) chosen(f *row.Fact, choice map[string]string) bool {
	for column, want := range choice {
		if v, _ := o.of(f, column); v.Text != want {
			return false
		}
	}
	return true
}

// check compares every reading with the sums.
func (o *oracle) check(seen wall) error {
	known := map[string]int{}
	for key, r := range seen {
		choice := map[string]string{}
		for i, name := range r.Scope {
			choice[name] = r.Dims[i]
		}
		family := "queue_segment"
		if r.KPI == "contacts" {
			family = "contact"
		}
		known[r.KPI]++
		if len(r.Windows) != len(board.Rollings())+1 {
			return fmt.Errorf("%s has %d windows", key, len(r.Windows))
		}
		for _, w := range r.Windows {
			from := o.window(w.Name)
			if err := o.compare(r.KPI, w, o.add(family, choice, w.Name), float64(o.now-from)); err != nil {
				return fmt.Errorf("%s, %s: %w", key, w.Name, err)
			}
		}
	}
	// What is not shown is not there.
	for _, d := range o.set.Definitions {
		all := o.add(d.Of.Name, nil, board.Today)
		if all.facts+all.contacts > 0 && known[d.Name] == 0 {
			return fmt.Errorf("%s is not shown", d.Name)
		}
	}
	return nil
}

func (o *oracle) compare(name string, w row.Window, s sums, span float64) error {
	got := map[string]float64{}
	for _, n := range w.Numbers {
		got[n.Name] = n.Value
	}
	is := func(number string, want float64) error {
		v, ok := got[number]
		if !ok {
			v = math.NaN()
		}
		if math.IsNaN(v) != math.IsNaN(want) || math.Abs(v-want) > 1e-9*math.Abs(want) {
			return fmt.Errorf("%s is %g, should be %g", number, v, want)
		}
		return nil
	}
	switch name {
	case "offered":
		return is("value", s.facts)
	case "contacts":
		return is("value", s.contacts)
	case "rate":
		return is("value", s.answered/s.facts)
	case "asa":
		return is("value", s.waited/1000/s.answered)
	case "waiting":
		if err := is("value", s.open); err != nil || span == 0 {
			return err
		}
		return is("mean", max(0, s.openMs)/span)
	case "longest", "oldest":
		return nil // TestOrderDoesNotMatter holds extremes
	case "waits":
		if len(s.waits) == 0 {
			return is("value", math.NaN())
		}
		want := s.waits[int(math.Ceil(0.9*float64(len(s.waits))))-1] / 1000
		if v := got["value"]; math.Abs(v-want) > want/64+1e-9 {
			return fmt.Errorf("p90 is %g, should be about %g", v, want)
		}
		return nil
	}
	return fmt.Errorf("nothing is known of %s", name)
}

package sim

import (
	"fmt"
	"maps"
	"slices"

	"github.com/nabz/nabz/pkg/fact"
	"github.com/nabz/nabz/pkg/kpi"
	"github.com/nabz/nabz/pkg/row"
)

// check compares what ended up in a store with what the oracle says of the log.
func check(p Plan, log []Record, s *Store) error {
	v := judge(log)
	if err := v.checkRejects(s); err != nil {
		return err
	}
	if err := v.checkProgress(s, int64(len(log))); err != nil {
		return err
	}
	if err := v.checkFacts(p, s); err != nil {
		return err
	}
	return v.checkPanes(p, s)
}

func (v *verdict) checkRejects(s *Store) error {
	got := map[int64]string{}
	for _, x := range s.Rows {
		if r, ok := x.Row.(*row.Reject); ok {
			got[r.Offset] = r.Reason
		}
	}
	for offset, reason := range got {
		if reason == row.Orphan {
			if !v.orphans[offset] {
				return fmt.Errorf("record %d was refused as an orphan, but its life has an opener", offset)
			}
			continue
		}
		if v.rejects[offset] != reason {
			return fmt.Errorf("record %d was refused as %s, should be %q", offset, reason, v.rejects[offset])
		}
	}
	for offset, reason := range v.rejects {
		if got[offset] == "" {
			return fmt.Errorf("record %d was not refused as %s", offset, reason)
		}
	}
	for offset, must := range v.settled {
		if must && got[offset] != row.Orphan {
			return fmt.Errorf("record %d was not refused as an orphan", offset)
		}
	}
	return nil
}

func (v *verdict) checkProgress(s *Store, end int64) error {
	for _, x := range s.Rows {
		r, ok := x.Row.(*row.Progress)
		if !ok || !current(s, r.Place) {
			continue
		}
		if r.Now != v.now[r.Feed] {
			return fmt.Errorf("the clock of feed %q stands at %d, should be %d", r.Feed, r.Now, v.now[r.Feed])
		}
		if r.Position > end {
			return fmt.Errorf("position %d of %d", r.Position, end)
		}
	}
	return nil
}

// current tells whether a row is of the newest generation of its feed: older
// ones stand still where they were.
func current(s *Store, place row.Place) bool {
	newest := int64(-1)
	for _, x := range s.Rows {
		if r, ok := x.Row.(*row.Progress); ok && r.Feed == place.Feed {
			newest = max(newest, r.Generation)
		}
	}
	return newest == place.Generation
}

func (v *verdict) checkFacts(p Plan, s *Store) error {
	got := map[string]*row.Fact{}
	for _, k := range slices.Sorted(maps.Keys(s.Rows)) {
		r, ok := s.Rows[k].Row.(*row.Fact)
		if !ok || r.Deleted || !current(s, r.Place) {
			continue
		}
		name := fmt.Sprintf("%s|%s %s %s", r.Feed, r.Item, r.Family, r.ID)
		if got[name] != nil {
			return fmt.Errorf("%s is there twice", name)
		}
		got[name] = r
	}
	for _, name := range slices.Sorted(maps.Keys(got)) {
		want, ok := v.facts[name]
		if !ok {
			return fmt.Errorf("%s should not be there: %+v", name, got[name])
		}
		if err := want.equal(p.family(got[name].Family), got[name]); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(v.facts)) {
		if got[name] == nil {
			return fmt.Errorf("%s is missing: %+v", name, v.facts[name])
		}
	}
	return nil
}

func (p *Plan) family(name string) *fact.Family {
	for _, f := range p.Families.All() {
		if f.Name == name {
			return f
		}
	}
	return nil
}

// equal compares the columns that the oracle knows.
func (x expected) equal(f *fact.Family, r *row.Fact) error {
	if r.OpenedAt != x.opened {
		return fmt.Errorf("opened at %d, should be %d", r.OpenedAt, x.opened)
	}
	text, num := map[string]string{}, map[string]int64{}
	for _, v := range r.Values {
		for _, c := range f.Columns {
			if c.Number == v.Number && v.IsText {
				text[c.Name] = v.Text
			} else if c.Number == v.Number {
				num[c.Name] = v.Int
			}
		}
	}
	for _, name := range []string{"queue", "agent", "outcome", "state"} {
		if want, ok := x.text[name]; ok && text[name] != want {
			return fmt.Errorf("%s is %q, should be %q", name, text[name], want)
		}
	}
	for _, name := range x.nums() {
		have, ok := num[name]
		want, known := x.num[name]
		if ok != known || have != want {
			return fmt.Errorf("%s is %d (%v), should be %d (%v)", name, have, ok, want, known)
		}
	}
	return nil
}

func (x expected) nums() []string {
	switch x.family {
	case "queue_segment":
		return []string{"nth", "left_at", "wait"}
	case "agent_segment":
		return []string{"ended_at", "talk", "hold", "wrapup"}
	}
	return []string{"queues", "agents", "transfers", "ended_at"}
}

// checkPanes adds up every measure of every fact by itself.
func (v *verdict) checkPanes(p Plan, s *Store) error {
	got := map[string]int64{}
	for _, x := range s.Rows {
		r, ok := x.Row.(*row.Pane)
		if !ok || !current(s, r.Place) {
			continue
		}
		for _, c := range r.Cells {
			got[fmt.Sprint(r.Feed, r.Family, r.Grain, r.Bucket, r.Dims, c.Part)] += c.Value
		}
	}
	want := map[string]int64{}
	for _, x := range s.Rows {
		r, ok := x.Row.(*row.Fact)
		if ok && !r.Deleted && current(s, r.Place) {
			v.addUp(p, r, want)
		}
	}
	for _, k := range slices.Sorted(maps.Keys(want)) {
		if want[k] != got[k] {
			return fmt.Errorf("pane %s is %d, should be %d", k, got[k], want[k])
		}
	}
	for _, k := range slices.Sorted(maps.Keys(got)) {
		if got[k] != want[k] {
			return fmt.Errorf("pane %s is %d, should be %d", k, got[k], want[k])
		}
	}
	return nil
}

// addUp adds what one fact is worth in every measure. The facts themselves
// have been compared before; here it is the sums that are doubted.
func (v *verdict) addUp(p Plan, r *row.Fact, want map[string]int64) {
	f := p.family(r.Family)
	fc := fact.Fact{Family: f, Values: make([]fact.Value, len(f.Columns))}
	for _, x := range r.Values {
		for i, c := range f.Columns {
			if c.Number == x.Number {
				fc.Values[i] = fact.Value{Int: x.Int, Text: x.Text, Set: true}
			}
		}
	}
	var dims []string
	for _, d := range f.Dims {
		dims = append(dims, fc.Values[f.Column(d)].Text)
	}
	for _, m := range p.Measures {
		if m.Family != f || !m.Takes(&fc) {
			continue
		}
		for _, grain := range []int64{60, 900} {
			add := func(bucket int64, part int, n int64) {
				want[fmt.Sprint(r.Feed, r.Family, int32(grain), bucket, dims, m.Parts()[part].ID)] += n
			}
			addMeasure(m, &fc, grain*1000, v.now[r.Feed], add)
		}
	}
}

func addMeasure(m *kpi.Measure, f *fact.Fact, grain, now int64, add func(bucket int64, part int, n int64)) {
	down := func(t int64) int64 { return t / grain * grain } // histories lie after 1970
	if m.Op != kpi.Level {
		at := f.Values[m.At]
		switch {
		case !at.Set:
		case m.Op == kpi.Count:
			add(down(at.Int), 0, 1)
		case f.Values[m.Column].Set:
			add(down(at.Int), 0, f.Values[m.Column].Int)
		}
		return
	}
	from, to := f.Values[m.From].Int, f.Values[m.To]
	for _, c := range []string{"outcome", "state"} {
		if i := f.Family.Column(c); i >= 0 && f.Values[i].Text == "lost" {
			return
		}
	}
	until := now
	if to.Set {
		until = to.Int
	}
	for b := down(from); b <= max(until, from); b += grain {
		if ms := min(until, b+grain) - max(from, b); ms > 0 {
			add(b, 0, ms)
		}
		reached := to.Set && to.Int >= b+grain || !to.Set && b <= now
		if from < b+grain && reached {
			add(b, 1, 1)
		}
	}
}

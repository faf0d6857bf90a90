package sim

import (
	"fmt"
	"maps"
	"slices"

	"github.com/nabz/nabz/pkg/fact"
	"github.com/nabz/nabz/pkg/row"
	"github.com/nabz/nabz/pkg/track/contact"
)

// check compares what ended up in a store with what the oracle says of the log.
func check(p Plan, log []Record, s *Store) error {
	v, now := judge(log), newestOf(s)
	if err := v.checkRejects(s); err != nil {
		return err
	}
	if err := v.checkProgress(s, now, int64(len(log))); err != nil {
		return err
	}
	if err := v.checkFacts(p, s, now); err != nil {
		return err
	}
	if err := v.checkVerdicts(s, now); err != nil {
		return err
	}
	return v.checkPanes(p, s, now)
}

func (v *verdict) checkRejects(s *Store) error {
	got := map[int64]string{}
	for _, x := range s.Rows {
		if r, ok := x.Row.(*row.Reject); ok && (r.Kind == "" || r.Kind == contact.Kind) {
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

func (v *verdict) checkProgress(s *Store, now newest, end int64) error {
	for _, x := range s.Rows {
		r, ok := x.Row.(*row.Progress)
		if !ok || !now.at(r.Place) {
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

// newest is the newest generation of each feed: older ones stand still where
// they were.
type newest map[string]int64

func newestOf(s *Store) newest {
	n := newest{}
	for _, x := range s.Rows {
		if r, ok := x.Row.(*row.Progress); ok {
			n[r.Feed] = max(n[r.Feed], r.Generation)
		}
	}
	return n
}

func (n newest) at(place row.Place) bool { return n[place.Feed] == place.Generation }

func (v *verdict) checkFacts(p Plan, s *Store, now newest) error {
	got := map[string]*row.Fact{}
	for _, k := range slices.Sorted(maps.Keys(s.Rows)) {
		r, ok := s.Rows[k].Row.(*row.Fact)
		if !ok || r.Deleted || p.family(r.Family) == nil || !now.at(r.Place) {
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

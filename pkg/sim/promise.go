package sim

import (
	"fmt"
	"maps"
	"slices"

	"github.com/nabz/nabz/pkg/row"
)

// promise is what the oracle says of one deadline in the end. It knows when a
// contact came and left and what the clock says, and nothing of what was said
// in between.
type promise struct {
	state, stage string
	due, target  int64
	queue        string
	warned       float64
}

// promised tells what is known of the wait of one stay; nothing where nothing
// was promised or nothing is to be said of it.
func (x expected) promised(now int64) (promise, bool) {
	p := promise{target: target, queue: x.text["queue"], stage: row.Settled}
	if x.family != "queue_segment" || p.queue == "q2" || x.text["outcome"] == "full" {
		return p, false
	}
	if p.queue == "q1" {
		p.target = targetQ1
	}
	p.due = x.opened + p.target
	waited := now - x.opened
	left, known := x.num["left_at"]
	switch {
	case known && left-x.opened <= p.target:
		p.state = row.Met
	case known, x.text["outcome"] == "lost":
		p.state = row.MetLate
	case waited >= p.target:
		p.state, p.stage = row.Breached, row.Provisional
		if waited-p.target >= settle {
			p.stage = row.Settled
		}
		if waited-p.target >= lateness {
			p.stage = row.Confirmed
		}
	case 2*waited >= p.target:
		p.state, p.stage, p.warned = row.AtRisk, row.Provisional, firstWarn
		if 5*waited >= 4*p.target {
			p.warned = 0.8
		}
	default:
		return p, false
	}
	return p, true
}

// checkVerdicts holds the newest row of every deadline against the oracle. What
// nothing is promised of any more may be there as withdrawn.
func (v *verdict) checkVerdicts(s *Store, now newest) error {
	got := map[string]*row.Verdict{}
	for _, k := range slices.Sorted(maps.Keys(s.Rows)) {
		r, ok := s.Rows[k].Row.(*row.Verdict)
		if !ok || !now.at(r.Place) {
			continue
		}
		name := fmt.Sprintf("%s|%s queue_segment %s", r.Feed, r.Item, r.ID)
		if r.State != row.Withdrawn {
			got[name] = r
		}
	}
	for _, name := range slices.Sorted(maps.Keys(v.facts)) {
		x := v.facts[name]
		want, ok := x.promised(v.now[x.feed])
		have := got[name]
		delete(got, name)
		if !ok && have == nil {
			continue
		}
		if ok != (have != nil) || !want.equal(have) {
			return fmt.Errorf("the promise of %s is %+v, should be %+v (%v)", name, have, want, ok)
		}
		if x.feed != "" && !have.Quiet {
			return fmt.Errorf("the promise of %s is told, of a history", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(got)) {
		return fmt.Errorf("the promise of %s should not be there: %+v", name, got[name])
	}
	return nil
}

func (p promise) equal(r *row.Verdict) bool {
	return p == promise{r.State, r.Stage, r.DueAt, r.Target, r.Labels[0].Value, r.Value}
}

package alert

import (
	"slices"

	"github.com/nabz/nabz/pkg/row"
)

// SayAgain is how often what is open is said again, and Tail how much of what
// was said before its predecessor's end a successor reads, ms: each open episode
// is in it, however long ago it began, and what is read stays small.
const (
	SayAgain = 30_000
	Tail     = 90_000
)

// Again gives what is open once more, as it was said, under a newer version.
func (s *Set) Again(version int64, out func(*row.Verdict)) {
	for _, g := range s.order {
		if g.said == nil || g.state.Phase != row.Breached && g.state.Phase != row.NoData {
			continue
		}
		v := *g.said
		v.Version = max(v.Version, version)
		g.said = &v
		out(&v)
	}
}

// Recall takes in what a predecessor said of a group, before the first Tick and
// in the order of the log: the episode goes on where it stood. What was not
// said yet, a bound that had been passed for less than its while, begins anew.
func (s *Set) Recall(v *row.Verdict) {
	r := s.ruleOf(v)
	if r == nil {
		return
	}
	dims := make([]string, len(v.Labels))
	for i, l := range v.Labels {
		dims[i] = l.Value
	}
	g := s.group(r, v.Tenant, dims)
	if g == nil || g.said != nil && g.said.Version > v.Version {
		return
	}
	g.said, g.last.Place = v, v.Place
	g.state = State{Phase: v.State, Episode: v.Episode, Told: true, Value: v.Value}
	switch v.State {
	case row.Breached:
		g.state.Stale = v.Uncertain
	case row.NoData:
	default:
		g.state.Phase, g.state.Told = Over, v.State == row.MetLate
	}
}

// ruleOf finds the rule that said a verdict; nil where it is none of these, or
// looks at other groups now.
func (s *Set) ruleOf(v *row.Verdict) *Rule {
	if v.Kind != row.Threshold || v.Feed != "" {
		return nil
	}
	for _, rules := range s.rules {
		for _, r := range rules {
			if r.Name != v.Policy {
				continue
			}
			x := row.Reading{KPI: r.KPI}
			for _, l := range v.Labels {
				x.Scope, x.Dims = append(x.Scope, l.Name), append(x.Dims, l.Value)
			}
			if !slices.Equal(x.Scope, r.By) || !r.takes(&x) {
				return nil
			}
			return r
		}
	}
	return nil
}

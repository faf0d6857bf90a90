// Package alert is the machine of threshold rules: a KPI over a rolling window
// that is beyond a bound for a while enters, and is over when it is back behind
// another bound for a while.
//
// It does not know how readings come to be, nor who is told. It reads no clock,
// starts no goroutine and performs no I/O.
package alert

import (
	"slices"
	"strings"

	"github.com/nabz/nabz/pkg/row"
)

// MaxGroups is the most groups, a rule and a choice of dimensions each, that
// one set follows: as many queues as a board shows, for some rules. At 200 B a
// group, 10 MB. What is above is not followed.
const MaxGroups = 50_000

// Rule is one threshold on a KPI.
type Rule struct {
	Name     string
	Title    map[string]string // by language: en, fa
	Help     string
	KPI      string
	Number   string   // of a window of the reading, such as value or p95
	Window   string   // of the board, such as 15m
	By       []string // the scope of the readings that it looks at
	Where    []Match  // groups that do not fit are not looked at
	Enter    *Bound   // nil: the rule is about missing data alone
	Leave    *Bound
	MinCount float64 // below it the KPI says too little to enter or leave
	// NoDataMs is how long the number must be missing before that is told,
	// ms; 0: it is not.
	NoDataMs int64
	Severity string // page or ticket
	Runbook  string
}

// Bound is a threshold that must hold for a while.
type Bound struct {
	Below bool // the value is below X; else above
	X     float64
	ForMs int64
}

// Match is a condition on a dimension: its value is one of the texts.
type Match struct {
	Dim   string
	Texts []string
}

func (b *Bound) holds(v float64) bool {
	if b.Below {
		return v < b.X
	}
	return v > b.X
}

// Read is what a rule sees of one reading.
type Read struct {
	Value, Count float64
	Known        bool // there is a value
}

// read finds a rule's number in a reading.
func (r *Rule) read(x *row.Reading) (out Read) {
	for i := range x.Windows {
		if x.Windows[i].Name != r.Window {
			continue
		}
		for _, n := range x.Windows[i].Numbers {
			if n.Name == r.Number {
				out.Value, out.Known = n.Value, true
			}
			if n.Name == "count" {
				out.Count = n.Value
			}
		}
	}
	return out
}

// takes tells whether a rule looks at a reading.
func (r *Rule) takes(x *row.Reading) bool {
	if x.KPI != r.KPI || !slices.Equal(x.Scope, r.By) || len(x.Dims) != len(x.Scope) {
		return false
	}
	for _, m := range r.Where {
		if i := slices.Index(x.Scope, m.Dim); i < 0 || !slices.Contains(m.Texts, x.Dims[i]) {
			return false
		}
	}
	return true
}

// State is what is known of one group. Its zero value knows nothing: what
// stands open from before, where [Set.Recall] did not find it, is over only
// when the KPI has been behind the bound for the whole while.
type State struct {
	Phase   string // what was said last: empty, Breached, NoData or Over
	Episode int64  // of what was said, ms since 1970 UTC
	Since   int64  // since when the way out of the phase has held, 0: it does not
	Missing int64  // since when the value has been missing, 0: it is there
	Stale   bool   // it was said that the value of a breach is missing
	Told    bool   // an episode of it was told
	Value   float64
}

// Over is the phase of a group of which nothing is to be told.
const Over = "over"

// Step looks at a group when the clock stands at now, and tells whether
// something is to be said.
func (r *Rule) Step(s *State, x Read, now int64) (say bool) {
	if !x.Known {
		s.Since = 0
		return r.missing(s, now)
	}
	s.Missing, s.Stale, s.Value = 0, false, x.Value
	if s.Phase == row.NoData {
		s.Phase, s.Since = Over, 0
		return true
	}
	if r.Enter == nil {
		if s.Phase == "" {
			s.Phase, s.Episode = Over, now
			return true
		}
		return false
	}
	if x.Count < r.MinCount {
		s.Since = 0
		return false
	}
	way, next := r.Enter, row.Breached
	switch {
	case s.Phase == row.Breached:
		way, next = r.Leave, Over
	case s.Phase == "" && !r.Enter.holds(x.Value):
		way, next = r.Leave, Over
	}
	if !way.holds(x.Value) {
		s.Since = 0
		return false
	}
	if s.Since == 0 {
		s.Since = now
	}
	if now-s.Since < way.ForMs {
		return false
	}
	if next == row.Breached || s.Phase == "" {
		s.Episode = s.Since
	}
	s.Phase, s.Since = next, 0
	s.Told = s.Told || next == row.Breached
	return true
}

// missing is a group whose value is not there. Data that stops ends nothing.
func (r *Rule) missing(s *State, now int64) (say bool) {
	if s.Missing == 0 {
		s.Missing = now
	}
	if r.NoDataMs == 0 || now-s.Missing < r.NoDataMs {
		return false
	}
	switch {
	case s.Phase == row.NoData || s.Stale:
		return false
	case s.Phase == row.Breached:
		s.Stale = true
	default:
		s.Phase, s.Episode, s.Told = row.NoData, s.Missing, true
	}
	return true
}

// verdict is what is said of a group.
func (r *Rule) verdict(x *row.Reading, s *State, now, version int64) *row.Verdict {
	v := &row.Verdict{
		Place: x.Place, Policy: r.Name, Kind: row.Threshold, Item: strings.Join(x.Dims, ","), Episode: s.Episode,
		Severity: r.Severity, State: s.Phase, Stage: row.Settled, Uncertain: s.Stale, DecidedAt: now, Value: s.Value, Version: version,
	}
	for i, d := range x.Scope {
		v.Labels = append(v.Labels, row.Label{Name: d, Value: x.Dims[i]})
	}
	if r.Enter != nil {
		v.Bound = r.Enter.X
	}
	switch s.Phase {
	case Over:
		if v.State = row.Met; s.Told {
			v.State = row.MetLate
		}
	case row.NoData:
		v.Severity = Ticket
	}
	return v
}

// Severities of rules.
const (
	Page   = "page"
	Ticket = "ticket"
)

// Rules is all of them.
type Rules struct {
	Rules []*Rule
}

// Set follows the groups of all rules, as the readings of one board have them.
type Set struct {
	rules  map[string][]*Rule // by KPI
	groups map[string]*group
	order  []*group
	now    int64
}

type group struct {
	rule  *Rule
	last  row.Reading // with its key alone
	asOf  int64
	read  Read
	state State
	said  *row.Verdict // the last one
}

// NewSet makes a set that knows nothing yet.
func NewSet(all *Rules) *Set {
	s := &Set{rules: map[string][]*Rule{}, groups: map[string]*group{}}
	for _, r := range all.Rules {
		s.rules[r.KPI] = append(s.rules[r.KPI], r)
	}
	return s
}

// Take notes what a reading says. Nothing is decided before the next Tick.
func (s *Set) Take(x *row.Reading) {
	for _, r := range s.rules[x.KPI] {
		if !r.takes(x) {
			continue
		}
		g := s.group(r, x.Tenant, x.Dims)
		if g == nil {
			return
		}
		if x.AsOf >= g.asOf {
			g.last.Place, g.asOf, g.read = x.Place, x.AsOf, r.read(x)
		}
	}
}

// group finds or makes the group of a rule; nil when there are too many.
func (s *Set) group(r *Rule, tenant string, dims []string) *group {
	key := r.Name + "\x00" + tenant + "\x00" + strings.Join(dims, "\x00")
	g := s.groups[key]
	if g == nil && len(s.order) < MaxGroups {
		g = &group{rule: r}
		g.last.Scope, g.last.Dims = r.By, slices.Clone(dims)
		s.groups[key] = g
		s.order = append(s.order, g)
	}
	return g
}

// Tick looks at all groups when the clock stands at now, ms since 1970 UTC, and
// gives what is to be said. Version is the offset in panes up to which the
// readings speak; where the clock stands still, nothing is said.
func (s *Set) Tick(now, version int64, out func(*row.Verdict)) {
	if now <= s.now {
		return
	}
	s.now = now
	for _, g := range s.order {
		if g.rule.Step(&g.state, g.read, now) {
			g.said = g.rule.verdict(&g.last, &g.state, now, version)
			out(g.said)
		}
	}
}

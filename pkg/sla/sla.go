// Package sla is the machine of deadlines: what a policy says of one fact when
// the clock stands at an instant.
//
// It does not know how a fact comes to be, who is told, or what was said
// before. It reads no clock, starts no goroutine and performs no I/O.
package sla

import (
	"slices"

	"github.com/nabz/nabz/pkg/event"
	"github.com/nabz/nabz/pkg/fact"
	"github.com/nabz/nabz/pkg/row"
)

// Policy is one deadline on the facts of a family: a time that may pass from
// one of its instants to another.
type Policy struct {
	Name    string
	Title   map[string]string // by language: en, fa
	Help    string
	Of      *fact.Family
	From    int     // the column from which the time runs
	To      int     // the column that ends it
	Where   []Match // facts that do not fit have no deadline
	Targets []Target
	// Warn are shares of the target, ascending, 0 < x < 1, after which an open
	// promise is at risk.
	Warn []float64
	// SettleMs is how long after the deadline people are told, ms.
	SettleMs int64
	// LatenessMs is how long after the deadline a breach is confirmed, ms.
	LatenessMs int64
	// SilentMs is the silence of an item's source after which a breach is
	// uncertain, ms; 0 means that none makes it so.
	SilentMs int64
	Severity string // page or ticket
	Runbook  string // what to do, a text or an address; may be empty
}

// Target is the time that facts which match may take. Of several the first
// that matches counts.
type Target struct {
	Match []Match
	Ms    int64
}

// Match is a condition on a text column: it is one of the texts, or none.
type Match struct {
	Column int
	Texts  []string
	Not    bool
}

// Set is all policies.
type Set struct {
	Policies []*Policy
}

// Of gives the policies on the facts of a family.
func (s *Set) Of(f *fact.Family) (out []*Policy) {
	if s == nil {
		return nil
	}
	for _, p := range s.Policies {
		if p.Of == f {
			out = append(out, p)
		}
	}
	return out
}

// Decision is what a policy says of one fact at one instant. It follows from
// the fact and the instant alone, so whoever knows both knows what was said.
type Decision struct {
	State  string // of row; empty: there is no promise, or nothing to say of it yet
	Stage  string // of row
	DueAt  int64  // the deadline, ms since 1970 UTC
	Target int64  // ms
	Warned float64
	// Next is the first instant behind the present at which the decision
	// changes by silence alone, ms since 1970 UTC, or [event.Never].
	Next int64
}

// Same tells whether two decisions say the same.
func (d Decision) Same(o Decision) bool {
	return d.State == o.State && d.Stage == o.Stage && d.DueAt == o.DueAt && d.Target == o.Target && d.Warned == o.Warned
}

// Decide says what is known of a fact's deadline when the clock stands at now.
// Evidence comes first: an end that is known decides, whatever the clock says.
// Without one silence decides, when the clock reaches the deadline.
func (p *Policy) Decide(f *fact.Fact, now int64) Decision {
	d := Decision{Next: event.Never}
	from := f.Values[p.From]
	target := p.target(f)
	if !from.Set || target == 0 {
		return d
	}
	d.Target, d.DueAt = target, from.Int+target
	switch to := f.Values[p.To]; {
	case to.Set && to.Int <= d.DueAt:
		d.State, d.Stage = row.Met, row.Settled
	case to.Set || p.lost(f):
		d.State, d.Stage = row.MetLate, row.Settled
	case now >= d.DueAt:
		p.breached(&d, now)
	default:
		p.waits(&d, from.Int, now)
	}
	return d
}

// breached is a deadline that passed in silence.
func (p *Policy) breached(d *Decision, now int64) {
	d.State = row.Breached
	switch {
	case now >= d.DueAt+p.LatenessMs:
		d.Stage = row.Confirmed
	case now >= d.DueAt+p.SettleMs:
		d.Stage, d.Next = row.Settled, d.DueAt+p.LatenessMs
	default:
		d.Stage, d.Next = row.Provisional, d.DueAt+p.SettleMs
	}
}

// waits is a deadline that lies ahead.
func (p *Policy) waits(d *Decision, from, now int64) {
	d.Next = d.DueAt
	for _, share := range slices.Backward(p.Warn) {
		at := from + int64(share*float64(d.Target))
		if now >= at {
			d.State, d.Stage, d.Warned = row.AtRisk, row.Provisional, share
			return
		}
		d.Next = at
	}
}

func (p *Policy) lost(f *fact.Fact) bool {
	i := f.Family.Column(f.Family.Lost)
	return i >= 0 && f.Values[i].Text == fact.LostText
}

// target is the time that a fact may take, or 0 where it has no deadline.
func (p *Policy) target(f *fact.Fact) int64 {
	if !fits(p.Where, f) {
		return 0
	}
	for i := range p.Targets {
		if fits(p.Targets[i].Match, f) {
			return p.Targets[i].Ms
		}
	}
	return 0
}

func fits(all []Match, f *fact.Fact) bool {
	for i := range all {
		m := &all[i]
		if slices.Contains(m.Texts, f.Values[m.Column].Text) == m.Not {
			return false
		}
	}
	return true
}

package track

import (
	"github.com/nabz/nabz/pkg/event"
	"github.com/nabz/nabz/pkg/fact"
	"github.com/nabz/nabz/pkg/row"
	"github.com/nabz/nabz/pkg/sla"
)

// Deadlines have no state of their own. What a policy says follows from the
// fact and the clock, so what was said last is what it says of the fact before
// the record at the clock before it, and a restored task knows it too.

// verdictKey is the identity of a deadline's row within a task.
type verdictKey struct {
	item     *itemState
	policy   *sla.Policy
	id       event.UID
	openedAt int64
}

type plannedVerdict struct {
	key   verdictKey
	row   []byte
	alarm bool
}

// cause is the record that lets deadlines be looked at.
type cause struct {
	offset      int64
	before, now int64 // the clock before it and with it
	evidence    bool  // it is an event, or the first clock of all
	silent      int64 // for how long the source of the item has been, ms
	feed        *feed
	item        *itemState
	tenant      string
}

// judge plans the verdicts of one fact that was so and is so, of which one may
// be nil.
func (t *Task) judge(c *cause, was, is *fact.Fact) {
	f := is
	if f == nil {
		f = was
	}
	for _, p := range t.policies[f.Family] {
		var old, now sla.Decision
		if was != nil {
			old = p.Decide(was, c.before)
		}
		if is != nil {
			now = p.Decide(is, c.now)
		}
		switch {
		case now.State == "" && old.State == "":
			continue
		case now.State == "":
			now = old
			now.State, now.Stage = row.Withdrawn, row.Settled
		case old.Same(now) && sameDims(was, is):
			continue
		}
		t.keepVerdict(c, p, f, now)
	}
}

func sameDims(a, b *fact.Fact) bool {
	for _, d := range a.Family.Dims {
		i := a.Family.Column(d)
		if a.Values[i] != b.Values[i] {
			return false
		}
	}
	return true
}

// keepVerdict plans one row. It is quiet where nobody may be told: on a named
// feed, and where an event told of a deadline only long after it had passed.
func (t *Task) keepVerdict(c *cause, p *sla.Policy, f *fact.Fact, d sla.Decision) {
	r := row.Verdict{
		Place: t.place(c.feed), Policy: p.Name, Kind: row.Deadline, Item: c.item.entity(), ID: f.ID, Episode: f.OpenedAt,
		Labels: t.labels[:0], Severity: p.Severity, State: d.State, Stage: d.Stage,
		Quiet:     c.feed.name != event.Live || c.evidence && c.now > d.DueAt+p.LatenessMs,
		Uncertain: !c.evidence && d.State == row.Breached && d.Stage != row.Provisional && p.SilentMs > 0 && c.silent > p.SilentMs,
		DueAt:     d.DueAt, DecidedAt: c.now, Target: d.Target, Value: d.Warned, Version: c.offset,
	}
	r.Tenant = c.tenant
	for _, name := range f.Family.Dims {
		r.Labels = append(r.Labels, row.Label{Name: name, Value: f.Values[f.Family.Column(name)].Text})
	}
	t.labels = r.Labels
	t.plan.verdicts = append(t.plan.verdicts, plannedVerdict{
		verdictKey{c.item, p, f.ID, f.OpenedAt}, t.pending.paper.write(&r), d.State == row.Breached || d.State == row.AtRisk,
	})
}

// promised is the first instant behind now at which silence alone changes a
// verdict on one of the facts.
func (t *Task) promised(facts []fact.Fact, now int64) int64 {
	next := event.Never
	for i := range facts {
		for _, p := range t.policies[facts[i].Family] {
			next = min(next, p.Decide(&facts[i], now).Next)
		}
	}
	return next
}

func (p *pending) verdict(v *plannedVerdict) {
	p.alarm = p.alarm || v.alarm
	if i, ok := p.judged[v.key]; ok {
		p.verdicts[i].row = v.row
		return
	}
	p.judged[v.key] = len(p.verdicts)
	p.verdicts = append(p.verdicts, routed{v.row, v.key.item.tenant()})
}

// Alarm tells whether a verdict waits that people wait for: it is not to wait
// for the next flush.
func (t *Task) Alarm() bool { return t.pending.alarm }

// FlushVerdicts gives the verdicts that changed since the last flush, and
// nothing else: rows may be written sooner than their flush, never later.
func (t *Task) FlushVerdicts(emit func(Effect)) {
	p := &t.pending
	for i := range p.verdicts {
		emit(Effect{Kind: ToVerdicts, Route: p.verdicts[i].route, Value: p.verdicts[i].row})
	}
	clear(p.verdicts)
	p.verdicts, p.alarm = p.verdicts[:0], false
	clear(p.judged)
}

// NextDue is the instant at which the live feed's clock should be told next,
// ms since 1970 UTC, or [event.Never]. It may be sooner than need be: Due tells.
func (t *Task) NextDue() int64 {
	if f := t.feeds[feedKey{}]; f != nil && len(f.wakes) > 0 {
		return f.wakes[0].wake
	}
	return event.Never
}

// Due tells whether a clock record of that instant would change anything on the
// live feed by silence. What events have put off it puts off, as the clock
// record itself would, so it changes no row and no state.
func (t *Task) Due(at int64) (due bool) {
	defer func() {
		if recover() != nil {
			due = true // the step that fails says what of
		}
	}()
	f := t.feeds[feedKey{}]
	if f == nil {
		return false
	}
	for len(f.wakes) > 0 && f.wakes[0].wake <= at {
		st := f.wakes[0]
		if err := t.load(st); err != nil {
			return true
		}
		t.was.Reset()
		next := st.kind.Timing.due(st.kind.Tracker.Fold(&t.item, f.now, &t.was))
		if next = min(next, t.promised(t.was.Facts, f.now)); next <= at {
			return true
		}
		f.wakes.set(st, next)
	}
	return false
}

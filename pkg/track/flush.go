package track

import (
	"github.com/nabz/nabz/pkg/row"
)

// Effect is one row to be written: a fact or reject, a pane, a verdict, or
// progress. Its
// bytes belong to the receiver.
type Effect struct {
	Kind EffectKind
	// Route is of a pane its tenant and family, of a verdict its tenant: what
	// shares a route shares a partition.
	Route string
	Value []byte // row.Append
}

// EffectKind says where a row goes.
type EffectKind uint8

const (
	// ToFacts goes to the task's own partition of facts.
	ToFacts EffectKind = iota + 1
	// ToPanes goes to the partition of panes that Route hashes to.
	ToPanes
	// ToAll goes to the task's partition of facts and to all partitions of
	// panes and verdicts, behind the rows it speaks of.
	ToAll
	// ToVerdicts goes to the partition of verdicts that Route hashes to.
	ToVerdicts
)

// Flush gives the rows that changed since the last flush, each once in its
// newest form, and then the progress that they make true. When Flush is called
// changes which rows are written in between, never what they say in the end.
func (t *Task) Flush(emit func(Effect)) {
	p := &t.pending
	t.FlushVerdicts(emit)
	for _, r := range p.rejects {
		emit(Effect{Kind: ToFacts, Value: r})
	}
	for i := range p.facts {
		emit(Effect{Kind: ToFacts, Value: p.facts[i].row})
	}
	for _, f := range t.order {
		p.panes(f.panes)
	}
	for i := range p.routed {
		emit(Effect{Kind: ToPanes, Route: p.routed[i].route, Value: p.routed[i].row})
	}
	for _, r := range p.lasts {
		emit(Effect{Kind: ToAll, Value: r})
	}
	clear(p.rejects)
	clear(p.facts)
	clear(p.routed)
	clear(p.lasts)
	p.rejects, p.facts, p.routed, p.lasts, p.paper.used = p.rejects[:0], p.facts[:0], p.routed[:0], p.lasts[:0], 0
	for _, f := range t.order {
		if f.touched {
			f.touched = false
			emit(Effect{Kind: ToAll, Value: row.Append(nil, t.progress(f))})
		}
	}
}

func (t *Task) progress(f *feed) *row.Progress {
	r := &row.Progress{Place: t.place(f), Position: t.position, Now: f.now, State: row.Closed, Session: f.session, Definitions: t.cfg.Definitions}
	if f.open {
		r.State = row.Open
	}
	return r
}

// Pending is about how many bytes of rows wait for the next flush, panes not
// counted.
func (t *Task) Pending() int { return t.pending.paper.used }

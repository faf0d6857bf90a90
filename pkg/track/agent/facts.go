package agent

import "github.com/nabz/nabz/pkg/fact"

// tell gives the facts that go on.
func (p *presence) tell() {
	for i := range p.pauses {
		p.endPause(&p.pauses[i], 0, Open)
	}
	p.endStay(0, Open)
	p.endSpan(0, Open)
}

func (p *presence) endSpan(at int64, how string) {
	if p.out == nil {
		return
	}
	v := p.out.Add(p.cfg.Families.Span, p.span.id, p.span.from)
	v[SpanAgent], v[SpanTeam], v[SpanBegan] = fact.Str(p.agent), fact.Str(p.team), fact.Str(p.span.by)
	v[SpanStartedAt], v[SpanEnding] = fact.Int(p.span.from), fact.Str(how)
	if how != Open {
		v[SpanEndedAt], v[SpanDuration] = fact.Int(at), fact.Int(at-p.span.from)
	}
}

func (p *presence) endStay(at int64, how string) {
	if p.out == nil {
		return
	}
	s := &p.stay
	v := p.out.Add(p.cfg.Families.State, s.id, s.from)
	v[StateAgent], v[StateTeam], v[StateState] = fact.Str(p.agent), fact.Str(s.team), fact.Str(s.state)
	v[StateActivity], v[StateReason] = fact.Str(s.activity), fact.Str(s.reason)
	v[StateStartedAt], v[StateEnding] = fact.Int(s.from), fact.Str(how)
	if how != Open {
		v[StateEndedAt], v[StateDuration] = fact.Int(at), fact.Int(at-s.from)
	}
}

func (p *presence) endPause(x *pause, at int64, how string) {
	if p.out == nil {
		return
	}
	v := p.out.Add(p.cfg.Families.Pause, x.id, x.from)
	v[PauseAgent], v[PauseTeam], v[PauseQueue], v[PauseReason] = fact.Str(p.agent), fact.Str(p.team), fact.Str(x.queue), fact.Str(x.reason)
	v[PauseStartedAt], v[PauseEnding] = fact.Int(x.from), fact.Str(how)
	if how != Open {
		v[PauseEndedAt], v[PauseDuration] = fact.Int(at), fact.Int(at-x.from)
	}
}

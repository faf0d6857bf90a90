package conversation

import "github.com/nabz/nabz/pkg/fact"

// fact gives the row of the conversation. What was deleted, is spam or was lost
// is counted as that and has no durations.
func (l *life) fact(f *fact.Family, business func(team string, from, to int64) int64, out *fact.Buffer) {
	v := out.Add(f, l.id, l.startedAt)
	v[ConvChannel] = fact.Str(l.channel)
	v[ConvTeam] = fact.Str(l.team)
	v[ConvPriority] = fact.Str(l.priority)
	v[ConvType] = fact.Str(l.kind)
	v[ConvFirstAgent] = fact.Str(l.firstAgent)
	v[ConvLastAgent] = fact.Str(l.lastAgent)
	v[ConvCustomer] = fact.Str(l.customer)
	v[ConvStartedAt] = fact.Int(l.originAt)
	v[ConvStatus] = fact.Str(l.status)
	v[ConvReplies] = fact.Int(l.replies)
	v[ConvTouches] = fact.Int(l.touches)
	v[ConvSolves] = fact.Int(l.solves)
	v[ConvReopens] = fact.Int(l.reopens)
	v[ConvHandoffs] = fact.Int(int64(len(l.notes)))
	l.stands(v)
	l.replied(v, business)
	if l.solves > 0 {
		v[ConvFirstSolvedAt] = fact.Int(l.solvedAt)
	}
	solved := l.how == Solved || l.how == Closed
	if solved {
		v[ConvLastSolvedAt] = fact.Int(l.resolvedAt)
	}
	if l.voidAt != 0 || l.how == Lost {
		return
	}
	span := func(column int, from, to int64) {
		v[column], v[column+1] = fact.Int(to-from), fact.Int(business(l.team, from, to))
	}
	if l.solves > 0 && l.how != Merged {
		span(ConvFirstResolution, l.originAt, l.solvedAt)
	}
	if solved {
		span(ConvFullResolution, l.originAt, l.resolvedAt)
	}
	if l.how == "" {
		return
	}
	v[ConvRequesterWait], v[ConvRequesterWaitBusiness] = fact.Int(l.requester.ms), fact.Int(l.requester.open)
	v[ConvAgentWork], v[ConvAgentWorkBusiness] = fact.Int(l.work.ms), fact.Int(l.work.open)
	v[ConvUnassigned], v[ConvUnassignedBusiness] = fact.Int(l.unassigned.ms), fact.Int(l.unassigned.open)
}

// stands says whether it goes on, and how it was over.
func (l *life) stands(v []fact.Value) {
	switch l.how {
	case "":
		v[ConvState] = fact.Str(Open)
	case Lost:
		v[ConvState] = fact.Str(Lost)
	default:
		v[ConvState] = fact.Str(Closed)
		v[ConvEndedAt] = fact.Int(l.overAt)
	}
	v[ConvOutcome] = fact.Str(l.how)
	if l.spam && l.how != Deleted && l.how != Merged && l.how != Lost {
		v[ConvOutcome] = fact.Str(Spam)
	}
}

// replied says how the first reply was waited for.
func (l *life) replied(v []fact.Value, business func(team string, from, to int64) int64) {
	r := &l.frt
	if r.from == 0 {
		return
	}
	v[ConvFRTStartedAt] = fact.Int(r.from)
	switch {
	case !r.known() && r.endedAt != 0 && l.how != Lost:
		v[ConvFRTEndedAt] = fact.Int(r.endedAt)
		return
	case !r.known():
		return
	}
	v[ConvFRTEndedAt], v[ConvFirstReplyAt] = fact.Int(r.to), fact.Int(r.to)
	v[ConvFirstReplyBy], v[ConvFirstReplyAssignee] = fact.Str(r.sender), fact.Str(r.assignee)
	if l.voidAt != 0 || l.how == Lost {
		return
	}
	v[ConvFRT], v[ConvFRTBusiness] = fact.Int(r.to-r.from), fact.Int(business(l.team, r.from, r.to))
	clamped := int64(0)
	if r.clamped {
		clamped = 1
	}
	v[ConvFRTClamped] = fact.Int(clamped)
	if r.assigned != 0 {
		from := max(r.from, r.assigned)
		v[ConvFRTAssigned], v[ConvFRTAssignedBusiness] = fact.Int(r.to-from), fact.Int(business(l.team, from, r.to))
	}
}

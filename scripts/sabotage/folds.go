package sabotage

// ofFolds are faults of the folds that have Go of their own. The stories and laws
// beside each must notice.
func ofFolds() []sabotage {
	return append(ofContacts(), append(ofAgents(), ofConversations()...)...)
}

func ofContacts() []sabotage {
	const life, segment = "track/contact/life.go", "track/contact/segment.go"
	return []sabotage{
		{"moved_on_unknown", life, "		q.leave(e.Time, FlowOut)\n", "		q.leave(e.Time, System)\n", "who stood in the next queue did not flow out"},
		{"entries_not_counted", life, "		if l.queues[i].queue == queue {\n			nth++", "		if l.queues[i].queue == \"\" {\n			nth++", "the second time in a queue is the first"},
		{"answered_twice", life, "		if l.agents[i].active() && l.agents[i].agent == agent {", "		if l.agents[i].active() && agent == \"\" {", "an answer that is told twice is two segments"},
		{"transfers_not_counted", life, "	l.transfers++\n", "", "nothing was passed on"},
		{"hung_up_unknown", life, "	return Abandoned\n", "	return System\n", "who hung up while waiting has not abandoned"},
		{"last_queue_decides", life, "	if len(l.agents) > 0 {\n		return Answered", "	if false {\n		return Answered", "a contact that an agent had was not answered"},
		{"one_hold", segment, "		a.heldMs += at - a.heldSince\n", "		a.heldMs = at - a.heldSince\n", "of several holds the last one counts"},
		{"held_to_the_end", segment, "	a.unhold(at)\n	a.phase, a.to", "	a.phase, a.to", "a hold that the end of the contact ends is talk"},
		{"wrapup_without_start", segment, "	case a.phase == Ended && a.wrapFrom == 0:\n", "	case false:\n", "after-contact work whose start was not told is none"},
		{"wrapup_is_talk", segment, "	a.end(at, byAgent)\n", "", "after-contact work does not end the contact"},
	}
}

func ofAgents() []sabotage {
	const presence = "track/agent/presence.go"
	return []sabotage{
		{"any_pause_is_all", presence, "	return len(p.pauses) > 0 && len(p.pauses) >= len(p.queues)", "	return len(p.pauses) > 0", "who is paused in one queue of two takes no contacts"},
		{"left_with_last_queue", presence, "	if len(p.queues) == 0 && p.span.by != Login {", "	if len(p.queues) == 0 {", "who logged in is gone with the last queue"},
		{"states_by_name", presence, "	p.available = told && v != 0 || !told && state == Available", "	p.available = told && v > 1 || state == Available", "what the source says of a state of its own is not heard"},
		{"wrapup_first", presence, "		if !p.contacts[i].wrapup {\n			return Contact", "		if p.contacts[i].wrapup {\n			return Contact", "after-contact work is a contact"},
		{"pause_of_all_stays", presence, `return queue == "" || x.queue == "" || x.queue == queue })`, `return queue == "" || x.queue == queue })`, "a pause of all queues is not lifted by one"},
		{"silence_for_long", presence, "	if p.beats {\n", "	if false {\n", "who stopped sending heartbeats is there for hours"},
		{"every_event_is_a_stay", presence, "		if p.stay.row == now {", "		if false {", "a stay ends though nothing has changed"},
		{"wrapup_ends_contact", presence, "c.id == id && c.wrapup == wrapup", "c.id == id", "the end of other work ends a contact"},
		{"said_again_is_new", presence, "		if x.queue == queue && x.reason == reason {", "		if false {", "a pause that is told twice is two"},
	}
}

func ofConversations() []sabotage {
	const life, reply = "track/conversation/life.go", "track/conversation/reply.go"
	return []sabotage{
		{"machines_reply", life, "	if automated, _ := e.Int(event.FieldAutomated); automated != 0 {\n		return\n	}\n	hidden", "	if automated, _ := e.Int(event.FieldAutomated); automated > 1 {\n		return\n	}\n	hidden", "an automatic answer is a reply"},
		{"notes_reply", life, "	hidden := e.Text(event.FieldVisibility) == internal\n", "	hidden := false\n", "a note among agents is a reply"},
		{"bots_lead_on", reply, "	if r.known() || r.handedOff || !open {\n		return\n	}\n", "	if true {\n		return\n	}\n", "the first reply is waited for since the bot began"},
		{"newest_question", reply, "	if r.known() || r.from != 0 && !r.vague && r.endedAt == 0 {", "	if r.known() {", "the first reply is waited for since the newest message"},
		{"early_not_clamped", reply, "		r.from, r.to, r.clamped = at, at, true\n", "		r.from, r.to, r.clamped = at, at-1, true\n", "a reply before the beginning took less than no time"},
		{"reopens_not_counted", life, "		l.reopens++\n", "", "nothing was opened again"},
		{"pending_is_work", life, "	working := l.status == StatusNew || l.status == StatusOpen\n", "	working := true\n", "who waits for the customer works"},
		{"hold_pauses_customer", life, "l.requester.run(on && (working || l.status == StatusOnHold), at, l.team, business)", "l.requester.run(on && working, at, l.team, business)", "on hold the customer does not wait"},
		{"merged_start_lost", life, "		l.originAt = min(l.originAt, began)\n", "		l.originAt = max(l.originAt, began)\n", "a merge does not take the start of what was merged"},
		{"spam_for_ever", life, "	case !spam && l.how != Deleted:\n", "	case false:\n", "a tag of spam that is taken off stays"},
		{"merged_is_solved", life, "	case typeMerged:\n		l.end(e.Time, Merged)\n", "	case typeMerged:\n		l.end(e.Time, Closed)\n", "a conversation that was merged was resolved"},
		{"each_message_waits", life, "	if n := len(l.waits); n > 0 && l.waits[n-1].how == Waiting {\n		return\n	}\n	l.nth++\n", "	l.nth++\n", "a customer who writes twice waits twice"},
	}
}

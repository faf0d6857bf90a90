// Package sabotage is a list of one-line faults of the core, each of which the
// simulation must notice.
//
// It does not know why the simulation fails, only that it does.
package sabotage

// sabotage replaces the one place where old stands in a file of pkg. The
// seeds of ./sim must notice, of a file of ./incident or ./track/record those of
// its own.
type sabotage struct {
	name, file, old, new string
	why                  string // what it breaks
}

func sabotages() []sabotage {
	return append(ofState(), append(ofEpochs(), append(ofOrder(), append(ofTime(), append(ofPanes(), append(ofDeadlines(), append(ofIncidents(), ofRecords()...)...)...)...)...)...)...)
}

// ofState are faults of checkpoints, fencing and restoring.
func ofState() []sabotage {
	return []sabotage{
		{
			"position_before_effects", "track/owner.go",
			"cp.acked < cp.deltas || o.acked < cp.rows", "cp.acked < cp.deltas",
			"a position is written while rows before it are under way",
		},
		{
			"zombie_counts", "statelog/log.go",
			"if rec.nonce < r.greatest {", "if false {",
			"records of a replaced owner are read",
		},
		{
			"restore_too_late", "statelog/log.go",
			"p.first[1].group <= oldest {", "p.first[1].group <= oldest+2 {",
			"the restore point lies behind entries that are still needed",
		},
		{
			"deletions_not_kept", "statelog/keeper.go",
			"		put(key, nil)\n", "		_ = key\n",
			"what was dropped comes back with a restore",
		},
		{
			"sweep_forgets", "statelog/keeper.go",
			"		k.unlink(n)\n		write(n)\n", "		k.unlink(n)\n",
			"an unchanged entry counts as rewritten and is not",
		},
		{
			"open_not_followed", "track/state.go",
			"		f.panes.Reopen(st.tenant(), &t.is.Facts[i])\n", "		_ = i\n",
			"what was open before a restore does not grow after it",
		},
		{
			"clock_not_kept", "track/feed.go",
			"	f.now = now\n	t.keep.Touch(&f.node, f)\n", "	f.now = now\n",
			"a successor's clock stands where it stood long ago",
		},
		{
			"early_wake", "track/feed.go",
			"	if due > now {", "	if false {",
			"things happen when an item happens to be looked at",
		},
	}
}

// ofOrder are faults in the set of an item's events.
func ofOrder() []sabotage {
	return []sabotage{
		{
			"word_for_the_wrong_stay", "track/contact/life.go",
			"	if q := l.inferred(queue, e.Time); q != nil {\n", "	if q := l.inferred(queue, e.Time+1); q != nil {\n",
			"how a queue was left is told of the next one, entered in the same millisecond",
		},
		{
			"arrival_order", "item/item.go",
			"if h.Time < e.Time || h.Time == e.Time && event.Compare(&h.Event, rank(h.Type), e, r) < 0 {", "if h.Time <= e.Time || r < 0 {",
			"events of one instant stand in the order of their arrival",
		},
		{
			"duplicates_count", "item/item.go",
			"if h.UID != e.UID || h.Time != e.Time {", "if true {",
			"a second delivery is a second event",
		},
		{
			"revision_ignored", "event/event.go",
			"		return a.Revision > b.Revision\n", "		return false\n",
			"a newer revision does not take the place of an older",
		},
		{
			"time_not_identity", "item/item.go",
			"if h.UID != e.UID || h.Time != e.Time {", "if h.UID != e.UID && h.Time != e.Time {",
			"other events of the same instant are taken for repeats",
		},
		{
			"replaced_counts", "item/item.go",
			"				it.Events[j].Replaced = true\n", "				_ = j\n",
			"an event that another replaces counts too",
		},
		{
			"replacement_judged_by_itself", "track/task.go",
			"if e.JudgedAt() < f.now-k.Timing.Horizon {", "if e.Time < f.now-k.Timing.Horizon {",
			"a replacement withdraws what is long settled",
		},
		{
			"stale_row", "track/plan.go",
			"			p.facts[i].row = f.row\n", "",
			"of two changes between flushes the first is written",
		},
		{
			"version_shared", "track/plan.go",
			"OpenedAt: c.fact.OpenedAt, Version: offset,", "OpenedAt: c.fact.OpenedAt, Version: offset - offset%2,",
			"two changes of a row share a version",
		},
		{
			"no_tombstone", "track/task.go",
			"			t.plan.facts = append(t.plan.facts, factChange{st, was, true})\n", "",
			"a fact that ceases to exist stays in the tables",
		},
		{
			"no_horizon", "track/task.go",
			"if e.JudgedAt() < f.now-k.Timing.Horizon {", "if false {",
			"events are taken however late",
		},
	}
}

// ofTime are faults of clocks, feeds and lives.
func ofTime() []sabotage {
	return []sabotage{
		{
			"clock_goes_back", "track/feed.go",
			"	if now <= f.now {\n		return\n	}\n", "",
			"an owner whose clock is behind turns time back",
		},
		{
			"feed_never_closes", "track/feed.go",
			"		f.open = false\n", "		f.open = true\n",
			"a feed that was closed takes events",
		},
		{
			"two_replayers", "track/feed.go",
			"e.ReceivedAt-f.seen < ReplayerLeaseMs ||", "false ||",
			"a second replay takes the feed from one that is alive",
		},
		{
			"generation_mixed", "track/feed.go",
			"		t.restart(f, e, offset)\n", "		f.generation, f.now = e.Generation, e.Time\n",
			"a new filling of a feed goes on with the old one's state",
		},
		{
			"one_life", "track/contact/doc.go",
			"h.Time > l.overAt+t.cfg.LingerMs {", "false {",
			"an id that comes back long after is the old contact",
		},
		{
			"lost_by_clock_only", "track/contact/doc.go",
			"if l.begun && l.open() && l.openSince+t.cfg.MaxAgeMs < h.Time {", "if false {",
			"an event long after does not prove that a contact was lost",
		},
		{
			"never_lost", "track/contact/doc.go",
			"if l.open() && l.openSince+t.cfg.MaxAgeMs <= now {", "if false {",
			"silence never ends what is open",
		},
		{
			"settled_too_soon", "track/contact/doc.go",
			"if !l.open() && l.overAt+t.cfg.LingerMs < bound {", "if !l.open() && l.overAt < bound {",
			"a life is forgotten while an event may still join it",
		},
		{
			"orphans_show", "track/contact/doc.go",
			"	if !l.opened {\n		return\n	}\n", "",
			"the tail of a contact that began before the log is shown as one",
		},
		{
			"lost_in_levels", "pane/level.go",
			"if l.lost >= 0 && f.Values[l.lost].Text == fact.LostText {", "if false {",
			"what was given up counts as open for ever",
		},
	}
}

// ofDeadlines are faults of verdicts.
func ofDeadlines() []sabotage {
	return []sabotage{
		{
			"settle_skipped", "sla/sla.go",
			"case now >= d.DueAt+p.SettleMs:", "case true:",
			"people are told before the source had time to speak",
		},
		{
			"due_too_strict", "sla/sla.go",
			"to.Int <= d.DueAt:", "to.Int < d.DueAt:",
			"who is answered at the deadline itself is late",
		},
		{
			"breach_stays", "track/task.go",
			"			t.judge(c, was, nil)\n", "",
			"a wait that there never was stays broken",
		},
		{
			"silence_unseen", "track/task.go",
			"wake := min(k.Timing.due(lostAt, overAt), t.promised(t.is.Facts, f.now))", "wake := k.Timing.due(lostAt, overAt)",
			"a deadline passes only when something else happens",
		},
		{
			"deadline_not_restored", "track/state.go",
			"due := min(st.kind.Timing.due(lostAt, overAt), t.promised(t.is.Facts, f.now))", "due := st.kind.Timing.due(lostAt, overAt)",
			"a successor forgets which deadlines lie ahead",
		},
		{
			"stale_verdict", "track/verdict.go",
			"		p.verdicts[i].row = v.row\n", "		_ = i\n",
			"of two verdicts between flushes the first is written",
		},
		{
			"sources_not_kept", "track/source.go",
			"		s.last = e.ReceivedAt\n		t.keep.Touch(&s.node, s)\n", "		s.last = e.ReceivedAt\n",
			"a successor takes a source for silent that spoke",
		},
	}
}

// ofPanes are faults in the adding up.
func ofPanes() []sabotage {
	return []sabotage{
		{
			"no_incarnation", "pane/pane.go",
			"incarnation: offset, touched: offset,", "incarnation: 0, touched: offset,",
			"a pane touched after its eviction overwrites what it had been",
		},
		{
			"version_kept", "pane/pane.go",
			"		p.version, p.changedAt = offset, s.was\n", "		if p.version == 0 {\n			p.version, p.changedAt = offset, s.was\n		}\n",
			"a row changes under an old version",
		},
		{
			"level_stands", "pane/level.go",
			"		s.grow(g, now)\n", "		_ = g\n",
			"what is open does not grow with the clock",
		},
		{
			"half_open", "pane/level.go",
			"end <= b; end += step {", "end < b; end += step {",
			"what ends at the end of an interval is not open at it",
		},
		{
			"old_value_stays", "pane/pane.go",
			"		s.add(from, p, aBucket, -a)\n", "",
			"a fact that moves is counted where it was too",
		},
		{
			"evicted_state_stays", "pane/level.go",
			"		s.keep.Drop(&p.node)\n", "",
			"an evicted pane comes back with a restore",
		},
		{
			"bucket_boundary", "kpi/hist.go",
			"int(ms>>shift))", "int((ms-1)>>shift))",
			"a length at the boundary of a bucket lies in the one below",
		},
		{
			"extreme_not_lowered", "pane/spread.go",
			"		x.tops = slices.Delete(x.tops, i, i+1)\n", "		_ = i\n",
			"the greatest value stays after its fact was corrected",
		},
		{
			"bucket_not_restored", "pane/state.go",
			"				p.count(id, v)\n", "				_ = v\n",
			"a distribution begins anew with a restore",
		},
		{
			"quarter_not_restored", "pane/state.go",
			"		s.soil(p)", "		_ = s.soil",
			"the row of a quarter of an hour that was restored is never written",
		},
		{
			"oldest_stays", "pane/level.go",
			"|| !o.add && o.from == oldest", "",
			"the oldest that is open is still the one that has left",
		},
	}
}

// ofIncidents are faults of the alerter's machine; its own seeds must notice.
func ofIncidents() []sabotage {
	return []sabotage{
		{
			"half_a_verdict", "incident/incident.go",
			"		r.Position = before\n", "		_, _ = r, before\n",
			"a death between two records of one verdict loses the second",
		},
		{
			"old_verdicts_count", "incident/apply.go",
			"case !p.after(was) && !(level && !was.after(p)):", "case false:",
			"rows that a processor writes again open incidents again",
		},
		{
			"quiet_is_told", "incident/incident.go",
			"news := alarming && !v.Quiet &&", "news := alarming &&",
			"people are told of what is long past",
		},
		{
			"ends_without_beginning", "incident/apply.go",
			"	if e.told {\n		m.owe(", "	if true {\n		m.owe(",
			"people hear of the end of what they were never told",
		},
		{
			"second_episode", "incident/record.go",
			"return v.Tenant + \"\\x00\" + v.Policy + \"\\x00\" + v.Item", "return Key(v)",
			"an episode that is found again is a second incident",
		},
		{
			"answers_not_kept", "incident/outbox.go",
			"d == nil || len(d.messages) == 0 || d.messages[0].Seq != r.Of {", "d == nil || true {",
			"what was delivered is delivered for ever",
		},
	}
}

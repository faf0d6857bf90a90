package sabotage

// ofRecords are faults of the fold of families that are declared as data.
func ofRecords() []sabotage {
	return []sabotage{
		{
			"record_gap_too_short", "track/record/family.go",
			"return at-g.last <= f.GapMs", "return at-g.last < f.GapMs",
			"a silence of just the gap divides a visit",
		},
		{
			"record_within_too_short", "track/record/family.go",
			"return g.waits && at-g.opened <= f.withinMs", "return g.waits && at-g.opened < f.withinMs",
			"what comes just at the bound is not seen",
		},
		{
			"record_kept_too_short", "track/record/tracker.go",
			"if t.begun && e.Time-t.last > t.cfg.KeepMs {", "if t.begun && e.Time-t.last >= t.cfg.KeepMs {",
			"an item begins anew while it is still kept",
		},
		{
			"record_wait_not_kept", "track/record/base.go",
			" | protowire.EncodeBool(g.waits)<<1", "",
			"behind the horizon nobody waits for the next fact",
		},
		{
			"record_number_not_kept", "track/record/base.go",
			"number(number(number(b, f.made), f.previous)", "number(number(number(b, 0), f.previous)",
			"behind the horizon facts are numbered from 1 again",
		},
		{
			"record_carried_forgotten", "track/record/tracker.go",
			"if v := value(c.column.Field, e); v.Set {", "if v := value(c.column.Field, e); true {",
			"an event that says nothing takes away what was known",
		},
		{
			"record_all_is_added", "track/record/family.go",
			"v.Int = -v.Int", "_ = v",
			"what is given back counts as paid",
		},
		{
			"record_lost_too_late", "track/record/family.go",
			"at-g.opened >= f.LostAfterMs", "at-g.opened > f.LostAfterMs",
			"a fact is lost behind its time",
		},
		{
			"record_silence_says_nothing", "track/record/tracker.go",
			"seen := max(now, t.last)", "seen := t.last",
			"nothing is over before another event comes",
		},
		{
			"record_echo_is_a_stay", "track/record/family.go",
			"(g == nil || g.key != word)", "(g == nil || true)",
			"the same word said again ends a stay",
		},
		{
			"record_lets_go_too_soon", "track/record/tracker.go",
			"bound = min(bound, it.Events[n].Time)", "_ = n",
			"facts are let go of that an event that is held may change",
		},
		{
			"record_replaced_counts", "track/record/tracker.go",
			"p != nil && events[i].Applies()", "p != nil",
			"what was replaced or withdrawn counts",
		},
	}
}

package sabotage

// ofEpochs are faults of computations beside each other, and of the items that
// are kept in pages: the seeds of ./sim alone draw them.
func ofEpochs() []sabotage {
	return []sabotage{
		{
			"number_not_kept_first", "track/owner.go",
			"return o.task.Begun() == \"\" || o.seen > 0 }", "return true }",
			"an owner that dies before its first checkpoint leaves rows under a number that other definitions take",
		},
		{
			"number_not_read_back", "track/owner.go",
			"return o.task.Begun() == \"\" || o.seen > 0 }", "return o.task.Begun() == \"\" || o.saved }",
			"an owner that was replaced before it kept its number works under it",
		},
		{
			"number_taken_again", "track/epoch.go",
			"		c.Epoch = max(other.Epoch+1, asked)\n", "		c.Epoch = max(other.Epoch, asked)\n",
			"other definitions go on under the number of the old ones",
		},
		{
			"number_not_restored", "track/state.go",
			"	c.Epoch = int64(epoch)\n", "",
			"a successor writes its rows into the first computation",
		},
		{
			"other_definitions_go_on", "track/state.go",
			"was != c.Definitions {", "false {",
			"state of other definitions is gone on with",
		},
		{
			"asked_in_vain", "track/epoch.go",
			"	if err != nil || asked <= t.Epoch() {\n", "	if err != nil || asked <= t.Epoch()+1 {\n",
			"the owner that a record asks for the next computation restores the old one",
		},
		{
			"page_not_kept", "track/page.go",
			"		t.keep.Touch(&p.node, p)\n", "		_ = p\n",
			"what an agent did an hour ago is missing behind a restore",
		},
		{
			"page_cut_too_late", "track/page.go",
			"		if n == 0 || t.item.Events[n].Time == at {\n", "		if true {\n",
			"an event that another replaces, which came first and stands in an older page, counts",
		},
		{
			"page_stays", "track/page.go",
			"	for _, p := range st.pages[m.kept:] {\n		t.keep.Drop(&p.node)\n", "	for range st.pages[m.kept:] {\n",
			"a page that was cut anew comes back beside its successors",
		},
	}
}

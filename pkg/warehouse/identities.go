package warehouse

import (
	"fmt"

	"github.com/nabz/nabz/pkg/fact"
	"github.com/nabz/nabz/pkg/kpi"
)

// merging finds the family that says which entities of a kind are one.
func (m *Model) merging(kind string) *fact.Family {
	for _, f := range m.Families {
		if f.Kind == kind && f.Column(fact.MergedInto) >= 0 {
			return f
		}
	}
	return nil
}

// identityViews say who every merged entity is now: the end of the chain of its
// merges, which is followed for kpi.MergeSteps.
func (m *Model) identityViews() []Statement {
	var out []Statement
	for _, f := range m.Families {
		if f.Column(fact.MergedInto) < 0 {
			continue
		}
		merged := fmt.Sprintf("SELECT f.tenant AS tenant, f.feed AS feed, f.item AS entity, toString(argMax(f.%s, f.opened_at)) AS root FROM %s.fact_%s AS f FINAL\n%s\nWHERE f.deleted = 0 AND f.%[1]s != '' GROUP BY tenant, feed, entity",
			fact.MergedInto, Internal, f.Name, shownJoin("f"))
		joins, root := "", "s0.root"
		for i := 1; i < kpi.MergeSteps; i++ {
			joins += fmt.Sprintf("\nLEFT JOIN (\n%[1]s\n) AS s%[2]d ON s%[2]d.tenant = s0.tenant AND s%[2]d.feed = s0.feed AND s%[2]d.entity = s%[3]d.root", merged, i, i-1)
			root = fmt.Sprintf("if(s%[1]d.root != '', s%[1]d.root, %[2]s)", i, root) // the farthest that there is
		}
		chain := fmt.Sprintf("SELECT s0.tenant AS tenant, s0.feed AS feed, s0.entity AS entity, %s AS root FROM (\n%s\n) AS s0%s", root, merged, joins)
		out = append(out, viewIn(Internal, "identities_"+f.Kind, "Of each "+f.Kind+" that was merged, who it is now.", []Column{
			{"tenant", typeWord, "", "The tenant."},
			{"feed", typeWord, "", "The feed; empty is the live one."},
			{"entity", "String", "", "The " + f.Kind + " that was merged into another."},
			{"root", "String", "", "The " + f.Kind + " that it is now."},
		}, chain))
	}
	return out
}

func identities(f *fact.Family) string { return Internal + ".identities_" + f.Kind }

package schemas

import (
	"testing"

	"github.com/nabz/nabz/pkg/kpi"
	"github.com/nabz/nabz/pkg/track/contact"
)

func TestKPIsLoad(t *testing.T) {
	set, err := kpi.Load(KPIs(), contact.NewFamilies().All())
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range set.Measures("queue_segment") {
		for _, p := range m.Parts() {
			t.Logf("%10d %s: %s", p.ID, p.Column, p.Doc)
		}
	}
}

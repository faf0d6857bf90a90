package loader

import (
	"github.com/nabz/nabz/pkg/row"
	"github.com/nabz/nabz/pkg/warehouse"
	"github.com/nabz/nabz/services/internal/clickhouse"
)

// verdictBlock is the table of verdicts.
type verdictBlock struct {
	block                                                         *clickhouse.Block
	place                                                         placeColumns
	policy, kind, item, id, began, labels, severity, state, stage int
	quiet, uncertain, dueAt, decidedAt, target, numbers, version  int
}

func (x *verdictBlock) open(t tables) (err error) {
	x.block, err = t.columns(warehouse.Verdicts, x.place.names(map[string]*int{
		"policy": &x.policy, "kind": &x.kind, "item": &x.item, "id": &x.id, "began_at": &x.began, "labels": &x.labels,
		"severity": &x.severity, "state": &x.state, "stage": &x.stage, "quiet": &x.quiet, "uncertain": &x.uncertain,
		"due_at": &x.dueAt, "decided_at": &x.decidedAt, "target": &x.target, "numbers": &x.numbers, "version": &x.version,
	}))
	return err
}

func (x *verdictBlock) add(v *row.Verdict) (reason string) {
	if !instant(v.Episode) || !instant(v.DueAt) || !instant(v.DecidedAt) {
		return reasonOutOfRange
	}
	keys, vals := make([]string, len(v.Labels)), make([]string, len(v.Labels))
	for i, l := range v.Labels {
		keys[i], vals[i] = l.Name, l.Value
	}
	b := x.block
	x.place.set(b, &v.Place)
	b.Text(x.policy, v.Policy)
	b.Text(x.kind, v.Kind)
	b.Text(x.item, v.Item)
	b.ID(x.id, v.ID)
	b.Int(x.began, v.Episode)
	b.Texts(x.labels, keys, vals)
	b.Text(x.severity, v.Severity)
	b.Text(x.state, v.State)
	b.Text(x.stage, v.Stage)
	b.Int(x.quiet, flag(v.Quiet))
	b.Int(x.uncertain, flag(v.Uncertain))
	b.Int(x.dueAt, v.DueAt)
	b.Int(x.decidedAt, v.DecidedAt)
	b.Int(x.target, v.Target)
	b.Floats(x.numbers, []string{"value", "bound"}, []float64{v.Value, v.Bound})
	b.Int(x.version, v.Version)
	b.EndRow()
	return ""
}

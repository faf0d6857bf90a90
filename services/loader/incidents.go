package loader

import (
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/nabz/nabz/pkg/incident"
	"github.com/nabz/nabz/pkg/warehouse"
	"github.com/nabz/nabz/services/internal/clickhouse"
)

// incidentBlock is the table of incidents.
type incidentBlock struct {
	block                                                        *clickhouse.Block
	tenant, key, rule, kind, item, labels, severity, state       int
	cause, uncertain, texts, opened, resolved, resolution, dueAt int
	target, numbers, suppressed, receivers, version              int
}

func (x *incidentBlock) open(t tables) (err error) {
	x.block, err = t.columns(warehouse.Incidents, map[string]*int{
		"tenant": &x.tenant, "key": &x.key, "rule": &x.rule, "kind": &x.kind, "item": &x.item, "labels": &x.labels,
		"severity": &x.severity, "state": &x.state, "cause": &x.cause, "uncertain": &x.uncertain, "texts": &x.texts,
		"opened_at": &x.opened, "resolved_at": &x.resolved, "resolution": &x.resolution, "due_at": &x.dueAt, "target": &x.target,
		"numbers": &x.numbers, "suppressed": &x.suppressed, "receivers": &x.receivers, "version": &x.version,
	})
	return err
}

func (x *incidentBlock) add(offset int64, r *incident.Record) {
	i, b := r.Incident, x.block
	b.Text(x.tenant, i.Tenant)
	b.Text(x.key, r.Key)
	b.Text(x.rule, i.Rule)
	b.Text(x.kind, i.Kind)
	b.Text(x.item, i.Item)
	var names, values []string
	for name := range i.Labels {
		names = append(names, name)
	}
	slices.Sort(names) // so that a row that is loaded again is the same
	for _, name := range names {
		values = append(values, i.Labels[name])
	}
	b.Texts(x.labels, names, values)
	b.Text(x.severity, i.Severity)
	b.Text(x.state, i.State)
	b.Text(x.cause, i.Cause)
	b.Int(x.uncertain, flag(i.Uncertain))
	b.Texts(x.texts, []string{"en", "fa"}, []string{i.Summary.EN, i.Summary.FA})
	b.Int(x.opened, i.OpenedAt)
	if i.ResolvedAt != 0 {
		b.Int(x.resolved, i.ResolvedAt)
	}
	b.Text(x.resolution, i.Resolution)
	if i.DueAt != 0 {
		b.Int(x.dueAt, i.DueAt)
		b.Int(x.target, i.Target)
	}
	var numbers []string
	var figures []float64
	if i.Value != nil {
		numbers, figures = append(numbers, "value"), append(figures, *i.Value)
	}
	if i.Bound != nil {
		numbers, figures = append(numbers, "bound"), append(figures, *i.Bound)
	}
	b.Floats(x.numbers, numbers, figures)
	b.Text(x.suppressed, i.Suppressed)
	b.Text(x.receivers, strings.Join(i.Receivers, ","))
	b.Int(x.version, offset)
	b.EndRow()
}

// deliveryBlock is the table of what became of messages.
type deliveryBlock struct {
	block                                                                  *clickhouse.Block
	key, receiver, message, of, result, attempt, reason, at, next, version int
}

func (x *deliveryBlock) open(t tables) (err error) {
	x.block, err = t.columns(warehouse.Deliveries, map[string]*int{
		"key": &x.key, "receiver": &x.receiver, "message": &x.message, "of": &x.of, "result": &x.result, "attempt": &x.attempt,
		"reason": &x.reason, "at": &x.at, "next_at": &x.next, "version": &x.version,
	})
	return err
}

func (x *deliveryBlock) add(offset int64, r *incident.Record) {
	b := x.block
	b.Text(x.key, r.Key)
	b.Text(x.receiver, r.Receiver)
	b.Text(x.message, r.Message)
	b.Int(x.of, r.Of)
	b.Text(x.result, r.Event)
	b.Int(x.attempt, int64(r.Attempt))
	b.Text(x.reason, r.Reason)
	b.Int(x.at, r.At)
	if r.Next != 0 {
		b.Int(x.next, r.Next)
	}
	b.Int(x.version, offset)
	b.EndRow()
}

// addIncident takes in a record of the outbox.
func (b *batch) addIncident(r *kgo.Record) (reason string) {
	record, err := incident.Decode(r.Value)
	if err != nil {
		return reasonMalformed
	}
	i := record.Incident
	switch {
	case i == nil && instant(record.At) && instant(record.Next):
		b.deliveries.add(r.Offset, record)
	case i != nil && instant(i.OpenedAt) && instant(i.ResolvedAt) && instant(i.DueAt):
		b.incidents.add(r.Offset, record)
	default:
		return reasonOutOfRange
	}
	return ""
}

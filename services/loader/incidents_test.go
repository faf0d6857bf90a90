package loader_test

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/nabz/nabz/pkg/incident"
	"github.com/nabz/nabz/pkg/row"
	"github.com/nabz/nabz/services/internal/kafka"
	"github.com/nabz/nabz/services/internal/testkit"
)

// TestIncidents loads the outbox of a machine, some of it twice.
func TestIncidents(t *testing.T) {
	w := newWorld(t, testkit.Fake(t), kit.Engine(t))
	_, stop := w.load()
	m := incident.New(incident.Config{Receivers: []incident.Receiver{{Name: "pager", Delays: []int64{5000}}}})
	var all []*kgo.Record
	write := func(records ...*incident.Record) {
		for _, r := range records {
			value, err := r.Append(nil)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, record(kafka.TopicIncidents, 1, value))
			m.Acknowledged(r)
		}
	}
	now := start + 1000
	answer := func(o incident.Outcome) {
		for _, msg := range m.Take("pager", now, 10) {
			write(m.Done("pager", &msg, o, now))
		}
	}
	v := &row.Verdict{
		Place: row.Place{Tenant: "incidents"}, Policy: "queue_wait", Kind: row.Deadline, Item: "c1", Episode: start, Severity: incident.Page,
		State: row.Breached, Stage: row.Settled, DueAt: start, DecidedAt: now, Target: 60_000, Version: 1, Labels: []row.Label{{Name: "queue", Value: "sales"}},
	}
	rule := *v
	rule.Policy, rule.Kind, rule.Item, rule.Value, rule.Bound, rule.Severity = "service_level_low", row.Threshold, "sales", 0.7, 0.8, incident.Ticket
	write(m.Step(v, 0, now)...)
	answer(incident.Outcome{Reason: "503 Service Unavailable"})
	write(m.Step(&rule, 1, now)...)
	answer(incident.Outcome{Delivered: true})
	now += 5000
	answer(incident.Outcome{Delivered: true})
	over := *v
	over.State, over.DecidedAt, over.Version = row.MetLate, now, 2
	write(m.Step(&over, 2, now)...)
	answer(incident.Outcome{Delivered: true})
	w.send(all...)
	w.send(all[:1]...) // an old one again, behind the rest: its offset is greater
	w.send(all[3:]...)
	w.send(record(kafka.TopicIncidents, 0, []byte("{}"))) // no record
	w.count(2, "SELECT count() FROM nabz.incidents WHERE tenant = 'incidents'")
	w.count(1, "SELECT count() FROM nabz.incidents WHERE tenant = 'incidents' AND rule = 'queue_wait' AND state = 'resolved' AND resolution = 'over' AND item = 'c1' AND queue = 'sales' "+
		"AND severity = 'page' AND due_at IS NOT NULL AND value IS NULL AND dateDiff('millisecond', opened_at, resolved_at) = 5000 "+
		"AND deliveries = 'pager firing delivered (2), pager resolved delivered (1)'")
	w.count(1, "SELECT count() FROM nabz.incidents WHERE tenant = 'incidents' AND rule = 'service_level_low' AND state = 'firing' AND resolved_at IS NULL AND value = 0.7 AND bound = 0.8 "+
		"AND receivers = 'pager' AND deliveries = 'pager firing delivered (1)'")
	w.commits(int64(len(all) + 1 + len(all[3:]) + 1))
	stop()
}

package explain

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nabz/nabz/pkg/kpi"
	"github.com/nabz/nabz/pkg/strictyaml"
	"github.com/nabz/nabz/pkg/warehouse"
	"github.com/nabz/nabz/services/internal/kafka"
)

// ItemRequest asks for one item.
type ItemRequest struct {
	Kind, ID string
	Tenant   string // empty: all
	Feed     string // empty: live
}

// Item is all that is known of an item.
type Item struct {
	Item   string  `json:"item"` // kind/id
	Tenant string  `json:"tenant,omitempty"`
	Feed   string  `json:"feed"`
	Facts  []Fact  `json:"facts"`
	Events []Event `json:"events"` // of its own partition, as they happened
	// Deadlines are those that its facts are held to, and who was told of them.
	Deadlines []Deadline `json:"deadlines"`
}

// Event is one record of events, as it stands on Kafka.
type Event struct {
	Tenant     string          `json:"tenant"`
	Topic      string          `json:"topic"`
	Partition  int32           `json:"partition"`
	Offset     int64           `json:"offset"`
	Type       string          `json:"type"`
	Source     string          `json:"source"`
	ID         string          `json:"id"`
	UID        string          `json:"uid"`
	Time       time.Time       `json:"time"`
	ReceivedAt time.Time       `json:"received_at"`
	Revision   int64           `json:"revision,omitempty"`
	Withdraws  string          `json:"withdraws,omitempty"` // uid of the event that it replaces
	Data       json.RawMessage `json:"data"`
	Counted    bool            `json:"counted"`
	Rejected   string          `json:"rejected,omitempty"` // why it had no effect
	item       string
}

// ItemName splits kind/id.
func ItemName(s string) (kind, id string, ok bool) {
	kind, id, ok = strings.Cut(s, "/")
	return kind, id, ok && kind != "" && id != ""
}

// Item explains one item: its facts, which measures took each, its events and
// those that were refused, its deadlines and who was told of them.
func (e *Explainer) Item(ctx context.Context, r ItemRequest) (*Item, error) {
	if kinds := e.Catalog.Events.Kinds(); !slices.Contains(kinds, r.Kind) {
		return nil, wrong("item", "no kind %q%s; there are %s", r.Kind, strictyaml.Hint(r.Kind, kinds), strings.Join(kinds, ", "))
	}
	it := &Item{Item: r.Kind + "/" + r.ID, Tenant: r.Tenant, Feed: r.Feed, Facts: []Fact{}}
	for _, f := range e.Catalog.Families() {
		if f.Kind != r.Kind {
			continue
		}
		where := []string{"f.item = " + warehouse.Quote(r.ID), "f.feed = " + warehouse.Quote(r.Feed)}
		if r.Tenant != "" {
			where = append(where, "f.tenant = "+warehouse.Quote(r.Tenant))
		}
		if err := e.facts(ctx, f, where, mostFacts, func(row *row) error {
			it.Facts = append(it.Facts, row.shown(e.verdicts(row)))
			return nil
		}); err != nil {
			return nil, err
		}
	}
	var err error
	if it.Events, err = e.events(ctx, r.Kind, []string{r.ID}, r.Tenant, r.Feed); err != nil {
		return nil, err
	}
	if it.Deadlines, err = e.deadlines(ctx, r, it.Facts); err != nil {
		return nil, err
	}
	if len(it.Facts) == 0 && len(it.Events) == 0 {
		return nil, fmt.Errorf("%s in feed %q: %w", it.Item, r.Feed, ErrNothing)
	}
	return it, nil
}

// verdicts asks every measure of every KPI about a fact, in its own interval.
func (e *Explainer) verdicts(r *row) []Verdict {
	out := []Verdict{}
	for _, d := range e.Catalog.KPIs.Definitions {
		for _, n := range d.Measures {
			if n.Measure.Family != r.fact.Family {
				continue
			}
			v := Verdict{KPI: d.Name, Measure: n.Name}
			from, to := lifetime(n.Measure, r)
			var no bool
			v.Condition, v.Instead, no = n.Measure.Refusal(&r.fact, from, to)
			v.Counted = !no
			out = append(out, v)
		}
	}
	return out
}

// lifetime is an interval in which a measure would find the fact.
func lifetime(m *kpi.Measure, r *row) (from, to int64) {
	at := r.fact.Values[m.At].Int
	if m.Op == kpi.Level {
		at = r.fact.Values[m.From].Int
	}
	return at, at + 1
}

// addEvents puts the events of their items to facts.
func (e *Explainer) addEvents(ctx context.Context, facts []Fact, feed string) error {
	byKind := map[string][]string{}
	for i := range facts {
		kind, id, _ := ItemName(facts[i].Item)
		if !slices.Contains(byKind[kind], id) {
			byKind[kind] = append(byKind[kind], id)
		}
	}
	for kind, ids := range byKind {
		events, err := e.events(ctx, kind, ids, "", feed)
		if err != nil {
			return err
		}
		for i := range facts {
			f := &facts[i]
			for _, ev := range events {
				if ev.Tenant == f.Tenant && kind+"/"+ev.item == f.Item {
					f.Events = append(f.Events, ev)
				}
			}
		}
	}
	return nil
}

// events asks for the records of some entities of a kind in the filling of the
// feed that is shown, as they happened, and what became of each.
func (e *Explainer) events(ctx context.Context, kind string, ids []string, tenant, feed string) ([]Event, error) {
	sql := fmt.Sprintf(`SELECT toString(e.tenant), e.entity, e.partition, e.offset, toString(e.type), toString(e.source), e.id, toString(e.uid), e.time, e.received_at, e.revision,
  if(e.replaces = toUUID('00000000-0000-0000-0000-000000000000'), '', toString(e.replaces)), toJSONString(mapConcat(e.texts, mapApply((k, v) -> (k, toString(v)), e.ints))), toString(r.reason)
FROM (SELECT * FROM %[1]s.events FINAL WHERE feed = ? AND kind = ? AND entity IN (?) AND (tenant = ? OR ? = '')) AS e
INNER JOIN (SELECT DISTINCT tenant, feed, generation FROM %[1]s.shown) AS s ON s.feed = e.feed AND s.generation = e.generation AND s.tenant = if(e.feed = '', '', e.tenant)
LEFT JOIN (SELECT tenant, feed, partition, offset, any(reason) AS reason FROM %[1]s.rejects FINAL WHERE feed = ? AND kind = ? AND entity IN (?) GROUP BY tenant, feed, partition, offset) AS r
  ON r.tenant = e.tenant AND r.feed = e.feed AND r.partition = e.partition AND r.offset = e.offset
ORDER BY e.time, e.sequence, e.partition, e.offset
LIMIT %[2]d`, warehouse.Internal, maxEvents)
	rows, err := e.Conn.Query(ctx, sql, feed, kind, ids, tenant, tenant, feed, kind, ids)
	if err != nil {
		return nil, fmt.Errorf("ask for events: %w", err)
	}
	defer rows.Close()
	out := []Event{}
	for rows.Next() {
		ev := Event{Topic: kafka.TopicEvents}
		var data string
		if err := rows.Scan(&ev.Tenant, &ev.item, &ev.Partition, &ev.Offset, &ev.Type, &ev.Source, &ev.ID, &ev.UID, &ev.Time, &ev.ReceivedAt, &ev.Revision,
			&ev.Withdraws, &data, &ev.Rejected); err != nil {
			return nil, fmt.Errorf("read an event: %w", err)
		}
		ev.Data, ev.Counted = json.RawMessage(data), ev.Rejected == ""
		out = append(out, ev)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read events: %w", err)
	}
	return out, nil
}

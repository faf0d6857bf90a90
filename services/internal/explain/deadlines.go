package explain

import (
	"context"
	"fmt"
	"time"

	"github.com/nabz/nabz/pkg/warehouse"
)

// maxDeadlines is how many deadlines of an item are told: one for each wait and
// policy.
const maxDeadlines = 100

// Deadline is what is known of a deadline of an item.
type Deadline struct {
	Policy    string    `json:"policy"`
	State     string    `json:"state"`
	Stage     string    `json:"stage"`
	Target    float64   `json:"target_s"`
	BeganAt   time.Time `json:"began_at"`
	DueAt     time.Time `json:"due_at"`
	DecidedAt time.Time `json:"decided_at"`
	Quiet     bool      `json:"quiet"`     // nobody is told
	Uncertain bool      `json:"uncertain"` // the source itself was silent
	Incident  *Incident `json:"incident"`  // nil: none opened
}

// Incident is what people were told of a broken deadline.
type Incident struct {
	Key        string     `json:"key"`
	State      string     `json:"state"` // firing or resolved
	OpenedAt   time.Time  `json:"opened_at"`
	ResolvedAt *time.Time `json:"resolved_at"`
	Resolution string     `json:"resolution"`
	Suppressed string     `json:"suppressed"` // why nobody is told; empty: people are
	Deliveries string     `json:"deliveries"` // receiver, what it was told, what became of it, attempts
}

// deadlines asks what is known of the deadlines of an item, by the facts that
// they hold.
func (e *Explainer) deadlines(ctx context.Context, r ItemRequest, facts []Fact) ([]Deadline, error) {
	out := []Deadline{}
	if len(facts) == 0 {
		return out, nil
	}
	ids := make([]string, len(facts))
	for i := range facts {
		ids[i] = facts[i].ID
	}
	// Incidents are of the live feed alone.
	sql := fmt.Sprintf(`SELECT toString(v.policy), toString(v.state), toString(v.stage), v.target, v.began_at, v.due_at, v.decided_at, v.quiet = 1, v.uncertain = 1,
  i.key, toString(i.state), i.opened_at, i.resolved_at, toString(i.resolution), toString(i.suppressed), i.deliveries
FROM (SELECT * FROM %[1]s.sla_verdicts WHERE item = ? AND feed = ? AND (tenant = ? OR ? = '') AND toString(id) IN (?)) AS v
LEFT JOIN (SELECT * FROM %[1]s.incidents WHERE item = ? AND kind = 'deadline' AND ? = '') AS i
  ON i.tenant = v.tenant AND i.rule = v.policy AND i.due_at = v.due_at
ORDER BY v.due_at, v.policy
LIMIT %[2]d`, warehouse.Public, maxDeadlines)
	rows, err := e.Conn.Query(ctx, sql, r.ID, r.Feed, r.Tenant, r.Tenant, ids, r.ID, r.Feed)
	if err != nil {
		return nil, fmt.Errorf("ask for deadlines: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var d Deadline
		var i Incident
		if err := rows.Scan(&d.Policy, &d.State, &d.Stage, &d.Target, &d.BeganAt, &d.DueAt, &d.DecidedAt, &d.Quiet, &d.Uncertain,
			&i.Key, &i.State, &i.OpenedAt, &i.ResolvedAt, &i.Resolution, &i.Suppressed, &i.Deliveries); err != nil {
			return nil, fmt.Errorf("read a deadline: %w", err)
		}
		if i.Key != "" {
			d.Incident = &i
		}
		out = append(out, d)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read deadlines: %w", err)
	}
	return out, nil
}

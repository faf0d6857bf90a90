package gateway

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/nabz/nabz/pkg/incident"
	"github.com/nabz/nabz/services/internal/kafka"
)

// heldIncident is the newest that is known of an incident.
type heldIncident struct {
	seq int64
	incident.Incident
	json []byte
}

// incident takes one record of the outbox; false where it cannot be read.
func (l *live) incident(r *kafka.Record) bool {
	var rec incident.Record
	if json.Unmarshal(r.Value, &rec) != nil || rec.Key == "" {
		return false
	}
	if rec.Incident == nil {
		return true // what became of a message
	}
	t := l.tenant(rec.Incident.Tenant)
	if t == nil {
		return true
	}
	was := t.incidents[rec.Key]
	if was != nil && rec.Seq < was.seq {
		return true
	}
	t.incidents[rec.Key] = &heldIncident{seq: rec.Seq, Incident: *rec.Incident}
	t.hub.touch(&t.hub.incidents, rec.Key)
	if was == nil && len(t.incidents) > maxIncidents {
		l.dropped("incident")
		t.forgetIncident()
	}
	return true
}

// forgetIncident lets go of the oldest that is over, else of the oldest.
func (t *tenant) forgetIncident() {
	oldest := ""
	for key, i := range t.incidents {
		o := t.incidents[oldest]
		if o == nil || (i.State == incident.Ended) != (o.State == incident.Ended) && i.State == incident.Ended ||
			i.State == o.State && i.OpenedAt < o.OpenedAt {
			oldest = key
		}
	}
	delete(t.incidents, oldest)
}

// firing gives the keys of the incidents that are open, in order.
func (t *tenant) firing() []string {
	var keys []string
	for key, i := range t.incidents {
		if i.State == incident.Firing {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

func (t *tenant) pieceOfIncident(key string) piece {
	i := t.incidents[key]
	if i == nil {
		return piece{}
	}
	if i.json == nil {
		i.json = appendIncident(nil, key, &i.Incident)
	}
	return piece{json: i.json}
}

// appendIncident writes an incident as the API has it.
func appendIncident(b []byte, key string, i *incident.Incident) []byte {
	b = appendText(append(b, `{"key":`...), key)
	b = appendText(append(b, `,"rule":`...), i.Rule)
	b = appendText(append(b, `,"kind":`...), i.Kind)
	b = appendText(append(b, `,"item":`...), i.Item)
	b = appendText(append(b, `,"severity":`...), i.Severity)
	labels := i.Labels
	if labels == nil {
		labels = map[string]string{}
	}
	// Texts and maps of texts are marshalled without fail.
	text, _ := json.Marshal(labels)
	b = append(append(b, `,"labels":`...), text...)
	b = appendText(append(b, `,"summary":{"en":`...), i.Summary.EN)
	b = appendText(append(b, `,"fa":`...), i.Summary.FA)
	b = appendTime(append(b, `},"opened_at":`...), i.OpenedAt)
	b = appendTime(append(b, `,"resolved_at":`...), i.ResolvedAt)
	b = appendText(append(b, `,"state":`...), i.State)
	b = appendText(append(b, `,"resolution":`...), i.Resolution)
	b = appendText(append(b, `,"suppressed":`...), i.Suppressed)
	number := func(name string, x *float64) {
		b = append(append(append(b, `,"`...), name...), `":`...)
		if x == nil {
			b = append(b, "null"...)
			return
		}
		b = appendNumber(b, *x)
	}
	number("value", i.Value)
	number("bound", i.Bound)
	b = appendTime(append(b, `,"due_at":`...), i.DueAt)
	return append(b, '}')
}

// serveIncidents answers with the incidents of the tenant, the newest first.
func (s *Service) serveIncidents(w http.ResponseWriter, _ *http.Request, c *caller) *problem {
	state, p := c.params.one("state")
	if p != nil {
		return p
	}
	if state != "" && state != incident.Firing && state != incident.Ended {
		return bad("state", "firing or resolved is expected")
	}
	text, p := c.params.one("from")
	if p != nil {
		return p
	}
	from := int64(0)
	if text != "" {
		t, err := time.Parse(time.RFC3339, text)
		if err != nil {
			return bad("from", "a time is expected: 2026-03-02T15:04:05Z")
		}
		from = t.UnixMilli()
	}
	b := s.live.incidentsOf(c.tenant, func(i *incident.Incident) bool {
		// One that was open at from, or later, is asked for too.
		return (state == "" || i.State == state) && (i.State == incident.Firing || i.ResolvedAt >= from)
	})
	writeJSON(w, b)
	return nil
}

// incidentsOf writes those that pass, the newest first.
func (l *live) incidentsOf(name string, pass func(*incident.Incident) bool) []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	t := l.tenants[name]
	if t == nil {
		return []byte("{\"incidents\":[]}\n")
	}
	var found []string
	for key, i := range t.incidents {
		if pass(&i.Incident) {
			found = append(found, key)
		}
	}
	slices.SortFunc(found, func(a, b string) int {
		if x, y := t.incidents[a].OpenedAt, t.incidents[b].OpenedAt; x != y {
			return int(max(-1, min(1, y-x)))
		}
		return strings.Compare(a, b)
	})
	b := []byte(`{"incidents":[`)
	for n, key := range found {
		if n > 0 {
			b = append(b, ',')
		}
		b = append(b, t.pieceOfIncident(key).json...)
	}
	return append(b, "]}\n"...)
}

func writeJSON(w http.ResponseWriter, b []byte) {
	w.Header().Set("Content-Type", "application/json")
	// Who is gone needs no answer.
	_, _ = w.Write(b)
}

package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/singleflight"

	"github.com/nabz/nabz/pkg/kpi"
	"github.com/nabz/nabz/pkg/strictyaml"
	"github.com/nabz/nabz/pkg/warehouse"
	"github.com/nabz/nabz/services/internal/clickhouse"
	"github.com/nabz/nabz/services/internal/values"
)

const (
	// queryLongest and queryMemory end a query that ClickHouse cannot do well:
	// a page of values takes some tens of milliseconds.
	queryLongest = 10 * time.Second
	queryMemory  = 1 << 30
	// answerWithin is when an asker is told to come again.
	answerWithin = 15 * time.Second
	// sharedFor is how old an answer to an equal question may be: a wall of
	// screens asks the same.
	sharedFor = time.Second
	// maxShared bounds the answers that are kept, each of 1 MB at most.
	maxShared = 64
	// retryWhenAway is what askers are told to wait when ClickHouse is away.
	retryWhenAway = 2 * time.Second
)

// answers shares answers among equal questions.
type answers struct {
	rows  int
	slots chan struct{} // one for each query that runs
	group singleflight.Group

	mu   sync.Mutex
	kept map[string]answer
}

type answer struct {
	body []byte
	at   time.Time
}

func newAnswers(l Limits) *answers {
	return &answers{rows: l.Rows, slots: make(chan struct{}, l.Queries), kept: map[string]answer{}}
}

func (a *answers) find(key string) ([]byte, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	found, ok := a.kept[key]
	return found.body, ok && time.Since(found.at) < sharedFor
}

func (a *answers) keep(key string, body []byte) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for k, v := range a.kept {
		if time.Since(v.at) >= sharedFor || len(a.kept) >= maxShared {
			delete(a.kept, k)
		}
	}
	if len(body) <= 1<<20 {
		a.kept[key] = answer{body, time.Now()}
	}
}

// question is what somebody asks for, checked.
type question struct {
	request values.Request
	kpi     *kpi.Definition
}

// serveValues answers with the values of a KPI from ClickHouse.
func (s *Service) serveValues(w http.ResponseWriter, r *http.Request, c *caller) *problem {
	d, p := s.definition(r.PathValue("kpi"))
	if p != nil {
		return p
	}
	q, p := s.question(d, r.PathValue("kpi"), c)
	if p != nil {
		return p
	}
	key := c.tenant + "\x00" + r.PathValue("kpi") + "\x00" + c.params.values.Encode()
	if body, ok := s.answers.find(key); ok {
		s.metrics.shared.Inc()
		writeJSON(w, body)
		return nil
	}
	result := s.answers.group.DoChan(key, func() (any, error) {
		// The question goes on when its first asker goes: others wait for it.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), answerWithin)
		defer cancel()
		body, err := s.ask(ctx, q)
		if err == nil {
			s.answers.keep(key, body)
		}
		return body, err
	})
	select {
	case <-r.Context().Done():
		return nil
	case got := <-result:
		if got.Shared {
			s.metrics.shared.Inc()
		}
		if got.Err != nil {
			return s.unanswered(got.Err)
		}
		body, ok := got.Val.([]byte)
		if !ok {
			return s.broken("share an answer", errors.New("it is no text"))
		}
		writeJSON(w, body)
		return nil
	}
}

var (
	errBusy    = errors.New("too many queries run")
	errTooMany = errors.New("too many rows")
)

// unanswered says why there is no answer.
func (s *Service) unanswered(err error) *problem {
	switch {
	case errors.Is(err, errBusy):
		return unavailable("too many queries run at once", time.Second)
	case errors.Is(err, errTooMany):
		return tooMuch("from", fmt.Sprintf("the answer has more than %d rows: ask for a shorter range, a longer grain or fewer dimensions", s.answers.rows))
	case clickhouse.TooCostly(err):
		return tooMuch("from", "the query takes too long: ask for a shorter range or a longer grain")
	}
	s.log.Warn("ClickHouse gives no values", zap.Error(err))
	return unavailable("ClickHouse does not answer; what is live goes on", retryWhenAway)
}

// broken is for what cannot happen.
func (s *Service) broken(what string, err error) *problem {
	s.log.Error("gateway is broken", zap.String("what", what), zap.Error(err))
	return &problem{status: http.StatusInternalServerError, detail: "the gateway is broken; its log says why"}
}

// question reads the parameters, each held against the definition.
func (s *Service) question(d *kpi.Definition, path string, c *caller) (question, *problem) {
	q := question{kpi: d, request: values.Request{
		KPI: path, Grain: string(warehouse.Minute), Zone: s.config.Zone, WeekStart: s.config.WeekStart, Tenant: c.tenant,
	}}
	inBy := func(dim string) string {
		if slices.Contains(d.By, dim) {
			return ""
		}
		return fmt.Sprintf("%s has no such dimension%s; it has %s", d.Name, strictyaml.Hint(dim, d.By), strings.Join(d.By, ", "))
	}
	var p *problem
	if q.request.By, p = c.params.list("by", inBy); p != nil {
		return q, p
	}
	for name, into := range map[string]*string{"feed": &q.request.Feed, "grain": &q.request.Grain, "from": &q.request.From, "to": &q.request.To} {
		v, p := c.params.one(name)
		if p != nil {
			return q, p
		}
		if v != "" {
			*into = v
		}
	}
	if !slices.Contains(warehouse.GrainNames(), q.request.Grain) {
		return q, bad("grain", "no such grain; there are "+strings.Join(warehouse.GrainNames(), ", "))
	}
	for _, w := range c.params.values["where"] {
		dim, value, ok := strings.Cut(w, ":")
		if !ok {
			return q, bad("where", "dimension:value is expected")
		}
		if wrong := inBy(dim); wrong != "" {
			return q, bad("where", wrong)
		}
		q.request.Where = append(q.request.Where, dim+"="+value)
	}
	return q, s.checkRange(&q.request)
}

// lengths are the lengths of the grains, the least where they differ.
var lengths = map[string]time.Duration{
	string(warehouse.Minute): time.Minute, string(warehouse.QuarterHour): 15 * time.Minute, string(warehouse.Hour): time.Hour,
	string(warehouse.Day): 24 * time.Hour, string(warehouse.Week): 7 * 24 * time.Hour, string(warehouse.Month): 28 * 24 * time.Hour,
}

// checkRange refuses what is no range, or more intervals than an answer has
// rows.
func (s *Service) checkRange(r *values.Request) *problem {
	zone, err := time.LoadLocation(r.Zone)
	if err != nil {
		return s.broken("load the zone", err)
	}
	if _, _, err := values.Bounds(r.From, "", zone); err != nil {
		return bad("from", strings.TrimPrefix(err.Error(), "from: "))
	}
	from, to, err := values.Bounds(r.From, r.To, zone)
	if err != nil {
		return bad("to", strings.TrimPrefix(err.Error(), "to: "))
	}
	if to == 0 && r.Feed == "" {
		to = time.Now().UnixMilli()
	}
	length, bounded := lengths[r.Grain]
	if from != 0 && bounded && (to-from)/length.Milliseconds() > int64(s.answers.rows) {
		return tooMuch("from", fmt.Sprintf("the range has more than %d intervals: ask for a shorter one, or a longer grain", s.answers.rows))
	}
	return nil
}

// ask runs the query and writes the answer.
func (s *Service) ask(ctx context.Context, q question) ([]byte, error) {
	select {
	case s.answers.slots <- struct{}{}:
	default:
		return nil, errBusy
	}
	defer func() { <-s.answers.slots }()
	sql, err := values.Query(s.catalog.Warehouse(s.config.Zone, s.config.WeekStart), q.request)
	if err != nil {
		return nil, fmt.Errorf("make the query: %w", err)
	}
	b := appendText([]byte(`{"kpi":`), q.request.KPI)
	b = appendText(append(b, `,"grain":`...), q.request.Grain)
	b = appendText(append(b, `,"unit":`...), string(q.kpi.Unit))
	b = append(b, `,"rows":[`...)
	began, rows := time.Now(), 0
	err = values.Rows(clickhouse.Bounded(ctx, queryLongest, queryMemory), s.store, fmt.Sprintf("%s LIMIT %d", sql, s.answers.rows+1), func(r values.Row) error {
		if rows++; rows > s.answers.rows {
			return errTooMany
		}
		if rows > 1 {
			b = append(b, ',')
		}
		var err error
		b, err = appendRow(b, r)
		return err
	})
	outcome := "ok"
	if err != nil {
		outcome = "failed"
	}
	s.metrics.queries.WithLabelValues(outcome).Observe(time.Since(began).Seconds())
	if err != nil {
		return nil, err
	}
	return append(b, "]}\n"...), nil
}

// appendRow writes a row as an object; its tenant is the asker's.
func appendRow(b []byte, r values.Row) ([]byte, error) {
	b = append(b, '{')
	first := true
	for i, name := range r.Columns {
		if name == "tenant" {
			continue
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		b = append(appendText(b, name), ':')
		if x, ok := r.Values[i].(float64); ok {
			b = appendNumber(b, x)
			continue
		}
		v, err := json.Marshal(r.Values[i])
		if err != nil {
			return b, fmt.Errorf("write %s: %w", name, err)
		}
		b = append(b, v...)
	}
	return append(b, '}'), nil
}

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
	"github.com/nabz/nabz/services/internal/explain"
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
	return s.share(w, r, c, func(ctx context.Context) ([]byte, error) { return s.ask(ctx, q) })
}

// share answers with what ClickHouse says, asked once for all who ask the same
// at the same time.
func (s *Service) share(w http.ResponseWriter, r *http.Request, c *caller, ask func(context.Context) ([]byte, error)) *problem {
	key := c.tenant + "\x00" + r.URL.Path + "\x00" + c.params.values.Encode()
	if body, ok := s.answers.find(key); ok {
		s.metrics.shared.Inc()
		writeJSON(w, body)
		return nil
	}
	result := s.answers.group.DoChan(key, func() (any, error) {
		// The question goes on when its first asker goes: others wait for it.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), answerWithin)
		defer cancel()
		body, err := s.inSlot(ctx, ask)
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

// inSlot asks ClickHouse when not too many do, within bounds.
func (s *Service) inSlot(ctx context.Context, ask func(context.Context) ([]byte, error)) ([]byte, error) {
	select {
	case s.answers.slots <- struct{}{}:
	default:
		return nil, errBusy
	}
	defer func() { <-s.answers.slots }()
	began, outcome := time.Now(), "ok"
	body, err := ask(clickhouse.Bounded(ctx, queryLongest, queryMemory))
	if err != nil {
		outcome = "failed"
	}
	s.metrics.queries.WithLabelValues(outcome).Observe(time.Since(began).Seconds())
	return body, err
}

var (
	errBusy    = errors.New("too many queries run")
	errTooMany = errors.New("too many rows")
)

// unanswered says why there is no answer.
func (s *Service) unanswered(err error) *problem {
	var mistake *explain.RequestError
	switch {
	case errors.As(err, &mistake):
		return bad(mistake.Field, mistake.Text)
	case errors.Is(err, explain.ErrNothing):
		return notFound("", "nothing is known of it")
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
	var p *problem
	if q.request.By, p = c.params.list("by", inBy(d)); p != nil {
		return q, p
	}
	if q.request.Where, p = c.where(d); p != nil {
		return q, p
	}
	if q.request.Zone, p = s.zone(c); p != nil {
		return q, p
	}
	for name, into := range map[string]*string{"feed": &q.request.Feed, "grain": &q.request.Grain, "from": &q.request.From, "to": &q.request.To, "months": &q.request.Months} {
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
	if q.request.Months != "" && !slices.Contains(warehouse.MonthNames(), q.request.Months) {
		return q, bad("months", "no such months; there are "+strings.Join(warehouse.MonthNames(), ", "))
	}
	return q, s.checkRange(&q.request)
}

// inBy says what is wrong with the name of a dimension, or nothing.
func inBy(d *kpi.Definition) func(dim string) string {
	return func(dim string) string {
		if slices.Contains(d.Dims(), dim) {
			return ""
		}
		return fmt.Sprintf("%s has no such dimension%s; it has %s", d.Name, strictyaml.Hint(dim, d.Dims()), strings.Join(d.Dims(), ", "))
	}
}

// where gives the conditions on dimensions, as package values has them.
func (c *caller) where(d *kpi.Definition) ([]string, *problem) {
	var out []string
	for _, w := range c.params.values["where"] {
		if w == "" {
			continue
		}
		dim, value, ok := strings.Cut(w, ":")
		if !ok {
			return nil, bad("where", "dimension:value is expected")
		}
		if wrong := inBy(d)(dim); wrong != "" {
			return nil, bad("where", wrong)
		}
		out = append(out, dim+"="+value)
	}
	return out, nil
}

// zone gives the zone that is asked for, else the installation's.
func (s *Service) zone(c *caller) (string, *problem) {
	name, p := c.params.one("zone")
	if p != nil || name == "" {
		return s.config.Zone, p
	}
	if _, err := time.LoadLocation(name); err != nil || name == "Local" {
		return "", bad("zone", "an IANA name is expected, such as Asia/Tehran")
	}
	return name, nil
}

// lengths are the lengths of the grains, the least where they differ.
var lengths = map[string]time.Duration{
	string(warehouse.Minute): time.Minute, string(warehouse.QuarterHour): 15 * time.Minute, string(warehouse.Hour): time.Hour,
	string(warehouse.Day): 24 * time.Hour, string(warehouse.Week): 7 * 24 * time.Hour, string(warehouse.Month): 28 * 24 * time.Hour,
	string(warehouse.Quarter): 89 * 24 * time.Hour, string(warehouse.Year): 365 * 24 * time.Hour,
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
	sql, err := values.Query(s.catalog.Warehouse(s.config.Zone, s.config.WeekStart), q.request)
	if err != nil {
		return nil, fmt.Errorf("make the query: %w", err)
	}
	b := appendText([]byte(`{"kpi":`), q.request.KPI)
	b = appendText(append(b, `,"grain":`...), q.request.Grain)
	b = appendText(append(b, `,"unit":`...), string(q.kpi.Unit))
	b = append(b, `,"rows":[`...)
	rows := 0
	err = values.Rows(ctx, s.store, fmt.Sprintf("%s LIMIT %d", sql, s.answers.rows+1), func(r values.Row) error {
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
	if err != nil {
		return nil, fmt.Errorf("read values: %w", err)
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

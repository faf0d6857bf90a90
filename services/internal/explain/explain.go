// Package explain goes from a number to what is behind it: from a cell to its
// facts and the condition that counted or refused each, and from an item to
// its facts and its events on Kafka.
//
// It does not know how facts and numbers came to be: it asks ClickHouse for
// them, and the definitions for what they take.
package explain

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/nabz/nabz/pkg/calendar"
	"github.com/nabz/nabz/pkg/kpi"
	"github.com/nabz/nabz/pkg/strictyaml"
	"github.com/nabz/nabz/pkg/warehouse"
	"github.com/nabz/nabz/services/internal/catalog"
	"github.com/nabz/nabz/services/internal/values"
)

// Config says what is asked, and what stands behind it.
type Config struct {
	Conn    driver.Conn
	Catalog *catalog.Catalog
}

// Explainer answers.
type Explainer struct{ Config }

// New makes an explainer.
func New(c Config) *Explainer { return &Explainer{c} }

// RequestError is a mistake in what was asked for.
type RequestError struct {
	Field string // such as at or where
	Text  string
}

func (e *RequestError) Error() string { return e.Field + ": " + e.Text }

func wrong(field, format string, args ...any) error {
	return &RequestError{Field: field, Text: fmt.Sprintf(format, args...)}
}

// Limits of an answer.
const (
	// maxFacts bounds what one question reads: half a gigabyte of a server's
	// memory, some seconds. A day of a great center has fewer.
	maxFacts = 1_000_000
	// defaultFacts is how many facts an answer lists unless more are asked
	// for; all are counted.
	defaultFacts = 20
	// mostFacts is how many it lists at most.
	mostFacts = 1000
	// maxEvents is how many events an answer lists for one item; a tracker
	// takes fewer.
	maxEvents = 10_000
)

// CellRequest asks for one cell of a KPI, or for a window of it.
type CellRequest struct {
	KPI       string    // name; a variant behind a dot is read over
	At        time.Time // an instant in the cell; zero: the newest
	Grain     string    // of warehouse.GrainNames; empty: minute
	Window    string    // 1m, 5m, 15m, 30m, 60m: up to the minute of At; then Grain is minute
	By        []string  // dimensions that the values keep
	Where     []string  // dimension=value
	Tenant    string    // empty: all
	Feed      string    // empty: live
	Zone      string    // IANA name; empty: UTC
	WeekStart int       // 1 Monday to 7 Sunday; 0: 1
	Months    string    // of warehouse.MonthNames; empty: gregorian
	Limit     int       // facts to list; 0: 20
}

// Cell is what is behind a cell.
type Cell struct {
	KPI      string            `json:"kpi"`
	Title    map[string]string `json:"title"`
	Unit     string            `json:"unit"`
	Formula  string            `json:"formula"`
	Source   string            `json:"source"`
	Family   string            `json:"family"` // of the facts
	Tenant   string            `json:"tenant,omitempty"`
	Feed     string            `json:"feed"`
	Grain    string            `json:"grain"`
	From     *time.Time        `json:"from"` // null: without bound
	To       *time.Time        `json:"to"`
	Where    map[string]string `json:"where"`
	Values   []map[string]any  `json:"values"` // as nabz get gives them, with every measure
	Measures []Measure         `json:"measures"`
	Facts    []Fact            `json:"facts"`
	Total    int64             `json:"total"` // facts in the cell; Facts may list fewer
	Variants []Variant         `json:"variants"`
}

// Variant is another way to count the KPI.
type Variant struct {
	Name    string `json:"name"`
	Formula string `json:"formula"`
	Source  string `json:"source"`
}

// Measure is what one measure took of the facts of a cell.
type Measure struct {
	Name       string    `json:"name"` // in the formula
	Takes      []string  `json:"takes"`
	Counted    int64     `json:"counted"`
	Stored     *int64    `json:"stored"` // what the values say, of a measure that counts: more or less is a fact on its way, or a defect
	Refused    int64     `json:"refused"`
	Conditions []Refused `json:"conditions"` // that refused any, the most frequent first
	measure    *kpi.Measure
}

// Refused is how many facts one condition refused.
type Refused struct {
	Condition string `json:"condition"`
	Facts     int64  `json:"facts"`
}

// Fact is one row behind a number.
type Fact struct {
	Tenant    string         `json:"tenant"`
	Family    string         `json:"family"`
	Item      string         `json:"item"` // kind/id
	ID        string         `json:"id"`   // of the event that opened it
	OpenedAt  time.Time      `json:"opened_at"`
	Partition int32          `json:"partition"` // of events
	Version   int64          `json:"version"`   // offset of the last record that changed it
	Columns   map[string]any `json:"columns"`   // instants as times, spans in seconds
	Measures  []Verdict      `json:"measures"`
	Events    []Event        `json:"events,omitempty"`
}

// Verdict is whether a measure took a fact, or which condition refused it.
type Verdict struct {
	KPI       string `json:"kpi,omitempty"`
	Measure   string `json:"measure"`
	Counted   bool   `json:"counted"`
	Condition string `json:"condition,omitempty"` // that refused it
	Instead   string `json:"instead,omitempty"`   // what the fact says
}

// Cell explains one cell.
func (e *Explainer) Cell(ctx context.Context, r CellRequest) (*Cell, error) {
	q, err := e.query(ctx, &r)
	if err != nil {
		return nil, err
	}
	d := q.Definition
	c := &Cell{
		KPI: d.Name, Title: d.Title, Unit: string(d.Unit), Formula: d.Values[0].Text, Source: d.Source, Family: d.Of.Name,
		Tenant: r.Tenant, Feed: r.Feed, Grain: r.Grain, Where: q.filter.Equal, From: bound(q.filter.FromMs), To: bound(q.filter.ToMs), Facts: []Fact{},
	}
	for _, v := range d.Values[1:] {
		c.Variants = append(c.Variants, Variant{v.Name, v.Text, v.Source})
	}
	for _, n := range d.Measures {
		c.Measures = append(c.Measures, Measure{Name: n.Name, Takes: n.Measure.Conditions(), Conditions: []Refused{}, measure: n.Measure})
	}
	if c.Values, err = e.values(ctx, q); err != nil {
		return nil, err
	}
	if err := e.count(ctx, c, q, r.Limit); err != nil {
		return nil, err
	}
	for i := range c.Measures {
		c.Measures[i].compare(c.Values)
	}
	return c, e.addEvents(ctx, c.Facts, r.Feed)
}

// compare adds up what the rows of values say of a measure that counts.
func (m *Measure) compare(rows []map[string]any) {
	if m.measure.Op != kpi.Count {
		return
	}
	var sum int64
	for _, r := range rows {
		n, ok := r[m.Name].(int64)
		if !ok {
			return
		}
		sum += n
	}
	m.Stored = &sum
}

// query is a request that was understood.
type query struct {
	warehouse.Query
	filter warehouse.Filter
}

// query reads a request and fills in what it leaves open.
func (e *Explainer) query(ctx context.Context, r *CellRequest) (*query, error) {
	d, err := e.definition(r)
	if err != nil {
		return nil, err
	}
	if r.Limit < 0 || r.Limit > mostFacts {
		return nil, wrong("limit", "%d, 0 to %d facts can be listed", r.Limit, mostFacts)
	}
	if r.Limit == 0 {
		r.Limit = defaultFacts
	}
	if r.WeekStart == 0 {
		r.WeekStart = 1
	}
	if r.Months != "" && !slices.Contains(warehouse.MonthNames(), r.Months) {
		return nil, wrong("months", "no months %q%s; there are %s", r.Months, strictyaml.Hint(r.Months, warehouse.MonthNames()), strings.Join(warehouse.MonthNames(), ", "))
	}
	zone, err := time.LoadLocation(r.Zone)
	if err != nil {
		return nil, wrong("zone", "%q is no zone", r.Zone)
	}
	if r.At.IsZero() { // asked of all time, too, it says whether there is anything
		if r.At, err = e.newest(ctx, r.Feed, r.Tenant); err != nil {
			return nil, err
		}
	}
	q := &query{filter: warehouse.Filter{Tenant: r.Tenant, Feed: r.Feed, Equal: map[string]string{}}}
	if q.filter.FromMs, q.filter.ToMs, err = interval(r, zone); err != nil {
		return nil, err
	}
	for _, w := range r.Where {
		dim, v, ok := strings.Cut(w, "=")
		if !ok || !slices.Contains(d.Dims(), dim) {
			return nil, wrong("where", "%q: write dimension=value with a dimension of %s: %s", w, d.Name, strings.Join(d.Dims(), ", "))
		}
		q.filter.Equal[dim] = v
	}
	var by []string
	for _, dim := range d.Dims() {
		if slices.Contains(r.By, dim) {
			by = append(by, dim)
		}
	}
	if len(by) != len(r.By) {
		return nil, wrong("by", "%s has the dimensions %s", d.Name, strings.Join(d.Dims(), ", "))
	}
	grain := warehouse.Grain(r.Grain)
	q.Query = q.filter.Of(warehouse.Query{Definition: d, By: d.Kept(by), Grain: grain, Zone: zone.String(), WeekStart: r.WeekStart, Months: warehouse.Months(r.Months)})
	return q, nil
}

func (e *Explainer) definition(r *CellRequest) (*kpi.Definition, error) {
	name, _, _ := strings.Cut(r.KPI, ".")
	d, ok := e.Catalog.KPIs.Definition(name)
	if !ok {
		var names []string
		for _, d := range e.Catalog.KPIs.Definitions {
			names = append(names, d.Name)
		}
		return nil, wrong("kpi", "no KPI %q%s; there are %s", name, strictyaml.Hint(name, names), strings.Join(names, ", "))
	}
	return d, nil
}

// ErrNothing is the error of a feed that holds nothing yet, and of an item that
// nothing is known of.
var ErrNothing = errors.New("nothing is known")

// newest gives the last instant that is in the numbers.
func (e *Explainer) newest(ctx context.Context, feed, tenant string) (time.Time, error) {
	var n uint64
	var at time.Time
	// The live feed is of no tenant: all share its clock.
	err := e.Conn.QueryRow(ctx, "SELECT count(), max(as_of) FROM "+warehouse.Internal+".shown WHERE feed = ? AND (feed = '' OR tenant = ? OR ? = '')",
		feed, tenant, tenant).Scan(&n, &at)
	if err != nil {
		return at, fmt.Errorf("ask for the feed's clock: %w", err)
	}
	if n == 0 {
		return at, fmt.Errorf("feed %q: %w", feed, ErrNothing)
	}
	return at.Add(-time.Millisecond), nil
}

func bound(ms int64) *time.Time {
	if ms == 0 {
		return nil
	}
	t := time.UnixMilli(ms).UTC()
	return &t
}

// interval gives the bounds of the cell that At lies in, ms since 1970 UTC; 0
// and 0 for the grain that has none.
func interval(r *CellRequest, zone *time.Location) (from, to int64, err error) {
	const minute = int64(60_000)
	at := r.At.UnixMilli()
	if r.Window != "" {
		windows := []string{"1m", "5m", "15m", "30m", "60m"}
		if !slices.Contains(windows, r.Window) {
			return 0, 0, wrong("window", "%q is not one of %s", r.Window, strings.Join(windows, ", "))
		}
		if r.Grain != "" && r.Grain != string(warehouse.Minute) {
			return 0, 0, wrong("window", "a window is made of minutes: leave the grain out")
		}
		r.Grain = string(warehouse.Minute)
		span, err := time.ParseDuration(r.Window)
		if err != nil {
			return 0, 0, wrong("window", "%q is no span", r.Window)
		}
		end := floor(at, minute) + minute
		return end - span.Milliseconds(), end, nil
	}
	if r.Grain == "" {
		r.Grain = string(warehouse.Minute)
	}
	local := r.At.In(zone)
	day := func(days int) int64 {
		return time.Date(local.Year(), local.Month(), local.Day()+days, 0, 0, 0, 0, zone).UnixMilli()
	}
	switch warehouse.Grain(r.Grain) {
	case warehouse.Minute:
		return floor(at, minute), floor(at, minute) + minute, nil
	case warehouse.QuarterHour:
		return floor(at, 15*minute), floor(at, 15*minute) + 15*minute, nil
	case warehouse.Hour:
		// Counted from the local hour: zones are off by half an hour, too.
		from := floor(at, minute) - int64(local.Minute())*minute
		return from, from + 60*minute, nil
	case warehouse.Day:
		return day(0), day(1), nil
	case warehouse.Week:
		since := (int(local.Weekday()) + 7 - r.WeekStart%7) % 7
		return day(-since), day(7 - since), nil
	case warehouse.Month, warehouse.Quarter, warehouse.Year:
		today := calendar.Date{Year: local.Year(), Month: int(local.Month()), Day: local.Day()}
		n, _ := calendar.GregorianDay(today)
		first, next := calendar.Months(n, map[warehouse.Grain]int{warehouse.Month: 1, warehouse.Quarter: 3, warehouse.Year: 12}[warehouse.Grain(r.Grain)], warehouse.Months(r.Months) == warehouse.Persian)
		return day(int(first - n)), day(int(next - n)), nil
	case warehouse.All:
		return 0, 0, nil
	}
	return 0, 0, wrong("grain", "no grain %q%s; there are %s", r.Grain, strictyaml.Hint(r.Grain, warehouse.GrainNames()), strings.Join(warehouse.GrainNames(), ", "))
}

func floor(v, by int64) int64 { return v - (v%by+by)%by }

// values are the rows of the cell as they are stored.
func (e *Explainer) values(ctx context.Context, q *query) ([]map[string]any, error) {
	sql := e.Catalog.Warehouse(q.Zone, q.WeekStart).Values(q.Query)
	rows := []map[string]any{}
	err := values.Rows(ctx, e.Conn, sql+"\nORDER BY "+strings.Join(append([]string{"time", "tenant"}, q.By...), ", "), func(r values.Row) error {
		m := make(map[string]any, len(r.Columns))
		for i, name := range r.Columns {
			m[name] = r.Values[i]
		}
		rows = append(rows, m)
		return nil
	})
	return rows, err
}

// Package values asks ClickHouse for the values of a KPI.
//
// It does not know how the values are made: the query comes from the
// definition.
package values

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/nabz/nabz/pkg/kpi"
	"github.com/nabz/nabz/pkg/strictyaml"
	"github.com/nabz/nabz/pkg/warehouse"
)

// Request is what somebody asks for, in words.
type Request struct {
	KPI       string   // name, or name.variant
	By        []string // dimensions
	Grain     string   // of warehouse.GrainNames
	Zone      string   // IANA name
	WeekStart int      // 1 Monday to 7 Sunday
	Months    string   // of warehouse.MonthNames; empty: gregorian
	Tenant    string   // empty: all
	Feed      string   // empty: live
	From, To  string   // RFC 3339, or a date or date and time in Zone; empty: no bound
	Where     []string // dimension=value
}

// Row is one value, by the names of its columns in Columns.
type Row struct {
	Columns []string
	Values  []any
}

// Query turns a request into SQL. Its errors are the asker's mistakes.
func Query(m *warehouse.Model, r Request) (string, error) {
	name, variant, _ := strings.Cut(r.KPI, ".")
	d, ok := m.KPIs.Definition(name)
	if !ok {
		var names []string
		for _, d := range m.KPIs.Definitions {
			names = append(names, d.Name)
		}
		return "", fmt.Errorf("no KPI %q%s; there are %s", name, strictyaml.Hint(name, names), strings.Join(names, ", "))
	}
	if _, ok := d.Variant(variant); !ok {
		return "", fmt.Errorf("%s has no variant %q%s", name, variant, strictyaml.Hint(variant, variants(d)))
	}
	if !slices.Contains(warehouse.GrainNames(), r.Grain) {
		return "", fmt.Errorf("no grain %q%s; there are %s", r.Grain, strictyaml.Hint(r.Grain, warehouse.GrainNames()), strings.Join(warehouse.GrainNames(), ", "))
	}
	zone, err := time.LoadLocation(r.Zone)
	if err != nil {
		return "", fmt.Errorf("zone: %w", err)
	}
	if r.WeekStart < 1 || r.WeekStart > 7 {
		return "", fmt.Errorf("week start: %d is no day: 1 is Monday, 7 is Sunday", r.WeekStart)
	}
	if r.Months != "" && !slices.Contains(warehouse.MonthNames(), r.Months) {
		return "", fmt.Errorf("no months %q%s; there are %s", r.Months, strictyaml.Hint(r.Months, warehouse.MonthNames()), strings.Join(warehouse.MonthNames(), ", "))
	}
	f := warehouse.Filter{Tenant: r.Tenant, Feed: r.Feed, Equal: map[string]string{}}
	if f.FromMs, f.ToMs, err = Bounds(r.From, r.To, zone); err != nil {
		return "", err
	}
	for _, w := range r.Where {
		dim, v, ok := strings.Cut(w, "=")
		if !ok || !slices.Contains(d.Dims(), dim) {
			return "", fmt.Errorf("where %q: write dimension=value with a dimension of %s: %s", w, name, strings.Join(d.Dims(), ", "))
		}
		f.Equal[dim] = v
	}
	by := []string{}
	for _, dim := range d.Dims() {
		if slices.Contains(r.By, dim) {
			by = append(by, dim)
		}
	}
	for _, dim := range r.By {
		if !slices.Contains(d.Dims(), dim) {
			return "", fmt.Errorf("%s has no dimension %q%s; it has %s", name, dim, strictyaml.Hint(dim, d.Dims()), strings.Join(d.Dims(), ", "))
		}
	}
	q := f.Of(warehouse.Query{
		Definition: d, By: d.Kept(by), Grain: warehouse.Grain(r.Grain), Zone: r.Zone, WeekStart: r.WeekStart, Months: warehouse.Months(r.Months),
	})
	return shown(m, q, d, variant), nil
}

// shown picks the columns that an answer has.
func shown(m *warehouse.Model, q warehouse.Query, d *kpi.Definition, variant string) string {
	columns := append([]string{"time", "tenant"}, q.By...)
	if variant == "" {
		columns = append(columns, "value", "numerator", "denominator", "count")
		for _, v := range d.Values[1:] {
			columns = append(columns, v.Name)
		}
	} else {
		columns = append(columns, variant+" AS value", "CAST(NULL, 'Nullable(Float64)') AS numerator",
			"CAST(NULL, 'Nullable(Float64)') AS denominator", "CAST(NULL, 'Nullable(Float64)') AS count")
	}
	columns = append(columns, "as_of", "finality")
	order := "time, tenant"
	if len(q.By) > 0 {
		order += ", " + strings.Join(q.By, ", ")
	}
	return fmt.Sprintf("SELECT %s FROM (\n%s\n) ORDER BY %s", strings.Join(columns, ", "), m.Values(q), order)
}

func variants(d *kpi.Definition) []string {
	var out []string
	for _, v := range d.Values[1:] {
		out = append(out, v.Name)
	}
	return out
}

// Bounds reads two times as people write them, in ms since 1970 UTC; 0 for an
// empty one.
func Bounds(from, to string, zone *time.Location) (fromMs, toMs int64, err error) {
	if fromMs, err = instant(from, zone); err != nil {
		return 0, 0, fmt.Errorf("from: %w", err)
	}
	if toMs, err = instant(to, zone); err != nil {
		return 0, 0, fmt.Errorf("to: %w", err)
	}
	if from != "" && to != "" && toMs <= fromMs {
		return 0, 0, fmt.Errorf("to: %s is not after %s", to, from)
	}
	return fromMs, toMs, nil
}

// Feeds gives the names of the feeds that hold anything of a tenant, or of any;
// the live one is left out.
func Feeds(ctx context.Context, conn driver.Conn, tenant string) ([]string, error) {
	var names []string
	err := conn.QueryRow(ctx, "SELECT arraySort(groupUniqArray(toString(feed))) FROM "+warehouse.Public+".feeds WHERE feed != '' AND (tenant = ? OR ? = '')", tenant, tenant).Scan(&names)
	if err != nil {
		return nil, fmt.Errorf("ask for the feeds: %w", err)
	}
	return names, nil
}

// instant reads a time as people write it; 0 for an empty one.
func instant(s string, zone *time.Location) (int64, error) {
	if s == "" {
		return 0, nil
	}
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t.UnixMilli(), nil
	}
	for _, layout := range []string{"2006-01-02", "2006-01-02 15:04", "2006-01-02T15:04", "2006-01-02 15:04:05", "2006-01-02T15:04:05"} {
		if t, err := time.ParseInLocation(layout, s, zone); err == nil {
			return t.UnixMilli(), nil
		}
	}
	return 0, fmt.Errorf("%q is no time: write 2026-03-02, 2026-03-02T15:04 or 2026-03-02T15:04:05Z", s)
}

// Rows runs a query and calls each with every row.
func Rows(ctx context.Context, conn driver.Conn, sql string, each func(Row) error) error {
	rows, err := conn.Query(ctx, sql)
	if err != nil {
		return fmt.Errorf("ask for values: %w", err)
	}
	defer rows.Close()
	types := rows.ColumnTypes()
	for rows.Next() {
		targets := make([]any, len(types))
		for i, t := range types {
			targets[i] = reflect.New(t.ScanType()).Interface()
		}
		if err := rows.Scan(targets...); err != nil {
			return fmt.Errorf("read a value: %w", err)
		}
		r := Row{Columns: rows.Columns()}
		for _, t := range targets {
			r.Values = append(r.Values, plain(reflect.ValueOf(t).Elem().Interface()))
		}
		if err := each(r); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("read values: %w", err)
	}
	return nil
}

// plain takes the pointer off what may be NULL, and writes instants as
// RFC 3339 with the offset of their zone.
func plain(v any) any {
	switch v := v.(type) {
	case *float64:
		if v == nil {
			return nil
		}
		return *v
	case time.Time:
		if v.Nanosecond() == 0 {
			return v.Format(time.RFC3339)
		}
		return v.Format("2006-01-02T15:04:05.000Z07:00")
	}
	return v
}

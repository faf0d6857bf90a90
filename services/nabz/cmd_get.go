package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/nabz/nabz/pkg/kpi"
	"github.com/nabz/nabz/pkg/strictyaml"
	"github.com/nabz/nabz/pkg/warehouse"
	"github.com/nabz/nabz/services/internal/catalog"
	"github.com/nabz/nabz/services/internal/clickhouse"
	"github.com/nabz/nabz/services/internal/epochs"
	"github.com/nabz/nabz/services/internal/values"
)

type getCmd struct {
	KPI       string   `arg:"" help:"Name of the KPI, or name.variant such as service_level.genesys."`
	Feed      string   `help:"A named feed; default: the live one." placeholder:"F"`
	By        []string `help:"Dimensions to keep, such as queue,channel." placeholder:"D,…"`
	Grain     string   `help:"Length of the intervals: minute, quarter_hour, hour, day, week, month, quarter, year or all." default:"all"`
	From      string   `help:"Only intervals from this instant on." placeholder:"T"`
	To        string   `help:"Only intervals before this instant." placeholder:"T"`
	Where     []string `help:"Only this value of a dimension; may be given several times." sep:"none" placeholder:"D=V"`
	Tenant    string   `help:"Only this tenant." placeholder:"T"`
	Epoch     int64    `help:"What this computation says, instead of the one that is shown: nabz kpi epochs lists them." placeholder:"N"`
	Zone      string   `help:"Zone of days, weeks, months and of times without an offset, an IANA name." default:"UTC"`
	WeekStart int      `help:"First day of the week, 1 Monday to 7 Sunday." default:"1"`
	Months    string   `help:"Whose months, quarters and years: gregorian or persian (Jalali)." default:"gregorian"`
	Variants  bool     `help:"Also the variants of a KPI that has more than a line holds; --json always has them."`
	AsShown   bool     `help:"What stood on the walls at the end of each minute, beside what is true now of the same time."`
	Window    string   `help:"With --as-shown, of which window: 1m, 5m, 15m, 30m, 60m or today." default:"15m"`
	ReadyFile string   `help:"Ready file of a running installation." placeholder:"F"`
}

// Help shows an example.
func (getCmd) Help() string {
	return "Prints the values of a KPI, a row for each interval, tenant and combination of the dimensions kept; with --json one object a line.\n\n" +
		"Example: nabz get service_level --feed anonymous_bank_calls_1999_02 --by queue --grain day --zone Asia/Jerusalem\n\n" +
		"With --as-shown: time is the end of a minute, shown what stood on the walls then, as_of how new that was, value what is true now of the window that ended then, difference shown less value.\n\n" +
		"Example: nabz get service_level --as-shown --window 15m --by queue"
}

// Run asks and prints.
func (c getCmd) Run(a *app) error {
	all, err := a.definitions(c.ReadyFile)
	if err != nil {
		return err
	}
	sql := ""
	if c.Epoch == 0 {
		if sql, err = c.query(all.Warehouse(c.Zone, c.WeekStart)); err != nil {
			return usageError{err}
		}
	}
	conn, err := a.store(c.ReadyFile)
	if err != nil {
		return err
	}
	defer conn.Close()
	set := all.KPIs
	if c.Epoch != 0 {
		if set, sql, err = c.inEpoch(a, conn, all); err != nil {
			return err
		}
	}
	if !a.Quiet && !a.JSON {
		fmt.Fprintln(a.stderr, explained(set, c))
	}
	rows, err := c.print(a, set, conn, sql)
	if err != nil || rows > 0 {
		return err
	}
	return c.nothing(a, conn)
}

// query is the SQL of what is asked for.
func (c getCmd) query(model *warehouse.Model) (string, error) {
	r := values.Request{
		KPI: c.KPI, By: c.By, Grain: c.Grain, Zone: c.Zone, WeekStart: c.WeekStart, Months: c.Months,
		Tenant: c.Tenant, Feed: c.Feed, From: c.From, To: c.To, Where: c.Where,
	}
	if c.AsShown {
		return values.AsShown(model, r, c.Window)
	}
	return values.Query(model, r)
}

// inEpoch is the SQL of what an epoch says, read by the definition under which
// it was computed.
func (c getCmd) inEpoch(a *app, conn clickhouse.Conn, all *catalog.Catalog) (*kpi.Set, string, error) {
	if c.AsShown {
		return nil, "", usageError{errors.New("--as-shown: what stood on the walls is of no epoch")}
	}
	list, err := epochs.List(a.ctx, conn, &c.Feed)
	if err != nil {
		return nil, "", err
	}
	i := slices.IndexFunc(list, func(e epochs.Epoch) bool { return e.Epoch == c.Epoch })
	if i < 0 {
		return nil, "", usageError{fmt.Errorf("--epoch: no epoch %d: nabz kpi epochs lists them", c.Epoch)}
	}
	name, _, _ := strings.Cut(c.KPI, ".")
	side, err := epochs.Find(a.ctx, conn, all, name, list[i])
	if err != nil {
		return nil, "", usageError{err}
	}
	model := *all.Warehouse(c.Zone, c.WeekStart)
	model.KPIs = side.Alone(all.KPIs)
	sql, err := c.query(&model)
	if err != nil {
		return nil, "", usageError{err}
	}
	return model.KPIs, warehouse.AtEpoch(sql, c.Epoch), nil
}

// nothing says why there is no value: a feed that is not there is an error.
func (c getCmd) nothing(a *app, conn clickhouse.Conn) error {
	if c.Feed != "" {
		feeds, err := values.Feeds(a.ctx, conn, c.Tenant)
		if err != nil {
			return err
		}
		if !slices.Contains(feeds, c.Feed) {
			return fmt.Errorf("no feed %q%s; there are %s", c.Feed, strictyaml.Hint(c.Feed, feeds), strings.Join(append([]string{"the live one"}, feeds...), ", "))
		}
	}
	if !a.Quiet {
		fmt.Fprintln(a.stderr, "no values")
	}
	return nil
}

// print writes all rows and tells how many there were.
func (c getCmd) print(a *app, set *kpi.Set, conn clickhouse.Conn, sql string) (rows int, err error) {
	if a.JSON {
		err = values.Rows(a.ctx, conn, sql, func(r values.Row) error {
			rows++
			return writeObject(a, r)
		})
		return rows, err
	}
	table := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	hidden := c.hidden(set)
	err = values.Rows(a.ctx, conn, sql, func(r values.Row) error {
		var names, cells []string
		for i, v := range r.Values {
			if !hidden[r.Columns[i]] {
				names, cells = append(names, r.Columns[i]), append(cells, cell(v))
			}
		}
		if rows++; rows == 1 {
			fmt.Fprintln(table, strings.Join(names, "\t"))
		}
		_, err := fmt.Fprintln(table, strings.Join(cells, "\t"))
		return err
	})
	if err != nil {
		return rows, err
	}
	if len(hidden) > 0 && rows > 0 && !a.Quiet {
		fmt.Fprintf(a.stderr, "%d variants are left out: --variants shows them all, nabz get %s.%s one of them\n", len(hidden), c.KPI, slices.Min(slices.Collect(maps.Keys(hidden))))
	}
	return rows, table.Flush()
}

// mostVariants is how many variants a line holds beside the rest: those of a
// distribution.
const mostVariants = 6

// hidden are the columns that the table leaves out.
func (c getCmd) hidden(set *kpi.Set) map[string]bool {
	d, ok := set.Definition(c.KPI)
	if !ok || c.Variants || len(d.Values)-1 <= mostVariants {
		return nil
	}
	out := map[string]bool{}
	for _, v := range d.Values[1:] {
		out[v.Name] = true
	}
	return out
}

// explained says what the value is and in which unit.
func explained(set *kpi.Set, c getCmd) string {
	name, variant, _ := strings.Cut(c.KPI, ".")
	d, ok := set.Definition(name)
	if !ok {
		return ""
	}
	formula, source := d.Formula, d.Source
	if v, ok := d.Variant(variant); ok && variant != "" {
		formula, source = v.Text, v.Source
	}
	unit := d.Unit.Words()
	return fmt.Sprintf("%s = %s (%s). %s.", d.Title["en"], formula, unit, source)
}

// cell shows a value to people: what is not there as a dash.
func cell(v any) string {
	switch v := v.(type) {
	case nil:
		return "-"
	case float64:
		return fmt.Sprintf("%.10g", v)
	case string:
		if v == "" {
			return "-"
		}
	}
	return fmt.Sprint(v)
}

// writeObject prints a row as one JSON object, keys in the order of the
// columns.
func writeObject(a *app, r values.Row) error {
	var b strings.Builder
	b.WriteByte('{')
	for i, name := range r.Columns {
		if i > 0 {
			b.WriteByte(',')
		}
		v, err := json.Marshal(r.Values[i])
		if err != nil {
			return fmt.Errorf("print %s: %w", name, err)
		}
		fmt.Fprintf(&b, "%q:%s", name, v)
	}
	b.WriteString("}\n")
	_, err := a.stdout.Write([]byte(b.String()))
	return err
}

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/nabz/nabz/services/internal/explain"
	"github.com/nabz/nabz/services/internal/values"
)

type explainCmd struct {
	What      string   `arg:"" help:"A KPI, such as service_level, or an item, such as contact/c1."`
	At        string   `help:"An instant in the cell; default: the newest." placeholder:"T"`
	Grain     string   `help:"Length of the cell: minute, quarter_hour, hour, day, week, month, quarter, year or all; default: a minute, of a named feed without --at all of it." placeholder:"G"`
	Window    string   `help:"A window up to the minute of that instant instead: 1m, 5m, 15m, 30m or 60m." placeholder:"W"`
	By        []string `help:"Dimensions that the values keep." placeholder:"D,…"`
	Where     []string `help:"Only this value of a dimension; may be given several times." sep:"none" placeholder:"D=V"`
	Feed      string   `help:"A named feed; default: the live one." placeholder:"F"`
	Tenant    string   `help:"Only this tenant." placeholder:"T"`
	Zone      string   `help:"Zone of days, weeks, months and of times without an offset, an IANA name." default:"UTC"`
	WeekStart int      `help:"First day of the week, 1 Monday to 7 Sunday." default:"1"`
	Months    string   `help:"Whose months, quarters and years: gregorian or persian (Jalali)." default:"gregorian"`
	Limit     int      `help:"Facts of a cell to list; all are counted." default:"20"`
	ReadyFile string   `help:"Ready file of a running installation." placeholder:"F"`
}

// Help shows an example.
func (explainCmd) Help() string {
	return "Of a KPI's cell: its values, what each measure of the formula took of the facts and which condition refused the others, " +
		"and the facts with the events behind them. Of an item: its facts, which measures took them, its events with topic, partition and offset, " +
		"those refused with the reason, its deadlines and who was told of them.\n\n" +
		"Examples: nabz explain service_level --at 2026-03-02T10:15:00Z --where queue=support\n" +
		"          nabz explain revenue --at 2026-04-01 --grain month --months persian --zone Asia/Tehran\n" +
		"          nabz explain contact/c1"
}

// Run explains.
func (c explainCmd) Run(a *app) error {
	all, err := a.definitions(c.ReadyFile)
	if err != nil {
		return err
	}
	zone, err := time.LoadLocation(c.Zone)
	if err != nil {
		return usageError{fmt.Errorf("--zone: %w", err)}
	}
	at, _, err := values.Bounds(c.At, "", zone)
	if err != nil {
		return usageError{fmt.Errorf("--at: %q is no time: write 2026-03-02T15:04 or 2026-03-02T15:04:05Z", c.At)}
	}
	conn, err := a.store(c.ReadyFile)
	if err != nil {
		return err
	}
	defer conn.Close()
	explainer := explain.New(explain.Config{Conn: conn, Catalog: all})
	var answer any
	if kind, id, ok := explain.ItemName(c.What); ok {
		var it *explain.Item
		it, err = explainer.Item(a.ctx, explain.ItemRequest{Kind: kind, ID: id, Tenant: c.Tenant, Feed: c.Feed})
		answer = it
		if err == nil && !a.JSON {
			return c.item(a, it)
		}
	} else {
		if c.Feed != "" && c.At == "" && c.Grain == "" && c.Window == "" {
			c.Grain = "all" // its clock stands still, where nothing happens any more
		}
		var cell *explain.Cell
		cell, err = explainer.Cell(a.ctx, explain.CellRequest{
			KPI: c.What, At: instant(at), Grain: c.Grain, Window: c.Window, By: c.By, Where: c.Where, Tenant: c.Tenant, Feed: c.Feed,
			Zone: c.Zone, WeekStart: c.WeekStart, Months: c.Months, Limit: c.Limit,
		})
		answer = cell
		if err == nil && !a.JSON {
			return c.cell(a, cell)
		}
	}
	var mistake *explain.RequestError
	switch {
	case errors.As(err, &mistake):
		return usageError{err}
	case err != nil:
		return err
	}
	return json.NewEncoder(a.stdout).Encode(answer)
}

// cell prints a cell for people.
func (c explainCmd) cell(a *app, e *explain.Cell) error {
	fmt.Fprintf(a.stdout, "%s = %s (%s)\n", e.Title["en"], e.Formula, e.Source)
	if e.From != nil {
		zone, err := time.LoadLocation(c.Zone)
		if err != nil {
			return usageError{fmt.Errorf("--zone: %w", err)}
		}
		fmt.Fprintf(a.stdout, "from %s to %s", e.From.In(zone).Format(time.RFC3339), e.To.In(zone).Format(time.RFC3339))
	} else {
		fmt.Fprint(a.stdout, "over all time")
	}
	for _, dim := range slices.Sorted(maps.Keys(e.Where)) {
		fmt.Fprintf(a.stdout, ", %s %s", dim, e.Where[dim])
	}
	fmt.Fprintln(a.stdout)
	fmt.Fprintln(a.stdout)
	table := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	if len(e.Values) == 0 {
		fmt.Fprintln(table, "no value: nothing is counted in it; --at and --grain name another cell")
	} else {
		columns := append([]string{"time", "tenant"}, c.By...)
		columns = append(columns, "value", "numerator", "denominator", "as_of", "finality")
		fmt.Fprintln(table, strings.Join(columns, "\t"))
		for _, row := range e.Values {
			cells := make([]string, len(columns))
			for i, name := range columns {
				cells[i] = cell(row[name])
			}
			fmt.Fprintln(table, strings.Join(cells, "\t"))
		}
	}
	fmt.Fprintln(table)
	fmt.Fprintf(table, "measure\tcounted\tstored\trefused\tby its conditions\n")
	for _, m := range e.Measures {
		var why []string
		for _, r := range m.Conditions {
			why = append(why, fmt.Sprintf("%d: not %s", r.Facts, r.Condition))
		}
		stored := "-"
		if m.Stored != nil {
			stored = fmt.Sprint(*m.Stored)
		}
		fmt.Fprintf(table, "%s\t%d\t%s\t%d\t%s\n", m.Name, m.Counted, stored, m.Refused, strings.Join(why, "; "))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(a.stdout, "\n%d facts of %s, %d shown\n", e.Total, e.Family, len(e.Facts))
	for i := range e.Facts {
		printFact(a, &e.Facts[i])
		printEvents(a, e.Facts[i].Events)
	}
	return nil
}

// item prints an item for people.
func (c explainCmd) item(a *app, it *explain.Item) error {
	fmt.Fprintf(a.stdout, "%s: %d facts, %d events\n", it.Item, len(it.Facts), len(it.Events))
	for i := range it.Facts {
		printFact(a, &it.Facts[i])
	}
	if len(it.Events) > 0 {
		fmt.Fprintln(a.stdout, "\nevents")
		printEvents(a, it.Events)
	}
	if len(it.Deadlines) > 0 {
		fmt.Fprintln(a.stdout, "\ndeadlines")
	}
	for _, d := range it.Deadlines {
		printDeadline(a, d)
	}
	return nil
}

// printDeadline prints how a deadline stands, and who was told of it.
func printDeadline(a *app, d explain.Deadline) {
	const stamp = "2006-01-02T15:04:05.000Z"
	notes := ""
	if d.Uncertain {
		notes += ", the source itself was silent"
	}
	if d.Quiet {
		notes += ", nobody is told"
	}
	fmt.Fprintf(a.stdout, "  %s  %s due %s: %s, %s%s\n", d.Policy, time.Duration(d.Target*float64(time.Second)), d.DueAt.Format(stamp), d.State, d.Stage, notes)
	if d.Incident == nil {
		return
	}
	i := d.Incident
	how := i.State
	if i.ResolvedAt != nil {
		how += " " + i.ResolvedAt.Format(stamp) + " (" + i.Resolution + ")"
	}
	told := i.Deliveries
	switch {
	case i.Suppressed != "":
		told = "nobody is told: " + i.Suppressed
	case told == "":
		told = "nobody is told: no receiver takes it"
	}
	fmt.Fprintf(a.stdout, "    incident %s opened %s, %s; %s\n", i.Key, i.OpenedAt.Format(stamp), how, told)
}

// printFact prints a fact, who counts it and who does not.
func printFact(a *app, f *explain.Fact) {
	var columns []string
	for _, name := range slices.Sorted(maps.Keys(f.Columns)) {
		switch v := f.Columns[name].(type) {
		case nil:
		case time.Time:
			columns = append(columns, name+"="+v.Format("2006-01-02T15:04:05.000Z"))
		default:
			columns = append(columns, fmt.Sprintf("%s=%v", name, v))
		}
	}
	fmt.Fprintf(a.stdout, "\n%s  %s of tenant %s  %s\n", f.Item, f.Family, f.Tenant, strings.Join(columns, " "))
	var yes, no []string
	for _, v := range f.Measures {
		name := strings.TrimPrefix(v.KPI+"."+v.Measure, ".")
		if v.Counted {
			yes = append(yes, name)
		} else {
			no = append(no, fmt.Sprintf("%s (%s is asked, it is %s)", name, v.Condition, v.Instead))
		}
	}
	if len(yes) > 0 {
		fmt.Fprintf(a.stdout, "  counted in  %s\n", strings.Join(yes, ", "))
	}
	if len(no) > 0 {
		fmt.Fprintf(a.stdout, "  refused by  %s\n", strings.Join(no, ", "))
	}
}

func printEvents(a *app, events []explain.Event) {
	table := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	for i := range events {
		e := &events[i]
		what := "counted"
		if !e.Counted {
			what = "refused: " + e.Rejected
		}
		fmt.Fprintf(table, "  %s\t%s\t%s %s\t%s/%d/%d\t%s\n", e.Time.Format("2006-01-02T15:04:05.000Z"), e.Type, e.Source, e.ID, e.Topic, e.Partition, e.Offset, what)
	}
	// The terminal that is gone is found by whoever writes next.
	_ = table.Flush()
}

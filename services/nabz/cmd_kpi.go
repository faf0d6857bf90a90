package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/nabz/nabz/pkg/kpi"
	"github.com/nabz/nabz/pkg/strictyaml"
	"github.com/nabz/nabz/pkg/warehouse"
	"github.com/nabz/nabz/services/internal/catalog"
)

type kpiCmd struct {
	List   kpiListCmd   `cmd:"" help:"List the KPIs."`
	Show   kpiShowCmd   `cmd:"" help:"Print one definition, its formulas, views, scenario and SQL."`
	Check  kpiCheckCmd  `cmd:"" help:"Check definitions and run their scenarios; names every mistake with its line."`
	New    kpiNewCmd    `cmd:"" help:"Make the folder of a new KPI."`
	Epochs kpiEpochsCmd `cmd:"" help:"List the computations that are kept, and which is shown."`
	Diff   kpiDiffCmd   `cmd:"" help:"Hold a KPI's values in two epochs beside each other."`
}

// Help shows an example.
func (kpiCmd) Help() string { return "Example: nabz kpi show service_level --sql" }

type kpiListCmd struct {
	Level  string `help:"Only of this level." enum:",operational,customer,corporate,infrastructure" default:""`
	Kind   string `help:"Only this kind: opi, kpi or kri." enum:",opi,kpi,kri" default:""`
	Family string `help:"Only this family of metrics, such as service." placeholder:"F"`
	Of     string `help:"Only those counted from this family of facts, such as queue_segment." placeholder:"F"`
	Tag    string `help:"Only those with this tag, such as copc." placeholder:"T"`
	Owner  string `help:"Only this owner's." placeholder:"O"`
	Parent string `help:"Only those drilled down from this KPI." placeholder:"KPI"`
}

// Help shows an example.
func (kpiListCmd) Help() string { return "Example: nabz kpi list --family service --tag copc" }

// Run lists.
func (c kpiListCmd) Run(a *app) error {
	all, err := a.definitions("")
	if err != nil {
		return err
	}
	listed, err := c.filter(all)
	if err != nil {
		return usageError{err}
	}
	if a.JSON {
		out := json.NewEncoder(a.stdout)
		for _, d := range listed {
			if err := out.Encode(inWords(d)); err != nil {
				return err
			}
		}
		return nil
	}
	if len(listed) == 0 && !a.Quiet {
		fmt.Fprintln(a.stderr, "no KPI is all of that")
		return nil
	}
	table := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "name\tkind\tlevel\tfamily\tunit\tof\tdimensions\ttags\tformula")
	for _, d := range listed {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n",
			d.Name, d.Kind, d.Level, d.Family, d.Unit, d.Of.Name, strings.Join(d.Dims(), ","), cell(strings.Join(d.Tags, ",")), d.Values[0].Text)
	}
	return table.Flush()
}

// filter gives the definitions that were asked for. A word that no definition
// has is a slip.
func (c kpiListCmd) filter(all *catalog.Catalog) ([]*kpi.Definition, error) {
	questions := []struct {
		flag, word string
		of         func(*kpi.Definition) []string
	}{
		{"level", c.Level, func(d *kpi.Definition) []string { return []string{d.Level} }},
		{"kind", c.Kind, func(d *kpi.Definition) []string { return []string{d.Kind} }},
		{"family", c.Family, func(d *kpi.Definition) []string { return []string{d.Family} }},
		{"of", c.Of, func(d *kpi.Definition) []string { return []string{d.Of.Name} }},
		{"tag", c.Tag, func(d *kpi.Definition) []string { return d.Tags }},
		{"owner", c.Owner, func(d *kpi.Definition) []string { return []string{d.Owner} }},
		{"parent", c.Parent, func(d *kpi.Definition) []string { return d.Parents }},
	}
	listed := all.KPIs.Definitions
	for _, q := range questions {
		if q.word == "" {
			continue
		}
		known := map[string]bool{}
		for _, d := range all.KPIs.Definitions {
			for _, w := range q.of(d) {
				known[w] = true
			}
		}
		words := slices.Sorted(maps.Keys(known))
		free := q.flag != "level" && q.flag != "kind" // the others are a choice of the flag's
		if !known[q.word] && free {
			return nil, fmt.Errorf("--%s: no KPI has %q%s; there are %s", q.flag, q.word, strictyaml.Hint(q.word, words), strings.Join(words, ", "))
		}
		listed = slices.DeleteFunc(slices.Clone(listed), func(d *kpi.Definition) bool { return !slices.Contains(q.of(d), q.word) })
	}
	return listed, nil
}

// inWords is a definition as programs read it.
func inWords(d *kpi.Definition) map[string]any {
	measures := []map[string]any{}
	for _, n := range d.Measures {
		measures = append(measures, map[string]any{"name": n.Name, "takes": n.Measure.Conditions()})
	}
	variants := []map[string]any{}
	for _, v := range d.Values[1:] {
		variants = append(variants, map[string]any{"name": v.Name, "formula": v.Text, "source": v.Source})
	}
	var target any
	if d.Target != nil {
		target = map[string]float64{map[bool]string{true: "at_least", false: "at_most"}[d.Target.AtLeast]: d.Target.Bound}
	}
	return map[string]any{
		"name": d.Name, "title": d.Title, "help": d.Help, "unit": d.Unit, "formula": d.Values[0].Text, "source": d.Source, "owner": d.Owner, "level": d.Level,
		"family": d.Family, "kind": d.Kind, "parents": append([]string{}, d.Parents...), "tags": append([]string{}, d.Tags...), "of": d.Of.Name, "at": d.Of.Columns[d.At].Name, "dimensions": d.Dims(), "target": target, "measures": measures, "variants": variants,
	}
}

type kpiShowCmd struct {
	KPI   string `arg:"" help:"Name of the KPI."`
	SQL   bool   `name:"sql" help:"Only the SQL of its values."`
	Naive bool   `help:"With --sql: the naive count over facts that nabz verify holds the values against."`
	Grain string `help:"Length of the intervals of the SQL." enum:"minute,quarter_hour,hour,day,week,month,quarter,year,all" default:"minute"`
	Zone  string `help:"Zone of days, weeks and months in the SQL." default:"UTC"`
}

// Help shows an example.
func (kpiShowCmd) Help() string {
	return "Example: nabz kpi show service_level --sql --grain day --zone Asia/Tehran"
}

// Run prints the definition.
func (c kpiShowCmd) Run(a *app) error {
	all, err := a.definitions("")
	if err != nil {
		return err
	}
	d, ok := all.KPIs.Definition(c.KPI)
	if !ok {
		return usageError{fmt.Errorf("no KPI %q%s; nabz kpi list names them", c.KPI, strictyaml.Hint(c.KPI, names(all)))}
	}
	if _, err := time.LoadLocation(c.Zone); err != nil {
		return usageError{fmt.Errorf("--zone: %w", err)}
	}
	model := all.Warehouse(c.Zone, 1)
	q := warehouse.Query{Definition: d, By: d.Dims(), Grain: warehouse.Grain(c.Grain), Zone: c.Zone, WeekStart: 1}
	sql := model.Values(q)
	if c.Naive {
		sql = model.Naive(q)
	}
	switch {
	case c.SQL:
		_, err = fmt.Fprintln(a.stdout, sql)
		return err
	case a.JSON:
		words := inWords(d)
		words["sql"] = sql
		return json.NewEncoder(a.stdout).Encode(words)
	}
	return c.print(a, all, d, sql)
}

// print shows a definition to people, with its scenario and its SQL.
func (c kpiShowCmd) print(a *app, all *catalog.Catalog, d *kpi.Definition, sql string) error {
	history, err := all.History(d.Name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("read the scenario of %s: %w", d.Name, err)
	}
	fmt.Fprintf(a.stdout, "%s (%s)\n%s\n\n", d.Title["en"], d.Title["fa"], d.Help)
	table := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	line := func(name, format string, args ...any) {
		fmt.Fprintf(table, "%s\t%s\n", name, cell(fmt.Sprintf(format, args...)))
	}
	line("formula", "%s", d.Values[0].Text)
	line("in words", "%s", d.Formula)
	line("source", "%s", d.Source)
	line("unit", "%s", d.Unit.Words())
	if d.Target != nil {
		line("target", "%s %g", map[bool]string{true: "at least", false: "at most"}[d.Target.AtLeast], d.Target.Bound)
	}
	line("of", "%s, by the interval of %s", d.Of.Name, d.Of.Columns[d.At].Name)
	line("dimensions", "%s", strings.Join(d.Dims(), ", "))
	line("owner", "%s", d.Owner)
	line("level, family, kind", "%s, %s, %s", d.Level, d.Family, strings.ToUpper(d.Kind))
	line("drilled down from", "%s", strings.Join(d.Parents, ", "))
	line("drilled down to", "%s", strings.Join(children(all.KPIs, d.Name), ", "))
	line("tags", "%s", strings.Join(d.Tags, ", "))
	line("defined in", "%s", cmp.Or(all.Place(d.Name), "the binary"))
	for _, p := range d.Params {
		line("$"+p.Name, "%s", p.Words())
	}
	for _, n := range d.Measures {
		line("measure "+n.Name, "%s", cmp.Or(strings.Join(n.Measure.Conditions(), " and "), "every one"))
	}
	for _, v := range d.Values[1:] {
		line("variant "+v.Name, "%s (%s)", v.Text, v.Source)
	}
	view := warehouse.Public + ".kpi_" + d.Name
	line("views", "%s, %[1]s_by_day, %[1]s_by_week, %[1]s_by_month", view)
	if err := table.Flush(); err != nil {
		return err
	}
	_, err = fmt.Fprintf(a.stdout, "\nscenario:\n%s\nSQL by %s:\n%s\n", indented(string(history)), c.Grain, indented(sql))
	return err
}

// indented moves a text to the right, to tell it from what stands around it.
func indented(text string) string {
	var b strings.Builder
	for line := range strings.Lines(strings.TrimSpace(text) + "\n") {
		b.WriteString("  " + line)
	}
	return b.String()
}

// children are the KPIs that name this one as a parent.
func children(set *kpi.Set, name string) (out []string) {
	for _, d := range set.Definitions {
		if slices.Contains(d.Parents, name) {
			out = append(out, d.Name)
		}
	}
	return out
}

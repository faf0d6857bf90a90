package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/nabz/nabz/pkg/kpi"
	"github.com/nabz/nabz/pkg/pane"
	"github.com/nabz/nabz/pkg/scenario"
	"github.com/nabz/nabz/pkg/strictyaml"
	"github.com/nabz/nabz/pkg/warehouse"
	"github.com/nabz/nabz/services/internal/catalog"
)

type kpiCmd struct {
	List  kpiListCmd  `cmd:"" help:"List the KPIs."`
	Show  kpiShowCmd  `cmd:"" help:"Print one definition, its formulas and its SQL."`
	Check kpiCheckCmd `cmd:"" help:"Check definitions and run their scenarios; names every mistake with its line."`
	New   kpiNewCmd   `cmd:"" help:"Make the folder of a new KPI."`
}

// Help shows an example.
func (kpiCmd) Help() string { return "Example: nabz kpi show service_level --sql" }

type kpiListCmd struct{}

// Help shows an example.
func (kpiListCmd) Help() string { return "Example: nabz kpi list --json" }

// Run lists.
func (kpiListCmd) Run(a *app) error {
	all, err := a.definitions("")
	if err != nil {
		return err
	}
	if a.JSON {
		out := json.NewEncoder(a.stdout)
		for _, d := range all.KPIs.Definitions {
			if err := out.Encode(inWords(d)); err != nil {
				return err
			}
		}
		return nil
	}
	table := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "name\tunit\tof\tdimensions\tformula")
	for _, d := range all.KPIs.Definitions {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", d.Name, d.Unit, d.Of.Name, strings.Join(d.Dims(), ","), d.Values[0].Text)
	}
	return table.Flush()
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
		"family": d.Family, "of": d.Of.Name, "at": d.Of.Columns[d.At].Name, "dimensions": d.Dims(), "target": target, "measures": measures, "variants": variants,
	}
}

type kpiShowCmd struct {
	KPI   string `arg:"" help:"Name of the KPI."`
	SQL   bool   `name:"sql" help:"Only the SQL of its values."`
	Naive bool   `help:"With --sql: the naive count over facts that nabz verify holds the values against."`
	Grain string `help:"Length of the intervals of the SQL." enum:"minute,quarter_hour,hour,day,week,month,all" default:"minute"`
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
	fmt.Fprintf(a.stdout, "%s (%s)\n%s\n\n", d.Title["en"], d.Title["fa"], d.Help)
	table := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "formula\t%s\nsource\t%s\nunit\t%s\nof\t%s, by the interval of %s\ndimensions\t%s\nowner\t%s\n", d.Values[0].Text, d.Source, d.Unit, d.Of.Name,
		d.Of.Columns[d.At].Name, strings.Join(d.Dims(), ", "), d.Owner)
	for _, n := range d.Measures {
		takes := strings.Join(n.Measure.Conditions(), " and ")
		if takes == "" {
			takes = "every one"
		}
		fmt.Fprintf(table, "measure %s\t%s\n", n.Name, takes)
	}
	for _, v := range d.Values[1:] {
		fmt.Fprintf(table, "variant %s\t%s (%s)\n", v.Name, v.Text, v.Source)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	_, err = fmt.Fprintf(a.stdout, "\nview nabz.kpi_%s; its SQL: nabz kpi show %s --sql\n", d.Name, d.Name)
	return err
}

type kpiCheckCmd struct {
	Folders []string `arg:"" optional:"" help:"Folders of KPIs, or folders that hold such; default: what is part of the binary." placeholder:"FOLDER"`
}

// Help shows an example.
func (kpiCheckCmd) Help() string {
	return "Reads each kpi.yaml strictly and runs the scenario.txt beside it. Exit code 1 where there is a mistake.\n\nExample: nabz kpi check schemas/kpi/our_rate"
}

// Run checks.
func (c kpiCheckCmd) Run(a *app) error {
	all, err := a.definitions("") // which checks them
	if err != nil {
		return err
	}
	if len(c.Folders) == 0 {
		_, err := fmt.Fprintf(a.stdout, "%d definitions, no mistakes\n", len(all.KPIs.Definitions))
		return err
	}
	var errs []error
	checked := 0
	for _, folder := range c.Folders {
		tree, under, err := kpiTree(folder)
		if err != nil {
			return usageError{err}
		}
		set, err := kpi.Load(tree, all.Families())
		if err != nil {
			errs = append(errs, err)
			continue
		}
		for _, d := range set.Definitions {
			checked++
			if err := tryScenario(all, set, d, tree); err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", filepath.Join(under, d.Name, "scenario.txt"), err))
			}
		}
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	_, err = fmt.Fprintf(a.stdout, "%d definitions, no mistakes\n", checked)
	return err
}

// kpiTree is a folder of KPIs, or one that holds a single one.
func kpiTree(folder string) (tree fs.FS, under string, err error) {
	whole, err := filepath.Abs(folder)
	if err != nil {
		return nil, "", fmt.Errorf("find %s: %w", folder, err)
	}
	if st, err := os.Stat(whole); err != nil || !st.IsDir() {
		return nil, "", fmt.Errorf("%s is no folder", folder)
	}
	if _, err := os.Stat(filepath.Join(whole, kpi.File)); err == nil {
		return oneFolder{os.DirFS(filepath.Dir(whole)), filepath.Base(whole)}, filepath.Dir(folder), nil
	}
	return os.DirFS(whole), folder, nil
}

// oneFolder is a tree in which one folder alone is seen.
type oneFolder struct {
	fs.FS
	name string
}

// ReadDir gives the entries of a folder of the tree.
func (o oneFolder) ReadDir(name string) ([]fs.DirEntry, error) {
	all, err := fs.ReadDir(o.FS, name)
	if name != "." || err != nil {
		return all, err
	}
	for _, e := range all {
		if e.Name() == o.name {
			return []fs.DirEntry{e}, nil
		}
	}
	return nil, nil
}

// tryScenario runs the scenario beside a definition.
func tryScenario(all *catalog.Catalog, set *kpi.Set, d *kpi.Definition, tree fs.FS) error {
	text, err := fs.ReadFile(tree, d.Name+"/scenario.txt")
	if err != nil {
		return fmt.Errorf("every KPI has a scenario: %w", err)
	}
	s, err := scenario.Parse(string(text), all.Events)
	if err != nil {
		return err
	}
	if len(s.Claims) == 0 {
		return errors.New("it claims nothing")
	}
	task := all.Task(0)
	task.Layouts = nil
	for _, f := range all.Families() {
		task.Layouts = append(task.Layouts, pane.NewLayout(f, set.Measures(f.Name)))
	}
	played, err := s.Play(task)
	if err != nil {
		return err
	}
	return s.Check(d, played)
}

type kpiNewCmd struct {
	Name string `arg:"" help:"Name of the KPI: small letters, digits and _."`
	In   string `help:"Folder to make it in." default:"schemas/kpi" placeholder:"DIR"`
}

// Help shows an example.
func (kpiNewCmd) Help() string {
	return "Makes a folder with a definition and a scenario that hold, to be changed into one's own. docs/definitions.md says what may stand in them.\n\n" +
		"Example: nabz kpi new our_rate --in schemas/kpi"
}

// Run makes the folder.
func (c kpiNewCmd) Run(a *app) error {
	all, err := a.definitions("")
	if err != nil {
		return err
	}
	if _, taken := all.KPIs.Definition(c.Name); taken {
		return usageError{fmt.Errorf("a KPI named %s is there: nabz kpi show %[1]s", c.Name)}
	}
	text := strings.ReplaceAll(newKPI, "NAME", c.Name)
	if _, err := kpi.Check(kpi.File, c.Name, []byte(text), all.Families(), all.KPIs); err != nil {
		return usageError{err}
	}
	folder := filepath.Join(c.In, c.Name)
	if err := os.Mkdir(folder, 0o755); err != nil {
		return usageError{fmt.Errorf("make the folder: %w", err)}
	}
	for file, text := range map[string]string{kpi.File: text, "scenario.txt": strings.ReplaceAll(newScenario, "NAME", c.Name)} {
		if err := os.WriteFile(filepath.Join(folder, file), []byte(text), 0o644); err != nil {
			return fmt.Errorf("write %s: %w", file, err)
		}
	}
	if !a.Quiet {
		fmt.Fprintf(a.stdout, "%s: change kpi.yaml and scenario.txt, then: nabz kpi check %[1]s\n", folder)
	}
	return nil
}

const newKPI = `title: {en: Share answered (NAME), fa: سهم پاسخ‌داده‌شده}
help: The share of the contacts that entered a queue which an agent answered.
formula: answered / all
source: Say where the formula comes from
owner: operations
level: operational
family: service
unit: ratio
target: {at_least: 0.9}
of: queue_segment
at: enqueued_at
by: [queue, channel]
measures:
  all: {count: {}}
  answered: {count: {outcome: answered}}
value: answered / all
`

const newScenario = `# One contact is answered, and one gives up: half of them.
09:00:00 c1 contact.queued queue_id=sales channel=voice
09:00:10 c1 contact.answered agent_id=amy
09:01:00 c2 contact.queued queue_id=sales channel=voice
09:01:30 c2 contact.dequeued queue_id=sales outcome=abandoned
09:02:00 clock

NAME = 0.5
`

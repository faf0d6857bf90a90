package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/nabz/nabz/pkg/strictyaml"
	"github.com/nabz/nabz/services/internal/catalog"
	"github.com/nabz/nabz/services/internal/clickhouse"
	"github.com/nabz/nabz/services/internal/epochs"
	"github.com/nabz/nabz/services/internal/values"
)

type kpiEpochsCmd struct {
	Feed      string `help:"Only this named feed; default: all, the live one first." placeholder:"F"`
	ReadyFile string `help:"Ready file of a running installation." placeholder:"F"`
}

// Help shows an example.
func (kpiEpochsCmd) Help() string {
	return "An epoch is one computation of everything under one set of definitions. Of each feed one is shown; one that has not come to where an older one stood is incomplete, the others are kept.\n\n" +
		"Example: nabz kpi epochs"
}

// Run lists.
func (c kpiEpochsCmd) Run(a *app) error {
	conn, err := a.store(c.ReadyFile)
	if err != nil {
		return err
	}
	defer conn.Close()
	var feed *string
	if c.Feed != "" {
		feed = &c.Feed
	}
	all, err := epochs.List(a.ctx, conn, feed)
	if err != nil {
		return err
	}
	if a.JSON {
		out := json.NewEncoder(a.stdout)
		for _, e := range all {
			if err := out.Encode(e); err != nil {
				return err
			}
		}
		return nil
	}
	table := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "tenant\tfeed\tgeneration\tepoch\tstate\tas of\tcomputed\tdefinitions")
	for _, e := range all {
		computed := "-"
		if e.Needed > 0 {
			computed = fmt.Sprintf("%d of %d records", e.Reached, e.Needed)
		}
		fmt.Fprintf(table, "%s\t%s\t%d\t%d\t%s\t%s\t%s\t%s\n", cell(e.Tenant), cell(e.Feed), e.Generation, e.Epoch, e.State(),
			e.AsOf.UTC().Format(time.DateTime), computed, cell(e.Definitions))
	}
	return table.Flush()
}

type kpiDiffCmd struct {
	KPI       string   `arg:"" help:"Name of the KPI, or name.variant."`
	Epoch     []int64  `help:"An epoch; twice: both sides. Default: the one that is shown, and the one before it." placeholder:"N"`
	Feed      string   `help:"A named feed; default: the live one." placeholder:"F"`
	By        []string `help:"Dimensions to keep, such as queue,channel." placeholder:"D,…"`
	Grain     string   `help:"Length of the intervals: minute, quarter_hour, hour, day, week, month, quarter, year or all." default:"day"`
	From      string   `help:"Only intervals from this instant on." placeholder:"T"`
	To        string   `help:"Only intervals before this instant." placeholder:"T"`
	Tenant    string   `help:"Only this tenant." placeholder:"T"`
	Zone      string   `help:"Zone of days, weeks, months and of times without an offset, an IANA name." default:"UTC"`
	WeekStart int      `help:"First day of the week, 1 Monday to 7 Sunday." default:"1"`
	Months    string   `help:"Whose months, quarters and years: gregorian or persian (Jalali)." default:"gregorian"`
	ReadyFile string   `help:"Ready file of a running installation." placeholder:"F"`
}

// Help shows an example.
func (kpiDiffCmd) Help() string {
	return "Asks two epochs for the same cells, each under the definition that it was computed by, and prints both values with their difference, the second less the first. " +
		"Prints \"N cells compared, D differences\"; exit code 3 where there are any.\n\n" +
		"Example: nabz kpi diff service_level --grain day --by queue --epoch 1 --epoch 2"
}

// Run compares.
func (c kpiDiffCmd) Run(a *app) error {
	all, err := a.definitions(c.ReadyFile)
	if err != nil {
		return err
	}
	conn, err := a.store(c.ReadyFile)
	if err != nil {
		return err
	}
	defer conn.Close()
	first, second, err := c.sides(a, conn, all)
	if err != nil {
		return err
	}
	c.By = second.Definition.Kept(c.By)
	r := values.Request{
		KPI: c.KPI, By: c.By, Grain: c.Grain, Zone: c.Zone, WeekStart: c.WeekStart, Months: c.Months, Tenant: c.Tenant, Feed: c.Feed, From: c.From, To: c.To,
	}
	model := all.Warehouse(c.Zone, c.WeekStart)
	for _, side := range []epochs.Side{first, second} {
		own := *model
		own.KPIs = side.Alone(model.KPIs)
		if _, err := values.Query(&own, r); err != nil {
			return usageError{fmt.Errorf("epoch %d: %w", side.Epoch.Epoch, err)}
		}
	}
	cells, err := epochs.Diff(a.ctx, conn, model, r, first, second)
	if err != nil {
		return err
	}
	return c.print(a, first, second, cells)
}

// sides finds both epochs and their definitions.
func (c kpiDiffCmd) sides(a *app, conn clickhouse.Conn, all *catalog.Catalog) (first, second epochs.Side, err error) {
	list, err := epochs.List(a.ctx, conn, &c.Feed)
	if err != nil {
		return first, second, err
	}
	chosen, err := c.choose(list)
	if err != nil {
		return first, second, usageError{err}
	}
	name, _, _ := strings.Cut(c.KPI, ".")
	if first, err = epochs.Find(a.ctx, conn, all, name, chosen[0]); err != nil {
		return first, second, usageError{fmt.Errorf("%w%s", err, strictyaml.Hint(name, names(all)))}
	}
	if second, err = epochs.Find(a.ctx, conn, all, name, chosen[1]); err != nil {
		return first, second, usageError{err}
	}
	return first, second, nil
}

// choose picks two epochs, the older one first unless they are given.
func (c kpiDiffCmd) choose(list []epochs.Epoch) ([2]epochs.Epoch, error) {
	var out [2]epochs.Epoch
	shown := slices.IndexFunc(list, func(e epochs.Epoch) bool { return e.Shown })
	if shown < 0 {
		return out, fmt.Errorf("nothing of the feed %q is loaded", c.Feed)
	}
	find := func(n int64) (epochs.Epoch, error) {
		var there []string
		for _, e := range list {
			if e.Generation == list[shown].Generation {
				if e.Epoch == n {
					return e, nil
				}
				there = append(there, fmt.Sprint(e.Epoch))
			}
		}
		return epochs.Epoch{}, fmt.Errorf("--epoch: no epoch %d; there are %s", n, strings.Join(there, ", "))
	}
	wanted := c.Epoch
	if len(wanted) == 0 {
		for _, e := range list {
			if e.Generation == list[shown].Generation && e.Epoch < list[shown].Epoch {
				wanted = []int64{e.Epoch}
				break
			}
		}
	}
	switch len(wanted) {
	case 0:
		return out, errors.New("there is only one epoch: a change of definitions begins another, and so does nabz recompute")
	case 1:
		wanted = append(slices.Clone(wanted), list[shown].Epoch)
	case 2:
	default:
		return out, errors.New("--epoch: two can be compared")
	}
	for i, n := range wanted {
		var err error
		if out[i], err = find(n); err != nil {
			return out, err
		}
	}
	return out, nil
}

func (c kpiDiffCmd) print(a *app, first, second epochs.Side, cells []epochs.Cell) error {
	differ := 0
	table := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	head := append([]string{"time", "tenant"}, c.By...)
	head = append(head, fmt.Sprintf("epoch %d", first.Epoch.Epoch), fmt.Sprintf("epoch %d", second.Epoch.Epoch), "difference")
	if !a.JSON {
		for _, side := range []epochs.Side{first, second} {
			if !side.Kept && !a.Quiet {
				fmt.Fprintf(a.stderr, "no definition was kept of epoch %d: it is read by today's\n", side.Epoch.Epoch)
			}
		}
		if len(cells) > 0 {
			fmt.Fprintln(table, strings.Join(head, "\t"))
		}
	}
	out := json.NewEncoder(a.stdout)
	for i := range cells {
		k := &cells[i]
		if k.Differs() {
			differ++
		}
		if a.JSON {
			if err := out.Encode(k); err != nil {
				return err
			}
			continue
		}
		line := []string{k.Time, cell(k.Tenant)}
		for _, dim := range c.By {
			line = append(line, cell(k.Dims[dim]))
		}
		var difference any
		if k.A != nil && k.B != nil {
			difference = *k.B - *k.A
		}
		line = append(line, number(k.A), number(k.B), cell(difference))
		fmt.Fprintln(table, strings.Join(line, "\t"))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	sum := a.stdout
	if a.JSON {
		sum = a.stderr
	}
	fmt.Fprintf(sum, "%d cells compared, %d differences\n", len(cells), differ)
	if differ > 0 {
		return errDiffers
	}
	return nil
}

func number(v *float64) string {
	if v == nil {
		return cell(nil)
	}
	return cell(*v)
}

package main

import (
	"context"
	"fmt"
	"time"

	"github.com/nabz/nabz/pkg/strictyaml"
	"github.com/nabz/nabz/pkg/warehouse"
	"github.com/nabz/nabz/services/internal/catalog"
	"github.com/nabz/nabz/services/internal/clickhouse"
	"github.com/nabz/nabz/services/internal/proof"
	"github.com/nabz/nabz/services/internal/values"
)

type verifyCmd struct {
	Feed      string `help:"A named feed; default: the live one." placeholder:"F"`
	KPI       string `help:"Only this KPI, and no facts." placeholder:"K"`
	From      string `help:"Only what began at this instant or later." placeholder:"T"`
	To        string `help:"Only what began before this instant." placeholder:"T"`
	Tenant    string `help:"Only this tenant." placeholder:"T"`
	Grain     string `help:"Hold values at this grain against each other; default: at those that between them read all that is stored." enum:",minute,quarter_hour,hour,day,week,month,quarter,year,all" default:""`
	Zone      string `help:"Zone of the installation, an IANA name: of the days that are compared, and of facts by day." default:"UTC"`
	ReadyFile string `help:"Ready file of a running installation." placeholder:"F"`
}

// Help shows an example.
func (verifyCmd) Help() string {
	return "Holds the copies of each event against whom it concerns, rebuilds the facts from the raw events by SQL that shares no code with the stream, works out over the facts how each deadline ended, counts naively over the facts, " +
		"and holds what is stored against both. Prints \"N cells compared, D differences\"; exit code 3 where there are any. " +
		"Of a feed that goes on, what the clock has passed is compared.\n\n" +
		"Example: nabz verify --feed anonymous_bank_calls_1999_02"
}

// attempts and pause let an open feed settle: facts, panes and events come
// from three topics, and a difference that is gone a moment later was only one
// of them being ahead.
const (
	attempts = 5
	pause    = 2 * time.Second
)

// Run compares.
func (c verifyCmd) Run(a *app) error {
	all, err := a.definitions(c.ReadyFile)
	if err != nil {
		return err
	}
	zone, err := time.LoadLocation(c.Zone)
	if err != nil {
		return usageError{fmt.Errorf("--zone: %w", err)}
	}
	if err := all.SetZone(c.Zone); err != nil {
		return usageError{fmt.Errorf("--zone: %w", err)}
	}
	filter := warehouse.Filter{Tenant: c.Tenant, Feed: c.Feed}
	if filter.FromMs, filter.ToMs, err = values.Bounds(c.From, c.To, zone); err != nil {
		return usageError{err}
	}
	if _, ok := all.KPIs.Definition(c.KPI); c.KPI != "" && !ok {
		return usageError{fmt.Errorf("--kpi: no KPI %q%s", c.KPI, strictyaml.Hint(c.KPI, names(all)))}
	}
	conn, err := a.store(c.ReadyFile)
	if err != nil {
		return err
	}
	defer conn.Close()
	var total proof.Report
	for i := range attempts {
		feed, err := proof.Shown(a.ctx, conn, c.Tenant, c.Feed)
		if err != nil {
			return err
		}
		if total, err = c.compare(a, conn, all, feed, filter); err != nil {
			return err
		}
		if total.Different == 0 || feed.Closed || i == attempts-1 {
			break
		}
		fmt.Fprintf(a.stderr, "%d differences in a feed that goes on; looking again\n", total.Different)
		if err := wait(a.ctx, pause); err != nil {
			return err
		}
	}
	for _, e := range total.Examples {
		fmt.Fprintln(a.stderr, e)
	}
	fmt.Fprintf(a.stdout, "%d cells compared, %d differences\n", total.Compared, total.Different)
	if total.Different > 0 {
		return errDiffers
	}
	return nil
}

func (c verifyCmd) compare(a *app, conn clickhouse.Conn, all *catalog.Catalog, feed proof.Feed, filter warehouse.Filter) (proof.Report, error) {
	var total proof.Report
	add := func(r proof.Report, began time.Time) {
		if !a.Quiet {
			fmt.Fprintf(a.stderr, "%-26s %9d compared, %d differences, %.1f s\n", r.Name, r.Compared, r.Different, time.Since(began).Seconds())
		}
		total.Compared += r.Compared
		total.Different += r.Different
		total.Examples = append(total.Examples, r.Examples...)
	}
	filter.Complete = !feed.Closed
	model := all.Warehouse(c.Zone, 1)
	filled, err := proof.Fill(a.ctx, conn, model, c.Feed)
	if err != nil {
		return total, err
	}
	if c.KPI == "" {
		began := time.Now()
		r, err := proof.Copies(a.ctx, conn, model, filter)
		if err != nil {
			return total, err
		}
		add(r, began)
		scope := proof.Scope{
			Catalog: all, Tenant: c.Tenant, Feed: c.Feed, Generation: feed.Generation, Epoch: feed.Epoch, From: instant(filter.FromMs), To: instant(filter.ToMs),
		}
		for _, k := range all.Kinds {
			if !filled.Kind(k.Name) {
				continue // no event speaks of one, and no fact
			}
			began = time.Now()
			if r, err = proof.Facts(a.ctx, conn, k, scope); err != nil {
				return total, err
			}
			add(r, began)
		}
		began = time.Now()
		if r, err = proof.Verdicts(a.ctx, conn, scope); err != nil {
			return total, err
		}
		add(r, began)
	}
	for _, d := range all.KPIs.Definitions {
		if c.KPI != "" && d.Name != c.KPI || !filled.KPI(d) {
			continue
		}
		began := time.Now()
		r, err := proof.Cells(a.ctx, conn, model, d, filter, warehouse.Grain(c.Grain))
		if err != nil {
			return total, err
		}
		add(r, began)
	}
	return total, nil
}

func names(all *catalog.Catalog) []string {
	var out []string
	for _, d := range all.KPIs.Definitions {
		out = append(out, d.Name)
	}
	return out
}

// instant is the zero time for a bound that is not there.
func instant(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

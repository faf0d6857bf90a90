package main

import (
	"context"
	"fmt"
	"time"

	"github.com/nabz/nabz/pkg/warehouse"
	"github.com/nabz/nabz/services/internal/catalog"
	"github.com/nabz/nabz/services/internal/clickhouse"
	"github.com/nabz/nabz/services/internal/proof"
)

type verifyCmd struct {
	Feed      string    `help:"A named feed; default: the live one." placeholder:"F"`
	KPI       string    `help:"Only this KPI, and no facts." placeholder:"K"`
	From      time.Time `help:"Only what began at this instant or later, RFC 3339." format:"2006-01-02T15:04:05Z07:00" placeholder:"T"`
	To        time.Time `help:"Only what began before this instant, RFC 3339." format:"2006-01-02T15:04:05Z07:00" placeholder:"T"`
	Tenant    string    `help:"Only this tenant." placeholder:"T"`
	Zone      string    `help:"Zone of the days that are compared, an IANA name." default:"UTC"`
	ReadyFile string    `help:"Ready file of a running installation." placeholder:"F"`
}

// Help shows an example.
func (verifyCmd) Help() string {
	return "Holds the copies of each event against whom it concerns, rebuilds the facts from the raw events by SQL that shares no code with the stream, counts naively over the facts, " +
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
	all, err := catalog.Load()
	if err != nil {
		return err
	}
	if _, err := time.LoadLocation(c.Zone); err != nil {
		return usageError{fmt.Errorf("--zone: %w", err)}
	}
	if _, ok := all.KPIs.Definition(c.KPI); c.KPI != "" && !ok {
		return usageError{fmt.Errorf("--kpi: no KPI %q", c.KPI)}
	}
	url, err := a.clickhouseURL(c.ReadyFile)
	if err != nil {
		return err
	}
	conn, err := clickhouse.Open(url)
	if err != nil {
		return usageError{err}
	}
	defer conn.Close()
	var total proof.Report
	for i := range attempts {
		feed, err := proof.Shown(a.ctx, conn, c.Tenant, c.Feed)
		if err != nil {
			return err
		}
		if total, err = c.compare(a, conn, all, feed); err != nil {
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

func (c verifyCmd) compare(a *app, conn clickhouse.Conn, all *catalog.Catalog, feed proof.Feed) (proof.Report, error) {
	var total proof.Report
	add := func(r proof.Report, began time.Time) {
		if !a.Quiet {
			fmt.Fprintf(a.stderr, "%-26s %9d compared, %d differences, %.1f s\n", r.Name, r.Compared, r.Different, time.Since(began).Seconds())
		}
		total.Compared += r.Compared
		total.Different += r.Different
		total.Examples = append(total.Examples, r.Examples...)
	}
	filter := warehouse.Filter{Tenant: c.Tenant, Feed: c.Feed, Complete: !feed.Closed}
	if !c.From.IsZero() {
		filter.FromMs = c.From.UnixMilli()
	}
	if !c.To.IsZero() {
		filter.ToMs = c.To.UnixMilli()
	}
	model := all.Warehouse(c.Zone, 1)
	if c.KPI == "" {
		began := time.Now()
		r, err := proof.Copies(a.ctx, conn, model, filter)
		if err != nil {
			return total, err
		}
		add(r, began)
		began = time.Now()
		r, err = proof.Facts(a.ctx, conn, proof.Scope{
			Catalog: all, Tenant: c.Tenant, Feed: c.Feed, Generation: feed.Generation, Epoch: feed.Epoch, From: c.From, To: c.To,
		})
		if err != nil {
			return total, err
		}
		add(r, began)
	}
	for _, d := range all.KPIs.Definitions {
		if c.KPI != "" && d.Name != c.KPI {
			continue
		}
		began := time.Now()
		r, err := proof.Cells(a.ctx, conn, model, d, filter)
		if err != nil {
			return total, err
		}
		add(r, began)
	}
	return total, nil
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

package main

import (
	"fmt"
	"io"
	"time"

	"github.com/nabz/nabz/pkg/warehouse"
	"github.com/nabz/nabz/services/internal/clickhouse"
	"github.com/nabz/nabz/services/internal/epochs"
)

type migrateCmd struct {
	ReadyFile string `help:"Ready file of a running installation." placeholder:"F"`
	DryRun    bool   `help:"Print the statements that would run; run none."`
	Zone      string `help:"Zone whose days, weeks and months the views show, an IANA name." default:"UTC"`
	WeekStart int    `help:"First day of the week, 1 Monday to 7 Sunday." default:"1"`
	Months    string `help:"Whose months the views by month have: gregorian or persian (Jalali)." enum:"gregorian,persian" default:"gregorian"`
	Inserts   string `help:"synced: inserts wait for the disk; lazy: they do not, loaders with --lazy-sync have it synced before they rely on it; kept: as the tables have it, new ones synced." enum:"kept,synced,lazy" default:"kept"`
}

// Help shows an example.
func (migrateCmd) Help() string {
	return "Makes and extends tables, and makes the views; what is there is kept. Running it again changes nothing.\n\n" +
		"Example: nabz migrate --dry-run --clickhouse clickhouse://nabz:secret@127.0.0.1:9000/nabz"
}

// Run migrates, or prints what it would run.
func (c migrateCmd) Run(a *app) error {
	schema, err := c.schema(a)
	if err != nil {
		return usageError{err}
	}
	all, err := a.definitions(c.ReadyFile)
	if err != nil {
		return err
	}
	texts, err := all.Texts()
	if err != nil {
		return err
	}
	conn, err := a.store(c.ReadyFile)
	if err != nil {
		return err
	}
	defer conn.Close()
	if c.DryRun {
		plan, err := clickhouse.Plan(a.ctx, conn, schema)
		if err != nil {
			return err
		}
		for _, st := range plan {
			fmt.Fprintf(a.stdout, "%s;\n\n", st.SQL)
		}
		return nil
	}
	out := a.stdout
	if a.Quiet {
		out = io.Discard
	}
	if err := clickhouse.Migrate(a.ctx, conn, schema, out); err != nil {
		return err
	}
	return epochs.Keep(a.ctx, conn, all.Fingerprint(), texts, time.Now())
}

func (c migrateCmd) schema(a *app) (clickhouse.Schema, error) {
	if _, err := time.LoadLocation(c.Zone); err != nil {
		return clickhouse.Schema{}, fmt.Errorf("--zone: %w", err)
	}
	if c.WeekStart < 1 || c.WeekStart > 7 {
		return clickhouse.Schema{}, fmt.Errorf("--week-start: %d, 1 to 7 are days", c.WeekStart)
	}
	all, err := a.definitions(c.ReadyFile)
	if err != nil {
		return clickhouse.Schema{}, err
	}
	model := all.Warehouse(c.Zone, c.WeekStart)
	model.Months = warehouse.Months(c.Months)
	return clickhouse.Schema{Tables: model.Tables(), Views: model.Views(), Inserts: clickhouse.Inserts(c.Inserts)}, nil
}

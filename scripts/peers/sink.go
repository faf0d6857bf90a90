package main

import (
	_ "embed"
	"fmt"
	"os/exec"
	"path/filepath"
)

//go:embed clickhouse/sink.sql
var sinkSQL string

// startLoader starts an engine of ClickHouse with the tables of nabz, and a
// loader; counted says whether the engine's time counts too.
func startLoader(counted bool) func(*Bench, string) (*Running, error) {
	return func(b *Bench, dir string) (*Running, error) {
		house, err := b.openHouse(dir)
		if err != nil {
			return nil, err
		}
		migrate := exec.CommandContext(b.ctx, b.nabz(), "migrate", "--quiet")
		account := filepath.Join(dir, "clickhouse.url")
		if err := writeFile(account, []byte(b.house.Native)); err != nil {
			house.Stop()
			return nil, err
		}
		env := "NABZ_CLICKHOUSE_FILE=" + account
		migrate.Env = append(migrate.Environ(), env)
		if out, err := migrate.CombinedOutput(); err != nil {
			house.Stop()
			return nil, fmt.Errorf("make the tables: %w: %s", err, out)
		}
		argv := []string{b.nabz(), "loader", "--kafka", b.broker.Address, "--group", b.group, "--log-level", "warn"}
		if b.opts.Profile != "" {
			argv = append(argv, "--profile", b.opts.Profile)
		}
		r, err := b.start(dir, "loader", argv, []string{env})
		if err != nil {
			house.Stop()
			return nil, err
		}
		if counted {
			r.PIDs = append(r.PIDs, house.PIDs...)
		} else {
			r.Beside = house.PIDs
		}
		stop := r.Stop
		r.Stop = func() {
			stop()
			house.Stop()
		}
		return r, nil
	}
}

// wrongRows holds the rows of a table against the deliveries: how many there
// are, and what their times add up to.
func wrongRows(table string) func(*Bench) (int, int, error) {
	return func(b *Bench) (int, int, error) {
		text, err := b.house.ask(b.ctx, "SELECT count(), sum(toUnixTimestamp64Milli(time)) FROM "+table+" FINAL")
		if err != nil {
			return 0, 0, err
		}
		var rows, times int64
		if _, err := fmt.Sscan(text, &rows, &times); err != nil {
			return 0, 0, fmt.Errorf("read the rows of %s: %w: %q", table, err, text)
		}
		wrong := int(max(rows-int64(b.filled.Events), int64(b.filled.Events)-rows))
		if wrong == 0 && times != b.filled.Times {
			wrong = 1
		}
		return wrong, wrong, nil
	}
}

package main

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// House is a ClickHouse engine of this machine, as nabz embeds it.
type House struct {
	URL      string
	Native   string // the URL for the services of nabz
	User     string
	Password string
}

//go:embed clickhouse/minutes.sql
var minutesSQL string

// startHouse starts the engine and runs a script in it, which makes a table
// that reads the topic of events and a view that fills another from it.
func startHouse(script string) func(*Bench, string) (*Running, error) {
	return func(b *Bench, dir string) (*Running, error) {
		r, err := b.openHouse(dir)
		if err != nil {
			return nil, err
		}
		fill := strings.NewReplacer("{broker}", b.broker.Address, "{group}", b.group)
		for statement := range strings.SplitSeq(fill.Replace(script), ";\n") {
			if strings.TrimSpace(statement) == "" {
				continue
			}
			if _, err := b.house.ask(b.ctx, statement); err != nil {
				r.Stop()
				return nil, err
			}
		}
		return r, nil
	}
}

// openHouse starts the engine and waits until it answers.
func (b *Bench) openHouse(dir string) (*Running, error) {
	ready := filepath.Join(dir, "ready.json")
	r, err := b.start(dir, "clickhouse", []string{
		b.nabz(), "embedded", "clickhouse", "--ports", "auto", "--data-dir", filepath.Join(dir, "data"), "--ready-file", ready, "--quiet",
	}, nil)
	if err != nil {
		return nil, err
	}
	err = poll(b.ctx, 5*time.Minute, func() (bool, error) {
		if said := r.Dead(); said != "" {
			return false, errors.New(said)
		}
		_, err := os.Stat(ready)
		return err == nil, nil
	})
	if err == nil {
		var pid int
		b.house, pid, err = readHouse(ready)
		r.PIDs = []int{pid}
	}
	if err != nil {
		r.Stop()
		return nil, err
	}
	return r, nil
}

// readHouse reads how to reach the engine, and its process.
func readHouse(path string) (*House, int, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, 0, fmt.Errorf("read the ready file: %w", err)
	}
	var f struct {
		HTTP string         `json:"clickhouse_http"`
		URL  string         `json:"clickhouse_url"`
		PIDs map[string]int `json:"pids"`
	}
	if err := json.Unmarshal(data, &f); err != nil {
		return nil, 0, fmt.Errorf("read the ready file: %w", err)
	}
	u, err := url.Parse(f.URL)
	if err != nil {
		return nil, 0, errors.New("read the ready file: clickhouse_url is no URL")
	}
	password, _ := u.User.Password()
	return &House{URL: f.HTTP, Native: f.URL, User: u.User.Username(), Password: password}, f.PIDs["clickhouse"], nil
}

// ask runs a statement and gives its answer as tab-separated text.
func (h *House) ask(ctx context.Context, statement string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.URL, strings.NewReader(statement))
	if err != nil {
		return "", fmt.Errorf("ask ClickHouse: %w", err)
	}
	req.Header.Set("X-ClickHouse-User", h.User)
	req.Header.Set("X-ClickHouse-Key", h.Password)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", fmt.Errorf("ask ClickHouse: %w", err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return "", fmt.Errorf("ask ClickHouse: %w", err)
	}
	if res.StatusCode != http.StatusOK {
		return "", fmt.Errorf("ask ClickHouse: %s: %s", res.Status, bytes.TrimSpace(body))
	}
	return string(body), nil
}

// Columns of the question for all cells: the key, the numbers, the buckets.
const (
	houseKeys = 3
	houseBins = houseKeys + cellNumbers
)

// houseCells reads the cells.
func houseCells(b *Bench) (map[cellKey]*cell, error) {
	text, err := b.house.ask(b.ctx, `SELECT queue, channel, minute, sum(offered), sum(answered), sum(in_time), sum(abandoned),
sum(waited), sum(handled), sum(talked), sumMap(waits).1, sumMap(waits).2 FROM peers.cells GROUP BY queue, channel, minute`)
	if err != nil {
		return nil, err
	}
	cells := map[cellKey]*cell{}
	for line := range strings.Lines(text) {
		f := strings.Split(strings.TrimSpace(line), "\t")
		if len(f) != houseBins+2 {
			return nil, fmt.Errorf("read a cell: %q", line)
		}
		k, c := cellKey{queue: f[0], channel: f[1]}, &cell{}
		if k.minute, err = strconv.ParseInt(f[2], 10, 64); err != nil {
			return nil, fmt.Errorf("read a cell: %w", err)
		}
		for i := range c.numbers {
			if c.numbers[i], err = strconv.ParseInt(f[houseKeys+i], 10, 64); err != nil {
				return nil, fmt.Errorf("read a cell: %w", err)
			}
		}
		var which, counts []int64
		if err := errors.Join(json.Unmarshal([]byte(f[houseBins]), &which), json.Unmarshal([]byte(f[houseBins+1]), &counts)); err != nil {
			return nil, fmt.Errorf("read a cell: %w", err)
		}
		for i, n := range which {
			if n < 0 || n >= bins || i >= len(counts) {
				return nil, fmt.Errorf("read a cell: bucket %d", n)
			}
			c.waits[n] = counts[i]
		}
		cells[k] = c
	}
	return cells, nil
}

// wrongHouse is what [wrongOut] is, for what lies in ClickHouse.
func wrongHouse(b *Bench) (fromEvents, fromGate int, err error) {
	got, err := houseCells(b)
	if err != nil {
		return 0, 0, err
	}
	return differences(b.filled.Oracle.Events, got), differences(b.filled.Oracle.Deliveries, got), nil
}

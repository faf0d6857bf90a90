package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// scrape reads the metrics of a service, series by series; labels are left out.
func scrape(ctx context.Context, url string, each func(name string, value float64)) error {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("read metrics: %w", err)
	}
	defer res.Body.Close()
	lines := bufio.NewScanner(res.Body)
	for lines.Scan() {
		series, text, ok := strings.Cut(lines.Text(), " ")
		if n, err := strconv.ParseFloat(text, 64); ok && err == nil {
			name, _, _ := strings.Cut(series, "{")
			each(name, n)
		}
	}
	return lines.Err()
}

// readMetrics adds each metric of the names up over its labels.
func readMetrics(ctx context.Context, url string, names ...string) ([]float64, error) {
	out := make([]float64, len(names))
	err := scrape(ctx, url, func(name string, value float64) {
		if at := slices.Index(names, name); at >= 0 {
			out[at] += value
		}
	})
	return out, err
}

// consuming tells whether a processor works on every partition that it owns:
// it has read its state and stands somewhere in the log.
func consuming(ctx context.Context, url string) error {
	owned, at := 0.0, 0.0
	err := scrape(ctx, url, func(name string, value float64) {
		switch name {
		case "nabz_processor_partitions":
			owned = value
		case "nabz_processor_position":
			at++
		}
	})
	if err == nil && (owned == 0 || at < owned) {
		err = errors.New("not all partitions are worked on yet")
	}
	return err
}

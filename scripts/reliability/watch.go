package main

import (
	"bufio"
	"context"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// watch is somebody who looks at the wallboard all the while: how old is what
// it shows?
type watch struct {
	url, key string
	began    time.Time

	mu      sync.Mutex
	newest  time.Time
	samples []sample
}

// sample is how old the newest reading was at an instant of the load.
type sample struct {
	at, age time.Duration
}

// age is what the stream's clock says of its readings each second.
var age = regexp.MustCompile(`"age_ms":([0-9]+)`)

// run follows the live stream until the context ends.
func (w *watch) run(ctx context.Context) {
	go func() {
		for ctx.Err() == nil {
			pause(ctx, 200*time.Millisecond)
			w.mu.Lock()
			if !w.newest.IsZero() {
				w.samples = append(w.samples, sample{time.Since(w.began), time.Since(w.newest)})
			}
			w.mu.Unlock()
		}
	}()
	for ctx.Err() == nil {
		w.follow(ctx)
		pause(ctx, 100*time.Millisecond)
	}
}

func (w *watch) follow(ctx context.Context) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, w.url+"/v1/live?kpi=offered", nil)
	if err != nil {
		return
	}
	req.Header.Set("Authorization", "Bearer "+w.key)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return
	}
	defer res.Body.Close()
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		if !strings.HasPrefix(lines.Text(), "data:") {
			continue
		}
		if m := age.FindStringSubmatch(lines.Text()); m != nil {
			w.mu.Lock()
			w.newest = time.Now().Add(-time.Duration(parse(m[1])) * time.Millisecond)
			w.mu.Unlock()
		}
	}
}

// ages gives the ages within spans of the load, in order.
func (w *watch) ages(within func(time.Duration) bool) []time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []time.Duration
	for _, s := range w.samples {
		if within(s.at) {
			out = append(out, s.age)
		}
	}
	slices.Sort(out)
	return out
}

// percentile of ordered spans, in ms; -1 where there are none.
func percentile(sorted []time.Duration, percent int) int64 {
	if len(sorted) == 0 {
		return -1
	}
	return sorted[(len(sorted)-1)*percent/100].Milliseconds()
}

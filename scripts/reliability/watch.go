package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
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

// readings holds what the wallboard shows of today against the oracle: boards
// are rebuilt from the log after each death.
func (c *comparison) readings(ctx context.Context, gateway, key, zone string) (check, error) {
	out := check{Name: "readings of the wallboard"}
	in, err := time.LoadLocation(zone)
	if err != nil {
		return out, fmt.Errorf("find the zone: %w", err)
	}
	y, m, d := time.Now().In(in).Date()
	today := time.Date(y, m, d, 0, 0, 0, 0, in).UnixMilli()
	want := map[string]float64{}
	for _, w := range c.truth.waits {
		if w.from >= today {
			want[strings.Join([]string{"offered", w.tenant, w.queue}, " ")]++
			want[strings.Join([]string{w.outcome, w.tenant, w.queue}, " ")]++
		}
	}
	for n := range tenants {
		tenant := "tenant-" + strconv.Itoa(n)
		shown, err := snapshot(ctx, gateway+"/v1/live?kpi=offered,answered,abandoned&tenant="+tenant, key)
		if err != nil {
			return out, err
		}
		for _, r := range shown {
			if len(r.Scope) != 1 || r.Scope[0] != "queue" {
				continue
			}
			at := strings.Join([]string{r.KPI, tenant, r.Dims["queue"]}, " ")
			out.Compared++
			if got := r.Windows["today"].Value; got != want[at] {
				out.differ("%s is shown as %v, should be %v", at, got, want[at])
			}
			delete(want, at)
		}
	}
	for at, n := range want {
		out.differ("%s is not shown, should be %v", at, n)
	}
	return out, nil
}

// reading is a number on the wallboard.
type reading struct {
	KPI     string
	Scope   []string
	Dims    map[string]string
	Windows map[string]struct{ Value float64 }
}

// snapshot gives what somebody sees who opens the page now.
func snapshot(ctx context.Context, url, key string) ([]reading, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+key)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, fmt.Errorf("ask the gateway: %w", err)
	}
	defer res.Body.Close()
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		if text, ok := strings.CutPrefix(lines.Text(), "data:"); ok {
			var s struct{ Readings []reading }
			if err := json.Unmarshal([]byte(text), &s); err != nil {
				return nil, fmt.Errorf("read the snapshot of %s: %w", url, err)
			}
			return s.Readings, nil
		}
	}
	return nil, fmt.Errorf("ask the gateway: %s, and no snapshot: %w", res.Status, lines.Err())
}

// stood is how old the readings were at most.
func (w *watch) stood() time.Duration {
	all := w.ages(func(time.Duration) bool { return true })
	if len(all) == 0 {
		return 0
	}
	return all[len(all)-1]
}

// percentile of ordered spans, in ms; -1 where there are none.
func percentile(sorted []time.Duration, percent int) int64 {
	if len(sorted) == 0 {
		return -1
	}
	return sorted[(len(sorted)-1)*percent/100].Milliseconds()
}

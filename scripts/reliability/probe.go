package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// quietTenant has nothing but contacts that tell how long one takes to the
// wallboard.
const quietTenant = "quiet"

// probe sends such a contact some times a second, and looks when it counts.
type probe struct {
	began              time.Time
	collector, gateway string // URLs

	mu    sync.Mutex
	sent  []time.Time // the first try
	shown []time.Time // when so many counted
}

func newProbe(began time.Time, collector, gateway string) *probe {
	return &probe{began: began, collector: collector, gateway: gateway}
}

// probeEvery is the pause between two.
const probeEvery = 150 * time.Millisecond

// run sends until the context ends. What is not taken is sent again.
func (p *probe) run(ctx context.Context) {
	client := &http.Client{Timeout: 5 * time.Second}
	for n := 0; ctx.Err() == nil; n++ {
		now := time.Now()
		p.mu.Lock()
		p.sent = append(p.sent, now)
		p.mu.Unlock()
		// It leaves at once, so that nobody is told of it.
		h := happening{typ: "contact.queued", queue: "q", tenant: quietTenant, source: "pbx/quiet", contact: "q" + strconv.Itoa(n), channel: "voice"}
		queued := h.body(now, "")
		h.typ, h.number, h.more = "contact.ended", 1, `,"by":"customer"`
		body := fmt.Sprintf("[%s,%s]", queued, h.body(now.Add(time.Millisecond), ""))
		for !p.taken(ctx, client, body) && ctx.Err() == nil {
			pause(ctx, probeEvery)
		}
		pause(ctx, probeEvery)
	}
}

func (p *probe) taken(ctx context.Context, client *http.Client, body string) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.collector+"/v1/events", strings.NewReader(body))
	if err != nil {
		return false
	}
	req.Header.Set("Content-Type", "application/cloudevents-batch+json")
	req.Header.Set("Authorization", "Bearer "+apiKey)
	res, err := client.Do(req)
	if err != nil {
		return false
	}
	res.Body.Close()
	return res.StatusCode == http.StatusOK
}

// follow reads how many the wallboard counts until the context ends.
func (p *probe) follow(ctx context.Context) {
	for ctx.Err() == nil {
		p.read(ctx)
		pause(ctx, 50*time.Millisecond)
	}
}

func (p *probe) read(ctx context.Context) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.gateway+"/v1/live?kpi=offered&tenant="+quietTenant, nil)
	if err != nil {
		return
	}
	req.Header.Set("Authorization", "Bearer "+apiKey)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return
	}
	defer res.Body.Close()
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var s struct{ Readings []reading }
		text, ok := strings.CutPrefix(lines.Text(), "data:")
		if !ok || json.Unmarshal([]byte(text), &s) != nil {
			continue
		}
		for _, r := range s.Readings {
			if len(r.Scope) == 1 && r.Scope[0] == "queue" {
				p.count(int(r.Windows["today"].Value), time.Now())
			}
		}
	}
}

// count notes that so many are shown.
func (p *probe) count(n int, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.shown) < min(n, len(p.sent)) {
		p.shown = append(p.shown, now)
	}
}

// took gives how long those took that were sent within spans of the load, in ms.
func (p *probe) took(within func(time.Duration) bool) spread {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []time.Duration
	for n, at := range p.shown {
		if within(p.sent[n].Sub(p.began)) {
			all = append(all, at.Sub(p.sent[n]))
		}
	}
	return spreadOf(all)
}

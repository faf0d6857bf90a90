package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

// hostile is who means no good: bodies that are none, bombs, clients that do
// not come to the point. It speaks past the proxies, so that what breaks is
// not theirs, and from an address of its own, so that the bound on connections
// of one address is its own too.
type hostile struct {
	collector, gateway string // host:port
	key                string
	r                  *rand.Rand
	client             *http.Client

	mu       sync.Mutex
	figures  hostileFigures
	accepted map[string]bool // ids of events
	unknown  map[string]bool // no answer came
	odd      []string
}

// hostileFigures are what became of it.
type hostileFigures struct {
	Sent, Accepted, DeadLettered, Rejected, Refused, Unanswered int // events; refused: requests as a whole
	Bombs                                                       int
	BombMostMs, BombGrowthMiB, MostRSSMiB                       int
	SlowClients                                                 int
	ServerErrors                                                int
}

const hostileTenant = "hostile"

// from is a loopback address that is not the load's.
func from(last byte) *net.TCPAddr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, last)} }

func newHostile(seed uint64, collector, gateway, key string) *hostile {
	dialer := &net.Dialer{LocalAddr: from(2), Timeout: 2 * time.Second}
	return &hostile{
		collector: collector, gateway: gateway, key: key, r: rand.New(rand.NewPCG(seed, 0xbad)), accepted: map[string]bool{}, unknown: map[string]bool{},
		client: &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{DialContext: dialer.DialContext}},
	}
}

// run sends until the context ends.
func (h *hostile) run(ctx context.Context, rss func() int) {
	var slow sync.WaitGroup
	for n := range 40 {
		slow.Go(func() { h.dawdle(ctx, n) })
	}
	bombs := bombs()
	for n := 0; ctx.Err() == nil; n++ {
		h.mutant(ctx, n)
		if n%100 == 50 {
			h.bomb(ctx, bombs[n/100%len(bombs)], rss)
		}
		pause(ctx, 20*time.Millisecond)
	}
	slow.Wait()
}

// mutant sends one request that is spoiled somewhere, as the seed draws it.
func (h *hostile) mutant(ctx context.Context, n int) {
	id := "h" + strconv.Itoa(n)
	body := []byte(fmt.Sprintf(`{"specversion":"1.0","type":"contact.created","source":"hostile/1","id":%q,"time":%q,"tenant":%q,"data":{"contact_id":%q,"queue_id":"q","channel":"voice"}}`,
		id, time.Now().UTC().Format(time.RFC3339Nano), hostileTenant, id))
	kind := "application/cloudevents+json"
	switch h.r.IntN(12) {
	case 0, 1, 2, 3: // some bytes
		for range 1 + h.r.IntN(4) {
			body[h.r.IntN(len(body))] = byte(h.r.IntN(256))
		}
	case 4:
		body = body[:h.r.IntN(len(body))]
	case 5:
		body = bytes.Replace(body, []byte(`"voice"`), []byte(strings.Repeat("[", 10_000)+strings.Repeat("]", 10_000)), 1)
	case 6:
		body = bytes.Replace(body, []byte(`"channel":"voice"`), []byte(`"channel":"voice","channel":"chat"`), 1)
	case 7:
		body = bytes.Replace(body, []byte(`"channel":"voice"`), []byte(`"priority":`+[]string{"1e400", "9223372036854775808", "-1", "NaN", "0.5"}[h.r.IntN(5)]), 1)
	case 8:
		body = bytes.Replace(body, []byte(`"q"`), []byte(`"`+strings.Repeat("q", []int{300_000, 5 << 20}[h.r.IntN(2)])+`"`), 1)
	case 9:
		kind = []string{"text/plain", "application/cloudevents-batch+json", "application/json", ""}[h.r.IntN(4)]
	case 10:
		kind, body = "application/cloudevents-batch+json", slicesOf(body, id, h.r.IntN(1200))
	case 11: // whole
	}
	h.send(ctx, id, kind, "", body)
}

// slicesOf is a batch of the event, and of others that are none.
func slicesOf(body []byte, id string, n int) []byte {
	var b bytes.Buffer
	b.WriteByte('[')
	b.Write(body)
	for i := range n {
		b.WriteByte(',')
		b.WriteString([]string{`null`, `{}`, `{"id":"` + id + `x"}`, `[]`, `1`}[i%5])
	}
	b.WriteByte(']')
	return b.Bytes()
}

func (h *hostile) send(ctx context.Context, id, kind, packed string, body []byte) int {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+h.collector+"/v1/events", bytes.NewReader(body))
	if err != nil {
		return 0
	}
	req.Header.Set("Authorization", "Bearer "+h.key)
	req.Header.Set("Content-Type", kind)
	if packed != "" {
		req.Header.Set("Content-Encoding", packed)
	}
	res, err := h.client.Do(req)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.figures.Sent++
	if err != nil {
		h.figures.Unanswered++
		h.unknown[id] = true
		return 0
	}
	defer res.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(res.Body, 4<<20)) // what is missing is no JSON
	switch {
	case res.StatusCode == http.StatusServiceUnavailable:
		h.figures.Unanswered++ // Kafka is away: what of it is there is not known
		h.unknown[id] = true
	case res.StatusCode >= 500:
		h.figures.ServerErrors++
		h.odd = append(h.odd, fmt.Sprintf("%s: %d to %.120q", id, res.StatusCode, body))
	case res.StatusCode == http.StatusOK:
		h.results(id, text)
	default:
		var p struct {
			DeadLettered bool `json:"dead_lettered"`
		}
		if json.Unmarshal(text, &p) == nil && p.DeadLettered {
			h.figures.DeadLettered++
		} else {
			h.figures.Refused++
		}
	}
	return res.StatusCode
}

func (h *hostile) results(id string, text []byte) {
	var a answer
	if err := json.Unmarshal(text, &a); err != nil {
		h.odd = append(h.odd, id+": an answer that is no JSON")
		return
	}
	for _, r := range a.Results {
		switch r.Status {
		case "accepted":
			h.figures.Accepted++
			h.accepted[r.ID] = true
		case "dead_lettered":
			h.figures.DeadLettered++
		case "rejected":
			h.figures.Rejected++
		}
	}
}

// bombs are small bodies that unpack to much.
func bombs() []packed {
	var z bytes.Buffer
	w, _ := gzip.NewWriterLevel(&z, gzip.BestSpeed) // the level is right
	zeros := make([]byte, 1<<20)
	for range 1024 {
		_, _ = w.Write(zeros) // a buffer takes everything
	}
	_ = w.Close()
	return []packed{{"gzip", z.Bytes()}, {"zstd", zstdZeros(10 << 30)}, {"gzip", z.Bytes()[:z.Len()/2]}}
}

type packed struct {
	how  string
	body []byte
}

// zstdZeros is a frame of so many zeros: blocks that say "this byte, so often".
func zstdZeros(n int) []byte {
	const block = 128 << 10
	b := binary.LittleEndian.AppendUint32(nil, 0xFD2FB528)
	b = append(b, 0x00, 0x38) // no size told; a window of 128 KiB
	for ; n > 0; n -= block {
		head := uint32(block)<<3 | 1<<1 // run length
		if n <= block {
			head |= 1
		}
		b = append(b, byte(head), byte(head>>8), byte(head>>16), 0)
	}
	return b
}

// bomb sends one and looks at how the collector bears it.
func (h *hostile) bomb(ctx context.Context, p packed, rss func() int) {
	before := rss()
	began := time.Now()
	status := h.send(ctx, "bomb", "application/cloudevents-batch+json", p.how, p.body)
	took, after := time.Since(began), rss()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.figures.MostRSSMiB = max(h.figures.MostRSSMiB, after)
	if status == 0 || status == http.StatusServiceUnavailable || before == 0 {
		return // it was just being killed, or Kafka was away
	}
	h.figures.Bombs++
	h.figures.BombMostMs = max(h.figures.BombMostMs, int(took.Milliseconds()))
	h.figures.BombGrowthMiB = max(h.figures.BombGrowthMiB, after-before)
	if status == http.StatusOK {
		h.odd = append(h.odd, "a bomb was taken")
	}
}

// dawdle is a client that does not come to the point: it sends a head byte by
// byte, or a body, or opens the live stream and does not read.
func (h *hostile) dawdle(ctx context.Context, n int) {
	text := "POST /v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + h.key + "\r\nContent-Type: application/cloudevents+json\r\nContent-Length: 100000\r\n\r\n"
	to, at := h.collector, len(text)/2
	switch n % 3 {
	case 1:
		at = len(text)
	case 2:
		to, text = h.gateway, "GET /v1/live HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "+h.key+"\r\n\r\n"
		at = len(text)
	}
	for ctx.Err() == nil {
		c, err := (&net.Dialer{LocalAddr: from(3), Timeout: time.Second}).DialContext(ctx, "tcp", to)
		if err != nil {
			pause(ctx, time.Second)
			continue
		}
		h.mu.Lock()
		h.figures.SlowClients++
		h.mu.Unlock()
		_, err = c.Write([]byte(text[:at]))
		for i := 0; err == nil && ctx.Err() == nil && i < 60; i++ {
			pause(ctx, time.Second)
			if n%3 < 2 {
				_, err = c.Write([]byte("x"))
			}
		}
		c.Close()
	}
}

// rssOf gives how much memory a process holds, MiB, 0 if there is none.
func rssOf(pid int) int {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, _ := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(rest), " kB"))
			return kb >> 10
		}
	}
	return 0
}

// check holds what was answered against what is stored.
func (h *hostile) check(ctx context.Context, c *comparison) (check, error) {
	out := check{Name: "hostile input"}
	h.mu.Lock()
	defer h.mu.Unlock()
	stored := map[string]bool{}
	err := c.ask(ctx, "SELECT id FROM nabz_internal.events WHERE feed = '' AND tenant NOT LIKE 'tenant-%' AND tenant != '"+quietTenant+"'", func(p []string) { stored[p[0]] = true })
	for id := range h.accepted {
		out.Compared++
		if !stored[id] {
			out.differ("%q was acknowledged, and is lost", id)
		}
	}
	for id := range stored {
		if !h.accepted[id] && !h.unknown[id] {
			out.differ("%q is stored, and was never acknowledged", id)
		}
	}
	for _, what := range h.odd {
		out.differ("%s", what)
	}
	return out, err
}

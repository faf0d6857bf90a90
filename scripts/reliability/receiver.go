package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// receiver is whom the alerter tells: it takes each message id once, as the
// specification of webhooks asks, and now and then it fails.
type receiver struct {
	url    string
	server *http.Server
	seed   uint64

	mu       sync.Mutex
	tried    map[string]int
	taken    map[string]bool
	incident map[string]*told
	odd      []string
	repeats  int // of ids that were taken
	failures int // answers that were no 2xx, or none
}

// deadlineRule is the policy that every wait is held to.
const deadlineRule = "queue_wait"

// told is what the receiver heard of one incident.
type told struct {
	item, tenant, rule, resolution string
	opened, resolved               int // messages with ids of their own
	due                            time.Time
	openedAt, heard                time.Time // heard: when the first message came
}

func newReceiver(seed uint64) (*receiver, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("open the receiver: %w", err)
	}
	r := &receiver{url: "http://" + ln.Addr().String() + "/hook", seed: seed, tried: map[string]int{}, taken: map[string]bool{}, incident: map[string]*told{}}
	r.server = &http.Server{Handler: r, ReadHeaderTimeout: 10 * time.Second}
	go r.server.Serve(ln) //nolint:errcheck // it ends with the process
	return r, nil
}

// mood draws how a first try is answered.
func (r *receiver) mood(id string) uint64 {
	h := fnv.New64a()
	fmt.Fprint(h, r.seed, id)
	return h.Sum64() % 100
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(io.LimitReader(req.Body, 64<<10))
	id := req.Header.Get("webhook-id")
	if err != nil || !signed(req.Header, body) {
		r.mu.Lock()
		r.odd = append(r.odd, "a message that is not whole or not signed: "+id)
		r.mu.Unlock()
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	r.mu.Lock()
	r.tried[id]++
	first := r.tried[id] == 1
	mood := r.mood(id)
	if first && mood < 6 {
		r.failures++
	}
	if !first || mood >= 3 {
		r.take(id, body)
	}
	r.mu.Unlock()
	switch {
	case first && mood < 3: // refused, and not taken
		w.WriteHeader(http.StatusInternalServerError)
	case first && mood < 6: // taken, and the answer is lost
		if h, ok := w.(http.Hijacker); ok {
			if c, _, err := h.Hijack(); err == nil {
				reset(c)
			}
		}
	case first && mood == 6:
		time.Sleep(2 * time.Second)
	}
}

// take is called with the lock held.
func (r *receiver) take(id string, body []byte) {
	if r.taken[id] {
		r.repeats++
		return
	}
	r.taken[id] = true
	var m struct {
		Type string
		Data struct {
			Key, Tenant, Rule, Item, Resolution string
			OpenedAt                            time.Time `json:"opened_at"`
			DueAt                               time.Time `json:"due_at"`
		}
	}
	if err := json.Unmarshal(body, &m); err != nil {
		r.odd = append(r.odd, "a message that is no JSON: "+id)
		return
	}
	if !strings.HasPrefix(m.Data.Tenant, "tenant-") {
		return // of the hostile input
	}
	t := r.incident[m.Data.Key]
	if t == nil {
		t = &told{item: m.Data.Item, tenant: m.Data.Tenant, rule: m.Data.Rule, due: m.Data.DueAt, openedAt: m.Data.OpenedAt, heard: time.Now()}
		r.incident[m.Data.Key] = t
	}
	switch m.Type {
	case "incident.opened":
		t.opened++
		if t.resolved > 0 {
			r.odd = append(r.odd, "the end of an incident overtook its beginning: "+m.Data.Key)
		}
	case "incident.resolved":
		t.resolved++
		t.resolution = m.Data.Resolution
	default:
		r.odd = append(r.odd, "a message of an unknown type: "+m.Type)
	}
}

// signed checks the signature of Standard Webhooks.
func signed(h http.Header, body []byte) bool {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(webhookSecret, "whsec_"))
	if err != nil {
		return false
	}
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "%s.%s.", h.Get("webhook-id"), h.Get("webhook-timestamp"))
	mac.Write(body)
	want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	return hmac.Equal([]byte(want), []byte(h.Get("webhook-signature")))
}

// open tells how many incidents of deadlines were told to fire and not to be
// over. Those of rules may stand when the load ends.
func (r *receiver) open() (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, t := range r.incident {
		if t.resolved == 0 && t.rule == deadlineRule {
			n++
		}
	}
	return n
}

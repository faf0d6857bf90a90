package gateway

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.uber.org/zap"
)

// Timings of a stream.
const (
	// flushEvery is how far apart events of changes are at least.
	flushEvery = 100 * time.Millisecond
	// clockEvery tells the age of the data without events.
	clockEvery = time.Second
	// heartbeatEvery keeps proxies from closing a stream as idle.
	heartbeatEvery = 15 * time.Second
	// retryAfter is when a page comes back after a cut.
	retryAfter = 2 * time.Second
	// firstWait is how long a stream waits for what Kafka holds, so that the
	// snapshot is whole; it goes on without.
	firstWait = 3 * time.Second
)

// run flushes what changed: at once after a quiet moment, else 100 ms apart.
func (l *live) run(ctx context.Context) {
	tick := time.NewTicker(flushEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-l.kick:
		}
		l.flush(time.Now())
		tick.Reset(flushEvery)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// stream is one page that watches.
type stream struct {
	live   *live
	tenant *tenant
	zone   string
	pass   func(kpi string) bool
	epoch  string // of the hub and of what passes: an id of another is not resumed
	seq    uint64 // of the newest event that was sent
}

// errSlow ends a stream that fell too far behind.
var errSlow = errors.New("the stream fell behind what is kept")

// open begins a stream: behind the event that the page saw last, or with a
// snapshot.
func (l *live) open(name, zone, lastID string, kpis []string) (s *stream, first []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	t := l.tenant(name)
	if t == nil {
		return nil, nil
	}
	pass := func(string) bool { return true }
	filter := fnv.New32a()
	if len(kpis) > 0 {
		pass = func(kpi string) bool { return slices.Contains(kpis, kpi) }
		fmt.Fprint(filter, strings.Join(kpis, ","))
	}
	s = &stream{live: l, tenant: t, zone: zone, pass: pass, epoch: fmt.Sprintf("%s%08x", t.hub.epoch, filter.Sum32())}
	now := time.Now()
	l.tell(t, now)
	t.hub.watch(kpis)
	epoch, number, _ := strings.Cut(lastID, "-")
	if seq, err := strconv.ParseUint(number, 10, 64); err == nil && epoch == s.epoch {
		if _, kept := t.hub.after(seq); kept {
			s.seq = seq
			return s, nil
		}
	}
	s.seq = t.hub.seq
	return s, s.appendEvent(nil, kindSnapshot, s.seq, l.snapshot(t, now, zone, pass))
}

// close ends a stream.
func (s *stream) close() {
	s.live.mu.Lock()
	defer s.live.mu.Unlock()
	if s.tenant.hub.watched--; s.tenant.hub.watched == 0 {
		s.tenant.hub.left = time.Now()
	}
}

// next writes what there is behind the last event, and gives what wakes it
// when there is more.
func (s *stream) next(b []byte) ([]byte, <-chan struct{}, error) {
	s.live.mu.Lock()
	events, kept := s.tenant.hub.after(s.seq)
	wake := s.tenant.hub.wake
	s.live.mu.Unlock()
	if !kept {
		return b, nil, errSlow
	}
	// An event does not change once it is in the ring.
	for _, e := range events {
		if object, some := e.appendObject(nil, s.pass); some {
			b = s.appendEvent(b, e.kind, e.seq, object)
		}
		s.seq = e.seq
	}
	return b, wake, nil
}

// clock writes the age of the data.
func (s *stream) clock(b []byte) []byte {
	s.live.mu.Lock()
	object := s.live.appendClock(nil, time.Now())
	s.live.mu.Unlock()
	return s.appendEvent(b, kindClock, s.seq, object)
}

func (s *stream) appendEvent(b []byte, kind string, seq uint64, object []byte) []byte {
	b = append(append(b, "event: "...), kind...)
	b = append(append(append(b, "\nid: "...), s.epoch...), '-')
	b = append(strconv.AppendUint(b, seq, 10), "\ndata: "...)
	return append(append(b, object...), "\n\n"...)
}

// serveLive answers with a stream of events.
func (s *Service) serveLive(w http.ResponseWriter, r *http.Request, c *caller) *problem {
	kpis, p := c.params.list("kpi", s.checkLive)
	if p != nil {
		return p
	}
	leave, p := s.streams.enter(c.key.Name)
	if p != nil {
		return p
	}
	defer leave()
	wait := time.NewTimer(firstWait)
	defer wait.Stop()
	select {
	case <-s.live.caught:
	case <-wait.C:
	case <-r.Context().Done():
		return nil
	}
	slices.Sort(kpis)
	stream, first := s.live.open(c.tenant, s.config.Zone, r.Header.Get("Last-Event-ID"), slices.Compact(kpis))
	if stream == nil {
		return unavailable("too many tenants are watched", time.Minute)
	}
	defer stream.close()
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-cache, no-transform")
	h.Set("X-Accel-Buffering", "no") // nginx would hold events back
	why := s.watch(w, r, c, stream, append([]byte("retry: "+strconv.FormatInt(retryAfter.Milliseconds(), 10)+"\n\n"), first...))
	s.metrics.cut.WithLabelValues(why).Inc()
	if why == cutSlow {
		s.log.Info("stream cut off: it is too slow", zap.String("key", c.key.Name), zap.String("tenant", c.tenant))
	}
	return nil
}

// Why streams end.
const (
	cutGone    = "gone"    // the page went, or the gateway stops
	cutSlow    = "slow"    // it did not read
	cutRevoked = "revoked" // its key or session is not in force any more
)

// watch writes to a page until it goes, is too slow, or may not see more. It
// gives the reason.
func (s *Service) watch(w http.ResponseWriter, r *http.Request, c *caller, stream *stream, b []byte) string {
	control := http.NewResponseController(w)
	// The server's deadlines are for requests that end.
	if err := control.SetReadDeadline(time.Time{}); err != nil {
		return cutGone
	}
	clock, heartbeat := time.NewTicker(clockEvery), time.NewTicker(heartbeatEvery)
	defer clock.Stop()
	defer heartbeat.Stop()
	b = stream.clock(b)
	for {
		var wake <-chan struct{}
		var err error
		if b, wake, err = stream.next(b); err != nil {
			return cutSlow
		}
		if len(b) > 0 {
			if err := control.SetWriteDeadline(time.Now().Add(s.config.Limits.Write)); err != nil {
				return cutGone
			}
			if _, err = w.Write(b); err == nil {
				err = control.Flush()
			}
			if errors.Is(err, os.ErrDeadlineExceeded) {
				return cutSlow
			}
			if err != nil {
				return cutGone
			}
		}
		b = b[:0]
		select {
		case <-r.Context().Done():
			return cutGone
		case <-wake:
		case <-clock.C:
			if !c.holds() {
				return cutRevoked
			}
			b = stream.clock(b)
		case <-heartbeat.C:
			b = append(b, ": still here\n\n"...)
		}
	}
}

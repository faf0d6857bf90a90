package collector

import (
	"context"
	"net/http"
	"time"

	"go.uber.org/zap"
)

// retryWhenAway is what senders are told to wait when Kafka does not answer: a
// broker that is started anew needs a few seconds.
const retryWhenAway = 2 * time.Second

// ServeHTTP routes the few paths of the collector.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	switch r.URL.Path {
	case "/v1/events":
		s.serveEvents(w, r, modeOf, nil)
	case "/v1/values":
		s.serveEvents(w, r, modeOfEntries, s.entries)
	case "/healthz", "/readyz", "/metrics", "/openapi.json":
		s.serveReader(w, r)
	default:
		s.refuse(w, refuse(NotFound, "", "no such path"), 0)
	}
}

// serveReader answers where nothing is sent.
func (s *Service) serveReader(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		s.refuse(w, refuse(BadMethod, "", "GET is expected"), 0)
		return
	}
	switch r.URL.Path {
	case "/healthz":
		w.WriteHeader(http.StatusNoContent)
	case "/readyz":
		s.serveReady(w, r)
	case "/metrics":
		s.metrics.handler.ServeHTTP(w, r)
	case "/openapi.json":
		s.serveSpecification(w)
	}
}

func (s *Service) serveReady(w http.ResponseWriter, r *http.Request) {
	if err := s.ready(r.Context()); err != nil {
		s.refuse(w, refuse(Unavailable, "", "Kafka does not answer, or a topic is missing"), retryWhenAway)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// refuse answers to a request of which nothing was kept.
func (s *Service) refuse(w http.ResponseWriter, p *problem, wait time.Duration) {
	s.metrics.requests.WithLabelValues(string(p.reason)).Inc()
	writeProblem(w, p, false, wait)
}

// translate makes events of a body in another form, for the name of a key.
type translate func(body []byte, author string, now int64) ([]byte, mode, *problem)

// serveEvents takes events, or what is first made into events.
func (s *Service) serveEvents(w http.ResponseWriter, r *http.Request, modeOf func(http.Header) (mode, *problem), made translate) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		s.refuse(w, refuse(BadMethod, "", "POST is expected"), 0)
		return
	}
	key := s.keys.Find(r)
	if key == nil {
		s.refuse(w, refuse(Unauthorized, "Authorization", "a known API key is expected: Authorization: Bearer <key>"), 0)
		return
	}
	how, p := modeOf(r.Header)
	if p != nil {
		s.refuse(w, p, 0)
		return
	}
	topics, ok := s.topics()
	if !ok {
		s.refuse(w, refuse(Unavailable, "", "Kafka does not answer, or a topic is missing"), retryWhenAway)
		return
	}
	room := s.room(r)
	if !s.inFlight.TryAcquire(room) {
		s.refuse(w, refuse(Unavailable, "", "too much is being worked on"), time.Second)
		return
	}
	defer s.inFlight.Release(room)
	body, p := s.bodies.read(w, r)
	if p != nil {
		s.refuse(w, p, 0)
		return
	}
	now := time.Now()
	t := newIntake(s, key, now, topics)
	if made != nil {
		if body, how, p = made(body, key.Name, now.UnixMilli()); p != nil {
			s.refuse(w, p, 0)
			return
		}
		t.rename = entryField
	}
	s.accept(w, r, t, how, body)
}

// room is how many bytes a request's body may take: its own length where that
// is known, the greatest otherwise.
func (s *Service) room(r *http.Request) int64 {
	if r.ContentLength >= 0 && r.Header.Get("Content-Encoding") == "" {
		return min(r.ContentLength, int64(s.config.Limits.Body))
	}
	return int64(s.config.Limits.Body)
}

// accept takes the events of a body, waits until they are durable and answers.
func (s *Service) accept(w http.ResponseWriter, r *http.Request, t *intake, how mode, body []byte) {
	if how == binary {
		if !loose(body) && len(body) > 0 {
			how = broken
		} else {
			body = fromHeaders(r.Header, body)
		}
	}
	text := string(body)
	spans, p := s.spans(how, text)
	if p != nil {
		s.refuse(w, p, 0)
		return
	}
	if wait := t.key.Take(len(spans), time.Now()); wait > 0 {
		s.refuse(w, refuse(OverQuota, "", "more events than the key's quota"), wait)
		return
	}
	for _, at := range spans {
		t.take(body[at.from:at.to], text[at.from:at.to], at.depth)
	}
	began := time.Now()
	err := s.send(r.Context(), t)
	s.tally.took(t, err == nil)
	if err != nil {
		s.log.Warn("events not acknowledged", zap.Int("records", len(t.records)), zap.String("key", t.key.Name), zap.Error(err))
		s.refuse(w, refuse(Unavailable, "", "Kafka did not acknowledge in time; send the same events again"), retryWhenAway)
		return
	}
	s.metrics.took(t, time.Since(began))
	if how != batched && t.results[0].problem != nil {
		s.metrics.requests.WithLabelValues(string(t.results[0].problem.reason)).Inc()
		writeProblem(w, t.results[0].problem, t.results[0].kept, 0)
		return
	}
	s.metrics.requests.WithLabelValues("ok").Inc()
	w.Header().Set("Content-Type", "application/json")
	// A sender that is gone sends again, and the events are the same.
	_, _ = w.Write(appendResults(make([]byte, 0, 64+96*len(t.results)), t.results))
}

// broken is the mode of a request in binary mode whose body is no JSON: it is
// judged, and kept, like any other event that is no JSON.
const broken = mode(0)

// spans finds the events in a body.
func (s *Service) spans(how mode, text string) ([]span, *problem) {
	if how == batched {
		return split(text, s.config.Limits.Batch, nil)
	}
	from := skipSpace(text, 0)
	if from == len(text) {
		return nil, refuse(BadJSON, "", "the body is empty")
	}
	_, depth := scan(text, from)
	return []span{{from: from, to: len(text), depth: depth}}, nil
}

func (s *Service) send(ctx context.Context, t *intake) error {
	// The sender's going away must not take back what others may have read.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.config.Limits.Timeout)
	defer cancel()
	return send(ctx, s.producer, t.records)
}

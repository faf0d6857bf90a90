package gateway

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"go.uber.org/zap"
)

// The roles that an operation asks for; the specification has them as x-role.
const (
	roleNone = "none" // anybody
	roleRead = "read" // a key with the right read, or a session of one
)

// operation is one row of the API. openapi.json holds the same rows; a test
// compares them.
type operation struct {
	method, path string
	role         string
	params       []string // of the query, beside tenant
	serve        func(w http.ResponseWriter, r *http.Request, c *caller) *problem
}

// operations are all of the API.
func (s *Service) operations() []operation {
	return []operation{
		{http.MethodGet, "/v1/kpis", roleRead, nil, s.serveKPIs},
		{http.MethodGet, "/v1/kpis/{kpi}/values", roleRead, []string{"feed", "by", "grain", "from", "to", "where", "zone", "months"}, s.serveValues},
		{http.MethodGet, "/v1/explain/{kpi}", roleRead, []string{"feed", "at", "grain", "months", "window", "by", "where", "zone", "limit"}, s.explainCell},
		{http.MethodGet, "/v1/explain/item/{kind}/{id...}", roleRead, []string{"feed"}, s.explainItem},
		{http.MethodGet, "/v1/live", roleRead, []string{"kpi"}, s.serveLive},
		{http.MethodGet, "/v1/incidents", roleRead, []string{"state", "from"}, s.serveIncidents},
		{http.MethodPost, "/v1/session", roleNone, nil, s.openSession},
		{http.MethodDelete, "/v1/session", roleNone, nil, s.closeSession},
		{http.MethodGet, "/openapi.json", roleNone, nil, s.serveSpecification},
		{http.MethodGet, "/docs", roleNone, nil, s.serveDocs},
		{http.MethodGet, "/docs.css", roleNone, nil, s.serveDocsStyle},
		{http.MethodGet, "/healthz", roleNone, nil, s.serveHealth},
		{http.MethodGet, "/readyz", roleNone, nil, s.serveReady},
		{http.MethodGet, "/metrics", roleNone, nil, s.serveMetrics},
		{http.MethodGet, "/{$}", roleNone, nil, s.servePage},
		{http.MethodGet, "/assets/{file...}", roleNone, nil, s.servePage},
	}
}

// routes makes the mux of all operations.
func (s *Service) routes() (*http.ServeMux, error) {
	pages, err := openPages()
	if err != nil {
		return nil, err
	}
	s.pages = pages
	mux := http.NewServeMux()
	methods := map[string][]string{}
	for _, op := range s.operations() {
		mux.Handle(op.method+" "+op.path, s.handler(op))
		methods[op.path] = append(methods[op.path], op.method)
		if op.method == http.MethodGet {
			methods[op.path] = append(methods[op.path], http.MethodHead)
		}
	}
	for path, allowed := range methods {
		mux.Handle(path, s.refuse(path, &problem{status: http.StatusMethodNotAllowed, detail: strings.Join(allowed, " or ") + " is expected"}, strings.Join(allowed, ", ")))
	}
	mux.Handle("/", s.refuse("other", notFound("", "no such path"), ""))
	return mux, nil
}

// handler checks who asks, and counts.
func (s *Service) handler(op operation) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		counted := &counting{ResponseWriter: w, status: http.StatusOK}
		defer func() {
			s.metrics.requests.WithLabelValues(op.path, strconv.Itoa(counted.status)).Inc()
		}()
		var c *caller
		var p *problem
		if op.role == roleRead {
			w.Header().Set("Cache-Control", "no-store")
			c, p = s.admit(r, op.params)
		}
		if p == nil {
			p = op.serve(counted, r, c)
		}
		if p != nil {
			p.write(counted)
		}
	})
}

func (s *Service) refuse(path string, p *problem, allow string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		s.metrics.requests.WithLabelValues(path, strconv.Itoa(p.status)).Inc()
		if allow != "" {
			w.Header().Set("Allow", allow)
		}
		p.write(w)
	})
}

// policy is what a page of ours may load and do: only what comes from here.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"frame-ancestors 'none'; base-uri 'none'; form-action 'self'"

// ServeHTTP sets the headers that every answer has, and routes.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	defer func() {
		trouble := recover()
		if trouble == nil {
			return
		}
		if err, ok := trouble.(error); !ok || !errors.Is(err, http.ErrAbortHandler) {
			s.log.Error("a request broke the gateway", zap.String("path", r.URL.Path), zap.String("trouble", fmt.Sprint(trouble)), zap.Stack("stack"))
		}
		panic(http.ErrAbortHandler) // the connection ends, the service goes on
	}()
	s.mux.ServeHTTP(w, r)
}

// counting remembers the status of an answer.
type counting struct {
	http.ResponseWriter
	status int
}

// WriteHeader notes the status.
func (c *counting) WriteHeader(status int) {
	c.status = status
	c.ResponseWriter.WriteHeader(status)
}

// Unwrap lets a stream reach the connection's deadlines.
func (c *counting) Unwrap() http.ResponseWriter { return c.ResponseWriter }

func (s *Service) serveHealth(w http.ResponseWriter, _ *http.Request, _ *caller) *problem {
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// serveReady tells whether what Kafka held at the start is read. A gateway that
// was ready stays so while Kafka or ClickHouse is away: it shows what it has,
// with its age.
func (s *Service) serveReady(w http.ResponseWriter, _ *http.Request, _ *caller) *problem {
	select {
	case <-s.live.caught:
		w.WriteHeader(http.StatusNoContent)
		return nil
	default:
		return unavailable("what Kafka holds is not read yet", time.Second)
	}
}

func (s *Service) serveMetrics(w http.ResponseWriter, r *http.Request, _ *caller) *problem {
	s.metrics.handler.ServeHTTP(w, r)
	return nil
}

package replay

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Retries of one batch.
const (
	requestTimeout = 30 * time.Second
	firstPause     = 100 * time.Millisecond
	longestPause   = 5 * time.Second
	maxAnswer      = 4 << 20
)

// Sender posts batches of events and tries again until each was answered: its
// events have the same ids every time, so nothing counts twice.
type Sender struct {
	url, key     string
	client       *http.Client
	progress     io.Writer
	batch        []byte
	events       int
	accepted     int64
	rejected     int64
	deadLettered int64
	shown        int
	lastError    string
}

// NewSender makes a sender of the collector and the key of c.
func NewSender(c Config) *Sender {
	client := c.Client
	if client == nil {
		client = &http.Client{Timeout: requestTimeout}
	}
	return &Sender{url: strings.TrimSuffix(c.Collector, "/") + "/v1/events", key: c.APIKey, client: client, progress: c.Progress}
}

// batchBytes keeps a batch below what the collector takes.
const batchBytes = 2 << 20

// Full tells whether a batch is to be sent before more is added.
func (s *Sender) Full() bool { return s.events >= batchEvents || len(s.batch) >= batchBytes }

// Add adds one structured CloudEvent to the batch.
func (s *Sender) Add(body []byte) {
	if s.events == 0 {
		s.batch = append(s.batch[:0], '[')
	} else {
		s.batch = append(s.batch, ',')
	}
	s.batch = append(s.batch, body...)
	s.events++
}

// Flush sends what was added and returns when it is durable.
func (s *Sender) Flush(ctx context.Context) error {
	_, err := s.flushed(ctx)
	return err
}

// result is what the collector says of one event.
type result struct {
	ID      string  `json:"id"`
	Status  string  `json:"status"`
	Offsets []int64 `json:"offsets"`
	Error   struct {
		Reason string `json:"reason"`
		Field  string `json:"field"`
		Detail string `json:"detail"`
	} `json:"error"`
}

// flushed sends what was added, and gives the offsets of the last record that
// went to every partition.
func (s *Sender) flushed(ctx context.Context) ([]int64, error) {
	if s.events == 0 {
		return nil, nil
	}
	body := append(s.batch, ']')
	s.events = 0
	wait := firstPause
	for {
		results, after, err := s.post(ctx, body)
		if err == nil {
			return s.count(results), nil
		}
		if final, ok := errors.AsType[*refusedError](err); ok {
			return nil, final
		}
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if wait >= time.Second {
			fmt.Fprintf(s.progress, "%v; trying again in %s\n", err, max(wait, after))
		}
		if err := pause(ctx, max(wait, after)); err != nil {
			return nil, err
		}
		wait = min(2*wait, longestPause)
	}
}

// refusedError is an answer that another try would not change.
type refusedError struct {
	status int
	detail string
}

// Error gives the collector's words.
func (e *refusedError) Error() string {
	return fmt.Sprintf("send events: the collector answers %d: %s", e.status, e.detail)
}

// post sends one body. An error that is no *refusedError is worth another try,
// after the time that the collector asks for.
func (s *Sender) post(ctx context.Context, body []byte) ([]result, time.Duration, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url, bytes.NewReader(body))
	if err != nil {
		return nil, 0, &refusedError{detail: err.Error()}
	}
	req.Header.Set("Content-Type", "application/cloudevents-batch+json")
	req.Header.Set("Authorization", "Bearer "+s.key)
	resp, err := s.client.Do(req)
	if err != nil {
		return nil, 0, fmt.Errorf("send events: %w", err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return nil, 0, fmt.Errorf("send events: read answer: %w", err)
	}
	switch {
	case resp.StatusCode == http.StatusOK:
		var a struct{ Results []result }
		if err := json.Unmarshal(answer, &a); err != nil {
			return nil, 0, fmt.Errorf("send events: read answer: %w", err)
		}
		return a.Results, 0, nil
	case resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode == http.StatusRequestTimeout || resp.StatusCode >= 500:
		seconds, _ := strconv.Atoi(resp.Header.Get("Retry-After")) // absent: 0
		return nil, time.Duration(seconds) * time.Second, fmt.Errorf("send events: the collector answers %d", resp.StatusCode)
	}
	var problem struct{ Detail, Field string }
	if err := json.Unmarshal(answer, &problem); err != nil || problem.Detail == "" {
		problem.Detail = http.StatusText(resp.StatusCode)
	}
	return nil, 0, &refusedError{status: resp.StatusCode, detail: strings.TrimPrefix(problem.Field+": "+problem.Detail, ": ")}
}

func (s *Sender) count(results []result) (offsets []int64) {
	for i := range results {
		r := &results[i]
		switch {
		case r.Offsets != nil:
			offsets = r.Offsets
			continue
		case r.Status == "accepted":
			s.accepted++
			continue
		case r.Status == "dead_lettered":
			s.deadLettered++
		default:
			s.rejected++
		}
		s.lastError = fmt.Sprintf("%s: %s %s: %s", r.ID, r.Error.Reason, r.Error.Field, r.Error.Detail)
		if s.shown++; s.shown <= shownErrors {
			fmt.Fprintf(s.progress, "refused by the collector: %s\n", s.lastError)
		}
	}
	return offsets
}

// Accepted gives how many events the collector took.
func (s *Sender) Accepted() int64 { return s.accepted }

// LastError gives the collector's words on the last event that it refused.
func (s *Sender) LastError() string { return s.lastError }

// Refused gives how many events the collector refused.
func (s *Sender) Refused() int64 { return s.rejected + s.deadLettered }

// pace holds a rate of events a second.
type pace struct {
	rate  float64
	sent  int64
	since time.Time
}

func newPace(rate float64) *pace { return &pace{rate: rate} }

// next counts one event and says how long to wait before the one after.
func (p *pace) next(now time.Time) time.Duration {
	if p.rate <= 0 {
		return 0
	}
	if p.sent++; p.sent == 1 {
		p.since = now
	}
	ahead := time.Duration(float64(p.sent)/p.rate*float64(time.Second)) - now.Sub(p.since)
	// Less is not worth a request of its own.
	if ahead < 50*time.Millisecond {
		return 0
	}
	return ahead
}

package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/nabz/nabz/pkg/incident"
	"github.com/nabz/nabz/pkg/row"
)

// Alertmanager is all peers of one Alertmanager cluster. It has no memory of
// its own, so it is told again how things stand.
type Alertmanager struct {
	peers     []*url.URL
	wallboard string
	client    *http.Client
	now       func() time.Time
}

// AlertmanagerName is its name among the receivers.
const AlertmanagerName = "alertmanager"

const (
	// restateEvery keeps alerts that are open from ending by themselves at
	// standsFor: ten misses in a row.
	restateEvery = 30 * time.Second
	standsFor    = 5 * time.Minute
	// alertBatch keeps a call below 1 MB.
	alertBatch = 200
	// alertTimeout is long for a server that only takes a list into memory.
	alertTimeout = 5 * time.Second
)

// AlertmanagerConfig says where the peers are.
type AlertmanagerConfig struct {
	// URLs are those of every peer; each is told, for they tell each other
	// only what they have sent.
	URLs []string
	// Wallboard is the URL that an alert points back to, may be empty.
	Wallboard string
	Now       func() time.Time // nil: time.Now
}

// NewAlertmanager checks the URLs; it opens nothing.
func NewAlertmanager(c AlertmanagerConfig) (*Alertmanager, error) {
	a := &Alertmanager{wallboard: c.Wallboard, now: c.Now}
	if a.now == nil {
		a.now = time.Now
	}
	for _, text := range c.URLs {
		u, err := url.Parse(strings.TrimSpace(text))
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			return nil, fmt.Errorf("alertmanager: %q is no http or https URL", text)
		}
		a.peers = append(a.peers, u.JoinPath("api", "v2", "alerts"))
	}
	if len(a.peers) == 0 {
		return nil, errors.New("alertmanager: no URL")
	}
	a.client = &http.Client{
		Timeout: alertTimeout, CheckRedirect: noRedirects,
		Transport: &http.Transport{MaxConnsPerHost: connections, MaxIdleConnsPerHost: connections, IdleConnTimeout: idleFor, ForceAttemptHTTP2: true},
	}
	return a, nil
}

// Spec says how it is told: in batches, and tried for as long as it takes.
func (a *Alertmanager) Spec() Spec {
	return Spec{
		Receiver: incident.Receiver{Name: AlertmanagerName, Delays: []int64{250, 1000, 2000, 5000, 10_000, 30_000}, Forever: true},
		Batch:    alertBatch, Parallel: 4, Restate: restateEvery,
	}
}

// alert is one of the API's: its labels are its identity, and an empty one is
// an error.
type alert struct {
	Labels       map[string]string `json:"labels"`
	Annotations  map[string]string `json:"annotations,omitempty"`
	StartsAt     string            `json:"startsAt"`
	EndsAt       string            `json:"endsAt"`
	GeneratorURL string            `json:"generatorURL,omitempty"`
}

// Send tells every peer. A message is delivered when one of them has it; the
// others hear of it when things are restated.
func (a *Alertmanager) Send(ctx context.Context, messages []incident.Message) []incident.Outcome {
	now := a.now()
	alerts := make([]alert, len(messages))
	for i := range messages {
		alerts[i] = a.alert(&messages[i], now)
	}
	o := a.tell(ctx, alerts)
	if o.Delivered || !o.Final || len(messages) == 1 {
		return fail(len(messages), o)
	}
	// One of them is refused, and the answer does not say which.
	out := make([]incident.Outcome, len(messages))
	for i := range alerts {
		out[i] = a.tell(ctx, alerts[i:i+1])
	}
	return out
}

// tell gives the best of the peers' answers.
func (a *Alertmanager) tell(ctx context.Context, alerts []alert) incident.Outcome {
	body, err := json.Marshal(alerts)
	if err != nil {
		return incident.Outcome{Final: true, Reason: err.Error()}
	}
	answers := make([]incident.Outcome, len(a.peers))
	var g errgroup.Group
	for i, peer := range a.peers {
		g.Go(func() error {
			answers[i] = a.post(ctx, peer, body)
			return nil
		})
	}
	_ = g.Wait() // gives no error
	best := answers[0]
	for _, o := range answers {
		if o.Delivered {
			return o
		}
		if !o.Final { // a peer that is away may take it yet
			best = o
		}
	}
	return best
}

func (a *Alertmanager) post(ctx context.Context, peer *url.URL, body []byte) incident.Outcome {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, peer.String(), bytes.NewReader(body))
	if err != nil {
		return incident.Outcome{Final: true, Reason: err.Error()}
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := a.client.Do(req)
	if err != nil {
		return incident.Outcome{Reason: err.Error()}
	}
	defer discard(res)
	return incident.Outcome{
		Delivered: res.StatusCode/100 == 2,
		Final:     res.StatusCode == http.StatusBadRequest || res.StatusCode == http.StatusUnprocessableEntity,
		Reason:    res.Status, After: retryAfter(res.Header),
	}
}

// labelName is what Alertmanager takes as the name of a label.
var labelName = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`)

// labels are few and of few values but for the last, which tells two open
// incidents of one queue apart: people group by the others.
func labels(key string, i *incident.Incident) map[string]string {
	out := map[string]string{}
	set := func(name, value string) {
		value = clip(strings.ToValidUTF8(value, "\uFFFD"), maxLabel)
		if value != "" && labelName.MatchString(name) && len(out) < maxLabels {
			out[name] = value
		}
	}
	set("alertname", i.Rule)
	set("policy", i.Rule)
	set("tenant", i.Tenant)
	set("severity", i.Severity)
	set("kind", i.Kind)
	set("cause", i.Cause)
	set("incident", key)
	for name, value := range i.Labels {
		if _, taken := out[name]; !taken {
			set(name, value)
		}
	}
	return out
}

// alert is what an incident is to an Alertmanager now.
func (a *Alertmanager) alert(m *incident.Message, now time.Time) alert {
	i := &m.Incident
	out := alert{
		Labels: labels(m.Key, i), Annotations: map[string]string{}, StartsAt: at(i.OpenedAt), EndsAt: at(now.Add(standsFor).UnixMilli()),
		GeneratorURL: a.wallboard,
	}
	note := func(name, value string) {
		if value != "" {
			out.Annotations[name] = clip(strings.ToValidUTF8(value, "\uFFFD"), maxText)
		}
	}
	note("summary", i.Summary.EN)
	note("summary_fa", i.Summary.FA)
	note("item", i.Item)
	note("resolution", i.Resolution)
	if i.Kind == row.Deadline {
		note("due_at", at(i.DueAt))
		note("target_s", number(float64(i.Target)/1000))
	}
	if i.Value != nil {
		note("value", number(*i.Value))
	}
	if i.Bound != nil {
		note("bound", number(*i.Bound))
	}
	if i.Uncertain {
		note("uncertain", "the source itself is silent")
	}
	if m.Event == incident.Ended {
		// Behind its start and not ahead of the receiver's clock.
		end := max(min(i.ResolvedAt, now.UnixMilli()), i.OpenedAt+1)
		out.EndsAt = at(end)
	}
	return out
}

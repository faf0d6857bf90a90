package notify

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/nabz/nabz/pkg/incident"
)

// WebhookConfig is one receiver of signed messages.
type WebhookConfig struct {
	Name       string
	URL        string
	Secrets    []string // whsec_ and base64, or base64; several while one is replaced
	Tenants    []string // empty: all
	Severities []string // empty: all
	// AllowPrivate are the addresses that are not of the open net and may be
	// reached all the same, on any port.
	AllowPrivate []netip.Prefix
	AllowHTTP    bool   // without TLS
	CA           []byte // PEM of the authority of a receiver inside, may be empty

	Resolver *net.Resolver    // nil: the system's
	Now      func() time.Time // nil: time.Now
}

// Webhook is one such receiver.
type Webhook struct {
	config WebhookConfig
	keys   [][]byte
	client *http.Client
	now    func() time.Time
	gone   atomic.Bool // it answered 410
}

const (
	// webhookTimeout bounds one attempt; the specification asks for 15 to 30 s.
	webhookTimeout = 15 * time.Second
	// minSecret and maxSecret are the specification's bounds, bytes.
	minSecret = 24
	maxSecret = 64
	maxKeys   = 5
)

// delays are the pauses of the specification: 5 s, 5 min, 30 min, 2 h, 5 h,
// 10 h, 14 h, 20 h, 24 h.
func delays() []int64 {
	const minute, hour = 60_000, 3_600_000
	return []int64{5_000, 5 * minute, 30 * minute, 2 * hour, 5 * hour, 10 * hour, 14 * hour, 20 * hour, 24 * hour}
}

// NewWebhook checks the configuration; it opens nothing.
func NewWebhook(c WebhookConfig) (*Webhook, error) {
	w := &Webhook{config: c, now: c.Now}
	if w.now == nil {
		w.now = time.Now
	}
	u, err := url.Parse(c.URL)
	switch {
	case err != nil:
		return nil, fmt.Errorf("webhook %s: %w", c.Name, err)
	case u.Scheme == "http" && !c.AllowHTTP:
		return nil, fmt.Errorf("webhook %s: %s is not https, and allow_http is not set", c.Name, u.Redacted())
	case u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "":
		return nil, fmt.Errorf("webhook %s: %s is no https URL", c.Name, u.Redacted())
	case u.User != nil:
		return nil, fmt.Errorf("webhook %s: a URL with a password: the signature is what tells who sends", c.Name)
	}
	if len(c.Secrets) == 0 || len(c.Secrets) > maxKeys {
		return nil, fmt.Errorf("webhook %s: %d secrets, 1 to %d are possible", c.Name, len(c.Secrets), maxKeys)
	}
	for _, s := range c.Secrets {
		key, err := secretKey(s)
		if err != nil {
			return nil, fmt.Errorf("webhook %s: %w", c.Name, err)
		}
		w.keys = append(w.keys, key)
	}
	settings := &tls.Config{MinVersion: tls.VersionTLS12}
	if len(c.CA) > 0 {
		settings.RootCAs = x509.NewCertPool()
		if !settings.RootCAs.AppendCertsFromPEM(c.CA) {
			return nil, fmt.Errorf("webhook %s: no certificate in the authority's PEM", c.Name)
		}
	}
	guard := guard{allow: c.AllowPrivate, http: c.AllowHTTP}
	dialer := &net.Dialer{Timeout: webhookTimeout, ControlContext: guard.control, Resolver: c.Resolver}
	w.client = &http.Client{
		Timeout: webhookTimeout, CheckRedirect: noRedirects,
		Transport: &http.Transport{ // no proxy: it would dial for us, and not by our rules
			DialContext: dialer.DialContext, TLSClientConfig: settings, ForceAttemptHTTP2: true,
			MaxConnsPerHost: connections, MaxIdleConnsPerHost: connections, IdleConnTimeout: idleFor, MaxResponseHeaderBytes: 64 << 10,
		},
	}
	return w, nil
}

// secretKey reads a secret of the specification.
func secretKey(s string) ([]byte, error) {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(s, "whsec_"))
	if err != nil {
		return nil, errors.New("a secret is whsec_ and base64")
	}
	if len(key) < minSecret || len(key) > maxSecret {
		return nil, fmt.Errorf("a secret of %d bytes, %d to %d are possible", len(key), minSecret, maxSecret)
	}
	return key, nil
}

// Spec says how it is told: one message a call.
func (w *Webhook) Spec() Spec {
	return Spec{
		Receiver: incident.Receiver{Name: w.config.Name, Tenants: w.config.Tenants, Severities: w.config.Severities, Delays: delays()},
		Batch:    1, Parallel: 8,
	}
}

// Send posts each message, signed.
func (w *Webhook) Send(ctx context.Context, messages []incident.Message) []incident.Outcome {
	out := make([]incident.Outcome, len(messages))
	for i := range messages {
		out[i] = w.send(ctx, &messages[i])
	}
	return out
}

func (w *Webhook) send(ctx context.Context, m *incident.Message) incident.Outcome {
	if w.gone.Load() {
		return incident.Outcome{Final: true, Reason: "disabled: it answered 410 Gone"}
	}
	body, err := payload(m)
	if err != nil {
		return incident.Outcome{Final: true, Reason: err.Error()}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.config.URL, bytes.NewReader(body))
	if err != nil {
		return incident.Outcome{Final: true, Reason: err.Error()}
	}
	id, now := m.ID(), w.now().Unix()
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "nabz")
	req.Header.Set("webhook-id", id)
	req.Header.Set("webhook-timestamp", strconv.FormatInt(now, 10))
	req.Header.Set("webhook-signature", sign(w.keys, id, now, body))
	res, err := w.client.Do(req)
	if err != nil {
		return incident.Outcome{Reason: err.Error()}
	}
	defer discard(res)
	o := incident.Outcome{Delivered: res.StatusCode/100 == 2, Reason: res.Status, After: retryAfter(res.Header)}
	if res.StatusCode == http.StatusGone {
		w.gone.Store(true)
		o.Final = true
	}
	return o
}

// sign gives the header webhook-signature: one signature for each key.
func sign(keys [][]byte, id string, timestamp int64, body []byte) string {
	var all []string
	for _, key := range keys {
		h := hmac.New(sha256.New, key)
		fmt.Fprintf(h, "%s.%d.", id, timestamp)
		h.Write(body)
		all = append(all, "v1,"+base64.StdEncoding.EncodeToString(h.Sum(nil)))
	}
	return strings.Join(all, " ")
}

// Types of a webhook's messages.
const (
	typeOpened   = "incident.opened"
	typeResolved = "incident.resolved"
)

type message struct {
	Type      string `json:"type"`
	Timestamp string `json:"timestamp"` // when the incident opened or ended
	Data      data   `json:"data"`
}

type data struct {
	Key        string            `json:"key"`
	State      string            `json:"state"`
	Tenant     string            `json:"tenant"`
	Rule       string            `json:"rule"`
	Kind       string            `json:"kind"`
	Item       string            `json:"item,omitempty"`
	Labels     map[string]string `json:"labels"`
	Severity   string            `json:"severity"`
	Cause      string            `json:"cause"`
	Uncertain  bool              `json:"uncertain,omitempty"`
	Summary    incident.Words    `json:"summary"`
	OpenedAt   string            `json:"opened_at"`
	ResolvedAt string            `json:"resolved_at,omitempty"`
	Resolution string            `json:"resolution,omitempty"`
	DueAt      string            `json:"due_at,omitempty"`
	TargetS    float64           `json:"target_s,omitempty"`
	Value      *float64          `json:"value,omitempty"`
	Bound      *float64          `json:"bound,omitempty"`
}

// payload is the body of a message, at most 20 KB by the bounds of its texts.
func payload(m *incident.Message) ([]byte, error) {
	i := &m.Incident
	out := message{Type: typeOpened, Timestamp: at(i.OpenedAt), Data: data{
		Key: m.Key, State: m.Event, Tenant: clip(i.Tenant, maxLabel), Rule: i.Rule, Kind: i.Kind, Item: clip(i.Item, maxText), Labels: map[string]string{},
		Severity: i.Severity, Cause: i.Cause, Uncertain: i.Uncertain,
		Summary:  incident.Words{EN: clip(i.Summary.EN, maxText), FA: clip(i.Summary.FA, maxText)},
		OpenedAt: at(i.OpenedAt), Resolution: i.Resolution, TargetS: float64(i.Target) / 1000, Value: i.Value, Bound: i.Bound,
	}}
	for name, value := range i.Labels {
		if len(out.Data.Labels) < maxLabels {
			out.Data.Labels[clip(name, maxLabel)] = clip(value, maxLabel)
		}
	}
	if i.DueAt != 0 {
		out.Data.DueAt = at(i.DueAt)
	}
	if m.Event == incident.Ended {
		out.Type, out.Timestamp = typeResolved, at(i.ResolvedAt)
		out.Data.ResolvedAt = at(i.ResolvedAt)
	}
	b, err := json.Marshal(out)
	if err != nil {
		return nil, fmt.Errorf("encode message %s: %w", m.Key, err)
	}
	return b, nil
}

func number(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

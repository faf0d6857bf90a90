package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// check is one comparison of what is stored with what must be.
type check struct {
	Name      string   `json:"name"`
	Compared  int      `json:"compared"`
	Different int      `json:"different"`
	Examples  []string `json:"examples,omitempty"`
}

// mostExamples is how many differences of a check are told.
const mostExamples = 5

func (c *check) differ(format string, args ...any) {
	c.Different++
	if len(c.Examples) < mostExamples {
		c.Examples = append(c.Examples, fmt.Sprintf(format, args...))
	}
}

// comparison reads what Nabz says, by the views that people ask.
type comparison struct {
	url, user, password string
	truth               *truth
	feed                string // empty: the live one
}

func newComparison(r engineReady, t *truth) (*comparison, error) {
	u, err := url.Parse(r.URL)
	if err != nil {
		return nil, fmt.Errorf("read the engine's address: %w", err)
	}
	password, _ := u.User.Password()
	return &comparison{url: r.HTTP, user: u.User.Username(), password: password, truth: t}, nil
}

// ask gives the rows of a query, cut at tabs.
func (c *comparison) ask(ctx context.Context, query string, row func([]string)) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url+"/?database=nabz", strings.NewReader(query+" FORMAT TSV"))
	if err != nil {
		return err
	}
	req.Header.Set("X-ClickHouse-User", c.user)
	req.Header.Set("X-ClickHouse-Key", c.password)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("ask ClickHouse: %w", err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(res.Body, 1000))
		return fmt.Errorf("ask ClickHouse: %s: %s", res.Status, text)
	}
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		row(strings.Split(lines.Text(), "\t"))
	}
	return lines.Err()
}

// one asks for a single number.
func (c *comparison) one(ctx context.Context, query string) (int64, error) {
	n := int64(-1)
	err := c.ask(ctx, query, func(p []string) { n, _ = strconv.ParseInt(p[0], 10, 64) })
	return n, err
}

// ours limits a query to the load: to its feed, and to its tenants.
func (c *comparison) ours() string { return "feed = '" + c.feed + "' AND tenant LIKE 'tenant-%'" }

// events holds the raw events against what was acknowledged: each once, and no
// others; those behind the horizon among the rejected.
func (c *comparison) events(ctx context.Context) (check, error) {
	out := check{Name: "events acknowledged"}
	seen := map[string]bool{}
	err := c.ask(ctx, "SELECT tenant, id FROM events WHERE "+c.ours(), func(p []string) {
		key := p[0] + " " + p[1]
		switch {
		case c.truth.events[key] == nil:
			out.differ("%s is stored, and was never acknowledged", key)
		case c.truth.lost[key]:
			out.differ("%s counts, and lies behind the horizon", key)
		case seen[key]:
			out.differ("%s is there twice", key)
		}
		seen[key] = true
	})
	if err != nil {
		return out, err
	}
	for key := range c.truth.events {
		out.Compared++
		if !seen[key] && !c.truth.lost[key] {
			out.differ("%s was acknowledged, and is lost", key)
		}
	}
	late, err := c.one(ctx, "SELECT uniqExact(uid) FROM rejected_events WHERE "+c.ours()+" AND kind = 'contact' AND reason = 'late'")
	if err != nil {
		return out, err
	}
	if late != int64(len(c.truth.lost)) {
		out.differ("%d events are told to be late, %d are", late, len(c.truth.lost))
	}
	other, err := c.one(ctx, "SELECT count() FROM rejected_events WHERE "+c.ours()+" AND reason NOT IN ('late', 'repeat')")
	if err == nil && other != 0 {
		out.differ("%d records of the load were refused for other reasons", other)
	}
	return out, err
}

// cells holds a KPI's minutes against the oracle's.
func (c *comparison) cells(ctx context.Context, k kpi) (check, error) {
	out := check{Name: "kpi " + k.name}
	want := k.cells(c.truth)
	n := 2 + len(k.dims)
	query := "SELECT tenant, toUnixTimestamp(time), " + strings.Join(append(slices.Clone(k.dims), k.columns...), ", ") + " FROM kpi_" + k.name + " WHERE " + c.ours()
	seen := map[cell]bool{}
	err := c.ask(ctx, query, func(p []string) {
		at := cell{tenant: p[0], queue: p[2], channel: p[3]}
		at.minute, _ = strconv.ParseInt(p[1], 10, 64)
		if len(k.dims) > 2 {
			at.more = p[4]
		}
		if seen[at] {
			out.differ("%v is there twice", at)
		}
		seen[at] = true
		for i, column := range k.columns {
			got, should := number(p[n+i]), math.NaN()
			if values := want[at]; values != nil {
				should = values[i]
			}
			out.Compared++
			if !equal(got, should) {
				out.differ("%s at %v is %v, should be %v", column, at, got, should)
			}
		}
	})
	if err != nil {
		return out, err
	}
	for at, values := range want {
		for i, v := range values {
			if !seen[at] && v != 0 && !math.IsNaN(v) {
				out.Compared++
				out.differ("%s at %v is not there, should be %v", k.columns[i], at, v)
			}
		}
	}
	return out, nil
}

func number(text string) float64 {
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return math.NaN() // NULL
	}
	return v
}

// equal allows what a division may differ by in its last digit. A cell of
// nothing may have no row, so nothing and no value are the same.
func equal(a, b float64) bool {
	none := func(v float64) bool { return math.IsNaN(v) || v == 0 }
	return none(a) && none(b) || math.Abs(a-b) <= 1e-12*math.Max(1, math.Abs(b))
}

// deadlines holds how each promise ended against the waits.
func (c *comparison) deadlines(ctx context.Context) (check, error) {
	out := check{Name: "verdicts of deadlines"}
	want := map[string]string{}
	for _, w := range c.truth.waits {
		state := "met"
		if w.to-w.from > target.Milliseconds() {
			state = "met_late"
		}
		want[fmt.Sprint(w.tenant, " ", w.contact, " ", w.from)] = state
	}
	seen := map[string]bool{}
	err := c.ask(ctx, "SELECT tenant, item, toUnixTimestamp64Milli(began_at), state FROM sla_verdicts WHERE "+c.ours(), func(p []string) {
		key := strings.Join(p[:3], " ")
		out.Compared++
		switch {
		case seen[key]:
			out.differ("%s is there twice", key)
		case p[3] == "withdrawn" && want[key] == "":
			// A wait that was supposed while its events came out of order.
		case want[key] != p[3]:
			out.differ("%s is %s, should be %s", key, p[3], want[key])
		}
		seen[key] = true
	})
	for key, state := range want {
		if !seen[key] {
			out.differ("%s is not there, should be %s", key, state)
		}
	}
	return out, err
}

// mustTell is how long behind its deadline a wait still goes on, of which
// people must have heard whatever was killed in between; or longer, where no
// clock passed for longer than that.
const mustTell = 90 * time.Second

// incidents holds what the receiver heard against the waits: who must hear of
// what, who must not, and each once to fire and once to be over.
func (c *comparison) incidents(ctx context.Context, r *receiver, stood time.Duration) (check, alertFigures, error) {
	out := check{Name: "incidents told"}
	var figures alertFigures
	r.mu.Lock()
	defer r.mu.Unlock()
	stored := map[string]string{}
	err := c.ask(ctx, "SELECT key, state FROM incidents WHERE tenant LIKE 'tenant-%' AND suppressed = ''", func(p []string) { stored[p[0]] = p[1] })
	heard := map[string]*told{} // by tenant, contact and deadline
	for key, t := range r.incident {
		out.Compared++
		over := 0
		if stored[key] == "resolved" {
			over = 1
		}
		if t.opened != 1 || t.resolved != over || stored[key] == "" {
			out.differ("incident %s of %s %s, stored as %q, was told %d times to fire and %d times to be over", key, t.rule, t.item, stored[key], t.opened, t.resolved)
		}
		delete(stored, key)
		if t.rule != deadlineRule {
			figures.Rules++
			continue
		}
		at := fmt.Sprint(t.tenant, " ", t.item, " ", t.due.UnixMilli())
		if heard[at] != nil {
			out.differ("two incidents of one wait: %s", at)
		}
		heard[at] = t
	}
	for key := range stored {
		out.differ("nobody was told of incident %s", key)
	}
	for _, what := range r.odd {
		out.differ("%s", what)
	}
	for _, w := range c.truth.waits {
		due := w.from + target.Milliseconds()
		key := fmt.Sprint(w.tenant, " ", w.contact, " ", due)
		t := heard[key]
		delete(heard, key)
		quiet := w.queued.acked > due+(11*time.Minute).Milliseconds()
		switch {
		case t == nil && !quiet && w.left != nil && w.left.sent > due+(settle+max(mustTell, stood)).Milliseconds():
			out.differ("nobody heard of the wait %s", key)
		case t != nil && (quiet || w.left != nil && w.left.acked < due && w.queued.acked < due):
			out.differ("people heard of the wait %s, which was over in time or long past", key)
		case t != nil && w.left != nil && (t.resolution == "over") != (w.to > due):
			out.differ("the incident of %s ended as %s", key, t.resolution)
		}
		if t != nil {
			figures.Deadlines++
			figures.lags = append(figures.lags, t.heard.Sub(time.UnixMilli(max(due, w.queued.acked)).Add(settle)))
		}
	}
	for key := range heard {
		out.differ("an incident of a wait that there never was: %s", key)
	}
	figures.Repeats, figures.Failures = r.repeats, r.failures
	return out, figures, err
}

// alertFigures is how people were told.
type alertFigures struct {
	Deadlines, Rules  int // incidents
	Repeats, Failures int // messages that came again under their id; answers that failed
	lags              []time.Duration
}

func parse(text string) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0
	}
	return n
}

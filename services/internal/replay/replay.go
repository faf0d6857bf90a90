// Package replay sends a call log through the front door: it reads a file by a
// mapping, twice, and publishes its events into a feed of their own, with the
// feed's clock.
//
// It does not know what the events mean, nor who else sends any.
package replay

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"time"
	_ "time/tzdata" // zones of call logs, on machines that have none

	"github.com/nabz/nabz/pkg/event"
	"github.com/nabz/nabz/pkg/mapping"
	"github.com/nabz/nabz/pkg/source"
)

// Numbers of a replay.
const (
	// batchEvents is where throughput of the collector stops growing.
	batchEvents = 500
	// advanceEvery and advanceEvents: how often the feed's clock moves. The
	// owner of a feed must not be silent for 30 s.
	advanceEvery  = 2 * time.Second
	advanceEvents = 10 * batchEvents
	// blockRows is how many rows share one "least time still to come": a
	// number a row would be 80 MB for ten million rows.
	blockRows = 1000
	// shownErrors is how many bad rows are told one by one.
	shownErrors = 10
	// confirmFor is how long the feed's opening may take to be seen in
	// ClickHouse, where it is told apart from that of another replay.
	confirmFor = 30 * time.Second
	pollEvery  = 200 * time.Millisecond
)

// Config is one replay.
type Config struct {
	File      string
	Mapping   *mapping.Mapping
	Native    func() Native // makes the reader of a log that has a form of its own, instead of Mapping
	Collector string        // URL
	APIKey    string
	Tenant    string // empty: the key's own
	Feed      string // empty: the base name of the file; live: an import
	Replace   bool   // begin a new generation of the feed
	Wait      bool   // until every accepted event is queryable
	Rate      float64
	Shuffle   time.Duration // send in an order that is off by at most this
	Seed      uint64
	Hold      int       // how many events are held to be sent in the order of time; 0: 500,000
	DryRun    int       // print that many events and send none
	Outcome   Outcome   // nil: what became of the events is not asked
	Out       io.Writer // dry run and summary
	Progress  io.Writer // nil: none
	Client    *http.Client
}

// Native translates the rows of a log that has a form of its own. Each reading
// of a file takes one that has read nothing.
type Native interface {
	// Source is the CloudEvents source of its events.
	Source() string
	// Row gives the events of a row, valid until the next call. place grows
	// from row to row.
	Row(place int64, text string) ([]source.Event, error)
}

// Summary is what became of a file. It is the last line of the output.
type Summary struct {
	Rows         int64   `json:"rows"`
	Events       int64   `json:"events"`
	Accepted     int64   `json:"accepted"`
	Repeats      int64   `json:"repeats"`
	Late         int64   `json:"late"`
	Rejected     int64   `json:"rejected"`
	DeadLettered int64   `json:"dead_lettered"`
	Seconds      float64 `json:"seconds"`
}

// ErrOtherReplay means that the feed belongs to a replay that is alive.
var ErrOtherReplay = errors.New("another replay owns the feed; it may be taken over 30 s after the other's end")

// ErrMapping means that a mapping and a file do not belong together.
var ErrMapping = errors.New("the mapping does not fit the file")

// mappingError tells it in the words of the mapping: its line and column.
type mappingError struct{ error }

// Is makes it ErrMapping.
func (*mappingError) Is(target error) bool { return target == ErrMapping }

// replay is one run.
type replay struct {
	Config
	sender     *Sender
	began      time.Time
	live       bool
	session    int64
	generation int64
	extensions string // members of the envelope of every event
	clocks     int    // records of the feed's clock sent
	summary    Summary
	sum        survey
}

// Run replays a file and writes the summary.
func Run(ctx context.Context, c Config) (Summary, error) {
	if c.Progress == nil {
		c.Progress = io.Discard
	}
	if c.Feed == "" {
		base := filepath.Base(c.File)
		c.Feed = strings.TrimSuffix(base, filepath.Ext(base))
	}
	r := &replay{Config: c, began: time.Now(), live: c.Feed == "live"}
	if c.DryRun > 0 {
		return r.summary, r.dryRun()
	}
	err := r.run(ctx)
	if err != nil {
		return r.summary, err
	}
	r.summary.Seconds = float64(time.Since(r.began).Milliseconds()) / 1000
	line, err := json.Marshal(r.summary)
	if err != nil {
		return r.summary, fmt.Errorf("write summary: %w", err)
	}
	if _, err := fmt.Fprintf(c.Out, "%s\n", line); err != nil {
		return r.summary, fmt.Errorf("write summary: %w", err)
	}
	return r.summary, nil
}

func (r *replay) run(ctx context.Context) error {
	if err := r.prepare(ctx); err != nil {
		return err
	}
	r.sender = NewSender(r.Config)
	if !r.live {
		offsets, err := r.clock(ctx, event.TypeFeedOpened, r.sum.least)
		if err != nil {
			return err
		}
		if err := r.confirm(ctx, offsets); err != nil {
			return err
		}
	}
	if err := r.sendAll(ctx); err != nil {
		return err
	}
	var offsets []int64
	if !r.live {
		var err error
		if offsets, err = r.clock(ctx, event.TypeFeedClosed, r.sum.greatest); err != nil {
			return err
		}
	}
	r.summary.Accepted = r.sender.accepted
	r.summary.Rejected = r.sum.bad + r.sender.rejected
	r.summary.DeadLettered = r.sender.deadLettered
	fmt.Fprintf(r.Progress, "sent: %d events of %d rows in %s\n", r.summary.Events, r.summary.Rows, time.Since(r.began).Round(time.Millisecond))
	if !r.Wait {
		return nil
	}
	return r.await(ctx, offsets)
}

// prepare reads the file for the first time and settles which feed, session
// and generation it becomes.
func (r *replay) prepare(ctx context.Context) error {
	if (r.Wait || r.Replace) && r.Outcome == nil {
		return errors.New("replay with --wait or --replace: a ClickHouse address is needed")
	}
	if r.Replace && r.live {
		return errors.New("replay with --replace: the live feed cannot be replaced")
	}
	sum, err := r.survey()
	if err != nil {
		return err
	}
	r.sum = sum
	r.summary.Rows = sum.rows
	if sum.events == 0 {
		return fmt.Errorf("replay %s: none of its %d rows gives an event", r.File, sum.rows)
	}
	if r.Tenant != "" {
		r.extensions = `"tenant":` + quoted(r.Tenant) + ","
	}
	if r.live {
		return nil
	}
	r.generation = 1
	if r.Outcome != nil {
		known, err := retried(ctx, r.Progress, "ask for the feed's generation", func(ctx context.Context) (int64, error) {
			return r.Outcome.Generation(ctx, r.place())
		})
		if err != nil {
			return err
		}
		r.generation = max(known, 1)
		if r.Replace {
			r.generation = known + 1
		}
	}
	r.session = newSession()
	r.extensions += r.ownFeed()
	return nil
}

func newSession() int64 {
	var b [8]byte
	// crypto/rand.Read never fails: it ends the process instead.
	_, _ = rand.Read(b[:])
	return int64(binary.BigEndian.Uint64(b[:])%event.MaxInt) + 1
}

// ownFeed is what stands in the envelope of every event of the feed.
func (r *replay) ownFeed() string {
	return fmt.Sprintf(`"feed":%s,"feedsession":"%d","feedgeneration":"%d",`, quoted(r.Feed), r.session, r.generation)
}

// source is that of the events.
func (r *replay) source() string {
	if r.Native != nil {
		return r.Native().Source()
	}
	return r.Mapping.Source
}

// place is how the outcome finds this replay.
func (r *replay) place() Place {
	p := Place{Tenant: r.Tenant, Feed: r.Feed, Generation: r.generation, Session: r.session, Source: r.source(), Since: r.began}
	if p.Tenant == "" {
		p.Tenant = DefaultTenant
	}
	if r.live {
		p.Feed, p.Generation, p.Session = "", 0, 0
	}
	return p
}

// clock sends a record of the feed's clock and gives its offset by partition.
func (r *replay) clock(ctx context.Context, kind string, at int64) ([]int64, error) {
	if err := r.sender.Flush(ctx); err != nil {
		return nil, err
	}
	r.sender.Add(r.clockRecord(kind, at))
	offsets, err := r.sender.flushed(ctx)
	if err == nil && len(offsets) == 0 {
		err = fmt.Errorf("send %s: the collector refused it: %s", kind, r.sender.lastError)
	}
	return offsets, err
}

func (r *replay) clockRecord(kind string, at int64) []byte {
	r.clocks++
	e := source.Event{Type: kind, Source: r.source(), ID: fmt.Sprintf("%s:%d:%d", kind, r.session, r.clocks), Time: at,
		Data: []source.Member{{Name: "session", JSON: fmt.Sprint(r.session)}, {Name: "generation", JSON: fmt.Sprint(r.generation)}}}
	extensions := `"feed":` + quoted(r.Feed) + ","
	if r.Tenant != "" {
		extensions += `"tenant":` + quoted(r.Tenant) + ","
	}
	return e.AppendJSON(nil, extensions)
}

// confirm waits until the feed's opening is seen, so that a feed of another
// replay is not sent a whole file that it will refuse.
func (r *replay) confirm(ctx context.Context, offsets []int64) error {
	if r.Outcome == nil {
		return nil
	}
	until := time.Now().Add(confirmFor)
	alive := time.Now()
	for time.Now().Before(until) {
		state, err := r.Outcome.Loaded(ctx, r.place(), offsets)
		switch {
		case err == nil && state.Refused:
			return fmt.Errorf("replay into the feed %q: %w", r.Feed, ErrOtherReplay)
		case err == nil && state.Loaded:
			return nil
		}
		if err := pause(ctx, pollEvery); err != nil {
			return err
		}
		if time.Since(alive) > advanceEvery {
			alive = time.Now()
			if _, err := r.clock(ctx, event.TypeFeedAdvanced, r.sum.least); err != nil {
				return err
			}
		}
	}
	fmt.Fprintf(r.Progress, "the feed's opening is not in ClickHouse after %s; sending on\n", confirmFor)
	return nil
}

// sendAll reads the file for the second time and sends its events.
func (r *replay) sendAll(ctx context.Context) error {
	pace := newPace(r.Rate)
	last, sent, told := time.Now(), 0, time.Now()
	return r.events(func(body []byte, least int64) error {
		r.summary.Events++
		r.sender.Add(body)
		sent++
		if !r.live && (sent >= advanceEvents || time.Since(last) > advanceEvery) {
			r.sender.Add(r.clockRecord(event.TypeFeedAdvanced, least))
			last, sent = time.Now(), 0
		}
		if time.Since(told) > time.Second {
			told = time.Now()
			fmt.Fprintf(r.Progress, "sent %d of %d events\n", r.summary.Events, r.sum.events)
		}
		if wait := pace.next(time.Now()); wait > 0 {
			if err := r.sender.Flush(ctx); err != nil {
				return err
			}
			return pause(ctx, min(wait, advanceEvery))
		}
		if r.sender.Full() {
			return r.sender.Flush(ctx)
		}
		return nil
	}, func() error { return r.sender.Flush(ctx) })
}

// await waits until all is queryable and counts what became of it.
func (r *replay) await(ctx context.Context, offsets []int64) error {
	sentAt, told := time.Now(), time.Now()
	for {
		state, err := r.loaded(ctx, offsets, sentAt)
		if permanent(err) {
			return err
		}
		if err == nil && state.Refused {
			return fmt.Errorf("replay into the feed %q: %w", r.Feed, ErrOtherReplay)
		}
		if err == nil && state.Loaded {
			break
		}
		if time.Since(told) > 2*time.Second {
			told = time.Now()
			fmt.Fprintf(r.Progress, "waiting until all is queryable%s\n", because(err))
		}
		if err := pause(ctx, pollEvery); err != nil {
			return err
		}
	}
	counts, err := retried(ctx, r.Progress, "count what became of the events", func(ctx context.Context) (Counts, error) {
		return r.Outcome.Count(ctx, r.place(), r.sum.types)
	})
	if err != nil {
		return err
	}
	r.summary.Accepted, r.summary.Repeats, r.summary.Late = counts.Accepted, counts.Repeats+r.doubled(counts), counts.Late
	r.summary.Rejected = r.sum.bad + r.sender.rejected + counts.Other
	return nil
}

// doubled is how many events the file itself repeats. Records that are there
// twice because a request was sent again are not events of the file.
func (r *replay) doubled(c Counts) int64 {
	once := c.Accepted + c.Repeats + c.Late + c.Other
	arrived := r.summary.Events - r.sender.rejected - r.sender.deadLettered
	return max(0, min(c.Records, arrived)-once)
}

func (r *replay) loaded(ctx context.Context, offsets []int64, sentAt time.Time) (State, error) {
	if r.live {
		return r.Outcome.LiveSince(ctx, sentAt)
	}
	return r.Outcome.Loaded(ctx, r.place(), offsets)
}

func because(err error) string {
	if err == nil {
		return ""
	}
	return ": " + err.Error()
}

// retried asks until there is an answer: a service that is started anew is away
// for seconds.
func retried[T any](ctx context.Context, progress io.Writer, what string, ask func(context.Context) (T, error)) (T, error) {
	told := time.Time{}
	for {
		v, err := ask(ctx)
		if err == nil || permanent(err) {
			return v, err
		}
		if time.Since(told) > 5*time.Second {
			told = time.Now()
			fmt.Fprintf(progress, "%s: %v; trying again\n", what, err)
		}
		if err := pause(ctx, time.Second); err != nil {
			return v, err
		}
	}
}

// pause waits, or gives the reason why ctx ended.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func quoted(s string) string {
	// A string is always written.
	b, _ := json.Marshal(s)
	return string(b)
}

// dryRun prints the first events.
func (r *replay) dryRun() error {
	r.extensions = `"feed":` + quoted(r.Feed) + ","
	if r.live {
		r.extensions = ""
	}
	enough := errors.New("enough")
	sum, err := r.survey()
	if err != nil {
		return err
	}
	r.sum = sum
	r.summary.Rows, r.summary.Events = sum.rows, sum.events
	n := 0
	err = r.asRead(func(body []byte, _ int64) error {
		if n++; n > r.DryRun {
			return enough
		}
		_, err := fmt.Fprintf(r.Out, "%s\n", body)
		return err
	}, func() error { return nil })
	if err != nil && !errors.Is(err, enough) {
		return err
	}
	fmt.Fprintf(r.Progress, "%d rows give %d events; %d rows are bad, %d give none\n", sum.rows, sum.events, sum.bad, sum.empty)
	return nil
}

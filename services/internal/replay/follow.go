package replay

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/nabz/nabz/pkg/event"
)

// Resumer is a reader that can say from where it must read again.
type Resumer interface {
	Native
	// Resume is the least place from which a reader that has read nothing must
	// begin to give the same events behind next.
	Resume(next int64) int64
	// Logins is what else it remembers, and Recall how it is told of it before
	// it reads.
	Logins() map[string]int64
	Recall(map[string]int64)
}

// FollowConfig is a log that goes on.
type FollowConfig struct {
	Config
	State string // file that remembers how far it has been sent
	// Disorder is how far behind the newest event one may still come: the clock
	// of a named feed stays so far behind. The live feed has a clock of its own.
	Disorder time.Duration
	Poll     time.Duration // how often the file is looked at
}

// followState is what outlives the process. Everything before Sent is durable.
type followState struct {
	File       string `json:"file"`
	Source     string `json:"source"`
	Feed       string `json:"feed"`
	Tenant     string `json:"tenant,omitempty"`
	Session    int64  `json:"session,omitempty"`
	Generation int64  `json:"generation,omitempty"`
	At         int64  `json:"at,omitempty"` // clock of a named feed, ms
	Sent       int64  `json:"sent"`         // place
	Resume     int64  `json:"resume"`       // place to read from
	Parts      []part `json:"parts"`        // of the log that hold it
	// Logins is what the reader knew at Sent of what is older than Resume.
	Logins map[string]int64 `json:"logins,omitempty"`
}

// follower sends a log as it grows.
type follower struct {
	replay
	conf   FollowConfig
	native Resumer
	tail   *tail
	state  followState
	opened bool
	told   time.Time // when the feed's clock was last sent
	newest int64     // time of an event, ms
}

// Follow sends the rows of a log as they are written, through its rotations,
// until ctx ends, and writes the summary. It goes on where the last one that had
// the same state file was.
func Follow(ctx context.Context, c FollowConfig) (Summary, error) {
	f, err := newFollower(ctx, c)
	if err != nil {
		return Summary{}, err
	}
	defer f.close()
	for ctx.Err() == nil {
		if err := f.step(ctx); err != nil && ctx.Err() == nil {
			return f.summary, err
		}
		if pause(ctx, c.Poll) != nil {
			break
		}
	}
	f.summary.Accepted, f.summary.DeadLettered = f.sender.accepted, f.sender.deadLettered
	f.summary.Rejected += f.sender.rejected
	f.summary.Seconds = float64(time.Since(f.began).Milliseconds()) / 1000
	line, err := json.Marshal(f.summary)
	if err == nil {
		_, err = fmt.Fprintf(c.Out, "%s\n", line)
	}
	if err != nil {
		return f.summary, fmt.Errorf("write summary: %w", err)
	}
	return f.summary, nil
}

func newFollower(ctx context.Context, c FollowConfig) (*follower, error) {
	if c.Progress == nil {
		c.Progress = io.Discard
	}
	c.Feed = cmp.Or(c.Feed, "live")
	native, ok := c.Native().(Resumer)
	if !ok {
		return nil, errors.New("follow: this log can only be read whole")
	}
	f := &follower{replay: replay{Config: c.Config, began: time.Now(), live: c.Feed == "live"}, conf: c, native: native}
	f.sender = NewSender(f.Config)
	f.clocks = int(f.began.UnixNano()) // its records are those of no run before
	if err := f.remember(); err != nil {
		return nil, err
	}
	if err := f.identify(ctx); err != nil {
		return nil, err
	}
	f.native.Recall(f.state.Logins)
	f.tail = &tail{path: c.File, warn: func(format string, args ...any) { fmt.Fprintf(f.Progress, format+"\n", args...) }}
	if err := f.tail.open(f.state.Parts, f.state.Resume, f.state.Sent); err != nil {
		return nil, err
	}
	if len(f.state.Parts) > 0 {
		return f, nil
	}
	// From here on the log is followed, also through a rotation that comes
	// before the first row.
	return f, f.save()
}

func (f *follower) close() {
	if f.tail.file != nil {
		f.tail.file.Close()
	}
}

// remember reads the state, which must be of the same log and feed.
func (f *follower) remember() error {
	want := followState{File: f.File, Source: f.native.Source(), Feed: f.Feed, Tenant: f.Tenant}
	b, err := os.ReadFile(f.conf.State)
	if errors.Is(err, fs.ErrNotExist) {
		f.state = want
		return nil
	}
	if err == nil {
		err = json.Unmarshal(b, &f.state)
	}
	if err != nil {
		return fmt.Errorf("read %s, which remembers how far the log has been sent: %w", f.conf.State, err)
	}
	if s := &f.state; s.File != want.File || s.Source != want.Source || s.Feed != want.Feed || s.Tenant != want.Tenant {
		return fmt.Errorf("%s is of %s (%s) into the feed %q of tenant %q: give another --state", f.conf.State, s.File, s.Source, s.Feed, s.Tenant)
	}
	return nil
}

// save replaces the state whole.
func (f *follower) save() error {
	s := &f.state
	s.Sent = max(s.Sent, f.tail.place())
	s.Resume, s.Logins = f.native.Resume(s.Sent), f.native.Logins()
	s.Parts = f.tail.parts(s.Resume)
	b, err := json.Marshal(s)
	if err == nil {
		err = os.WriteFile(f.conf.State+".new", append(b, '\n'), 0o600)
	}
	if err == nil {
		err = os.Rename(f.conf.State+".new", f.conf.State)
	}
	if err != nil {
		return fmt.Errorf("remember how far the log has been sent: %w", err)
	}
	return nil
}

// identify settles what stands in the envelope of every event. A feed that was
// begun is gone on with, under the session that owns it.
func (f *follower) identify(ctx context.Context) error {
	if f.Tenant != "" {
		f.extensions = `"tenant":` + quoted(f.Tenant) + ","
	}
	if f.live {
		return nil
	}
	if f.state.Session == 0 {
		f.state.Session, f.state.Generation = newSession(), 1
		if f.Outcome != nil {
			known, err := retried(ctx, f.Progress, "ask for the feed's generation", func(ctx context.Context) (int64, error) {
				return f.Outcome.Generation(ctx, f.place())
			})
			if err != nil {
				return err
			}
			f.state.Generation = max(known, 1)
		}
	}
	f.session, f.generation = f.state.Session, f.state.Generation
	f.extensions += f.ownFeed()
	return nil
}

// step sends what is there, and remembers it.
func (f *follower) step(ctx context.Context) error {
	before := f.tail.place()
	if err := f.tail.rows(func(place int64, text string) error { return f.row(ctx, place, text) }); err != nil {
		return err
	}
	if err := f.sender.Flush(ctx); err != nil {
		return err
	}
	if err := f.advance(ctx); err != nil {
		return err
	}
	if f.tail.place() == before && before == f.state.Sent && len(f.state.Parts) > 0 {
		return nil
	}
	return f.save()
}

// row translates one row. What has been sent before is only read, so that calls
// which are open are known.
func (f *follower) row(ctx context.Context, place int64, text string) error {
	if strings.TrimSpace(text) == "" {
		return nil
	}
	events, err := f.native.Row(place, text)
	if place < f.state.Sent {
		return nil
	}
	f.summary.Rows++
	if err != nil {
		if f.summary.Rejected++; f.summary.Rejected <= shownErrors {
			fmt.Fprintf(f.Progress, "%s: %v: %q\n", f.File, err, text)
		}
		return nil
	}
	for i := range events {
		if err := f.openAt(ctx, events[i].Time); err != nil {
			return err
		}
		f.newest = max(f.newest, events[i].Time)
		f.sender.Add(events[i].AppendJSON(nil, f.extensions))
		f.summary.Events++
	}
	if !f.sender.Full() {
		return nil
	}
	if err := f.sender.Flush(ctx); err != nil {
		return err
	}
	if err := f.advance(ctx); err != nil {
		return err
	}
	return f.save()
}

// openAt opens a named feed, with its first event.
func (f *follower) openAt(ctx context.Context, first int64) error {
	if f.live || f.opened {
		return nil
	}
	if f.state.At == 0 {
		f.state.At = first - f.conf.Disorder.Milliseconds()
	}
	f.sum.least = f.state.At
	offsets, err := f.clock(ctx, event.TypeFeedOpened, f.state.At)
	if err != nil {
		return err
	}
	f.opened, f.told = true, time.Now()
	return f.confirm(ctx, offsets)
}

// advance moves the clock of a named feed, and says now and then that the feed
// has an owner.
func (f *follower) advance(ctx context.Context) error {
	at := max(f.state.At, f.newest-f.conf.Disorder.Milliseconds())
	if f.live || !f.opened || at == f.state.At && time.Since(f.told) < advanceEvery {
		return nil
	}
	if _, err := f.clock(ctx, event.TypeFeedAdvanced, at); err != nil {
		return err
	}
	f.state.At, f.told = at, time.Now()
	return nil
}

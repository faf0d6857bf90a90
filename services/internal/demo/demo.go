// Package demo is a contact center that does not exist: it draws calls, conversations, agents
// and what becomes of them from a seed, and sends them through the front door
// as they happen.
//
// It does not know what is computed from its events.
package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/nabz/nabz/services/internal/replay"
)

// Config is one demonstration.
type Config struct {
	Collector string // URL
	APIKey    string
	Tenant    string        // empty: the key's own
	Speed     float64       // simulated seconds a second
	Seed      uint64        // of the draws
	For       time.Duration // of wall time; 0: until ctx ends
	Progress  io.Writer
}

const (
	// tick is how often what happened is sent.
	tick = 100 * time.Millisecond
	// tellEvery is how often progress is told.
	tellEvery = 10 * time.Second
	// maxBehind: a collector that was away for longer is not told what it
	// missed, for live events must be of now.
	maxBehind = 5 * time.Second
	sourceOf  = "demo"
)

// Run sends events until ctx or the time ends.
func Run(ctx context.Context, c Config) error {
	if c.Speed <= 0 || c.Speed > 10_000 {
		return fmt.Errorf("run demo: a speed within 0 and 10,000 is expected, not %g", c.Speed)
	}
	if c.Progress == nil {
		c.Progress = io.Discard
	}
	if c.For > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, c.For, errEnd)
		defer cancel()
	}
	began := time.Now()
	center := NewCenter(c.Seed, strconv.FormatInt(began.UnixMilli(), 36)+"-")
	sender := replay.NewSender(replay.Config{Collector: c.Collector, APIKey: c.APIKey, Progress: c.Progress})
	extensions := ""
	if c.Tenant != "" {
		extensions = `"tenant":` + strconv.Quote(c.Tenant) + ","
	}
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	told := began
	var skipped time.Duration
	last := began
	for {
		select {
		case <-ctx.Done():
			for _, h := range center.Close() {
				sender.Add(written(h, time.Now(), extensions))
			}
			ending, hangUp := context.WithTimeout(context.WithoutCancel(ctx), goodbye)
			defer hangUp()
			_ = sender.Flush(ending) // the collector may be gone, too
			return c.end(ctx, sender)
		case <-ticker.C:
		}
		now := time.Now()
		if late := now.Sub(last); late > maxBehind {
			skipped += late
		}
		last = now
		for _, h := range center.Until(time.Duration(float64(now.Sub(began)-skipped) * c.Speed)) {
			sender.Add(written(h, began.Add(skipped+time.Duration(float64(h.At)/c.Speed)), extensions))
			if sender.Full() {
				if err := sender.Flush(ctx); err != nil {
					return c.failed(ctx, sender, err)
				}
			}
		}
		if err := sender.Flush(ctx); err != nil {
			return c.failed(ctx, sender, err)
		}
		if sender.Accepted() == 0 && sender.Refused() >= hopeless {
			return fmt.Errorf("send events: the collector refused all %d: %s", sender.Refused(), sender.LastError())
		}
		if now.Sub(told) >= tellEvery {
			told = now
			fmt.Fprintf(c.Progress, "demo: %d events sent, %d refused\n", sender.Accepted(), sender.Refused())
		}
	}
}

// goodbye is how long the end of the calls may take to be sent.
const goodbye = 2 * time.Second

// written is an event as the front door takes it.
func written(h Happening, at time.Time, extensions string) []byte {
	e := h.Event
	e.Source, e.Time = sourceOf, at.UnixMilli()
	return e.AppendJSON(nil, extensions)
}

// hopeless is after how many refusals and no acceptance the rest would be
// refused as well.
const hopeless = 10

// errEnd is why a demonstration of a given length ends.
var errEnd = errors.New("the demonstration is over")

func (c Config) end(ctx context.Context, s *replay.Sender) error {
	fmt.Fprintf(c.Progress, "demo: %d events sent, %d refused\n", s.Accepted(), s.Refused())
	if cause := context.Cause(ctx); !errors.Is(cause, errEnd) {
		return cause
	}
	return nil
}

func (c Config) failed(ctx context.Context, s *replay.Sender, err error) error {
	if ctx.Err() != nil {
		return c.end(ctx, s)
	}
	return err
}

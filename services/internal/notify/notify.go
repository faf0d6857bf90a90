// Package notify is the shell around those who are told of incidents: the
// Alertmanager, by its API v2, and webhooks, signed as Standard Webhooks has
// it, through a dialer that cannot be led inside.
//
// It does not know when an incident opens or a message is tried again: package
// incident decides that.
package notify

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/nabz/nabz/pkg/incident"
)

// Spec says how a receiver wants to be told.
type Spec struct {
	incident.Receiver
	Batch    int           // messages of one call, at most
	Parallel int           // calls at once, for one partition
	Restate  time.Duration // how often it is told again how things stand; 0: never
}

// Receiver is an [Alertmanager] or a [Webhook].
type Receiver interface {
	Spec() Spec
	// Send tells the receiver and gives the outcome of each message.
	Send(ctx context.Context, messages []incident.Message) []incident.Outcome
}

const (
	// maxAnswer is how much of an answer is read, so that the connection can
	// be used again; nothing of it is kept.
	maxAnswer = 64 << 10
	// maxRetryAfter bounds how long a receiver may ask to be left alone: one
	// that asks for a year is wrong.
	maxRetryAfter = time.Hour
	// idleFor is how long a connection waits for the next message.
	idleFor = 90 * time.Second
	// connections bounds the connections to one host.
	connections = 32
)

// Bounds of texts in messages: the greatest message stays far below 20 KB,
// which receivers take.
const (
	maxLabels = 16
	maxLabel  = 256
	maxText   = 512
)

func clip(s string, most int) string {
	if len(s) <= most {
		return s
	}
	for most > 0 && s[most]&0xC0 == 0x80 { // not inside of a letter
		most--
	}
	return s[:most]
}

// discard ends an answer.
func discard(res *http.Response) {
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, maxAnswer))
	res.Body.Close()
}

// retryAfter reads the header of that name, in ms.
func retryAfter(h http.Header) int64 {
	s, err := strconv.ParseInt(h.Get("Retry-After"), 10, 64)
	if err != nil || s < 0 {
		return 0
	}
	return min(s, int64(maxRetryAfter/time.Second)) * 1000
}

// fail is the outcome of all messages of a call.
func fail(n int, o incident.Outcome) []incident.Outcome {
	out := make([]incident.Outcome, n)
	for i := range out {
		out[i] = o
	}
	return out
}

// noRedirects is for clients whose receiver was named by hand: where it points
// to was not.
func noRedirects(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

func at(ms int64) string { return time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.000Z") }

// ErrTest is the error of [Test] where the receiver did not take the message.
var ErrTest = errors.New("the receiver did not take it")

// Test sends one message and gives why it was not taken.
func Test(ctx context.Context, r Receiver, m incident.Message) error {
	if o := r.Send(ctx, []incident.Message{m})[0]; !o.Delivered {
		return fmt.Errorf("%w: %s", ErrTest, o.Reason)
	}
	return nil
}

package testkit

import (
	"context"
	"testing"
	"time"
)

// Patience is how long a test waits for what must come: many times what it
// takes beside two busy loops on two cores. Nothing about speed is in it.
const Patience = 5 * time.Minute

// askEvery is the pause between two questions of [Await].
const askEvery = 20 * time.Millisecond

// Await asks until it is so, and fails the test where it does not come to be.
// The question is asked in the test's own goroutine.
func Await(tb testing.TB, what string, so func() bool) {
	tb.Helper()
	ctx := Context(tb)
	tick := time.NewTicker(askEvery)
	defer tick.Stop()
	for !so() {
		select {
		case <-ctx.Done():
			tb.Fatalf("waited %v for %s", Patience, what)
		case <-tick.C:
		}
	}
}

// Context gives a context that ends when [Patience] does, or the test.
func Context(tb testing.TB) context.Context {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), Patience)
	tb.Cleanup(cancel)
	return ctx
}

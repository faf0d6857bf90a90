package processor_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest"

	"github.com/nabz/nabz/services/internal/testkit"
	"github.com/nabz/nabz/services/processor"
)

// TestOneOfAName lets a second processor come under the name of one that works:
// the first ends and says why. Whoever comes behind them, under another name,
// finds all partitions free.
func TestOneOfAName(t *testing.T) {
	brokers := cluster(t)
	fill(t, brokers)
	run := func(ctx context.Context) chan error {
		c := processor.Default()
		c.Kafka, c.Member, c.Pulse = brokers, "p", time.Minute
		s, err := processor.New(c, zaptest.NewLogger(t, zaptest.Level(zap.ErrorLevel)))
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan error, 1)
		go func() { done <- s.Run(ctx) }()
		return done
	}
	first := run(testkit.Context(t))
	settle(t, brokers)
	ctx, stop := context.WithCancel(testkit.Context(t))
	defer stop()
	second := run(ctx)
	if err := <-first; err == nil || !strings.Contains(err.Error(), "another processor came as member p") {
		t.Errorf("the first ended with %v", err)
	}
	stop()
	// It may have been asked to end before the first was gone.
	if err := <-second; err != nil && !strings.Contains(err.Error(), "another processor came") {
		t.Error(err)
	}
	third := start(t, brokers, "third", zap.NewNop())
	fill(t, brokers)
	settleAt(t, brokers, 2)
	third()
}

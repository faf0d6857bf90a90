package proof_test

import (
	"fmt"
	"testing"

	"github.com/nabz/nabz/services/internal/proof"
)

// TestEpochsSwitchAtOnce lets a second computation catch up, key by key: the
// first is shown until the last key has come.
func TestEpochsSwitchAtOnce(t *testing.T) {
	conn, _ := house(t, "UTC")
	type place struct {
		topic                     string
		topicPartition, partition int
	}
	var places []place
	for p := range 2 {
		places = append(places, place{"nabz.facts.v1", p, p})
		for tp := range 2 {
			places = append(places, place{"nabz.panes.v1", tp, p}, place{"nabz.verdicts.v1", tp, p})
		}
	}
	come := func(feed string, at place, generation, epoch, position, now int, state string) {
		t.Helper()
		exec(t, conn, fmt.Sprintf(`INSERT INTO nabz_internal.progress (topic, topic_partition, tenant, feed, generation, epoch, partition, position, now, state, definitions)
VALUES ('%s', %d, '%s', '%s', %d, %d, %d, %d, toDateTime64(%d, 3, 'UTC'), '%s', 'd%d')`,
			at.topic, at.topicPartition, map[bool]string{true: "", false: "bank"}[feed == ""], feed, generation, epoch, at.partition, position, now, state, epoch))
	}
	shown := func(when, feed string, generation, epoch int64) {
		t.Helper()
		got, err := proof.Shown(t.Context(), conn, "", feed)
		if err != nil || got.Generation != generation || got.Epoch != epoch {
			t.Errorf("%s: of feed %q generation %d and epoch %d are shown (%v), want %d and %d", when, feed, got.Generation, got.Epoch, err, generation, epoch)
		}
	}
	for i, at := range places {
		come("", at, 0, 1, 100+i, 1000+i, "open")
		come("calls", at, 1, 1, 80, 500, "closed")
	}
	shown("the first epoch", "", 0, 1)
	shown("the first epoch", "calls", 1, 1)
	for i, at := range places {
		come("", at, 0, 2, 99+i, 999+i, "open")
	}
	shown("one record short", "", 0, 1)
	for i, at := range places {
		shown("some keys have come", "", 0, 1)
		come("", at, 0, 2, 100+i, 1000+i, "open")
	}
	shown("every key has come", "", 0, 2)
	shown("a feed that is not in the log any more", "calls", 1, 1)
	// The position of a feed is where it was last spoken of, which depends on
	// the flush: what counts is how far its tasks are.
	for _, at := range places {
		come("calls", at, 1, 2, 70, 500, "closed")
	}
	shown("computed anew by tasks that are beyond it", "calls", 1, 2)
	// Another one begins and never gets far; a newer one overtakes it.
	come("", places[1], 0, 3, 20, 100, "open")
	shown("a third begins", "", 0, 2)
	for i, at := range places[:len(places)-1] {
		come("", at, 0, 4, 200+i, 2000, "open")
	}
	shown("the fourth lacks a key", "", 0, 2)
	come("", places[len(places)-1], 0, 4, 200, 2000, "open")
	shown("the fourth is whole", "", 0, 4)
	come("calls", places[1], 2, 4, 10, 400, "open")
	shown("another filling begins", "calls", 1, 2)
}

package track_test

import (
	"testing"

	"github.com/nabz/nabz/pkg/event"
	"github.com/nabz/nabz/pkg/row"
	"github.com/nabz/nabz/pkg/track"
)

// TestAsked has a record ask for another epoch: once, in the epoch before it,
// and the clock does not move by it.
func TestAsked(t *testing.T) {
	task := track.NewTask(track.Config{Epoch: 2})
	step := func(offset int64, e event.Event) (int64, bool) {
		task.Step(offset, e.Append(nil))
		return task.Asked()
	}
	if _, newer := step(0, event.Event{Type: event.TypePulse, Time: 1_000}); newer {
		t.Error("a pulse asks for an epoch")
	}
	for offset, epoch := range []int64{1, 2} {
		if _, newer := step(int64(offset)+1, event.Event{Type: event.TypeEpoch, Time: 9_000, Sequence: epoch}); newer {
			t.Errorf("epoch %d is newer than 2", epoch)
		}
	}
	if epoch, newer := step(3, event.Event{Type: event.TypeEpoch, Time: 9_000, Sequence: 5}); !newer || epoch != 5 {
		t.Errorf("asked for epoch %d, %v", epoch, newer)
	}
	if epoch, newer := step(4, event.Event{Type: event.TypeEpoch, Time: 9_000, Sequence: 3}); !newer || epoch != 5 {
		t.Errorf("asked for epoch %d, %v, behind one for 5", epoch, newer)
	}
	var now int64
	task.Flush(func(e track.Effect) {
		if r, err := row.Decode(e.Value); err == nil {
			if p, ok := r.(*row.Progress); ok {
				now = p.Now
			}
		}
	})
	if now != 1_000 {
		t.Errorf("the clock stands at %d, want 1000", now)
	}
}

package track

import (
	"testing"

	"github.com/nabz/nabz/pkg/event"
	"github.com/nabz/nabz/pkg/row"
)

// FuzzStep holds that no record stops its partition: it has an effect, or a
// reject that says why not.
func FuzzStep(f *testing.F) {
	e := event.Event{Tenant: "t", Kind: "contact", Entity: "c", Type: "contact.queued", Time: 1}
	pulse := event.Event{Type: event.TypePulse, Time: 2}
	f.Add(e.Append(nil), pulse.Append(nil))
	f.Add([]byte{0xff}, []byte{})
	f.Fuzz(func(t *testing.T, a, b []byte) {
		task := NewTask(Config{Epoch: 1, Rank: func(string) int { return 1 }})
		task.Step(0, a)
		task.Step(1, b)
		if task.Position() != 2 {
			t.Fatalf("position %d", task.Position())
		}
		task.Flush(func(e Effect) {
			if _, err := row.Decode(e.Value); err != nil {
				t.Fatal(err)
			}
		})
		task.Checkpoint(1, func(_, _ []byte) {})
	})
}

package item

import (
	"testing"

	"github.com/nabz/nabz/pkg/event"
)

// FuzzDecode holds that no bytes make an item's reader panic, and that what it
// reads it writes again as it stood.
func FuzzDecode(f *testing.F) {
	var it Item
	e := event.Event{Type: "contact.queued", Time: 7, Attrs: []event.Attr{{Number: 100, Text: "c", IsText: true}}}
	e.UID[0] = 1
	it.Insert(&e, 3, func(string) int { return 1 })
	f.Add(string(it.Append(nil)))
	f.Add("")
	f.Fuzz(func(t *testing.T, s string) {
		var a Item
		if err := a.Decode(s); err != nil {
			return
		}
		var b Item
		if err := b.Decode(string(a.Append(nil))); err != nil {
			t.Fatalf("what was written cannot be read: %v", err)
		}
		if len(a.Events) != len(b.Events) || a.Base != b.Base {
			t.Fatalf("%d events and a base of %d bytes became %d and %d", len(a.Events), len(a.Base), len(b.Events), len(b.Base))
		}
	})
}

package replay

import (
	"testing"

	"github.com/nabz/nabz/pkg/source"
	"github.com/nabz/nabz/pkg/source/asterisk"
)

// TestNativeLog reads a queue_log twice, as a replay does: the same events.
func TestNativeLog(t *testing.T) {
	r := &replay{Config: Config{
		File:   "../../../pkg/source/asterisk/testdata/queue_log",
		Native: func() Native { return asterisk.New(asterisk.Config{Instance: "pbx1"}) },
	}}
	read := func() (ids []string, bad int) {
		err := r.each(func(_ int, events []source.Event, wrong *source.RowError) error {
			for _, e := range events {
				ids = append(ids, e.ID)
			}
			if wrong != nil {
				bad++
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return ids, bad
	}
	first, bad := read()
	second, _ := read()
	if len(first) != 44 || bad != 2 || len(second) != len(first) || first[0] != second[0] || first[43] != second[43] {
		t.Errorf("%d events and %d bad rows, then %d events", len(first), bad, len(second))
	}
	if got := r.source(); got != "asterisk/pbx1" {
		t.Errorf("the source is %q", got)
	}
}
